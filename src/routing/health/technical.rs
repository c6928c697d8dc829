//! Whether a PSP works at all: a change detector on faults, a detector of silence, and the way back.
//!
//! Closed → open when the evidence of faults passes [`TechnicalRules::trip`], or when it stalls; open →
//! probing after a wait that doubles up to [`TechnicalRules::open_max`]; probing lets one call at a time
//! through; enough good ones begin a ramp in which its share of payments grows back to all. A first fault
//! does not trip anything and still sends most payments elsewhere until the next answer clears it up: that
//! costs little when it was chance and saves the payments that would have followed when it was not.
//!
//! Who falls again soon after having been trusted is trusted later each time (flapping).

use super::dice::Dice;
use super::latency::{InFlight, Latency};
use super::{Micros, SECOND, scaled};

/// The rules' numbers; evidence is in units of the logarithm of a likelihood ratio: a healthy PSP fails one
/// call in a hundred, an ill one two in five.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TechnicalRules {
    /// What a fault adds, and what a good answer takes away.
    pub fault: f64,
    pub good: f64,
    /// Evidence that trips.
    pub trip: f64,
    /// Surprise (see [`super::latency`]) that is a stall, and how old three of its calls must be.
    pub stall: f64,
    pub stall_age: Micros,
    /// How long it stays open at first and at most.
    pub open: Micros,
    pub open_max: Micros,
    /// Probes are this far apart.
    pub probe_gap: Micros,
    /// How many good probes in a row begin the ramp.
    pub probes: f64,
    pub ramp: Micros,
    /// A fall this soon after the last one is flapping.
    pub flap: Micros,
    pub flap_open_max: Micros,
}

impl Default for TechnicalRules {
    fn default() -> Self {
        Self {
            fault: 3.69,
            good: 0.5,
            trip: 10.0,
            stall: 24.0,
            stall_age: 3 * SECOND / 2,
            open: 2 * SECOND,
            open_max: 8 * SECOND,
            probe_gap: SECOND / 2,
            probes: 5.0,
            ramp: 5 * SECOND,
            flap: 150 * SECOND,
            flap_open_max: 45 * SECOND,
        }
    }
}

/// What may be sent now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Permit {
    Yes,
    /// This share of payments may go there.
    Share(f64),
    /// One may, to see whether it is well again.
    Probe,
    No,
}

/// A change that people and metrics hear of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Faults tripped it.
    Failing,
    /// It stopped answering.
    Silent,
    /// It is trusted again.
    Recovered,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    Closed,
    Ramp { since: Micros },
    Open { until: Micros, wait: Micros },
    Probing { wait: Micros, good: f64, probe: Option<(u64, Micros)>, next_at: Micros },
}

/// One PSP account in one direction.
#[derive(Debug, Clone)]
pub(super) struct Technical {
    rules: TechnicalRules,
    evidence: f64,
    state: State,
    in_flight: InFlight,
    latency: Latency,
    opened_at: Micros,
    /// How many times it fell again soon.
    flaps: f64,
    next_look_at: Micros,
}

impl Technical {
    pub fn new(rules: TechnicalRules) -> Self {
        Self {
            rules,
            evidence: 0.0,
            state: State::Closed,
            in_flight: InFlight::default(),
            latency: Latency::unknown(),
            opened_at: Micros::MIN,
            flaps: 0.0,
            next_look_at: Micros::MIN,
        }
    }

    pub fn permit(&self, now: Micros) -> Permit {
        match self.state {
            State::Closed if 2.0 * self.rules.fault - 1.6 <= self.evidence => Permit::Share(0.05),
            State::Closed if self.rules.fault - 1.6 <= self.evidence => Permit::Share(0.35),
            State::Closed => Permit::Yes,
            State::Ramp { since } => {
                let done = (now - since) as f64 / self.rules.ramp as f64;
                if done < 1.0 { Permit::Share(0.1 + 0.9 * done.max(0.0)) } else { Permit::Yes }
            }
            State::Open { until, .. } if now < until => Permit::No,
            State::Probing { probe: None, next_at, .. } if next_at <= now => Permit::Probe,
            State::Probing { .. } => Permit::No,
            State::Open { .. } => Permit::Probe,
        }
    }

    pub const fn is_open(&self) -> bool {
        matches!(self.state, State::Open { .. } | State::Probing { .. })
    }

