//! Delivers webhooks, each endpoint in a task of its own, and forgets old tries.
//!
//! A look only finds the endpoints that have something due and are not being served by this
//! instance, and starts a task for each. So a receiver that takes its fifteen seconds holds up
//! nobody but itself. A task ends when its endpoint has nothing more that may be tried now, and after its
//! turn in any case: then whoever has waited longest comes first. No operator has more than its share of
//! the places.

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;
use futures_util::FutureExt;
use tokio_util::task::TaskTracker;

use super::driver::{LONG_LOOK_MAX, Report, Worker};
use crate::domain::{EndpointId, Timestamp};
use crate::flows::WORK_MAX;
use crate::store::{Pool, deliveries, webhook_endpoints};
use crate::webhooks::deliver::{Delivered, Outbound, deliver};

/// Endpoints that one instance serves at once; with four requests each this bounds its sockets.
const ENDPOINTS_MAX: usize = 64;
/// Of these, of one operator.
const OPERATOR_MAX: i64 = 16;
const TURN: Duration = Duration::from_secs(5);
/// How long the log of tries is kept.
const LOG_KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);
const PURGE_BATCH: i64 = 5_000;

/// Finds endpoints with due deliveries and serves them.
#[derive(Debug)]
pub struct DeliveryWorker {
    serving: Arc<Serving>,
    tasks: TaskTracker,
}

#[derive(Debug)]
struct Serving {
    outbound: Outbound,
    busy: Mutex<BTreeSet<EndpointId>>,
    delivered: AtomicU64,
    failed: AtomicU64,
    /// No claim is begun after so long: a receiver that takes its time has one claim.
    turn: Duration,
}

/// An endpoint in `busy`, out of it again when the task ends, by a panic too.
struct Busy {
    serving: Arc<Serving>,
    endpoint: EndpointId,
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.serving.busy().remove(&self.endpoint);
    }
}

impl Serving {
    fn busy(&self) -> MutexGuard<'_, BTreeSet<EndpointId>> {
        // A set of ids is whole between any two statements.
        self.busy.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, delivered: Delivered) {
        self.delivered.fetch_add(delivered.delivered, Ordering::Relaxed);
        self.failed.fetch_add(delivered.failed, Ordering::Relaxed);
    }
}

impl DeliveryWorker {
    /// Its tasks end with the tries they are in once `outbound.shutdown` is cancelled.
    pub fn new(outbound: Outbound) -> Self {
        Self::with_turn(outbound, TURN)
    }

    /// As [`Self::new`]; an endpoint has its place for so long, and for one claim at least.
    pub fn with_turn(outbound: Outbound, turn: Duration) -> Self {
        let serving = Serving {
            outbound,
            busy: Mutex::default(),
            delivered: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            turn,
        };
        Self { serving: Arc::new(serving), tasks: TaskTracker::new() }
    }

    fn start(&self, endpoint: EndpointId) {
        self.serving.busy().insert(endpoint);
        let busy = Busy { serving: Arc::clone(&self.serving), endpoint };
        self.tasks.spawn(async move {
            // A panic costs this task; the lease of what it held ends by itself.
            let served = AssertUnwindSafe(serve(busy)).catch_unwind();
            let why = match tokio::time::timeout(WORK_MAX, served).await {
                Ok(Ok(())) => return,
                Ok(Err(_)) => "it panicked",
                Err(_) => "it was not over and was dropped",
            };
            tracing::error!(endpoint.id = %endpoint, why, "serving a webhook endpoint was cut off");
        });
    }
}

async fn serve(busy: Busy) {
    let began = Instant::now();
    while !busy.serving.outbound.shutdown.is_cancelled() {
        match deliver(&busy.serving.outbound, busy.endpoint).await {
            Ok(delivered) if delivered.claimed == 0 => return,
            Ok(delivered) => {
                busy.serving.count(delivered);
                if busy.serving.turn <= began.elapsed() {
                    return;
                }
            }
            Err(error) => {
                // What was claimed is due again when its lease ends.
                let error = anyhow::Error::from(error);
                tracing::error!(endpoint.id = %busy.endpoint, error = format!("{error:#}"), "serving a webhook endpoint failed and will be repeated");
                return;
            }
        }
    }
}

impl Worker for DeliveryWorker {
    fn name(&self) -> &'static str {
        "deliveries"
    }

    fn period(&self) -> Duration {
        Duration::from_millis(500)
    }

    /// Reports what the tasks have done since the look before; `claimed` counts endpoints.
    async fn activate(&self, now: Timestamp) -> anyhow::Result<Report> {
        let busy: Vec<EndpointId> = self.serving.busy().iter().copied().collect();
        let room = ENDPOINTS_MAX.saturating_sub(busy.len());
        let pool = &self.serving.outbound.pool;
        let room = i64::try_from(room).unwrap_or(0);
        let due = webhook_endpoints::with_due_deliveries(pool, now, &busy, OPERATOR_MAX, room)
            .await
            .context("looking for webhook endpoints with due deliveries")?;
        let mut claimed = 0;
        for endpoint in due {
            self.start(endpoint);
            claimed += 1;
        }
        Ok(Report {
            claimed,
            done: self.serving.delivered.swap(0, Ordering::Relaxed),
            failed: self.serving.failed.swap(0, Ordering::Relaxed),
        })
    }

    /// A task ends with the tries it is in: fifteen seconds at most.
    async fn drain(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// Forgets tries that are older than thirty days.
#[derive(Debug)]
pub struct DeliveryLogWorker {
    pub pool: Pool,
}

impl Worker for DeliveryLogWorker {
    fn name(&self) -> &'static str {
        "delivery_log"
    }

    fn period(&self) -> Duration {
        Duration::from_secs(60 * 60)
    }

    fn look_max(&self) -> Duration {
        LONG_LOOK_MAX
    }

    async fn activate(&self, now: Timestamp) -> anyhow::Result<Report> {
        let purged = deliveries::purge_tries(&self.pool, now - LOG_KEPT, PURGE_BATCH)
            .await
            .context("forgetting old tries of deliveries")?;
        Ok(Report { claimed: purged, done: purged, failed: 0 })
    }
}
