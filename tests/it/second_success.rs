//! Two PSPs were paid for one deposit, and money that is taken back.

use super::bounced_returns::bounces;
use super::harness::{Setup, World, claim, eur, gbp, key, person, withdrawal_order};
use interlock::book::{GameKind, Payment};
use interlock::decide::Answer;
use interlock::decide::command::OpenReturn;
use interlock::domain::{AttemptStatus, PaymentId, PlayerKey};
use interlock::payments::request_withdrawal::RequestError;
use interlock::payments::return_deposit::return_deposit;
use interlock::payments::review_payment::ReviewAct;
use serde_json::json;
use std::time::Duration;

/// A deposit that two PSPs were paid for: Trustly's answer was lost, TrueLayer took over.
pub async fn paid_twice(world: &World, player: &PlayerKey) -> Payment {
    world.mocks.fault("trustly-de", "create_deposit", "timeout_after_accept", Some(1)).await;
    let deposit = world.deposit(player, eur(700)).await;
    assert_eq!(deposit.attempts[0].status, AttemptStatus::Abandoned);
    assert_eq!(deposit.attempts[1].status, AttemptStatus::Accepted);
    world.complete(&deposit, "succeeded").await;
    world.settled(deposit.id, "succeeded").await;
    let first = &deposit.attempts[0];
    let lost = world.movement(first).await;
    world.mocks.complete(&first.psp, &lost.reference, json!({"outcome": "succeeded"})).await;
    world.attempt_is(deposit.id, 1, AttemptStatus::Succeeded).await
}

