//! Passes new events on to webhooks and wakes the streams that wait for them.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::sync::Notify;

use super::driver::{Report, Worker};
use crate::domain::Timestamp;
use crate::outbox::live::Live;
use crate::outbox::publish::publish;
use crate::store::Pool;
use crate::webhooks::deliver::IdSource;

/// Relays the outbox. Nudged by the lanes after each commit; the period is for what another
/// instance's lanes committed, and for nudges that were lost with a process.
#[derive(Debug)]
pub struct OutboxWorker {
    pub pool: Pool,
    pub ids: Arc<dyn IdSource>,
    /// The delivery worker's: there is something to send.
    pub deliveries: Arc<Notify>,
}

impl Worker for OutboxWorker {
    fn name(&self) -> &'static str {
        "outbox"
    }

    fn period(&self) -> Duration {
        Duration::from_millis(200)
    }

    /// Under load a lane commits some hundred times a second; a look costs about as much as a batch.
    fn rest(&self) -> Duration {
        Duration::from_millis(50)
    }

    async fn activate(&self, now: Timestamp) -> anyhow::Result<Report> {
        let relayed = publish(&self.pool, &*self.ids, now).await.context("relaying the outbox")?;
        if relayed.deliveries > 0 {
            self.deliveries.notify_one();
        }
        Ok(Report { claimed: relayed.events, done: relayed.events, failed: 0 })
    }
}

/// Wakes the streams of server-sent events whose payment has moved. Costs nothing while nobody
/// watches.
#[derive(Debug)]
pub struct LiveWorker {
    pub pool: Pool,
    pub live: Arc<Live>,
}

impl Worker for LiveWorker {
    fn name(&self) -> &'static str {
        "live"
    }

    fn period(&self) -> Duration {
        Duration::from_millis(250)
    }

    async fn activate(&self, _now: Timestamp) -> anyhow::Result<Report> {
        let moved =
            self.live.look(&self.pool).await.context("looking for news of watched payments")?;
        Ok(Report { claimed: moved, done: moved, failed: 0 })
    }
}
