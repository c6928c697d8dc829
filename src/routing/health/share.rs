//! What instances tell each other of PSPs, and what is kept for the next start.
//!
//! Outcomes are told as they were seen, with their times, and whoever hears of one weighs it as its own. A
//! trip is told as well: it may come from calls that are still in flight elsewhere, of which nobody else
//! could know. A recovery is not: each instance finds it out by probes of its own, which are jittered, so
//! that a PSP that has just come back is not met by everybody at once.
//!
//! What is kept is the level of each bucket and who stands apart. From that [`Health::restore`] builds what
//! would have been learned, through the same functions that learn.

use super::approval::Approval;
use super::{Bucket, BucketHealth, Change, Health, Micros, SECOND, Technical};
use crate::domain::Direction;

/// One thing that an instance saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// A call came back, or did not.
    Called { psp: String, direction: Direction, sent_at: Micros, at: Micros, fault: Option<bool> },
    /// A payment came to its end.
    Decided { psp: String, bucket: Bucket, sent_at: Micros, at: Micros, approved: bool },
    /// A PSP fails or is silent.
    Tripped { psp: String, direction: Direction, at: Micros },
}

/// What is known of one PSP in one bucket.
#[derive(Debug, Clone, PartialEq)]
pub struct Level {
    pub psp: String,
    pub bucket: Bucket,
    /// The usual approval rate in millionths, and by how many outcomes it is known.
    pub approved_ppm: i32,
    pub outcomes: i32,
    pub demoted: bool,
}

/// What the next start begins with.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Kept {
    pub levels: Vec<Level>,
    pub failing: Vec<(String, Direction)>,
}

/// Calls of others have no number here.
const ELSEWHERE: u64 = u64::MAX;
/// More refusals in a row than this change nothing more.
const ENOUGH: u32 = 64;
/// More outcomes than these are not remembered anyway.
const OUTCOMES_MAX: i32 = 2_000;

impl Health {
    /// Makes a PSP known in a bucket, so that ends of payments that others planned are counted.
    pub fn meet(&mut self, bucket: &Bucket, psp: &str) {
        let known = self.buckets.get(bucket).is_some_and(|here| here.psps.contains_key(psp));
        if !known {
            let expected = super::known_elsewhere(&self.buckets, bucket.direction, psp);
            self.settle(bucket, psp, expected);
        }
    }

    /// A question goes out to a PSP, which is no payment of any bucket.
    pub fn ask(&mut self, psp: &str, direction: Direction, call: u64, now: Micros) {
        self.of(psp, direction).sent(call, now);
    }

    /// A question that went out at `sent_at` was answered as one asks who is well.
    pub fn answered_a_question(&mut self, psp: &str, direction: Direction, sent_at: Micros) {
        self.of(psp, direction).answered_a_question(sent_at);
    }

    fn settle(&mut self, bucket: &Bucket, psp: &str, expected: f64) {
        let fresh = Approval::new(self.rules.approval, expected);
        let here = self.buckets.entry(bucket.clone()).or_insert_with(BucketHealth::new);
        here.psps.insert(psp.to_owned(), fresh);
    }

    /// Weighs what another instance saw, at `now` by the clock of this one.
    pub fn absorb(&mut self, told: &Told, now: Micros) -> Option<Change> {
        match told {
            Told::Called { psp, direction, sent_at, at, fault } => {
                let (sent_at, at) = by_own_clock((*sent_at, *at), now);
                self.answered(psp, *direction, (ELSEWHERE, sent_at), at, *fault)
            }
            Told::Decided { psp, bucket, sent_at, at, approved } => {
                self.meet(bucket, psp);
                let (sent_at, at) = by_own_clock((*sent_at, *at), now);
                self.decided(bucket, psp, sent_at, at, *approved)
            }
            Told::Tripped { psp, direction, at } => self.trip(psp, *direction, (*at).min(now)),
        }
    }

    /// As many faults at once as the rules ask for, however many those are.
    fn trip(&mut self, psp: &str, direction: Direction, at: Micros) -> Option<Change> {
        let rules = self.rules.technical;
        let (mut change, mut evidence) = (None, 0.0);
        while evidence <= rules.trip + rules.fault && !self.is_failing(psp, direction) {
            change = self.answered(psp, direction, (ELSEWHERE, at), at, Some(true));
            evidence += rules.fault;
        }
        change
    }

