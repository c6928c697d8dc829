//! Looks for withdrawals whose market wants them paid by a time that is near or over.

use super::driver::{Report, Worker};
use crate::domain::Timestamp;
use crate::flows::Flows;
use crate::payments::watch_deadlines::watch_deadlines;
use anyhow::Context;
use std::time::Duration;

#[allow(missing_debug_implementations, reason = "it holds the shared flows")]
pub struct DeadlineWorker {
    flows: Flows,
}

impl DeadlineWorker {
    pub const fn new(flows: Flows) -> Self {
        Self { flows }
    }
}

impl Worker for DeadlineWorker {
    fn name(&self) -> &'static str {
        "deadlines"
    }

    /// A deadline is counted in minutes: seconds after it are soon enough to be told.
    fn period(&self) -> Duration {
        Duration::from_secs(2)
    }

    async fn activate(&self, now: Timestamp) -> anyhow::Result<Report> {
        let watched = watch_deadlines(&self.flows, now).await;
        let watched = watched.context("looking at withdrawals that are due")?;
        let done = watched.struck_off + watched.looked_at;
        Ok(Report { claimed: done + watched.failed, done, failed: watched.failed })
    }
}
