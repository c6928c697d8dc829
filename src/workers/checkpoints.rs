//! Seals the log when it is due, and puts the checkpoints' files where the database cannot reach them.

use super::driver::{LONG_LOOK_MAX, Report, Worker};
use crate::domain::{Ids, Timestamp};
use crate::evidence::seal::{SealError, Sealing, put_files, seal};
use crate::store::incidents::{self, ServiceIncident};
use crate::store::witness::{self, Look};
use crate::store::{Pool, StoreError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How often it is looked whether a checkpoint is due.
const PERIOD: Duration = Duration::from_secs(1);
/// How often it is looked for what was committed late.
const WIDE_LOOK_EVERY: time::Duration = time::Duration::seconds(10);

#[allow(missing_debug_implementations, reason = "it holds a source of ids")]
pub struct CheckpointWorker {
    pool: Pool,
    ids: Arc<dyn Ids>,
    sealing: Sealing,
    known: Mutex<Known>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Known {
    /// The newest size in the folder, once it was looked up.
    in_folder: Option<u64>,
    /// When rows that stand beside lanes were last looked for far back. At the start all are looked at.
    looked_wide_at: Option<Timestamp>,
    /// That the folder contradicts the database was told to people.
    was_told: bool,
}

impl CheckpointWorker {
    pub fn new(pool: Pool, ids: Arc<dyn Ids>, sealing: Sealing) -> Self {
        Self { pool, ids, sealing, known: Mutex::default() }
    }

    fn known(&self) -> Known {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn know(&self, known: Known) {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = known;
    }

    /// Files first: a folder that contradicts the database stops the sealing.
    async fn look(&self, now: Timestamp) -> Result<u64, SealError> {
        let in_folder = self.known().in_folder;
        let in_folder = Some(put_files(&self.pool, &self.sealing, in_folder).await?);
        self.know(Known { in_folder, ..self.known() });
        self.take_in(now).await?;
        let progress = seal(&self.pool, &self.sealing, now).await?;
        gauge("evidence_sealed_records", progress.size);
        gauge("evidence_unsealed_records", progress.unsealed);
        let age = progress.sealed_at.map_or(time::Duration::ZERO, |at| now - at);
        let age = u64::try_from(age.whole_seconds()).unwrap_or(0);
        gauge("evidence_checkpoint_age_seconds", age);
        if !progress.sealed_now {
            return Ok(0);
        }
        let in_folder = Some(put_files(&self.pool, &self.sealing, in_folder).await?);
        self.know(Known { in_folder, ..self.known() });
        Ok(1)
    }

    async fn take_in(&self, now: Timestamp) -> Result<(), StoreError> {
        let look = match self.known().looked_wide_at {
            None => Look::Everything,
            Some(at) if at + WIDE_LOOK_EVERY <= now => Look::Wide,
            Some(_) => Look::Narrow,
        };
        let looked = witness::take_in(&self.pool, now, look).await?.is_some();
        if looked && look != Look::Narrow {
            self.know(Known { looked_wide_at: Some(now), ..self.known() });
        }
        Ok(())
    }

    /// Once a start, not with every look.
    async fn tell(&self, error: &SealError, now: Timestamp) -> anyhow::Result<()> {
        let is_for_people = matches!(
            error,
            SealError::FolderIsAhead { .. } | SealError::Missing { .. } | SealError::Folder(_)
        );
        let known = self.known();
        if !is_for_people || known.was_told {
            return Ok(());
        }
        let detail = error.to_string();
        let incident = ServiceIncident { kind: "evidence.broken", detail: &detail, psp: None };
        incidents::raise(&self.pool, self.ids.next(), &incident, now).await?;
        metrics::counter!("incidents_total", "kind" => "evidence.broken").increment(1);
        self.know(Known { was_told: true, ..known });
        Ok(())
    }
}

fn gauge(name: &'static str, value: u64) {
    metrics::gauge!(name).set(u32::try_from(value).unwrap_or(u32::MAX));
}

impl Worker for CheckpointWorker {
    fn name(&self) -> &'static str {
        "checkpoints"
    }

    fn period(&self) -> Duration {
        PERIOD
    }

    fn look_max(&self) -> Duration {
        LONG_LOOK_MAX
    }

    async fn activate(&self, now: Timestamp) -> anyhow::Result<Report> {
        match self.look(now).await {
            Ok(done) => Ok(Report { claimed: done, done, failed: 0 }),
            Err(error) => {
                self.tell(&error, now).await?;
                Err(error.into())
            }
        }
    }
}