    /// A call goes out. While it is not closed, that call is the probe.
    pub fn sent(&mut self, call: u64, now: Micros) {
        self.in_flight.sent(call, now);
        let probe = Some((call, now));
        match self.state {
            State::Open { until, wait } if until <= now => {
                self.state = State::Probing { wait, good: 0.0, probe, next_at: now };
            }
            State::Probing { wait, good, probe: None, next_at } if next_at <= now => {
                self.state = State::Probing { wait, good, probe, next_at };
            }
            _ => {}
        }
    }

    /// A call was answered, or is known to be lost. `fault` says whether that was the PSP's doing; none
    /// when it says nothing about the PSP.
    pub fn answered(
        &mut self,
        (call, sent_at): (u64, Micros),
        now: Micros,
        fault: Option<bool>,
        dice: &mut Dice,
    ) -> Option<Turn> {
        self.in_flight.answered(call, sent_at, fault == Some(false));
        if fault == Some(false) {
            self.latency.learn(now - sent_at);
        }
        match (self.state, fault) {
            (State::Closed | State::Ramp { .. }, Some(fault)) if self.opened_at <= sent_at => {
                self.weigh(fault, now, dice)
            }
            (State::Probing { wait, good, probe: Some((probe, _)), .. }, fault)
                if probe == call =>
            {
                self.probed(wait, good, sent_at, now, fault, dice)
            }
            _ => None,
        }
    }

    fn weigh(&mut self, fault: bool, now: Micros, dice: &mut Dice) -> Option<Turn> {
        let step = if fault { self.rules.fault } else { -self.rules.good };
        self.evidence = (self.evidence + step).max(0.0);
        // Trust that is just coming back is lost sooner.
        let ramping = matches!(self.state, State::Ramp { since } if now - since < self.rules.ramp);
        let trip = if ramping { 0.7 * self.rules.trip } else { self.rules.trip };
        if self.evidence < trip {
            return None;
        }
        self.open(now, dice);
        Some(Turn::Failing)
    }

    fn probed(
        &mut self,
        wait: Micros,
        good: f64,
        sent_at: Micros,
        now: Micros,
        fault: Option<bool>,
        dice: &mut Dice,
    ) -> Option<Turn> {
        let good = match fault {
            Some(true) => {
                self.reopen(now, wait, dice);
                return None;
            }
            Some(false) => good + 1.0,
            None => good,
        };
        // Each time it fell again, more of them are asked for.
        if self.rules.probes * (1.0 + self.flaps) <= good {
            (self.state, self.evidence) = (State::Ramp { since: now }, 0.0);
            return Some(Turn::Recovered);
        }
        let next_at = (sent_at + self.rules.probe_gap).max(now);
        self.state = State::Probing { wait, good, probe: None, next_at };
        None
    }

    /// Looks for silence, at most twenty times a second.
    pub fn look(&mut self, now: Micros, dice: &mut Dice) -> Option<Turn> {
        if now < self.next_look_at {
            return None;
        }
        self.next_look_at = now + SECOND / 20;
        match self.state {
            State::Probing { wait, probe: Some((_, since)), .. }
                if self.latency.patience() < now - since =>
            {
                self.latency.doubt(true);
                self.reopen(now, wait, dice);
                None
            }
            State::Closed | State::Ramp { .. }
                if self.in_flight.is_stalled(
                    &self.latency,
                    now,
                    self.rules.stall,
                    self.rules.stall_age,
                ) =>
            {
                self.latency.doubt(false);
                self.open(now, dice);
                Some(Turn::Silent)
            }
            _ => None,
        }
    }

    fn open(&mut self, now: Micros, dice: &mut Dice) {
        let again = now.saturating_sub(self.opened_at) < self.rules.flap;
        self.flaps = if again { (self.flaps + 1.0).min(4.0) } else { 0.0 };
        let wait = scaled(self.rules.open, 4_f64.powf(self.flaps)).min(self.rules.flap_open_max);
        self.wait_for(now, wait, dice);
    }

    fn reopen(&mut self, now: Micros, wait: Micros, dice: &mut Dice) {
        // A flapping one keeps its longer wait.
        let longest = self.rules.open_max.max(if self.flaps > 0.0 { wait } else { 0 });
        self.wait_for(now, (2 * wait).min(longest), dice);
    }

    fn wait_for(&mut self, now: Micros, wait: Micros, dice: &mut Dice) {
        // Jittered, so that instances do not probe in step.
        let until = now + scaled(wait, 0.8 + 0.4 * dice.unit());
        self.state = State::Open { until, wait };
        self.opened_at = now;
        self.evidence = 0.0;
        self.in_flight.forget_before(now);
    }
}
