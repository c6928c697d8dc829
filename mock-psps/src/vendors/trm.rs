//! TRM Labs: addresses are screened at once, transfers are worked on; HTTP Basic with the key twice. The
//! shapes: public clients of v2.

use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, Path, State};
use axum::response::Response;
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::door::{Call, header_text, hold, object, serve};
use super::rules::Operation;
use super::script::{self, Finding};
use super::{Case, Vendor};
use crate::faults::Answer;
use crate::server::Connection;

pub(super) fn routes(vendor: Arc<Vendor>) -> Router {
    Router::new()
        .route("/public/v2/screening/addresses", post(addresses))
        .route("/public/v2/tm/transfers", post(transfer))
        .route("/public/v2/tm/transfers/{uuid}", get(again))
        .route("/public/v1/sanctions/screening", post(sanctions))
        .with_state(vendor)
}

fn unauthorized() -> Answer {
    Answer::json(StatusCode::UNAUTHORIZED, &json!({ "name": "UnauthorizedError", "status": 401 }))
}

fn bad_request(message: &str) -> Answer {
    let body = json!({ "name": "BadRequestError", "status": 400, "message": message });
    Answer::json(StatusCode::BAD_REQUEST, &body)
}

fn knows(vendor: &Vendor, headers: &HeaderMap) -> bool {
    let key = vendor.setting("api_key");
    let expected = format!("Basic {}", STANDARD.encode(format!("{key}:{key}")));
    header_text(headers, "authorization") == expected
}

/// Category and level of what is found; none: TRM knows nothing of it.
const fn category(finding: Finding) -> Option<(&'static str, u8, &'static str)> {
    match finding {
        Finding::Clean => Some(("Exchange", 1, "Low")),
        Finding::Severe => Some(("Sanctions", 15, "Severe")),
        Finding::High => Some(("Hacked or Stolen Funds", 10, "High")),
        Finding::Mixing => Some(("Mixer", 10, "High")),
        Finding::Gambling => Some(("Gambling", 5, "Medium")),
        Finding::NoScore => None,
    }
}

async fn addresses(
    State(vendor): State<Arc<Vendor>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if !knows(&vendor, &headers) {
        return unauthorized().into_response();
    }
    let request = object(&body).unwrap_or_default();
    let one = &request[0];
    let text = |key: &str| one[key].as_str().unwrap_or_default().to_owned();
    let (address, chain, account) = (text("address"), text("chain"), text("accountExternalId"));
    if address.is_empty() || chain.is_empty() {
        return bad_request("address and chain are required").into_response();
    }
    let subjects = vec![account.as_str()];
    let grip = connection.clone();
    let call = Call { operation: Operation::Ask, connection, subjects, address: &address };
    let mut is_ready = true;
    let response = serve(&vendor, call, unauthorized(), |plan| {
        let case = vendor.ask(&format!("{account}:{address}"), &address, one.clone(), plan);
        is_ready = case.is_ready();
        Answer::json(StatusCode::CREATED, &json!([screened(&case)]))
    })
    .await;
    // There is no word for "not yet" here: who asks waits.
    if is_ready { response } else { hold(&grip).await }
}

fn screened(case: &Case) -> Value {
    let found = category(case.finding);
    let indicators: Vec<Value> = found
        .iter()
        .filter(|_| case.finding != Finding::Clean)
        .map(|(category, level, label)| {
            json!({
                "category": category, "categoryId": "69", "categoryRiskScoreLevel": level,
                "categoryRiskScoreLevelLabel": label,
                "riskType": if case.finding == Finding::High { "COUNTERPARTY" } else { "OWNERSHIP" },
                "incomingVolumeUsd": "120.25", "outgoingVolumeUsd": "0", "totalVolumeUsd": "120.25",
            })
        })
        .collect();
    let entities: Vec<Value> = found
        .iter()
        .map(|(category, level, label)| {
            json!({
                "category": category, "categoryId": "69", "entity": "Mock Entity",
                "riskScoreLevel": level, "riskScoreLevelLabel": label, "trmUrn": "/entity/manual/mock",
                "trmAppUrl": "https://example.com/entity",
            })
        })
        .collect();
    json!({
        "accountExternalId": case.wire["accountExternalId"], "address": case.wire["address"],
        "chain": case.wire["chain"], "addressRiskIndicators": indicators, "entities": entities,
        "externalId": null, "trmAppUrl": "https://example.com/address",
    })
}

