//! Payouts that something overtook: their own late success, another instance, a new configuration, what
//! their PSP said since people were asked. None is paid twice, and none is stuck.

use super::bounced_payouts::{by_hand, refused, send, sent, submit, succeeded, taken, tell};
use super::harness::{Setup, World, eur, gbp};
use interlock::book::{Attempt, Payment};
use interlock::decide::command::{Source, Task};
use interlock::decide::{Answer, Command, Refusal};
use interlock::domain::AttemptStatus;
use interlock::lane::SubmitError;
use interlock::payments::resolve_unknown::resolve_unknown;
use interlock::payments::review_payment::ReviewAct;
use interlock::payments::send_payout::send_payout;
use psp_contract::{NotSent, Outcome, Unknown};
use serde_json::json;
use sqlx::AssertSqlSafe;
use std::time::Duration;

const WEBHOOK: Source = Source::Webhook { hint: false };
const HOUR: Duration = Duration::from_secs(3_600);

/// A worker looks at the attempt of this number.
async fn take(world: &World, payment: &Payment, number: i16) -> Answer {
    let known = world.payment(payment.id).await;
    let attempt = known.attempts.iter().find(|attempt| attempt.number == number).unwrap().id;
    let take = Command::TakeAttempt { payment: payment.id.uuid, attempt, known: None };
    submit(world, payment, take).await
}

/// The answer was lost an hour ago, and two people are asked.
async fn unknown(world: &World) -> Payment {
    let sent = sent(world).await;
    let lost = Outcome::Unknown(Unknown::ReadTimeout);
    tell(world, &sent, (1, Source::Call), lost).await;
    world.move_on(HOUR).await;
    take(world, &sent, 1).await;
    assert_eq!(world.reviews(&sent).await.len(), 1);
    world.payment(sent.id).await
}

/// Two people called the first attempt unpaid, and a worker is to send the second.
async fn to_be_sent_again(world: &World) -> Payment {
    let unknown = unknown(world).await;
    world.two_people(&unknown, "resolve_unpaid").await;
    let again = world.payment(unknown.id).await;
    assert_eq!(statuses(&again), [AttemptStatus::NotSent, AttemptStatus::Prepared]);
    again
}

