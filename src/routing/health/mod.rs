//! How well each PSP does, and in which order they are to be asked because of it. Pure: time and the seed of
//! all chance are arguments, so that a run can be played again, in the simulator too.
//!
//! Two layers. The technical one asks whether a PSP account works at all, in each direction by itself, and
//! counts nothing but what is the PSP's own fault. The approval one asks how often payments of one kind (a
//! [`Bucket`]) are approved there. A PSP that fails is left alone and tried again; one that approves less is
//! asked less. When every PSP of a bucket falls together, an issuer or a bank is ill and not the PSPs: then
//! none is demoted and they keep their order.
//!
//! Nobody is ever excluded: what is ill goes to the end, so that when all are ill the best is still asked.
//!
//! Reading order: [`dice`], [`latency`], [`habit`], [`technical`], [`approval`], then [`Health`], then
//! [`order`] and [`share`].

#![allow(clippy::float_arithmetic, reason = "rates and likelihoods; no money is counted here")]

mod approval;
pub mod dice;
mod habit;
mod latency;
mod order;
mod share;
mod technical;

pub use approval::ApprovalRules;
pub use share::{Kept, Level, Told};
pub use technical::{Permit, TechnicalRules, Turn};

use crate::domain::{Currency, Direction, Method};
use approval::Approval;
use dice::Dice;
use std::collections::{BTreeMap, BTreeSet};
use technical::Technical;

/// A point in time, or a length of time, in microseconds. Only differences matter.
pub type Micros = i64;

pub const SECOND: Micros = 1_000_000;

/// What is expected of a PSP of which nothing is known.
const RATE_UNKNOWN: f64 = 0.8;
/// Falls that are so close together may have one cause.
const TOGETHER: Micros = 30 * SECOND;
/// Evidence that the others fell as well.
const ALIKE: f64 = 5.0;

/// A kind of payment whose approval is counted by itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bucket {
    pub direction: Direction,
    /// ISO 3166 alpha-2.
    pub country: String,
    pub method: Method,
    pub currency: Currency,
}

/// Why a PSP stands where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// This payment looks whether it is well again.
    Probe,
    Well,
    /// Its approvals fell: others first.
    Demoted,
    /// It has just come back, or has just failed once: most payments go elsewhere.
    Doubtful,
    /// It fails or is silent: last.
    Failing,
}

/// A PSP's place for one payment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    /// Into the list that was asked about.
    pub psp: usize,
    pub standing: Standing,
    /// The approval rate that was drawn for this payment, and the one that is expected.
    pub drawn: f64,
    pub expected: f64,
}

impl Place {
    /// In whole hundredths of a percent.
    pub fn drawn_bps(&self) -> i64 {
        bps(self.drawn)
    }

    pub fn expected_bps(&self) -> i64 {
        bps(self.expected)
    }
}

#[allow(clippy::cast_possible_truncation, reason = "a cast from float saturates")]
fn bps(rate: f64) -> i64 {
    (rate * 10_000.0).round() as i64
}

/// What changed, for people, metrics and events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    Technical {
        psp: String,
        direction: Direction,
        turn: Turn,
    },
    /// Approvals fell: it is asked less.
    Demoted {
        psp: String,
        bucket: Bucket,
    },
    /// Approvals are back, or the lower level is the new one.
    Restored {
        psp: String,
        bucket: Bucket,
    },
    /// Everybody fell together: nobody is demoted.
    BucketBlamed {
        bucket: Bucket,
    },
}

#[derive(Debug, Clone)]
struct BucketHealth {
    psps: BTreeMap<String, Approval>,
    /// All fell together.
    is_blamed: bool,
    /// When the last of them fell, by which ratio, and the evidence that the others did as well.
    fell_at: Micros,
    ratio: f64,
    alike: f64,
}

