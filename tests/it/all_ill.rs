//! When nobody is left who works, whoever is left is asked: a payment does not fail for want of a PSP that was
//! never called. And what fails comes back, for payouts too.

use super::harness::markets::GERMAN_CARDS;
use super::harness::{SOON, Setup, World, deposit_order, eur, eventually};
use super::paused::is_paid;
use super::routing::{off, set, tried, watchful};
use interlock::book::Payment;
use interlock::decide::Answer;
use interlock::domain::{AttemptStatus, Direction, PlayerKey};
use interlock::payments::offer_methods::{Offer, Wanted, offer_methods};
use interlock::payments::run_attempts::run_attempts;
use interlock::payments::send_payout::send_payout;
use interlock::payments::start_deposit::{DepositOrder, start_deposit};
use interlock::routing::Permit;
use interlock::routing::ask_psp::ask_psp;
use interlock::routing::health::Kept;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// From now on these fail for this instance, as those that failed before a start do.
fn fail(world: &World, psps: &[&str], direction: Direction) {
    fail_since(world, psps, direction, Duration::ZERO);
}

fn fail_since(world: &World, psps: &[&str], direction: Direction, ago: Duration) {
    let failing = psps.iter().map(|psp| ((*psp).to_owned(), direction)).collect();
    let (flows, levels) = (&world.one().flows, Vec::new());
    flows.health.restore(&Kept { levels, failing }, flows.clock.now() - ago);
    assert!(psps.iter().all(|psp| flows.health.is_failing(psp, direction)));
}

/// Planned and recorded, and not called yet.
async fn begun(world: &World, player: &PlayerKey) -> Payment {
    begun_by(world, deposit_order(player, eur(1_000))).await
}

async fn begun_by(world: &World, order: DepositOrder) -> Payment {
    let flows = world.one().flows.clone();
    match world.one().run(async move { start_deposit(&flows, &order).await.unwrap() }).await {
        Answer::Payment(begun) => (*begun).clone(),
        other => panic!("not a payment: {other:?}"),
    }
}

