//! Brings what people switch off to this instance, and does nothing else: a kill switch that is set elsewhere
//! must hold here within a second, whatever the other workers wait for and whoever has the pool's connections.

use super::driver::{Report, Worker};
use crate::domain::Timestamp;
use crate::flows::Flows;
use crate::routing::load_switches::load_switches_over;
use crate::store::StoreError;
use crate::store::db::{LaneConnection, within};
use anyhow::Context;
use std::time::Duration;
use tokio::sync::Mutex;

const PERIOD: Duration = Duration::from_millis(250);
/// After an outage of the database it holds within a second too.
const FAILURE_PAUSE_MAX: Duration = Duration::from_millis(500);
/// A database that says nothing for so long is asked anew, by another connection.
const PATIENCE: Duration = Duration::from_secs(2);

#[allow(missing_debug_implementations, reason = "it holds the shared flows")]
pub struct SwitchWorker {
    flows: Flows,
    /// Its own, opened when it is first needed. After a failure the next look opens another.
    connection: Mutex<Option<LaneConnection>>,
}

impl SwitchWorker {
    pub fn new(flows: Flows) -> Self {
        Self { flows, connection: Mutex::default() }
    }

    async fn load(&self, now: Timestamp) -> Result<(), StoreError> {
        let mut kept = self.connection.lock().await;
        let mut connection = match kept.take() {
            Some(connection) => connection,
            None => self.flows.db.lane_connection().await?,
        };
        load_switches_over(&self.flows, &mut connection, now).await?;
        *kept = Some(connection);
        Ok(())
    }
}

impl Worker for SwitchWorker {
    fn name(&self) -> &'static str {
        "switches"
    }

    fn period(&self) -> Duration {
        PERIOD
    }

    fn failure_pause_max(&self) -> Duration {
        FAILURE_PAUSE_MAX
    }

    fn look_max(&self) -> Duration {
        2 * PATIENCE
    }

    async fn activate(&self, now: Timestamp) -> anyhow::Result<Report> {
        let loaded = within(PATIENCE, self.load(now)).await;
        loaded.context("loading what people switched off")?;
        Ok(Report::default())
    }
}
