//! What is found of a player between the approval of a withdrawal and its payout.

use super::bounced_payouts::{sent, submit, tell};
use super::harness::{CHECKS, SOON, Setup, World, eur, eventually};
use super::may_be_paid::{cases, found_unpaid_of, lost};
use super::routing::tried;
use super::rules::{all_replay, all_replay_today, found};
use interlock::book::Payment;
use interlock::decide::command::{KnownBeforePayout, Source};
use interlock::decide::{Answer, Command};
use interlock::domain::{Audience, Kyc, KycStatus};
use interlock::payments::know_before_taking::{TakeError, known_before_payout};
use interlock::payments::resolve_unknown::resolve_unknown;
use interlock::payments::send_payout::send_payout;
use interlock::screening::hooks::HookFailure;
use std::collections::BTreeSet;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);
const LEAVES: &str = "withdrawal.pre_payout";
const ASKED: &str = "select count(*) from vendor_result where hook = 'names'";
const NAME: &str = "Erika Mustermann";
const IDENTITY: &str = r#"
[[rules]]
id = "kyc.vendor"
effect = "review"
at = ["withdrawal.pre_payout"]
level_min = 2
max_age_s = 31536000
on_failure = "review"
on_pending = "review"
source = "the tests"
source_date = "2026-11-21"
"#;

async fn world(workers: bool) -> World {
    let setup = Setup { shipped: true, vendors: CHECKS, workers, ..Setup::default() };
    World::with(setup).await
}

/// So much that two people decide about it. Nothing is known of its player.
async fn waits_for_people(world: &World) -> Payment {
    let player = world.rich_player("DE", 150_000).await;
    let withdrawal = world.withdraw(&player, eur(150_000)).await;
    assert_eq!(codes(&withdrawal), ["review.dual_approval"], "{:?}", withdrawal.reasons);
    withdrawal
}

fn codes(payment: &Payment) -> Vec<&str> {
    payment.reasons.iter().map(|reason| reason.code.as_str()).collect()
}

async fn outcomes(world: &World, payment: &Payment) -> Vec<String> {
    let of = payment.id.uuid;
    let sql = format!(
        "select outcome from decision where payment_id = '{of}' and checkpoint = '{LEAVES}'
         order by decision_id"
    );
    world.texts(&sql).await
}

/// Two people let it go, and it is before people again; no PSP has heard of it.
async fn is_held(world: &World, withdrawal: &Payment, kind: &str) -> Payment {
    world.two_people(withdrawal, "approve").await;
    eventually("it is before people again", SOON, || async {
        (cases(world, withdrawal).await == [kind]).then_some(())
    })
    .await;
    let held = world.payment(withdrawal.id).await;
    assert_eq!((held.status.as_str(), held.attempts.len()), ("in_review", 0));
    assert_eq!(world.wallet(&held.player).await.held, withdrawal.money.minor);
    held
}