    /// What is worth keeping for the next start.
    pub fn keep(&self) -> Kept {
        let levels = self.buckets.iter().flat_map(|(bucket, here)| {
            here.psps.iter().map(|(psp, approval)| Level {
                psp: psp.clone(),
                bucket: bucket.clone(),
                approved_ppm: whole(approval.usual() * 1e6),
                outcomes: whole(approval.known_by()).min(OUTCOMES_MAX),
                demoted: approval.is_demoted() && !here.is_blamed,
            })
        });
        let failing = self.technical.iter().filter(|(_, technical)| Technical::is_open(technical));
        let failing = failing.map(|((direction, psp), _)| (psp.clone(), *direction));
        Kept { levels: levels.collect(), failing: failing.collect() }
    }

    /// Begins with what was kept.
    pub fn restore(&mut self, kept: &Kept, now: Micros) {
        for level in &kept.levels {
            let rate = f64::from(level.approved_ppm) / 1e6;
            self.settle(&level.bucket, &level.psp, rate);
            let here = self.buckets.get_mut(&level.bucket);
            let Some(approval) = here.and_then(|here| here.psps.get_mut(&level.psp)) else {
                continue;
            };
            remember(approval, level, now);
        }
        for (psp, direction) in &kept.failing {
            self.trip(psp, *direction, now);
        }
    }
}

/// Nothing that was told lies ahead: where the clock of whoever saw it is, both times are shifted alike. Else a
/// PSP that they say has failed would not be probed before that time comes here.
fn by_own_clock((sent_at, at): (Micros, Micros), now: Micros) -> (Micros, Micros) {
    let ahead = at.saturating_sub(now).max(0);
    (sent_at.saturating_sub(ahead), at.min(now))
}

/// Approvals and refusals in even turns, so that the level is learned and no fall is seen in it.
fn remember(approval: &mut Approval, level: &Level, now: Micros) {
    let (long_ago, mut owed) = (now - 3_600 * SECOND, 0_i64);
    // The first ten are what a fresh one begins with.
    for _ in 10..level.outcomes {
        owed += i64::from(level.approved_ppm);
        let approved = 500_000 <= owed;
        owed -= if approved { 1_000_000 } else { 0 };
        approval.decided(approved, long_ago, long_ago);
    }
    for _ in 0..ENOUGH {
        if level.demoted == approval.is_demoted() {
            break;
        }
        approval.decided(false, now, now);
    }
}

