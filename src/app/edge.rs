//! The HTTP edge of one instance: who may come in, and what its handlers share.

use super::readiness::{InstanceReadiness, SharedReadiness};
use super::workers::Driven;
use crate::access::console_desk::{ConsoleDesk, ConsoleKey};
use crate::access::remember_nonce::{NonceDesk, NonceError, remember_nonce};
use crate::access::token::{TokenKey, Tokens};
use crate::api::detach::Detach;
use crate::api::door::{self, Door};
use crate::api::gate::{Boxed, Gate, Nonces, Sessions};
use crate::api::health::Health;
use crate::api::keys::{ApiKey, ApiKeys, Scope};
use crate::api::open_streams::OpenStreams;
use crate::api::rate::{RateLimits, RateSettings};
use crate::api::{Edge, Layers};
use crate::config::Config;
use crate::console::{self, Console};
use crate::domain::{OperatorId, PersonId, PlayerKey, Timestamp};
use crate::flows::Flows;
use crate::outbox::live::Live;
use crate::shutdown::Shutdown;
use crate::store::{Pool, StoreError, player_session};
use crate::webhooks::client::WebhookClient;
use crate::webhooks::guard::{GuardedNames, Reach, SystemNames};
use crate::webhooks::receive::may_come_from_anybody;
use anyhow::{Context, bail};
use axum::Router;
use axum::http::HeaderValue;
use secrecy::ExposeSecret;
use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// Nonces in the database, over all instances.
struct StoredNonces(NonceDesk);

impl Nonces for StoredNonces {
    fn remember<'a>(
        &'a self,
        api_key_id: &'a str,
        nonce: &'a str,
    ) -> Boxed<'a, Result<bool, NonceError>> {
        Box::pin(remember_nonce(&self.0, api_key_id, nonce))
    }
}

struct StoredSessions(Pool);

impl Sessions for StoredSessions {
    fn is_open<'a>(
        &'a self,
        player: &'a PlayerKey,
        jti: Uuid,
        now: Timestamp,
    ) -> Boxed<'a, Result<bool, StoreError>> {
        Box::pin(player_session::is_open(&self.0, player, jti, now))
    }
}

fn positive(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN)
}

/// Which webhooks may go where.
pub const fn reach(config: &Config) -> Reach {
    if config.webhooks_out.allow_loopback { Reach::PublicAndLoopback } else { Reach::Public }
}

/// Who delivers our webhooks.
///
/// # Errors
/// When the HTTP client cannot be built.
pub fn deliveries(config: &Config) -> anyhow::Result<WebhookClient> {
    let timeout = config.webhooks_out.timeout;
    let client = WebhookClient::with_timeout(Arc::new(SystemNames), reach(config), timeout);
    client.context("the client for outbound webhooks")
}

/// What the handlers share.
///
/// # Errors
/// When the key that signs players' tokens cannot be read.
pub fn edge(
    config: &Config,
    flows: &Flows,
    live: Arc<Live>,
    requests: &Shutdown,
    servers: &Shutdown,
) -> anyhow::Result<Edge> {
    let settings = &config.player_tokens;
    let key = TokenKey::from_pem("player-token-1", settings.key_pem.expose_secret())?;
    let tokens = Tokens::new(&settings.issuer, &settings.audience, &[key])
        .context("reading the key that signs players' tokens")?
        .with_ttl_max(i64::try_from(settings.ttl_max.as_secs()).unwrap_or(i64::MAX));
    let hosts = config
        .operators
        .iter()
        .map(|operator| (OperatorId::trusted(&operator.id), operator.return_hosts.clone()));
    Ok(Edge {
        flows: flows.clone(),
        detach: Detach::new(requests.clone()),
        tokens: Arc::new(tokens),
        sessions: Arc::new(StoredSessions(flows.db.pool().clone())),
        names: Arc::new(GuardedNames::new(Arc::new(SystemNames), reach(config))),
        live,
        streams: OpenStreams::default(),
        body_bytes_max: config.server.body_bytes_max,
        return_hosts: Arc::new(hosts.collect()),
        people: Arc::new(api_keys(config)?.people()),
        closing: servers.clone(),
    })
}

