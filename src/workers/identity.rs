//! Asks vendors of identity about the messages that were not followed to their end.

use super::driver::{LONG_LOOK_MAX, Report, Worker};
use crate::domain::Timestamp;
use crate::flows::Flows;
use crate::vendors::identity::sweep::sweep;
use std::time::Duration;

#[allow(missing_debug_implementations, reason = "it holds the shared flows")]
pub struct IdentityWorker {
    flows: Flows,
}

impl IdentityWorker {
    pub const fn new(flows: Flows) -> Self {
        Self { flows }
    }
}

impl Worker for IdentityWorker {
    fn name(&self) -> &'static str {
        "identity"
    }

    fn period(&self) -> Duration {
        Duration::from_secs(5)
    }

    fn look_max(&self) -> Duration {
        LONG_LOOK_MAX
    }

    async fn activate(&self, now: Timestamp) -> anyhow::Result<Report> {
        let swept = sweep(&self.flows, now).await?;
        Ok(Report {
            claimed: swept.closed + swept.open + swept.failed,
            done: swept.closed,
            failed: swept.failed,
        })
    }
}
