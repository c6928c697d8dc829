//! Whether a PSP that falls again and again does so by the clock.
//!
//! Who fell, came back and fell again is likely to do as it did the last time: to be ill for as long, and to
//! be well for as long. Some do so to the second, because a balancer, a health check or a restart with a
//! fixed period stands behind it. When the last two turns agree, the next fall is expected, and around that
//! moment few calls are risked at a time: a fall costs what is in flight when the first fault comes back.
//! One turn that is different ends the expectation.

use super::{Micros, SECOND, scaled};

/// Two turns agree when they differ by no more than this share of them.
const AGREES: f64 = 0.06;
/// What lasted for less is no turn but a mistake about a fault that goes on.
const TURN_MIN: Micros = 6 * SECOND;
/// The next one is expected from so much before its moment, and until so much after it: a fall is told by
/// an answer, so it is late rather than early.
const EARLY: f64 = 0.025;
const LATE: f64 = 0.05;
/// It is looked for in earnest from this share of its last outage on.
const OUTAGE: f64 = 0.9;
/// So much closer together are its probes from then on, and so much further apart before.
const EAGER: f64 = 0.25;
const SHY: f64 = 3.0;

/// The turns of one PSP.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Habit {
    /// When it last fell, and when it had last come back.
    fell_at: Micros,
    back_at: Micros,
    /// How long it was ill, and well, the last time; nothing while it does not flap.
    outage: Micros,
    lasted: Micros,
    /// From fall to fall, and whether the last two turns agreed.
    turn: Micros,
    is_steady: bool,
}

impl Habit {
    pub const fn none() -> Self {
        let never = Micros::MIN;
        Self { fell_at: never, back_at: never, outage: 0, lasted: 0, turn: 0, is_steady: false }
    }

    /// It fell. `again`: soon after it had been trusted.
    pub fn fell(&mut self, again: bool, now: Micros) {
        if !again {
            *self = Self { fell_at: now, ..Self::none() };
            return;
        }
        let turn = now.saturating_sub(self.fell_at);
        let apart = turn.saturating_sub(self.turn).saturating_abs();
        self.is_steady = TURN_MIN <= self.turn && apart <= scaled(turn, AGREES);
        (self.turn, self.fell_at) = (turn, now);
        self.lasted = now.saturating_sub(self.back_at);
    }

    /// It answered a probe well that was sent at this moment.
    pub fn came_back(&mut self, sent_at: Micros) {
        self.outage = sent_at.saturating_sub(self.fell_at);
        self.back_at = sent_at;
    }

    /// The clock was set back to `now`.
    pub fn set_back(&mut self, now: Micros) {
        (self.fell_at, self.back_at) = (self.fell_at.min(now), self.back_at.min(now));
    }

    /// How long it was well before it fell again.
    pub const fn lasted(&self) -> Micros {
        self.lasted
    }

    /// How many times further apart than usual its probes should be: it is well again, if it does as it did
    /// the last time, or is not yet.
    pub fn probes_apart(&self, now: Micros) -> f64 {
        if self.lasted < TURN_MIN || self.outage < TURN_MIN {
            return 1.0;
        }
        let back_at = self.fell_at.saturating_add(scaled(self.outage, OUTAGE));
        if back_at <= now { EAGER } else { SHY }
    }

    /// Whether the next fall is expected at about this moment.
    pub fn is_due_to_fall(&self, now: Micros) -> bool {
        let off = now.saturating_sub(self.fell_at.saturating_add(self.turn));
        let around = -scaled(self.turn, EARLY)..=scaled(self.turn, LATE);
        self.is_steady && around.contains(&off)
    }
}
