//! Payouts that are over by all that was known, and may be paid yet: nothing else of them is sent or given back
//! before two people have said what became of them.

use super::bounced_payouts::{
    WEBHOOK, by_hand, refused, said, send, sent, submit, succeeded, surely_refused, taken, tell,
};
use super::harness::{World, eur};
use super::routing::tried;
use interlock::book::Payment;
use interlock::decide::command::{Source, Task};
use interlock::decide::{Answer, Command};
use interlock::domain::{Player, PlayerStatus};
use interlock::store::prove::prove;
use psp_contract::{Outcome, Status, Unknown};
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

pub fn lost() -> Outcome {
    Outcome::Unknown(Unknown::ReadTimeout)
}

pub async fn cases(world: &World, payment: &Payment) -> Vec<String> {
    let mut kinds: Vec<_> = world.reviews(payment).await.into_iter().map(|it| it.kind).collect();
    kinds.sort();
    kinds
}

/// Cash, hold and debt of the player, and the house's suspense.
pub async fn money(world: &World, payment: &Payment) -> (i64, i64, i64, i64) {
    let wallet = world.wallet(&payment.player).await;
    (wallet.cash, wallet.held, wallet.owed, world.house_balance("suspense").await)
}

/// The sentences of the proof of the books that are broken now.
pub async fn unproven(world: &World) -> Vec<&'static str> {
    let proof = prove(&world.rows).await.unwrap();
    proof.findings.iter().map(|found| found.check).collect()
}

pub async fn is_refused(world: &World, payment: &Payment, outcome: &str) {
    let refused = world.try_two_people_of(payment, "payout_stuck", outcome).await.unwrap_err();
    assert!(format!("{refused:?}").contains("say first"), "{refused:?}");
}

/// A worker looks at the attempt of this number.
pub async fn look(world: &World, payment: &Payment, number: i16) -> Answer {
    let known = world.payment(payment.id).await;
    let attempt = known.attempts.iter().find(|it| it.number == number).unwrap().id;
    let take = Command::TakeAttempt { payment: payment.id.uuid, attempt, known: None };
    submit(world, payment, take).await
}

/// The first PSP's answer was lost, and two people said that it has not paid; the second's turn has come.
pub async fn found_unpaid(world: &World) -> Payment {
    found_unpaid_of(world, sent(world).await).await
}

pub async fn found_unpaid_of(world: &World, sent: Payment) -> Payment {
    let unknown = tell(world, &sent, (1, Source::Call), lost()).await;
    assert_eq!(tried(&unknown), ["trustly-de unknown"]);
    for _ in 0..2 {
        world.move_on(61 * MINUTE).await;
        look(world, &sent, 1).await;
    }
    assert_eq!(cases(world, &sent).await, ["outcome_unknown"]);
    world.two_people(&sent, "resolve_unpaid").await;
    let next = world.payment(sent.id).await;
    assert_eq!(tried(&next), ["trustly-de not_sent", "truelayer-de prepared"]);
    next
}

/// However its PSP says that it has it: the payout that was to be made instead waits.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_psp_has_after_all_is_said_by_people_before_anything_else_is_sent() {
    let world = by_hand().await;
    let other_money = said(Status::Succeeded { money: eur(898) });
    for (has_it, source) in [
        (other_money, WEBHOOK),
        (taken(), WEBHOOK),
        (said(Status::Pending), WEBHOOK),
        (said(Status::Pending), Source::Inquiry),
    ] {
        let next = found_unpaid(&world).await;
        for _ in 0..2 {
            let told = tell(&world, &next, (1, source), has_it.clone()).await;
            assert_eq!(tried(&told), ["trustly-de not_sent", "truelayer-de cancelled"]);
            assert_eq!(told.status.as_str(), "in_review");
            assert_eq!(cases(&world, &next).await, ["outcome_unknown", "payout_stuck"]);
        }
        is_refused(&world, &next, "approve").await;
        is_refused(&world, &next, "reject").await;
        // News of something else leaves the question open.
        tell(&world, &next, (1, Source::Replay), lost()).await;
        is_refused(&world, &next, "approve").await;
        assert_eq!(money(&world, &next).await, (100, 900, 0, 0));
        // It has paid: the hold is captured once.
        world.two_people_of(&next, "outcome_unknown", "resolve_paid").await;
        let paid = world.payment(next.id).await;
        assert_eq!(paid.status.as_str(), "paid");
        assert_eq!(money(&world, &next).await, (100, 0, 0, 0));
        assert_eq!(cases(&world, &next).await, Vec::<String>::new());
    }
    assert_eq!(world.incidents("payout.taken_after_all").await, 3);
    assert_eq!(world.incidents("payout.other_amount").await, 1);
    world.close().await;
}

