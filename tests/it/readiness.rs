//! Whether an instance says in time that it is not ready.

use super::harness::{Setup, World};
use interlock::api::health::Readiness;
use interlock::app::readiness::InstanceReadiness;
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_database_is_told_within_a_second() {
    let mut world = World::with(Setup { proxy: true, ..Setup::default() }).await;
    let instance = world.one().name.clone();
    let readiness = InstanceReadiness { flows: world.one().flows.clone(), instance };
    let word = |checks: &[interlock::api::health::Check], name: &str| {
        checks.iter().find(|check| check.name == name).map(|check| check.ok)
    };
    let checks = readiness.check().await;
    assert_eq!(word(&checks, "database"), Some(true), "{checks:?}");
    world.proxy.clone().unwrap().freeze();
    for _ in 0..3 {
        let asked = Instant::now();
        let checks = readiness.check().await;
        assert!(asked.elapsed() < Duration::from_secs(1), "{:?}", asked.elapsed());
        assert_eq!(word(&checks, "database"), Some(false), "{checks:?}");
        assert_eq!(word(&checks, "lanes"), Some(true), "the lanes are there all the same");
    }
    drop(readiness);
    // Nothing of it can end in order any more.
    world.kill(0);
    world.close().await;
}
