//! Elliptic AML v2: synchronous analyses of transactions and wallets, each request signed. The shapes and
//! the signature: Elliptic's public OpenAPI document.

use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, OriginalUri, Path, State};
use axum::response::Response;
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sign::Signer;
use serde_json::{Value, json};

use super::door::{Call, header_text, object, serve, with_rate};
use super::rules::Operation;
use super::script::Finding;
use super::{Case, Vendor};
use crate::clock;
use crate::faults::Answer;
use crate::server::Connection;

/// How far a request's clock may be off, in milliseconds.
const SKEW_MS: i128 = 300_000;

pub(super) fn routes(vendor: Arc<Vendor>) -> Router {
    Router::new()
        .route("/v2/wallet/synchronous", post(wallet))
        .route("/v2/analyses/synchronous", post(analysis))
        .route("/v2/wallet/{id}", get(again))
        .route("/v2/analyses/{id}", get(again))
        .with_state(vendor)
}

fn unauthorized() -> Answer {
    Answer::json(
        StatusCode::UNAUTHORIZED,
        &json!({ "message": "The request signature is invalid" }),
    )
}

/// base64(HMAC-SHA256(base64-decoded secret, timestamp + METHOD + lower(path?query) + body or `{}`)).
fn signature(
    secret: &str,
    timestamp: &str,
    method: &str,
    path: &str,
    body: &[u8],
) -> Option<String> {
    let key = PKey::hmac(&STANDARD.decode(secret).ok()?).ok()?;
    let mut signer = Signer::new(MessageDigest::sha256(), &key).ok()?;
    let body = if body.is_empty() { b"{}".as_slice() } else { body };
    for piece in [timestamp.as_bytes(), method.as_bytes(), path.to_lowercase().as_bytes(), body] {
        signer.update(piece).ok()?;
    }
    Some(STANDARD.encode(signer.sign_to_vec().ok()?))
}

fn knows(vendor: &Vendor, headers: &HeaderMap, method: &str, path: &str, body: &[u8]) -> bool {
    let timestamp = header_text(headers, "x-access-timestamp");
    let fresh = timestamp.parse::<i128>().is_ok_and(|told| {
        let now = clock::now().unix_timestamp_nanos() / 1_000_000;
        let skew: i128 = vendor.setting("skew_ms").parse().unwrap_or(SKEW_MS);
        (now - told).abs() <= skew
    });
    let expected = signature(vendor.setting("secret"), timestamp, method, path, body);
    fresh
        && header_text(headers, "x-access-key") == vendor.setting("key")
        && expected.as_deref() == Some(header_text(headers, "x-access-sign"))
}

async fn wallet(
    State(vendor): State<Arc<Vendor>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let request = object(&body).unwrap_or_default();
    let address = request["subject"]["hash"].as_str().unwrap_or_default().to_owned();
    let sound = request["type"] == "wallet_exposure" && request["subject"]["type"] == "address";
    analyse(&vendor, connection, (uri.path(), &headers, &body), request, &address, sound).await
}

async fn analysis(
    State(vendor): State<Arc<Vendor>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let request = object(&body).unwrap_or_default();
    let address = request["subject"]["output_address"].as_str().unwrap_or_default().to_owned();
    let kind = request["type"].as_str().unwrap_or_default();
    let sound = matches!(kind, "source_of_funds" | "destination_of_funds")
        && request["subject"]["type"] == "transaction";
    analyse(&vendor, connection, (uri.path(), &headers, &body), request, &address, sound).await
}

async fn analyse(
    vendor: &Arc<Vendor>,
    connection: Connection,
    (path, headers, body): (&str, &HeaderMap, &[u8]),
    request: Value,
    address: &str,
    sound: bool,
) -> Response {
    if !knows(vendor, headers, "POST", path, body) {
        return unauthorized().into_response();
    }
    let hash = request["subject"]["hash"].as_str().unwrap_or_default();
    let customer = request["customer_reference"].as_str().unwrap_or_default();
    if !sound || hash.is_empty() || customer.is_empty() {
        let message = json!({ "message": "The request body is invalid" });
        return Answer::json(StatusCode::BAD_REQUEST, &message).into_response();
    }
    let reference = format!("{customer}:{hash}");
    let subjects = vec![customer, hash];
    let call = Call { operation: Operation::Ask, connection, subjects, address };
    let response = serve(vendor, call, unauthorized(), |plan| {
        Answer::json(StatusCode::OK, &view(&vendor.ask(&reference, address, request.clone(), plan)))
    })
    .await;
    with_rate(response, 499)
}

async fn again(
    State(vendor): State<Arc<Vendor>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    OriginalUri(uri): OriginalUri,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    if !knows(&vendor, &headers, "GET", uri.path(), b"") {
        return unauthorized().into_response();
    }
    let Some(case) = vendor.peek(&id) else {
        let message = json!({ "message": "Not found" });
        return Answer::json(StatusCode::NOT_FOUND, &message).into_response();
    };
    let subjects = vec![case.reference.as_str()];
    let call = Call { operation: Operation::Query, connection, subjects, address: &case.address };
    serve(&vendor, call, unauthorized(), |_| {
        let case = vendor.look_up(&id).unwrap_or_else(|| case.clone());
        Answer::json(StatusCode::OK, &view(&case))
    })
    .await
}

fn view(case: &Case) -> Value {
    let ready = case.is_ready();
    let (score, rule) = match case.finding {
        _ if !ready => (Value::Null, None),
        Finding::Clean => (json!(0), None),
        Finding::Severe => (json!(10), Some(("Sanctions", "Sanctioned Entity"))),
        Finding::High => (json!(8.5), Some(("Illicit activity", "Thefts"))),
        Finding::Mixing => (json!(6.1), Some(("Obfuscation", "Mixer"))),
        Finding::Gambling => (json!(2.4), Some(("Gambling", "Gambling"))),
        Finding::NoScore => (Value::Null, None),
    };
    let side = if case.wire["type"] == "source_of_funds" { "source" } else { "destination" };
    let fired: Vec<Value> = rule
        .iter()
        .map(|(name, category)| {
            json!({
                "rule_id": "b1f0a5a8-5b3a-4c56-9c1b-1f1f1f1f1f1f", "rule_name": name,
                "rule_type": "exposure", "risk_score": score, "rule_history_id": "3c2b9d1e",
                "matched_elements": [{ "category": category, "contribution_percentage": 50.0,
                    "contribution_value": { "usd": 120.25 }, "exposure_type":
                        if case.finding == Finding::High { "indirect" } else { "direct" } }],
                "matched_behaviors": [],
            })
        })
        .collect();
    let scored = ready && !score.is_null();
    json!({
        "id": case.id, "type": case.wire["type"], "subject": case.wire["subject"],
        "customer": { "reference": case.wire["customer_reference"] },
        "created_at": clock::millis(case.created_at), "updated_at": clock::millis(clock::now()),
        "process_status": if ready { "complete" } else { "running" },
        "risk_score": score,
        "risk_score_detail": if scored { json!({ side: score }) } else { Value::Null },
        "evaluation_detail": if ready { json!({ side: fired }) } else { Value::Null },
        "contributions": {}, "detected_behaviors": [], "workflow_status": "active",
        "workflow_status_id": 0, "error": null,
    })
}
