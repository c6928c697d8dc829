//! Payouts whose answer is lost: fifty at a time, none paid twice, none lost, all final in the end.

use super::harness::{Setup, World, eur, eventually, gbp, withdrawal_order};
use interlock::app::parts::Patience;
use interlock::domain::Money;
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
