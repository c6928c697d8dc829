//! The one place where the service reads the time.
//!
//! Flows and workers get a [`Clock`] handed in, and the decisions below them get a
//! [`Timestamp`] as an argument, so that tests, replays and the simulator own the time.

use psp_contract::Timestamp;
use std::fmt;
use std::sync::Mutex;
use std::time::Duration;
use time::OffsetDateTime;

/// Tells what time it is, in UTC.
pub trait Clock: fmt::Debug + Send + Sync {
    fn now(&self) -> Timestamp;
}

/// The machine's clock, in whole microseconds: PostgreSQL keeps no more, and a time that is read
/// back must equal the time that was written.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        whole_micros(OffsetDateTime::now_utc())
    }
}

/// A clock that stands still until it is told to move.
#[derive(Debug)]
pub struct TestClock(Mutex<Timestamp>);

impl TestClock {
    pub fn at(now: Timestamp) -> Self {
        Self(Mutex::new(whole_micros(now)))
    }

    /// Moves to a point in time, which may lie in the past.
    pub fn set(&self, now: Timestamp) {
        *self.lock() = whole_micros(now);
    }

    pub fn advance(&self, by: Duration) {
        let mut now = self.lock();
        *now = whole_micros(*now + by);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Timestamp> {
        // A test that panicked while holding it left a whole timestamp behind.
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        *self.lock()
    }
}

/// How far an instance's clock is from the database's, as far as they were compared.
#[derive(Debug, Default)]
pub struct Drift(Mutex<Option<time::Duration>>);

impl Drift {
    /// Beyond this an instance says that it is not ready.
    pub const MOST: time::Duration = time::Duration::seconds(30);

    /// The clock is so far ahead, or behind where that is negative.
    pub fn found(&self, ahead: time::Duration) {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(ahead);
    }

    /// None: they were not compared yet.
    pub fn ahead(&self) -> Option<time::Duration> {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub fn is_too_much(ahead: time::Duration) -> bool {
        Self::MOST < ahead.abs()
    }

    pub fn is_off(&self) -> bool {
        self.ahead().is_some_and(Self::is_too_much)
    }
}

/// Without what is finer than a microsecond.
pub fn whole_micros(time: OffsetDateTime) -> OffsetDateTime {
    let nanos = time.microsecond() * 1_000;
    // Fewer nanoseconds than a second has are always accepted.
    time.replace_nanosecond(nanos).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn a_test_clock_stands_still_until_it_is_moved() {
        let clock = TestClock::at(datetime!(2026-03-01 12:00:00.123456789 UTC));
        assert_eq!(clock.now(), datetime!(2026-03-01 12:00:00.123456 UTC));
        clock.advance(Duration::from_millis(1));
        assert_eq!(clock.now(), datetime!(2026-03-01 12:00:00.124456 UTC));
        clock.set(datetime!(2025-01-01 0:00 UTC));
        assert_eq!(clock.now(), datetime!(2025-01-01 0:00 UTC));
    }

    #[test]
    fn the_system_clock_tells_whole_microseconds() {
        assert_eq!(SystemClock.now().nanosecond() % 1_000, 0);
    }
}