pub async fn return_of(world: &World, deposit: &Payment) -> Payment {
    let sql = "select payment_id from payment where of_deposit = $1";
    let found = sqlx::query_scalar(sql).bind(deposit.id.uuid).fetch_one(&world.rows).await;
    world.payment(PaymentId::withdrawal(found.unwrap())).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_success_is_suspended_raised_and_sent_back_by_two_people() {
    let world = World::new().await;
    let player = world.player("DE").await;
    let deposit = paid_twice(&world, &player).await;
    assert_eq!(world.wallet(&player).await.cash, 700, "one credit");
    assert_eq!(world.incidents("deposit.second_success").await, 1);
    let back = return_of(&world, &deposit).await;
    assert_eq!((back.status.as_str(), back.money), ("in_review", eur(700)));
    world.two_people(&back, "approve").await;
    world.settled(back.id, "paid").await;
    let deposit = world.payment(deposit.id).await;
    assert_eq!(deposit.status.as_str(), "succeeded", "the first payment stands");
    assert_eq!(world.wallet(&player).await.cash, 700);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_return_that_two_people_reject_leaves_the_money_in_suspense() {
    let world = World::new().await;
    let player = world.player("DE").await;
    let deposit = paid_twice(&world, &player).await;
    let back = return_of(&world, &deposit).await;
    world.two_people(&back, "reject").await;
    world.settled(back.id, "rejected").await;
    assert_eq!(world.house_balance("suspense").await, 700);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_return_that_does_not_reach_the_psp_leaves_the_money_in_suspense() {
    let world = World::new().await;
    let player = world.player("DE").await;
    let deposit = paid_twice(&world, &player).await;
    let back = return_of(&world, &deposit).await;
    world.mocks.listener("trustly-de", false).await;
    world.two_people(&back, "approve").await;
    world.settled(back.id, "failed").await;
    world.mocks.listener("trustly-de", true).await;
    assert_eq!(world.house_balance("suspense").await, 700);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_return_that_bounces_leaves_the_money_in_suspense() {
    let world = World::new().await;
    let player = world.player("DE").await;
    let deposit = paid_twice(&world, &player).await;
    let back = return_of(&world, &deposit).await;
    world.two_people(&back, "approve").await;
    world.settled(back.id, "paid").await;
    assert_eq!(world.house_balance("suspense").await, 0);
    bounces(&world).await;
    world.settled(back.id, "returned").await;
    assert_eq!(world.house_balance("suspense").await, 700);
    assert_eq!(world.wallet(&player).await.cash, 700);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_success_that_is_charged_back_does_not_touch_the_wallet() {
    let world = World::new().await;
    let player = world.player("DE").await;
    let deposit = paid_twice(&world, &player).await;
    let second = &deposit.attempts[0];
    let movement = world.movement(second).await;
    let reversed = json!({"outcome": "charged_back"});
    world.mocks.complete(&second.psp, &movement.reference, reversed).await;
    let deposit = world.attempt_is(deposit.id, 1, AttemptStatus::Reversed).await;
    assert_eq!(deposit.status.as_str(), "succeeded", "the first payment stands");
    assert_eq!(world.wallet(&player).await.cash, 700);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_charged_back_deposit_takes_cash_first_and_the_rest_is_owed() {
    let world = World::new().await;
    let player = world.player("DE").await;
    let deposit = world.deposit(&player, eur(700)).await;
    world.complete(&deposit, "succeeded").await;
    world.settled(deposit.id, "succeeded").await;
    world.play(&player, GameKind::Stake, eur(500)).await;
    world.complete(&deposit, "charged_back").await;
    world.settled(deposit.id, "reversed").await;
    let wallet = world.wallet(&player).await;
    assert_eq!((wallet.cash, wallet.owed), (0, 500));
    let refused = world.one().try_withdraw(withdrawal_order(&player, eur(100))).await.unwrap_err();
    assert!(matches!(refused, RequestError::Owed(owed) if owed == eur(500)), "{refused:?}");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reversed_truelayer_deposit_is_taken_back_once() {
    let world = World::new().await;
    let player = world.player("GB").await;
    let deposit = world.deposit(&player, gbp(700)).await;
    world.complete(&deposit, "succeeded").await;
    world.settled(deposit.id, "succeeded").await;
    world.complete(&deposit, "charged_back").await;
    world.settled(deposit.id, "reversed").await;
    assert_eq!(world.wallet(&player).await.cash, 0);
    let done = "select count(*) from inbox where kind = 'payment_reversed' and state = 'done'";
    let done = || async { (world.number(done).await == 1).then_some(()) };
    world.later("the message is done", Duration::from_secs(60), done).await;
    assert_eq!(world.incidents("webhook.parked").await, 0);
    world.close().await;
}

/// The webhook says that the bank took the money back, and whoever asks is told that the payment is settled.
#[tokio::test(flavor = "multi_thread")]
async fn a_reversal_that_no_answer_shows_is_asked_about_for_an_hour_and_then_for_people() {
    // Its books have what nobody is told who asks, so ours must differ from them.
    let world = World::with(Setup { liars: vec!["truelayer-gb"], ..Setup::default() }).await;
    let player = world.player("GB").await;
    let deposit = world.deposit(&player, gbp(700)).await;
    world.complete(&deposit, "succeeded").await;
    world.settled(deposit.id, "succeeded").await;
    let movement = world.movement(&deposit.attempts[0]).await;
    let silent = json!({"outcome": "charged_back", "code": "not_shown"});
    world.mocks.complete(&deposit.attempts[0].psp, &movement.reference, silent).await;
    let tried = "select count(*) from inbox where kind = 'payment_reversed' and state = 'new'
                 and 1 < tries";
    let tried = || async { (world.number(tried).await == 1).then_some(()) };
    world.later("it is asked about again", Duration::from_secs(10), tried).await;
    assert_eq!(world.incidents("webhook.parked").await, 0, "an answer may be behind a message");
    let told = || async { (world.incidents("webhook.parked").await == 1).then_some(()) };
    world.later("people hear of it", Duration::from_secs(4_100), told).await;
    let tied = format!(
        "select count(*) from inbox where state = 'parked' and attempt_id = '{}'",
        deposit.attempts[0].id.0
    );
    assert_eq!(world.number(&tied).await, 1, "an erasure finds it");
    assert_eq!(world.payment(deposit.id).await.status.as_str(), "succeeded", "nothing is booked");
    world.close().await;
}

/// Of two payments, the credited one goes back from the wallet, at the PSP that took it.
#[tokio::test(flavor = "multi_thread")]
async fn a_return_of_a_deposit_that_was_paid_twice_aims_at_the_credited_payment() {
    let world = World::new().await;
    let player = world.player("DE").await;
    let deposit = paid_twice(&world, &player).await;
    let surplus = return_of(&world, &deposit).await;
    let order = OpenReturn {
        claim: claim("returns", &key()),
        deposit: deposit.id.uuid,
        amount: None,
        reason: "the player asked for it".to_owned(),
        person: person("ann"),
    };
    let (flows, owner) = (world.one().flows.clone(), player.clone());
    let opening = async move { return_deposit(&flows, &owner, order).await };
    let opened = world.one().run(opening).await;
    let Answer::Payment(back) = opened.unwrap() else { panic!("no return was opened") };
    let aims = |payment: &Payment| {
        let returns = payment.returns.clone().unwrap();
        (returns.psp, returns.attempt.unwrap(), returns.from_suspense)
    };
    let [first, second] = &deposit.attempts[..] else { panic!("two attempts") };
    assert_eq!(aims(&surplus), ("trustly-de".to_owned(), first.id, true));
    assert_eq!(aims(&back), ("truelayer-de".to_owned(), second.id, false));
    let review = world.reviews(&back).await.pop().unwrap();
    let proposal = review.open_proposal().unwrap().id;
    let act = ReviewAct::Approve { proposal };
    world.one().review((&review, &back), act, "bob").await.unwrap();
    world.settled(back.id, "paid").await;
    let deposit = world.payment(deposit.id).await;
    assert_eq!(deposit.status.as_str(), "returned");
    let statuses: Vec<AttemptStatus> = deposit.attempts.iter().map(|a| a.status).collect();
    assert_eq!(statuses, [AttemptStatus::Succeeded, AttemptStatus::Returned]);
    assert_eq!(world.wallet(&player).await.cash, 0);
    world.close().await;
}
