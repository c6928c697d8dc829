//! Deposits over each PSP: the happy road and every bend of it.

use super::harness::{World, eur, gbp};
use interlock::domain::AttemptStatus;

#[tokio::test(flavor = "multi_thread")]
async fn a_deposit_over_trustly_is_credited_once_when_its_payer_has_paid() {
    let world = World::new().await;
    let player = world.player("DE").await;
    let deposit = world.deposit(&player, eur(10_000)).await;
    assert_eq!(deposit.status.as_str(), "action_required");
    assert_eq!(deposit.attempts[0].psp, "trustly-de");
    world.complete(&deposit, "succeeded").await;
    let deposit = world.settled(deposit.id, "succeeded").await;
    assert_eq!(deposit.credited, Some(eur(10_000)));
    assert_eq!(deposit.attempts[0].status, AttemptStatus::Succeeded);
    assert_eq!(world.wallet(&player).await.cash, 10_000);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deposit_over_truelayer_is_credited_once_when_its_payer_has_paid() {
    let world = World::new().await;
    let player = world.player("GB").await;
    let deposit = world.deposit(&player, gbp(2_500)).await;
    assert_eq!(deposit.attempts[0].psp, "truelayer-gb");
    world.complete(&deposit, "succeeded").await;
    let deposit = world.settled(deposit.id, "succeeded").await;
    assert_eq!(deposit.credited, Some(gbp(2_500)));
    assert_eq!(world.wallet(&player).await.cash, 2_500);
    world.close().await;
}
