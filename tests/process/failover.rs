//! A PSP whose port is closed costs a payer nothing that they would notice.

use super::pace;
use super::world::World;
use serde_json::Value;
use std::time::{Duration, Instant};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Deposits that meet the closed port. One more fault, and the PSP is asked last.
const ROUNDS: usize = 9;

/// What a failover may add to a deposit, at most, on an unhurried machine, in the median.
const ADDED: Duration = Duration::from_millis(50);

fn started(attempt: &Value) -> OffsetDateTime {
    OffsetDateTime::parse(attempt["started_at"].as_str().unwrap(), &Rfc3339).unwrap()
}

fn tried(deposit: &Value) -> Vec<(&str, &str)> {
    let attempts = deposit["attempts"].as_array().unwrap().iter();
    attempts.map(|a| (a["psp"].as_str().unwrap(), a["status"].as_str().unwrap())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_port_moves_the_deposit_within_the_same_request() {
    let mut world = World::new().await;
    let faults = ("INTERLOCK__ROUTING__HEALTH__FAULTS_TO_TRIP", ROUNDS + 1);
    world.variables.insert(faults.0.to_owned(), faults.1.to_string());
    let _house = world.serve().await;
    world.api.player("p-failover").await;
    // Tokens and connections of both PSPs are there, as in a house that has been running.
    for psp in ["trustly-de", "truelayer-de"] {
        world.control.listener("trustly-de", psp == "trustly-de").await;
        assert_eq!(tried(&world.api.deposit("p-failover", "10.00").await).pop().unwrap().0, psp);
    }
    // Each time in thousandths of what this machine is allowed just then.
    let mut added = Vec::new();
    for _ in 0..ROUNDS {
        pace::take(&world.rows).await;
        let asked = Instant::now();
        let deposit = world.api.deposit("p-failover", "10.00").await;
        let whole = asked.elapsed();
        assert_eq!(tried(&deposit), [("trustly-de", "not_sent"), ("truelayer-de", "accepted")]);
        assert_eq!(deposit["status"], "action_required", "{deposit}");
        assert!(deposit["next_action"]["url"].is_string(), "{deposit}");
        let lost = started(&deposit["attempts"][1]) - started(&deposit["attempts"][0]);
        let lost = Duration::try_from(lost).unwrap();
        let share = lost.as_micros() * 1_000 / pace::stretched(ADDED).as_micros();
        println!("failover added {lost:?} to a deposit of {whole:?}, {share} of 1000 allowed");
        added.push(share);
    }
    added.sort_unstable();
    let median = added[ROUNDS / 2];
    assert!(median < 1_000, "in thousandths of {ADDED:?} at this machine's pace: {added:?}");
    assert_eq!(world.control.movements("trustly-de").await.len(), 1, "only the first deposit's");

    // Once it is known to fail it is not even asked; when it is well again its traffic comes back.
    world.api.deposit("p-failover", "10.00").await;
    world.control.listener("trustly-de", true).await;
    super::wait::until("traffic to return", || async {
        let deposit = world.api.deposit("p-failover", "10.00").await;
        (tried(&deposit) == [("trustly-de", "accepted")]).then_some(())
    })
    .await;
    world.proves().await;
    world.end().await;
}
