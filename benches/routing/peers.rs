//! Who chooses: ours, and what others do, each with its own published defaults.

use crate::breakers::{Breaker, Kind};
use crate::world::{Fault, World};
use interlock::domain::{Currency, Direction, Method};
use interlock::routing::health::dice::Dice;
use interlock::routing::health::{Bucket, Change, Health, HealthRules, Micros, SECOND, Standing};
use std::collections::VecDeque;

/// A way of choosing.
pub trait Chooser {
    /// All PSPs, the one to ask first at the head.
    fn order(&mut self, now: Micros) -> Vec<usize>;
    fn sent(&mut self, _psp: usize, _call: u64, _now: Micros) {}
    fn answered(&mut self, psp: usize, call: (u64, Micros), now: Micros, is_fault: bool);
    fn decided(&mut self, psp: usize, sent_at: Micros, now: Micros, approved: bool);
    /// Whatever is done from time to time; how often a technical trip happened since.
    fn look(&mut self, _now: Micros) -> u32 {
        0
    }
}

/// All contenders, ours first.
pub const NAMES: [&str; 7] = [
    "interlock",
    "success-rate window",
    "the same, calibrated",
    "Resilience4j, static order",
    "Envoy, static order",
    "SW-UCB 1000",
    "discounted Thompson",
];

/// Ours on a route that states its own order, which is told the true rates as the breakers' is: what is ill is
/// asked last, and nothing else changes the order.
pub const RANKED: &str = "interlock, ranked route";

/// No contender but a bound: see [`Foreseer`].
pub const FORESEER: &str = "told by the first failed answer";

pub fn contender(name: &str, world: &World, fault: Option<Fault>, seed: u64) -> Box<dyn Chooser> {
    let (rates, psps) = (&world.rates, world.rates.len());
    match name {
        FORESEER => {
            Box::new(Foreseer { world: world.clone(), fault, is_told: false, brownout: 0.0 })
        }
        RANKED => Box::new(Ours { route: Some(by_score(rates)), ..Ours::new(psps, seed) }),
        "interlock" => Box::new(Ours::new(psps, seed)),
        "success-rate window" => Box::new(Window::new(psps, seed)),
        "the same, calibrated" => Box::new(Window::calibrated(psps, seed, world.pace)),
        "Resilience4j, static order" => Box::new(Breaker::new(rates, Kind::Resilience4j)),
        "Envoy, static order" => Box::new(Breaker::new(rates, Kind::Envoy)),
        "SW-UCB 1000" => Box::new(SlidingUcb { last: VecDeque::new(), psps }),
        _ => Box::new(Thompson { counts: vec![(1.0, 1.0); psps], dice: Dice::new(seed) }),
    }
}

pub fn by_score(scores: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|one, other| scores[*other].total_cmp(&scores[*one]));
    order
}

struct Ours {
    health: Health,
    bucket: Bucket,
    names: Vec<String>,
    /// The order of a ranked route.
    route: Option<Vec<usize>>,
    trips: u32,
}

impl Ours {
    fn new(psps: usize, seed: u64) -> Self {
        let bucket = Bucket {
            direction: Direction::Deposit,
            country: "DE".to_owned(),
            method: Method::Card,
            currency: Currency::EUR,
        };
        let names = (0..psps).map(|psp| format!("psp-{psp}")).collect();
        let health = Health::new(HealthRules::default(), seed);
        Self { health, bucket, names, route: None, trips: 0 }
    }

    fn note(&mut self, change: Option<Change>) {
        use interlock::routing::health::Turn;
        if let Some(Change::Technical { turn: Turn::Failing | Turn::Silent, .. }) = change {
            self.trips += 1;
        }
    }
}

/// As a ranked route takes it: see `src/routing/score.rs`.
const fn ill(standing: Standing) -> u8 {
    match standing {
        Standing::Probe => 0,
        Standing::Well | Standing::Doubtful => 1,
        Standing::Demoted => 2,
        Standing::Failing => 3,
    }
}

impl Chooser for Ours {
    fn order(&mut self, now: Micros) -> Vec<usize> {
        let names: Vec<&str> = self.names.iter().map(String::as_str).collect();
        let mut places = self.health.rank(&self.bucket, &names, now);
        if let Some(route) = &self.route {
            let position = |psp| route.iter().position(|at| *at == psp);
            places.sort_by_key(|place| (ill(place.standing), position(place.psp)));
        }
        places.iter().map(|place| place.psp).collect()
    }

