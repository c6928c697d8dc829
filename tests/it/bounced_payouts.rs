//! Payouts that come back: what the player is given again, what only clears suspense, and what moves
//! nothing because it was never paid. Nobody works here, and news is told by hand.

use super::harness::{Setup, World, eur, gbp, until_recorded};
use interlock::book::{GameKind, Payment};
use interlock::decide::command::{KnownBeforePayout, News, Source};
use interlock::decide::{Answer, Command};
use interlock::domain::AttemptStatus;
use interlock::payments::know_before_taking::{TakeError, known_before_payout};
use psp_contract::{Decline, DeclineClass, Outcome, Report, Status, Unknown};

pub const WEBHOOK: Source = Source::Webhook { hint: false };

/// Nothing is sent and nobody asks: the PSPs' own books stay empty.
pub async fn by_hand() -> World {
    let liars = vec!["trustly-de", "truelayer-de"];
    World::with(Setup { workers: false, liars, ..Setup::default() }).await
}

pub async fn submit(world: &World, payment: &Payment, command: Command) -> Answer {
    let answer = until_recorded(async || {
        let (flows, player) = (world.one().flows.clone(), payment.player.clone());
        let command = command.clone();
        world.one().run(async move { flows.lanes.submit(&player, command).await }).await
    });
    answer.await.unwrap()
}

/// News of the attempt of this number, and the payment afterwards.
pub async fn tell(
    world: &World,
    payment: &Payment,
    (number, source): (i16, Source),
    outcome: Outcome,
) -> Payment {
    let known = world.payment(payment.id).await;
    let attempt = known.attempts.iter().find(|attempt| attempt.number == number).unwrap();
    let news = News {
        payment: payment.id.uuid,
        direction: payment.direction(),
        attempt: attempt.id,
        source,
        outcome,
        wires: Vec::new(),
    };
    submit(world, payment, Command::News(Box::new(news))).await;
    world.payment(payment.id).await
}

pub fn said(status: Status) -> Outcome {
    Outcome::Reported(Report { psp_reference: None, status, payer: None, attempt: None })
}

pub fn refused(retry_elsewhere: bool) -> Outcome {
    let (class, code) = (DeclineClass::PspFault, "late".to_owned());
    said(Status::Declined(Decline { class, code, retry_elsewhere, irreversible: false }))
}

/// Nothing can come of it any more.
pub fn surely_refused() -> Outcome {
    let (class, code) = (DeclineClass::PspFault, "late".to_owned());
    let decline = Decline { class, code, retry_elsewhere: true, irreversible: true };
    said(Status::Declined(decline))
}

pub fn taken() -> Outcome {
    said(Status::Accepted { next_action: None, expires_at: None })
}

pub fn succeeded() -> Outcome {
    said(Status::Succeeded { money: eur(900) })
}

fn returned() -> Outcome {
    said(Status::Returned { money: eur(900) })
}

/// An approved withdrawal goes in flight, and nobody calls.
pub async fn send(world: &World, withdrawal: &Payment) -> Payment {
    let take = |answers| Command::TakePayout { payment: withdrawal.id.uuid, answers };
    let mut answer = submit(world, withdrawal, take(None)).await;
    if let Answer::AnswersWanted(_) = &answer {
        let (flows, player) = (world.one().flows.clone(), withdrawal.player.clone());
        let asking = async move { known_before_payout::<TakeError>(&flows, &player).await };
        let checks = world.one().run(asking).await.unwrap();
        let known = KnownBeforePayout { checks, ..KnownBeforePayout::default() };
        answer = submit(world, withdrawal, take(Some(Box::new(known)))).await;
    }
    assert!(matches!(answer, Answer::Sending { .. }), "{answer:?}");
    world.payment(withdrawal.id).await
}

/// 900 of 1,000 are in flight to their first PSP.
pub async fn sent(world: &World) -> Payment {
    let player = world.rich_player("DE", 1_000).await;
    let withdrawal = world.withdraw(&player, eur(900)).await;
    send(world, &withdrawal).await
}

