//! Webhooks out of order, twice, late, forged; success after the deposit was given up.

use super::harness::{Setup, World, eur, gbp};
use interlock::book::Payment;
use interlock::domain::{AttemptStatus, Money};
use serde_json::json;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

/// One deposit whose webhooks go wrong in one way and whose money arrives all the same.
async fn with_webhooks(country: &str, money: Money, fault: &str) {
    let world = World::new().await;
    let psp = if country == "GB" { "truelayer-gb" } else { "trustly-de" };
    world.mocks.fault(psp, "webhook", fault, None).await;
    let player = world.player(country).await;
    let deposit = world.deposit(&player, money).await;
    world.complete(&deposit, "succeeded").await;
    let credited = || async {
        let payment = world.payment(deposit.id).await;
        (payment.status.as_str() == "succeeded").then_some(())
    };
    world.later("the money is credited", MINUTE, credited).await;
    assert_eq!(world.wallet(&player).await.cash, money.minor);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trustlys_duplicated_webhooks_credit_once() {
    with_webhooks("DE", eur(700), "webhook_duplicate").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn truelayers_duplicated_webhooks_credit_once() {
    with_webhooks("GB", gbp(700), "webhook_duplicate").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trustlys_reordered_webhooks_credit_once() {
    with_webhooks("DE", eur(700), "webhook_reorder").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn truelayers_reordered_webhooks_credit_once() {
    with_webhooks("GB", gbp(700), "webhook_reorder").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_webhook_is_found_by_inquiry() {
    with_webhooks("GB", gbp(700), "webhook_drop").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_lies_about_the_amount_is_only_a_hint_where_it_is_not_proven() {
    with_webhooks("GB", gbp(700), "webhook_wrong_amount").await;
}

/// Beside the money stands what Trustly takes for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_deposit_at_trustly_whose_credit_is_lost_is_found_in_its_ledger() {
    let world = World::new().await;
    world.mocks.fault("trustly-de", "webhook", "webhook_drop", None).await;
    let player = world.player("DE").await;
    let deposit = world.deposit(&player, eur(700)).await;
    world.complete(&deposit, "succeeded").await;
    let credited = || async {
        let payment = world.payment(deposit.id).await;
        (payment.status.as_str() == "succeeded").then_some(())
    };
    world.later("the money is credited", 20 * MINUTE, credited).await;
    assert_eq!(world.wallet(&player).await.cash, 700);
    assert_eq!(world.incidents("attempt.mismatch").await, 0);
    world.close().await;
}

/// The news is there before the answer of the call that it is about.
async fn told_before_the_answer(country: &str, money: Money) {
    let world = World::new().await;
    let psp = if country == "GB" { "truelayer-gb" } else { "trustly-de" };
    world.mocks.fault(psp, "create_deposit", "webhook_before_response", Some(1)).await;
    let player = world.player(country).await;
    let deposit = world.deposit(&player, money).await;
    let credited = || async {
        let payment = world.payment(deposit.id).await;
        (payment.status.as_str() == "succeeded").then_some(payment)
    };
    let done = world.later("the money is credited", MINUTE, credited).await;
    assert_eq!(done.attempts.len(), 1);
    assert_eq!(world.wallet(&player).await.cash, money.minor);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trustlys_webhook_may_come_before_its_own_answer() {
    told_before_the_answer("DE", eur(700)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn truelayers_webhook_may_come_before_its_own_answer() {
    told_before_the_answer("GB", gbp(700)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_and_replayed_webhooks_move_nothing() {
    let world = World::new().await;
    let player = world.player("DE").await;
    let deposit = world.deposit(&player, eur(700)).await;
    world.complete(&deposit, "succeeded").await;
    let done = world.settled(deposit.id, "succeeded").await;
    let reference = world.movement(&done.attempts[0]).await.reference;
    let seen = world.number("select count(*) from inbox").await;
    let records = world.number("select count(*) from record").await;
    let forged = json!({"reference": reference, "times": 3, "bad_signature": true});
    assert_eq!(world.mocks.resend("trustly-de", forged).await, [401, 401, 401]);
    let replayed = json!({"reference": reference, "times": 20});
    assert_eq!(world.mocks.resend("trustly-de", replayed).await, [200; 20]);
    assert_eq!(world.number("select count(*) from inbox").await, seen);
    assert_eq!(world.number("select count(*) from record").await, records);
    assert_eq!(world.wallet(&player).await.cash, 700);
    world.close().await;
}

/// A deposit that nobody has a reason of their own to ask about before tomorrow, and that was paid.
async fn paid_unasked(world: &World, country: &str, money: Money) -> Payment {
    let deposit = world.deposit(&world.player(country).await, money).await;
    let tomorrow = "update attempt set due_at = due_at + interval '1 day' where payment_id = $1";
    let moved = sqlx::query(tomorrow).bind(deposit.id.uuid).execute(&world.rows).await.unwrap();
    assert_eq!(moved.rows_affected(), 1);
    world.complete(&deposit, "succeeded").await;
    deposit
}

/// How often its PSP was asked about it.
async fn inquiries(world: &World, deposit: &Payment) -> i64 {
    let asked = "select count(*) from wire where purpose = 'inquiry' and attempt_id = ";
    world.number(&format!("{asked}'{}'", deposit.attempts[0].id.0)).await
}

/// Sent again an hour after it was signed, it is turned away, and so often an inquiry is made.
#[tokio::test(flavor = "multi_thread")]
async fn a_stale_webhook_is_turned_away_and_makes_one_inquiry_due_at_once() {
    let world = World::new().await;
    world.mocks.fault("truelayer-gb", "webhook", "webhook_drop", None).await;
    let named = paid_unasked(&world, "GB", gbp(700)).await;
    let other = paid_unasked(&world, "GB", gbp(700)).await;
    let reference = world.movement(&named.attempts[0]).await.reference;
    let stale = json!({"reference": reference, "times": 1, "age_s": 3_600});
    assert_eq!(world.mocks.resend("truelayer-gb", stale).await, [401]);
    // Nothing of it is stored; the credit comes from the inquiry that it made due.
    world.settled(named.id, "succeeded").await;
    assert_eq!(world.number("select count(*) from inbox").await, 0);
    assert_eq!(inquiries(&world, &named).await, 1, "one inquiry, at once");
    // The control: of the other deposit no message came, and nobody has asked about it.
    assert_eq!(world.payment(other.id).await.status.as_str(), "action_required");
    assert_eq!(inquiries(&world, &other).await, 0);
    let reference = world.movement(&other.attempts[0]).await.reference;
    let stale = json!({"reference": reference, "times": 1, "age_s": 3_600});
    assert_eq!(world.mocks.resend("truelayer-gb", stale).await, [401]);
    world.settled(other.id, "succeeded").await;
    world.close().await;
}

/// All that came by itself was lost, so that only what the test sends can have credited it.
#[tokio::test(flavor = "multi_thread")]
async fn a_forged_webhook_moves_nothing_and_the_honest_one_after_it_credits() {
    let world = World::new().await;
    world.mocks.fault("trustly-de", "webhook", "webhook_drop", None).await;
    let deposit = paid_unasked(&world, "DE", eur(700)).await;
    let reference = world.movement(&deposit.attempts[0]).await.reference;
    let forged = json!({"reference": reference, "times": 3, "bad_signature": true});
    assert_eq!(world.mocks.resend("trustly-de", forged).await, [401, 401, 401]);
    assert_eq!(world.number("select count(*) from inbox").await, 0, "nothing of it is stored");
    assert_eq!(world.payment(deposit.id).await.status.as_str(), "action_required");
    let honest = json!({"reference": reference, "times": 1});
    assert_eq!(world.mocks.resend("trustly-de", honest).await, [200]);
    world.settled(deposit.id, "succeeded").await;
    assert_eq!(world.wallet(&deposit.player).await.cash, 700);
    assert_eq!(inquiries(&world, &deposit).await, 0, "the webhook alone credits it");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proven_webhook_about_other_money_goes_to_suspense() {
    let liars = vec!["trustly-de"];
    let world = World::with(Setup { liars, ..Setup::default() }).await;
    world.mocks.fault("trustly-de", "webhook", "webhook_wrong_amount", None).await;
    let player = world.player("DE").await;
    let deposit = world.deposit(&player, eur(700)).await;
    world.complete(&deposit, "succeeded").await;
    let held = world.settled(deposit.id, "in_review").await;
    assert_ne!(held.received, Some(eur(700)));
    assert_eq!(held.credited, None);
    assert_eq!(world.wallet(&player).await.cash, 0);
    assert_eq!(world.incidents("deposit.other_amount").await, 1);
    world.close().await;
}

/// A deposit that was given up, by `give_up`, is paid after all.
async fn paid_after(world: &World, given_up: Payment) -> Payment {
    let player = given_up.player.clone();
    assert_eq!(world.wallet(&player).await.cash, 0);
    world.complete(&given_up, "succeeded").await;
    let done = world.settled(given_up.id, "succeeded").await;
    assert_eq!(world.wallet(&player).await.cash, given_up.money.minor);
    assert_eq!(done.attempts[0].status, AttemptStatus::Succeeded);
    done
}

#[tokio::test(flavor = "multi_thread")]
async fn a_success_after_the_deposit_was_cancelled_is_adopted() {
    let world = World::new().await;
    let player = world.player("DE").await;
    let deposit = world.deposit(&player, eur(700)).await;
    let cancelled = world.one().cancel(&deposit).await.unwrap();
    assert_eq!(cancelled.status.as_str(), "cancelled");
    paid_after(&world, cancelled).await;
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_success_after_the_session_expired_is_adopted() {
    let world = World::new().await;
    let player = world.player("DE").await;
    let deposit = world.deposit(&player, eur(700)).await;
    let expired = || async {
        let payment = world.payment(deposit.id).await;
        (payment.status.as_str() == "expired").then_some(payment)
    };
    let expired = world.later("the session is over", MINUTE * 31, expired).await;
    paid_after(&world, expired).await;
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_success_after_a_decline_is_adopted() {
    let world = World::new().await;
    world.mocks.fault("truelayer-gb", "create_deposit", "success_after_decline", Some(1)).await;
    let player = world.player("GB").await;
    let deposit = world.deposit(&player, gbp(700)).await;
    world.settled(deposit.id, "succeeded").await;
    let given_up =
        "select count(*) from transition where subject = 'payment' and to_status = 'failed'";
    assert_eq!(world.number(given_up).await, 1, "it was given up before");
    assert_eq!(world.wallet(&player).await.cash, 700);
    world.close().await;
}

/// A cancelled session is closed at the PSP where the PSP can do that.
#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_deposit_is_cancelled_at_the_psp_too() {
    let world = World::new().await;
    let player = world.player("GB").await;
    let deposit = world.deposit(&player, gbp(700)).await;
    world.one().cancel(&deposit).await.unwrap();
    let attempt = &deposit.attempts[0];
    let closed = || async {
        let movement = world.mocks.movement_of(&attempt.psp, attempt.id.0).await?;
        (movement.status == "cancelled").then_some(())
    };
    super::harness::eventually("TrueLayer cancelled it", MINUTE, closed).await;
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verified_event_that_is_nobodys_is_kept_and_raised() {
    let world = World::with(Setup { liars: vec!["trustly-de"], ..Setup::default() }).await;
    let player = world.player("DE").await;
    let deposit = world.deposit(&player, eur(700)).await;
    let attempt = deposit.attempts[0].id.0;
    // As if it had never been ours: another id, and another order at the PSP.
    let forget = "update attempt set attempt_id = gen_random_uuid(), psp_reference = 'x'
                  where attempt_id = $1";
    sqlx::query(forget).bind(attempt).execute(&world.rows).await.unwrap();
    let reference = world.mocks.movement_of("trustly-de", attempt).await.unwrap().reference;
    world.mocks.complete("trustly-de", &reference, json!({"outcome": "succeeded"})).await;
    let raised = || async { (world.incidents("webhook.unmatched").await > 0).then_some(()) };
    super::harness::eventually("an incident", MINUTE, raised).await;
    assert!(world.number("select count(*) from inbox where state = 'parked'").await > 0);
    let back = "update attempt set attempt_id = $1";
    sqlx::query(back).bind(attempt).execute(&world.rows).await.unwrap();
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_that_move_nothing_are_done_with_being_stored() {
    let world = World::new().await;
    let player = world.player("GB").await;
    let deposit = world.deposit(&player, gbp(700)).await;
    world.complete(&deposit, "succeeded").await;
    world.settled(deposit.id, "succeeded").await;
    // What stands for nothing is kept without its content in our words, of the attempt it names.
    let spent = "select kind from inbox where event::text = 'null' and state = 'done'
                 and due_at is null and attempt_id is not null order by kind";
    assert_eq!(world.texts(spent).await, ["payment_authorized", "payment_executed"]);
    // Control: what moved the money was stored to be applied.
    let applied = "select kind from inbox where event::text <> 'null'";
    assert_eq!(world.texts(applied).await, ["payment_settled"]);
    world.close().await;
}
