//! Deposits that their PSP does not send back say nothing of how it does with payouts.

use super::harness::{World, eur};
use super::routing::{tried, watchful};
use super::taken_back::{approve, open_return};
use interlock::book::Payment;
use interlock::domain::Direction;
use interlock::routing::health::Level;
use interlock::routing::learn::learn;

const PSP: &str = "trustly-de";

/// Two people send it back, and it does not go.
async fn fails(world: &World, deposit: &Payment) -> Payment {
    let back = open_return(world, deposit, None).await;
    approve(world, &back).await;
    world.settled(back.id, "failed").await
}

/// What is expected of payouts there.
fn levels(world: &World) -> Vec<Level> {
    let mut levels = world.one().flows.health.keep().levels;
    levels.retain(|level| level.bucket.direction == Direction::Withdrawal);
    levels
}

#[tokio::test(flavor = "multi_thread")]
async fn returns_that_a_psp_refuses_or_does_not_take_are_no_payouts() {
    let world = World::with(watchful()).await;
    let player = world.player("DE").await;
    let deposit = world.deposit(&player, eur(700)).await;
    world.complete(&deposit, "succeeded").await;
    let deposit = world.settled(deposit.id, "succeeded").await;
    let (before, flows) = (levels(&world), &world.one().flows);
    world.mocks.listener(PSP, false).await;
    let mut last = fails(&world, &deposit).await;
    for _ in 1..3 {
        last = fails(&world, &deposit).await;
    }
    assert_eq!(tried(&last), [format!("{PSP} not_sent")]);
    // As when it is there and refuses them.
    for _ in 0..20 {
        learn(flows, &last, last.attempts[0].id, Some(false), true);
    }
    assert_eq!(levels(&world), before);
    assert!(!flows.health.is_failing(PSP, Direction::Withdrawal));
    world.mocks.listener(PSP, true).await;
    world.close().await;
}
