//! Sumsub: `GET /resources/applicants/{id}/one`, each request signed, and its webhooks. The shapes: Sumsub's
//! public reference.

use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, OriginalUri, Path, State};
use axum::response::Response;
use axum::routing::get;
use http::{HeaderMap, StatusCode};
use openssl::hash::MessageDigest;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use super::Vendor;
use super::door::{Call, header_text, serve};
use super::identity::{Applicant, Verdict, hmac, verdict};
use super::rules::Operation;
use crate::clock;
use crate::faults::Answer;
use crate::server::Connection;

/// How far a request's clock may be off, in milliseconds.
const SKEW_MS: i128 = 60_000;
const SECONDS: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day] [hour]:[minute]:[second]");
const MILLIS: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day] [hour]:[minute]:[second].[subsecond digits:3]");

pub(super) fn routes(vendor: Arc<Vendor>) -> Router {
    Router::new().route("/resources/applicants/{id}/one", get(one)).with_state(vendor)
}

fn unauthorized() -> Answer {
    let body = json!({ "code": 401, "description": "Request signature mismatch" });
    Answer::json(StatusCode::UNAUTHORIZED, &body)
}

fn is_recognised(vendor: &Vendor, headers: &HeaderMap, path: &str) -> bool {
    let seconds = header_text(headers, "x-app-access-ts");
    let skew = vendor.setting("skew_ms").parse().unwrap_or(SKEW_MS);
    let now_ms = clock::now().unix_timestamp_nanos() / 1_000_000;
    let is_now = seconds.parse::<i64>().is_ok_and(|told| {
        let ahead_ms = i128::from(told) * 1_000 - now_ms;
        ahead_ms.abs() <= skew + 1_000
    });
    let expected =
        hmac(MessageDigest::sha256(), vendor.setting("secret_key"), &[seconds, "GET", path]);
    is_now
        && header_text(headers, "x-app-token") == vendor.setting("app_token")
        && header_text(headers, "x-app-access-sig") == expected
}

async fn one(
    State(vendor): State<Arc<Vendor>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    OriginalUri(uri): OriginalUri,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    if !is_recognised(&vendor, &headers, uri.path()) {
        return unauthorized().into_response();
    }
    let Some(applicant) = vendor.identity.find(&id) else {
        let body = json!({ "code": 404, "description": "Applicant not found" });
        return Answer::json(StatusCode::NOT_FOUND, &body).into_response();
    };
    let subjects = vec![applicant.player.as_str()];
    let call = Call { operation: Operation::Ask, connection, subjects, address: &applicant.name };
    serve(&vendor, call, unauthorized(), |plan| {
        Answer::json(StatusCode::OK, &view(&applicant, verdict(&applicant, plan)))
    })
    .await
}

fn seconds(at: OffsetDateTime) -> String {
    at.format(SECONDS).unwrap_or_default()
}

fn status(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pending => "pending",
        Verdict::Abandoned => "init",
        _ => "completed",
    }
}

fn result(verdict: Verdict) -> Value {
    let red = |kind: &str| {
        json!({ "reviewAnswer": "RED", "reviewRejectType": kind,
            "moderationComment": "Please upload a better photo.",
            "clientComment": "The document was forged; see the case of last week.",
            "rejectLabels": ["FORGERY", "BAD_SELFIE"] })
    };
    match verdict {
        Verdict::Approved => json!({ "reviewAnswer": "GREEN" }),
        Verdict::Rejected => red("FINAL"),
        Verdict::Retry => red("RETRY"),
        Verdict::Abandoned | Verdict::Pending | Verdict::Null => Value::Null,
    }
}

fn view(applicant: &Applicant, verdict: Verdict) -> Value {
    let mut review = json!({
        "reviewId": applicant.reference, "attemptId": "1", "attemptCnt": 1,
        "levelName": applicant.level, "createDate": seconds(applicant.created_at),
        "reviewStatus": status(verdict), "priority": 0,
    });
    if status(verdict) == "completed" {
        review["reviewDate"] = seconds(applicant.decided_at).into();
        review["reviewResult"] = result(verdict);
    }
    json!({
        "id": applicant.reference, "createdAt": seconds(applicant.created_at),
        "clientId": "mock", "inspectionId": format!("i{}", applicant.reference),
        "externalUserId": applicant.player, "sandboxMode": true,
        "info": { "firstName": applicant.name, "country": "DEU" }, "review": review,
    })
}

/// A webhook about an applicant.
pub(super) fn message(applicant: &Applicant, verdict: Verdict) -> Value {
    let (kind, at) = match verdict {
        Verdict::Pending => ("applicantPending", applicant.created_at),
        Verdict::Abandoned => ("applicantReset", applicant.decided_at),
        _ => ("applicantReviewed", applicant.decided_at),
    };
    let mut message = json!({
        "applicantId": applicant.reference, "inspectionId": format!("i{}", applicant.reference),
        "correlationId": format!("req-{}", applicant.reference), "applicantType": "individual",
        "externalUserId": applicant.player, "levelName": applicant.level, "sandboxMode": true,
        "type": kind, "reviewStatus": status(verdict), "clientId": "mock",
        "createdAt": format!("{}+0000", seconds(at)),
        "createdAtMs": at.format(MILLIS).unwrap_or_default(),
    });
    if kind == "applicantReviewed" {
        message["reviewResult"] = result(verdict);
    }
    message
}

pub(super) fn signed(secret: &str, body: &str, is_weak: bool) -> Vec<(&'static str, String)> {
    let (digest, algorithm) = if is_weak {
        (MessageDigest::sha1(), "HMAC_SHA1_HEX")
    } else {
        (MessageDigest::sha256(), "HMAC_SHA256_HEX")
    };
    vec![
        ("x-payload-digest", hmac(digest, secret, &[body])),
        ("x-payload-digest-alg", algorithm.to_owned()),
    ]
}
