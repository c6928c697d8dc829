//! How often a PSP's payments are approved in one kind of payment, what it is expected to do next, and
//! whether that has suddenly become worse.
//!
//! Small and slow differences are a matter of counts with a long memory, drawn from as a Beta distribution
//! (Thompson sampling). A sudden fall is a matter of a change detector: it demotes at once, remembers what
//! was known before, and sends few, then more, probes until it is clear that the old level is back.

use super::dice::Dice;
use super::{Micros, SECOND, scaled};

/// The rules' numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ApprovalRules {
    /// What an outcome leaves of all earlier ones: 0.9995 remembers some two thousand.
    pub memory: f64,
    /// The fall that the detector looks for, in approval rate.
    pub fall: f64,
    /// Evidence that demotes, at most; a quiet bucket needs less of it, because a false alarm costs less
    /// there than a late one.
    pub trip: f64,
    /// Evidence of the old level that restores.
    pub restore: f64,
    /// The same when everybody fell and all payments are probes.
    pub restore_blamed: f64,
    /// Probes of a demoted PSP are this far apart at least.
    pub probe_every: Micros,
    /// After so long a lower level is the new one.
    pub accept_after: Micros,
    /// How many outcomes a restored PSP is remembered by.
    pub restored_to: f64,
}

impl Default for ApprovalRules {
    fn default() -> Self {
        Self {
            memory: 0.9998,
            fall: 0.28,
            trip: 11.0,
            restore: 5.5,
            restore_blamed: 12.0,
            probe_every: 5 * SECOND,
            accept_after: 900 * SECOND,
            restored_to: 1_500.0,
        }
    }
}

/// Discounted counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Counts {
    pub approved: f64,
    pub refused: f64,
}

impl Counts {
    pub fn around(rate: f64, outcomes: f64) -> Self {
        Self { approved: rate * outcomes, refused: (1.0 - rate) * outcomes }
    }

    pub fn total(self) -> f64 {
        self.approved + self.refused
    }

    pub fn rate(self) -> f64 {
        self.approved / self.total()
    }

    /// The rate less two standard errors.
    fn surely(self) -> f64 {
        self.rate() - 2.0 * self.error()
    }

    fn error(self) -> f64 {
        (self.rate() * (1.0 - self.rate()) / self.total()).sqrt()
    }

    fn add(&mut self, approved: bool, memory: f64) {
        self.approved *= memory;
        self.refused *= memory;
        if approved {
            self.approved += 1.0;
        } else {
            self.refused += 1.0;
        }
    }

    fn shrunk_to(self, outcomes: f64) -> Self {
        let keep = (outcomes / self.total()).min(1.0);
        Self { approved: self.approved * keep, refused: self.refused * keep }
    }
}

#[derive(Debug, Clone, Copy)]
struct Demotion {
    since: Micros,
    /// Evidence that the old level is back.
    back: f64,
    /// The level before, and the one it fell to.
    before: f64,
    fallen_to: f64,
    kept: Counts,
    outcomes: f64,
    next_probe_at: Micros,
    probe_every: Micros,
    /// What it has cost that others were asked: altogether, and since the last probe.
    lost: f64,
    lost_now: f64,
    /// How the last of its payments ended.
    was_approved: bool,
    /// Not its own doing: the others fell too.
    blamed_on_bucket: bool,
}

/// One PSP account in one kind of payment.
#[derive(Debug, Clone)]
pub(super) struct Approval {
    rules: ApprovalRules,
    counts: Counts,
    /// Evidence of a fall, and what was counted since it began to grow.
    fall: f64,
    run: Counts,
    demotion: Option<Demotion>,
    /// Payments a second, smoothed.
    pace: f64,
    used_at: Micros,
    /// What was sent before says nothing about a change after.
    judged_from: Micros,
}

/// After so many outcomes a rate is half way to being known well.
const WELL_KNOWN: f64 = 100.0;
const NOTHING: Counts = Counts { approved: 0.0, refused: 0.0 };