    fn sent(&mut self, psp: usize, call: u64, now: Micros) {
        self.health.sent(&self.bucket, &self.names[psp], call, now);
    }

    fn answered(&mut self, psp: usize, call: (u64, Micros), now: Micros, is_fault: bool) {
        let direction = self.bucket.direction;
        let change = self.health.answered(&self.names[psp], direction, call, now, Some(is_fault));
        self.note(change);
    }

    fn decided(&mut self, psp: usize, sent_at: Micros, now: Micros, approved: bool) {
        self.health.decided(&self.bucket, &self.names[psp], sent_at, now, approved);
    }

    fn look(&mut self, now: Micros) -> u32 {
        for change in self.health.look(now) {
            self.note(Some(change));
        }
        std::mem::take(&mut self.trips)
    }
}

/// The strongest open peer, by what is published of it: the mean of each PSP's last 125 outcomes, ones at
/// first; the best is asked, and one payment in twenty goes to another. A second score of each PSP loses
/// 5 % with a failure and gains 5.26 % with a success; below 0.05 the PSP goes to the end of the order.
///
/// Every 15 minutes it is calibrated by the volume V of the last hour: a window of `5 · √(V / (n − 1))`
/// outcomes, rounded to 25, from 100 to 2,000; and to each other PSP the share that fills its window in an
/// hour, at least 1 % and together at most 30 %. That is off unless it is switched on, so the window is
/// shown with its defaults as well as calibrated, as if it had been running for hours.
struct Window {
    outcomes: Vec<VecDeque<bool>>,
    standing: Vec<f64>,
    size: usize,
    hedging: f64,
    dice: Dice,
}

impl Window {
    const SIZE: usize = 125;
    const HEDGING: f64 = 0.05;
    const ELIMINATION: f64 = 0.05;

    fn new(psps: usize, seed: u64) -> Self {
        Self::sized(psps, seed, Self::SIZE, Self::HEDGING)
    }

    fn sized(psps: usize, seed: u64, size: usize, hedging: f64) -> Self {
        let ones: VecDeque<bool> = std::iter::repeat_n(true, size).collect();
        let (outcomes, standing) = (vec![ones; psps], vec![1.0; psps]);
        Self { outcomes, standing, size, hedging, dice: Dice::new(seed) }
    }

    fn calibrated(psps: usize, seed: u64, pace: f64) -> Self {
        let (volume, others) = (pace * 3_600.0, psps as f64 - 1.0);
        let size = (5.0 * (volume / others).sqrt() / 25.0).round() * 25.0;
        let size = size.clamp(100.0, 2_000.0);
        let each = (size / volume).min(0.3 / others).max(0.01);
        Self::sized(psps, seed, size as usize, (each * others).min(0.3))
    }

    fn scores(&self) -> Vec<f64> {
        let rate = |window: &VecDeque<bool>| {
            window.iter().filter(|approved| **approved).count() as f64 / window.len() as f64
        };
        let eliminated = |standing: &f64| f64::from(u8::from(*standing < Self::ELIMINATION));
        let pairs = self.outcomes.iter().zip(&self.standing);
        pairs.map(|(window, standing)| rate(window) - eliminated(standing)).collect()
    }
}

impl Chooser for Window {
    fn order(&mut self, _: Micros) -> Vec<usize> {
        let mut order = by_score(&self.scores());
        if self.dice.chance(self.hedging) {
            // An eliminated one too: without that it would never come back, which nobody can want.
            let others = order.len() as u64 - 1;
            let chosen = order.remove(1 + (self.dice.bits() % others) as usize);
            order.insert(0, chosen);
        }
        order
    }

    fn answered(&mut self, psp: usize, call: (u64, Micros), now: Micros, is_fault: bool) {
        if is_fault {
            self.decided(psp, call.1, now, false);
        }
    }

    fn decided(&mut self, psp: usize, _: Micros, _: Micros, approved: bool) {
        self.outcomes[psp].push_back(approved);
        while self.size < self.outcomes[psp].len() {
            self.outcomes[psp].pop_front();
        }
        let change = if approved { 1.0526 } else { 0.95 };
        self.standing[psp] = (self.standing[psp] * change).min(1.0);
    }
}

