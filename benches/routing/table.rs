//! All runs of one geometry, as one table.

use crate::Asked;
use crate::peers::{FORESEER, NAMES, RANKED, contender};
use crate::run::{Outcome, run};
use crate::world::{Fault, World};
use serde_json::{Value, json};

pub struct Table {
    pub pace: f64,
    pub rows: Vec<Row>,
}

pub struct Row {
    pub name: &'static str,
    pub cells: Vec<Cell>,
    /// Lost approvals of a payment without faults.
    pub regret: f64,
    /// Technical trips in a million payments without faults; none where there is nothing that trips.
    pub trips_per_million: Option<f64>,
}

pub struct Cell {
    pub fault: Fault,
    pub lost: f64,
    /// Half of the width of the 95 % confidence interval of `lost`.
    pub lost_within: f64,
    /// `lost` less what the same payments lose in the same seeds' runs without the fault.
    pub by_fault: f64,
    pub detected: [Option<f64>; 2],
    pub recovered: [Option<f64>; 2],
    pub runs: Vec<Outcome>,
}

impl Table {
    pub fn of(asked: &Asked, world: &World) -> Self {
        let others = [RANKED, FORESEER];
        let wanted = |name: &&str| match asked.only.as_deref() {
            Some(only) => only == *name,
            None => !others.contains(name),
        };
        let names = NAMES.into_iter().chain(others).filter(wanted);
        let rows = names.map(|name| Row::of(asked, world, name)).collect();
        Self { pace: world.pace, rows }
    }

    pub fn markdown(&self) -> String {
        let faults = self.rows.first().map_or(&[][..], |row| &row.cells);
        let names: Vec<_> = faults.iter().map(|cell| cell.fault.name()).collect();
        let mut text = format!(
            "### {} payments a second: approvals lost ± 95 % / detected p50, p95 / recovered p50, p95 (s)\n\n\
             | | {} | regret a payment | trips a million |\n|---|{}---|---|\n",
            self.pace,
            names.join(" | "),
            "---|".repeat(names.len())
        );
        for row in &self.rows {
            let cells: Vec<String> = row.cells.iter().map(Cell::text).collect();
            text.push_str(&format!(
                "| {} | {} | {:.2} % | {} |\n",
                row.name,
                cells.join(" | "),
                100.0 * row.regret,
                told(row.trips_per_million)
            ));
        }
        text
    }

    pub fn json(&self) -> Value {
        let cell = |cell: &Cell| {
            json!({"fault": cell.fault.name(), "lost": cell.lost, "lost_within": cell.lost_within,
                "lost_by_the_fault": cell.by_fault,
                "detected_p50_s": cell.detected[0], "detected_p95_s": cell.detected[1],
                "recovered_p50_s": cell.recovered[0], "recovered_p95_s": cell.recovered[1]})
        };
        let rows: Vec<_> = self.rows.iter().map(|row| {
            json!({"name": row.name, "regret": row.regret, "trips_per_million": row.trips_per_million,
                "faults": row.cells.iter().map(cell).collect::<Vec<_>>()})
        }).collect();
        json!({"pace": self.pace, "contenders": rows})
    }
}

impl Row {
    pub fn of(asked: &Asked, world: &World, name: &'static str) -> Self {
        let one = |fault, calm: &[f32], seed: u64| {
            let mut chooser = contender(name, world, fault, seed ^ 0x5eed);
            run(world, fault, calm, chooser.as_mut(), seed)
        };
        let seeds = (0..asked.seeds).map(|number| asked.seed.wrapping_mul(1_000_003) + number);
        let calm: Vec<(u64, Outcome)> = seeds.map(|seed| (seed, one(None, &[], seed))).collect();
        let cell = |fault: &Fault| {
            let runs = calm.iter().map(|(seed, calm)| one(Some(*fault), &calm.each, *seed));
            Cell::of(*fault, runs.collect(), &calm)
        };
        let cells = asked.faults.iter().map(cell).collect();
        let sum = |part: fn(&Outcome) -> f64| calm.iter().map(|(_, run)| part(run)).sum::<f64>();
        let regret = sum(|run| run.calm_lost) / sum(|run| run.calm).max(1.0);
        // And a long calm, because trips are rare.
        let long = World {
            warm_s: asked.calm * 1e6 / world.pace,
            fault_s: 0.0,
            after_s: 0.0,
            ..world.clone()
        };
        let mut chooser = contender(name, world, None, asked.seed);
        let long = run(&long, None, &[], chooser.as_mut(), asked.seed);
        let payments = sum(|run| run.payments) + long.payments;
        let trips = sum(|run| f64::from(run.false_trips)) + f64::from(long.false_trips);
        let trips_per_million = can_trip(name).then(|| trips / payments.max(1.0) * 1e6);
        Self { name, cells, regret, trips_per_million }
    }
}

impl Cell {
    fn of(fault: Fault, runs: Vec<Outcome>, calm: &[(u64, Outcome)]) -> Self {
        let n = runs.len() as f64;
        let lost = runs.iter().map(|run| run.lost).sum::<f64>() / n;
        let without = calm.iter().map(|(_, run)| run.lost).sum::<f64>() / n;
        let spread = runs.iter().map(|run| (run.lost - lost) * (run.lost - lost)).sum::<f64>();
        let lost_within = 1.96 * (spread / (n - 1.0).max(1.0)).sqrt() / n.sqrt();
        // What did not happen happened later than all that did.
        let late = |time: Option<f64>| time.unwrap_or(f64::INFINITY);
        let detected = quantiles(runs.iter().map(|run| late(run.detected_s)).collect());
        let recovered = quantiles(runs.iter().map(|run| late(run.recovered_s)).collect());
        Self { fault, lost, lost_within, by_fault: lost - without, detected, recovered, runs }
    }

    /// In short, with what the peer lost.
    pub fn beside(&self, peer: &Self) -> String {
        let lost = format!("{:.0} ({:.0}) of {:.0}", self.lost, self.by_fault, peer.lost);
        if !self.fault.costs() {
            return lost;
        }
        format!("{lost} / {} / {}", told(self.detected[1]), told(self.recovered[1]))
    }

    fn text(&self) -> String {
        let lost = format!("**{:.0}** ± {:.0} ({:.0})", self.lost, self.lost_within, self.by_fault);
        if !self.fault.costs() {
            return lost;
        }
        let ([d50, d95], [r50, r95]) = (self.detected.map(told), self.recovered.map(told));
        format!("{lost} / {d50}, {d95} / {r50}, {r95}")
    }
}

/// A number of seconds or of trips.
pub fn told(number: Option<f64>) -> String {
    number.map_or("–".to_owned(), |number| format!("{number:.1}"))
}

/// The median and the 95th percentile; none when it never happened.
fn quantiles(mut times: Vec<f64>) -> [Option<f64>; 2] {
    times.sort_by(f64::total_cmp);
    [0.5, 0.95].map(|quantile| {
        let index = ((times.len().max(1) - 1) as f64 * quantile).round() as usize;
        times.get(index).copied().filter(|time| time.is_finite())
    })
}

/// Contenders that have something that trips; the others have no trips to count.
fn can_trip(name: &str) -> bool {
    [NAMES[0], NAMES[3], NAMES[4], RANKED].contains(&name)
}