impl BucketHealth {
    fn new() -> Self {
        let psps = BTreeMap::new();
        Self { psps, is_blamed: false, fell_at: Micros::MIN, ratio: 1.0, alike: 0.0 }
    }

    fn blame(&mut self, bucket: &Bucket, ratio: f64, now: Micros) -> Change {
        self.is_blamed = true;
        self.psps.values_mut().for_each(|approval| approval.blame_the_bucket(ratio, now));
        Change::BucketBlamed { bucket: bucket.clone() }
    }
}

/// The rules of both layers.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct HealthRules {
    pub technical: TechnicalRules,
    pub approval: ApprovalRules,
}

impl HealthRules {
    /// Rules that trip after so many faults with hardly a good answer between them, or so many silent calls.
    /// The defaults are those of three; evidence is a sum, so more of it is asked for in proportion.
    pub fn tripping_at(faults: u32, silent_calls: u32) -> Self {
        let mut rules = Self::default();
        rules.technical.trip += rules.technical.fault * (f64::from(faults) - 3.0);
        rules.technical.stall *= f64::from(silent_calls) / 3.0;
        rules
    }
}

/// What this instance knows of all PSP accounts.
#[derive(Debug, Clone)]
pub struct Health {
    rules: HealthRules,
    dice: Dice,
    technical: BTreeMap<(Direction, String), Technical>,
    buckets: BTreeMap<Bucket, BucketHealth>,
    /// Where the answer to a deposit is lost the deposit goes nowhere else.
    spared: BTreeSet<String>,
    looked_at: Micros,
}

impl Health {
    pub const fn new(rules: HealthRules, seed: u64) -> Self {
        Self {
            rules,
            dice: Dice::new(seed),
            technical: BTreeMap::new(),
            buckets: BTreeMap::new(),
            spared: BTreeSet::new(),
            looked_at: Micros::MIN,
        }
    }

    /// What may be sent to a PSP now.
    pub fn permit(&self, psp: &str, direction: Direction, now: Micros) -> Permit {
        let technical = self.technical.get(&(direction, psp.to_owned()));
        technical.map_or(Permit::Yes, |technical| technical.permit(now))
    }

    pub fn is_failing(&self, psp: &str, direction: Direction) -> bool {
        self.technical.get(&(direction, psp.to_owned())).is_some_and(Technical::is_open)
    }

    /// A call goes out; `call` is any number that is its own.
    pub fn sent(&mut self, bucket: &Bucket, psp: &str, call: u64, now: Micros) {
        self.of(psp, bucket.direction).sent(call, now);
        let Some(here) = self.buckets.get_mut(bucket) else { return };
        let Some(asked) = here.psps.get_mut(psp) else { return };
        asked.sent(now);
        let got = asked.counts().rate();
        here.psps
            .iter_mut()
            .filter(|(other, _)| *other != psp)
            .for_each(|(_, at)| at.passed_by(got));
        // What is not asked because it fails is missed by as much as it would be better. Payments of another
        // kind, which it would never have had, pass nobody by.
        for ((direction, other), technical) in &mut self.technical {
            if *direction == bucket.direction && other != psp && technical.is_open() {
                let usual = here.psps.get(other).map(Approval::usual);
                usual.iter().for_each(|usual| technical.passed_by((usual - got).max(0.0)));
            }
        }
    }

    /// A call was answered or lost. `fault`: it was the PSP's doing; none when it says nothing of the PSP.
    pub fn answered(
        &mut self,
        psp: &str,
        direction: Direction,
        (call, sent_at): (u64, Micros),
        now: Micros,
        fault: Option<bool>,
    ) -> Option<Change> {
        let mut dice = self.dice.clone();
        let turn = self.of(psp, direction).answered((call, sent_at), now, fault, &mut dice);
        self.dice = dice;
        Some(Change::Technical { psp: psp.to_owned(), direction, turn: turn? })
    }