async fn carry_on(world: &World, begun: Payment) -> Payment {
    let flows = world.one().flows.clone();
    let first = begun.live_attempt(None).map(|live| live.id).unwrap();
    world.one().run(async move { run_attempts(&flows, begun, first).await }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn when_all_fail_the_best_is_still_asked() {
    let world = World::with(watchful()).await;
    let player = world.player("DE").await;
    fail(&world, &["trustly-de", "truelayer-de"], Direction::Deposit);
    let begun = begun(&world, &player).await;
    let ranked: Vec<String> = begun.route.ranked().map(str::to_owned).collect();
    let [best, other] = &ranked[..] else { panic!("{ranked:?}") };
    // Who is passed over for the other would have taken it.
    world.mocks.listener(other, false).await;
    let deposit = carry_on(&world, begun).await;
    assert_eq!(tried(&deposit), [format!("{best} accepted")]);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_psp_that_fails_is_not_passed_over_for_one_that_is_switched_off_or_gone() {
    let world = World::with(watchful()).await;
    let player = world.player("DE").await;
    let mut gone = begun(&world, &player).await;
    let switched_off = begun(&world, &player).await;
    let controlled = begun(&world, &player).await;
    fail(&world, &["trustly-de"], Direction::Deposit);
    let route = Arc::make_mut(&mut gone.route);
    let mut others = route.candidates.iter_mut().filter(|it| it.psp == "truelayer-de");
    // As after a restart without that account.
    others.next().unwrap().psp = "truelayer-se-of-old".to_owned();
    assert_eq!(tried(&carry_on(&world, gone).await), ["trustly-de accepted"]);
    let deposit = carry_on(&world, controlled).await;
    assert_eq!(tried(&deposit), ["trustly-de not_sent", "truelayer-de accepted"], "the control");
    set(&world, 0, off("truelayer-de")).await;
    assert_eq!(tried(&carry_on(&world, switched_off).await), ["trustly-de accepted"]);
    world.close().await;
}

/// Adyen charges a stored card by the request itself, and cannot be asked about it: a deposit whose answer is lost
/// there hangs.
#[tokio::test(flavor = "multi_thread")]
async fn a_deposit_that_would_hang_at_who_fails_is_taken_by_the_other() {
    let accounts = &["adyen-de", "nuvei-de", "trustly-de", "truelayer-de"];
    let world = World::with(Setup { workers: false, accounts, ..watchful() }).await;
    let player = world.player_of(GERMAN_CARDS).await;
    let early = begun_by(&world, GERMAN_CARDS.deposit(&player)).await;
    assert_eq!(early.route.ranked().next(), Some("adyen-de"));
    let (direction, ago) = (Direction::Deposit, Duration::from_secs(100));
    fail_since(&world, &["adyen-de"], direction, ago);
    let flows = &world.one().flows;
    assert_eq!(flows.health.permit("adyen-de", direction, flows.clock.now()), Permit::Probe);
    let early = carry_on(&world, early).await;
    assert_eq!(tried(&early), ["adyen-de not_sent", "nuvei-de accepted"]);
    let next = world.one().deposit(GERMAN_CARDS.deposit(&player)).await;
    assert_eq!(tried(&next), ["nuvei-de accepted"]);
    // The control: where the lost answer of a deposit leaves nothing that could move, it is tried.
    fail_since(&world, &["trustly-de"], direction, ago);
    assert_eq!(tried(&world.deposit(&player, eur(1_000)).await), ["trustly-de accepted"]);
    // And it is not lost for good.
    world.move_on(Duration::from_secs(7 * 60)).await;
    let late = world.one().deposit(GERMAN_CARDS.deposit(&player)).await;
    assert_eq!(tried(&late), ["adyen-de accepted"]);
    world.close().await;
}

pub(super) async fn offers(world: &World, player: &PlayerKey, direction: Direction) -> Vec<Offer> {
    let wanted = Wanted { player: player.clone(), direction, currency: None, money: None };
    let flows = world.one().flows.clone();
    let offers = async move { offer_methods(&flows, &wanted).await.unwrap().unwrap() };
    let mut offers = world.one().run(offers).await;
    offers.sort_by_key(|offer| offer.method.as_str());
    offers
}

#[tokio::test(flavor = "multi_thread")]
async fn methods_are_offered_while_all_their_psps_fail() {
    let world = World::with(watchful()).await;
    let player = world.player("DE").await;
    for direction in [Direction::Deposit, Direction::Withdrawal] {
        let before = offers(&world, &player, direction).await;
        assert!(!before.is_empty());
        let psps: Vec<String> = world.one().flows.psps.ids().map(str::to_owned).collect();
        let psps: Vec<&str> = psps.iter().map(String::as_str).collect();
        fail(&world, &psps, direction);
        assert_eq!(offers(&world, &player, direction).await, before);
    }
    world.close().await;
}

/// A player whose wallet has this much, by a deposit that is over.
async fn with_money(world: &World, minor: i64) -> PlayerKey {
    let player = world.player("DE").await;
    let deposit = world.deposit(&player, eur(minor)).await;
    world.complete(&deposit, "succeeded").await;
    world.settled(deposit.id, "succeeded").await;
    player
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payout_goes_out_when_all_fail() {
    let world = World::with(watchful()).await;
    let player = with_money(&world, 5_000).await;
    fail(&world, &["trustly-de", "truelayer-de"], Direction::Withdrawal);
    let withdrawal = world.withdraw(&player, eur(2_000)).await;
    let paid = eventually("a PSP has it", SOON, async || {
        let now = world.payment(withdrawal.id).await;
        let sent = now.attempts.iter().any(|it| it.was_accepted);
        sent.then_some(now)
    })
    .await;
    assert_eq!(paid.attempts.len(), 1, "nobody was passed over: {:?}", tried(&paid));
    let paid = world.settled(withdrawal.id, "paid").await;
    assert_eq!(paid.attempts.len(), 1, "{:?}", tried(&paid));
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn payouts_trust_a_psp_again_after_a_restart_that_it_began_failing() {
    let mut world = World::with(Setup { faults_to_trip: 3, ..Setup::default() }).await;
    let player = with_money(&world, 5_000).await;
    let mut psp = String::new();
    // About each of them it may be asked once in a quarter of an hour.
    for minor in 700..706 {
        let withdrawal = world.withdraw(&player, eur(minor)).await;
        psp = world.settled(withdrawal.id, "paid").await.attempts[0].psp.clone();
    }
    let name = world.one().name.clone();
    world.stop(0).await;
    sqlx::query("insert into psp_failing (psp, direction, failing, changed_at) values ($1, 'withdrawal', true, $2)")
        .bind(&psp)
        .bind(interlock::clock::Clock::now(&*world.clock))
        .execute(&world.rows)
        .await
        .unwrap();
    world.start_named(name).await;
    let health = world.one().flows.health.clone();
    assert!(health.is_failing(&psp, Direction::Withdrawal));
    // Nobody is paid meanwhile: only its answers can bring it back.
    world
        .later("payouts trust it again", Duration::from_secs(30), async || {
            (!health.is_failing(&psp, Direction::Withdrawal)).then_some(())
        })
        .await;
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_passed_over_is_asked_when_the_others_have_refused() {
    let world = World::with(Setup { workers: false, ..watchful() }).await;
    let player = world.rich_player("DE", 5_000).await;
    let withdrawal = world.withdraw(&player, eur(2_000)).await;
    // Hours after it was planned it is approved.
    fail(&world, &["trustly-de"], Direction::Withdrawal);
    world.mocks.fault("truelayer-de", "create_payout", "decline_hard", Some(1)).await;
    let (flows, of, id) = (world.one().flows.clone(), player.clone(), withdrawal.id.uuid);
    world.one().run(async move { send_payout(&flows, &of, id).await.unwrap() }).await;
    let taken = world.payment(withdrawal.id).await;
    let all = ["trustly-de not_sent", "truelayer-de declined", "trustly-de accepted"];
    assert_eq!(tried(&taken), all);
    assert_eq!(taken.attempts[0].error.as_ref().unwrap().code, "breaker_open");
    let paid = is_paid(&world, &taken).await;
    assert_eq!(paid.status.as_str(), "paid");
    world.close().await;
}

/// The payout that it is asked about failed at the bank for a reason that nobody lists, which counts as its own
/// fault: what it tells of that is told by a PSP that is well.
#[tokio::test(flavor = "multi_thread")]
async fn payouts_trust_a_psp_again_that_answers_of_one_that_failed() {
    let world = World::with(watchful()).await;
    let player = with_money(&world, 5_000).await;
    world.mocks.listener("trustly-de", false).await;
    world.mocks.auto("truelayer-de", None, "succeeded").await;
    let withdrawal = world.withdraw(&player, eur(2_000)).await;
    let taken = world.attempt_is(withdrawal.id, 2, AttemptStatus::Accepted).await;
    let psp = taken.attempts[1].psp.as_str();
    assert_eq!(psp, "truelayer-de");
    world.complete_with(&taken, json!({"outcome": "declined", "code": "scheme_error"})).await;
    world.settled(withdrawal.id, "in_review").await;
    fail(&world, &[psp], Direction::Withdrawal);
    let health = &world.one().flows.health;
    world
        .later("payouts trust it again", Duration::from_secs(30), async || {
            (!health.is_failing(psp, Direction::Withdrawal)).then_some(())
        })
        .await;
    world.two_people(&taken, "reject").await;
    world.close().await;
}

/// Trustly wants to be asked about a payout once in fifteen minutes at most.
#[tokio::test(flavor = "multi_thread")]
async fn a_psp_that_fails_is_asked_about_a_payout_no_more_often_than_it_allows() {
    const PSP: &str = "trustly-de";
    const OUT: Direction = Direction::Withdrawal;
    let world = World::with(Setup { workers: false, ..watchful() }).await;
    let player = world.rich_player("DE", 5_000).await;
    let withdrawal = world.withdraw(&player, eur(2_000)).await;
    let (flows, of, id) = (world.one().flows.clone(), player.clone(), withdrawal.id.uuid);
    world.one().run(async move { send_payout(&flows, &of, id).await.unwrap() }).await;
    let taken = world.payment(withdrawal.id).await;
    assert_eq!(tried(&taken), ["trustly-de accepted"]);
    fail(&world, &[PSP], OUT);
    // Each question takes one of these.
    let counted = json!({"operation": "query", "fault": "slow", "times": 9, "delay_ms": 1});
    world.mocks.fault_with(PSP, counted).await;
    let left_after_asking = async || {
        let flows = world.one().flows.clone();
        world.one().run(async move { ask_psp(&flows, PSP, OUT).await }).await;
        world.mocks.faults_left(PSP).await
    };
    assert_eq!(left_after_asking().await, 8);
    assert_eq!(left_after_asking().await, 8, "it was asked a moment ago");
    world.move_on(Duration::from_secs(16 * 60)).await;
    assert_eq!(left_after_asking().await, 7);
    world.move_on(Duration::from_secs(16 * 60)).await;
    let own = "update attempt set last_inquiry_at = $1";
    let now = interlock::clock::Clock::now(&*world.clock);
    sqlx::query(own).bind(now).execute(&world.rows).await.unwrap();
    assert_eq!(left_after_asking().await, 7, "the payment's own question counts");
    world.mocks.clear_faults(PSP).await;
    is_paid(&world, &taken).await;
    world.close().await;
}

/// Its money is the player's again, and the casino learns why. However many end so, people are called once a PSP.
#[tokio::test(flavor = "multi_thread")]
async fn a_payout_for_which_nobody_could_be_reached_says_so() {
    let world = World::with(watchful()).await;
    let player = world.rich_player("DE", 2_000).await;
    for psp in ["trustly-de", "truelayer-de"] {
        world.mocks.listener(psp, false).await;
    }
    for _ in 0..2 {
        let withdrawal = world.withdraw(&player, eur(900)).await;
        let over = world.settled(withdrawal.id, "failed").await;
        let told = over.reasons.iter().map(|it| (&*it.code, it.observed.as_deref().unwrap()));
        let mut told: Vec<_> = told.collect();
        told.sort_unstable();
        let connect = |psp| format!("{psp}: connect_refused");
        let (one, other) = (connect("truelayer-de"), connect("trustly-de"));
        assert_eq!(told, [("psp.not_reached", &*one), ("psp.not_reached", &*other)]);
        let called =
            || async { (world.incidents("payout.psp_unreachable").await == 2).then_some(()) };
        eventually("people are called, once a PSP", SOON, called).await;
    }
    assert_eq!(world.wallet(&player).await.cash, 2_000);
    world.close().await;
}
