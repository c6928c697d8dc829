//! A PSP whose port is closed costs a payer nothing that they would notice.

use super::world::World;
use std::time::{Duration, Instant};

const ROUNDS: usize = 20;

/// The median time of a deposit, and the PSP that took the last one.
async fn deposits(world: &World) -> (Duration, String) {
    let mut took = Vec::new();
    let mut psp = String::new();
    for _ in 0..ROUNDS {
        let started = Instant::now();
        let deposit = world.api.deposit("p-failover", "10.00").await;
        took.push(started.elapsed());
        assert_eq!(deposit["status"], "action_required", "{deposit}");
        let last = deposit["attempts"].as_array().unwrap().last().unwrap();
        last["psp"].as_str().unwrap().clone_into(&mut psp);
    }
    took.sort();
    (took[ROUNDS / 2], psp)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_port_moves_the_deposit_within_the_same_request() {
    let world = World::new().await;
    let _house = world.serve().await;
    world.api.player("p-failover").await;
    // The other PSP alone, for what its own calls take.
    world.control.listener("trustly-de", false).await;
    let first = world.api.deposit("p-failover", "10.00").await;
    let tried: Vec<(&str, &str)> = first["attempts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|a| (a["psp"].as_str().unwrap(), a["status"].as_str().unwrap()))
        .collect();
    assert_eq!(tried, [("trustly-de", "not_sent"), ("truelayer-de", "accepted")]);
    let (moved, psp) = deposits(&world).await;
    assert_eq!(psp, "truelayer-de");
    assert!(world.control.movements("trustly-de").await.is_empty());

    world.control.listener("trustly-de", true).await;
    world.control.listener("truelayer-de", false).await;
    // The breaker lets a probe through after its time; then the first PSP has its traffic back.
    super::wait::until("traffic to return", || async {
        let deposit = world.api.deposit("p-failover", "10.00").await;
        (deposit["attempts"].as_array().unwrap().len() == 1).then_some(())
    })
    .await;
    let (direct, psp) = deposits(&world).await;
    assert_eq!(psp, "trustly-de");
    let added = moved.saturating_sub(direct);
    println!("deposit direct {direct:?}, moved {moved:?}: {added:?} more (median of {ROUNDS})");
    assert!(added < Duration::from_secs(1), "{added:?}");
    world.proves().await;
    world.end().await;
}
