//! A clock that runs, and that a test can move.

use interlock::clock::{Clock, SystemClock};
use interlock::domain::Timestamp;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The machine's time plus what the test has added.
#[derive(Debug, Default)]
pub struct MovableClock(Mutex<Duration>);

impl MovableClock {
    /// How much was added so far.
    pub fn ahead(&self) -> Duration {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on it is so much later.
    pub fn advance(&self, by: Duration) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) += by;
    }

    /// From now on it is so much earlier, as on a machine whose clock is behind.
    pub fn set_back(&self, by: Duration) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) -= by;
    }
}

impl Clock for MovableClock {
    fn now(&self) -> Timestamp {
        SystemClock.now() + self.ahead()
    }
}
