//! OpenSanctions' yente: `POST /match/{dataset}` and `GET /catalog`. The alias `best` of an algorithm is
//! taken, as the real one takes it: who must not use it is the caller.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, Path, Query, State};
use axum::response::Response;
use axum::routing::{get, post};
use bytes::Bytes;
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::Vendor;
use super::door::{Call, object, serve};
use super::people::{Person, found, is_pending};
use super::rules::{Operation, Plan};
use crate::faults::Answer;
use crate::ids;
use crate::server::Connection;

const ALGORITHMS: [&str; 5] = ["best", "logic-v1", "logic-v2", "name-based", "regression-v1"];

pub(super) fn routes(vendor: Arc<Vendor>) -> Router {
    Router::new()
        .route("/match/{dataset}", post(matched))
        .route("/catalog", get(catalog))
        .with_state(vendor)
}

fn refused() -> Answer {
    Answer::json(StatusCode::UNAUTHORIZED, &json!({ "detail": "Not authenticated" }))
}

fn bad_request(detail: &str) -> Response {
    Answer::json(StatusCode::BAD_REQUEST, &json!({ "detail": detail })).into_response()
}

async fn matched(
    State(vendor): State<Arc<Vendor>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    Path(dataset): Path<String>,
    Query(query): Query<BTreeMap<String, String>>,
    body: Bytes,
) -> Response {
    if dataset != "default" {
        let body = json!({ "detail": "No such dataset." });
        return Answer::json(StatusCode::NOT_FOUND, &body).into_response();
    }
    let algorithm = query.get("algorithm").map_or("best", String::as_str);
    if !ALGORITHMS.contains(&algorithm) {
        return bad_request("Invalid algorithm");
    }
    let request = object(&body).unwrap_or_default();
    let Some(queries) = request["queries"].as_object().filter(|all| !all.is_empty()).cloned()
    else {
        return bad_request("No queries provided.");
    };
    let first = queries.values().next().map(name_of).unwrap_or_default();
    let call =
        Call { operation: Operation::Ask, connection, subjects: Vec::new(), address: &first };
    serve(&vendor, call, refused(), |plan| {
        if is_pending(&first, plan) {
            return Answer::json(StatusCode::ACCEPTED, &json!({ "status": "indexing" }));
        }
        let responses: Map<String, Value> = queries
            .iter()
            .map(|(id, query)| (id.clone(), response(&vendor, query, plan)))
            .collect();
        Answer::json(StatusCode::OK, &json!({ "responses": responses, "limit": 25 }))
    })
    .await
}

fn name_of(query: &Value) -> String {
    query["properties"]["name"][0].as_str().unwrap_or_default().to_owned()
}

fn response(vendor: &Vendor, query: &Value, plan: &Plan) -> Value {
    let name = name_of(query);
    let found = match found(&name, plan, Person::Sanctioned, Person::Similar) {
        Person::Nobody | Person::Limited if vendor.people.was_added(&name) => Person::Sanctioned,
        found => found,
    };
    let (score, topics) = match found {
        Person::Sanctioned => (json!(1.0), json!(["sanction"])),
        Person::Similar => (json!(0.83), json!(["sanction"])),
        Person::Exposed => (json!(0.91), json!(["role.pep"])),
        Person::Unscored => (Value::Null, json!(["sanction"])),
        _ => {
            return json!({ "status": 200, "results": [], "total": { "value": 0, "relation": "eq" },
            "query": query });
        }
    };
    let result = json!({
        "id": format!("NK-{}", ids::derived_digits(&["yente", &name.to_lowercase()], 10)),
        "caption": name, "schema": "Person", "properties": { "name": [name], "topics": topics },
        "datasets": ["us_ofac_sdn"], "score": score, "match": true, "explanations": {},
    });
    json!({ "status": 200, "results": [result], "total": { "value": 1, "relation": "eq" },
        "query": query })
}

async fn catalog(
    State(vendor): State<Arc<Vendor>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
) -> Response {
    let call = Call { operation: Operation::Query, connection, subjects: Vec::new(), address: "" };
    serve(&vendor, call, refused(), |_| {
        let version = format!("20261121{:06}-abc", vendor.people.lists());
        let dataset = json!({ "name": "default", "title": "OpenSanctions Default", "load": true,
            "version": version, "index_version": version, "index_current": true });
        let body = json!({ "datasets": [dataset], "current": ["default"], "outdated": [],
            "index_stale": false });
        Answer::json(StatusCode::OK, &body)
    })
    .await
}