/// The second PSP is being asked when the first says that it has it.
async fn both_may_pay(world: &World) -> Payment {
    let next = found_unpaid(world).await;
    look(world, &next, 2).await;
    let told = tell(world, &next, (1, WEBHOOK), taken()).await;
    assert_eq!(tried(&told), ["trustly-de not_sent", "truelayer-de in_flight"]);
    assert_eq!(cases(world, &next).await, ["outcome_unknown"]);
    next
}

#[tokio::test(flavor = "multi_thread")]
async fn the_refusal_of_a_second_attempt_gives_nothing_back_while_the_first_may_be_paid() {
    let world = by_hand().await;
    let next = both_may_pay(&world).await;
    let held = tell(&world, &next, (2, Source::Call), surely_refused()).await;
    assert_eq!((held.status.as_str(), held.attempts.len()), ("in_review", 2));
    assert_eq!(money(&world, &next).await, (100, 900, 0, 0));
    is_refused(&world, &next, "reject").await;
    world.two_people_of(&next, "outcome_unknown", "resolve_paid").await;
    assert_eq!(money(&world, &next).await, (100, 0, 0, 0));
    assert_eq!(world.payment(next.id).await.status.as_str(), "paid");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_back_waits_while_another_attempt_may_be_paid() {
    let world = by_hand().await;
    let next = both_may_pay(&world).await;
    tell(&world, &next, (2, Source::Call), succeeded()).await;
    let back = said(Status::Returned { money: eur(900) });
    tell(&world, &next, (2, WEBHOOK), back).await;
    assert_eq!(money(&world, &next).await, (100, 0, 0, 900));
    assert_eq!(cases(&world, &next).await, ["outcome_unknown"]);
    assert_eq!(unproven(&world).await, <[&str; 0]>::default(), "it is as it should be");
    world.two_people(&next, "resolve_unpaid").await;
    assert_eq!(money(&world, &next).await, (1_000, 0, 0, 0));
    assert_eq!(cases(&world, &next).await, Vec::<String>::new());
    world.close().await;
}

/// What its PSP tells later, and what moves nothing, does not put it first in line again.
#[tokio::test(flavor = "multi_thread")]
async fn a_psp_that_people_found_to_have_paid_nothing_stays_the_last() {
    let world = by_hand().await;
    let next = found_unpaid(&world).await;
    tell(&world, &next, (1, WEBHOOK), refused(true)).await;
    let known = world.read_player(&next.player).await;
    let frozen = Player { status: PlayerStatus::Frozen, ..known.clone() };
    let version = world.change_player(frozen).await.version;
    look(&world, &next, 2).await;
    world.change_player(Player { version, ..known }).await;
    let held = world.payment(next.id).await;
    assert_eq!(held.status.as_str(), "in_review");
    world.two_people(&held, "approve").await;
    let again = send(&world, &held).await;
    assert_eq!(tried(&again)[2], "truelayer-de in_flight", "nobody has sent that one yet");
    tell(&world, &again, (3, Source::Call), succeeded()).await;
    world.close().await;
}

/// Our own answer is lost, and its PSP has it in its books, ended without a word of why.
#[tokio::test(flavor = "multi_thread")]
async fn an_end_from_the_psps_books_gives_nothing_back_and_is_not_asked_for_again() {
    let world = by_hand().await;
    for end in [Status::Cancelled, Status::Expired] {
        let sent = sent(&world).await;
        tell(&world, &sent, (1, Source::Call), lost()).await;
        let stuck = tell(&world, &sent, (1, Source::Inquiry), said(end)).await;
        assert_eq!(stuck.status.as_str(), "in_review");
        assert_eq!(world.wallet(&sent.player).await.held, 900);
        world.two_people(&stuck, "approve").await;
        let again = send(&world, &stuck).await;
        assert_eq!(tried(&again)[1], "truelayer-de in_flight");
        tell(&world, &again, (2, Source::Call), succeeded()).await;
    }
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_two_people_found_unpaid_twice_is_sent_to_the_other_psp() {
    let world = by_hand().await;
    let next = found_unpaid(&world).await;
    tell(&world, &next, (1, WEBHOOK), taken()).await;
    world.two_people_of(&next, "outcome_unknown", "resolve_unpaid").await;
    assert_eq!(cases(&world, &next).await, ["payout_stuck"]);
    world.two_people(&next, "approve").await;
    let again = send(&world, &next).await;
    let all = ["trustly-de not_sent", "truelayer-de cancelled", "truelayer-de in_flight"];
    assert_eq!(tried(&again), all);
    // The PSP that was found to have paid nothing comes last, and not before.
    tell(&world, &again, (3, Source::Call), taken()).await;
    let paid = tell(&world, &again, (3, WEBHOOK), succeeded()).await;
    assert_eq!(paid.status.as_str(), "paid");
    world.close().await;
}

/// It is let go, and before a worker sends it the first PSP says that it has it.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_let_go_is_not_sent_once_its_psp_has_it() {
    let world = by_hand().await;
    let next = found_unpaid(&world).await;
    let stuck = tell(&world, &next, (1, WEBHOOK), taken()).await;
    world.two_people_of(&stuck, "outcome_unknown", "resolve_unpaid").await;
    world.two_people(&stuck, "approve").await;
    tell(&world, &stuck, (1, WEBHOOK), taken()).await;
    let take = Command::TakePayout { payment: stuck.id.uuid, answers: None };
    assert!(matches!(submit(&world, &stuck, take).await, Answer::Nothing));
    let held = world.payment(stuck.id).await;
    assert_eq!((held.status.as_str(), held.attempts.len()), ("in_review", 2));
    assert_eq!(cases(&world, &held).await, ["outcome_unknown", "payout_stuck"]);
    world.two_people_of(&held, "outcome_unknown", "resolve_paid").await;
    assert_eq!(world.payment(held.id).await.status.as_str(), "paid");
    world.close().await;
}

/// Of two attempts the first is found paid, the second unknown; then the first comes back.
#[tokio::test(flavor = "multi_thread")]
async fn what_became_of_a_second_attempt_is_asked_though_the_first_was_paid() {
    let world = by_hand().await;
    let next = found_unpaid(&world).await;
    assert!(matches!(look(&world, &next, 2).await, Answer::Taken { task: Task::Send, .. }));
    tell(&world, &next, (2, Source::Call), lost()).await;
    for _ in 0..2 {
        world.move_on(61 * MINUTE).await;
        look(&world, &next, 2).await;
    }
    let paid = tell(&world, &next, (1, WEBHOOK), succeeded()).await;
    assert_eq!(paid.status.as_str(), "paid");
    assert_eq!(cases(&world, &next).await, ["outcome_unknown"], "the second may be paid too");
    tell(&world, &next, (1, WEBHOOK), said(Status::Returned { money: eur(900) })).await;
    assert_eq!(money(&world, &next).await, (100, 0, 0, 900));
    world.two_people(&next, "resolve_unpaid").await;
    assert_eq!(money(&world, &next).await, (1_000, 0, 0, 0));
    assert_eq!(world.payment(next.id).await.status.as_str(), "returned");
    assert_eq!(cases(&world, &next).await, Vec::<String>::new());
    world.close().await;
}

/// The second PSP took it and refused it later, which it may take back.
#[tokio::test(flavor = "multi_thread")]
async fn what_came_back_beside_a_late_refusal_is_the_players_when_two_people_say_so() {
    let world = by_hand().await;
    let waits = async |end: Outcome| {
        let next = found_unpaid(&world).await;
        look(&world, &next, 2).await;
        tell(&world, &next, (2, Source::Call), taken()).await;
        tell(&world, &next, (1, WEBHOOK), succeeded()).await;
        tell(&world, &next, (1, WEBHOOK), said(Status::Returned { money: eur(900) })).await;
        for _ in 0..2 {
            tell(&world, &next, (2, WEBHOOK), end.clone()).await;
            assert_eq!(money(&world, &next).await, (100, 0, 0, 900), "it may be paid yet");
        }
        assert_eq!(cases(&world, &next).await, ["outcome_unknown"]);
        next
    };
    for end in [refused(false), said(Status::Cancelled)] {
        let unpaid = waits(end).await;
        world.two_people(&unpaid, "resolve_unpaid").await;
        assert_eq!(money(&world, &unpaid).await, (1_000, 0, 0, 0));
        assert_eq!(world.payment(unpaid.id).await.status.as_str(), "returned");
        assert_eq!(cases(&world, &unpaid).await, Vec::<String>::new());
    }
    let paid = waits(refused(false)).await;
    world.two_people(&paid, "resolve_paid").await;
    assert_eq!(money(&world, &paid).await, (100, 0, 0, 0));
    assert_eq!(cases(&world, &paid).await, Vec::<String>::new());
    let late = waits(refused(false)).await;
    tell(&world, &late, (2, WEBHOOK), succeeded()).await;
    assert_eq!(money(&world, &late).await, (100, 0, 0, 0));
    assert_eq!(cases(&world, &late).await, Vec::<String>::new());
    world.close().await;
}

/// Days may lie between its approval and the next PSP.
#[tokio::test(flavor = "multi_thread")]
async fn a_payout_that_goes_on_later_is_looked_at_once_more() {
    let world = by_hand().await;
    let decided = async |payment: &Payment| {
        let sql = format!(
            "select outcome from decision where payment_id = '{}'
             and checkpoint = 'withdrawal.pre_payout' order by decision_id",
            payment.id.uuid
        );
        world.texts(&sql).await
    };
    let next = found_unpaid(&world).await;
    let known = world.read_player(&next.player).await;
    world.change_player(Player { status: PlayerStatus::Frozen, ..known }).await;
    look(&world, &next, 2).await;
    let held = world.payment(next.id).await;
    assert_eq!(tried(&held), ["trustly-de not_sent", "truelayer-de cancelled"]);
    assert_eq!(held.status.as_str(), "in_review");
    assert_eq!(cases(&world, &next).await, ["withdrawal_hold"]);
    assert_eq!(decided(&next).await, ["approve", "hold"], "why is on record");
    assert!(!held.reasons.is_empty());
    world.two_people(&held, "reject").await;
    assert_eq!(money(&world, &held).await, (1_000, 0, 0, 0));
    // Control: of whom nothing new is known, it is sent.
    let next = found_unpaid(&world).await;
    assert!(matches!(look(&world, &next, 2).await, Answer::Taken { task: Task::Send, .. }));
    assert_eq!(decided(&next).await, ["approve", "approve"]);
    tell(&world, &next, (2, Source::Call), taken()).await;
    tell(&world, &next, (2, WEBHOOK), succeeded()).await;
    world.close().await;
}

/// A late refusal comes by a message, whose bearer sends nothing either.
#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_that_comes_late_leaves_the_next_psp_to_a_worker() {
    let world = by_hand().await;
    let sent = sent(&world).await;
    tell(&world, &sent, (1, Source::Call), taken()).await;
    world.move_on(10 * MINUTE).await;
    let next = tell(&world, &sent, (1, WEBHOOK), surely_refused()).await;
    assert_eq!(tried(&next), ["trustly-de declined", "truelayer-de prepared"]);
    look(&world, &next, 2).await;
    tell(&world, &next, (2, Source::Call), taken()).await;
    tell(&world, &next, (2, WEBHOOK), succeeded()).await;
    world.close().await;
}