impl Approval {
    /// `expected` is what the PSP does elsewhere: worth ten outcomes.
    pub fn new(rules: ApprovalRules, expected: f64) -> Self {
        Self {
            rules,
            counts: Counts::around(expected, 10.0),
            fall: 0.0,
            run: NOTHING,
            demotion: None,
            pace: 1.0,
            used_at: Micros::MIN,
            judged_from: Micros::MIN,
        }
    }

    pub fn counts(&self) -> Counts {
        self.counts
    }

    pub fn draw(&self, dice: &mut Dice) -> f64 {
        // What is known well is drawn with a third of its variance: that explores enough and costs less for
        // ever. What is hardly known keeps all of it, or an unlucky start would not be found out.
        let known = self.counts.total() / (self.counts.total() + WELL_KNOWN);
        let (yes, no) = (self.counts.approved.max(0.5), self.counts.refused.max(0.5));
        dice.beta((1.0 + 2.0 * known) * yes, (1.0 + 2.0 * known) * no)
    }

    pub fn is_demoted(&self) -> bool {
        self.demotion.is_some()
    }

    pub fn probe_is_due(&self, now: Micros) -> bool {
        self.demotion.is_some_and(|demotion| {
            // As often as what is missed pays for, the sooner the better it looks.
            let price = (demotion.before - demotion.fallen_to).max(0.1);
            let missed = (2.0 * price * (price + demotion.lost)).sqrt() * (-demotion.back).exp();
            demotion.next_probe_at <= now || missed <= demotion.lost_now
        })
    }

    /// While it is demoted a payment went to another PSP, which approves so much less.
    pub fn passed_by(&mut self, got: f64) {
        if let Some(demotion) = &mut self.demotion {
            let lost = (demotion.before - got).max(0.0);
            demotion.lost += lost;
            demotion.lost_now += lost;
        }
    }

    /// The level that it had before it fell, or has.
    pub fn usual(&self) -> f64 {
        self.demotion.map_or_else(|| self.counts.rate(), |demotion| demotion.before)
    }

    /// By how many outcomes that level is known.
    pub fn known_by(&self) -> f64 {
        self.demotion.map_or(self.counts, |demotion| demotion.kept).total()
    }

    /// By how much it fell, as a ratio.
    pub fn fell_by(&self) -> f64 {
        self.demotion.map_or(1.0, |demotion| demotion.fallen_to / demotion.before)
    }

    pub fn sent(&mut self, now: Micros) {
        if let Some(demotion) = &mut self.demotion {
            // The better it looks, the sooner the next one.
            let hurry = match demotion.back {
                back if 2.5 <= back => 12,
                back if 0.8 <= back || demotion.was_approved => 4,
                _ => 1,
            };
            demotion.next_probe_at = now + demotion.probe_every / hurry;
            demotion.lost_now = 0.0;
        } else if self.used_at != Micros::MIN {
            let gap = ((now - self.used_at) as f64 / SECOND as f64).max(0.01);
            self.pace += 0.02 * (1.0 / gap - self.pace) * gap.clamp(0.05, 1.0);
        }
        self.used_at = now;
    }

    /// A payment that was sent at `sent_at` came to its end. True when that changed its standing.
    pub fn decided(&mut self, approved: bool, sent_at: Micros, now: Micros) -> bool {
        if self.demotion.is_some() {
            return self.weigh_return(approved, sent_at, now);
        }
        if self.judged_from <= sent_at {
            self.weigh_fall(approved);
        }
        self.counts.add(approved, self.rules.memory);
        let quiet = 5.2 + 1.95 * self.pace.max(0.5).ln();
        if self.fall < quiet.clamp(5.5, self.rules.trip) {
            return false;
        }
        self.demote(now);
        true
    }

    fn weigh_fall(&mut self, approved: bool) {
        // What is not known well may be lower than it seems.
        let usual = self.counts.surely().clamp(0.05, 0.97);
        let fallen = (usual - self.rules.fall).max(0.5 * usual);
        self.fall += evidence(approved, usual, fallen);
        if self.fall <= 0.0 {
            (self.fall, self.run) = (0.0, NOTHING);
        } else {
            self.run.add(approved, 1.0);
        }
    }

