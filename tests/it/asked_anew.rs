//! A payout that its PSP has surely refused, and that two people send again: that PSP is asked once more, once an
//! approval, and nobody who may have paid ever is.

use super::bounced_payouts::{
    WEBHOOK, by_hand, refused, said, send, succeeded, surely_refused, taken, tell,
};
use super::closed_loop::{ACCOUNTS, back, bank_and_card, card_is_paid, world_of};
use super::harness::markets::GERMANY;
use super::harness::{SOON, World, eur, eventually};
use super::may_be_paid::{cases, look, lost, money};
use super::overtaken_payouts::plan_names_another;
use super::routing::tried;
use interlock::book::{Attempt, Payment, Returns};
use interlock::decide::command::Source;
use interlock::domain::{AttemptStatus, PartStatus, Player, PlayerStatus};
use interlock::payments::send_payout::send_payout;
use psp_contract::{NotSent, Outcome, Status};
use sqlx::AssertSqlSafe;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);
const STUCK: &str = "payout_stuck";

/// In flight to the one PSP of its plan that can pay it.
async fn sent_to_the_only_one(world: &World) -> Payment {
    let player = world.rich_player("DE", 1_000).await;
    let withdrawal = world.withdraw(&player, eur(900)).await;
    plan_names_another(world, &withdrawal, "truelayer").await;
    send(world, &withdrawal).await
}

/// Two people send it again.
async fn approve(world: &World, payment: &Payment, kind: &str) {
    assert_eq!(cases(world, payment).await, [kind]);
    world.two_people_of(payment, kind, "approve").await;
}

/// A worker takes it, and finds nobody whom it may ask.
async fn nobody_is_asked(world: &World, payment: &Payment) {
    let before = tried(&world.payment(payment.id).await);
    let (flows, player, id) = (world.one().flows.clone(), payment.player.clone(), payment.id.uuid);
    let sending = async move { send_payout(&flows, &player, id).await.unwrap() };
    assert!(!world.one().run(sending).await, "nothing is sent");
    assert_eq!(tried(&world.payment(payment.id).await), before);
}

/// What its newest case begins with.
async fn noted(world: &World, payment: &Payment) -> String {
    let noted = format!(
        "select e.text from review_event e join review r using (review_id)
         where r.payment_id = '{}' and r.is_open and e.act = 'note'",
        payment.id.uuid
    );
    world.texts(&noted).await.remove(0)
}

/// The casino's account at the card's PSP is empty, twice, and is funded then. The market's other PSP for cards does
/// not know this one.
#[tokio::test(flavor = "multi_thread")]
async fn two_people_have_the_psp_asked_again_that_refused_and_it_pays_once() {
    let world = world_of(ACCOUNTS).await;
    let player = bank_and_card(&world).await;
    world.mocks.fault("adyen-de", "create_payout", "decline_hard", Some(2)).await;
    let withdrawal = world.one().withdraw(back(&player, GERMANY.money(15_000))).await;
    let (bank, no) = ("trustly-de succeeded", "adyen-de declined");
    let mut expected = vec![bank, no];
    for _ in 0..2 {
        let refused = || async {
            let payment = world.payment(withdrawal.id).await;
            let is_over = payment.attempts.len() == expected.len();
            (is_over && payment.status.as_str() == "in_review").then_some(payment)
        };
        let stuck = eventually("it is before people", SOON, refused).await;
        assert_eq!(tried(&stuck), expected);
        let note = noted(&world, &stuck).await;
        assert!(note.ends_with("; an approval asks adyen-de"), "{note}");
        // The control: nobody asks by itself, for however long nobody approves.
        world.move_on(DAY).await;
        nobody_is_asked(&world, &stuck).await;
        assert_eq!(world.wallet(&player).await.held, 5_000);
        approve(&world, &stuck, STUCK).await;
        expected.push(no);
    }
    card_is_paid(&world, &withdrawal, 1).await;
    let paid = world.settled(withdrawal.id, "paid").await;
    assert_eq!(tried(&paid), [bank, no, no, "adyen-de succeeded"]);
    let movements = world.mocks.movements("adyen-de").await;
    let payouts = movements.iter().filter(|it| it.kind == "payout" && it.status == "succeeded");
    assert_eq!(payouts.map(|it| it.minor).collect::<Vec<_>>(), [5_000], "its PSP paid it once");
    assert_eq!(world.wallet(&player).await.held, 0);
    world.close().await;
}

