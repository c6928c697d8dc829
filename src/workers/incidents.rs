//! Counts the incidents that nobody has closed, so that an alert can be set on them.

use super::driver::{Report, Worker};
use crate::domain::Timestamp;
use crate::store::{Pool, incidents};
use anyhow::Context;
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// As often as a metrics server usually asks.
const PERIOD: Duration = Duration::from_secs(15);

#[derive(Debug)]
pub struct IncidentWorker {
    pub pool: Pool,
    /// Kinds that were counted before: one of which none is open any more is told as zero.
    pub known: Mutex<BTreeSet<String>>,
}

impl Worker for IncidentWorker {
    fn name(&self) -> &'static str {
        "incidents"
    }

    fn period(&self) -> Duration {
        PERIOD
    }

    async fn activate(&self, _: Timestamp) -> anyhow::Result<Report> {
        let counts =
            incidents::count_open(&self.pool).await.context("counting the open incidents")?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.extend(counts.iter().map(|(kind, _)| kind.clone()));
        for kind in known.iter() {
            let open = counts.iter().find(|(of, _)| of == kind).map_or(0, |(_, open)| *open);
            let open = u32::try_from(open).unwrap_or(u32::MAX);
            metrics::gauge!("incidents_open", "kind" => kind.clone()).set(open);
        }
        Ok(Report { claimed: 0, done: 0, failed: 0 })
    }
}
