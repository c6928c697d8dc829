//! Lanes and flows of one instance.

use super::{vendors, words};
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::Ids;
use crate::flows::{Flows, Nudges};
use crate::lane::clerks::Desks;
use crate::lane::context::LaneContext;
use crate::lane::{LaneConfig, Lanes, LanesError, Render};
use crate::routing::begin_routing::{PinError, begin_routing, pin_rules};
use crate::routing::observe::PspHealth;
use crate::routing::registry::PspRegistry;
use crate::screening::begin_screening::{BeginError, Shipped, begin_screening};
use crate::screening::shelf::PolicyShelf;
use crate::store::{Db, StoreError, migrate};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::task::TaskTracker;

/// How long one call to a PSP may take, all its steps together.
const PSP_DEADLINE: Duration = Duration::from_secs(30);
/// How long whoever calls a PSP keeps the attempt. Longer than a call and the recording of what
/// came of it, so that nobody else takes the attempt while an answer may still come.
const ATTEMPT_LEASE: Duration = Duration::from_secs(60);
const SLOT_LEASE: Duration = Duration::from_secs(10);
const QUEUE_MAX: usize = 4_096;
const BATCH_MAX: usize = 200;
const WAIT_MAX: Duration = Duration::from_secs(2);

/// What is not configuration: the outside world as this instance meets it.
#[allow(missing_debug_implementations, reason = "a bundle of shared services")]
pub struct World {
    pub db: Db,
    pub psps: Arc<PspRegistry>,
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn Ids>,
    pub render: Arc<dyn Render>,
}

/// How long calls and leases last; tests that wait for them make them shorter.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    pub psp_deadline: Duration,
    pub attempt_lease: Duration,
    pub slot_lease: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { psp_deadline: PSP_DEADLINE, attempt_lease: ATTEMPT_LEASE, slot_lease: SLOT_LEASE }
    }
}

/// Why an instance has no flows.
#[derive(Debug, thiserror::Error)]
pub enum FlowsError {
    #[error("starting the lanes")]
    Lanes(#[from] LanesError),
    #[error("reading what an instance begins with")]
    Store(#[from] StoreError),
    #[error("vendors: {0}")]
    Vendors(String),
    #[error("policies: {0}")]
    Policies(#[from] BeginError),
    #[error(transparent)]
    Routing(#[from] PinError),
}

/// Takes lane slots and bundles what flows need. The lanes end when every clone of the flows is
/// gone; `tasks` then waits for them.
pub async fn flows(
    config: &Config,
    world: World,
    patience: Patience,
    tasks: &TaskTracker,
) -> Result<Flows, FlowsError> {
    let nudges = Arc::new(Nudges::default());
    let policies = Arc::new(policies(config, &world).await?);
    let routing = Arc::new(words::routing(config));
    pin_rules(world.db.pool(), &routing).await?;
    let fx = Arc::new(words::fx(config));
    let reviews = Arc::new(words::reviews(config));
    let context = Arc::new(LaneContext {
        clock: world.clock.clone(),
        ids: world.ids.clone(),
        psps: world.psps.clone(),
        render: world.render,
        policies: policies.clone(),
        fx: fx.clone(),
        holder: config.instance.name.clone(),
        attempt_lease: patience.attempt_lease,
        reviews: reviews.terms.clone(),
        committed: vec![nudges.outbox.clone(), nudges.live.clone()],
    });
    let lane_config = LaneConfig {
        lanes: config.database.lanes,
        holder: config.instance.name.clone(),
        slot_lease: patience.slot_lease,
        queue_max: QUEUE_MAX,
        batch_max: BATCH_MAX,
        wait_max: WAIT_MAX,
    };
    let lanes = Lanes::start(&world.db, &lane_config, context, tasks).await?;
    let desks = Desks::start(&world.db, &world.clock, &policies, tasks);
    // The low half of a UUIDv7 is chance: no two instances draw alike.
    let (_, seed) = world.ids.next().as_u64_pair();
    let flows = Flows {
        db: world.db,
        desks,
        lanes,
        clock: world.clock,
        drift: Arc::default(),
        ids: world.ids,
        psps: world.psps,
        health: Arc::new(PspHealth::new(words::health(config), seed)),
        switches: Arc::default(),
        volumes: Arc::default(),
        routing,
        accounts: Arc::new(words::accounts(config)),
        certified: Arc::new(words::certified(config)),
        policies,
        fx,
        reviews,
        psp_deadline: patience.psp_deadline,
        checks: Arc::new(super::checks::checks(config)),
        nudges,
        hush: Arc::default(),
        vendors: Arc::new(vendors::vendors(config).map_err(FlowsError::Vendors)?),
        tasks: tasks.clone(),
    };
    // What people switched off must be known before the first plan is made.
    begin_routing(&flows).await?;
    Ok(flows)
}

/// The published policies. A sandbox publishes those it brings along, in its two officers' names.
async fn policies(config: &Config, world: &World) -> Result<PolicyShelf, FlowsError> {
    let (pool, now) = (world.db.pool(), world.clock.now());
    let environment = migrate::environment(pool).await?;
    let officers = words::officers(config).filter(|_| environment == "sandbox");
    let shipped = Shipped {
        versions: &config.markets.versions,
        files: &config.markets.files,
        recorded_only: &config.recorded_only,
        officers: officers.as_ref(),
    };
    let policies = begin_screening(pool, &shipped, world.ids.as_ref(), now).await?;
    let shipped = shipped.versions.iter().map(|it| (it.version.clone(), it.sha256)).collect();
    Ok(PolicyShelf::new(policies, now, shipped))
}
