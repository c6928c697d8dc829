//! Looks for approved withdrawals and has each sent in a task of its own.

use super::driver::{Report, Worker};
use super::running::Running;
use crate::domain::Timestamp;
use crate::flows::Flows;
use crate::payments::send_payout::send_payout;
use crate::store::due;
use std::time::Duration;

/// Payouts that one instance sends at once.
const AT_ONCE: usize = 64;

#[allow(missing_debug_implementations, reason = "it holds the shared flows")]
pub struct PayoutWorker {
    flows: Flows,
    running: Running,
}

impl PayoutWorker {
    pub fn new(flows: Flows) -> Self {
        let running = Running::new(flows.tasks.clone(), AT_ONCE, flows.nudges.payouts.clone());
        Self { flows, running }
    }
}

impl Worker for PayoutWorker {
    fn name(&self) -> &'static str {
        "payouts"
    }

    fn period(&self) -> Duration {
        Duration::from_millis(500)
    }

    async fn activate(&self, now: Timestamp) -> anyhow::Result<Report> {
        let room = self.running.room();
        let due = due::payouts(self.flows.db.pool(), now, &room.running, room.most).await?;
        self.running.found(&room, due.len());
        let mut report = Report::default();
        for (player, payment) in due {
            let flows = self.flows.clone();
            let started = self.running.start(payment, async move {
                let sent = send_payout(&flows, &player, payment).await;
                sent.inspect_err(|error| {
                    tracing::warn!(payment.id = %payment, %error, "will be looked at again");
                })
                .is_ok()
            });
            report.claimed += u64::from(started);
        }
        Ok(report)
    }
}
