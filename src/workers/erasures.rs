//! Takes out the personal data of players whom two people decided to erase.

use super::driver::{HEAVY_LOOK_MAX, Report, Worker};
use crate::domain::Timestamp;
use crate::flows::Flows;
use crate::reviews::erase_players::erase_players;
use anyhow::Context;
use std::time::Duration;

/// A decided erasure rings; this is for one that a stop left behind.
const PERIOD: Duration = Duration::from_secs(60);

#[allow(missing_debug_implementations, reason = "it holds the shared flows")]
pub struct ErasureWorker {
    pub flows: Flows,
}

impl Worker for ErasureWorker {
    fn name(&self) -> &'static str {
        "erasures"
    }

    fn period(&self) -> Duration {
        PERIOD
    }

    fn look_max(&self) -> Duration {
        HEAVY_LOOK_MAX
    }

    async fn activate(&self, now: Timestamp) -> anyhow::Result<Report> {
        let done = erase_players(&self.flows, now).await.context("erasing personal data")?;
        Ok(Report { claimed: done, done, failed: 0 })
    }
}
