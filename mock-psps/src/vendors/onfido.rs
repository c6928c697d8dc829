//! Onfido (Entrust): `GET /v3.6/checks/{id}` and `GET /v3.6/workflow_runs/{id}`, and its webhooks. The
//! shapes: Onfido's published OpenAPI document. What is of the level `check` is a check, all else a run of
//! that workflow.

use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, Path, State};
use axum::response::Response;
use axum::routing::get;
use http::{HeaderMap, StatusCode};
use openssl::hash::MessageDigest;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Vendor;
use super::door::{Call, header_text, serve};
use super::identity::{Applicant, Verdict, hmac, verdict};
use super::rules::Operation;
use crate::faults::Answer;
use crate::server::Connection;

pub(super) fn routes(vendor: Arc<Vendor>) -> Router {
    Router::new()
        .route("/v3.6/checks/{id}", get(one))
        .route("/v3.6/workflow_runs/{id}", get(one))
        .with_state(vendor)
}

fn unauthorized() -> Answer {
    let error = json!({ "type": "authorization_error", "message": "Authorization error" });
    Answer::json(StatusCode::UNAUTHORIZED, &json!({ "error": error }))
}

async fn one(
    State(vendor): State<Arc<Vendor>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let expected = format!("Token token={}", vendor.setting("api_token"));
    if header_text(&headers, "authorization") != expected {
        return unauthorized().into_response();
    }
    let Some(applicant) = vendor.identity.find(&id) else {
        let error = json!({ "type": "resource_not_found", "message": "Could not find it" });
        return Answer::json(StatusCode::NOT_FOUND, &json!({ "error": error })).into_response();
    };
    let subjects = vec![applicant.player.as_str()];
    let call = Call { operation: Operation::Ask, connection, subjects, address: &applicant.name };
    serve(&vendor, call, unauthorized(), |plan| {
        let verdict = verdict(&applicant, plan);
        let body = if is_check(&applicant) {
            check(&vendor, &applicant, verdict)
        } else {
            run(&applicant, verdict)
        };
        Answer::json(StatusCode::OK, &body)
    })
    .await
}

fn is_check(applicant: &Applicant) -> bool {
    applicant.level == "check"
}

fn time(at: OffsetDateTime) -> String {
    at.format(&Rfc3339).unwrap_or_default()
}

fn href(vendor: &Vendor, applicant: &Applicant) -> String {
    let path = if is_check(applicant) { "checks" } else { "workflow_runs" };
    format!("{}/v3.6/{path}/{}", vendor.base_url(), applicant.reference)
}

fn check(vendor: &Vendor, applicant: &Applicant, verdict: Verdict) -> Value {
    let result = match verdict {
        Verdict::Approved => json!("clear"),
        Verdict::Rejected | Verdict::Retry => json!("consider"),
        Verdict::Abandoned | Verdict::Pending | Verdict::Null => Value::Null,
    };
    json!({
        "id": applicant.reference, "applicant_id": applicant.reference,
        "created_at": time(applicant.created_at), "href": href(vendor, applicant),
        "status": check_status(verdict), "result": result, "sandbox": true,
        "tags": ["casino", format!("player:{}", applicant.player)],
        "report_ids": [], "applicant_provides_data": false,
    })
}

fn check_status(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pending => "in_progress",
        Verdict::Abandoned => "withdrawn",
        _ => "complete",
    }
}

fn run_status(verdict: Verdict) -> Value {
    json!(match verdict {
        Verdict::Approved => "approved",
        Verdict::Rejected => "declined",
        Verdict::Retry => "awaiting_input",
        Verdict::Abandoned => "abandoned",
        Verdict::Pending => "processing",
        Verdict::Null => return Value::Null,
    })
}

fn run(applicant: &Applicant, verdict: Verdict) -> Value {
    json!({
        "id": applicant.reference, "applicant_id": applicant.reference,
        "workflow_id": applicant.level, "workflow_version_id": 7,
        "created_at": time(applicant.created_at), "updated_at": time(applicant.decided_at),
        "status": run_status(verdict), "output": {}, "reasons": [], "error": null,
        "tags": [format!("player:{}", applicant.player)],
    })
}

/// A webhook about a check or a run.
pub(super) fn message(vendor: &Vendor, applicant: &Applicant, verdict: Verdict) -> Value {
    let is_open = verdict == Verdict::Pending;
    let (kind, status) = if is_check(applicant) {
        ("check", json!(check_status(verdict)))
    } else {
        ("workflow_run", run_status(verdict))
    };
    let action = if is_open { "started" } else { "completed" };
    let mut object = json!({
        "id": applicant.reference, "status": status, "href": href(vendor, applicant),
    });
    let (key, at) = if is_open {
        ("started_at_iso8601", applicant.created_at)
    } else {
        ("completed_at_iso8601", applicant.decided_at)
    };
    object[key] = time(at).into();
    json!({ "payload": {
        "resource_type": kind, "action": format!("{kind}.{action}"), "object": object,
    } })
}

/// Onfido signs in one way only; an old way of its own it does not have.
pub(super) fn signed(secret: &str, body: &str, is_weak: bool) -> Vec<(&'static str, String)> {
    if is_weak {
        return vec![("x-signature", hmac(MessageDigest::sha1(), secret, &[body]))];
    }
    vec![("x-sha2-signature", hmac(MessageDigest::sha256(), secret, &[body]))]
}