/// The first PSP took it and refused it later, so that people must decide.
async fn stuck(world: &World) -> Payment {
    let sent = sent(world).await;
    tell(world, &sent, (1, Source::Call), taken()).await;
    let stuck = tell(world, &sent, (1, WEBHOOK), refused(false)).await;
    assert_eq!(stuck.status.as_str(), "in_review");
    stuck
}

/// Two people sent it again, and the second PSP has it.
async fn sent_again(world: &World) -> Payment {
    let stuck = stuck(world).await;
    world.two_people(&stuck, "approve").await;
    let again = send(world, &stuck).await;
    assert_eq!(again.attempts.len(), 2);
    tell(world, &again, (2, Source::Call), taken()).await
}

/// Cash, hold and debt of the player, and the house's suspense.
async fn money(world: &World, payment: &Payment) -> (i64, i64, i64, i64) {
    let wallet = world.wallet(&payment.player).await;
    (wallet.cash, wallet.held, wallet.owed, world.house_balance("suspense").await)
}

/// Our own answer is lost; the PSP has the payout in its books, refused. It may have been on its way before.
#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_from_the_psps_books_is_one_after_it_was_taken() {
    let world = by_hand().await;
    for source in [Source::Inquiry, WEBHOOK] {
        for retry_elsewhere in [true, false] {
            let sent = sent(&world).await;
            tell(&world, &sent, (1, Source::Call), Outcome::Unknown(Unknown::ReadTimeout)).await;
            let stuck = tell(&world, &sent, (1, source), refused(retry_elsewhere)).await;
            assert_eq!(
                (stuck.status.as_str(), stuck.attempts.len()),
                ("in_review", 1),
                "{source:?}"
            );
            assert_eq!(world.wallet(&sent.player).await.held, 900, "still held");
            world.two_people(&stuck, "reject").await;
        }
    }
    // The control: the answer to the request itself, or to the same one sent again, says that it never was.
    for source in [Source::Call, Source::Replay] {
        let sent = sent(&world).await;
        if source == Source::Replay {
            tell(&world, &sent, (1, Source::Call), Outcome::Unknown(Unknown::ReadTimeout)).await;
        }
        let own = Report { psp_reference: Some("p-1".to_owned()), ..report(refused(false)) };
        let over = tell(&world, &sent, (1, source), Outcome::Reported(own)).await;
        assert_eq!(over.status.as_str(), "failed", "{source:?}");
        assert_eq!(world.wallet(&sent.player).await.cash, 1_000);
    }
    world.close().await;
}