/// Accounts whose webhooks anybody could have sent, and those that sign theirs, with the vendors.
fn webhook_senders(flows: &Flows) -> (BTreeSet<String>, BTreeSet<String>) {
    let vendors = flows.checks.identities.iter();
    let vendors = vendors.map(|vendor| format!("{}/{}", door::VENDORS, vendor.id));
    let ids = flows.psps.ids().map(str::to_owned).chain(vendors);
    ids.partition(|id| may_come_from_anybody(flows, id))
}

/// What stands around the handlers.
///
/// # Errors
/// When a key of the configuration cannot be used.
pub fn layers(
    config: &Config,
    edge: &Edge,
    nonces: NonceDesk,
    driven: &Driven,
    metrics: Arc<dyn Fn() -> String + Send + Sync>,
) -> anyhow::Result<Layers> {
    let rates = Arc::new(RateLimits::new(RateSettings {
        per_key: positive(config.limits.key_per_second),
        per_player: positive(config.limits.key_per_second),
        per_address: Some(positive(config.limits.address_per_second)),
        loopback_is_free: config.limits.loopback_exempt,
    }));
    let gate = Gate {
        keys: api_keys(config)?,
        plain_keys: config.plain_bearer,
        body_bytes_max: config.server.body_bytes_max,
        tokens: edge.tokens.clone(),
        nonces: Arc::new(StoredNonces(nonces)),
        sessions: edge.sessions.clone(),
        rates: rates.clone(),
        clock: edge.flows.clock.clone(),
    };
    let readiness = InstanceReadiness {
        flows: edge.flows.clone(),
        instance: config.instance.name.clone(),
        driven: driven.clone(),
    };
    let mut cors_origins = Vec::new();
    for origin in &config.server.cors_origins {
        match HeaderValue::from_str(origin) {
            Ok(origin) => cors_origins.push(origin),
            Err(_) => bail!("server.cors_origins: {origin} is no origin"),
        }
    }
    let (unproven, signed) = webhook_senders(&edge.flows);
    Ok(Layers {
        gate: Arc::new(gate),
        door: Arc::new(Door {
            trusted_proxies: config.server.trusted_proxies.clone(),
            rates,
            unproven,
            signed,
            patience: config.server.request_timeout,
        }),
        health: Health {
            readiness: Arc::new(SharedReadiness::new(readiness)),
            metrics,
            metrics_are_open: config.server.metrics_listen.is_none() && config.plain_bearer,
        },
        cors_origins,
    })
}

/// The pages for people; none without the key that they need.
pub fn pages(config: &Config, flows: &Flows, requests: &Shutdown) -> Option<Router> {
    let settings = &config.console;
    let key = ConsoleKey::of(settings.key.as_ref()?.expose_secret().as_bytes());
    let length = |time: Duration| time::Duration::try_from(time).unwrap_or(time::Duration::HOUR);
    let (idle, whole) = (length(settings.idle), length(settings.whole));
    let desk = Arc::new(ConsoleDesk::new(key, settings.totp_required, idle, whole));
    let over_tls = !config.in_sandbox;
    Some(console::router(Console { flows: flows.clone(), desk, over_tls, tasks: requests.clone() }))
}

fn api_keys(config: &Config) -> anyhow::Result<ApiKeys> {
    let keys = config.api_keys.iter().map(|key| ApiKey {
        id: key.id.clone(),
        operator: OperatorId::trusted(&key.operator_id),
        secrets: [Some(key.secret.clone()), key.second_secret.clone()]
            .into_iter()
            .flatten()
            .collect(),
        scopes: key.scopes.iter().filter_map(|scope| Scope::parse(scope.as_str())).collect(),
        person: key.person_id.as_deref().map(PersonId::trusted),
    });
    ApiKeys::new(keys).map_err(|fault| anyhow::anyhow!("api_keys: {fault}"))
}
