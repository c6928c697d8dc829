//! Whether this instance lives, whether it is ready, and what it counts.

use super::extract::not_here;
use super::gate::Boxed;
use super::problem::Problem;
use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// Looks at what this instance needs: database, migrations, lanes, the workers' heartbeats.
pub trait Readiness: Send + Sync {
    fn check(&self) -> Boxed<'_, Vec<Check>>;
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Check {
    #[schema(example = "database")]
    pub name: String,
    pub ok: bool,
    /// Plain words, without internals.
    #[schema(example = "reachable")]
    pub detail: String,
}

/// What the routes of this file need.
#[derive(Clone)]
pub struct Health {
    pub readiness: Arc<dyn Readiness>,
    /// Renders the metrics in Prometheus' text format.
    pub metrics: Arc<dyn Fn() -> String + Send + Sync>,
    /// Metrics are shown on this listener: never on the public one in production.
    pub metrics_are_open: bool,
}

impl std::fmt::Debug for Health {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Health")
            .field("metrics_are_open", &self.metrics_are_open)
            .finish_non_exhaustive()
    }
}

/// Every check, and whether all of them passed.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReadinessView {
    pub ready: bool,
    pub checks: Vec<Check>,
}

/// The process runs.
#[utoipa::path(get, path = "/livez", tag = "health",
    responses((status = 200, description = "The process runs.", body = String,
        content_type = "text/plain")))]
pub async fn livez() -> &'static str {
    "ok\n"
}

/// Requests can be served.
#[utoipa::path(get, path = "/readyz", tag = "health", responses(
    (status = 200, description = "Requests can be served.", body = ReadinessView),
    (status = 503, description = "Something is missing; the checks say what.", body = ReadinessView)))]
pub async fn readyz(State(health): State<Health>) -> Response {
    let checks = health.readiness.check().await;
    let ready = checks.iter().all(|check| check.ok);
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(ReadinessView { ready, checks })).into_response()
}

/// Everything that is counted, as Prometheus reads it.
#[utoipa::path(get, path = "/metrics", tag = "health", responses(
    (status = 200, description = "Prometheus text format.", body = String,
        content_type = "text/plain"),
    (status = 404, description = "Not shown on this listener.",
        body = super::problem::ProblemView, content_type = "application/problem+json")))]
pub async fn metrics(State(health): State<Health>) -> Result<Response, Problem> {
    if !health.metrics_are_open {
        return Err(not_here());
    }
    let kind = (header::CONTENT_TYPE, "text/plain; version=0.0.4");
    Ok(([kind], (health.metrics)()).into_response())
}
