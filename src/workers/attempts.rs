//! Looks for attempts whose time has come and has each resolved in a task of its own.
//!
//! Each PSP has its share of the room: many unknown attempts at one that does not answer, each asked
//! about until the deadline of a call, keep nobody else's from being resolved.

use super::driver::{Report, Worker};
use super::running::{Room, Running, Start};
use crate::domain::Timestamp;
use crate::flows::Flows;
use crate::payments::resolve_unknown::resolve_unknown;
use crate::store::due::{self, DueAttempt};
use std::time::Duration;

/// Attempts that one instance resolves at once.
const AT_ONCE: usize = 256;
/// Of these, at one PSP.
const AT_ONE_PSP: usize = 64;

#[allow(missing_debug_implementations, reason = "it holds the shared flows")]
pub struct AttemptWorker {
    flows: Flows,
    running: Running,
}

impl AttemptWorker {
    pub fn new(flows: Flows) -> Self {
        let bell = flows.nudges.attempts.clone();
        let running = Running::shared_out(flows.tasks.clone(), AT_ONCE, AT_ONE_PSP, bell);
        Self { flows, running }
    }

    fn start(&self, row: DueAttempt) -> Start {
        let flows = self.flows.clone();
        self.running.start_at(row.attempt.0, vec![row.psp], async move {
            let done = resolve_unknown(&flows, &row.player, row.payment, row.attempt).await;
            done.inspect_err(|error| {
                tracing::warn!(attempt.id = %row.attempt, %error, "will be looked at again");
            })
            .is_ok()
        })
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
        let pool = self.flows.db.pool();
        let find = |room: Room| async move {
            due::attempts(pool, now, &room.running, &room.full, room.most).await
        };
        let claimed = self.running.fill(find, |row| self.start(row)).await?;
        Ok(Report { claimed, ..Report::default() })
    }
}