    /// Looks for PSPs that have gone silent. To be called a few times a second.
    pub fn look(&mut self, now: Micros) -> Vec<Change> {
        if now < self.looked_at {
            self.set_back(now);
        }
        self.looked_at = now;
        let mut changes = Vec::new();
        for ((direction, psp), technical) in &mut self.technical {
            if let Some(turn) = technical.look(now, &mut self.dice) {
                let (psp, direction) = (psp.clone(), *direction);
                changes.push(Change::Technical { psp, direction, turn });
            }
        }
        changes
    }

    /// A payment came to its end at a PSP, approved or refused by it, by the payer or by the payer's bank;
    /// technical faults are not told here.
    pub fn decided(
        &mut self,
        bucket: &Bucket,
        psp: &str,
        sent_at: Micros,
        now: Micros,
        approved: bool,
    ) -> Option<Change> {
        let here = self.buckets.get_mut(bucket)?;
        let approval = here.psps.get_mut(psp)?;
        let was_demoted = approval.is_demoted();
        let usual = approval.usual();
        if !approval.decided(approved, sent_at, now) {
            let is_after = here.fell_at <= sent_at && now.saturating_sub(here.fell_at) < TOGETHER;
            if was_demoted || here.is_blamed || !is_after {
                return None;
            }
            // Whoever takes over after a fall tells whether it fell by as much.
            here.alike += approval::evidence(approved, usual, usual * here.ratio);
            if here.alike < ALIKE {
                return None;
            }
            return Some(here.blame(bucket, here.ratio, now));
        }
        let (psp, bucket) = (psp.to_owned(), bucket.clone());
        if was_demoted {
            if here.is_blamed {
                here.is_blamed = false;
                here.psps.values_mut().for_each(|approval| approval.restore(now));
            }
            return Some(Change::Restored { psp, bucket });
        }
        (here.ratio, here.alike) = (approval.fell_by(), 0.0);
        let others = here.psps.iter().any(|(other, at)| *other != psp && at.is_demoted());
        let together = others && now.saturating_sub(here.fell_at) < TOGETHER;
        here.fell_at = now;
        if !together {
            return Some(Change::Demoted { psp, bucket });
        }
        Some(here.blame(&bucket, here.ratio, now))
    }

    /// The clock was set back to `now`: what lies ahead of it would have to be waited for.
    fn set_back(&mut self, now: Micros) {
        self.technical.values_mut().for_each(|technical| technical.set_back(now));
        for here in self.buckets.values_mut() {
            here.fell_at = here.fell_at.min(now);
            here.psps.values_mut().for_each(|approval| approval.set_back(now));
        }
    }

    fn of(&mut self, psp: &str, direction: Direction) -> &mut Technical {
        let rules = self.rules.technical;
        self.technical.entry((direction, psp.to_owned())).or_insert_with(|| Technical::new(rules))
    }
}

/// What a PSP does in its other buckets of a direction, the busiest of them counting most. How often it takes
/// deposits says nothing of payouts.
fn known_elsewhere(
    buckets: &BTreeMap<Bucket, BucketHealth>,
    direction: Direction,
    psp: &str,
) -> f64 {
    let there = buckets.iter().filter(|(bucket, _)| bucket.direction == direction);
    let known = there.filter_map(|(_, here)| here.psps.get(psp));
    let (approved, all) = known.fold((0.0, 0.0), |(approved, all), approval| {
        let counts = approval.counts();
        (approved + counts.approved, all + counts.total())
    });
    // Worth ten outcomes of its own, so that one lucky bucket does not speak for all.
    (approved + 10.0 * RATE_UNKNOWN) / (all + 10.0)
}

/// A length of time times a factor; what does not fit is the longest there is.
#[allow(clippy::cast_possible_truncation, reason = "a cast from float saturates")]
fn scaled(micros: Micros, factor: f64) -> Micros {
    (micros as f64 * factor) as Micros
}

#[cfg(test)]
#[path = "health_tests.rs"]
mod tests;