/// What proves that its PSP has not paid, and what does not.
#[tokio::test(flavor = "multi_thread")]
async fn only_a_refusal_that_proves_it_unpaid_is_asked_again() {
    let world = by_hand().await;
    let for_good = vec![taken(), surely_refused()];
    for (told, anew) in [
        (vec![refused(true)], true),
        (for_good, true),
        (vec![taken(), refused(true)], false),
        (vec![taken(), said(Status::Expired)], false),
        (vec![taken(), said(Status::Cancelled)], false),
        // Told from its books: it had taken it.
        (vec![lost(), refused(true)], false),
    ] {
        let sent = sent_to_the_only_one(&world).await;
        for (outcome, source) in told.iter().zip([Source::Call, WEBHOOK]) {
            tell(&world, &sent, (1, source), outcome.clone()).await;
        }
        let note = noted(&world, &sent).await;
        approve(&world, &sent, STUCK).await;
        if !anew {
            assert!(note.contains("; an approval asks nobody"), "{told:?}: {note}");
            nobody_is_asked(&world, &sent).await;
            assert_eq!(cases(&world, &sent).await, [STUCK], "{told:?}");
            world.two_people(&sent, "reject").await;
            assert_eq!(money(&world, &sent).await, (1_000, 0, 0, 0));
            continue;
        }
        assert!(note.ends_with("; an approval asks trustly-de"), "{told:?}: {note}");
        send(&world, &sent).await;
        let paid = tell(&world, &sent, (2, WEBHOOK), succeeded()).await;
        assert_eq!(tried(&paid), ["trustly-de declined", "trustly-de succeeded"]);
        assert_eq!(money(&world, &sent).await, (100, 0, 0, 0));
        // It bounces: the money is the player's, and nobody is asked a third time.
        let back = said(Status::Returned { money: eur(900) });
        let back = tell(&world, &sent, (2, WEBHOOK), back).await;
        assert_eq!((back.status.as_str(), back.attempts.len()), ("returned", 2));
        assert_eq!(cases(&world, &back).await, Vec::<String>::new());
        nobody_is_asked(&world, &back).await;
        assert_eq!(money(&world, &sent).await, (1_000, 0, 0, 0));
    }
    world.close().await;
}

/// A PSP that refused it for good says later that it has it, and people find that it has not paid: what it said first
/// proves nothing any more.
#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_that_its_psp_has_taken_back_is_not_asked_again() {
    let world = by_hand().await;
    let sent = sent_to_the_only_one(&world).await;
    tell(&world, &sent, (1, Source::Call), taken()).await;
    tell(&world, &sent, (1, WEBHOOK), surely_refused()).await;
    world.move_on(61 * MINUTE).await;
    look(&world, &sent, 1).await;
    tell(&world, &sent, (1, Source::Inquiry), said(Status::Pending)).await;
    assert_eq!(cases(&world, &sent).await, ["outcome_unknown", STUCK]);
    world.two_people_of(&sent, "outcome_unknown", "resolve_unpaid").await;
    approve(&world, &sent, STUCK).await;
    nobody_is_asked(&world, &sent).await;
    world.two_people(&sent, "reject").await;
    world.close().await;
}

/// It is approved, and is before people for another cause before it is sent.
#[tokio::test(flavor = "multi_thread")]
async fn who_lets_it_go_for_another_cause_has_nobody_asked_again() {
    let world = by_hand().await;
    let sent = sent_to_the_only_one(&world).await;
    tell(&world, &sent, (1, Source::Call), refused(true)).await;
    approve(&world, &sent, STUCK).await;
    let becomes = async |status| {
        let known = world.read_player(&sent.player).await;
        world.change_player(Player { status, ..known }).await;
    };
    becomes(PlayerStatus::Frozen).await;
    nobody_is_asked(&world, &sent).await;
    becomes(PlayerStatus::Active).await;
    approve(&world, &sent, "withdrawal_hold").await;
    nobody_is_asked(&world, &sent).await;
    // The control.
    approve(&world, &sent, STUCK).await;
    send(&world, &sent).await;
    tell(&world, &sent, (2, WEBHOOK), succeeded()).await;
    world.close().await;
}

