//! Payouts whose answer is lost: fifty at a time, none paid twice, none lost, all final in the end.

use super::harness::markets::BRAZIL;
use super::harness::{SOON, Setup, World, eur, eventually, gbp, withdrawal_order};
use interlock::app::parts::Patience;
use interlock::domain::{AttemptStatus, Instrument, Money};
use interlock::payments::request_withdrawal::DestinationOrder;
use interlock::store::due;
use interlock::workers::attempts::AttemptWorker;
use interlock::workers::driver::Worker;
use interlock::workers::payouts::PayoutWorker;
use psp_contract::Portable;
use std::sync::Arc;
use std::time::Duration;

const MANY: i64 = 50;
const STEP: Duration = Duration::from_secs(20 * 60);

/// Fifty payouts meet one fault after their PSP took them; its webhooks are lost too, so that only
/// asking can find them.
async fn all_are_found(country: &str, psp: &'static str, fault: &str) {
    let other = if psp.starts_with("trustly") { "truelayer" } else { "trustly" };
    let other = format!("{other}-{}", country.to_lowercase());
    // Fifty calls at once: whoever waits for a processor is not to run out of time before it is sent. Only a
    // PSP that says nothing makes anybody wait for so long.
    let psp_deadline = Duration::from_secs(if fault.starts_with("timeout") { 12 } else { 20 });
    let attempt_lease = 2 * psp_deadline;
    let patience = Patience { psp_deadline, attempt_lease, ..Setup::default().patience };
    let world = World::with(Setup { patience, ..Setup::default() }).await;
    world.mocks.fault(psp, "create_payout", fault, None).await;
    world.mocks.fault(psp, "webhook", "webhook_drop", None).await;
    let money = |minor| if country == "GB" { gbp(minor) } else { eur(minor) };
    let one: Money = money(500);
    let mut players = Vec::new();
    for _ in 0..10 {
        players.push(world.rich_player(country, 5 * one.minor).await);
    }
    let orders = (0..50).map(|n| withdrawal_order(&players[n % 10], one));
    let asked = orders.map(|order| world.one().withdraw(order));
    futures_util::future::join_all(asked).await;
    eventually("all answers are lost", Duration::from_secs(60), || async {
        let sql = "select count(*) from attempt where status <> 'in_flight'";
        (world.number(sql).await == MANY).then_some(())
    })
    .await;
    assert_eq!(world.number("select count(*) from attempt where status = 'unknown'").await, MANY);
    world.mocks.clear_faults(psp).await;
    world.mocks.fault(psp, "webhook", "webhook_drop", None).await;
    world
        .later("all are paid", STEP, || async {
            let paid = world.number("select count(*) from payment where status = 'paid'").await;
            (paid == MANY).then_some(())
        })
        .await;
    let paid = world.mocks.movements(psp).await;
    let paid = paid.iter().filter(|it| it.kind == "payout" && it.status == "succeeded").count();
    assert_eq!(paid, 50, "each was paid once");
    assert!(world.mocks.movements(&other).await.is_empty(), "nobody else was asked");
    assert_eq!(world.number("select sum(held + cash)::bigint from wallet").await, 0);
    world.close().await;
}

macro_rules! lost {
    ($($name:ident = $country:literal, $psp:literal, $fault:literal;)+) => {$(
        #[tokio::test(flavor = "multi_thread")]
        async fn $name() {
            all_are_found($country, $psp, $fault).await;
        }
    )+};
}

lost! {
    timeouts_at_truelayer_are_found_by_replay = "GB", "truelayer-gb", "timeout_after_accept";
    resets_at_truelayer_are_found_by_replay = "GB", "truelayer-gb", "connection_reset_after_accept";
    server_errors_at_truelayer_are_found_by_replay = "GB", "truelayer-gb", "http_500_after_accept";
    unreadable_answers_of_truelayer_are_found_by_replay = "GB", "truelayer-gb", "malformed_body";
    empty_answers_of_truelayer_are_found_by_replay = "GB", "truelayer-gb", "empty_body";
    timeouts_at_trustly_are_found_in_its_ledger = "DE", "trustly-de", "timeout_after_accept";
    resets_at_trustly_are_found_in_its_ledger = "DE", "trustly-de", "connection_reset_after_accept";
    server_errors_at_trustly_are_found_in_its_ledger = "DE", "trustly-de", "http_500_after_accept";
    unreadable_answers_of_trustly_are_found_in_its_ledger = "DE", "trustly-de", "malformed_body";
    empty_answers_of_trustly_are_found_in_its_ledger = "DE", "trustly-de", "empty_body";
}