fn statuses(payment: &Payment) -> Vec<AttemptStatus> {
    payment.attempts.iter().map(|attempt: &Attempt| attempt.status).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_success_calls_off_the_attempt_that_nobody_has_sent() {
    let world = by_hand().await;
    let again = to_be_sent_again(&world).await;
    let paid = tell(&world, &again, (1, WEBHOOK), succeeded()).await;
    assert_eq!(paid.status.as_str(), "paid");
    assert_eq!(statuses(&paid), [AttemptStatus::Succeeded, AttemptStatus::Cancelled]);
    let answer = take(&world, &again, 2).await;
    assert!(matches!(answer, Answer::Nothing), "{answer:?}");
    let wallet = world.wallet(&again.player).await;
    assert_eq!((wallet.cash, wallet.held), (100, 0));
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_whose_part_is_paid_is_not_sent_however_it_came_to_be_due() {
    let world = by_hand().await;
    let again = to_be_sent_again(&world).await;
    tell(&world, &again, (1, WEBHOOK), succeeded()).await;
    // As an older release would have left it.
    let due = "update attempt set status = 'prepared', due_at = first_sent_at, ended_at = null
               where payment_id = $1 and number = 2";
    sqlx::query(due).bind(again.id.uuid).execute(&world.rows).await.unwrap();
    let answer = take(&world, &again, 2).await;
    assert!(matches!(answer, Answer::Applied { .. }), "{answer:?}");
    let after = world.payment(again.id).await;
    assert_eq!(statuses(&after), [AttemptStatus::Succeeded, AttemptStatus::Cancelled]);
    world.leave_open();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_comes_after_its_lease_does_not_say_that_nothing_was_sent() {
    let world = by_hand().await;
    let sent = sent(&world).await;
    world.move_on(HOUR / 30).await;
    take(&world, &sent, 1).await;
    assert_eq!(statuses(&world.payment(sent.id).await), [AttemptStatus::Unknown]);
    // Meanwhile another instance may have sent the same request again.
    let not_sent = Outcome::NotSent(NotSent::DeadlineBeforeSend);
    for outcome in [not_sent, refused(true)] {
        let after = tell(&world, &sent, (1, Source::Call), outcome).await;
        assert_eq!(statuses(&after), [AttemptStatus::Unknown]);
        assert_eq!(world.wallet(&sent.player).await.held, 900);
    }
    // Control: that the PSP has it is believed whoever hears it.
    let after = tell(&world, &sent, (1, Source::Call), taken()).await;
    assert_eq!(statuses(&after), [AttemptStatus::Accepted]);
    tell(&world, &sent, (1, WEBHOOK), succeeded()).await;
    world.close().await;
}

/// The newest attempt is sent and paid, so that the books can close.
async fn paid_by_next(world: &World, payment: &Payment) {
    let answer = take(world, payment, 2).await;
    assert!(matches!(answer, Answer::Taken { task: Task::Send, .. }), "{answer:?}");
    let paid = tell(world, payment, (2, Source::Call), succeeded()).await;
    assert_eq!(paid.status.as_str(), "paid");
    assert_eq!(world.wallet(&payment.player).await.cash, 100);
}

async fn account_is_gone(world: &World, payment: &Payment) {
    let gone = "update attempt set psp = 'gone-de' where payment_id = $1 and number = 1";
    sqlx::query(gone).bind(payment.id.uuid).execute(&world.rows).await.unwrap();
}

/// As an older plan, or a newer one, names it.
pub async fn plan_names_another(world: &World, withdrawal: &Payment, psp: &str) {
    for table in ["payment", "part"] {
        let gone = format!(
            "update {table} set route = replace(route::text, '{psp}-de', '{psp}-gone')::json
             where payment_id = $1"
        );
        let gone = sqlx::query(AssertSqlSafe(gone)).bind(withdrawal.id.uuid);
        gone.execute(&world.rows).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payout_that_nobody_of_its_plan_can_pay_says_so_before_people() {
    let world = by_hand().await;
    let player = world.rich_player("DE", 1_000).await;
    let withdrawal = world.withdraw(&player, eur(900)).await;
    for psp in ["trustly", "truelayer"] {
        plan_names_another(&world, &withdrawal, psp).await;
    }
    let (flows, of, id) = (world.one().flows.clone(), player.clone(), withdrawal.id.uuid);
    let sending = async move { send_payout(&flows, &of, id).await.unwrap() };
    assert!(!world.one().run(sending).await, "nothing is sent");
    let stuck = world.payment(withdrawal.id).await;
    let told: Vec<&str> = stuck.reasons.iter().map(|it| it.code.as_str()).collect();
    assert_eq!((stuck.status.as_str(), told), ("in_review", vec!["psp.none_left"]));
    let noted = world.texts("select text from review_event where act = 'note'").await;
    let nobody =
        "no PSP of its plan can pay it now; an approval asks nobody: what is left is to reject it";
    assert_eq!(noted, [nobody]);
    world.two_people_of(&stuck, "payout_stuck", "reject").await;
    assert_eq!(world.wallet(&player).await.cash, 1_000);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_this_instance_does_not_know_is_passed_over() {
    let world = by_hand().await;
    let player = world.rich_player("DE", 1_000).await;
    let withdrawal = world.withdraw(&player, eur(900)).await;
    plan_names_another(&world, &withdrawal, "trustly").await;
    let sent = send(&world, &withdrawal).await;
    assert_eq!(sent.attempts[0].psp, "truelayer-de");
    tell(&world, &sent, (1, Source::Call), succeeded()).await;
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_never_sent_to_an_unknown_account_goes_to_another_psp() {
    let world = by_hand().await;
    let sent = sent(&world).await;
    account_is_gone(&world, &sent).await;
    let not_sent = Outcome::NotSent(NotSent::NotExpressible);
    let next = tell(&world, &sent, (1, Source::Call), not_sent).await;
    assert_eq!(statuses(&next), [AttemptStatus::NotSent, AttemptStatus::InFlight]);
    assert_eq!(next.attempts[0].due_at, None, "nobody need look at it again");
    tell(&world, &sent, (2, Source::Call), succeeded()).await;
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_resolve_a_payout_whose_account_is_gone() {
    let world = by_hand().await;
    let sent = sent(&world).await;
    account_is_gone(&world, &sent).await;
    world.move_on(HOUR / 30).await;
    take(&world, &sent, 1).await;
    assert_eq!(statuses(&world.payment(sent.id).await), [AttemptStatus::Unknown]);
    take(&world, &sent, 1).await;
    let kinds: Vec<_> = world.reviews(&sent).await.into_iter().map(|it| it.kind).collect();
    assert_eq!(kinds, ["psp_unconfigured"]);
    world.two_people(&sent, "resolve_unpaid").await;
    assert!(world.reviews(&sent).await.is_empty());
    let next = world.payment(sent.id).await;
    assert_eq!(statuses(&next), [AttemptStatus::NotSent, AttemptStatus::Prepared]);
    paid_by_next(&world, &sent).await;
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_proposed_of_an_unknown_payout_does_not_end_one_that_is_under_way() {
    let world = by_hand().await;
    let unknown = unknown(&world).await;
    let review = world.reviews(&unknown).await.remove(0);
    let about = (&review, &unknown);
    let (outcome, note) = ("resolve_unpaid".to_owned(), "not on its pages".to_owned());
    let propose = ReviewAct::Propose { outcome, note };
    let proposed = world.one().review(about, propose, "ann").await.unwrap();
    let approve = ReviewAct::Approve { proposal: proposed.open_proposal().unwrap().id };
    let under_way = tell(&world, &unknown, (1, Source::Inquiry), taken()).await;
    assert_eq!(statuses(&under_way), [AttemptStatus::Accepted]);
    let told = world.one().review(about, approve, "bob").await.unwrap_err();
    let resolved = Refusal::ReviewConflict("the attempt was resolved meanwhile");
    assert_eq!(told, SubmitError::Refused(resolved));
    assert_eq!(world.wallet(&unknown.player).await.held, 900);
    // Control: once it is overdue they decide, knowing that its PSP has it.
    world.move_on(73 * HOUR).await;
    world.two_people(&unknown, "resolve_unpaid").await;
    assert_eq!(world.payment(unknown.id).await.status.as_str(), "failed");
    assert_eq!(world.wallet(&unknown.player).await.cash, 1_000);
    world.close().await;
}

/// Our own answer was lost: that the PSP had taken it, the replay tells, and so it is for people.
#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_that_is_found_behind_a_replay_is_one_after_acceptance() {
    let world = World::with(Setup { workers: false, ..Setup::default() }).await;
    world.mocks.auto("truelayer-gb", None, "succeeded").await;
    world.mocks.fault("truelayer-gb", "create_payout", "http_500_after_accept", Some(1)).await;
    world.mocks.fault("truelayer-gb", "webhook", "webhook_drop", None).await;
    let player = world.rich_player("GB", 10_000).await;
    let withdrawal = world.withdraw(&player, gbp(2_500)).await;
    let (flows, of, id) = (world.one().flows.clone(), player.clone(), withdrawal.id.uuid);
    let sending = async move { send_payout(&flows, &of, id).await };
    world.one().run(sending).await.unwrap();
    let lost = world.attempt_is(withdrawal.id, 1, AttemptStatus::Unknown).await;
    let declined = json!({"outcome": "declined", "code": "scheme_error"});
    world.complete_with(&lost, declined).await;
    world.move_on(HOUR / 60).await;
    let (flows, of, attempt) = (world.one().flows.clone(), player.clone(), lost.attempts[0].id);
    let asking = async move { resolve_unknown(&flows, &of, id, attempt).await };
    world.one().run(asking).await.unwrap();
    let after = world.payment(withdrawal.id).await;
    assert_eq!(statuses(&after), [AttemptStatus::Declined]);
    assert!(after.attempts[0].was_accepted);
    assert_eq!(after.status.as_str(), "in_review");
    assert_eq!(world.wallet(&player).await.held, 2_500, "still held");
    world.close().await;
}
