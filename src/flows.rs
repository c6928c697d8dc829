//! L3, what every flow is handed: the way to durability, the PSPs, time and chance.
//!
//! Flows are verbs. They gather facts, call out with no transaction open, and submit commands; what
//! is decided is decided in the lane.

use crate::clock::{Clock, Drift};
use crate::decide::{Answer, Command};
use crate::domain::{Ids, PlayerKey, Timestamp};
use crate::lane::clerks::Desks;
use crate::lane::{Lanes, SubmitError};
use crate::reviews::ReviewRules;
use crate::routing::board::{SwitchBoard, VolumeBook};
use crate::routing::observe::PspHealth;
use crate::routing::registry::PspRegistry;
use crate::routing::rules::{PspAccount, RoutingRules};
use crate::screening::policy::FxTable;
use crate::screening::shelf::PolicyShelf;
use crate::store::Db;
use crate::vendors::people::checks::Checks;
use crate::vendors::registry::Vendors;
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;

/// Everything a flow may use. Cheap to clone.
#[derive(Clone)]
#[allow(missing_debug_implementations, reason = "a bundle of shared services")]
pub struct Flows {
    pub db: Db,
    pub lanes: Lanes,
    pub desks: Desks,
    pub clock: Arc<dyn Clock>,
    /// How far that is from the database's clock.
    pub drift: Arc<Drift>,
    pub ids: Arc<dyn Ids>,
    pub psps: Arc<PspRegistry>,
    pub health: Arc<PspHealth>,
    pub switches: Arc<SwitchBoard>,
    pub volumes: Arc<VolumeBook>,
    pub routing: Arc<RoutingRules>,
    pub accounts: Arc<Vec<PspAccount>>,
    /// Accounts whose webhooks come over our own listener for client certificates, and in no other way.
    pub certified: Arc<BTreeSet<String>>,
    pub policies: Arc<PolicyShelf>,
    pub fx: Arc<FxTable>,
    pub reviews: Arc<ReviewRules>,
    /// How long one call to a PSP may take, all its steps together. Shorter than an attempt's
    /// lease, so that nobody else takes an attempt while its answer may still come.
    pub psp_deadline: Duration,
    /// Who is asked about players.
    pub checks: Arc<Checks>,
    pub vendors: Arc<Vendors>,
    pub nudges: Arc<Nudges>,
    pub hush: Arc<Hush>,
    pub tasks: TaskTracker,
}

/// Bells that make workers look at once instead of at their next turn.
#[derive(Debug, Default)]
pub struct Nudges {
    pub attempts: Arc<Notify>,
    pub payouts: Arc<Notify>,
    pub inbox: Arc<Notify>,
    pub screenings: Arc<Notify>,
    pub switches: Arc<Notify>,
    pub policies: Arc<Notify>,
    /// What waits between us and the vendors that know people.
    pub checks: Arc<Notify>,
    pub names: Arc<Notify>,
    /// Messages of vendors of identity.
    pub identity: Arc<Notify>,
    pub reviews: Arc<Notify>,
    pub erasures: Arc<Notify>,
    pub mail: Arc<Notify>,
    /// These two are rung after every commit of a lane.
    pub outbox: Arc<Notify>,
    pub live: Arc<Notify>,
}

/// A piece of work in the background that lasts longer waits for something that is gone, a database host
/// above all. Calls to PSPs end long before; what it had claimed becomes due again by its lease.
pub const WORK_MAX: Duration = Duration::from_secs(300);

/// Lets a line be logged at most once a second for each name, so that nobody can fill the log.
#[derive(Debug, Default)]
pub struct Hush(Mutex<BTreeMap<String, Timestamp>>);

impl Hush {
    /// Whether the line may be logged now.
    pub fn may_speak(&self, name: &str, now: Timestamp) -> bool {
        let mut spoke = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let may = spoke.get(name).is_none_or(|last| *last + time::Duration::SECOND <= now);
        if may {
            spoke.insert(name.to_owned(), now);
        }
        may
    }
}

impl Flows {
    /// Submits what must not be lost on a busy moment: an outcome that a PSP has told us. It tries
    /// for as long as the attempt's lease may last; after that inquiry will find it out again.
    pub async fn submit_persistently(
        &self,
        player: &PlayerKey,
        command: Command,
    ) -> Result<Answer, SubmitError> {
        let mut pause = Duration::from_millis(20);
        for _ in 0..12 {
            match self.lanes.submit(player, command.clone()).await {
                Err(SubmitError::Full | SubmitError::Busy) => tokio::time::sleep(pause).await,
                done => return done,
            }
            pause = (pause * 2).min(Duration::from_secs(2));
        }
        self.lanes.submit(player, command).await
    }

    /// Runs a piece of work that nobody's disconnect can drop. None: it was not over after
    /// [`WORK_MAX`], and was dropped.
    pub fn detach<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> tokio::task::JoinHandle<Option<T>> {
        // It has some thousand bytes, and would be copied into each of the layers around it.
        let work = Box::pin(work);
        self.tasks.spawn(async move { tokio::time::timeout(WORK_MAX, work).await.ok() })
    }
}