/// A look of this worker, as the clock stands.
async fn claimed<W: Worker>(world: &World, worker: &Arc<W>) -> u64 {
    let (worker, now) = (worker.clone(), world.one().flows.clock.now());
    world.one().run(async move { worker.activate(now).await.unwrap().claimed }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_payouts_at_a_silent_psp_leave_room_to_ask_about_those_of_others() {
    const SILENT: u64 = 66;
    const AT_ONE_PSP: u64 = 64;
    let psp_deadline = Duration::from_secs(12);
    let patience =
        Patience { psp_deadline, attempt_lease: 2 * psp_deadline, ..Setup::default().patience };
    let world = World::with(Setup { workers: false, patience, ..Setup::default() }).await;
    let payouts = Arc::new(PayoutWorker::new(world.one().flows.clone()));
    let send = async |country, psp, money: Money, count: u64| {
        world.mocks.fault(psp, "create_payout", "http_500_after_accept", Some(count)).await;
        world.mocks.fault(psp, "webhook", "webhook_drop", None).await;
        let player = world.rich_player(country, i64::try_from(count).unwrap() * money.minor).await;
        for _ in 0..count {
            world.withdraw(&player, money).await;
        }
        let unknown =
            format!("select count(*) from attempt where status = 'unknown' and psp = '{psp}'");
        eventually("all answers are lost", Duration::from_secs(60), || async {
            claimed(&world, &payouts).await;
            (world.number(&unknown).await == i64::try_from(count).unwrap()).then_some(())
        })
        .await;
    };
    send("GB", "truelayer-gb", gbp(500), SILENT).await;
    send("DE", "trustly-de", eur(500), 1).await;

    world.mocks.fault("truelayer-gb", "create_payout", "timeout_after_accept", None).await;
    world.move_on(STEP).await;
    let flows = world.one().flows.clone();
    let all = due::attempts(flows.db.pool(), flows.clock.now(), &[], &[], 100).await.unwrap();
    assert_eq!(all.len() as u64, SILENT + 1);
    assert_eq!(all.last().unwrap().psp, "trustly-de", "the others are due before it");

    let attempts = Arc::new(AttemptWorker::new(flows));
    assert_eq!(claimed(&world, &attempts).await, AT_ONE_PSP + 1);
    let asked = "select count(*) from wire join attempt using (attempt_id)
                 where psp = 'trustly-de' and purpose = 'inquiry'";
    eventually("the other PSP has told what it knows", SOON, || async {
        (world.number(asked).await == 1).then_some(())
    })
    .await;
    assert_eq!(claimed(&world, &attempts).await, 0, "the silent PSP has its share");

    world.mocks.clear_faults("truelayer-gb").await;
    // Not while the calls that were not answered still last: the clock would run away from them.
    let called = "select count(*) from attempt where lease_holder is not null";
    eventually("the silent PSP's calls are over", SOON, || async {
        (world.number(called).await == 0).then_some(())
    })
    .await;
    let paid = "select count(*) from payment where status = 'paid'";
    world
        .later("all are paid", STEP, || async {
            claimed(&world, &attempts).await;
            (world.number(paid).await.unsigned_abs() == SILENT + 1).then_some(())
        })
        .await;
    drop((payouts, attempts));
    world.close().await;
}

/// Efí answers the payout itself with the end of one that did not arrive. It had gone to the scheme, so nobody
/// else pays it before two people have looked.
#[tokio::test(flavor = "multi_thread")]
async fn a_payout_that_failed_in_its_creations_own_answer_is_paid_by_nobody_else() {
    const PSP: &str = "pix-efi-br";
    let setup = Setup { accounts: BRAZIL.accounts, first: Some(PSP), ..Setup::default() };
    let world = World::with(setup).await;
    world.mocks.auto(PSP, None, "declined").await;
    world.mocks.fault(PSP, "create_payout", "webhook_before_response", Some(1)).await;
    world.mocks.fault(PSP, "webhook", "webhook_drop", None).await;
    let player = world.player_of(BRAZIL).await;
    let money = BRAZIL.money(BRAZIL.minor);
    world.win(&player, money.currency, money.minor).await;
    let portable = Some(Portable::PixKey { key: "52998224725".to_owned() });
    let key = Instrument { portable, masked: "***725".to_owned(), ..Instrument::default() };
    let destination = DestinationOrder::Instrument(Box::new(key));
    let withdrawal = world.one().withdraw(BRAZIL.withdrawal(&player, destination)).await;
    let taken = world.attempt_is(withdrawal.id, 1, AttemptStatus::Accepted).await;
    assert!(taken.attempts[0].psp_reference.is_some());
    let stuck = || async {
        let now = world.payment(withdrawal.id).await;
        (now.status.as_str() == "in_review").then_some(now)
    };
    let stuck = world.later("people are asked", Duration::from_secs(35), stuck).await;
    assert_eq!(stuck.attempts.len(), 1, "nobody else was asked");
    assert_eq!(stuck.attempts[0].status, AttemptStatus::Declined);
    assert_eq!(world.wallet(&player).await.held, BRAZIL.minor / 2);
    world.close().await;
}
