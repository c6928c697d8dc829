//! Deposits that were sent back and come back from their source: the PSP tells it under the deposit's
//! own name, as it told of the deposit.

use super::harness::{SOON, World, claim, eur, eventually, key, person};
use super::taken_back::{approve, by_word, open_return, tell};
use interlock::book::Payment;
use interlock::decide::Answer;
use interlock::decide::command::{OpenReturn, Source};
use interlock::payments::return_deposit::return_deposit;
use interlock::payments::review_payment::ReviewAct;
use interlock::webhooks::process::process;
use psp_adapters::WebhookEvent;
use psp_contract::{AttemptRef, Report, Status};
use serde_json::json;

const PSP: &str = "trustly-de";

async fn credited(world: &World) -> Payment {
    let player = world.player("DE").await;
    let deposit = world.deposit(&player, eur(700)).await;
    assert_eq!(deposit.attempts[0].psp, PSP);
    world.complete(&deposit, "succeeded").await;
    world.settled(deposit.id, "succeeded").await
}

/// Two people send it back.
async fn sent_back(world: &World, deposit: &Payment) -> Payment {
    let order = OpenReturn {
        claim: claim("returns", &key()),
        deposit: deposit.id.uuid,
        amount: None,
        reason: "the player asked for it".to_owned(),
        person: person("ann"),
    };
    let (flows, owner) = (world.one().flows.clone(), deposit.player.clone());
    let opening = async move { return_deposit(&flows, &owner, order).await };
    let Answer::Payment(back) = world.one().run(opening).await.unwrap() else {
        panic!("no return was opened")
    };
    let review = world.reviews(&back).await.pop().unwrap();
    let act = ReviewAct::Approve { proposal: review.open_proposal().unwrap().id };
    world.one().review((&review, &back), act, "bob").await.unwrap();
    world.settled(back.id, "paid").await
}

