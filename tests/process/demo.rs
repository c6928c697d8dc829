//! The story that a new user plays first, and what the house's own log and metrics say afterwards.

use super::api::Api;
use super::place::Place;
use super::program::{Program, interlock};
use super::sandbox_life::{started, stopped};
use nix::sys::signal::Signal;
use std::time::Duration;

/// The story takes a minute; a machine that does much else takes longer.
const STORY: Duration = Duration::from_secs(400);

fn failed_looks(metrics: &str) -> Vec<&str> {
    metrics.lines().filter(|line| line.starts_with("worker_looks_failed_total")).collect()
}

/// Its faults, trips and recoveries are all in a day's work: no worker fails of them.
#[tokio::test(flavor = "multi_thread")]
async fn the_demo_comes_out_as_told_and_no_worker_fails_of_it() {
    let place = Place::new();
    let house: Program = started(&place).await;
    let playing = interlock(place.home(), &place.variables(), &["demo"]).output();
    let played = tokio::time::timeout(STORY, playing).await.expect("it ends").unwrap();
    let told = String::from_utf8_lossy(&played.stdout);
    assert_eq!(played.status.code(), Some(0), "{told}");
    assert!(told.contains("9 of 9 steps came out as told"), "{told}");
    let metrics = Api::at(place.api_url()).get("/metrics").await;
    let metrics = String::from_utf8(metrics.bytes).unwrap();
    assert!(metrics.contains("worker_rows_total"), "workers have looked: {metrics}");
    assert_eq!(failed_looks(&metrics), Vec::<&str>::new(), "{}", house.said());
    assert!(!house.said().contains("a worker's look failed"), "{}", house.said());
    stopped(house, &place, Signal::SIGTERM).await;
}
