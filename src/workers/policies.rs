//! Hears of published policies: every few seconds, so that a version is known on every instance long
//! before it comes into force.

use super::driver::{Report, Worker};
use crate::domain::Timestamp;
use crate::flows::Flows;
use crate::screening::load_policies::refresh_policies;
use anyhow::Context;
use std::time::Duration;

const PERIOD: Duration = Duration::from_secs(5);

#[allow(missing_debug_implementations, reason = "it holds the shared flows")]
pub struct PolicyWorker {
    flows: Flows,
}

impl PolicyWorker {
    pub const fn new(flows: Flows) -> Self {
        Self { flows }
    }
}

impl Worker for PolicyWorker {
    fn name(&self) -> &'static str {
        "policies"
    }

    fn period(&self) -> Duration {
        PERIOD
    }

    /// An instance that has not heard of policies for 45 s says that it is not ready.
    fn look_max(&self) -> Duration {
        Duration::from_secs(15)
    }

    async fn activate(&self, now: Timestamp) -> anyhow::Result<Report> {
        let refreshed = refresh_policies(&self.flows).await;
        let age = now - self.flows.policies.read_at();
        metrics::gauge!("policies_age_seconds").set(age.as_seconds_f64());
        refreshed.context("reading the published policies")?;
        Ok(Report::default())
    }
}
