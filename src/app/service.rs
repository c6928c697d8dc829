//! One running instance: its parts in the order in which they start, and in which they stop.
//!
//! Stopping: no new requests; requests and calls under way end; workers end their look; the lanes
//! answer what is queued and give their slots back; the pool closes.

use super::connections::{self, PATIENCE};
use super::parts::{Patience, World};
use super::workers::{Crew, Driven};
use super::{edge, parts, webhooks_tls, words, workers};
use crate::access::remember_nonce::NonceDesk;
use crate::api;
use crate::api::render::ApiRender;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::domain::ids::SystemIds;
use crate::flows::Flows;
use crate::notify::mail::Mailer;
use crate::outbox::live::Live;
use crate::routing::registry::PspRegistry;
use crate::sandbox::ports;
use crate::shutdown::Shutdown;
use crate::store::Db;
use crate::telemetry;
use anyhow::Context;
use axum::Router;
use axum::extract::ConnectInfo;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long each part may take to end.
const GRACE: Duration = Duration::from_secs(20);

/// Which kind of database this instance may run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Environment {
    Sandbox,
    Production,
}

impl Environment {
    pub const fn as_str(self) -> &'static str {
        match self {
            Environment::Sandbox => "sandbox",
            Environment::Production => "production",
        }
    }
}

/// What an instance does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Role {
    Api,
    Webhooks,
    Worker,
    Console,
}

/// A running instance.
#[allow(missing_debug_implementations, reason = "it holds the whole service")]
pub struct Service {
    address: SocketAddr,
    flows: Flows,
    requests: Shutdown,
    servers: Shutdown,
    crew: TaskTracker,
    crew_stop: CancellationToken,
    calls: TaskTracker,
    lanes: TaskTracker,
}

impl Service {
    /// Starts the instance on a database that was checked. `roles` empty: all of them.
    pub async fn start(
        config: &Config,
        db: Db,
        psps: Arc<PspRegistry>,
        roles: &[Role],
    ) -> anyhow::Result<Self> {
        let has = |role: Role| roles.is_empty() || roles.contains(&role);
        if roles.contains(&Role::Console) && config.console.key.is_none() {
            anyhow::bail!("console.key is missing: the console's role needs it");
        }
        let listener = ports::listen("the API", config.server.listen, "server.listen")?;
        let (lanes, calls) = (TaskTracker::new(), TaskTracker::new());
        let ids = Arc::new(SystemIds);
        let world = World {
            db: db.clone(),
            psps,
            clock: Arc::new(SystemClock),
            ids: ids.clone(),
            render: Arc::new(ApiRender::new(ids.clone())),
        };
        let mut flows = parts::flows(config, world, Patience::default(), &lanes).await?;
        flows.tasks = calls.clone();
        let transport = words::mail_transport(config);
        let mailer = Mailer::new(&config.mail.from, &transport).context("mail")?;
        let crew = Crew {
            instance: Arc::from(config.instance.name.as_str()),
            ids,
            live: Arc::new(Live::default()),
            out: config.webhooks_out,
            mailer: Arc::new(mailer),
            shutdown: CancellationToken::new(),
            tasks: TaskTracker::new(),
            driven: Driven::default(),
        };
        workers::start_routing(&flows, &crew);
        if has(Role::Worker) {
            workers::start(&flows, &crew)?;
            if let Some(sealing) = words::sealing(config)? {
                workers::start_sealing(&flows, &crew, sealing);
            }
        }
        let (requests, servers) = (Shutdown::new(), Shutdown::new());
        let address = listener.local_addr().context("the API's address")?;
        // Whether it lives, whether it is ready, and what it counts is asked of every instance.
        let (layers, edge) = layers(config, &db, &flows, &crew, (&requests, &servers))?;
        if has(Role::Api) || has(Role::Webhooks) || has(Role::Console) {
            workers::start_live(&flows, &crew);
        }
        if let Some(tls) = config.server.webhooks_tls.as_ref().filter(|_| has(Role::Webhooks)) {
            let purpose = "webhooks over TLS";
            let listener = ports::listen(purpose, tls.listen, "server.webhooks_tls_listen")?;
            let router = api::part(&layers, &edge, false, true, Router::new());
            webhooks_tls::serve(listener, webhooks_tls::acceptor(tls)?, router, &servers)?;
        }
        let pages = has(Role::Console).then(|| edge::pages(config, &flows, &requests)).flatten();
        let pages = pages.unwrap_or_default();
        let router = api::part(&layers, &edge, has(Role::Api), has(Role::Webhooks), pages);
        serve(listener, router, &servers)?;
        let (crew_stop, crew) = (crew.shutdown, crew.tasks);
        Ok(Self { address, flows, requests, servers, crew, crew_stop, calls, lanes })
    }

    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What this instance can do, for whoever runs beside its edges.
    pub const fn flows(&self) -> &Flows {
        &self.flows
    }