/// Two people let it go, and its PSP has it.
async fn is_sent(world: &World, withdrawal: &Payment) {
    world.two_people(withdrawal, "approve").await;
    let sent = || async { (!world.payment(withdrawal.id).await.attempts.is_empty()).then_some(()) };
    eventually("it is sent", SOON, sent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_came_to_a_list_after_the_request_holds_the_payout() {
    let world = world(true).await;
    let withdrawal = waits_for_people(&world).await;
    world.mocks.change_lists("watchman", &[NAME]).await;
    eventually("the lists are matched again", SOON, || async {
        world.one().flows.nudges.names.notify_one();
        let told = "select count(*) from review where kind = 'name_match'";
        (world.number(told).await == 1).then_some(())
    })
    .await;
    let held = is_held(&world, &withdrawal, "withdrawal_hold").await;
    assert_eq!(codes(&held), ["names.sanctions"]);
    assert_eq!(held.reasons[0].audience, Audience::Compliance);
    assert_eq!(outcomes(&world, &withdrawal).await, ["hold"]);
    // By then the answer that they were shown is too old: the matcher says the same once more.
    let asked = world.number(ASKED).await;
    world.move_on(2 * DAY).await;
    is_sent(&world, &held).await;
    assert!(asked < world.number(ASKED).await, "the matcher was asked anew");
    assert_eq!(outcomes(&world, &withdrawal).await, ["hold", "approve"]);
    let names = found(&world, &withdrawal, LEAVES, "sanctions_pep").await.to_string();
    assert!(names.contains("two people let it go"), "{names}");
    all_replay_today(&world).await;
    world.leave_open();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verification_that_fell_after_the_request_is_for_people_and_denies_nothing() {
    let world = world(true).await;
    for (status, kind, outcome, code) in [
        (KycStatus::Rejected, "withdrawal_hold", "hold", "kyc.rejected"),
        (KycStatus::Unverified, "withdrawal_review", "review", "kyc.level_too_low"),
    ] {
        let withdrawal = waits_for_people(&world).await;
        let known = world.read_player(&withdrawal.player).await;
        let kyc = Kyc { status, ..known.kyc.clone() };
        world.change_player(interlock::domain::Player { kyc, ..known }).await;
        let held = is_held(&world, &withdrawal, kind).await;
        assert_eq!(codes(&held), [code]);
        assert_eq!(outcomes(&world, &withdrawal).await, [outcome]);
        is_sent(&world, &held).await;
        assert_eq!(outcomes(&world, &withdrawal).await, [outcome, "approve"]);
    }
    all_replay(&world).await;
    world.leave_open();
}

/// What else is found after people let the first thing go is put before them with it, and then it is sent: neither
/// takes the other's place.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_findings_one_after_the_other_each_is_shown_once() {
    let world = world(true).await;
    let withdrawal = waits_for_people(&world).await;
    let known = world.read_player(&withdrawal.player).await;
    let kyc = Kyc { status: KycStatus::Rejected, ..known.kyc.clone() };
    world.change_player(interlock::domain::Player { kyc, ..known }).await;
    let held = is_held(&world, &withdrawal, "withdrawal_hold").await;
    world.mocks.change_lists("watchman", &[NAME]).await;
    world.move_on(2 * DAY).await;
    let held = is_held(&world, &held, "withdrawal_hold").await;
    assert_eq!(codes(&held), ["names.sanctions", "kyc.rejected"]);
    is_sent(&world, &held).await;
    assert_eq!(outcomes(&world, &withdrawal).await, ["hold", "hold", "approve"]);
    world.leave_open();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payout_right_after_its_request_asks_nobody_again() {
    let world = world(true).await;
    let player = world.rich_player("DE", 10_000).await;
    eventually("names are matched", SOON, || async {
        let due = "select count(*) from name_screening_due";
        (world.number(due).await == 0).then_some(())
    })
    .await;
    for vendor in ["watchman", "yente"] {
        world.mocks.vendor_listener(vendor, false).await;
    }
    let withdrawal = world.withdraw(&player, eur(10_000)).await;
    let sent = || async { (!world.payment(withdrawal.id).await.attempts.is_empty()).then_some(()) };
    eventually("it is sent", SOON, sent).await;
    assert_eq!(outcomes(&world, &withdrawal).await, ["approve"]);
    let names = found(&world, &withdrawal, LEAVES, "sanctions_pep").await.to_string();
    assert!(names.contains("nobody near"), "{names}");
    world.leave_open();
}

/// Days may lie between the first PSP's silence and the next PSP.
#[tokio::test(flavor = "multi_thread")]
async fn a_payout_that_goes_on_to_another_psp_is_asked_about_anew() {
    let world = world(false).await;
    let next = found_unpaid_of(&world, sent(&world).await).await;
    world.mocks.change_lists("watchman", &[NAME]).await;
    world.move_on(DAY).await;
    let attempt = next.attempts[1].id;
    let take = Command::TakeAttempt { payment: next.id.uuid, attempt, known: None };
    let answer = submit(&world, &next, take).await;
    assert!(matches!(answer, Answer::AnswersWanted(_)), "{answer:?}");
    let (flows, player, id) = (world.one().flows.clone(), next.player.clone(), next.id.uuid);
    let looking = async move { resolve_unknown(&flows, &player, id, attempt).await.unwrap() };
    assert!(world.one().run(looking).await);
    let held = world.payment(next.id).await;
    assert_eq!(tried(&held), ["trustly-de not_sent", "truelayer-de cancelled"]);
    assert_eq!((held.status.as_str(), codes(&held)), ("in_review", vec!["names.sanctions"]));
    assert_eq!(outcomes(&world, &held).await, ["approve", "hold"]);
    // Nothing came of the first either.
    let told = tell(&world, &next, (1, Source::Replay), lost()).await;
    assert_eq!(told.status.as_str(), "in_review");
    all_replay(&world).await;
    world.leave_open();
}

/// What a vendor of identity said cannot be read for a moment.
#[tokio::test(flavor = "multi_thread")]
async fn an_identity_that_the_database_does_not_tell_for_a_moment_is_no_finding_before_a_payout() {
    let (rules, vendors) = (IDENTITY.to_owned(), &["sumsub"]);
    let world = World::with(Setup { rules, vendors, workers: false, ..Setup::default() }).await;
    let player = world.rich_player("DE", 10_000).await;
    let gather = async || {
        let (flows, player) = (world.one().flows.clone(), player.clone());
        world
            .one()
            .run(async move { known_before_payout::<TakeError>(&flows, &player).await })
            .await
    };
    let known = gather().await.unwrap().facts.kyc.unwrap();
    assert_eq!(known.found, Err(HookFailure::NothingKnown));
    let hidden = "revoke select on vendor_result from interlock_app";
    sqlx::raw_sql(hidden).execute(&world.rows).await.unwrap();
    let unread = gather().await.unwrap_err();
    assert!(matches!(unread, TakeError::Store(_)), "{unread:?}");
    world.leave_open();
}

/// The record changes while the matchers are asked about it.
#[tokio::test(flavor = "multi_thread")]
async fn a_payout_does_not_leave_by_what_was_said_of_another_name() {
    let world = world(false).await;
    let withdrawal = waits_for_people(&world).await;
    world.two_people(&withdrawal, "approve").await;
    let (flows, player) = (world.one().flows.clone(), withdrawal.player.clone());
    let asking = async move { known_before_payout::<TakeError>(&flows, &player).await };
    let checks = world.one().run(asking).await.unwrap();
    let known = world.read_player(&withdrawal.player).await;
    let full_name = "Erika Sanctioned".to_owned();
    world.change_player(interlock::domain::Player { full_name, ..known }).await;
    let answers = Some(Box::new(KnownBeforePayout { checks, ..KnownBeforePayout::default() }));
    let take = Command::TakePayout { payment: withdrawal.id.uuid, answers };
    let answer = submit(&world, &withdrawal, take).await;
    assert!(matches!(answer, Answer::AnswersWanted(_)), "{answer:?}");
    assert_eq!(outcomes(&world, &withdrawal).await, Vec::<String>::new());
    let (flows, of) = (world.one().flows.clone(), withdrawal.clone());
    let sending = async move { send_payout(&flows, &of.player, of.id.uuid).await.unwrap() };
    assert!(!world.one().run(sending).await);
    assert_eq!(cases(&world, &withdrawal).await, ["withdrawal_hold"]);
    world.leave_open();
}

/// One case may be held for one thing and show another beside it.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_shown_beside_a_hold_was_let_go_as_no_hold() {
    let world = world(true).await;
    let withdrawal = waits_for_people(&world).await;
    let known = world.read_player(&withdrawal.player).await;
    let kyc = Kyc { status: KycStatus::Rejected, ..known.kyc.clone() };
    let full_name = "Erika Similar".to_owned();
    world.change_player(interlock::domain::Player { kyc, full_name, ..known }).await;
    let held = is_held(&world, &withdrawal, "withdrawal_hold").await;
    let holds: BTreeSet<_> = held.reasons.iter().map(|it| (&*it.code, it.holds)).collect();
    assert_eq!(holds, BTreeSet::from([("kyc.rejected", true), ("names.sanctions", false)]));
    is_sent(&world, &held).await;
    assert_eq!(outcomes(&world, &withdrawal).await, ["hold", "approve"]);
    let seen = format!(
        "select concat(seen->>'rule', ' ', seen->>'held') from decision,
           json_array_elements(inputs->'let_go') seen
         where payment_id = '{}' and checkpoint = '{LEAVES}' and outcome = 'approve'",
        withdrawal.id.uuid
    );
    let seen: BTreeSet<String> = world.texts(&seen).await.into_iter().collect();
    assert_eq!(seen, BTreeSet::from(["kyc.level true".to_owned(), "sanctions_pep ".to_owned()]));
    all_replay(&world).await;
    world.leave_open();
}
