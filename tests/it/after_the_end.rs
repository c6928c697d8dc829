//! What PSPs tell of attempts that are over, or of other money than was asked for: asked about, put before people, and
//! never booked beyond what was proven.

use super::bounced_payouts::{
    WEBHOOK, by_hand, refused, said, sent, submit, surely_refused, taken, tell,
};
use super::harness::{World, eur};
use super::may_be_paid::{cases, found_unpaid, is_refused, look, lost, money};
use super::routing::tried;
use super::taken_back::{by_word, reversed, succeeded, told};
use interlock::book::Payment;
use interlock::decide::command::{Source, Task};
use interlock::decide::{Answer, Command};
use psp_contract::{Outcome, Report, Status, Unknown};
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(24 * 3_600);

/// How long until the payment's attempt of this number is looked at; None: never.
async fn due_in(world: &World, payment: &Payment, number: i16) -> Option<time::Duration> {
    let known = world.payment(payment.id).await;
    let attempt = known.attempts.iter().find(|it| it.number == number).unwrap().clone();
    attempt.due_at.map(|at| at - world.one().flows.clock.now())
}

async fn is_due(world: &World, payment: &Payment, number: i16) -> bool {
    due_in(world, payment, number).await.is_some_and(|wait| !wait.is_positive())
}

const fn other_money() -> Status {
    Status::Succeeded { money: eur(898) }
}

/// It paid other money, says its PSP, and then that it refused: which is true people say.
#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_does_not_answer_what_people_were_asked_about_other_money() {
    let world = by_hand().await;
    for refusal in [refused(false), surely_refused()] {
        for doubt in [said(other_money()), Outcome::Unknown(Unknown::Mismatch)] {
            let sent = sent(&world).await;
            tell(&world, &sent, (1, Source::Call), taken()).await;
            tell(&world, &sent, (1, Source::Inquiry), doubt.clone()).await;
            assert_eq!(cases(&world, &sent).await, ["outcome_unknown"]);
            let over = tell(&world, &sent, (1, WEBHOOK), refusal.clone()).await;
            assert_eq!(tried(&over), ["trustly-de declined"], "nobody else is asked");
            assert_eq!(cases(&world, &sent).await, ["outcome_unknown", "payout_stuck"]);
            is_refused(&world, &sent, "approve").await;
            // Told once more it is no other question.
            tell(&world, &sent, (1, Source::Inquiry), doubt).await;
            assert_eq!(money(&world, &sent).await, (100, 900, 0, 0));
            world.two_people_of(&sent, "outcome_unknown", "resolve_unpaid").await;
            world.two_people_of(&sent, "payout_stuck", "reject").await;
            assert_eq!(money(&world, &sent).await, (1_000, 0, 0, 0));
        }
    }
    world.close().await;
}

