//! One running instance: its parts in the order in which they start, and in which they stop.
//!
//! Stopping: no new requests; requests and calls under way end; workers end their look, or are cut off in
//! it; the lanes answer what is queued and give their slots back; the pool closes.

use super::connections::{self, PATIENCE};
use super::parts::{Patience, World};
use super::workers::{Crew, Driven};
use super::{edge, parts, webhooks_tls, words, workers};
use crate::access::remember_nonce::NonceDesk;
use crate::api;
use crate::api::render::ApiRender;
use crate::clock::SystemClock;
use crate::config::{Config, tls};
use crate::domain::ids::SystemIds;
use crate::evidence::seal::Sealing;
use crate::flows::Flows;
use crate::notify::mail::Mailer;
use crate::outbox::live::Live;
use crate::routing::registry::PspRegistry;
use crate::sandbox::ports;
use crate::shutdown::Shutdown;
use crate::store::Db;
use crate::telemetry;
use crate::webhooks::client::WebhookClient;
use anyhow::Context;
use axum::Router;
use axum::extract::ConnectInfo;
use metrics_exporter_prometheus::PrometheusHandle;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;
use tokio_rustls::TlsAcceptor;
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
    parts: Parts,
}

impl Service {
    /// Starts the instance on a database that was checked. `roles` empty: all of them.
    ///
    /// # Errors
    /// What cannot be had. Nothing runs then: what had begun has ended in order.
    pub async fn start(
        config: &Config,
        db: Db,
        psps: Arc<PspRegistry>,
        roles: &[Role],
    ) -> anyhow::Result<Self> {
        let ready = match Ready::new(config, roles) {
            Ok(ready) => ready,
            Err(error) => {
                db.close().await;
                return Err(error);
            }
        };
        let (address, parts) = (ready.address, Parts::of(db));
        match parts.start(config, ready, psps).await {
            Ok(flows) => Ok(Self { address, flows, parts }),
            Err(error) => {
                parts.stop(None, GRACE).await;
                Err(error)
            }
        }
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
        self.stop_within(GRACE).await;
    }

    /// As [`Self::stop`], with another time that each part may take.
    pub async fn stop_within(self, grace: Duration) {
        self.parts.stop(Some(self.flows), grace).await;
    }
}

/// What this machine or the configuration may refuse, made before anything runs that takes up work.
struct Ready {
    roles: Vec<Role>,
    listener: TcpListener,
    address: SocketAddr,
    metrics_listener: Option<TcpListener>,
    tls: Option<(TcpListener, TlsAcceptor)>,
    recorder: PrometheusHandle,
    mailer: Mailer,
    deliveries: WebhookClient,
    sealing: Option<Sealing>,
}

impl Ready {
    fn new(config: &Config, roles: &[Role]) -> anyhow::Result<Self> {
        let has = |role| has(roles, role);
        if roles.contains(&Role::Console) && config.console.key.is_none() {
            anyhow::bail!("console.key is missing: the console's role needs it");
        }
        let listener = ports::listen("the API", config.server.listen, "server.listen")?;
        let metrics = |address| ports::listen("the metrics", address, "server.metrics_listen");
        let tls = config.server.webhooks_tls.as_ref().filter(|_| has(Role::Webhooks));
        let tls = tls.map(|tls| {
            let key = "server.webhooks_tls_listen";
            let listener = ports::listen("webhooks over TLS", tls.listen, key)?;
            anyhow::Ok((listener, tls::acceptor(tls)?))
        });
        let sealing = if has(Role::Worker) { words::sealing(config)? } else { None };
        Ok(Self {
            roles: roles.to_vec(),
            address: listener.local_addr().context("the API's address")?,
            listener,
            metrics_listener: config.server.metrics_listen.map(metrics).transpose()?,
            tls: tls.transpose()?,
            mailer: Mailer::new(&config.mail.from, &words::mail_transport(config))
                .context("mail")?,
            deliveries: edge::deliveries(config)?,
            sealing,
            recorder: telemetry::start_metrics().context("starting the metrics")?,
        })
    }
}

/// The parts of an instance, each with its own way to stop.
struct Parts {
    db: Db,
    requests: Shutdown,
    servers: Shutdown,
    crew: TaskTracker,
    crew_stop: CancellationToken,
    crew_cut: CancellationToken,
    calls: TaskTracker,
    lanes: TaskTracker,
}

impl Parts {
    fn of(db: Db) -> Self {
        Self {
            db,
            requests: Shutdown::new(),
            servers: Shutdown::new(),
            crew: TaskTracker::new(),
            crew_stop: CancellationToken::new(),
            crew_cut: CancellationToken::new(),
            calls: TaskTracker::new(),
            lanes: TaskTracker::new(),
        }
    }

