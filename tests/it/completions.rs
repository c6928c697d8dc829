//! Deposits that their PSP takes only at our word: a player who may not deposit any more keeps the money,
//! and a word whose answer is lost, or whose speaker dies, is never given twice for one payment.

use super::every_psp::truth::{contradictions, ours, theirs};
use super::harness::markets::{CANADA, Market};
use super::harness::{Movement, Setup, World, eventually};
use interlock::book::Payment;
use interlock::domain::{AttemptStatus, Exclusion, Player, PlayerKey, PlayerStatus};
use interlock::payments::resolve_unknown::resolve_unknown;
use interlock::players::set_limits::{Change, set_limits};
use interlock::screening::limits::Period;
use psp_contract::Money;
use serde_json::json;
use std::time::Duration;

const PSP: &str = "paysafe-ca";
const MARKET: Market = Market { accounts: &[PSP], ..CANADA };
const SOON: Duration = Duration::from_secs(20);

/// A deposit that waits for its payer.
async fn opened() -> (World, PlayerKey, Payment) {
    let setup = Setup { accounts: MARKET.accounts, first: Some(PSP), ..Setup::default() };
    let world = World::with(setup).await;
    let player = world.player_of(MARKET).await;
    let deposit = world.one().deposit(MARKET.deposit(&player)).await;
    assert_eq!(deposit.status.as_str(), "action_required", "{deposit:#?}");
    (world, player, deposit)
}

async fn movement(world: &World, deposit: &Payment) -> Movement {
    world.movement(&deposit.attempts[0]).await
}

async fn change(world: &World, player: &PlayerKey, change: impl FnOnce(Player) -> Player) {
    let known = world.read_player(player).await;
    world.change_player(change(known)).await;
}

