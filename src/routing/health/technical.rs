//! Whether a PSP works at all: a change detector on faults, a detector of silence, and the way back.
//!
//! Closed → open when the evidence of faults passes [`TechnicalRules::trip`], or when it stalls. While it is
//! open, single payments look whether it is well again. A probe that fails costs a payment and one that
//! comes late costs what the others approve less, so the time between two probes is the one at which both
//! cost the same: an outage that has lasted for long will last for long, and who is missed more is looked
//! after more often. Good probes in a row, as many as make it unlikely that the fault merely paused, begin a
//! ramp: each good answer allows one more call at a time, so that it takes as long as the PSP's answers do.
//!
//! Who falls again soon after having been trusted (flapping) is trusted when it was well for longer than it
//! lasted the last time; or at once, when staying away for so long would cost more than its last fall did.
//! [`super::habit`] tells when it should be well again, and when its next fall is due: then few are risked.
//!
//! A first fault does not trip anything and still sends most payments elsewhere until the next answer clears
//! it up: that costs little when it was chance and saves the payments that would have followed.

use super::dice::Dice;
use super::habit::Habit;
use super::latency::{InFlight, Latency};
use super::{Micros, SECOND, scaled};
use absence::Absence;

mod absence;
mod clock;

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
    /// Probes are this far apart at least, and at most unless fewer than `rarely` payments went by.
    pub probe_gap: Micros,
    pub probe_late: Micros,
    pub rarely: f64,
    /// The probability, at most, that a PSP that is still ill answers all probes well.
    pub mistaken: f64,
    /// How many good answers end the ramp.
    pub ramp: f64,
    /// A fall this soon after the last one is flapping.
    pub flap: Micros,
}

impl Default for TechnicalRules {
    fn default() -> Self {
        Self {
            fault: 3.69,
            good: 0.5,
            trip: 10.0,
            stall: 24.0,
            stall_age: 3 * SECOND / 2,
            probe_gap: SECOND / 2,
            probe_late: 10 * SECOND,
            rarely: 60.0,
            mistaken: 0.03,
            ramp: 40.0,
            flap: 150 * SECOND,
        }
    }
}

/// So many probes at a time, however well they go.
const PROBES: f64 = 4.0;
/// So many calls in flight tell soon whether a first fault was chance.
const ENOUGH: usize = 4;
/// So many good probes in a row were no chance, though it was not trusted yet.
const SURELY: f64 = 6.0;
/// So many calls at a time are risked when the next fall is expected.
const RISKED: usize = 2;
/// Of the faults of a fall so many would have been approvals.
const WORTH: f64 = 0.8;

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
    /// One call looks whether it is well again; said by whoever makes that call.
    Probing,
    /// It is trusted again.
    Recovered,
    /// No instance was there to find it failing for long: nobody knows that it does.
    Unwatched,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    Closed,
    /// Trusted since then with as many calls at a time as there were good answers.
    Ramp {
        since: Micros,
        good: f64,
    },
    Open(Absence),
}

/// One PSP account in one direction.
#[derive(Debug, Clone)]
pub(super) struct Technical {
    rules: TechnicalRules,
    evidence: f64,
    state: State,
    in_flight: InFlight,
    latency: Latency,
    /// Faults and answers since there is evidence.
    faults: f64,
    answers: f64,
    /// What the last fall cost: its faults, probes apart.
    fall: f64,
    /// When it was last trusted.
    trusted_at: Micros,
    habit: Habit,
    next_look_at: Micros,
    /// It says nothing, and may have become slow or silent.
    is_quiet: bool,
}

impl Technical {
    pub fn new(rules: TechnicalRules) -> Self {
        Self {
            rules,
            evidence: 0.0,
            state: State::Closed,
            in_flight: InFlight::default(),
            latency: Latency::unknown(),
            faults: 0.0,
            answers: 0.0,
            fall: 0.0,
            trusted_at: Micros::MIN,
            habit: Habit::none(),
            next_look_at: Micros::MIN,
            is_quiet: false,
        }
    }

