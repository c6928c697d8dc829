//! Looks for stored webhooks that were not applied right when they came, and has each applied in a task
//! of its own.
//!
//! Each PSP has its share of the room: some have to be asked before their word counts, and many events
//! of one that does not answer, each waiting until the deadline of a call, hold up nobody else's.

use super::driver::{Report, Worker};
use super::running::{Room, Running, Start};
use crate::domain::Timestamp;
use crate::flows::Flows;
use crate::store::inbox::{self, DueEvent};
use crate::webhooks::process_again::process_again;
use std::time::Duration;

/// Events that one instance applies at once.
const AT_ONCE: usize = 64;
/// Of these, of one PSP.
const AT_ONE_PSP: usize = 16;

#[allow(missing_debug_implementations, reason = "it holds the shared flows")]
pub struct InboxWorker {
    flows: Flows,
    running: Running,
}

impl InboxWorker {
    pub fn new(flows: Flows) -> Self {
        let bell = flows.nudges.inbox.clone();
        let running = Running::shared_out(flows.tasks.clone(), AT_ONCE, AT_ONE_PSP, bell);
        Self { flows, running }
    }

    fn start(&self, row: DueEvent) -> Start {
        let flows = self.flows.clone();
        self.running.start_at(row.id.0, vec![row.psp.clone()], async move {
            let done = process_again(&flows, &row).await;
            done.inspect_err(|error| {
                tracing::warn!(event.id = row.event_id, %error, "will be looked at again");
            })
            .unwrap_or(false)
        })
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
        let pool = self.flows.db.pool();
        let find = |room: Room| async move {
            inbox::due(pool, now, &room.running, &room.full, room.most).await
        };
        let claimed = self.running.fill(find, |row| self.start(row)).await?;
        Ok(Report { claimed, ..Report::default() })
    }
}
