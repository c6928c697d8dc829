//! Matches names anew: of players whose record changed, and of all when a list did.

use super::driver::{LONG_LOOK_MAX, Report, Worker};
use crate::domain::Timestamp;
use crate::flows::Flows;
use crate::vendors::people::sweep_names::sweep_names;
use std::time::Duration;

#[allow(missing_debug_implementations, reason = "it holds the shared flows")]
pub struct NameWorker {
    flows: Flows,
}

impl NameWorker {
    pub const fn new(flows: Flows) -> Self {
        Self { flows }
    }
}

impl Worker for NameWorker {
    fn name(&self) -> &'static str {
        "names"
    }

    fn period(&self) -> Duration {
        Duration::from_secs(60)
    }

    /// Two pages a second at most: a walk over many players must not be what makes a matcher slow for
    /// those who pay now.
    fn rest(&self) -> Duration {
        Duration::from_millis(500)
    }

    fn look_max(&self) -> Duration {
        LONG_LOOK_MAX
    }

    async fn activate(&self, now: Timestamp) -> anyhow::Result<Report> {
        let swept = sweep_names(&self.flows, now).await?;
        Ok(Report {
            claimed: swept.screened + swept.failed,
            done: swept.screened,
            failed: swept.failed,
        })
    }
}
