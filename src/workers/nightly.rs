//! Once a night: the proof of the books, and idempotency keys that are older than 30 days go.

use super::driver::{LONG_LOOK_MAX, Report, Worker};
use crate::domain::Timestamp;
use crate::evidence::prove_books::prove_books;
use crate::flows::Flows;
use crate::players::forget_keys::forget_keys;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;
use time::Date;

/// The hour, in UTC, in which the night's work is done.
const HOUR: u8 = 3;

#[allow(missing_debug_implementations, reason = "it holds the shared flows")]
pub struct NightlyWorker {
    flows: Flows,
    done_on: Mutex<Option<Date>>,
}

impl NightlyWorker {
    pub const fn new(flows: Flows) -> Self {
        Self { flows, done_on: Mutex::new(None) }
    }

    fn done_on(&self) -> Option<Date> {
        *self.done_on.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the night's work is due: in its hour, once a day.
fn is_due(now: Timestamp, done_on: Option<Date>) -> bool {
    now.hour() == HOUR && done_on != Some(now.date())
}

impl Worker for NightlyWorker {
    fn name(&self) -> &'static str {
        "nightly"
    }

    fn period(&self) -> Duration {
        Duration::from_secs(10 * 60)
    }

    fn look_max(&self) -> Duration {
        LONG_LOOK_MAX
    }

    async fn activate(&self, now: Timestamp) -> anyhow::Result<Report> {
        if !is_due(now, self.done_on()) {
            return Ok(Report::default());
        }
        let proof = prove_books(&self.flows).await?;
        let forgotten = forget_keys(&self.flows).await?;
        *self.done_on.lock().unwrap_or_else(PoisonError::into_inner) = Some(now.date());
        let failed = u64::try_from(proof.findings.len()).unwrap_or(u64::MAX);
        Ok(Report { claimed: 0, done: forgotten, failed })
    }
}

#[cfg(test)]
mod tests {
    use super::is_due;
    use time::macros::{date, datetime};

    #[test]
    fn the_night_comes_once_a_day() {
        let at_night = datetime!(2026-11-20 03:10 UTC);
        assert!(is_due(at_night, None));
        assert!(is_due(at_night, Some(date!(2026 - 11 - 19))));
        assert!(!is_due(at_night, Some(date!(2026 - 11 - 20))));
        assert!(!is_due(datetime!(2026-11-20 04:00 UTC), None));
    }
}
