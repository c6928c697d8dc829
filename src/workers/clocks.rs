//! Compares this instance's clock with the database's: deadlines, leases and limits are decided by it, and another
//! instance decides by its own.

use super::driver::{Report, Worker};
use crate::clock::Drift;
use crate::domain::Timestamp;
use crate::flows::Flows;
use crate::store::heartbeats;
use anyhow::Context;
use std::time::Duration;

const PERIOD: Duration = Duration::from_secs(5);
/// An answer that took longer says too little about when it was given.
const PROMPT: time::Duration = time::Duration::seconds(2);

#[allow(missing_debug_implementations, reason = "it holds the shared flows")]
pub struct ClockWorker {
    flows: Flows,
}

impl ClockWorker {
    pub const fn new(flows: Flows) -> Self {
        Self { flows }
    }
}

impl Worker for ClockWorker {
    fn name(&self) -> &'static str {
        "clock"
    }

    fn period(&self) -> Duration {
        PERIOD
    }

    async fn activate(&self, _: Timestamp) -> anyhow::Result<Report> {
        let clock = &self.flows.clock;
        let asked = clock.now();
        let server = heartbeats::server_now(self.flows.db.pool()).await;
        let server = server.context("asking the database for its time")?;
        let took = clock.now() - asked;
        if PROMPT < took {
            return Ok(Report::default());
        }
        let ahead: time::Duration = asked + took / 2 - server;
        metrics::gauge!("clock_ahead_seconds").set(ahead.as_seconds_f64());
        let drift = &self.flows.drift;
        let (was_off, is_off) = (drift.is_off(), Drift::is_too_much(ahead));
        drift.found(ahead);
        let seconds = ahead.as_seconds_f64();
        match (was_off, is_off) {
            (false, true) => {
                tracing::error!(ahead_s = seconds, "this instance's clock is not the database's");
            }
            (true, false) => tracing::info!("this instance's clock is the database's again"),
            _ => {}
        }
        Ok(Report::default())
    }
}
