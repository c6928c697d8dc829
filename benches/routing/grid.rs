//! The geometries that the rules were tuned on, and those that were only looked at.

use crate::Asked;
use crate::peers::{FORESEER, NAMES};
use crate::table::{Row, told};
use crate::world::World;

/// A geometry's name and what is special about it.
type Geometry = (&'static str, World);

fn world(rates: &[f64], pace: f64, median_s: f64) -> World {
    World { rates: rates.to_vec(), pace, median_s, ..World::default() }
}

/// The rules' numbers were chosen by these.
pub fn tuned() -> Vec<Geometry> {
    let six = world(&[0.92, 0.9, 0.85, 0.8, 0.75, 0.6], 20.0, 0.7);
    vec![
        ("3 PSPs", World::default()),
        ("2 far", world(&[0.9, 0.7], 20.0, 0.7)),
        ("2 close, quick", world(&[0.8, 0.79], 20.0, 0.3)),
        ("2, day", World { has_days: true, ..world(&[0.84, 0.8], 20.0, 0.5) }),
        ("4 close, slower", world(&[0.85, 0.845, 0.84, 0.83], 20.0, 1.5)),
        ("6, drift, day", World { drifts: true, has_days: true, ..six.clone() }),
        ("6 PSPs", six),
        ("3 at 50/s", world(&[0.93, 0.9, 0.9], 50.0, 0.3)),
        ("4 s", World { timeout_s: 30.0, ..world(&[0.88, 0.86, 0.8], 20.0, 4.0) }),
        ("3 at 2/s", world(&[0.88, 0.86, 0.8], 2.0, 0.7)),
        ("2 far at 2/s", world(&[0.9, 0.7], 2.0, 0.7)),
    ]
}

/// These had no part in it.
pub fn held_out() -> Vec<Geometry> {
    let wide = World { spread: 0.7, ..world(&[0.91, 0.87, 0.7], 20.0, 1.2) };
    let six = world(&[0.9, 0.89, 0.88, 0.87, 0.86, 0.85], 20.0, 0.5);
    let long = World { timeout_s: 30.0, ..world(&[0.86, 0.82, 0.8], 20.0, 8.0) };
    vec![
        ("3, wide law", wide),
        ("2 of high rates", world(&[0.95, 0.93], 20.0, 0.4)),
        ("5, day", World { has_days: true, ..world(&[0.87, 0.85, 0.8, 0.72, 0.7], 20.0, 0.9) }),
        ("6 close, drift", World { drifts: true, ..six.clone() }),
        ("4 of low rates", world(&[0.75, 0.7, 0.6, 0.5], 20.0, 2.0)),
        ("4 at 10/s", world(&[0.89, 0.875, 0.84, 0.8], 10.0, 0.6)),
        ("8 s", long),
        ("2 at 2/s", world(&[0.87, 0.83], 2.0, 1.0)),
        ("6 at 2/s, drift", World { pace: 2.0, drifts: true, ..six }),
    ]
}

/// A line for each geometry: what each fault cost ours, in parentheses what of it is the fault's doing, and
/// what the window lost; then the 95th percentiles of detection and recovery. The bound instead of ours when it
/// is asked for.
pub fn print(asked: &Asked, geometries: &[Geometry]) {
    let names: Vec<_> = asked.faults.iter().map(|fault| fault.name()).collect();
    println!("| geometry | {} | regret | trips/M |", names.join(" | "));
    println!("|---|{}---|---|", "---|".repeat(names.len()));
    for (name, world) in geometries {
        if asked.geometry.as_ref().is_some_and(|only| only != name) {
            continue;
        }
        let is_bound = asked.only.as_deref() == Some(FORESEER);
        let ours = Row::of(asked, world, if is_bound { FORESEER } else { NAMES[0] });
        let peer = Row::of(&Asked { calm: 0.0, ..asked.clone() }, world, NAMES[1]);
        let cells: Vec<String> =
            ours.cells.iter().zip(&peer.cells).map(|(ours, peer)| ours.beside(peer)).collect();
        let (regret, trips) = (100.0 * ours.regret, told(ours.trips_per_million));
        println!("| {name} | {} | {regret:.2} % | {trips} |", cells.join(" | "));
    }
}
