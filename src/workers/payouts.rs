//! Looks for approved withdrawals and has each sent in a task of its own.
//!
//! Each PSP has its share of the room: payouts that only a silent PSP can make, each waiting until the
//! deadline of a call, keep nobody else's from being sent.

use super::driver::{Report, Worker};
use super::running::{Room, Running, Start};
use super::setbacks::{Named, Setbacks};
use crate::domain::Timestamp;
use crate::flows::Flows;
use crate::payments::send_payout::send_payout;
use crate::store::due::{self, DuePayout};
use std::time::{Duration, Instant};

/// Payouts that one instance sends at once.
const AT_ONCE: usize = 256;
/// Of these, to one PSP.
const AT_ONE_PSP: usize = 64;

#[allow(missing_debug_implementations, reason = "it holds the shared flows")]
pub struct PayoutWorker {
    flows: Flows,
    running: Running,
    setbacks: Setbacks,
}

impl PayoutWorker {
    pub fn new(flows: Flows) -> Self {
        let bell = flows.nudges.payouts.clone();
        let running = Running::shared_out(flows.tasks.clone(), AT_ONCE, AT_ONE_PSP, bell);
        Self { flows, running, setbacks: Setbacks::default() }
    }

    fn start(&self, row: DuePayout) -> Start {
        let (flows, setbacks) = (self.flows.clone(), self.setbacks.clone());
        self.running.start_at(row.payment, row.psps, async move {
            let of = Named { row: row.payment, what: "the sending", payment: row.payment };
            setbacks.watch(&flows, of, send_payout(&flows, &row.player, row.payment)).await
        })
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
        let pool = self.flows.db.pool();
        let find = |room: Room| async move {
            let left_out = [room.running, self.setbacks.resting(Instant::now())].concat();
            due::payouts(pool, now, &left_out, &room.full, room.most).await
        };
        let claimed = self.running.fill(find, |row| self.start(row)).await?;
        Ok(Report { claimed, ..Report::default() })
    }
}