async fn transfer(
    State(vendor): State<Arc<Vendor>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if !knows(&vendor, &headers) {
        return unauthorized().into_response();
    }
    let request = object(&body).unwrap_or_default();
    let wanted = [
        "accountExternalId",
        "asset",
        "assetAmount",
        "chain",
        "destinationAddress",
        "externalId",
        "fiatCurrency",
        "fiatValue",
        "onchainReference",
        "timestamp",
        "transferType",
    ];
    if let Some(missing) = wanted.iter().find(|key| request.get(**key).is_none()) {
        return bad_request(&format!("{missing} is required")).into_response();
    }
    let text = |key: &str| request[key].as_str().unwrap_or_default().to_owned();
    let (reference, address) = (text("externalId"), text("destinationAddress"));
    let account = text("accountExternalId");
    let subjects = vec![account.as_str(), reference.as_str()];
    let call = Call { operation: Operation::Ask, connection, subjects, address: &address };
    serve(&vendor, call, unauthorized(), |plan| {
        let case = vendor.ask(&reference, &address, request.clone(), plan);
        // It is never worked out at once: who sends it must come back.
        Answer::json(StatusCode::CREATED, &monitored(&case, true))
    })
    .await
}

async fn again(
    State(vendor): State<Arc<Vendor>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    Path(uuid): Path<String>,
    headers: HeaderMap,
) -> Response {
    if !knows(&vendor, &headers) {
        return unauthorized().into_response();
    }
    let Some(case) = vendor.peek(&uuid) else {
        let body = json!({ "name": "NotFoundError", "status": 404 });
        return Answer::json(StatusCode::NOT_FOUND, &body).into_response();
    };
    let subjects = vec![case.reference.as_str()];
    let call = Call { operation: Operation::Query, connection, subjects, address: &case.address };
    serve(&vendor, call, unauthorized(), |_| {
        let case = vendor.look_up(&uuid).unwrap_or_else(|| case.clone());
        Answer::json(StatusCode::OK, &monitored(&case, false))
    })
    .await
}

fn monitored(case: &Case, first: bool) -> Value {
    let ready = case.is_ready() && !first;
    let found = category(case.finding).filter(|_| ready);
    let alerts: Vec<Value> = found
        .iter()
        .filter(|_| case.finding != Finding::Clean)
        .map(|(category, level, label)| {
            json!({
                "category": category, "riskScoreLevel": level, "riskScoreLevelLabel": label,
                "exposureType": if case.finding == Finding::High { "INDIRECT" } else { "DIRECT" },
                "fiatAmount": "120.25",
            })
        })
        .collect();
    let mut view = case.wire.clone();
    view["uuid"] = case.id.clone().into();
    view["screenStatus"] = if ready { "SUCCEEDED" } else { "PROCESSING" }.into();
    view["screenStatusFailReason"] = Value::Null;
    view["riskScoreLevel"] = found.map_or(Value::Null, |(_, level, _)| level.into());
    view["riskScoreLevelLabel"] = found.map_or(Value::Null, |(_, _, label)| label.into());
    view["alerts"] = alerts.into();
    view["counterparties"] = json!([]);
    view
}

async fn sanctions(
    State(vendor): State<Arc<Vendor>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if !knows(&vendor, &headers) {
        return unauthorized().into_response();
    }
    let request = object(&body).unwrap_or_default();
    let address = request[0]["address"].as_str().unwrap_or_default().to_owned();
    let call =
        Call { operation: Operation::Query, connection, subjects: Vec::new(), address: &address };
    serve(&vendor, call, unauthorized(), |_| {
        let listed = script::of_address(&address).finding == Some(Finding::Severe);
        Answer::json(StatusCode::CREATED, &json!([{ "address": address, "isSanctioned": listed }]))
    })
    .await
}