fn report(outcome: Outcome) -> Report {
    match outcome {
        Outcome::Reported(report) => report,
        other => panic!("no report: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_back_without_having_been_paid_leaves_the_hold_to_the_next_attempt() {
    let world = by_hand().await;
    let again = sent_again(&world).await;
    for _ in 0..2 {
        // The second half of the news may come after the first.
        for outcome in [returned(), succeeded()] {
            let after = tell(&world, &again, (1, WEBHOOK), outcome).await;
            assert_eq!(after.status.as_str(), "processing");
            assert_eq!(after.attempts[0].status, AttemptStatus::Declined);
            assert_eq!(money(&world, &again).await, (100, 900, 0, 0));
        }
    }
    assert_eq!(world.incidents("payout.returned_unpaid").await, 1);
    let paid = tell(&world, &again, (2, WEBHOOK), succeeded()).await;
    assert_eq!(paid.status.as_str(), "paid");
    assert_eq!(money(&world, &paid).await, (100, 0, 0, 0));
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_back_after_its_hold_was_given_back_moves_nothing() {
    let world = by_hand().await;
    let stuck = stuck(&world).await;
    world.two_people(&stuck, "reject").await;
    world.play(&stuck.player, GameKind::Stake, eur(800)).await;
    let entries = world.number("select count(*) from entry").await;
    let after = tell(&world, &stuck, (1, WEBHOOK), returned()).await;
    assert_eq!(after.status.as_str(), "rejected");
    assert_eq!(money(&world, &stuck).await, (200, 0, 0, 0));
    assert_eq!(world.number("select count(*) from entry").await, entries);
    assert_eq!(world.incidents("payout.returned_unpaid").await, 1);
    world.close().await;
}

/// Both PSPs paid. Whichever payment comes back first clears suspense; the last one is the player's.
async fn both_paid(first: i16, last: i16) {
    let world = by_hand().await;
    let again = sent_again(&world).await;
    tell(&world, &again, (1, WEBHOOK), succeeded()).await;
    tell(&world, &again, (2, WEBHOOK), succeeded()).await;
    assert_eq!(world.incidents("payout.paid_twice").await, 1);
    assert_eq!(money(&world, &again).await, (100, 0, 0, -900));
    for _ in 0..2 {
        let one_is_back = tell(&world, &again, (first, WEBHOOK), returned()).await;
        assert_eq!(one_is_back.status.as_str(), "paid", "the other payment stands");
        assert_eq!(one_is_back.parts[0].status.as_str(), "paid");
        assert_eq!(money(&world, &again).await, (100, 0, 0, 0));
    }
    assert_eq!(world.incidents("payout.recovered").await, 1);
    for _ in 0..2 {
        let both_are = tell(&world, &again, (last, WEBHOOK), returned()).await;
        assert_eq!(both_are.status.as_str(), "returned");
        assert_eq!(money(&world, &again).await, (1_000, 0, 0, 0));
    }
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_payment_that_is_recovered_is_not_the_players() {
    both_paid(2, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_payment_that_bounces_while_the_second_stands_is_not_the_players() {
    both_paid(1, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_back_beside_a_payment_that_is_under_way_waits_for_what_becomes_of_it() {
    let world = by_hand().await;
    let back = async || {
        let again = sent_again(&world).await;
        tell(&world, &again, (1, WEBHOOK), succeeded()).await;
        for _ in 0..2 {
            let waits = tell(&world, &again, (1, WEBHOOK), returned()).await;
            assert_eq!(waits.status.as_str(), "paid");
        }
        assert_eq!(money(&world, &again).await, (100, 0, 0, 900));
        again
    };
    // The other one is paid: the player has that.
    let paid = back().await;
    for _ in 0..2 {
        let paid = tell(&world, &paid, (2, WEBHOOK), succeeded()).await;
        assert_eq!(paid.status.as_str(), "paid");
        assert_eq!(money(&world, &paid).await, (100, 0, 0, 0));
    }
    assert_eq!(world.incidents("payout.paid_twice").await, 0, "there is no second to recover");
    // Until it comes back too.
    for _ in 0..2 {
        let both = tell(&world, &paid, (2, WEBHOOK), returned()).await;
        assert_eq!(both.status.as_str(), "returned");
        assert_eq!(money(&world, &paid).await, (1_000, 0, 0, 0));
    }
    // The other one is not paid: what came back is the player's, once.
    let unpaid = back().await;
    for _ in 0..2 {
        let over = tell(&world, &unpaid, (2, WEBHOOK), surely_refused()).await;
        assert_eq!(over.status.as_str(), "returned");
        assert_eq!(money(&world, &unpaid).await, (1_000, 0, 0, 0));
    }
    world.close().await;
}

/// The second payment is proven when the first has come back and its money was played with.
#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_is_proven_after_another_came_back_is_the_players_to_bear() {
    let world = by_hand().await;
    let back = async || {
        let again = sent_again(&world).await;
        tell(&world, &again, (2, WEBHOOK), refused(false)).await;
        tell(&world, &again, (1, WEBHOOK), succeeded()).await;
        tell(&world, &again, (1, WEBHOOK), returned()).await;
        assert_eq!(money(&world, &again).await, (1_000, 0, 0, 0));
        again
    };
    let late = back().await;
    for _ in 0..2 {
        tell(&world, &late, (2, WEBHOOK), succeeded()).await;
        assert_eq!(money(&world, &late).await, (100, 0, 0, 0));
    }
    let played = back().await;
    world.play(&played.player, GameKind::Stake, eur(600)).await;
    tell(&world, &played, (2, WEBHOOK), succeeded()).await;
    assert_eq!(money(&world, &played).await, (0, 0, 500, 0));
    for _ in 0..2 {
        tell(&world, &played, (2, WEBHOOK), returned()).await;
        assert_eq!(money(&world, &played).await, (400, 0, 0, 0), "its own debt first");
    }
    world.close().await;
}

/// A bank sends a payout back in parts, and its PSP tells each or the sum: the first is booked, and people are
/// told of every other, once.
#[tokio::test(flavor = "multi_thread")]
async fn what_comes_back_of_a_payout_after_its_first_part_is_put_before_people() {
    let world = by_hand().await;
    let back = |minor| said(Status::Returned { money: eur(minor) });
    let paid = sent(&world).await;
    tell(&world, &paid, (1, WEBHOOK), succeeded()).await;
    for (minor, incidents) in [(400, 0), (400, 0), (900, 1), (900, 1), (400, 1), (500, 2)] {
        for source in [WEBHOOK, Source::Inquiry] {
            let after = tell(&world, &paid, (1, source), back(minor)).await;
            assert_eq!(after.status.as_str(), "returned");
            assert_eq!(money(&world, &paid).await, (500, 0, 0, 0), "{minor}");
            assert_eq!(world.incidents("payout.returned_again").await, incidents, "{minor}");
        }
    }
    let details =
        "select detail from incident where kind = 'payout.returned_again' order by detail";
    let told = "9.00 EUR came back of a payout of which 4.00 EUR is booked as come back";
    assert!(world.texts(details).await[1].starts_with(told));
    // What came back whole came back once; less than that would be another story.
    let whole = sent(&world).await;
    tell(&world, &whole, (1, WEBHOOK), succeeded()).await;
    for (minor, incidents) in [(900, 2), (900, 2), (400, 3)] {
        tell(&world, &whole, (1, WEBHOOK), back(minor)).await;
        assert_eq!(money(&world, &whole).await, (1_000, 0, 0, 0), "{minor}");
        assert_eq!(world.incidents("payout.returned_again").await, incidents, "{minor}");
    }
    world.close().await;
}

/// Whether the money is back nobody knows, so nothing moves; people are told, once, by what the PSP answers and
/// not by a hint.
#[tokio::test(flavor = "multi_thread")]
async fn a_psp_that_no_longer_knows_what_became_of_a_payout_is_put_before_people() {
    let world = by_hand().await;
    let paid = sent(&world).await;
    tell(&world, &paid, (1, WEBHOOK), succeeded()).await;
    let undecided = || Outcome::Unknown(Unknown::PspUndecided);
    for (source, incidents) in [
        (Source::Webhook { hint: true }, 0),
        (Source::Inquiry, 1),
        (Source::Webhook { hint: true }, 1),
        (Source::Inquiry, 1),
    ] {
        let after = tell(&world, &paid, (1, source), undecided()).await;
        assert_eq!(after.attempts[0].status, AttemptStatus::Succeeded);
        assert_eq!(money(&world, &paid).await, (100, 0, 0, 0));
        assert_eq!(world.incidents("attempt.undecided").await, incidents, "{source:?}");
    }
    // It knows by now.
    tell(&world, &paid, (1, Source::Inquiry), returned()).await;
    assert_eq!(money(&world, &paid).await, (1_000, 0, 0, 0));
    world.close().await;
}

/// A PSP that answers is not asked every other second for a day because it does not know itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_psp_that_does_not_know_is_given_longer_than_one_whose_answer_was_lost() {
    let liars = vec!["truelayer-gb"];
    let world = World::with(Setup { workers: false, liars, ..Setup::default() }).await;
    let player = world.rich_player("GB", 1_000).await;
    let withdrawal = world.withdraw(&player, gbp(900)).await;
    let paid = send(&world, &withdrawal).await;
    let status = Status::Succeeded { money: gbp(900) };
    let (psp_reference, payer, attempt) = (Some("tr-1".to_owned()), None, None);
    let done = Outcome::Reported(Report { psp_reference, status, payer, attempt });
    tell(&world, &paid, (1, WEBHOOK), done).await;
    for (why, minutes) in [(Unknown::ReadTimeout, 0..14), (Unknown::PspUndecided, 14..16)] {
        let after = tell(&world, &paid, (1, Source::Inquiry), Outcome::Unknown(why)).await;
        let due = after.attempts[0].due_at.unwrap() - world.one().flows.clock.now();
        assert!(minutes.contains(&due.whole_minutes()), "{why:?}: {due}");
    }
    world.close().await;
}
