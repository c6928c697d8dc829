//! L4, the HTTP edge: what casinos' backends, players' browsers and PSPs' webhooks reach.
//!
//! A request passes, from the outside in: [`door::finish`] (id, timing, problems, panics), CORS,
//! [`door::admit`] (address budget, patience), [`gate::pass`] (credentials, key budget, scope), an
//! extractor that reads the body strictly, and a handler that reads like a table of contents: it
//! parses, calls one flow, and renders a view. No handler knows SQL, a PSP or a rule of policy.

pub mod address;
pub mod amounts;
pub mod answers;
pub mod bodies;
pub mod caller;
pub mod detach;
pub mod docs;
pub mod door;
pub mod extract;
pub mod fields;
pub mod gate;
pub mod handlers;
pub mod health;
pub mod idempotency;
pub mod json;
pub mod keys;
pub mod open_streams;
pub mod problem;
pub mod rate;
pub mod refusals;
pub mod render;
pub mod return_url;
pub mod routes;
pub mod sign;
#[cfg(test)]
mod tests;
pub mod views;

use crate::access::token::Tokens;
use crate::domain::{OperatorId, PersonId};
use crate::flows::Flows;
use crate::outbox::live::Live;
use crate::shutdown::Shutdown;
use crate::webhooks::guard::GuardedNames;
use axum::Router;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{from_fn, from_fn_with_state};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tower_http::cors::{AllowOrigin, CorsLayer};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// What stands around the handlers.
#[derive(Debug, Clone)]
pub struct Layers {
    pub gate: Arc<gate::Gate>,
    pub door: Arc<door::Door>,
    pub health: health::Health,
    /// Browsers' pages that may call; never `*`.
    pub cors_origins: Vec<HeaderValue>,
}

/// The client certificate of a request's connection, in DER, which our own listener has checked.
#[derive(Debug, Clone)]
pub struct PeerCertificate(pub Arc<[u8]>);

/// What the handlers share. Clones share everything.
#[derive(Clone)]
pub struct Edge {
    pub flows: Flows,
    pub detach: detach::Detach,
    pub tokens: Arc<Tokens>,
    /// Whether a player's stream may go on, asked now and then.
    pub sessions: Arc<dyn gate::Sessions>,
    /// Judges where webhooks may be delivered to.
    pub names: Arc<GuardedNames>,
    /// Wakes streams whose payment has moved.
    pub live: Arc<Live>,
    /// How many streams everybody holds open.
    pub streams: open_streams::OpenStreams,
    /// Of a webhook; the gate holds the same for everything else.
    pub body_bytes_max: usize,
    /// Hosts that a `return_url` may name.
    pub return_hosts: Arc<BTreeMap<OperatorId, Vec<String>>>,
    /// The human beings who have keys.
    pub people: Arc<BTreeSet<(OperatorId, PersonId)>>,
    /// Asked to stop together with the servers: open streams end, or they would hold the stop up.
    pub closing: Shutdown,
}

impl std::fmt::Debug for Edge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Edge").finish_non_exhaustive()
    }
}

/// The whole API.
pub fn router(layers: &Layers, edge: &Edge) -> Router {
    part(layers, edge, true, true, Router::new())
}

/// The part of it that an instance's roles ask for: casinos' requests, PSPs' webhooks, or both.
/// Health and metrics are always there. `pages` stand behind the same door, and not behind the gate: they
/// know by themselves who may see them.
pub fn part(layers: &Layers, edge: &Edge, casinos: bool, psps: bool, pages: Router) -> Router {
    let v1 = casinos.then(|| handlers::v1().with_state(edge.clone()));
    let open = psps.then(|| handlers::open().with_state(edge.clone()));
    assemble(layers, v1, open.unwrap_or_default(), pages)
}

/// Puts the layers around the routes. `v1` stands behind the gate, `open` does not.
pub fn assemble(
    layers: &Layers,
    v1: Option<OpenApiRouter>,
    open: OpenApiRouter,
    pages: Router,
) -> Router {
    let pass = from_fn_with_state(Arc::clone(&layers.gate), gate::pass);
    let health = OpenApiRouter::new()
        .routes(routes!(health::livez))
        .routes(routes!(health::readyz))
        .routes(routes!(health::metrics))
        .with_state(layers.health.clone());
    let v1 = v1.map(|v1| v1.route_layer(pass)).unwrap_or_default();
    let (router, document) = health.merge(open).merge(v1).split_for_parts();
    let document = docs::complete(document);
    router
        .merge(docs::router(&document))
        .merge(pages)
        .fallback(async || extract::not_here())
        .method_not_allowed_fallback(async || {
            problem::Problem::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "request.method_not_allowed",
                "This address does not take this method: the header `allow` says which it takes.",
            )
        })
        .layer(from_fn_with_state(Arc::clone(&layers.door), door::admit))
        .layer(cors(&layers.cors_origins))
        .layer(from_fn(door::finish))
}

/// Lets listed pages call, without cookies, and nobody else.
fn cors(origins: &[HeaderValue]) -> CorsLayer {
    let own = |name: &'static str| HeaderName::from_static(name);
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins.to_vec()))
        .allow_methods([Method::GET, Method::POST, Method::PUT])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            own("idempotency-key"),
            own("last-event-id"),
            own("x-request-id"),
        ])
        .expose_headers([
            own("x-request-id"),
            own("server-timing"),
            own("idempotency-replayed"),
            header::RETRY_AFTER,
        ])
        .max_age(Duration::from_secs(600))
}
