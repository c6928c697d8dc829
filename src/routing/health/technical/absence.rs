//! What is known of a PSP that nothing but probes is sent to, and when the next one is due.

use super::TechnicalRules;
use crate::routing::health::habit::Habit;
use crate::routing::health::{Micros, SECOND};

/// However few payments there are, one looks after so long.
const PROBE_LATEST: Micros = 60 * SECOND;
/// So many payments pass by one that is not the first choice before time alone has one of them try it.
const SELDOM: f64 = 10.0;

/// Where a probe that is lost is lost for good, a payment tries again after so many of the pauses that follow a
/// fault (ten seconds each): when the PSP has answered a question since, and when it has not.
const ANSWERING: i64 = 6;
const MUTE: i64 = 30;
/// The longer it has been ill the later, up to so many.
const MUTE_MAX: i64 = 180;

/// What happens while nothing but probes is sent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Absence {
    pub since: Micros,
    /// No probe before this, and one by that time.
    pub next_at: Micros,
    pub late_at: Micros,
    /// Calls that were sent since then are probes; each good one allows one more at a time.
    pub watched: Micros,
    /// What it has cost that others were asked: altogether, and since the last probe that failed.
    pub lost: f64,
    pub lost_now: f64,
    /// Payments that went to others since then.
    pub passed: f64,
    /// Good probes in a row, and when the first of them was sent.
    pub good: f64,
    pub well_since: Micros,
    /// It has answered a question since the last probe that failed.
    pub answers: bool,
}

impl Absence {
    /// The costs of looking too often and too rarely are equal at √(2 · a probe · all that was lost).
    fn is_worth(&self, rules: &TechnicalRules, habit: &Habit, now: Micros) -> bool {
        let missed = habit.probes_apart(now) * (2.0 * (1.0 + self.lost)).sqrt() <= self.lost_now;
        let late = self.late_at <= now && rules.rarely <= self.passed;
        0.0 < self.good || missed || late
    }

    pub fn is_due(&self, rules: &TechnicalRules, habit: &Habit, now: Micros) -> bool {
        self.is_worth(rules, habit, now) || self.late_at + PROBE_LATEST <= now
    }

    /// Whether nothing but time speaks for a probe, and hardly any payment has passed it by.
    pub fn is_merely_overdue(&self, rules: &TechnicalRules, habit: &Habit, now: Micros) -> bool {
        self.passed < SELDOM && !self.is_worth(rules, habit, now)
    }

    /// Whether a payment may try it whose answer, if it is lost, would leave it hanging.
    pub fn may_risk(&self, now: Micros) -> bool {
        // Jittered, as the pause itself is.
        let pause = (self.late_at - self.watched).max(0);
        let ill_for = (self.watched - self.since) / (40 * SECOND);
        let pauses = if self.answers { ANSWERING } else { ill_for.clamp(MUTE, MUTE_MAX) };
        0.0 < self.good || self.watched + pauses * pause <= now
    }
}
