//! How soon routing notices that a PSP fell ill, and how soon it comes back, held to numbers.
//!
//! The rules of `src/routing/health` in the simulator of `benches/routing`, whose tables
//! `docs/routing-simulator.md` tells. One geometry and a few seeds, nothing but arithmetic: the same on every
//! machine, however busy.

#![allow(clippy::float_arithmetic, reason = "rates and seconds; no money is counted here")]
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts and times")]

#[path = "../benches/routing/breakers.rs"]
mod breakers;
#[path = "../benches/routing/peers.rs"]
mod peers;
#[path = "../benches/routing/run.rs"]
mod run;
#[path = "../benches/routing/world.rs"]
mod world;

use peers::{NAMES, contender};
use run::{Outcome, run};
use world::{Fault, World};

const SEEDS: [u64; 5] = [1, 2, 3, 4, 5];

/// How late a fault may be noticed, in seconds, in the middle one of the runs.
const fn noticed_within_s(fault: Fault) -> f64 {
    match fault {
        // Surely not sent, or answered by a fault.
        Fault::Refused | Fault::All5xx | Fault::Flapping => 2.0,
        // One of two calls.
        Fault::Half5xx => 3.0,
        // Payments that end badly are told of late.
        Fault::Brownout => 4.0,
        // Nobody answers, until the timeout of ten seconds.
        _ => 5.5,
    }
}

/// How late it may be noticed that a fault is over, in seconds, in any run.
const BACK_WITHIN_S: f64 = 60.0;

/// What payments may lose by a minute of a fault, in approvals and in the mean of the runs. What was surely
/// not sent, what is answered late and what is told late cost next to nothing.
const fn may_lose(fault: Fault) -> f64 {
    match fault {
        Fault::Refused | Fault::Slow | Fault::DelayedWebhooks => 20.0,
        _ => 60.0,
    }
}

/// What a payment may lose without a fault, as a share of an approval.
const REGRET: f64 = 0.01;

/// Three PSPs of 88, 86 and 80 %, twenty payments a second.
fn geometry() -> World {
    World { warm_s: 120.0, fault_s: 60.0, after_s: 90.0, ..World::default() }
}

fn ours(world: &World, fault: Option<Fault>, calm: &[f32], seed: u64) -> Outcome {
    let mut chooser = contender(NAMES[0], world, fault, seed ^ 0x5eed);
    run(world, fault, calm, chooser.as_mut(), seed)
}

fn middle(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn mean(numbers: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = numbers.len() as f64;
    numbers.sum::<f64>() / count
}

#[test]
fn faults_are_noticed_in_time_cost_little_and_are_recovered_from() {
    let world = geometry();
    let calm = SEEDS.map(|seed| ours(&world, None, &[], seed));
    for fault in Fault::ALL {
        let runs = SEEDS.iter().zip(&calm);
        let runs = runs.map(|(seed, calm)| ours(&world, Some(fault), &calm.each, *seed));
        let runs: Vec<Outcome> = runs.collect();
        let by_fault = runs.iter().zip(&calm).map(|(ill, calm)| ill.lost - calm.lost);
        let lost = mean(by_fault);
        // What did not happen happened later than all that did.
        let late = |time: Option<f64>| time.unwrap_or(f64::INFINITY);
        let noticed = middle(runs.iter().map(|run| late(run.detected_s)).collect());
        let back = runs.iter().map(|run| late(run.recovered_s)).fold(0.0, f64::max);
        let name = fault.name();
        let told = format!("{name}: lost {lost:.1}, noticed {noticed:.1} s, back {back:.1} s");
        println!("{told}");
        assert!(lost <= may_lose(fault), "{told}");
        if fault.costs() {
            assert!(noticed <= noticed_within_s(fault), "{told}");
            assert!(back <= BACK_WITHIN_S, "{told}");
        }
    }
}

#[test]
fn nothing_is_taken_for_a_fault_where_there_is_none() {
    let world = geometry();
    let calm = SEEDS.map(|seed| ours(&world, None, &[], seed));
    assert!(calm.iter().all(|run| 5_000.0 < run.payments), "five minutes of payments");
    let trips: u32 = calm.iter().map(|run| run.false_trips).sum();
    assert_eq!(trips, 0, "PSPs were taken to fail");
    let regret = mean(calm.iter().map(|run| run.calm_lost / run.calm));
    println!("a payment loses {:.2} % of an approval by choosing", 100.0 * regret);
    assert!(regret <= REGRET, "{regret}");
}
