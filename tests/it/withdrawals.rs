//! Withdrawals: held, sent, captured or released, over each PSP.

use super::harness::{SOON, Setup, World, eur, eventually, gbp, withdrawal_order};
use futures_util::FutureExt;
use interlock::app::parts::Patience;
use interlock::book::{GameKind, Payment};
use interlock::decide::Refusal;
use interlock::domain::{AttemptStatus, Money};
use interlock::lane::SubmitError;
use interlock::payments::request_withdrawal::RequestError;
use interlock::payments::start_deposit::StartError;
use interlock::store::due;
use interlock::workers::attempts::AttemptWorker;
use interlock::workers::driver::Worker;
use interlock::workers::payouts::PayoutWorker;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3_600);

fn tried(payment: &Payment) -> Vec<String> {
    payment.attempts.iter().map(|attempt| format!("{} {}", attempt.psp, attempt.status)).collect()
}

async fn over(psp: &str, others: &[&str], money: Money, country: &str) {
    let world = World::new().await;
    for other in others {
        world.mocks.listener(other, false).await;
    }
    let player = world.rich_player(country, 10_000).await;
    let withdrawal = world.withdraw(&player, money).await;
    assert_eq!(withdrawal.status.as_str(), "approved");
    let paid = world.settled(withdrawal.id, "paid").await;
    assert_eq!(paid.attempts.last().unwrap().psp, psp);
    let wallet = world.wallet(&player).await;
    assert_eq!((wallet.cash, wallet.held), (10_000 - money.minor, 0));
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payout_over_trustly_in_germany_captures_its_hold() {
    over("trustly-de", &[], eur(2_500), "DE").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payout_over_truelayer_in_germany_captures_its_hold() {
    over("truelayer-de", &["trustly-de"], eur(2_500), "DE").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payout_over_truelayer_in_britain_captures_its_hold() {
    over("truelayer-gb", &[], gbp(2_500), "GB").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payout_over_trustly_in_britain_captures_its_hold() {
    over("trustly-gb", &["truelayer-gb"], gbp(2_500), "GB").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_holds_the_money_and_a_cancellation_gives_it_back() {
    let world = World::with(Setup { workers: false, ..Setup::default() }).await;
    let player = world.rich_player("DE", 10_000).await;
    let withdrawal = world.withdraw(&player, eur(2_500)).await;
    let wallet = world.wallet(&player).await;
    assert_eq!((wallet.cash, wallet.held), (7_500, 2_500));
    let cancelled = world.one().cancel(&withdrawal).await.unwrap();
    assert_eq!(cancelled.status.as_str(), "cancelled");
    let wallet = world.wallet(&player).await;
    assert_eq!((wallet.cash, wallet.held), (10_000, 0));
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payout_that_reaches_nobody_is_released_and_fails() {
    let world = World::new().await;
    for psp in ["trustly-de", "truelayer-de"] {
        world.mocks.listener(psp, false).await;
    }
    let player = world.rich_player("DE", 10_000).await;
    let withdrawal = world.withdraw(&player, eur(2_500)).await;
    let failed = world.settled(withdrawal.id, "failed").await;
    assert_eq!(tried(&failed), ["trustly-de not_sent", "truelayer-de not_sent"]);
    let wallet = world.wallet(&player).await;
    assert_eq!((wallet.cash, wallet.held), (10_000, 0));
    world.close().await;
}

/// The first PSP refuses the payout in its answer.
async fn refused_at_once(country: &str, money: Money, fault: &str, status: &str, list: &[&str]) {
    let world = World::new().await;
    let psp = if country == "GB" { "truelayer-gb" } else { "trustly-de" };
    world.mocks.fault(psp, "create_payout", fault, Some(1)).await;
    let player = world.rich_player(country, 10_000).await;
    let withdrawal = world.withdraw(&player, money).await;
    let done = world.settled(withdrawal.id, status).await;
    assert_eq!(tried(&done), list);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payout_over_one_psps_limit_goes_to_the_next() {
    let list = ["trustly-de declined", "truelayer-de succeeded"];
    refused_at_once("DE", eur(2_500), "decline_soft", "paid", &list).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payout_that_a_psp_refuses_for_good_is_released() {
    refused_at_once("DE", eur(2_500), "decline_hard", "failed", &["trustly-de declined"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payout_that_truelayer_may_not_make_goes_to_trustly() {
    let list = ["truelayer-gb declined", "trustly-gb succeeded"];
    refused_at_once("GB", gbp(2_500), "decline_hard", "paid", &list).await;
}

/// It was accepted before: only two people may say that it is surely unpaid.
async fn refused_after_acceptance(outcome: &str, status: &str) {
    let world = World::new().await;
    world.mocks.auto("truelayer-gb", None, "succeeded").await;
    let player = world.rich_player("GB", 10_000).await;
    let withdrawal = world.withdraw(&player, gbp(2_500)).await;
    let sent = world.attempt_is(withdrawal.id, 1, AttemptStatus::Accepted).await;
    let declined = json!({"outcome": "declined", "code": "scheme_error"});
    world.complete_with(&sent, declined).await;
    let stuck = world.settled(withdrawal.id, "in_review").await;
    assert_eq!(tried(&stuck), ["truelayer-gb declined"]);
    assert_eq!(world.wallet(&player).await.held, 2_500, "still held");
    world.two_people(&stuck, outcome).await;
    world.settled(withdrawal.id, status).await;
    assert_eq!(world.wallet(&player).await.held, 0);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payout_declined_after_acceptance_is_sent_elsewhere_by_two_people() {
    refused_after_acceptance("approve", "paid").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payout_declined_after_acceptance_is_given_back_by_two_people() {
    refused_after_acceptance("reject", "rejected").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payout_found_paid_while_people_were_to_decide_captures_its_hold() {
    let world = World::new().await;
    let fault = json!({"operation": "create_payout", "fault": "success_after_decline", "times": 1,
        "delay_ms": 3_000});
    world.mocks.fault_with("truelayer-gb", fault).await;
    let player = world.rich_player("GB", 10_000).await;
    let withdrawal = world.withdraw(&player, gbp(2_500)).await;
    let paid = world.settled(withdrawal.id, "paid").await;
    assert_eq!(tried(&paid), ["truelayer-gb succeeded"]);
    let asked =
        "select count(*) from transition where subject = 'payment' and to_status = 'in_review'";
    assert_eq!(world.number(asked).await, 1, "people were to decide");
    assert!(world.reviews(&paid).await.is_empty(), "nobody needs to decide any more");
    world.close().await;
}

/// The bank sends a paid payout back.
async fn bounced(country: &str, money: Money) {
    let world = World::new().await;
    let player = world.rich_player(country, 10_000).await;
    let withdrawal = world.withdraw(&player, money).await;
    let paid = world.settled(withdrawal.id, "paid").await;
    world.complete(&paid, "returned").await;
    let over = || async {
        let payment = world.payment(withdrawal.id).await;
        (payment.status.as_str() == "returned").then_some(())
    };
    world.later("it is returned", HOUR, over).await;
    let wallet = world.wallet(&player).await;
    assert_eq!((wallet.cash, wallet.held), (10_000, 0));
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payout_that_bounces_at_trustly_is_the_players_again() {
    bounced("DE", eur(2_500)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payout_that_bounces_at_truelayer_is_the_players_again() {
    bounced("GB", gbp(2_500)).await;
}

/// An unknown payout that two people have called unpaid turns out to be paid.
#[tokio::test(flavor = "multi_thread")]
async fn a_payout_proven_paid_after_its_release_takes_cash_and_the_rest_is_owed() {
    let world = World::new().await;
    world.mocks.auto("trustly-de", None, "succeeded").await;
    world.mocks.fault("trustly-de", "create_payout", "timeout_after_accept", Some(1)).await;
    world.mocks.fault("trustly-de", "query", "http_503", None).await;
    let player = world.rich_player("DE", 3_000).await;
    let withdrawal = world.withdraw(&player, eur(2_500)).await;
    world.attempt_is(withdrawal.id, 1, AttemptStatus::Unknown).await;
    let asked = || async { world.reviews(&withdrawal).await.pop() };
    world.later("two people are asked", HOUR / 2, asked).await;
    world.mocks.listener("truelayer-de", false).await;
    world.two_people(&withdrawal, "resolve_unpaid").await;
    let failed = world.settled(withdrawal.id, "failed").await;
    assert_eq!(tried(&failed), ["trustly-de not_sent", "truelayer-de not_sent"]);
    assert_eq!(world.wallet(&player).await.cash, 3_000);
    world.play(&player, GameKind::Stake, eur(2_000)).await;
    let sent = world.movement(&failed.attempts[0]).await;
    let paid = json!({"outcome": "succeeded"});
    world.mocks.complete("trustly-de", &sent.reference, paid).await;
    world.settled(withdrawal.id, "paid").await;
    let wallet = world.wallet(&player).await;
    assert_eq!((wallet.cash, wallet.owed, wallet.held), (0, 1_500, 0));
    assert_eq!(world.incidents("payout.paid_late").await, 1);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_hundred_withdrawals_at_once_the_wallet_pays_exactly_what_it_covers() {
    let mut world = World::new().await;
    world.start_instance().await;
    let player = world.rich_player("DE", 50 * 500 + 499).await;
    let asking = (0..200).map(|n| {
        let instance = &world.instances[n % 2];
        instance.try_withdraw(withdrawal_order(&player, eur(500)))
    });
    let answers = futures_util::future::join_all(asking).await;
    let covered = answers.iter().filter(|answer| answer.is_ok()).count();
    let refused = answers.iter().filter(|answer| {
        matches!(
            answer,
            Err(RequestError::Start(StartError::Submit(SubmitError::Refused(
                Refusal::InsufficientFunds { .. }
            ))))
        )
    });
    assert_eq!((covered, refused.count()), (50, 150));
    let all_paid = || async {
        let paid = world.number("select count(*) from payment where status = 'paid'").await;
        (paid == 50).then_some(())
    };
    super::harness::eventually("all fifty are paid", Duration::from_secs(60), all_paid).await;
    let wallet = world.wallet(&player).await;
    assert_eq!((wallet.cash, wallet.held), (499, 0));
    world.close().await;
}

/// Nobody asks for anything any more, and more payouts wait than are sent at once: as soon as half of those
/// are done the worker is told to look again, and finds what it has not begun.
#[tokio::test(flavor = "multi_thread")]
async fn payouts_that_found_no_room_are_sent_as_soon_as_there_is_some() {
    /// To one PSP.
    const AT_ONCE: u64 = 64;
    let world = World::with(Setup { workers: false, ..Setup::default() }).await;
    for _ in 0..7 {
        let player = world.rich_player("DE", 10_000).await;
        for _ in 0..10 {
            let withdrawal = world.withdraw(&player, eur(1_000)).await;
            assert_eq!(withdrawal.status.as_str(), "approved");
        }
    }
    let flows = world.one().flows.clone();
    let (pool, now) = (flows.db.pool().clone(), flows.clock.now());
    let waiting = due::payouts(&pool, now, &[], &[], 100).await.unwrap();
    let first = waiting[0].payment;
    let others = due::payouts(&pool, now, &[first], &[], 100).await.unwrap();
    assert_eq!((waiting.len(), others.len()), (70, 69));
    assert!(others.iter().all(|other| other.payment != first));

    let bell = flows.nudges.payouts.clone();
    // What the requests rang.
    let _ = bell.notified().now_or_never();
    let worker = Arc::new(PayoutWorker::new(flows));
    let look = async || {
        let worker = worker.clone();
        world.one().run(async move { worker.activate(now).await.unwrap() }).await
    };
    assert_eq!(look().await.claimed, AT_ONCE);
    let rung = || async { bell.notified().now_or_never() };
    eventually("half of them are sent and the worker is told", SOON, rung).await;
    assert_eq!(look().await.claimed, 70 - AT_ONCE);
    let unsent =
        "select count(*) from payment where direction = 'withdrawal' and status = 'approved'";
    let all_sent = || async { (world.number(unsent).await == 0).then_some(()) };
    eventually("all are sent", SOON, all_sent).await;
    drop(worker);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn payouts_that_only_a_silent_psp_can_make_keep_nobody_elses_from_being_sent() {
    const SILENT: u64 = 66;
    const AT_ONE_PSP: u64 = 64;
    let psp_deadline = Duration::from_secs(12);
    let patience =
        Patience { psp_deadline, attempt_lease: 2 * psp_deadline, ..Setup::default().patience };
    let world = World::with(Setup { workers: false, patience, ..Setup::default() }).await;
    world.mocks.fault("truelayer-gb", "create_payout", "timeout_after_accept", None).await;
    let british = world.rich_player("GB", 100 * i64::try_from(SILENT).unwrap()).await;
    for _ in 0..SILENT {
        assert_eq!(world.withdraw(&british, gbp(100)).await.status.as_str(), "approved");
    }
    let german = world.rich_player("DE", 10_000).await;
    let other = world.withdraw(&german, eur(1_000)).await;

    let flows = world.one().flows.clone();
    let (pool, now) = (flows.db.pool().clone(), flows.clock.now());
    let waiting = due::payouts(&pool, now, &[], &[], 100).await.unwrap();
    let last = waiting.last().unwrap();
    assert_eq!(
        (last.payment, last.psps.as_slice()),
        (other.id.uuid, &["trustly-de".to_owned()][..])
    );
    assert_eq!(waiting[0].psps, ["truelayer-gb"]);

    let worker = Arc::new(PayoutWorker::new(flows));
    let look = async || {
        let worker = worker.clone();
        world.one().run(async move { worker.activate(now).await.unwrap().claimed }).await
    };
    assert_eq!(look().await, AT_ONE_PSP + 1);
    // Its bank may have paid it by then.
    let taken = async || {
        let attempts = world.payment(other.id).await.attempts;
        attempts.iter().any(|attempt| attempt.was_accepted).then_some(())
    };
    eventually("the other PSP has its payout", SOON, taken).await;
    assert_eq!(look().await, 0, "the silent PSP has its share");

    world.mocks.clear_faults("truelayer-gb").await;
    // What became of its calls is learnt by asking.
    let attempts = Arc::new(AttemptWorker::new(world.one().flows.clone()));
    let ends = "select count(*) from payment where direction = 'withdrawal' and status = 'paid'";
    let all_paid = || async {
        let (payouts, attempts) = (worker.clone(), attempts.clone());
        let now = world.one().flows.clock.now();
        let looks = async move {
            payouts.activate(now).await.unwrap();
            attempts.activate(now).await.unwrap();
        };
        world.one().run(looks).await;
        (world.number(ends).await.unsigned_abs() == SILENT + 1).then_some(())
    };
    world.later("all are paid", HOUR / 3, all_paid).await;
    drop((worker, attempts));
    world.close().await;
}