    /// Ends everything in order.
    pub async fn stop(self) {
        crate::shutdown::stop_in_order(
            &[("servers", &self.servers), ("requests", &self.requests)],
            GRACE,
        )
        .await;
        self.crew_stop.cancel();
        wait("workers", &self.crew).await;
        wait("calls to PSPs", &self.calls).await;
        let db = self.flows.db.clone();
        drop(self.flows);
        wait("lanes", &self.lanes).await;
        db.close().await;
    }
}

async fn wait(part: &str, tasks: &TaskTracker) {
    tasks.close();
    if tokio::time::timeout(GRACE, tasks.wait()).await.is_err() {
        tracing::warn!(part, running = tasks.len(), "did not end within its grace");
    }
}

fn layers(
    config: &Config,
    db: &Db,
    flows: &Flows,
    crew: &Crew,
    (requests, servers): (&Shutdown, &Shutdown),
) -> anyhow::Result<(api::Layers, api::Edge)> {
    let edge = edge::edge(config, flows, crew.live.clone(), requests, servers)?;
    let nonces = NonceDesk::start(db.url().to_owned(), requests);
    let recorder = telemetry::start_metrics().context("starting the metrics")?;
    let upkeep = recorder.clone();
    let stop = requests.clone();
    requests.spawn("metrics upkeep", async move {
        while !stop.is_requested() {
            tokio::select! {
                () = stop.requested() => {}
                () = tokio::time::sleep(telemetry::UPKEEP_INTERVAL) => upkeep.run_upkeep(),
            }
        }
    });
    let render: Arc<dyn Fn() -> String + Send + Sync> = Arc::new(move || recorder.render());
    if let Some(address) = config.server.metrics_listen {
        let listener = ports::listen("the metrics", address, "server.metrics_listen")?;
        serve(listener, metrics_router(render.clone()), servers)?;
    }
    let layers = edge::layers(config, &edge, nonces, &crew.driven, render)?;
    Ok((layers, edge))
}

/// Metrics on a listener of their own, which is not the public one.
fn metrics_router(render: Arc<dyn Fn() -> String + Send + Sync>) -> Router {
    let kind = [(axum::http::header::CONTENT_TYPE, "text/plain; version=0.0.4")];
    Router::new().route("/metrics", axum::routing::get(async move || (kind, render())))
}

fn serve(
    listener: std::net::TcpListener,
    router: Router,
    servers: &Shutdown,
) -> anyhow::Result<()> {
    listener.set_nonblocking(true).context("the API's listener")?;
    let listener = TcpListener::from_std(listener).context("the API's listener")?;
    let stop = servers.clone();
    servers.spawn("http", async move {
        let introduce: connections::Introduce<TcpListener> = |_, peer, known| {
            known.insert(ConnectInfo(*peer));
        };
        connections::serve(listener, router, introduce, PATIENCE, &stop).await;
    });
    Ok(())
}
