//! The door to durability: which lane a player is on, and what a full queue means.

use super::context::LaneContext;
use super::desk::DeskError;
use super::lane::{Lane, Shared};
use super::width::Width;
use super::work::Work;
use crate::decide::{Answer, Command, Refusal};
use crate::domain::PlayerKey;
use crate::store::{Db, StoreError};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

/// How many lanes, and how long things may take.
#[derive(Debug, Clone)]
pub struct LaneConfig {
    /// About one a core: as many as may be in use ([`super::width`]).
    pub lanes: usize,
    /// The instance's stable name: it retakes its own slots at once.
    pub holder: String,
    pub slot_lease: Duration,
    pub queue_max: usize,
    pub batch_max: usize,
    /// How long a command may wait for a player that another lane holds.
    pub wait_max: Duration,
}

/// Why there are no lanes.
#[derive(Debug, thiserror::Error)]
pub enum LanesError {
    #[error("no lane slot is free: other instances hold them all until their leases end")]
    NoSlot,
    #[error("opening a lane")]
    Store(#[from] StoreError),
}

/// Why a submitted command has no answer of its own.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Nothing was recorded: the same request may be sent again.
    #[error("too much is queued: try again in a moment")]
    Full,
    /// Nothing was recorded: the player's row is held elsewhere, or the database is away or too slow.
    #[error("the service is busy: try again in a moment")]
    Busy,
    /// The database refused this very command. Nothing was recorded.
    #[error("the command could not be recorded")]
    Failed,
}

impl From<DeskError> for SubmitError {
    fn from(error: DeskError) -> Self {
        match error {
            DeskError::Full => Self::Full,
            DeskError::Failed => Self::Busy,
        }
    }
}

/// All lanes of this instance.
#[derive(Debug, Clone)]
pub struct Lanes {
    queues: Arc<Vec<mpsc::Sender<Work>>>,
    width: Arc<Width>,
}

impl Lanes {
    /// Takes slots and starts the lanes as tasks of `tracker`. They end when every `Lanes` is
    /// dropped and their queues are empty.
    pub async fn start(
        db: &Db,
        config: &LaneConfig,
        context: Arc<LaneContext>,
        tracker: &TaskTracker,
    ) -> Result<Self, LanesError> {
        let mut queues = Vec::with_capacity(config.lanes);
        let width = Arc::new(Width::new(config.lanes, config.batch_max, Instant::now()));
        let shared = Shared { width: width.clone(), slots: Arc::default() };
        for number in 0..config.lanes {
            let (sender, receiver) = mpsc::channel(config.queue_max);
            let of = (number, shared.clone());
            let lane = Lane::open(db.clone(), config.clone(), context.clone(), receiver, of);
            let lane = lane.await?.ok_or(LanesError::NoSlot)?;
            tracker.spawn(lane.run());
            queues.push(sender);
        }
        Ok(Self { queues: Arc::new(queues), width })
    }

    /// Submits a command of a player and awaits what came of it.
    ///
    /// Dropping this future does not take the command back: once queued it is carried out.
    pub async fn submit(
        &self,
        player: &PlayerKey,
        command: Command,
    ) -> Result<Answer, SubmitError> {
        let (reply, answer) = oneshot::channel();
        let work = Work::new(player.clone(), command, reply);
        self.queues[self.width.lane_of(player)].try_send(work).map_err(|_| SubmitError::Full)?;
        answer.await.unwrap_or(Err(SubmitError::Busy))
    }

    /// Whether every lane still runs.
    pub fn are_running(&self) -> bool {
        self.queues.iter().all(|queue| !queue.is_closed())
    }
}