/// The bank of whom it was sent to sends it back again, and only the PSP's message tells of it.
pub async fn bounces(world: &World) {
    world.mocks.fault(PSP, "query", "http_503", None).await;
    let movements = world.mocks.movements(PSP).await;
    let refund = movements.iter().find(|movement| movement.kind == "refund").unwrap();
    world.mocks.complete(PSP, &refund.reference, json!({"outcome": "returned"})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_return_that_bounces_after_it_was_paid_is_the_players_again() {
    let world = World::new().await;
    let deposit = credited(&world).await;
    let back = sent_back(&world, &deposit).await;
    assert_eq!(world.wallet(&deposit.player).await.cash, 0);
    bounces(&world).await;
    world.settled(back.id, "returned").await;
    assert_eq!(world.wallet(&deposit.player).await.cash, 700);
    assert_eq!(world.incidents("webhook.unclear").await, 0);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deposits_own_credit_that_is_told_again_does_not_undo_its_return() {
    let world = World::new().await;
    let deposit = credited(&world).await;
    let back = sent_back(&world, &deposit).await;
    // As if we had died between its effect and the mark that it was done.
    let again = "update inbox set state = 'new', due_at = now() where kind = 'credit'";
    assert_eq!(sqlx::query(again).execute(&world.rows).await.unwrap().rows_affected(), 1);
    let done = "select count(*) from inbox where kind = 'credit' and state = 'done' and tries = 1";
    let done = || async { (0 < world.number(done).await).then_some(()) };
    world.later("it was applied again", std::time::Duration::from_secs(5), done).await;
    assert_eq!(world.payment(back.id).await.status.as_str(), "paid");
    assert_eq!(world.wallet(&deposit.player).await.cash, 0);
    assert_eq!(world.incidents("webhook.unclear").await, 0);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn money_that_comes_again_for_a_deposit_that_nobody_sent_back_is_for_people() {
    let world = World::new().await;
    let deposit = credited(&world).await;
    let attempt = &deposit.attempts[0];
    let money = eur(700);
    let order = attempt.psp_reference.as_deref();
    let credit = WebhookEvent {
        event_id: key(),
        kind: "credit".to_owned(),
        attempt: Some(AttemptRef::new(attempt.id.0)),
        psp_reference: attempt.psp_reference.clone(),
        subject: None,
        report: Some(Report::new(order, Status::Returned { money })),
        if_deposit: Some(Report::new(order, Status::Succeeded { money })),
        payin: None,
        occurred_at: Some(world.one().flows.clock.now() + time::Duration::DAY),
        hint_only: false,
        untold: None,
    };
    let flows = world.one().flows.clone();
    world.one().run(async move { process(&flows, PSP, &credit).await }).await;
    assert_eq!(world.incidents("webhook.unclear").await, 1);
    assert_eq!(world.wallet(&deposit.player).await.cash, 700);
    world.close().await;
}

/// Two people send so much of it back; its PSP has it, and has told of no end.
async fn under_way(world: &World, deposit: &Payment, minor: i64) -> Payment {
    let back = open_return(world, deposit, Some(eur(minor))).await;
    approve(world, &back).await;
    let accepted = || async {
        let back = world.payment(back.id).await;
        back.attempts.iter().any(|it| it.status.as_str() == "accepted").then_some(back)
    };
    eventually("its PSP has it", SOON, accepted).await
}

/// The PSP pays its refund of so much, and its message alone tells.
async fn is_paid_out(world: &World, minor: i64) {
    let movements = world.mocks.movements(PSP).await;
    let mut refunds = movements.iter().filter(|it| it.kind == "refund" && it.status == "pending");
    let refund = refunds.find(|refund| refund.minor == minor).unwrap();
    world.mocks.complete(PSP, &refund.reference, json!({"outcome": "succeeded"})).await;
}

/// Trustly's refunds have no id of their own: all of a deposit's are told of by its order.
async fn two_under_way(first: i64, second: i64) -> (World, Payment, Payment) {
    let world = World::new().await;
    let deposit = credited(&world).await;
    world.mocks.auto(PSP, None, "succeeded").await;
    world.mocks.fault(PSP, "query", "http_503", None).await;
    let first = under_way(&world, &deposit, first).await;
    let second = under_way(&world, &deposit, second).await;
    (world, first, second)
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_returns_of_a_deposit_the_one_of_the_amount_is_paid() {
    let (world, first, second) = two_under_way(300, 400).await;
    is_paid_out(&world, 300).await;
    world.settled(first.id, "paid").await;
    assert_eq!(world.payment(second.id).await.status.as_str(), "processing");
    is_paid_out(&world, 400).await;
    world.settled(second.id, "paid").await;
    assert_eq!(world.number("select count(*) from incident").await, 0);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn which_of_two_returns_alike_was_paid_is_for_people() {
    let (world, first, second) = two_under_way(300, 300).await;
    is_paid_out(&world, 300).await;
    let told = || async { (world.incidents("webhook.unclear").await == 1).then_some(()) };
    eventually("people are told", SOON, told).await;
    let tied =
        "select count(*) from inbox i join attempt a using (attempt_id) where state = 'parked'";
    assert_eq!(world.number(tied).await, 1, "an erasure finds it");
    for back in [&first, &second] {
        assert_eq!(world.payment(back.id).await.status.as_str(), "processing");
    }
    // Once both are, it makes no difference, and the PSP says so when it is asked.
    is_paid_out(&world, 300).await;
    world.mocks.clear_faults(PSP).await;
    let paid = || async {
        let (first, second) = (world.payment(first.id).await, world.payment(second.id).await);
        [first, second].iter().all(|it| it.status.as_str() == "paid").then_some(())
    };
    world.later("both are paid", std::time::Duration::from_secs(20 * 60), paid).await;
    world.close().await;
}

/// What did not come back stays with the payer.
#[tokio::test(flavor = "multi_thread")]
async fn of_a_return_that_bounced_in_part_the_rest_counts_as_sent() {
    let world = by_word().await;
    let deposit = credited(&world).await;
    let back = open_return(&world, &deposit, Some(eur(600))).await;
    approve(&world, &back).await;
    let back = world.settled(back.id, "paid").await;
    let bounced = Status::Returned { money: eur(400) };
    tell(&world, &back, &back.attempts[0], bounced, Source::Webhook { hint: false }).await;
    assert_eq!(world.wallet(&deposit.player).await.cash, 500);
    let order = |minor| OpenReturn {
        claim: claim("returns", &key()),
        deposit: deposit.id.uuid,
        amount: Some(eur(minor)),
        reason: "the player asked for it".to_owned(),
        person: person("ann"),
    };
    let ask = async |minor| {
        let (flows, owner, order) =
            (world.one().flows.clone(), deposit.player.clone(), order(minor));
        world.one().run(async move { return_deposit(&flows, &owner, order).await }).await
    };
    assert!(ask(501).await.is_err(), "two of seven are with the payer");
    assert!(matches!(ask(500).await, Ok(Answer::Payment(_))));
    world.close().await;
}
