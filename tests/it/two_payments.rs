//! Deposits that two PSPs were paid for, or one after the other: each payment goes one way, once.

use super::bounced_payouts::submit;
use super::bounced_returns::bounces;
use super::harness::{SOON, Setup, World, eur, eventually};
use super::second_success::return_of;
use super::taken_back::{WEBHOOK, by_word, reversed, succeeded, tell};
use interlock::book::Payment;
use interlock::decide::command::PlayerChecks;
use interlock::decide::completion::KnownBefore;
use interlock::decide::{Answer, Command};
use interlock::domain::{AttemptStatus, PaymentId, Player, PlayerStatus};
use serde_json::json;
use std::collections::BTreeSet;

/// A deposit whose player was frozen before its money came: it waits in suspense.
async fn frozen(world: &World, is_lost: bool) -> Payment {
    let player = world.player("DE").await;
    if is_lost {
        world.mocks.fault("trustly-de", "create_deposit", "timeout_after_accept", Some(1)).await;
    }
    let deposit = world.deposit(&player, eur(700)).await;
    let known = world.read_player(&player).await;
    world.change_player(Player { status: PlayerStatus::Frozen, ..known }).await;
    world.complete(&deposit, "succeeded").await;
    world.settled(deposit.id, "in_review").await
}

async fn active(world: &World, deposit: &Payment) {
    let known = world.read_player(&deposit.player).await;
    world.change_player(Player { status: PlayerStatus::Active, ..known }).await;
}

/// Both PSPs are paid; the deposit, and the return of the second payment.
async fn both_paid(world: &World) -> (Payment, Payment) {
    let deposit = frozen(world, true).await;
    let lost = world.movement(&deposit.attempts[0]).await;
    world.mocks.complete("trustly-de", &lost.reference, json!({"outcome": "succeeded"})).await;
    let deposit = world.attempt_is(deposit.id, 1, AttemptStatus::Succeeded).await;
    let back = return_of(world, &deposit).await;
    (deposit, back)
}

/// Both PSPs are paid, and the return of the second payment is rejected: both wait.
async fn both_wait(world: &World) -> Payment {
    let (deposit, back) = both_paid(world).await;
    world.two_people(&back, "reject").await;
    active(world, &deposit).await;
    assert_eq!(world.payment(deposit.id).await.suspended, Some(eur(1_400)));
    deposit
}

