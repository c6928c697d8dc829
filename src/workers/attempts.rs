//! Looks for attempts whose time has come and has each resolved in a task of its own.

use super::driver::{Report, Worker};
use super::running::Running;
use crate::domain::Timestamp;
use crate::flows::Flows;
use crate::payments::resolve_unknown::resolve_unknown;
use crate::store::due;
use std::time::Duration;

/// Attempts that one instance resolves at once.
const AT_ONCE: usize = 64;

#[allow(missing_debug_implementations, reason = "it holds the shared flows")]
pub struct AttemptWorker {
    flows: Flows,
    running: Running,
}

impl AttemptWorker {
    pub fn new(flows: Flows) -> Self {
        let running = Running::new(flows.tasks.clone(), AT_ONCE, flows.nudges.attempts.clone());
        Self { flows, running }
    }
}

impl Worker for AttemptWorker {
    fn name(&self) -> &'static str {
        "attempts"
    }

    fn period(&self) -> Duration {
        Duration::from_millis(500)
    }

    async fn activate(&self, now: Timestamp) -> anyhow::Result<Report> {
        let room = self.running.room();
        let due = due::attempts(self.flows.db.pool(), now, &room.running, room.most).await?;
        self.running.found(&room, due.len());
        let mut report = Report::default();
        for row in due {
            let flows = self.flows.clone();
            let started = self.running.start(row.attempt.0, async move {
                let done = resolve_unknown(&flows, &row.player, row.payment, row.attempt).await;
                done.inspect_err(|error| {
                    tracing::warn!(attempt.id = %row.attempt, %error, "will be looked at again");
                })
                .is_ok()
            });
            report.claimed += u64::from(started);
        }
        Ok(report)
    }
}
