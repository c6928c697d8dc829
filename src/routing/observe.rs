//! The breakers of this instance: asked before a call, told after it.

use super::breaker::{Breakers, Permit};
use crate::domain::{Direction, Timestamp};
use psp_contract::Outcome;
use std::sync::{Mutex, PoisonError};

/// The breakers behind a lock that is held for nanoseconds and never across an await.
#[derive(Debug)]
pub struct PspHealth {
    breakers: Mutex<Breakers>,
}

impl PspHealth {
    pub const fn new(breakers: Breakers) -> Self {
        Self { breakers: Mutex::new(breakers) }
    }

    fn with<T>(&self, act: impl FnOnce(&mut Breakers) -> T) -> T {
        act(&mut self.breakers.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What the plan may know of a PSP.
    pub fn permits(&self, psp: &str, direction: Direction, now: Timestamp) -> Permit {
        self.with(|breakers| breakers.permits(psp, direction, now))
    }

    /// Whether a call may be made now; in a half-open breaker this takes the probe's place.
    pub fn claim(&self, psp: &str, direction: Direction, now: Timestamp) -> Permit {
        self.with(|breakers| breakers.claim(psp, direction, now))
    }

    /// What came of a call. Only the PSP's own faults count.
    pub fn observe(&self, psp: &str, direction: Direction, outcome: &Outcome, now: Timestamp) {
        let changed = self.with(|breakers| breakers.observe(psp, direction, outcome, now));
        if let Some(opened) = changed {
            let state = if opened { "open" } else { "closed" };
            tracing::warn!(psp.id = psp, %direction, state, "a breaker changed");
            metrics::counter!("psp_breaker_changes_total", "psp" => psp.to_owned(),
                "direction" => direction.as_str(), "state" => state)
            .increment(1);
        }
    }
}