/// The returns of a deposit that were paid: by which PSP, and how much.
async fn sent_back(world: &World, deposit: &Payment, expected: usize) -> BTreeSet<(String, i64)> {
    let sql = "select payment_id from payment where of_deposit = $1 and status <> 'rejected'";
    let ids: Vec<uuid::Uuid> =
        sqlx::query_scalar(sql).bind(deposit.id.uuid).fetch_all(&world.rows).await.unwrap();
    assert_eq!(ids.len(), expected);
    let mut told = BTreeSet::new();
    for id in ids {
        let back = world.settled(PaymentId::withdrawal(id), "paid").await;
        told.insert((back.returns.unwrap().psp, back.money.minor));
    }
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_payments_that_wait_in_suspense_one_is_credited_and_the_other_goes_back() {
    let world = World::new().await;
    let deposit = both_wait(&world).await;
    world.two_people(&deposit, "approve").await;
    let credited = world.payment(deposit.id).await;
    assert_eq!(credited.status.as_str(), "succeeded");
    assert_eq!((credited.credited, credited.suspended), (Some(eur(700)), Some(eur(700))));
    assert_eq!(world.wallet(&deposit.player).await.cash, 700);
    world.two_people(&deposit, "return").await;
    let back = sent_back(&world, &deposit, 1).await;
    assert_eq!(back, BTreeSet::from([("trustly-de".to_owned(), 700)]), "the second payment");
    assert_eq!(world.house_balance("suspense").await, 0);
    assert_eq!(world.wallet(&deposit.player).await.cash, 700);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_payments_that_wait_in_suspense_go_back_each_to_its_own_psp() {
    let world = World::new().await;
    let deposit = both_wait(&world).await;
    world.two_people(&deposit, "return").await;
    let first = sent_back(&world, &deposit, 1).await;
    assert_eq!(first, BTreeSet::from([("trustly-de".to_owned(), 700)]));
    assert_eq!(world.payment(deposit.id).await.suspended, Some(eur(700)));
    world.two_people(&deposit, "return").await;
    let both = sent_back(&world, &deposit, 2).await;
    let each = ["trustly-de", "truelayer-de"].map(|psp| (psp.to_owned(), 700));
    assert_eq!(both, BTreeSet::from(each));
    assert_eq!(world.payment(deposit.id).await.status.as_str(), "returned");
    assert_eq!(world.house_balance("suspense").await, 0);
    world.close().await;
}

/// The return of the second payment is open already, as it is by itself.
#[tokio::test(flavor = "multi_thread")]
async fn beside_the_open_return_of_a_second_payment_the_first_one_goes_back() {
    let world = World::new().await;
    let (deposit, second) = both_paid(&world).await;
    assert_eq!(second.returns.as_ref().unwrap().psp, "trustly-de");
    active(&world, &deposit).await;
    assert_eq!(world.payment(deposit.id).await.suspended, Some(eur(700)));
    world.two_people(&deposit, "return").await;
    world.settled(deposit.id, "returned").await;
    world.two_people(&second, "approve").await;
    let both = sent_back(&world, &deposit, 2).await;
    let each = ["trustly-de", "truelayer-de"].map(|psp| (psp.to_owned(), 700));
    assert_eq!(both, BTreeSet::from(each));
    assert_eq!(world.house_balance("suspense").await, 0);
    world.close().await;
}

/// What went back and came again belongs to a deposit that is over: it can only go back once more.
#[tokio::test(flavor = "multi_thread")]
async fn what_comes_again_of_a_deposit_that_went_back_is_credited_to_nobody() {
    let world = World::new().await;
    let deposit = frozen(&world, false).await;
    active(&world, &deposit).await;
    world.two_people(&deposit, "return").await;
    sent_back(&world, &deposit, 1).await;
    world.settled(deposit.id, "returned").await;
    bounces(&world).await;
    let back = return_of(&world, &deposit).await;
    world.settled(back.id, "returned").await;
    assert_eq!(world.payment(deposit.id).await.suspended, Some(eur(700)));
    let refused = world.try_two_people(&deposit, "approve").await.unwrap_err();
    assert!(format!("{refused:?}").contains("OutcomeImpossible"), "{refused:?}");
    assert_eq!(world.wallet(&deposit.player).await.cash, 0);
    world.mocks.clear_faults("trustly-de").await;
    world.two_people(&deposit, "return").await;
    assert_eq!(world.house_balance("suspense").await, 0);
    world.close().await;
}

/// However it came to be due.
#[tokio::test(flavor = "multi_thread")]
async fn a_deposit_that_is_paid_asks_no_other_psp_for_money() {
    let world = World::with(Setup { workers: false, ..Setup::default() }).await;
    world.mocks.fault("trustly-de", "create_deposit", "timeout_after_accept", Some(1)).await;
    let player = world.player("DE").await;
    let deposit = world.deposit(&player, eur(700)).await;
    world.complete(&deposit, "succeeded").await;
    world.settled(deposit.id, "succeeded").await;
    let first = deposit.attempts[0].id;
    for (status, completion) in [("prepared", "null"), ("accepted", "'wanted'")] {
        let due = format!(
            "update attempt set status = '{status}', completion = {completion}, psp_reference = 'x',
               cancel = 'asked', due_at = first_sent_at, ended_at = null, lease_until = null,
               lease_holder = null where attempt_id = '{}'",
            first.0
        );
        sqlx::raw_sql(sqlx::AssertSqlSafe(due)).execute(&world.rows).await.unwrap();
        let payment = deposit.id.uuid;
        let version = Some(world.read_player(&player).await.version);
        let checks = PlayerChecks { version, ..PlayerChecks::default() };
        let known = Some(Box::new(KnownBefore { began: None, checks }));
        let take = Command::TakeAttempt { payment, attempt: first, known };
        let answer = submit(&world, &deposit, take).await;
        assert!(matches!(answer, Answer::Applied { next: None, .. }), "{status}: {answer:?}");
        let after = world.payment(deposit.id).await;
        assert_eq!(after.attempts[0].status, AttemptStatus::Cancelled, "{status}");
        assert_eq!(after.status.as_str(), "succeeded", "{status}");
    }
    world.leave_open();
}

/// Both payments wait in suspense, the second for two people to let it go, when its payer's bank takes it: what waits there
/// is the first payer's.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_payment_that_its_bank_took_is_not_sent_back_with_the_firsts_money() {
    let world = World::new().await;
    let (deposit, back) = both_paid(&world).await;
    let second = world.movement(&deposit.attempts[0]).await;
    world.mocks.complete("trustly-de", &second.reference, json!({"outcome": "charged_back"})).await;
    let taken = AttemptStatus::Reversed;
    let deposit = world.attempt_is(deposit.id, 1, taken).await;
    assert_eq!(deposit.suspended, None, "what it held is its open return's");
    let refused = world.try_two_people_of(&back, "return", "approve").await.unwrap_err();
    assert!(refused.to_string().contains("reject its return"), "{refused}");
    world.two_people(&back, "reject").await;
    assert_eq!(world.payment(deposit.id).await.suspended, Some(eur(700)), "the first payer's");
    world.close().await;
}

/// A part of the second payment is taken back before anybody tells that it was made: the rest is in no book, and when
/// the success is told at last people hear of it, once.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_of_a_second_payment_that_was_taken_back_untold_is_shown() {
    let world = by_word().await;
    world.mocks.fault("trustly-de", "create_deposit", "timeout_after_accept", Some(1)).await;
    let player = world.player("DE").await;
    let deposit = world.deposit(&player, eur(700)).await;
    world.complete(&deposit, "succeeded").await;
    let deposit = world.settled(deposit.id, "succeeded").await;
    let second = deposit.attempts[0].clone();
    tell(&world, &deposit, &second, reversed(300), WEBHOOK).await;
    let before = world.incidents("deposit.other_amount").await;
    for _ in 0..2 {
        tell(&world, &deposit, &second, succeeded(700), WEBHOOK).await;
        assert_eq!(world.incidents("deposit.other_amount").await, before + 1);
    }
    assert_eq!(world.wallet(&player).await.cash, 700);
    assert_eq!(world.house_balance("suspense").await, 0);
    world.close().await;
}

