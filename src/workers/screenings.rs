//! Looks for payments that wait for vendors, and has each asked about in a task of its own.

use super::driver::{Report, Worker};
use super::running::Running;
use crate::domain::Timestamp;
use crate::flows::Flows;
use crate::store::vendor_checks;
use crate::unreadable::raise_unreadable;
use crate::vendors::ask_vendors::ask_vendors;
use std::time::Duration;

/// Payments that one instance asks about at once.
const AT_ONCE: usize = 32;
/// How long nobody else takes a check: longer than all its vendors may take.
const LEASE: Duration = Duration::from_secs(60);

#[allow(missing_debug_implementations, reason = "it holds the shared flows")]
pub struct ScreeningWorker {
    flows: Flows,
    running: Running,
}

impl ScreeningWorker {
    pub fn new(flows: Flows) -> Self {
        let running = Running::new(flows.tasks.clone(), AT_ONCE, flows.nudges.screenings.clone());
        Self { flows, running }
    }
}

impl Worker for ScreeningWorker {
    fn name(&self) -> &'static str {
        "screenings"
    }

    fn period(&self) -> Duration {
        Duration::from_millis(500)
    }

    async fn activate(&self, now: Timestamp) -> anyhow::Result<Report> {
        let room = self.running.room();
        let (pool, lease) = (self.flows.db.pool(), (now, now + LEASE));
        let claimed = vendor_checks::claim(pool, lease, &room.running, room.most).await?;
        self.running.found(room.most, claimed.taken());
        let mut report = Report::default();
        for check in claimed.rows {
            let flows = self.flows.clone();
            let started = self.running.start(check.payment, async move {
                let asked = ask_vendors(&flows, &check).await;
                asked
                    .inspect_err(|error| {
                        tracing::warn!(payment.id = %check.payment, %error, "will be looked at again");
                    })
                    .is_ok()
            });
            report.claimed += u64::from(started);
        }
        // After the others have begun: what cannot be told now is told at the next look at it.
        raise_unreadable(&self.flows, &claimed.unreadable, now).await?;
        Ok(report)
    }
}
