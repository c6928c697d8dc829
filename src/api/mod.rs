//! L4, the HTTP edge: what casinos' backends, players' browsers and PSPs' webhooks reach.
//!
//! A request passes, from the outside in: [`door::finish`] (id, timing, problems, panics), CORS,
//! [`door::admit`] (address budget, patience), [`gate::pass`] (credentials, key budget, scope), an
//! extractor that reads the body strictly, and a handler that reads like a table of contents: it
//! parses, calls one flow, and renders a view. No handler knows SQL, a PSP or a rule of policy.

pub mod address;
pub mod bodies;
pub mod caller;
pub mod detach;
pub mod docs;
pub mod door;
pub mod extract;
pub mod fields;
pub mod gate;
pub mod health;
pub mod idempotency;
pub mod json;
pub mod keys;
pub mod problem;
pub mod rate;
pub mod routes;
pub mod sign;
#[cfg(test)]
mod tests;
pub mod views;

use axum::Router;
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::{from_fn, from_fn_with_state};
use std::sync::Arc;
use std::time::Duration;
use tower_http::cors::{AllowOrigin, CorsLayer};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// What the handlers share. Clones share everything.
#[derive(Debug, Clone)]
pub struct Edge {
    pub gate: Arc<gate::Gate>,
    pub door: Arc<door::Door>,
    pub detach: detach::Detach,
    pub health: health::Health,
    /// Browsers' pages that may call; never `*`.
    pub cors_origins: Vec<HeaderValue>,
}

/// Puts the layers around the routes. `v1` stands behind the gate, `open` does not.
pub fn assemble(edge: &Edge, v1: OpenApiRouter<Edge>, open: OpenApiRouter<Edge>) -> Router {
    let pass = from_fn_with_state(Arc::clone(&edge.gate), gate::pass);
    let (router, document) = open
        .routes(routes!(health::livez))
        .routes(routes!(health::readyz))
        .routes(routes!(health::metrics))
        .merge(v1.route_layer(pass))
        .split_for_parts();
    let document = docs::complete(document);
    router
        .merge(docs::router(&document))
        .fallback(async || extract::not_here())
        .method_not_allowed_fallback(async || {
            problem::Problem::new(
                axum::http::StatusCode::METHOD_NOT_ALLOWED,
                "request.method_not_allowed",
                "This address does not take this method.",
            )
        })
        .layer(from_fn_with_state(Arc::clone(&edge.door), door::admit))
        .layer(cors(&edge.cors_origins))
        .layer(from_fn(door::finish))
        .with_state(edge.clone())
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
