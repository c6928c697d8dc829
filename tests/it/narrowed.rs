//! A withdrawal that was planned, and an account that serves less when it is sent: the account is not called.

use super::harness::{Setup, World, eur};
use super::paused::is_paid;
use super::routing::tried;
use interlock::book::Payment;
use interlock::payments::send_payout::send_payout;

/// Planned with both accounts, sent after a restart with this setting.
async fn sent_after(changed: Option<(&'static str, &str)>) -> (World, Payment) {
    let mut world = World::with(Setup { workers: false, ..Setup::default() }).await;
    let player = world.rich_player("DE", 1_000).await;
    let withdrawal = world.withdraw(&player, eur(900)).await;
    let planned: Vec<&str> = withdrawal.route_of(Some(withdrawal.parts[0].id)).ranked().collect();
    assert_eq!(planned, ["trustly-de", "truelayer-de"]);
    let name = world.one().name.clone();
    world.stop(0).await;
    world.setup.settings.extend(changed.map(|(key, value)| (key, value.to_owned())));
    world.start_named(name).await;
    let (flows, id) = (world.one().flows.clone(), withdrawal.id.uuid);
    world.one().run(async move { send_payout(&flows, &player, id).await.unwrap() }).await;
    let sent = world.payment(withdrawal.id).await;
    (world, sent)
}

async fn goes_elsewhere(changed: (&'static str, &str)) {
    let (world, sent) = sent_after(Some(changed)).await;
    assert_eq!(tried(&sent), ["trustly-de not_sent", "truelayer-de accepted"]);
    assert_eq!(sent.attempts[0].error.as_ref().unwrap().code, "not_served");
    assert!(world.mocks.movements("trustly-de").await.is_empty());
    let paid = is_paid(&world, &sent).await;
    assert_eq!(paid.status.as_str(), "paid");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_payout_leaves_through_an_account_that_serves_the_operator_no_more() {
    goes_elsewhere(("psps.trustly_de.operators", "op_other")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_payout_leaves_through_an_account_whose_range_it_is_out_of_now() {
    goes_elsewhere(("psps.trustly_de.payout.eur.max", "8.00")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn control_an_account_that_still_serves_it_pays() {
    let (world, sent) = sent_after(None).await;
    assert_eq!(tried(&sent), ["trustly-de accepted"]);
    is_paid(&world, &sent).await;
    world.close().await;
}
