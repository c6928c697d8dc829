//! Veriff: `GET /v1/sessions/{id}/decision`, signed over the session's id, and its two kinds of webhooks.
//! The shapes: Veriff's public documentation.

use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, Path, State};
use axum::response::Response;
use axum::routing::get;
use http::{HeaderMap, HeaderValue, StatusCode};
use openssl::hash::MessageDigest;
use openssl::sha::sha256;
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;

use super::Vendor;
use super::door::{Call, header_text, serve};
use super::identity::{Applicant, Verdict, hmac, verdict};
use super::rules::Operation;
use crate::faults::Answer;
use crate::server::Connection;

pub(super) fn routes(vendor: Arc<Vendor>) -> Router {
    Router::new().route("/v1/sessions/{id}/decision", get(decision)).with_state(vendor)
}

fn unauthorized() -> Answer {
    let body = json!({ "status": "fail", "code": "1818", "message": "Signature is invalid" });
    Answer::json(StatusCode::UNAUTHORIZED, &body)
}

async fn decision(
    State(vendor): State<Arc<Vendor>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let secret = vendor.setting("webhook_secret").to_owned();
    let expected = hmac(MessageDigest::sha256(), &secret, &[&id]);
    let is_recognised = header_text(&headers, "x-auth-client") == vendor.setting("api_key")
        && header_text(&headers, "x-hmac-signature") == expected;
    if !is_recognised {
        return unauthorized().into_response();
    }
    let Some(applicant) = vendor.identity.find(&id) else {
        let body = json!({ "status": "fail", "code": "1102", "message": "Session not found" });
        return Answer::json(StatusCode::NOT_FOUND, &body).into_response();
    };
    let subjects = vec![applicant.player.as_str()];
    let call = Call { operation: Operation::Ask, connection, subjects, address: &applicant.name };
    let mut signature = String::new();
    let mut response = serve(&vendor, call, unauthorized(), |plan| {
        let verification = verification(&applicant, verdict(&applicant, plan));
        let body = json!({ "status": "success", "verification": verification });
        let answer = Answer::json(StatusCode::OK, &body);
        signature = hmac(MessageDigest::sha256(), &secret, &[&answer.body]);
        answer
    })
    .await;
    if let Ok(signature) = HeaderValue::from_str(&signature)
        && response.status() == StatusCode::OK
    {
        response.headers_mut().insert("x-hmac-signature", signature);
    }
    response
}

fn verification(applicant: &Applicant, verdict: Verdict) -> Value {
    let (code, status) = match verdict {
        Verdict::Approved => (json!(9001), json!("approved")),
        Verdict::Rejected => (json!(9102), json!("declined")),
        Verdict::Retry => (json!(9103), json!("resubmission_requested")),
        Verdict::Abandoned => (json!(9121), json!("abandoned")),
        Verdict::Null => (json!(9001), Value::Null),
        Verdict::Pending => return Value::Null,
    };
    let decided = applicant.decided_at.format(&Rfc3339).unwrap_or_default();
    let reason = (verdict == Verdict::Rejected).then_some(101);
    json!({
        "id": applicant.reference, "attemptId": applicant.reference, "code": code,
        "status": status, "reason": null, "reasonCode": reason,
        "vendorData": applicant.player, "decisionTime": decided, "acceptanceTime": decided,
        "person": { "firstName": applicant.name }, "document": { "type": "PASSPORT" },
    })
}

/// A webhook about a session: an event while it is under way, a decision when it is over.
pub(super) fn message(applicant: &Applicant, verdict: Verdict) -> Value {
    if verdict == Verdict::Pending {
        return json!({
            "id": applicant.reference, "attemptId": applicant.reference, "feature": "selfid",
            "code": 7002, "action": "submitted", "vendorData": applicant.player,
        });
    }
    json!({ "status": "success", "verification": verification(applicant, verdict) })
}

/// The older signature is a plain hash of the body and the secret.
pub(super) fn signed(
    api_key: &str,
    secret: &str,
    body: &str,
    is_weak: bool,
) -> Vec<(&'static str, String)> {
    let client = ("x-auth-client", api_key.to_owned());
    if is_weak {
        return vec![
            client,
            ("x-signature", hex::encode(sha256(format!("{body}{secret}").as_bytes()))),
        ];
    }
    vec![client, ("x-hmac-signature", hmac(MessageDigest::sha256(), secret, &[body]))]
}