    async fn start(
        &self,
        config: &Config,
        ready: Ready,
        psps: Arc<PspRegistry>,
    ) -> anyhow::Result<Flows> {
        let ids = Arc::new(SystemIds);
        let world = World {
            db: self.db.clone(),
            psps,
            clock: Arc::new(SystemClock),
            ids: ids.clone(),
            render: Arc::new(ApiRender),
        };
        let mut flows = parts::flows(config, world, Patience::default(), &self.lanes).await?;
        flows.tasks = self.calls.clone();
        let crew = Crew {
            instance: Arc::from(config.instance.name.as_str()),
            ids,
            live: Arc::new(Live::default()),
            deliveries: ready.deliveries,
            mailer: Arc::new(ready.mailer),
            shutdown: self.crew_stop.clone(),
            cut: self.crew_cut.clone(),
            tasks: self.crew.clone(),
            driven: Driven::default(),
        };
        let has = |role| has(&ready.roles, role);
        // Whether it lives, whether it is ready, and what it counts is asked of every instance.
        let render = self.render(ready.recorder);
        let edge = edge::edge(config, &flows, crew.live.clone(), &self.requests, &self.servers)?;
        let nonces = NonceDesk::start(self.db.url().to_owned(), &self.requests);
        let layers = edge::layers(config, &edge, nonces, &crew.driven, render.clone())?;
        // The last that happens: nobody takes up work, or answers, before all else is known to be good.
        workers::start_routing(&flows, &crew);
        workers::start_clock(&flows, &crew);
        if has(Role::Worker) {
            workers::start(&flows, &crew);
            if let Some(sealing) = ready.sealing {
                workers::start_sealing(&flows, &crew, sealing);
            }
        }
        if has(Role::Api) || has(Role::Webhooks) || has(Role::Console) {
            workers::start_live(&flows, &crew);
        }
        if let Some(listener) = ready.metrics_listener {
            serve(listener, metrics_router(render), &self.servers)?;
        }
        if let Some((listener, acceptor)) = ready.tls {
            let router = api::part(&layers, &edge, false, true, Router::new());
            webhooks_tls::serve(listener, acceptor, router, &self.servers)?;
        }
        let pages =
            has(Role::Console).then(|| edge::pages(config, &flows, &self.requests)).flatten();
        let pages = pages.unwrap_or_default();
        let router = api::part(&layers, &edge, has(Role::Api), has(Role::Webhooks), pages);
        serve(ready.listener, router, &self.servers)?;
        Ok(flows)
    }

    /// What the metrics say, kept up while requests are served.
    fn render(&self, recorder: PrometheusHandle) -> Arc<dyn Fn() -> String + Send + Sync> {
        let upkeep = recorder.clone();
        let stop = self.requests.clone();
        self.requests.spawn("metrics upkeep", async move {
            while !stop.is_requested() {
                tokio::select! {
                    () = stop.requested() => {}
                    () = tokio::time::sleep(telemetry::UPKEEP_INTERVAL) => upkeep.run_upkeep(),
                }
            }
        });
        Arc::new(move || recorder.render())
    }

    async fn stop(self, flows: Option<Flows>, grace: Duration) {
        crate::shutdown::stop_in_order(
            &[("servers", &self.servers), ("requests", &self.requests)],
            grace,
        )
        .await;
        self.crew_stop.cancel();
        if !wait("workers", &self.crew, grace).await {
            // A proof of the books takes hours, and holds what keeps the lanes open. Every look stands being
            // killed.
            self.crew_cut.cancel();
            wait("workers that were cut off", &self.crew, grace).await;
        }
        wait("calls to PSPs", &self.calls, grace).await;
        drop(flows);
        wait("lanes", &self.lanes, grace).await;
        // It waits for each connection that somebody still has; the end of the process closes those too.
        if tokio::time::timeout(grace, self.db.close()).await.is_err() {
            tracing::warn!("not every connection to the database was given back");
        }
    }
}

fn has(roles: &[Role], role: Role) -> bool {
    roles.is_empty() || roles.contains(&role)
}

/// Whether they all ended within their grace.
async fn wait(part: &str, tasks: &TaskTracker, grace: Duration) -> bool {
    tasks.close();
    let ended = tokio::time::timeout(grace, tasks.wait()).await.is_ok();
    if !ended {
        tracing::warn!(part, running = tasks.len(), "did not end within its grace");
    }
    ended
}

/// Metrics on a listener of their own, which is not the public one.
fn metrics_router(render: Arc<dyn Fn() -> String + Send + Sync>) -> Router {
    let kind = [(axum::http::header::CONTENT_TYPE, "text/plain; version=0.0.4")];
    Router::new().route("/metrics", axum::routing::get(async move || (kind, render())))
}

fn serve(listener: TcpListener, router: Router, servers: &Shutdown) -> anyhow::Result<()> {
    listener.set_nonblocking(true).context("the API's listener")?;
    let listener = tokio::net::TcpListener::from_std(listener).context("the API's listener")?;
    let stop = servers.clone();
    servers.spawn("http", async move {
        let introduce: connections::Introduce<tokio::net::TcpListener> = |_, peer, known| {
            known.insert(ConnectInfo(*peer));
        };
        connections::serve(listener, router, introduce, PATIENCE, &stop).await;
    });
    Ok(())
}