    fn weigh_return(&mut self, approved: bool, sent_at: Micros, now: Micros) -> bool {
        let Some(demotion) = &mut self.demotion else {
            return false;
        };
        if sent_at < demotion.since {
            return false;
        }
        let step = evidence(approved, demotion.fallen_to, demotion.before);
        demotion.back = (demotion.back + step).max(0.0);
        demotion.outcomes += 1.0;
        demotion.was_approved = approved;
        self.counts.add(approved, self.rules.memory);
        let wanted =
            if demotion.blamed_on_bucket { self.rules.restore_blamed } else { self.rules.restore };
        if wanted <= demotion.back {
            self.restore(now);
            return true;
        }
        let settled = 30.0 <= demotion.outcomes && self.rules.accept_after < now - demotion.since;
        if settled {
            self.forget(now);
        }
        settled
    }

    fn demote(&mut self, now: Micros) {
        let kept = Counts {
            approved: (self.counts.approved - self.run.approved).max(1.0),
            refused: (self.counts.refused - self.run.refused).max(0.2),
        };
        let before = kept.rate().clamp(0.05, 0.97);
        let ran = self.run.total();
        let fallen_to = ((self.run.approved + 1.0) / (ran + 2.0)).min(before - 0.12).max(0.02);
        // Probes are at most a few of a hundred payments, however quiet the bucket is.
        let quiet = scaled(SECOND, 28.0 / self.pace.max(0.2));
        let probe_every = quiet.clamp(self.rules.probe_every, 60 * SECOND);
        self.demotion = Some(Demotion {
            since: now,
            back: 0.0,
            before,
            fallen_to,
            kept,
            outcomes: 0.0,
            next_probe_at: now + probe_every,
            probe_every,
            lost: 0.0,
            lost_now: 0.0,
            was_approved: false,
            blamed_on_bucket: false,
        });
        // What it does now, remembered by no more than the last twenty.
        self.counts = self.run.shrunk_to(20.0);
        self.counts.approved += 0.5;
        self.counts.refused += 0.5;
        (self.fall, self.run) = (0.0, NOTHING);
    }

    /// Others fell as well: it keeps its place among them, and is expected to do as much worse as they.
    pub fn blame_the_bucket(&mut self, ratio: f64, now: Micros) {
        if self.demotion.is_none() {
            self.run = NOTHING;
            self.demote(now);
        }
        if let Some(demotion) = &mut self.demotion {
            let expected = (demotion.before * ratio).clamp(0.02, 0.95);
            demotion.fallen_to = expected.min(demotion.before - 0.1).max(0.01);
            (demotion.back, demotion.since) = (0.0, now);
            demotion.blamed_on_bucket = true;
            self.counts = Counts::around(expected, 100.0);
        }
    }

    /// The old level is back.
    pub fn restore(&mut self, now: Micros) {
        if let Some(demotion) = self.demotion {
            self.counts = demotion.kept.shrunk_to(self.rules.restored_to);
            self.forget(now);
        }
    }

    /// The clock was set back to `now`: nothing that is remembered lies ahead.
    pub fn set_back(&mut self, now: Micros) {
        (self.used_at, self.judged_from) = (self.used_at.min(now), self.judged_from.min(now));
        if let Some(demotion) = &mut self.demotion {
            demotion.since = demotion.since.min(now);
            demotion.next_probe_at = demotion.next_probe_at.min(now);
        }
    }

    fn forget(&mut self, now: Micros) {
        self.demotion = None;
        (self.fall, self.run) = (0.0, NOTHING);
        self.judged_from = now;
    }
}

/// What one outcome says for the second rate against the first.
pub(super) fn evidence(approved: bool, first: f64, second: f64) -> f64 {
    if approved { (second / first).ln() } else { ((1.0 - second) / (1.0 - first)).ln() }
}

#[cfg(test)]
#[path = "approval_tests.rs"]
mod tests;
