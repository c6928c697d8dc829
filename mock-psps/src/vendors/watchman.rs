//! moov-io/watchman, v2: `GET /v2/search` and `GET /v2/listinfo`, no authentication (it runs inside of
//! the house).

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, Query, State};
use axum::response::Response;
use axum::routing::get;
use http::StatusCode;
use serde_json::{Value, json};

use super::Vendor;
use super::door::{Call, serve};
use super::people::{Person, found, is_pending};
use super::rules::Operation;
use crate::faults::Answer;
use crate::server::Connection;
use crate::{clock, ids};

pub(super) fn routes(vendor: Arc<Vendor>) -> Router {
    Router::new()
        .route("/v2/search", get(search))
        .route("/v2/listinfo", get(list_info))
        .with_state(vendor)
}

fn refused() -> Answer {
    Answer::json(StatusCode::UNAUTHORIZED, &json!({ "error": "unauthorized" }))
}

async fn search(
    State(vendor): State<Arc<Vendor>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    Query(query): Query<BTreeMap<String, String>>,
) -> Response {
    let name = query.get("name").cloned().unwrap_or_default();
    if name.is_empty() || query.get("type").is_none_or(|kind| kind != "person") {
        let body = json!({ "error": "name and type are required" });
        return Answer::json(StatusCode::BAD_REQUEST, &body).into_response();
    }
    let call = Call { operation: Operation::Ask, connection, subjects: Vec::new(), address: &name };
    serve(&vendor, call, refused(), |plan| {
        if is_pending(&name, plan) {
            return Answer::json(StatusCode::ACCEPTED, &json!({ "status": "indexing" }));
        }
        let found = match found(&name, plan, Person::Sanctioned, Person::Similar) {
            Person::Nobody | Person::Limited if vendor.people.was_added(&name) => {
                Person::Sanctioned
            }
            found => found,
        };
        let entities: Vec<Value> = entity(&name, found).into_iter().collect();
        Answer::json(StatusCode::OK, &json!({ "query": { "name": name }, "entities": entities }))
    })
    .await
}

fn entity(name: &str, found: Person) -> Option<Value> {
    let (list, score) = match found {
        Person::Sanctioned => ("us_ofac", json!(0.9812)),
        Person::Similar => ("us_ofac", json!(0.8421)),
        Person::Exposed => ("local_pep", json!(0.9405)),
        Person::Unscored => ("us_ofac", Value::Null),
        _ => return None,
    };
    Some(json!({
        "name": name, "entityType": "person", "sourceList": list,
        "sourceID": ids::derived_digits(&["watchman", &name.to_lowercase()], 6), "match": score,
        "person": { "name": name, "gender": "unknown" },
    }))
}

async fn list_info(
    State(vendor): State<Arc<Vendor>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
) -> Response {
    let call = Call { operation: Operation::Query, connection, subjects: Vec::new(), address: "" };
    serve(&vendor, call, refused(), |_| {
        let changed = vendor.people.lists().to_string();
        let hash = |list: &str| ids::derived_digits(&["list", list, &changed], 16);
        let now = clock::millis(clock::now());
        let body = json!({
            "lists": { "us_ofac": 17_646, "local_pep": 3 },
            "listHashes": { "us_ofac": hash("us_ofac"), "local_pep": hash("local_pep") },
            "startedAt": now, "endedAt": now, "version": "v0.60.0",
        });
        Answer::json(StatusCode::OK, &body)
    })
    .await
}
