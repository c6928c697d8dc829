//! Errors in the form of RFC 7807, with TrueLayer's types and a trace id.

use http::StatusCode;
use serde_json::json;

use crate::faults::Answer;
use crate::ids;

/// A refusal, to become a problem document.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    status: StatusCode,
    kind: &'static str,
    title: &'static str,
    detail: String,
}

impl Problem {
    fn new(
        status: StatusCode,
        kind: &'static str,
        title: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        Self { status, kind, title, detail: detail.into() }
    }

    pub(super) fn invalid(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid-parameters", "Invalid Parameters", detail)
    }

    pub(super) fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "Forbidden", detail)
    }

    pub(super) fn not_found() -> Self {
        let detail = "The resource could not be found.";
        Self::new(StatusCode::NOT_FOUND, "not-found", "Not Found", detail)
    }

    pub(super) fn state(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "invalid-state", "Invalid State", detail)
    }

    pub(super) fn unauthenticated(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", "Unauthenticated", detail)
    }

    pub(super) fn concurrent() -> Self {
        let detail = "A request with this Idempotency-Key is in progress.";
        Self::new(
            StatusCode::CONFLICT,
            "idempotency-key-concurrency-conflict",
            "Idempotency-Key Concurrency Conflict",
            detail,
        )
    }

    pub(super) fn reused() -> Self {
        let detail = "The Idempotency-Key was used for a different request.";
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "idempotency-key-reuse",
            "Idempotency-Key Reuse",
            detail,
        )
    }

    pub(super) fn answer(&self) -> Answer {
        let body = json!({
            "type": format!("https://docs.truelayer.com/docs/error-types#{}", self.kind),
            "title": self.title,
            "status": self.status.as_u16(),
            "trace_id": ids::uuid().replace('-', ""),
            "detail": self.detail,
        });
        Answer {
            status: self.status,
            content_type: "application/problem+json",
            body: body.to_string(),
        }
    }
}
