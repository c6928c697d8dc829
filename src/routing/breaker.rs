//! A breaker for each PSP account and direction: after some faults of the PSP in a row it opens,
//! and traffic moves on before players notice.
//!
//! Closed → open after [`BreakerConfig::faults_max`] consecutive faults; open → half-open after a
//! wait that doubles with each failed probe; half-open lets one payment at a time through, and its
//! answer closes or opens. Deposits and payouts are told apart: a PSP may be ill in one and well in
//! the other.
//!
//! Only what is the PSP's own doing counts. A wrong code, an empty account or a fraud refusal prove
//! that the PSP is alive.

use crate::domain::{Direction, Timestamp};
use psp_contract::{DeclineClass, NotSent, Outcome, Status, Unknown};
use std::collections::BTreeMap;
use std::time::Duration;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerConfig {
    /// So many faults in a row open it.
    pub faults_max: u32,
    /// How long it stays open the first time.
    pub open_for: Duration,
    /// The wait doubles up to this.
    pub open_for_max: Duration,
    /// A probe that has not answered for so long is given up, and another may go.
    pub probe_for: Duration,
}

impl Default for BreakerConfig {
    fn default() -> Self {
        Self {
            faults_max: 5,
            open_for: Duration::from_secs(5),
            open_for_max: Duration::from_secs(60),
            probe_for: Duration::from_secs(60),
        }
    }
}

/// Whether a payment may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permit {
    Yes,
    /// One may, to see whether the PSP is well again; claim it before sending.
    Probe,
    No,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Closed {
        faults: u32,
    },
    Open {
        until: Timestamp,
        /// How long it was opened for.
        wait: Duration,
    },
    Probing {
        since: Timestamp,
        wait: Duration,
    },
}

/// One PSP account's breaker in one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Breaker {
    config: BreakerConfig,
    state: State,
}

impl Breaker {
    pub const fn new(config: BreakerConfig) -> Self {
        Self { config, state: State::Closed { faults: 0 } }
    }

    /// What may be sent now. Looking claims nothing.
    pub fn permits(&self, now: Timestamp) -> Permit {
        match self.state {
            State::Closed { .. } => Permit::Yes,
            State::Open { until, .. } if until <= now => Permit::Probe,
            State::Open { .. } => Permit::No,
            State::Probing { since, .. } if since + self.config.probe_for <= now => Permit::Probe,
            State::Probing { .. } => Permit::No,
        }
    }

    /// Takes what [`Breaker::permits`] offers: after a probe is claimed nobody else gets one until
    /// it has answered or was given up.
    pub fn claim(&mut self, now: Timestamp) -> Permit {
        let permit = self.permits(now);
        if permit == Permit::Probe {
            let wait = match self.state {
                State::Open { wait, .. } | State::Probing { wait, .. } => wait,
                State::Closed { .. } => self.config.open_for,
            };
            self.state = State::Probing { since: now, wait };
        }
        permit
    }

    /// Learns from one answer, or from one that did not come.
    pub fn observe(&mut self, fault: bool, now: Timestamp) {
        self.state = match (self.state, fault) {
            (State::Closed { faults }, true) if faults + 1 < self.config.faults_max => {
                State::Closed { faults: faults + 1 }
            }
            (State::Closed { .. }, true) => open(now, self.config.open_for),
            (State::Probing { wait, .. }, true) => {
                open(now, wait.saturating_mul(2).min(self.config.open_for_max))
            }
            // Calls from before it opened say nothing new.
            (State::Open { until, wait }, true) => State::Open { until, wait },
            // A late answer to a call from before: reason to look again, none to trust it yet.
            (State::Open { until, wait }, false) if now < until => State::Open { until: now, wait },
            (State::Closed { .. } | State::Open { .. } | State::Probing { .. }, false) => {
                State::Closed { faults: 0 }
            }
        };
    }

    /// Whether payments are kept away from it.
    pub const fn is_open(&self) -> bool {
        !matches!(self.state, State::Closed { .. })
    }
}

fn open(now: Timestamp, wait: Duration) -> State {
    State::Open { until: now + wait, wait }
}

/// The breakers of all PSP accounts, each direction by itself.
#[derive(Debug, Clone, Default)]
pub struct Breakers {
    config: BreakerConfig,
    by_psp: BTreeMap<(String, Direction), Breaker>,
}

impl Breakers {
    pub const fn new(config: BreakerConfig) -> Self {
        Self { config, by_psp: BTreeMap::new() }
    }

    pub fn permits(&self, psp: &str, direction: Direction, now: Timestamp) -> Permit {
        let breaker = self.by_psp.get(&(psp.to_owned(), direction));
        breaker.map_or(Permit::Yes, |breaker| breaker.permits(now))
    }

    pub fn claim(&mut self, psp: &str, direction: Direction, now: Timestamp) -> Permit {
        self.of(psp, direction).claim(now)
    }

    /// Learns from an outcome. Some: the breaker opened (true) or closed (false) by it.
    pub fn observe(
        &mut self,
        psp: &str,
        direction: Direction,
        outcome: &Outcome,
        now: Timestamp,
    ) -> Option<bool> {
        let fault = is_psp_fault(outcome)?;
        let breaker = self.of(psp, direction);
        let before = breaker.is_open();
        breaker.observe(fault, now);
        let after = breaker.is_open();
        (before != after).then_some(after)
    }

    fn of(&mut self, psp: &str, direction: Direction) -> &mut Breaker {
        let fresh = Breaker::new(self.config);
        self.by_psp.entry((psp.to_owned(), direction)).or_insert(fresh)
    }
}

/// Whether an outcome is the PSP's fault (true), proves that it is well (false), or says nothing.
pub const fn is_psp_fault(outcome: &Outcome) -> Option<bool> {
    match outcome {
        Outcome::Reported(report) => match &report.status {
            Status::Declined(decline) => decline_is_fault(decline.class),
            Status::Accepted { .. }
            | Status::Pending
            | Status::AwaitsCompletion
            | Status::Succeeded { .. }
            | Status::Expired
            | Status::Cancelled
            | Status::Returned { .. }
            | Status::Reversed { .. } => Some(false),
        },
        Outcome::NotSent(why) => match why {
            NotSent::Dns
            | NotSent::ConnectRefused
            | NotSent::ConnectTimeout
            | NotSent::Tls
            | NotSent::PreparationFailed
            | NotSent::RefusedStream => Some(true),
            NotSent::BreakerOpen | NotSent::DeadlineBeforeSend | NotSent::NotExpressible => None,
        },
        Outcome::Unknown(why) => match why {
            Unknown::ReadTimeout
            | Unknown::ConnectionLost
            | Unknown::ServerError
            | Unknown::Throttled
            | Unknown::Unreadable
            | Unknown::Mismatch => Some(true),
            Unknown::PspUndecided
            | Unknown::DuplicateReference
            | Unknown::UnlistedCode
            | Unknown::LeaseExpired => None,
        },
        // It looked and answered.
        Outcome::NotFound => Some(false),
    }
}

const fn decline_is_fault(class: DeclineClass) -> Option<bool> {
    match class {
        DeclineClass::PspFault => Some(true),
        // The PSP answered about the payer, and answered well.
        DeclineClass::PlayerFixable
        | DeclineClass::AccountInvalid
        | DeclineClass::Limit
        | DeclineClass::Compliance => Some(false),
        // Ours to mend: no fault of the PSP, and no sign that payments get through.
        DeclineClass::MerchantFunds | DeclineClass::Configuration | DeclineClass::Unsupported => {
            None
        }
    }
}

#[cfg(test)]
#[path = "breaker_tests.rs"]
mod tests;