    pub fn permit(&self, now: Micros) -> Permit {
        match self.state {
            State::Closed | State::Ramp { .. } if 2.0 * self.rules.fault - 1.6 <= self.evidence => {
                Permit::Share(0.05)
            }
            State::Closed | State::Ramp { .. } if self.is_quiet => Permit::Share(0.1),
            State::Closed | State::Ramp { .. } if self.rules.fault - 1.1 <= self.evidence => {
                // What is in flight clears it up, when it is enough; or else somebody has to go.
                let enough = ENOUGH <= self.in_flight.open();
                Permit::Share(if enough { 0.05 } else { 0.35 })
            }
            State::Closed | State::Ramp { .. } if self.is_risky(now) => Permit::Share(0.0),
            State::Ramp { since, good } if good <= self.in_flight.since(since) as f64 => {
                Permit::Share(0.0)
            }
            State::Closed | State::Ramp { .. } => Permit::Yes,
            State::Open(absence)
                if self.in_flight.since(absence.watched) as f64 <= absence.good.min(PROBES)
                    && absence.next_at <= now
                    && absence.is_due(&self.rules, &self.habit, now) =>
            {
                Permit::Probe
            }
            State::Open(_) => Permit::No,
        }
    }

    /// Its next fall is expected, and as much is in flight as should be risked.
    fn is_risky(&self, now: Micros) -> bool {
        self.habit.is_due_to_fall(now) && RISKED <= self.in_flight.since(now - 5 * SECOND)
    }

    /// Whether nothing but time speaks for a probe, and hardly any payment has passed it by: where there is one
    /// payment in a minute or two, each of them would be a probe of it.
    pub fn is_merely_overdue(&self, now: Micros) -> bool {
        match self.state {
            State::Open(absence) => absence.is_merely_overdue(&self.rules, &self.habit, now),
            State::Closed | State::Ramp { .. } => false,
        }
    }

    /// Whether a payment may try it, though it would be lost with its answer.
    pub fn may_risk(&self, now: Micros) -> bool {
        match self.state {
            State::Open(absence) => absence.may_risk(now),
            State::Closed | State::Ramp { .. } => true,
        }
    }

    /// It has answered a question that was put at this moment: whether payments get through, one must show.
    pub const fn answered_a_question(&mut self, sent_at: Micros) {
        if let State::Open(absence) = &mut self.state {
            absence.answers |= absence.watched <= sent_at;
        }
    }

    pub const fn is_open(&self) -> bool {
        matches!(self.state, State::Open(_))
    }

    /// A call goes out. While it is open, that call is a probe.
    pub fn sent(&mut self, call: u64, now: Micros) {
        self.in_flight.sent(call, now);
        if let State::Open(absence) = &mut self.state {
            absence.next_at = now + self.rules.probe_gap;
        }
    }

