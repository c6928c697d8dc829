//! Elliptic AML v2: synchronous analyses of transactions and wallets, each request signed. The shapes and
//! the signature: Elliptic's two public OpenAPI documents, which differ in how they tell which rules fired.

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
use crate::ids;
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
    let sound = request["type"] == "wallet_exposure"
        && request["subject"]["type"] == "address"
        && (is_chain(&request["subject"]) || is_of(&request["subject"], "BTC", "lightning"));
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
        && request["subject"]["type"] == "transaction"
        && request["subject"]["output_type"] == "address"
        && !address.is_empty()
        && is_chain(&request["subject"]);
    analyse(&vendor, connection, (uri.path(), &headers, &body), request, &address, sound).await
}

/// What both kinds of analyses take. Any other asset is part of what is `holistic`.
fn is_chain(subject: &Value) -> bool {
    let known =
        [("holistic", "holistic"), ("BCH", "bitcoin_cash"), ("ZEC", "zcash"), ("ZEN", "horizen")];
    known.iter().any(|(asset, blockchain)| is_of(subject, asset, blockchain))
}

fn is_of(subject: &Value, asset: &str, blockchain: &str) -> bool {
    subject["asset"] == asset && subject["blockchain"] == blockchain
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

/// What is found behind an address: the score, and of the rule that gave it its name, the category that it
/// matched, and how far from the address that is. Null says that no rule fired, and 0 that one did.
fn found(finding: Finding) -> Option<(f64, &'static str, &'static str, Distance)> {
    Some(match finding {
        Finding::Clean => (0.0, "Known merchants", "Payment Processor", Distance::OneHop),
        Finding::Severe => (10.0, "Sanctions", "Sanctioned Entity", Distance::Own),
        Finding::High => (8.5, "Illicit activity", "Thefts", Distance::Hops),
        Finding::Mixing => (6.1, "Obfuscation", "Mixer", Distance::OneHop),
        Finding::Gambling => (2.4, "Gambling", "Gambling", Distance::OneHop),
        Finding::NoScore => return None,
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Distance {
    /// The address is the entity's itself.
    Own,
    OneHop,
    Hops,
}

/// A `Contribution`, a `MatchedElement` and what that holds all tell their worth so.
fn shares(distance: Distance) -> Value {
    let of = |part| if distance == part { (50.0, 120.25) } else { (0.0, 0.0) };
    let (near, far) = (of(Distance::OneHop), of(Distance::Hops));
    json!({
        "contribution_percentage": 50.0, "contribution_value": { "usd": 120.25 },
        "counterparty_percentage": near.0, "counterparty_value": { "usd": near.1 },
        "indirect_percentage": far.0, "indirect_value": { "usd": far.1 },
    })
}

fn with(mut shares: Value, more: Value) -> Value {
    if let (Some(all), Value::Object(more)) = (shares.as_object_mut(), more) {
        all.extend(more);
    }
    shares
}

/// The `EvaluationDetail` and the `Contribution` of what is found.
fn fired(finding: Finding) -> Option<(Value, Value)> {
    let (score, rule, category, distance) = found(finding)?;
    let hops = match distance {
        Distance::Own => 0,
        Distance::OneHop => 1,
        Distance::Hops => 3,
    };
    let (entity, category_id) = (ids::derived_uuid(&["entity", rule]), id_of(category));
    let near = json!({
        "is_screened_address": distance == Distance::Own, "min_number_of_hops": hops,
    });
    let named = json!({ "entity": "An entity", "entity_id": entity });
    let contribution = with(with(shares(distance), near.clone()), named);
    let element = json!({
        "category": category, "category_id": category_id, "contributions": [contribution],
    });
    let evaluation = json!({
        "rule_id": id_of(rule), "rule_name": rule, "risk_score": score, "rule_type": "exposure",
        "rule_history_id": ids::derived_uuid(&["history", rule]),
        "matched_elements": [with(shares(distance), element)],
    });
    let entities = json!({ "entities": [{
        "name": "An entity", "category": category, "category_id": category_id, "entity_id": entity,
        "is_primary_entity": true, "is_vasp": null,
    }] });
    Some((evaluation, with(with(shares(distance), near), entities)))
}

fn id_of(name: &str) -> String {
    ids::derived_uuid(&["elliptic", name])
}

/// A `TransactionAnalysisSingleResponse` or a `WalletAnalysisResponse`: of a transaction the rules are a list, of
/// a wallet one for each side. While it is running there is no score, which no answer need have.
fn view(case: &Case) -> Value {
    let ready = case.is_ready();
    let is_wallet = case.wire["type"] == "wallet_exposure";
    let (rules, contributions): (Vec<Value>, Vec<Value>) =
        fired(case.finding).filter(|_| ready).into_iter().unzip();
    let of_sides = |all: Vec<Value>| match is_wallet {
        true => json!({ "source": [], "destination": all }),
        false => json!(all),
    };
    let now = clock::millis(clock::now());
    let mut view = json!({
        "id": case.id, "type": case.wire["type"], "subject": case.wire["subject"],
        "customer": { "id": id_of(&case.reference), "reference": case.wire["customer_reference"] },
        "analysed_by": { "id": id_of("key"), "type": "api_key" }, "team_id": id_of("team"),
        "created_at": clock::millis(case.created_at), "updated_at": now, "analysed_at": now,
        "blockchain_info": {}, "evaluation_detail": of_sides(rules),
        "contributions": of_sides(contributions), "detected_behaviors": [],
        "process_status": if ready { "complete" } else { "running" },
        "process_status_id": if ready { 2 } else { 1 }, "workflow_status": "active",
        "workflow_status_id": 1, "screening_source": "sync", "error": null,
    });
    let score = found(case.finding).map(|(score, ..)| score);
    if ready {
        view["risk_score"] = json!(score);
    }
    if is_wallet {
        view["cluster_entities"] = json!([]);
        if ready {
            view["risk_score_detail"] = json!({ "source": null, "destination": score });
        }
    }
    view
}
