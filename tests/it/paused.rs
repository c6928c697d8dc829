//! A process that stood still between the commit that took an attempt and the call, as with a machine that was
//! frozen: by the time it goes on its lease is over, and its request does not leave.

use super::bounced_payouts::{WEBHOOK, said, submit, taken as has_it, tell};
use super::harness::{Setup, World, eur, gbp};
use super::routing::tried;
use interlock::book::Payment;
use interlock::decide::command::{Source, Task};
use interlock::decide::{Answer, Command};
use interlock::domain::AttemptId;
use interlock::payments::facts::operation_of;
use interlock::payments::resolve_unknown::{Question, ask};
use interlock::payments::run_attempts::run_attempts;
use psp_contract::{Outcome, Report, Status};
use std::sync::Arc;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3_600);

async fn without_workers() -> World {
    World::with(Setup { workers: false, ..Setup::default() }).await
}

/// A payout of 900 is recorded as in flight to Trustly, and this instance stands still from here.
async fn taken(world: &World) -> (Payment, AttemptId) {
    let player = world.rich_player("DE", 1_000).await;
    let withdrawal = world.withdraw(&player, eur(900)).await;
    let take = Command::TakePayout { payment: withdrawal.id.uuid, answers: None };
    match submit(world, &withdrawal, take).await {
        Answer::Sending { payment, attempts } => (payment.as_ref().clone(), attempts[0]),
        other => panic!("not taken: {other:?}"),
    }
}

async fn go_on(world: &World, (payment, attempt): (Payment, AttemptId)) -> Payment {
    let flows = world.one().flows.clone();
    world.one().run(async move { run_attempts(&flows, payment, attempt).await }).await
}

async fn look_at(world: &World, payment: &Payment, number: i16) -> Answer {
    let known = world.payment(payment.id).await;
    let attempt = known.attempts.iter().find(|attempt| attempt.number == number).unwrap().id;
    let take = Command::TakeAttempt { payment: payment.id.uuid, attempt, known: None };
    submit(world, payment, take).await
}

