//! Carries what routing knows of PSPs between this instance, the others and the next start: several times a
//! second, so that what another instance found out holds everywhere within one.

use super::driver::{Report, Worker};
use crate::domain::Timestamp;
use crate::flows::Flows;
use crate::routing::share_health::{
    Sharing, begin_sharing, forget_told, keep_health, share_health,
};
use anyhow::Context;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// Telling takes one period, hearing another: together well under a second.
const PERIOD: Duration = Duration::from_millis(250);
/// What was found out elsewhere is known within a second, after an outage of the database too.
const FAILURE_PAUSE_MAX: Duration = Duration::from_millis(500);
const KEEP_EVERY: Duration = Duration::from_secs(5);
const FORGET_EVERY: Duration = Duration::from_secs(60);

#[allow(missing_debug_implementations, reason = "it holds the shared flows")]
pub struct RoutingWorker {
    flows: Flows,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    sharing: Option<Sharing>,
    kept_at: Instant,
    forgot_at: Instant,
}

impl RoutingWorker {
    pub fn new(flows: Flows) -> Self {
        let now = Instant::now();
        let state = State { sharing: None, kept_at: now, forgot_at: now };
        Self { flows, state: Mutex::new(state) }
    }
}

impl Worker for RoutingWorker {
    fn name(&self) -> &'static str {
        "routing"
    }

    fn period(&self) -> Duration {
        PERIOD
    }

    fn failure_pause_max(&self) -> Duration {
        FAILURE_PAUSE_MAX
    }

    /// What others saw is worth little later; a look that waits for what is gone must not keep it for long.
    fn look_max(&self) -> Duration {
        Duration::from_secs(5)
    }

    async fn activate(&self, now: Timestamp) -> anyhow::Result<Report> {
        let mut state = self.state.lock().await;
        let sharing = match &mut state.sharing {
            Some(sharing) => sharing,
            none => none.insert(
                begin_sharing(&self.flows).await.context("beginning to share what is known")?,
            ),
        };
        share_health(&self.flows, sharing, now).await.context("sharing what is known of PSPs")?;
        if KEEP_EVERY <= state.kept_at.elapsed() {
            state.kept_at = Instant::now();
            keep_health(&self.flows, now).await.context("keeping what is known of PSPs")?;
        }
        if FORGET_EVERY <= state.forgot_at.elapsed() {
            state.forgot_at = Instant::now();
            forget_told(&self.flows).await.context("forgetting what all have heard")?;
        }
        Ok(Report::default())
    }

    /// What was learned last is worth the next start's while.
    async fn drain(&self) {
        let (mut state, now) = (self.state.lock().await, self.flows.clock.now());
        if let Some(sharing) = &mut state.sharing {
            let told = share_health(&self.flows, sharing, now).await;
            let kept = keep_health(&self.flows, now).await;
            if let Err(error) = told.and(kept) {
                tracing::warn!(%error, "what was learned of PSPs last is not kept");
            }
        }
    }
}
