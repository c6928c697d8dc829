//! Looks at the cases whose time has come, and counts those that wait, so that an alert can be set on them.

use super::driver::{LONG_LOOK_MAX, Report, Worker};
use crate::domain::Timestamp;
use crate::flows::Flows;
use crate::reviews::sweep_cases::sweep_cases;
use crate::store::cases;
use anyhow::Context;
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

#[allow(missing_debug_implementations, reason = "it holds the shared flows")]
pub struct ReviewWorker {
    flows: Flows,
    /// Kinds that were counted before: one of which none is open any more is told as zero.
    known: Mutex<BTreeSet<String>>,
}

impl ReviewWorker {
    pub fn new(flows: Flows) -> Self {
        Self { flows, known: Mutex::default() }
    }

    async fn count(&self, now: Timestamp) -> anyhow::Result<()> {
        let counts = cases::count_open(self.flows.db.pool(), now).await;
        let counts = counts.context("counting the open reviews")?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.extend(counts.iter().map(|count| count.kind.clone()));
        for kind in known.iter() {
            let found = counts.iter().find(|count| count.kind == *kind);
            let of = |number: i64| u32::try_from(number).unwrap_or(u32::MAX);
            let (open, overdue, escalated) = found.map_or((0, 0, 0), |count| {
                (of(count.open), of(count.overdue), of(count.escalated))
            });
            metrics::gauge!("reviews_open", "kind" => kind.clone()).set(open);
            metrics::gauge!("reviews_overdue", "kind" => kind.clone()).set(overdue);
            metrics::gauge!("reviews_escalated", "kind" => kind.clone()).set(escalated);
        }
        Ok(())
    }
}

impl Worker for ReviewWorker {
    fn name(&self) -> &'static str {
        "reviews"
    }

    fn period(&self) -> Duration {
        Duration::from_secs(15)
    }

    fn look_max(&self) -> Duration {
        LONG_LOOK_MAX
    }

    async fn activate(&self, now: Timestamp) -> anyhow::Result<Report> {
        let done = sweep_cases(&self.flows, now).await.context("looking at reviews")?;
        self.count(now).await?;
        Ok(Report { claimed: done, done, failed: 0 })
    }
}