#[allow(clippy::cast_possible_truncation, reason = "a cast from float saturates")]
fn whole(number: f64) -> i32 {
    number.round() as i32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Currency, Method};
    use crate::routing::health::{HealthRules, Permit, Standing};

    fn bucket() -> Bucket {
        Bucket {
            direction: Direction::Deposit,
            country: "SE".to_owned(),
            method: Method::BankTransfer,
            currency: Currency::SEK,
        }
    }

    fn fresh() -> Health {
        Health::new(HealthRules::default(), 7)
    }

    const NOW: Micros = 10_000 * SECOND;

    #[test]
    fn a_trip_elsewhere_is_a_trip_here_and_a_recovery_is_found_out_by_oneself() {
        let mut health = fresh();
        let (psp, direction) = ("a".to_owned(), Direction::Deposit);
        let told = Told::Tripped { psp, direction, at: NOW };
        assert!(matches!(health.absorb(&told, NOW), Some(Change::Technical { .. })));
        assert!(health.is_failing("a", Direction::Deposit));
        assert!(!health.is_failing("a", Direction::Withdrawal), "payouts are scored apart");
        assert_eq!(health.absorb(&told, NOW), None, "told twice it changes nothing");
    }

    #[test]
    fn a_trip_told_by_a_clock_that_is_ahead_is_probed_as_soon_as_any_other() {
        let (mut ahead, mut right) = (fresh(), fresh());
        for (health, at) in [(&mut ahead, NOW + 600 * SECOND), (&mut right, NOW)] {
            let told = Told::Tripped { psp: "a".to_owned(), direction: Direction::Deposit, at };
            health.absorb(&told, NOW);
        }
        let first_probe = |health: &Health| {
            let probes = |secs: &i64| {
                let at = NOW + secs * SECOND;
                health.permit("a", Direction::Deposit, at) == Permit::Probe
            };
            (0..1_000).find(probes)
        };
        assert_eq!(first_probe(&ahead), first_probe(&right));
        assert!(first_probe(&right).is_some_and(|secs| secs < 100));
    }

    /// A call that is told of by a clock that is ahead answers a probe well, and this instance trusts the PSP.
    #[test]
    fn faults_of_ones_own_count_after_others_with_another_clock_found_it_well() {
        let mut health = fresh();
        let (psp, direction) = ("a", Direction::Deposit);
        health.absorb(&Told::Tripped { psp: psp.to_owned(), direction, at: NOW }, NOW);
        let mut now = NOW + 100 * SECOND;
        while health.is_failing(psp, direction) {
            now += SECOND;
            assert!(now < NOW + 1_000 * SECOND, "good answers bring it back");
            let (psp, sent_at) = (psp.to_owned(), now + 599 * SECOND);
            let at = now + 600 * SECOND;
            let told = Told::Called { psp, direction, sent_at, at, fault: Some(false) };
            health.absorb(&told, now);
        }
        let fault = |call| (call, now + i64::try_from(call).unwrap_or(0));
        let fell = (1..20).any(|call| {
            let change = health.answered(psp, direction, fault(call), now + SECOND, Some(true));
            change.is_some()
        });
        assert!(fell, "its own faults are not ignored");
    }

    #[test]
    fn a_clock_that_is_set_back_keeps_no_psp_from_being_probed() {
        let mut health = fresh();
        let (psp, direction) = ("a", Direction::Deposit);
        health.look(NOW);
        health.absorb(&Told::Tripped { psp: psp.to_owned(), direction, at: NOW }, NOW);
        health.look(NOW + SECOND);
        let back = NOW - 3_600 * SECOND;
        health.look(back);
        assert_eq!(health.permit(psp, direction, back + 100 * SECOND), Permit::Probe);
    }

    #[test]
    fn a_trip_is_taken_over_and_restored_however_many_faults_the_rules_ask_for() {
        let rules = HealthRules::tripping_at(1_000, 1_000);
        let (mut told, mut restored) = (Health::new(rules, 7), Health::new(rules, 7));
        let (psp, direction) = ("a".to_owned(), Direction::Deposit);
        told.absorb(&Told::Tripped { psp: psp.clone(), direction, at: NOW }, NOW);
        assert!(told.is_failing("a", Direction::Deposit));
        let kept = Kept { levels: Vec::new(), failing: vec![(psp, direction)] };
        restored.restore(&kept, NOW);
        assert!(restored.is_failing("a", Direction::Deposit));
    }

    #[test]
    fn faults_elsewhere_count_with_ones_own() {
        let fault = |sent_at| Told::Called {
            psp: "a".to_owned(),
            direction: Direction::Deposit,
            sent_at,
            at: sent_at + SECOND,
            fault: Some(true),
        };
        let (mut informed, mut alone) = (fresh(), fresh());
        (0..2).for_each(|i| assert_eq!(informed.absorb(&fault(NOW + i), NOW + SECOND + i), None));
        for health in [&mut informed, &mut alone] {
            health.answered("a", Direction::Deposit, (1, NOW), NOW + SECOND, Some(true));
        }
        assert!(informed.is_failing("a", Direction::Deposit));
        assert!(!alone.is_failing("a", Direction::Deposit), "one fault of its own is not enough");
    }

    #[test]
    fn what_is_kept_stands_as_it_stood_after_a_restart() {
        let mut before = fresh();
        for i in 0..1_500 {
            for (psp, of_ten) in [("a", 9), ("b", 6)] {
                before.meet(&bucket(), psp);
                before.decided(&bucket(), psp, NOW + i, NOW + i, i % 10 < of_ten);
            }
        }
        let told = Told::Tripped { psp: "c".to_owned(), direction: Direction::Deposit, at: NOW };
        before.absorb(&told, NOW);
        for _ in 0..ENOUGH {
            before.decided(&bucket(), "a", NOW + SECOND, NOW + SECOND, false);
        }
        let kept = before.keep();
        let mut after = fresh();
        after.restore(&kept, NOW + 2 * SECOND);
        for kept in [kept, after.keep()] {
            let fallen = kept.levels.iter().find(|level| level.psp == "a").expect("it is kept");
            let (usual, known_by) = (fallen.approved_ppm, fallen.outcomes);
            assert!((850_000..950_000).contains(&usual) && 1_000 < known_by, "{usual} {known_by}");
        }
        let places = after.rank(&bucket(), &["a", "b", "c"], NOW + 2 * SECOND);
        let of = |psp| *places.iter().find(|place| place.psp == psp).expect("all are ranked");
        assert_eq!(of(0).standing, Standing::Demoted);
        assert_eq!(of(1).standing, Standing::Well);
        assert_eq!(of(2).standing, Standing::Failing);
        assert!((of(1).expected - 0.6).abs() < 0.03, "{}", of(1).expected);
    }
}