    /// While it is open a payment went to another PSP, which approves so much less.
    pub fn passed_by(&mut self, lost: f64) {
        if let State::Open(absence) = &mut self.state {
            absence.lost += lost;
            absence.lost_now += lost;
            absence.passed += 1.0;
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
        let State::Open(absence) = &mut self.state else {
            // What was sent before it fell says nothing about a PSP that came back.
            return fault
                .filter(|_| self.trusted_at <= sent_at)
                .and_then(|fault| self.weigh(fault, now, dice));
        };
        let before = sent_at < absence.since;
        let fault = fault?;
        if before || fault {
            self.answers += 1.0;
            self.faults += f64::from(u8::from(fault));
            self.fall += f64::from(u8::from(fault && before));
        }
        // A probe that was given up says nothing by failing, and much by having been slow.
        if before || (fault && sent_at < absence.watched) {
            return None;
        }
        self.probed(sent_at, now, fault, dice)
    }

    fn weigh(&mut self, fault: bool, now: Micros, dice: &mut Dice) -> Option<Turn> {
        let step = if fault { self.rules.fault } else { -self.rules.good };
        self.evidence = (self.evidence + step).max(0.0);
        if self.evidence <= 0.0 {
            (self.faults, self.answers, self.fall) = (0.0, 0.0, 0.0);
        } else {
            self.answers += 1.0;
            self.faults += f64::from(u8::from(fault));
            self.fall = self.faults;
        }
        // Trust that is just coming back, or is expected to end, is lost sooner.
        let is_ramp = matches!(self.state, State::Ramp { .. });
        let hurry = if is_ramp || self.habit.is_due_to_fall(now) { 0.7 } else { 1.0 };
        if let State::Ramp { good, since } = self.state {
            let good = if fault { good } else { good + 1.0 };
            let state = State::Ramp { good, since };
            self.state = if self.rules.ramp <= good { State::Closed } else { state };
        }
        if self.evidence < hurry * self.rules.trip {
            return None;
        }
        self.open(now, dice);
        Some(Turn::Failing)
    }

    /// A probe, or a payment that nobody else could take, came to its end.
    fn probed(
        &mut self,
        sent_at: Micros,
        now: Micros,
        fault: bool,
        dice: &mut Dice,
    ) -> Option<Turn> {
        let State::Open(mut absence) = self.state else { return None };
        if fault {
            if SURELY <= absence.good {
                self.habit.fell(true, now);
            }
            self.state = State::Open(self.look_again(absence, now, dice));
            return None;
        }
        if absence.good <= 0.0 {
            (absence.well_since, absence.lost_now) = (sent_at, 0.0);
            self.habit.came_back(sent_at);
        }
        absence.good += 1.0;
        self.state = State::Open(absence);
        if !self.is_convinced(&absence, now) {
            return None;
        }
        self.trusted_at = sent_at;
        (self.evidence, self.faults, self.answers, self.fall) = (0.0, 0.0, 0.0, 0.0);
        self.state = State::Ramp { since: sent_at, good: absence.good };
        Some(Turn::Recovered)
    }

    /// So many good answers in a row are no chance, and it was well for longer than the last time.
    fn is_convinced(&self, absence: &Absence, now: Micros) -> bool {
        let ill = ((self.faults + 1.0) / (self.answers + 2.0)).clamp(0.3, 0.95);
        let wanted = self.rules.mistaken.ln() / (1.0 - ill).ln();
        let lasted = self.habit.lasted();
        let lasts = lasted + lasted / 4 <= now - absence.well_since;
        let away = (now - absence.since).max(1) as f64;
        // What staying away until it falls again would lose, if it does as it did the last time.
        let worth = absence.lost / away * lasted as f64;
        wanted <= absence.good && (lasts || WORTH * self.fall <= worth)
    }

    /// Looks for silence, at most twenty times a second.
    pub fn look(&mut self, now: Micros, dice: &mut Dice) -> Option<Turn> {
        if now < self.next_look_at {
            return None;
        }
        self.next_look_at = now + SECOND / 20;
        if let State::Open(absence) = self.state {
            let oldest = self.in_flight.oldest_since(absence.watched);
            if oldest.is_some_and(|since| self.latency.patience() < now - since) {
                (self.faults, self.answers) = (self.faults + 1.0, self.answers + 1.0);
                self.state = State::Open(self.look_again(absence, now, dice));
            }
            return None;
        }
        let (stall, age) = (self.rules.stall, self.rules.stall_age);
        let silence = self.in_flight.silence(&self.latency, now, age);
        let was_quiet = std::mem::replace(&mut self.is_quiet, stall <= silence.usual);
        if self.is_quiet && !was_quiet {
            self.latency.doubt();
        }
        if silence.slowed < stall {
            return None;
        }
        self.fall = self.in_flight.since(self.in_flight.newest_answered()) as f64;
        (self.faults, self.answers) = (self.fall, self.fall);
        self.open(now, dice);
        Some(Turn::Silent)
    }

    fn open(&mut self, now: Micros, dice: &mut Dice) {
        let again = now.saturating_sub(self.trusted_at) < self.rules.flap;
        self.habit.fell(again, now);
        let absence = Absence {
            since: now,
            next_at: now,
            late_at: now,
            watched: now,
            lost: 0.0,
            lost_now: 0.0,
            passed: 0.0,
            good: 0.0,
            well_since: now,
            answers: false,
        };
        let mut absence = self.look_again(absence, now, dice);
        absence.next_at = now + 2 * self.rules.probe_gap;
        self.state = State::Open(absence);
        (self.evidence, self.is_quiet) = (0.0, false);
        self.in_flight.forget_before(now);
    }

    /// It was still ill: the next probe is a while off, jittered so that instances do not probe in step.
    fn look_again(&self, absence: Absence, now: Micros, dice: &mut Dice) -> Absence {
        let late_at = now + scaled(self.rules.probe_late, 0.8 + 0.4 * dice.unit());
        let next_at = now + self.rules.probe_gap;
        let fresh = Absence { watched: now, good: 0.0, answers: false, ..absence };
        Absence { lost_now: 0.0, passed: 0.0, next_at, late_at, ..fresh }
    }
}

#[cfg(test)]
#[path = "technical_tests.rs"]
mod tests;