/// The newest attempt is paid, and its PSP says so.
pub(super) async fn is_paid(world: &World, payment: &Payment) -> Payment {
    let newest = payment.attempts.last().unwrap();
    let movement = world.movement(newest).await;
    world.mocks.complete_if_open(&newest.psp, &movement.reference).await;
    let said = Status::Succeeded { money: payment.money };
    let said = Report { psp_reference: None, status: said, payer: None, attempt: None };
    let source = Source::Webhook { hint: false };
    tell(world, payment, (newest.number, source), Outcome::Reported(said)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_taken_hours_ago_is_not_sent_and_the_next_psp_pays() {
    let world = without_workers().await;
    let taken = taken(&world).await;
    world.move_on(2 * HOUR).await;
    let after = go_on(&world, taken).await;
    // Its last look at the player is hours old: a worker takes another one before the next PSP is asked.
    assert_eq!(tried(&after), ["trustly-de not_sent", "truelayer-de prepared"]);
    let Answer::Taken { payment, attempt, task: Task::Send } = look_at(&world, &after, 2).await
    else {
        panic!("the second attempt was not sent")
    };
    let after = go_on(&world, ((*payment).clone(), attempt)).await;
    assert_eq!(tried(&after), ["trustly-de not_sent", "truelayer-de accepted"]);
    assert_eq!(after.attempts[0].error.as_ref().unwrap().code, "deadline_before_send");
    assert!(world.mocks.movements("trustly-de").await.is_empty());
    is_paid(&world, &after).await;
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payout_that_another_psp_has_paid_meanwhile_is_not_sent_by_who_stood_still() {
    let world = without_workers().await;
    let (payment, attempt) = taken(&world).await;
    world.move_on(2 * HOUR).await;
    // Another instance finds it without an answer, and two people say that it was not paid.
    look_at(&world, &payment, 1).await;
    look_at(&world, &payment, 1).await;
    world.two_people(&payment, "resolve_unpaid").await;
    let Answer::Taken { payment: again, attempt: second, task: Task::Send } =
        look_at(&world, &payment, 2).await
    else {
        panic!("the second attempt was not sent")
    };
    let again = go_on(&world, ((*again).clone(), second)).await;
    assert_eq!(tried(&again), ["trustly-de not_sent", "truelayer-de accepted"]);
    let paid = is_paid(&world, &again).await;
    assert_eq!(paid.status.as_str(), "paid");
    let after = go_on(&world, (payment, attempt)).await;
    assert_eq!(tried(&after), ["trustly-de not_sent", "truelayer-de succeeded"]);
    assert!(world.mocks.movements("trustly-de").await.is_empty(), "paid twice");
    world.close().await;
}

/// A payout whose request got no answer: TrueLayer has nothing of it, and nobody knows.
async fn lost(world: &World) -> Payment {
    world.mocks.fault("truelayer-gb", "create_payout", "http_500", Some(1)).await;
    let player = world.rich_player("GB", 10_000).await;
    let withdrawal = world.withdraw(&player, gbp(2_500)).await;
    let take = Command::TakePayout { payment: withdrawal.id.uuid, answers: None };
    let Answer::Sending { payment, attempts } = submit(world, &withdrawal, take).await else {
        panic!("not taken")
    };
    let lost = go_on(world, (payment.as_ref().clone(), attempts[0])).await;
    assert_eq!(tried(&lost), ["truelayer-gb unknown"]);
    lost
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_that_was_taken_hours_ago_is_not_sent() {
    let world = without_workers().await;
    let again = async |lost: &Payment| {
        world.move_on(HOUR / 60).await;
        let Answer::Taken { payment, attempt, task: Task::Replay } = look_at(&world, lost, 1).await
        else {
            panic!("not to be sent again")
        };
        (payment, attempt)
    };
    let send = async |payment: Arc<Payment>, attempt| {
        let flows = world.one().flows.clone();
        let operation = operation_of(&payment, payment.attempt(attempt).unwrap()).unwrap();
        let question = Question { operation, source: Source::Replay, purpose: "replay" };
        let sending = async move { ask(&flows, &payment, attempt, question).await.unwrap() };
        world.one().run(sending).await;
    };
    let stale = lost(&world).await;
    let (payment, attempt) = again(&stale).await;
    world.move_on(2 * HOUR).await;
    send(payment, attempt).await;
    assert!(world.mocks.movements("truelayer-gb").await.is_empty());
    // Nor is it sent again: by now people are asked, and what they read there must stay true.
    assert!(matches!(look_at(&world, &stale, 1).await, Answer::Nothing));
    assert_eq!(world.reviews(&stale).await.len(), 1);
    // Control: at once it is sent.
    let lost = lost(&world).await;
    let (payment, attempt) = again(&lost).await;
    send(payment, attempt).await;
    let sent = world.payment(lost.id).await;
    assert_eq!(tried(&sent), ["truelayer-gb accepted"]);
    is_paid(&world, &sent).await;
    world.close().await;
}

/// Two people say that a payout was not paid while the same request is on its way once more.
#[tokio::test(flavor = "multi_thread")]
async fn two_people_decide_nothing_while_the_psp_is_called_and_nothing_is_sent_after_their_word() {
    let world = without_workers().await;
    let lost = lost(&world).await;
    world.move_on(HOUR / 60).await;
    let taken = look_at(&world, &lost, 1).await;
    assert!(matches!(taken, Answer::Taken { task: Task::Replay, .. }), "{taken:?}");
    // The PSP named other money meanwhile: people are asked while the call is open.
    let other = said(Status::Succeeded { money: gbp(7) });
    tell(&world, &lost, (1, WEBHOOK), other).await;
    let refused = world.try_two_people(&lost, "resolve_unpaid").await.unwrap_err();
    assert!(format!("{refused:?}").contains("at this moment"), "{refused:?}");
    world.move_on(HOUR / 30).await;
    // Its lease is over, and it is not sent again: it is before people.
    assert!(matches!(look_at(&world, &lost, 1).await, Answer::Nothing));
    world.two_people(&lost, "resolve_unpaid").await;
    let next = world.payment(lost.id).await;
    assert_eq!(tried(&next), ["truelayer-gb not_sent", "trustly-gb prepared"]);
    // The first PSP has it after all: what nobody has sent yet is not sent.
    let told = tell(&world, &lost, (1, WEBHOOK), has_it()).await;
    assert_eq!(tried(&told), ["truelayer-gb not_sent", "trustly-gb cancelled"]);
    assert_eq!(told.status.as_str(), "in_review");
    assert_eq!(world.incidents("payout.taken_after_all").await, 1);
    tell(&world, &lost, (1, WEBHOOK), has_it()).await;
    assert_eq!(world.incidents("payout.taken_after_all").await, 1);
    world.close().await;
}
