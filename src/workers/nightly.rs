//! Once a night: idempotency keys that are older than 30 days go, and the proof of the books.

use super::driver::{Report, Worker};
use crate::domain::Timestamp;
use crate::evidence::prove_nightly::prove_nightly;
use crate::flows::Flows;
use anyhow::Context;
use std::time::Duration;
use uuid::Uuid;

/// A night that nobody has done yet is looked for so often.
const PERIOD: Duration = Duration::from_secs(10 * 60);
/// A proof reads every entry that there ever was.
const PROOF_MAX: Duration = Duration::from_secs(6 * 3_600);

#[allow(missing_debug_implementations, reason = "it holds the shared flows")]
pub struct NightlyWorker {
    flows: Flows,
    /// Of this start of this instance: what it has begun it may go on with at once.
    holder: Uuid,
}

impl NightlyWorker {
    pub fn new(flows: Flows) -> Self {
        let holder = flows.ids.next();
        Self { flows, holder }
    }
}

impl Worker for NightlyWorker {
    fn name(&self) -> &'static str {
        "nightly"
    }

    fn period(&self) -> Duration {
        PERIOD
    }

    fn look_max(&self) -> Duration {
        PROOF_MAX
    }

    async fn activate(&self, now: Timestamp) -> anyhow::Result<Report> {
        let night = prove_nightly(&self.flows, self.holder, now).await;
        let Some(night) = night.context("the night's work")? else {
            return Ok(Report::default());
        };
        let failed = u64::try_from(night.proof.findings.len()).unwrap_or(u64::MAX);
        Ok(Report { claimed: 1, done: 1 + night.keys_forgotten, failed })
    }
}