/// Upper confidence bounds over the last thousand outcomes.
struct SlidingUcb {
    last: VecDeque<(usize, bool)>,
    psps: usize,
}

impl Chooser for SlidingUcb {
    fn order(&mut self, _: Micros) -> Vec<usize> {
        let mut counts = vec![(0.0, 0.0); self.psps];
        for (psp, approved) in &self.last {
            counts[*psp].0 += f64::from(u8::from(*approved));
            counts[*psp].1 += 1.0;
        }
        let reach = (self.last.len() as f64).max(2.0).ln();
        let score = |(approved, all): &(f64, f64)| match *all {
            0.0 => f64::MAX,
            all => approved / all + (0.5 * reach / all).sqrt(),
        };
        by_score(&counts.iter().map(score).collect::<Vec<_>>())
    }

    fn answered(&mut self, psp: usize, call: (u64, Micros), now: Micros, is_fault: bool) {
        if is_fault {
            self.decided(psp, call.1, now, false);
        }
    }

    fn decided(&mut self, psp: usize, _: Micros, _: Micros, approved: bool) {
        self.last.push_back((psp, approved));
        if 1_000 < self.last.len() {
            self.last.pop_front();
        }
    }
}

/// Thompson sampling over counts of which each outcome leaves 0.998.
struct Thompson {
    counts: Vec<(f64, f64)>,
    dice: Dice,
}

impl Chooser for Thompson {
    fn order(&mut self, _: Micros) -> Vec<usize> {
        let (counts, dice) = (&self.counts, &mut self.dice);
        let draw = |(yes, no): &(f64, f64)| dice.beta(yes.max(0.5), no.max(0.5));
        by_score(&counts.iter().map(draw).collect::<Vec<_>>())
    }

    fn answered(&mut self, psp: usize, call: (u64, Micros), now: Micros, is_fault: bool) {
        if is_fault {
            self.decided(psp, call.1, now, false);
        }
    }

    fn decided(&mut self, psp: usize, _: Micros, _: Micros, approved: bool) {
        for (yes, no) in &mut self.counts {
            *yes *= 0.998;
            *no *= 0.998;
        }
        let counts = &mut self.counts[psp];
        if approved { counts.0 += 1.0 } else { counts.1 += 1.0 }
    }
}

/// What nobody can do better who has to hear of a fault from its answers: it knows all approval rates at all
/// times and what is to come, takes the *first* failed answer of a fault for what it is and no other for one,
/// and is back in the moment in which the PSP is well again. Of a brownout it is told when the ends of
/// payments make it a thousand times likelier than not, by the rates that it knows. A silent PSP it gives up
/// at the first timeout, so that it is no bound there.
struct Foreseer {
    world: World,
    fault: Option<Fault>,
    is_told: bool,
    /// The logarithm of how much likelier a brownout makes the latest ends.
    brownout: f64,
}

impl Foreseer {
    fn is_ill(&self, at: Micros) -> bool {
        self.world.is_on(self.fault, at as f64 / SECOND as f64)
    }
}

impl Chooser for Foreseer {
    fn order(&mut self, now: Micros) -> Vec<usize> {
        if !self.is_ill(now) {
            self.is_told = false;
        }
        let at_s = now as f64 / SECOND as f64;
        let rates: Vec<f64> =
            (0..self.world.rates.len()).map(|psp| self.world.rate(psp, None, at_s)).collect();
        let mut order = by_score(&rates);
        if self.is_told {
            order.sort_by_key(|psp| *psp == self.world.best());
        }
        order
    }

    fn answered(&mut self, psp: usize, (_, sent_at): (u64, Micros), now: Micros, is_fault: bool) {
        let is_its = is_fault && psp == self.world.best();
        self.is_told |= is_its && self.is_ill(sent_at) && self.is_ill(now);
    }

    fn decided(&mut self, psp: usize, sent_at: Micros, now: Micros, approved: bool) {
        if self.fault != Some(Fault::Brownout) || psp != self.world.best() {
            return;
        }
        let usual = self.world.rate(psp, None, sent_at as f64 / SECOND as f64);
        let ill = self.world.brownout;
        let odds = if approved { ill / usual } else { (1.0 - ill) / (1.0 - usual) };
        self.brownout = (self.brownout + odds.ln()).max(0.0);
        self.is_told |= self.is_ill(now) && 1_000_f64.ln() <= self.brownout;
    }
}