/// A release removed the account before anybody had sent what was to be paid there.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_to_be_sent_to_an_account_that_is_gone_goes_to_the_next_psp() {
    let world = by_hand().await;
    let next = found_unpaid(&world).await;
    let gone = "update attempt set psp = 'gone-de' where payment_id = $1 and number = 2";
    sqlx::query(gone).bind(next.id.uuid).execute(&world.rows).await.unwrap();
    look(&world, &next, 2).await;
    assert_eq!(cases(&world, &next).await, ["psp_unconfigured"], "another instance may know it");
    world.move_on(25 * 60 * MINUTE).await;
    look(&world, &next, 2).await;
    let other = world.payment(next.id).await;
    let all = ["trustly-de not_sent", "gone-de cancelled", "truelayer-de prepared"];
    assert_eq!(tried(&other), all);
    assert_eq!(cases(&world, &next).await, Vec::<String>::new());
    assert!(matches!(look(&world, &next, 3).await, Answer::Taken { task: Task::Send, .. }));
    tell(&world, &next, (3, WEBHOOK), succeeded()).await;
    assert_eq!(world.payment(next.id).await.status.as_str(), "paid");
    world.close().await;
}

/// A case is open since its PSP spoke of other money, and there is no other question than the request itself.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_before_people_is_not_looked_at_every_second() {
    let world = by_hand().await;
    let sent = sent(&world).await;
    tell(&world, &sent, (1, Source::Call), lost()).await;
    let elsewhere = "update attempt set psp = 'truelayer-de' where payment_id = $1";
    sqlx::query(elsewhere).bind(sent.id.uuid).execute(&world.rows).await.unwrap();
    tell(&world, &sent, (1, WEBHOOK), said(Status::Succeeded { money: eur(7) })).await;
    assert_eq!(cases(&world, &sent).await, ["outcome_unknown"]);
    world.move_on(10 * MINUTE).await;
    assert!(matches!(look(&world, &sent, 1).await, Answer::Nothing));
    let due = world.payment(sent.id).await.attempts[0].due_at.unwrap();
    let now = interlock::clock::Clock::now(&*world.clock);
    assert!(now + 40 * MINUTE < due, "{due} at {now}");
    world.two_people(&sent, "resolve_paid").await;
    world.close().await;
}