/// The plan names a third account as well, which nobody here knows.
async fn sent_to_the_first_of_three(world: &World) -> Payment {
    let player = world.rich_player("DE", 1_000).await;
    let withdrawal = world.withdraw(&player, eur(900)).await;
    for table in ["payment", "part"] {
        let third = format!(
            r#"update {table} set route = regexp_replace(route::text, '\]\]$', ',["gone-de",9,"gone"]]]')::json
               where payment_id = $1 and route is not null"#
        );
        let third = sqlx::query(AssertSqlSafe(third)).bind(withdrawal.id.uuid);
        third.execute(&world.rows).await.unwrap();
    }
    let sent = send(world, &withdrawal).await;
    assert_eq!(sent.route.ranked().collect::<Vec<_>>(), ["trustly-de", "truelayer-de", "gone-de"]);
    sent
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_refused_comes_after_who_has_not_and_each_is_asked_once() {
    let world = by_hand().await;
    let sent = sent_to_the_first_of_three(&world).await;
    tell(&world, &sent, (1, Source::Call), refused(true)).await;
    let stuck = tell(&world, &sent, (2, Source::Call), Outcome::NotSent(NotSent::Dns)).await;
    let before = ["trustly-de declined", "truelayer-de not_sent"];
    assert_eq!(tried(&stuck), before);
    let note = noted(&world, &stuck).await;
    assert!(note.ends_with("; an approval asks truelayer-de, trustly-de"), "{note}");
    approve(&world, &stuck, STUCK).await;
    send(&world, &stuck).await;
    tell(&world, &stuck, (3, Source::Call), refused(true)).await;
    let stuck = tell(&world, &stuck, (4, Source::Call), refused(true)).await;
    let after = ["truelayer-de declined", "trustly-de declined"];
    assert_eq!(tried(&stuck), [before, after].concat());
    assert_eq!(cases(&world, &stuck).await, [STUCK]);
    nobody_is_asked(&world, &stuck).await;
    // Both have refused it by now: in the order of the plan.
    approve(&world, &stuck, STUCK).await;
    send(&world, &stuck).await;
    let stuck = tell(&world, &stuck, (5, Source::Call), refused(true)).await;
    let again = ["trustly-de declined", "truelayer-de in_flight"];
    assert_eq!(tried(&stuck), [&before[..], &after, &again].concat());
    tell(&world, &stuck, (6, WEBHOOK), succeeded()).await;
    world.close().await;
}

/// Its PSP pays what it had refused, while it is paying what it was asked for anew: the second is for people.
#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_that_was_paid_after_all_is_found_paid_twice() {
    let world = by_hand().await;
    let sent = sent_to_the_only_one(&world).await;
    tell(&world, &sent, (1, Source::Call), refused(true)).await;
    approve(&world, &sent, STUCK).await;
    send(&world, &sent).await;
    let paid = tell(&world, &sent, (1, WEBHOOK), succeeded()).await;
    assert_eq!(paid.status.as_str(), "paid");
    tell(&world, &sent, (2, WEBHOOK), succeeded()).await;
    assert_eq!(money(&world, &sent).await, (100, 0, 0, -900));
    assert_eq!(cases(&world, &sent).await, ["paid_twice", "paid_twice"]);
    assert_eq!(world.incidents("payout.paid_twice").await, 1);
    world.leave_open();
}

/// What is refused is not all that is asked: the part must be held, nothing of it under way or paid, and no return.
#[tokio::test(flavor = "multi_thread")]
async fn beside_what_may_be_paid_nobody_may_be_asked_anew() {
    use AttemptStatus::{Accepted, InFlight, Prepared, Returned, Succeeded, Unknown};
    let world = by_hand().await;
    let sent = sent_to_the_only_one(&world).await;
    let stuck = tell(&world, &sent, (1, Source::Call), refused(true)).await;
    let may = |payment: &Payment| payment.may_ask_anew(&payment.attempts[0]);
    assert!(may(&stuck));
    let mut asked: Vec<String> = Vec::new();
    let mut look = |what: String, change: &dyn Fn(&mut Payment)| {
        let mut payment = stuck.clone();
        change(&mut payment);
        asked.extend(may(&payment).then_some(what));
    };
    for status in [Prepared, InFlight, Unknown, Accepted, Succeeded, Returned] {
        look(format!("beside {status}"), &|payment| {
            let beside = Attempt { number: 2, status, ..payment.attempts[0].clone() };
            payment.attempts.push(beside);
        });
    }
    for status in [PartStatus::Processing, PartStatus::Paid, PartStatus::Released] {
        look(format!("part {}", status.as_str()), &|payment| payment.parts[0].status = status);
    }
    look("of a return".to_owned(), &|payment| {
        payment.returns = Some(Returns {
            deposit: payment.id.uuid,
            attempt: None,
            psp: "trustly-de".to_owned(),
            psp_reference: "1".to_owned(),
            from_suspense: false,
        });
    });
    look("told otherwise".to_owned(), &|payment| {
        payment.attempts[0].kept_news = Some("accepted".to_owned());
    });
    assert_eq!(asked, Vec::<String>::new());
    world.leave_open();
}
