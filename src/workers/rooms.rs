//! Settles the room that deposits took in files of limits over all operators.

use super::driver::{LONG_LOOK_MAX, Report, Worker};
use crate::domain::Timestamp;
use crate::flows::Flows;
use crate::vendors::people::settle_rooms::settle_rooms;
use std::time::Duration;

#[allow(missing_debug_implementations, reason = "it holds the shared flows")]
pub struct RoomWorker {
    flows: Flows,
}

impl RoomWorker {
    pub const fn new(flows: Flows) -> Self {
        Self { flows }
    }
}

impl Worker for RoomWorker {
    fn name(&self) -> &'static str {
        "rooms"
    }

    fn period(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn look_max(&self) -> Duration {
        LONG_LOOK_MAX
    }

    async fn activate(&self, now: Timestamp) -> anyhow::Result<Report> {
        let settled = settle_rooms(&self.flows, now).await?;
        Ok(Report { claimed: settled.taken, done: settled.done, failed: settled.failed })
    }
}