/// The first PSP refused it at once, the second is asked, and a message says that the first has it: older or newer
/// than the refusal, which only its PSP can say.
#[tokio::test(flavor = "multi_thread")]
async fn a_payout_that_was_refused_at_once_and_is_there_after_all_is_asked_about() {
    let world = by_hand().await;
    for has_it in [taken(), said(Status::Pending)] {
        let sent = sent(&world).await;
        let next = tell(&world, &sent, (1, Source::Call), refused(true)).await;
        assert_eq!(tried(&next), ["trustly-de declined", "truelayer-de in_flight"]);
        assert_eq!(due_in(&world, &sent, 1).await, None);
        tell(&world, &sent, (1, WEBHOOK), has_it).await;
        assert!(is_due(&world, &sent, 1).await);
        assert_eq!(cases(&world, &sent).await, Vec::<String>::new());
        world.move_on(HOUR).await;
        assert!(matches!(
            look(&world, &sent, 1).await,
            Answer::Taken { task: Task::Inquire(_), .. }
        ));
        let told = tell(&world, &sent, (1, Source::Inquiry), said(Status::Pending)).await;
        assert_eq!(tried(&told), ["trustly-de declined", "truelayer-de in_flight"]);
        assert_eq!(cases(&world, &sent).await, ["outcome_unknown"]);
        // The second refuses it too: nothing is given back before people have said what became of the first.
        tell(&world, &sent, (2, Source::Call), surely_refused()).await;
        assert_eq!(money(&world, &sent).await, (100, 900, 0, 0));
        is_refused(&world, &sent, "reject").await;
    }
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payout_that_may_be_paid_is_asked_about_for_a_fortnight_after_its_end() {
    let world = by_hand().await;
    // Called unpaid after it had been unknown for longer than that.
    let sent_first = sent(&world).await;
    tell(&world, &sent_first, (1, Source::Call), lost()).await;
    world.move_on(15 * DAY).await;
    look(&world, &sent_first, 1).await;
    world.two_people(&sent_first, "resolve_unpaid").await;
    assert!(due_in(&world, &sent_first, 1).await.is_some());
    // Ended by its PSP after it had taken it.
    for end in [Status::Cancelled, Status::Expired] {
        let ended = sent(&world).await;
        tell(&world, &ended, (1, Source::Call), taken()).await;
        let over = tell(&world, &ended, (1, Source::Inquiry), said(end)).await;
        assert!(!over.attempts[0].status.is_live());
        assert!(due_in(&world, &ended, 1).await.is_some());
        world.move_on(15 * DAY).await;
        tell(&world, &ended, (1, Source::Replay), lost()).await;
        assert_eq!(due_in(&world, &ended, 1).await, None, "and no longer");
    }
    // Refused at once, there after all, and called unpaid by people.
    let there = sent(&world).await;
    tell(&world, &there, (1, Source::Call), refused(true)).await;
    tell(&world, &there, (1, WEBHOOK), taken()).await;
    look(&world, &there, 1).await;
    tell(&world, &there, (1, Source::Inquiry), said(Status::Pending)).await;
    world.two_people_of(&there, "outcome_unknown", "resolve_unpaid").await;
    look(&world, &there, 1).await;
    tell(&world, &there, (1, Source::Inquiry), lost()).await;
    assert!(due_in(&world, &there, 1).await.is_some());
    // Control: what never left, and nobody doubts.
    let unsent = sent(&world).await;
    tell(&world, &unsent, (1, Source::Call), refused(true)).await;
    assert_eq!(due_in(&world, &unsent, 1).await, None);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paid_payout_that_its_psp_denies_is_shown_to_people_once() {
    let world = by_hand().await;
    let paid = sent(&world).await;
    let told = tell(&world, &paid, (1, WEBHOOK), said(Status::Succeeded { money: eur(900) })).await;
    assert_eq!(told.status.as_str(), "paid");
    for source in [WEBHOOK, Source::Inquiry] {
        let still = tell(&world, &paid, (1, source), refused(false)).await;
        assert_eq!(still.status.as_str(), "paid");
        assert_eq!(world.incidents("payout.denied_after_paid").await, 1);
    }
    assert_eq!(money(&world, &paid).await, (100, 0, 0, 0));
    world.close().await;
}

/// It was over, it came back, and its success is told last: the money is at the house, whatever else was told between.
#[tokio::test(flavor = "multi_thread")]
async fn what_came_back_unpaid_is_known_through_an_answer_about_something_else() {
    let world = by_hand().await;
    let sent = sent(&world).await;
    tell(&world, &sent, (1, Source::Call), taken()).await;
    tell(&world, &sent, (1, WEBHOOK), refused(false)).await;
    tell(&world, &sent, (1, WEBHOOK), said(Status::Returned { money: eur(900) })).await;
    let mismatch = Outcome::Unknown(Unknown::Mismatch);
    tell(&world, &sent, (1, Source::Inquiry), mismatch).await;
    assert_eq!(cases(&world, &sent).await, ["payout_stuck"], "there is nothing to find out");
    tell(&world, &sent, (1, WEBHOOK), said(Status::Succeeded { money: eur(900) })).await;
    assert_eq!(money(&world, &sent).await, (100, 900, 0, 0));
    world.close().await;
}

/// A PSP that had asked to cancel a session answers that it cannot tell: what came of it is asked at once.
#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_that_is_not_answered_is_followed_by_a_question() {
    let world = by_hand().await;
    let player = world.player("GB").await;
    let deposit = world.deposit(&player, super::harness::gbp(700)).await;
    let number = deposit.attempts.last().unwrap().number;
    assert_eq!(deposit.attempts.last().unwrap().psp, "truelayer-gb");
    let cancel = Command::Cancel { payment: deposit.id.uuid, by_player: false };
    submit(&world, &deposit, cancel).await;
    let asked = look(&world, &deposit, number).await;
    assert!(matches!(asked, Answer::Taken { task: Task::CancelAtPsp, .. }), "{asked:?}");
    let undecided = Outcome::Unknown(Unknown::PspUndecided);
    tell(&world, &deposit, (number, Source::Inquiry), undecided.clone()).await;
    assert!(is_due(&world, &deposit, number).await);
    // Control: to a question it is an answer, for a while.
    let asked = look(&world, &deposit, number).await;
    assert!(matches!(asked, Answer::Taken { task: Task::Inquire(_), .. }), "{asked:?}");
    tell(&world, &deposit, (number, Source::Inquiry), undecided).await;
    assert!(!is_due(&world, &deposit, number).await);
    world.close().await;
}

/// All that was told of a deposit of 7.00 is that 3.00 of it were taken back: that is all that surely came.
#[tokio::test(flavor = "multi_thread")]
async fn a_taking_back_that_is_told_first_proves_no_more_than_it_takes() {
    let world = by_word().await;
    for taken in [300, 900] {
        let player = world.player("DE").await;
        let deposit = world.deposit(&player, eur(700)).await;
        assert_eq!(told(&world, &deposit, reversed(taken), WEBHOOK).await, ("returned", 0, 0));
        let known = world.payment(deposit.id).await;
        assert_eq!(
            (known.received, known.credited, known.suspended),
            (Some(eur(taken)), None, None)
        );
        assert_eq!(cases(&world, &deposit).await, Vec::<String>::new());
        // Nobody may ever tell what arrived.
        let detail =
            "select detail from incident where detail like '%has not told that it was paid%'";
        assert!(world.texts(detail).await.pop().unwrap().starts_with(&eur(taken).to_string()));
        let before = world.incidents("deposit.other_amount").await;
        // The success was overtaken: what is missing in the books is people's to find.
        for _ in 0..2 {
            assert_eq!(told(&world, &deposit, succeeded(700), WEBHOOK).await, ("returned", 0, 0));
            assert_eq!(world.incidents("deposit.other_amount").await, before + 1);
        }
    }
    assert_eq!(world.house_balance("suspense").await, 0);
    assert_eq!(world.house_balance("psp_fees").await, 0, "no charge that never was");
    // Control: all of it.
    let player = world.player("DE").await;
    let deposit = world.deposit(&player, eur(700)).await;
    assert_eq!(told(&world, &deposit, reversed(700), WEBHOOK).await, ("reversed", 0, 0));
    world.close().await;
}

/// What is over is asked about once more after a hint, and the answer is lost, or about something else.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_is_sought_soon_and_one_about_something_else_later() {
    let world = by_hand().await;
    let next = found_unpaid(&world).await;
    look(&world, &next, 2).await;
    let success = Outcome::Reported(Report::new("theirs", Status::Succeeded { money: eur(900) }));
    let paid = tell(&world, &next, (2, WEBHOOK), success).await;
    assert_eq!(tried(&paid), ["trustly-de not_sent", "truelayer-de succeeded"]);
    tell(&world, &paid, (2, Source::Inquiry), lost()).await;
    assert!(due_in(&world, &paid, 2).await.is_some_and(|wait| wait < time::Duration::MINUTE));
    tell(&world, &paid, (2, Source::Inquiry), Outcome::Unknown(Unknown::Mismatch)).await;
    assert!(due_in(&world, &paid, 2).await.is_some_and(|wait| time::Duration::minutes(14) < wait));
    world.close().await;
}
