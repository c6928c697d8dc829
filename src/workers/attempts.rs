//! Looks for attempts whose time has come and has each resolved in a task of its own.
//!
//! Each PSP has its share of the room: many unknown attempts at one that does not answer, each asked
//! about until the deadline of a call, keep nobody else's from being resolved.

use super::driver::{Report, Worker};
use super::running::{Room, Running, Start};
use super::setbacks::{Named, Setbacks};
use crate::domain::Timestamp;
use crate::flows::Flows;
use crate::payments::resolve_unknown::resolve_unknown;
use crate::store::due::{self, DueAttempt};
use std::time::{Duration, Instant};

/// Attempts that one instance resolves at once.
const AT_ONCE: usize = 256;
/// Of these, at one PSP.
const AT_ONE_PSP: usize = 64;

#[allow(missing_debug_implementations, reason = "it holds the shared flows")]
pub struct AttemptWorker {
    flows: Flows,
    running: Running,
    setbacks: Setbacks,
}

impl AttemptWorker {
    pub fn new(flows: Flows) -> Self {
        let bell = flows.nudges.attempts.clone();
        let running = Running::shared_out(flows.tasks.clone(), AT_ONCE, AT_ONE_PSP, bell);
        Self { flows, running, setbacks: Setbacks::default() }
    }

    fn start(&self, row: DueAttempt) -> Start {
        let (flows, setbacks) = (self.flows.clone(), self.setbacks.clone());
        self.running.start_at(row.attempt.0, vec![row.psp], async move {
            let of = Named { row: row.attempt.0, what: "an attempt", payment: row.payment };
            let work = resolve_unknown(&flows, &row.player, row.payment, row.attempt);
            setbacks.watch(&flows, of, work).await
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
            let left_out = [room.running, self.setbacks.resting(Instant::now())].concat();
            due::attempts(pool, now, &left_out, &room.full, room.most).await
        };
        let claimed = self.running.fill(find, |row| self.start(row)).await?;
        Ok(Report { claimed, ..Report::default() })
    }
}
