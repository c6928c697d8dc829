//! Chainalysis KYT v2: transfers and withdrawal attempts are registered (202) and read when `updatedAt`
//! is set; and the free list of sanctioned addresses. Shapes: captured traffic of public clients of v2.

use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, Path, State};
use axum::response::Response;
use axum::routing::{get, post};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::door::{Call, header_text, object, serve};
use super::rules::Operation;
use super::script::Finding;
use super::{Case, Vendor};
use crate::clock;
use crate::faults::Answer;
use crate::server::Connection;

/// Numbers and names of `GET /v2/categories`.
const CATEGORIES: [(u16, &str); 14] = [
    (1, "child abuse material"),
    (2, "darknet market"),
    (3, "sanctioned entity"),
    (4, "no kyc exchange"),
    (6, "stolen funds"),
    (12, "ransomware"),
    (13, "mixing"),
    (16, "gambling"),
    (18, "scam"),
    (21, "exchange"),
    (23, "terrorist financing"),
    (25, "sanctioned jurisdiction"),
    (33, "privacy protocol"),
    (35, "malware"),
];

pub(super) fn routes(vendor: Arc<Vendor>) -> Router {
    Router::new()
        .route("/api/kyt/v2/users/{user}/transfers", post(transfer))
        .route("/api/kyt/v2/users/{user}/withdrawal-attempts", post(attempt))
        .route("/api/kyt/v2/{kind}/{id}", get(summary))
        .route("/api/kyt/v2/{kind}/{id}/{part}", get(part))
        .route("/api/kyt/v2/categories", get(categories))
        .route("/api/v1/address/{address}", get(sanctions))
        .with_state(vendor)
}

fn unauthorized() -> Answer {
    let body = json!({ "status": 401, "error": "Unauthorized", "message": "Invalid API token" });
    Answer::json(StatusCode::UNAUTHORIZED, &body)
}

fn bad_request(field: &str) -> Answer {
    let body =
        json!({ "status": 400, "error": "Bad Request", "message": format!("{field} is required") });
    Answer::json(StatusCode::BAD_REQUEST, &body)
}

fn not_found() -> Answer {
    Answer::json(StatusCode::NOT_FOUND, &json!({ "status": 404, "error": "Not Found" }))
}

fn knows(vendor: &Vendor, headers: &HeaderMap) -> bool {
    header_text(headers, "token") == vendor.setting("api_key")
}

async fn transfer(
    State(vendor): State<Arc<Vendor>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    Path(user): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let wanted = ["network", "asset", "transferReference", "direction"];
    register(&vendor, connection, &user, &headers, &body, "transferReference", &wanted).await
}

async fn attempt(
    State(vendor): State<Arc<Vendor>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    Path(user): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let wanted =
        ["network", "asset", "address", "attemptIdentifier", "assetAmount", "attemptTimestamp"];
    register(&vendor, connection, &user, &headers, &body, "attemptIdentifier", &wanted).await
}

async fn register(
    vendor: &Arc<Vendor>,
    connection: Connection,
    user: &str,
    headers: &HeaderMap,
    body: &[u8],
    name: &str,
    wanted: &[&str],
) -> Response {
    if !knows(vendor, headers) {
        return unauthorized().into_response();
    }
    let request = object(body).unwrap_or_default();
    let missing = wanted.iter().find(|field| request[**field].is_null());
    if let Some(field) = missing {
        return bad_request(field).into_response();
    }
    let reference = request[name].as_str().unwrap_or_default();
    let address = match name {
        "transferReference" => reference.rsplit_once(':').map_or("", |(_, address)| address),
        _ => request["address"].as_str().unwrap_or_default(),
    };
    let call =
        Call { operation: Operation::Ask, connection, subjects: vec![user, reference], address };
    serve(vendor, call, unauthorized(), |plan| {
        let case = vendor.ask(reference, address, request.clone(), plan);
        // It is never worked out at once: who registers must come back.
        let mut view = view(&case);
        view["updatedAt"] = Value::Null;
        Answer::json(StatusCode::ACCEPTED, &view)
    })
    .await
}

fn view(case: &Case) -> Value {
    let wire = &case.wire;
    let upper = |key: &str| wire[key].as_str().map(str::to_uppercase);
    let updated = case.is_ready().then(|| clock::millis(clock::now()));
    let mut view = json!({
        "updatedAt": updated, "asset": upper("asset"), "assetId": wire["assetId"],
        "network": upper("network"), "externalId": case.id, "assetAmount": wire["assetAmount"],
        "usdAmount": null,
    });
    if wire["attemptIdentifier"].is_null() {
        let (tx, output) = case.reference.rsplit_once(':').unwrap_or((&case.reference, ""));
        view["transferReference"] = case.reference.clone().into();
        view["tx"] = tx.into();
        view["idx"] = 0.into();
        view["outputAddress"] = output.into();
        view["timestamp"] = wire["transferTimestamp"].clone();
    } else {
        view["attemptIdentifier"] = case.reference.clone().into();
        view["address"] = wire["address"].clone();
    }
    view
}