/// The first payment is on its way back when the second one is credited in its place: that credit stands.
#[tokio::test(flavor = "multi_thread")]
async fn the_first_payments_return_takes_no_credit_of_the_second_one_away() {
    let world = by_word().await;
    let (deposit, second) = both_paid(&world).await;
    active(&world, &deposit).await;
    // What of the first is in suspense is sent back; its PSP has it, and pays it when the test says so.
    world.mocks.auto("truelayer-de", None, "succeeded").await;
    world.two_people(&deposit, "return").await;
    let taken = "select payment_id::text from attempt join payment using (payment_id)
                 where of_deposit is not null and attempt.status = 'accepted'";
    let has_it = || async { world.texts(taken).await.pop() };
    let sent = eventually("its PSP has the return", SOON, has_it).await;
    world.two_people(&second, "reject").await;
    world.two_people(&deposit, "approve").await;
    assert_eq!(world.payment(deposit.id).await.status.as_str(), "succeeded");
    let sent = PaymentId::withdrawal(sent.parse().unwrap());
    world.complete(&world.payment(sent).await, "succeeded").await;
    let first = sent_back(&world, &deposit, 1).await;
    assert_eq!(first, BTreeSet::from([("truelayer-de".to_owned(), 700)]));
    assert_eq!(world.payment(deposit.id).await.status.as_str(), "succeeded");
    assert_eq!(world.wallet(&deposit.player).await.cash, 700);
    world.close().await;
}
