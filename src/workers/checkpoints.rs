//! Seals the log when it is due, and puts the checkpoints' files where the database cannot reach them.

use super::driver::{HEAVY_LOOK_MAX, Report, Worker};
use crate::domain::{Ids, Timestamp};
use crate::evidence::checkpoint::size_of;
use crate::evidence::seal::{SealError, Sealing, newest_checkpoint, put_files, seal};
use crate::store::incidents::{self, ServiceIncident};
use crate::store::witness::{self, Look};
use crate::store::{Pool, StoreError, checkpoints};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How often it is looked whether a checkpoint is due.
const PERIOD: Duration = Duration::from_secs(1);
/// How often it is looked for what was committed late.
const WIDE_LOOK_EVERY: time::Duration = time::Duration::seconds(10);
/// How often all rows are looked at: one that bears a wrong time is found by nothing else.
const FULL_LOOK_EVERY: time::Duration = time::Duration::HOUR;

#[allow(missing_debug_implementations, reason = "it holds a source of ids")]
pub struct CheckpointWorker {
    pool: Pool,
    ids: Arc<dyn Ids>,
    sealing: Sealing,
    known: Mutex<Known>,
}

#[derive(Debug, Clone, Default)]
struct Known {
    /// The newest size in the folder, once it was looked up.
    in_folder: Option<u64>,
    /// The size and the time of the newest checkpoint.
    sealed: Option<(u64, Timestamp)>,
    /// When rows that stand beside lanes were last looked for far back,
    looked_wide_at: Option<Timestamp>,
    /// and when all of them were looked at: at the start they are.
    looked_at_all_at: Option<Timestamp>,
    /// The fault that people were told of last, while it lasts.
    told: Option<String>,
}

impl CheckpointWorker {
    pub fn new(pool: Pool, ids: Arc<dyn Ids>, sealing: Sealing) -> Self {
        Self { pool, ids, sealing, known: Mutex::default() }
    }

    fn known(&self) -> Known {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn know(&self, change: impl FnOnce(&mut Known)) {
        change(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Files first: a folder that contradicts the database stops the sealing.
    async fn look(&self, now: Timestamp) -> Result<u64, SealError> {
        let in_folder = self.known().in_folder;
        let in_folder = Some(put_files(&self.pool, &self.sealing, in_folder).await?);
        self.know(|known| known.in_folder = in_folder);
        self.take_in(now).await?;
        let progress = seal(&self.pool, &self.sealing, now).await?;
        self.know(|known| known.sealed = progress.sealed_at.map(|at| (progress.size, at)));
        self.show(Some(progress.unsealed), now);
        if !progress.sealed_now {
            return Ok(0);
        }
        let in_folder = Some(put_files(&self.pool, &self.sealing, in_folder).await?);
        self.know(|known| known.in_folder = in_folder);
        Ok(1)
    }

    /// How far it is, when a look has failed: the age grows, and what is not sealed is counted, as far as the
    /// database can still be asked.
    async fn show_standing(&self, now: Timestamp) {
        if let Ok(Some(newest)) = newest_checkpoint(&self.pool, &self.sealing).await {
            self.know(|known| known.sealed = Some((newest.size, newest.at)));
        }
        let size = self.known().sealed.map_or(0, |(size, _)| size);
        let committed = checkpoints::lane_heads(&self.pool).await.ok();
        self.show(committed.map(|heads| size_of(&heads).saturating_sub(size)), now);
    }

    fn show(&self, unsealed: Option<u64>, now: Timestamp) {
        let sealed = self.known().sealed;
        gauge("evidence_sealed_records", sealed.map_or(0, |(size, _)| size));
        let age = sealed.map_or(time::Duration::ZERO, |(_, at)| now - at);
        let age = u64::try_from(age.whole_seconds()).unwrap_or(0);
        gauge("evidence_checkpoint_age_seconds", age);
        if let Some(unsealed) = unsealed {
            gauge("evidence_unsealed_records", unsealed);
        }
    }

    async fn take_in(&self, now: Timestamp) -> Result<(), StoreError> {
        let Known { looked_wide_at, looked_at_all_at, .. } = self.known();
        let is_over = |at: Option<Timestamp>, every| at.is_none_or(|at| at + every <= now);
        let look = match () {
            () if is_over(looked_at_all_at, FULL_LOOK_EVERY) => Look::Everything,
            () if is_over(looked_wide_at, WIDE_LOOK_EVERY) => Look::Wide,
            () => Look::Narrow,
        };
        if witness::take_in(&self.pool, now, look).await?.is_none() {
            return Ok(());
        }
        self.know(|known| {
            if look != Look::Narrow {
                known.looked_wide_at = Some(now);
            }
            if look == Look::Everything {
                known.looked_at_all_at = Some(now);
            }
        });
        Ok(())
    }

    /// Once for each fault, not with every look: again when it comes back after a look that was good.
    async fn tell(&self, error: &SealError, now: Timestamp) -> anyhow::Result<()> {
        let is_for_people = matches!(
            error,
            SealError::FolderIsAhead { .. }
                | SealError::Missing { .. }
                | SealError::NotAsSigned { .. }
                | SealError::Folder(_)
        );
        let detail = match error {
            // What is wrong with the folder, and with which of its files.
            SealError::Folder(folder) => format!("{error}: {folder}"),
            _ => error.to_string(),
        };
        let fault = match error {
            // Another instance may go on sealing: it is one fault all the same.
            SealError::FolderIsAhead { folder, .. } => format!("ahead at {folder}"),
            _ => detail.clone(),
        };
        if !is_for_people || self.known().told.as_ref() == Some(&fault) {
            return Ok(());
        }
        let incident = ServiceIncident { kind: "evidence.broken", detail: &detail, psp: None };
        // Every instance finds it, and finds it again after a start.
        if incidents::raise_unless_open(&self.pool, self.ids.next(), &incident, now).await? {
            metrics::counter!("incidents_total", "kind" => "evidence.broken").increment(1);
        }
        self.know(|known| known.told = Some(fault));
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
        HEAVY_LOOK_MAX
    }

    async fn activate(&self, now: Timestamp) -> anyhow::Result<Report> {
        match self.look(now).await {
            Ok(done) => {
                self.know(|known| known.told = None);
                Ok(Report { claimed: done, done, failed: 0 })
            }
            Err(error) => {
                self.show_standing(now).await;
                self.tell(&error, now).await?;
                Err(error.into())
            }
        }
    }
}