async fn summary(
    State(vendor): State<Arc<Vendor>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    Path((kind, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    read(&vendor, connection, &headers, (&kind, &id), |vendor| {
        vendor.look_up(&id).map(|case| view(&case))
    })
    .await
}

async fn part(
    State(vendor): State<Arc<Vendor>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    Path((kind, id, part)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Response {
    read(&vendor, connection, &headers, (&kind, &id), |vendor| {
        let case = vendor.peek(&id)?;
        match part.as_str() {
            "exposures" => Some(exposures(&case)),
            "alerts" => Some(alerts(&case)),
            "network-identifications" => Some(json!({ "count": 1 })),
            "high-risk-addresses" => Some(high_risk(&case)),
            _ => None,
        }
    })
    .await
}

async fn read(
    vendor: &Arc<Vendor>,
    connection: Connection,
    headers: &HeaderMap,
    (kind, id): (&str, &str),
    find: impl FnOnce(&Vendor) -> Option<Value>,
) -> Response {
    if !knows(vendor, headers) {
        return unauthorized().into_response();
    }
    let known = vendor.peek(id).filter(|case| {
        let attempts = !case.wire["attemptIdentifier"].is_null();
        kind == if attempts { "withdrawal-attempts" } else { "transfers" }
    });
    let Some(case) = known else {
        return not_found().into_response();
    };
    let subjects = vec![case.reference.as_str()];
    let call = Call { operation: Operation::Query, connection, subjects, address: &case.address };
    serve(vendor, call, unauthorized(), |_| match find(vendor) {
        Some(view) => Answer::json(StatusCode::OK, &view),
        None => not_found(),
    })
    .await
}

/// Category of the counterparty, and whether the money touched it itself.
fn category(finding: Finding) -> Option<(u16, &'static str, bool)> {
    match finding {
        Finding::Clean => Some((21, "Mock Exchange", true)),
        Finding::Severe => Some((3, "Mock Sanctioned Entity", true)),
        Finding::High => Some((6, "Mock Hack", false)),
        Finding::Gambling => Some((16, "Mock Casino", true)),
        Finding::Mixing => Some((13, "Mock Mixer", true)),
        Finding::NoScore => None,
    }
}

fn exposures(case: &Case) -> Value {
    match category(case.finding).filter(|(_, _, direct)| *direct) {
        Some((id, name, _)) => json!({ "direct": { "name": name, "categoryId": id } }),
        None => json!({ "direct": { "name": null, "categoryId": null } }),
    }
}

fn alerts(case: &Case) -> Value {
    let level = match case.finding {
        Finding::Severe => "SEVERE",
        Finding::High => "HIGH",
        Finding::Mixing => "MEDIUM",
        Finding::Gambling => "LOW",
        Finding::Clean | Finding::NoScore => return json!({ "alerts": [] }),
    };
    let (id, service, direct) = category(case.finding).unwrap_or_default();
    let alert = json!({
        "alertLevel": level, "service": service, "externalId": case.id, "alertAmount": 120.25,
        "exposureType": if direct { "DIRECT" } else { "INDIRECT" }, "categoryId": id,
    });
    json!({ "alerts": [alert] })
}

fn high_risk(case: &Case) -> Value {
    let found = category(case.finding).filter(|_| case.finding == Finding::Severe);
    let list: Vec<Value> = found
        .iter()
        .map(
            |(id, name, _)| json!({ "addressName": name, "description": "mock", "categoryId": id }),
        )
        .collect();
    json!({ "customAddresses": [], "chainalysisIdentifications": list })
}

async fn categories(State(vendor): State<Arc<Vendor>>, headers: HeaderMap) -> Response {
    if !knows(&vendor, &headers) {
        return unauthorized().into_response();
    }
    let list: Vec<Value> = CATEGORIES
        .iter()
        .map(|(id, name)| json!({ "categoryId": id, "categoryName": name }))
        .collect();
    Answer::json(StatusCode::OK, &Value::Array(list)).into_response()
}

async fn sanctions(
    State(vendor): State<Arc<Vendor>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    Path(address): Path<String>,
    headers: HeaderMap,
) -> Response {
    let refused = || Answer::json(StatusCode::FORBIDDEN, &json!({ "message": "Forbidden" }));
    if header_text(&headers, "x-api-key") != vendor.setting("sanctions_key") {
        return refused().into_response();
    }
    let call =
        Call { operation: Operation::Query, connection, subjects: Vec::new(), address: &address };
    serve(&vendor, call, refused(), |_| {
        let listed = super::script::of_address(&address).finding == Some(Finding::Severe);
        let entry = json!({
            "category": "sanctions", "name": "SANCTIONS: mock entry", "description": "mock",
            "url": "https://example.com/list",
        });
        let list = if listed { vec![entry] } else { Vec::new() };
        Answer::json(StatusCode::OK, &json!({ "identifications": list }))
    })
    .await
}