/// The word is not given: the deposit is over, its share of the limits is free, and the PSP has taken
/// nothing, whatever its webhook repeats.
async fn is_not_taken(world: World, player: &PlayerKey, deposit: &Payment, code: &str) {
    let over = world.settled(deposit.id, "failed").await;
    assert_eq!(over.attempts[0].status, AttemptStatus::Cancelled);
    assert!(over.reasons.iter().any(|reason| reason.code == code), "{:?}", over.reasons);
    let denied =
        "select count(*) from decision where checkpoint = 'deposit.pre' and outcome = 'deny'";
    assert_eq!(world.number(denied).await, 1, "why is on record");
    let reference = movement(&world, deposit).await.reference;
    let again = world.mocks.resend(PSP, json!({"reference": reference, "times": 2})).await;
    assert_eq!(again, [200, 200]);
    world.move_on(Duration::from_secs(3_600)).await;
    assert_eq!(movement(&world, deposit).await.status, "pending");
    assert_eq!(world.payment(deposit.id).await.status.as_str(), "failed");
    assert_eq!(world.wallet(player).await.cash, 0);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_player_who_was_excluded_meanwhile_keeps_the_money() {
    let (world, player, deposit) = opened().await;
    let from = time::macros::datetime!(2026-01-01 0:00 UTC);
    let exclusion = Exclusion { source: "register".to_owned(), from, until: None };
    change(&world, &player, |known| Player { exclusion: Some(exclusion), ..known }).await;
    world.complete(&deposit, "succeeded").await;
    is_not_taken(world, &player, &deposit, "player.excluded").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_player_who_was_frozen_meanwhile_keeps_the_money() {
    let (world, player, deposit) = opened().await;
    change(&world, &player, |known| Player { status: PlayerStatus::Frozen, ..known }).await;
    world.complete(&deposit, "succeeded").await;
    is_not_taken(world, &player, &deposit, "player.frozen").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_player_over_a_limit_that_was_lowered_meanwhile_keeps_the_money() {
    let (world, player, deposit) = opened().await;
    let lower = Money::new(MARKET.minor - 1, MARKET.currency);
    let (flows, key) = (world.one().flows.clone(), player.clone());
    let limit = Change::Replace(vec![(Period::Day, lower)]);
    world.one().run(async move { set_limits(&flows, &key, limit).await.unwrap() }).await;
    world.complete(&deposit, "succeeded").await;
    is_not_taken(world, &player, &deposit, "limit.player_exceeded").await;
}

/// The control: without a reason against it the word is given, once, and the money is the player's.
#[tokio::test(flavor = "multi_thread")]
async fn a_player_who_may_deposit_is_credited_once() {
    let (world, player, deposit) = opened().await;
    world.complete(&deposit, "succeeded").await;
    world.settled(deposit.id, "succeeded").await;
    assert_eq!(movement(&world, &deposit).await.status, "succeeded");
    assert_eq!(world.wallet(&player).await.cash, MARKET.minor);
    let words =
        "select count(*) from wire where purpose = 'completion' and step = 'complete_deposit'";
    assert_eq!(world.number(words).await, 1);
    let approved = "select count(*) from decision where checkpoint = 'deposit.pre'";
    assert_eq!(world.number(approved).await, 2, "asked for, and taken");
    world.close().await;
}

/// The call that takes the money goes wrong so; the question before it does not.
async fn taking_goes_wrong(world: &World, fault: &str) {
    let question = json!({"operation": "query", "fault": "slow", "times": 1, "delay_ms": 1});
    world.mocks.fault_with(PSP, question).await;
    world.mocks.fault_with(PSP, json!({"operation": "any", "fault": fault, "times": 1})).await;
}

async fn is_credited_once(world: World, player: &PlayerKey, deposit: &Payment) {
    let there = || async {
        let payment = world.payment(deposit.id).await;
        (payment.status.as_str() == "succeeded").then_some(payment)
    };
    let what = "the inquiry finds out";
    let done = world.later(what, Duration::from_secs(20), there).await;
    assert_eq!(done.attempts.len(), 1, "nobody else is asked");
    assert_eq!(world.wallet(player).await.cash, MARKET.minor);
    assert_eq!(world.mocks.movements(PSP).await.len(), 1);
    let faults = contradictions(&ours(&world).await, &theirs(&world).await);
    assert_eq!(faults, Vec::<String>::new());
    world.close().await;
}

async fn lost(fault: &str) {
    let (world, player, deposit) = opened().await;
    taking_goes_wrong(&world, fault).await;
    world.complete(&deposit, "succeeded").await;
    is_credited_once(world, &player, &deposit).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_word_that_was_heard_and_not_answered_is_not_given_again() {
    lost("connection_reset_after_accept").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_word_that_was_not_heard_is_given_again_once_the_psp_says_that_it_waits() {
    lost("connection_reset_before").await;
}

/// The service dies between taking the word upon itself and hearing the answer; another instance asks.
async fn killed(fault: &str) {
    let (mut world, player, deposit) = opened().await;
    taking_goes_wrong(&world, fault).await;
    world.mocks.fault(PSP, "webhook", "webhook_drop", Some(1)).await;
    // The approval's webhook is lost with the rest, so the attempts worker asks, and then says the word.
    world.complete(&deposit, "succeeded").await;
    let asked = || async {
        let sql = "select count(*) from attempt where completion = 'asked'";
        (world.number(sql).await == 1).then_some(())
    };
    let step = Duration::from_secs(20);
    world.later("the word is being given", step, asked).await;
    // That it is meant is on record before it is sent: only what has reached the PSP can be heard.
    let sent = || async { (!world.mocks.has_faults(PSP).await).then_some(()) };
    eventually("the word has reached the PSP", SOON, sent).await;
    world.kill(0);
    let heard = fault == "timeout_after_accept";
    let status = if heard { "succeeded" } else { "pending" };
    eventually("the PSP has heard it, or has not", SOON, || async {
        (movement(&world, &deposit).await.status == status).then_some(())
    })
    .await;
    world.start_instance().await;
    is_credited_once(world, &player, &deposit).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_dies_after_its_word_was_heard_does_not_say_it_again() {
    killed("timeout_after_accept").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_dies_before_its_word_was_heard_says_it_when_it_is_back() {
    killed("timeout_before_accept").await;
}

/// The approval's webhook is lost, so the deposit is asked about, and then its PSP is told to take the money:
/// that answer is lost too. A casino that gives up meanwhile loses nothing of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_word_whose_answer_is_lost_is_asked_about_though_the_deposit_is_cancelled() {
    let accounts = MARKET.accounts;
    let setup = Setup { accounts, first: Some(PSP), workers: false, ..Setup::default() };
    let world = World::with(setup).await;
    let player = world.player_of(MARKET).await;
    let deposit = world.one().deposit(MARKET.deposit(&player)).await;
    world.mocks.fault(PSP, "webhook", "webhook_drop", None).await;
    world.complete(&deposit, "succeeded").await;
    let (of, id, attempt) = (player.clone(), deposit.id.uuid, deposit.attempts[0].id);
    let look = async || {
        let (flows, of) = (world.one().flows.clone(), of.clone());
        let asking = async move { resolve_unknown(&flows, &of, id, attempt).await };
        world.one().run(asking).await.unwrap();
    };
    let wanted = "select count(*) from attempt where completion = 'wanted'";
    looked_until(&world, &look, wanted).await;
    taking_goes_wrong(&world, "connection_reset_after_accept").await;
    look().await;
    assert_eq!(world.payment(deposit.id).await.status.as_str(), "action_required");
    assert_eq!(movement(&world, &deposit).await.status, "succeeded", "it was heard");
    let cancelled = world.one().cancel(&deposit).await.unwrap();
    assert_eq!(cancelled.status.as_str(), "cancelled");
    let credited = "select count(*) from payment where status = 'succeeded'";
    looked_until(&world, &look, credited).await;
    assert_eq!(world.wallet(&player).await.cash, MARKET.minor);
    world.close().await;
}

/// One look after the other, later each time: one that a deadline cut short would go on beside the next.
async fn looked_until(world: &World, look: &impl AsyncFn(), one: &'static str) {
    for _ in 0..40 {
        world.move_on(Duration::from_secs(20)).await;
        look().await;
        if world.number(one).await == 1 {
            return;
        }
    }
    panic!("never: {one}");
}
