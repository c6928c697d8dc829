//! Looks for stored webhooks that were not applied right when they came.

use super::driver::{Report, Worker};
use crate::domain::Timestamp;
use crate::flows::Flows;
use crate::webhooks::process::process_due;
use std::time::Duration;

const BATCH: i64 = 100;

#[allow(missing_debug_implementations, reason = "it holds the shared flows")]
pub struct InboxWorker {
    flows: Flows,
}

impl InboxWorker {
    pub const fn new(flows: Flows) -> Self {
        Self { flows }
    }
}

impl Worker for InboxWorker {
    fn name(&self) -> &'static str {
        "inbox"
    }

    fn period(&self) -> Duration {
        Duration::from_secs(1)
    }

    async fn activate(&self, now: Timestamp) -> anyhow::Result<Report> {
        let done = process_due(&self.flows, now, BATCH).await?;
        let done = u64::try_from(done).unwrap_or(0);
        Ok(Report { claimed: done, done, failed: 0 })
    }
}
