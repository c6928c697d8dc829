//! The workers of one instance, each in its driver.

use crate::evidence::seal::Sealing;
use crate::flows::Flows;
use crate::notify::mail::Mailer;
use crate::outbox::live::Live;
use crate::webhooks::client::WebhookClient;
use crate::webhooks::deliver::{IdSource, Outbound};
use crate::workers::attempts::AttemptWorker;
use crate::workers::checkpoints::CheckpointWorker;
use crate::workers::clocks::ClockWorker;
use crate::workers::deadlines::DeadlineWorker;
use crate::workers::deliveries::{DeliveryLogWorker, DeliveryWorker};
use crate::workers::driver::{Drive, Worker, drive};
use crate::workers::erasures::ErasureWorker;
use crate::workers::health::HealthWorker;
use crate::workers::identity::IdentityWorker;
use crate::workers::inbox::InboxWorker;
use crate::workers::incidents::IncidentWorker;
use crate::workers::mail::MailWorker;
use crate::workers::names::NameWorker;
use crate::workers::nightly::NightlyWorker;
use crate::workers::outbox::{LiveWorker, OutboxWorker};
use crate::workers::payouts::PayoutWorker;
use crate::workers::policies::PolicyWorker;
use crate::workers::rates::RateWorker;
use crate::workers::reviews::ReviewWorker;
use crate::workers::rooms::RoomWorker;
use crate::workers::routing::RoutingWorker;
use crate::workers::screenings::ScreeningWorker;
use crate::workers::sessions::SessionWorker;
use crate::workers::switches::SwitchWorker;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What workers need beside the flows.
#[allow(missing_debug_implementations, reason = "a bundle of shared services")]
pub struct Crew {
    pub instance: Arc<str>,
    pub ids: Arc<dyn IdSource>,
    pub live: Arc<Live>,
    pub deliveries: WebhookClient,
    pub mailer: Arc<Mailer>,
    pub shutdown: CancellationToken,
    /// Cancelled when a stop waits no longer: the looks that still run are dropped where they are.
    pub cut: CancellationToken,
    /// The drivers run in here.
    pub tasks: TaskTracker,
    /// Whom this process drives.
    pub driven: Driven,
}

/// The names of the workers that a process drives. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Driven(Arc<Mutex<BTreeSet<&'static str>>>);

impl Driven {
    pub fn add(&self, worker: &'static str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(worker);
    }

    pub fn has(&self, worker: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(worker)
    }
}

/// Starts those that make money move: attempts, payouts, the inbox, screenings; and those that tell of it.
pub fn start(flows: &Flows, crew: &Crew) {
    let bells = &flows.nudges;
    run(flows, crew, &bells.attempts, AttemptWorker::new(flows.clone()));
    run(flows, crew, &bells.payouts, PayoutWorker::new(flows.clone()));
    run(flows, crew, &bells.inbox, InboxWorker::new(flows.clone()));
    run(flows, crew, &bells.screenings, ScreeningWorker::new(flows.clone()));
    run(flows, crew, &Arc::new(Notify::new()), DeadlineWorker::new(flows.clone()));
    run(flows, crew, &Arc::new(Notify::new()), NightlyWorker::new(flows.clone()));
    run(flows, crew, &Arc::new(Notify::new()), RateWorker::new(flows.clone()));
    if !flows.checks.matchers.is_empty() {
        run(flows, crew, &bells.names, NameWorker::new(flows.clone()));
    }
    if !flows.checks.identities.is_empty() {
        run(flows, crew, &bells.identity, IdentityWorker::new(flows.clone()));
    }
    if !flows.checks.files.is_empty() {
        run(flows, crew, &bells.checks, RoomWorker::new(flows.clone()));
    }
    let deliveries = Arc::new(Notify::new());
    let pool = flows.db.pool().clone();
    let outbox =
        OutboxWorker { pool: pool.clone(), ids: crew.ids.clone(), deliveries: deliveries.clone() };
    run(flows, crew, &bells.outbox, outbox);
    let outbound = Outbound {
        pool: pool.clone(),
        client: crew.deliveries.clone(),
        clock: flows.clock.clone(),
        ids: crew.ids.clone(),
        shutdown: crew.shutdown.clone(),
    };
    run(flows, crew, &deliveries, DeliveryWorker::new(outbound));
    run(flows, crew, &bells.reviews, ReviewWorker::new(flows.clone()));
    run(flows, crew, &bells.erasures, ErasureWorker { flows: flows.clone() });
    let mail = MailWorker { flows: flows.clone(), mailer: crew.mailer.clone() };
    run(flows, crew, &bells.mail, mail);
    let incidents = IncidentWorker { pool: pool.clone(), known: Mutex::default() };
    run(flows, crew, &Arc::new(Notify::new()), incidents);
    let sessions = SessionWorker { pool: pool.clone() };
    run(flows, crew, &Arc::new(Notify::new()), sessions);
    run(flows, crew, &Arc::new(Notify::new()), DeliveryLogWorker { pool });
}

/// Starts what every instance needs that screens, plans or calls: an ear for new policies, an eye on the
/// PSPs' health, an ear for what people switch off, and one for what other instances say of PSPs.
pub fn start_routing(flows: &Flows, crew: &Crew) {
    run(flows, crew, &flows.nudges.switches, SwitchWorker::new(flows.clone()));
    run(flows, crew, &Arc::new(Notify::new()), RoutingWorker::new(flows.clone()));
    run(flows, crew, &Arc::new(Notify::new()), HealthWorker::new(flows.clone()));
    run(flows, crew, &flows.nudges.policies, PolicyWorker::new(flows.clone()));
}

/// Starts what every instance needs whose clock is its machine's: the comparison with the database's.
pub fn start_clock(flows: &Flows, crew: &Crew) {
    run(flows, crew, &Arc::new(Notify::new()), ClockWorker::new(flows.clone()));
}

/// Starts the sealing of the log, where there is a key and a folder for it.
pub fn start_sealing(flows: &Flows, crew: &Crew, sealing: Sealing) {
    let worker = CheckpointWorker::new(flows.db.pool().clone(), flows.ids.clone(), sealing);
    run(flows, crew, &Arc::new(Notify::new()), worker);
}

/// Starts what every instance that serves the API needs: the eyes of its event streams.
pub fn start_live(flows: &Flows, crew: &Crew) {
    let worker = LiveWorker { pool: flows.db.pool().clone(), live: crew.live.clone() };
    run(flows, crew, &flows.nudges.live, worker);
}

fn run<W: Worker>(flows: &Flows, crew: &Crew, nudge: &Arc<Notify>, worker: W) {
    let driven = Drive {
        pool: flows.db.pool().clone(),
        instance: crew.instance.clone(),
        clock: flows.clock.clone(),
        nudge: nudge.clone(),
        shutdown: crew.shutdown.clone(),
    };
    let (name, cut) = (worker.name(), crew.cut.clone());
    crew.driven.add(name);
    crew.tasks.spawn(async move {
        if cut.run_until_cancelled(drive(Arc::new(worker), driven)).await.is_none() {
            tracing::warn!(
                worker = name,
                "its look was cut off by the stop and will be done again"
            );
        }
    });
}
