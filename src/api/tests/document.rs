//! Table, router and document are one list.

use crate::api::handlers;
use crate::api::health;
use crate::api::routes::{Access, RULES};
use axum::http::Method;
use serde_json::Value;
use std::collections::BTreeSet;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

fn document() -> Value {
    let mut health: OpenApiRouter<health::Health> = OpenApiRouter::new()
        .routes(routes!(health::livez))
        .routes(routes!(health::readyz))
        .routes(routes!(health::metrics));
    let mut document = health.to_openapi();
    document.merge(handlers::v1().to_openapi());
    document.merge(handlers::open().to_openapi());
    serde_json::to_value(crate::api::docs::complete(document)).unwrap()
}

#[test]
fn every_route_is_in_the_table_and_in_the_document_and_nothing_else_is() {
    let document = document();
    let told: BTreeSet<(String, String)> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, item)| {
            let methods = item.as_object().unwrap().keys();
            methods.map(move |method| (method.to_uppercase(), path.clone()))
        })
        .collect();
    let ruled: BTreeSet<(String, String)> =
        RULES.iter().map(|rule| (rule.method.to_string(), rule.path.to_owned())).collect();
    assert_eq!(told, ruled);
    assert_eq!(RULES.len(), ruled.len(), "a route stands twice in the table");
}

#[test]
fn every_operation_tells_its_faults_and_every_schema_is_there() {
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    for rule in RULES {
        let operation = &document["paths"][rule.path][rule.method.as_str().to_lowercase()];
        let responses = operation["responses"].as_object().unwrap();
        let mut expected = vec!["429", "500", "503"];
        if rule.access != Access::Open {
            expected.extend(["400", "401", "403", "404", "413"]);
            assert!(operation["security"].is_array(), "{} {}", rule.method, rule.path);
        }
        if !operation["requestBody"].is_null() {
            expected.extend(["415", "422"]);
        }
        for status in expected {
            assert!(responses.contains_key(status), "{} {} {status}", rule.method, rule.path);
        }
        let has_success = responses.keys().any(|status| status.starts_with('2'));
        assert!(has_success, "{} {}", rule.method, rule.path);
    }
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for name in references(&document) {
        assert!(schemas.contains_key(&name), "the schema {name} is missing");
    }
    for name in ["Payment", "Problem", "NewDeposit", "NewWithdrawal", "Wallet", "Decision"] {
        assert!(schemas.contains_key(name), "the schema {name} is missing");
    }
}

#[test]
fn every_answer_tells_its_headers() {
    let document = document();
    for rule in RULES {
        let operation = &document["paths"][rule.path][rule.method.as_str().to_lowercase()];
        for (status, response) in operation["responses"].as_object().unwrap() {
            for header in ["x-request-id", "server-timing"] {
                let told = &response["headers"][header]["schema"]["type"];
                assert_eq!(told, "string", "{} {} {status} {header}", rule.method, rule.path);
            }
        }
        let wait = &operation["responses"]["429"]["headers"]["retry-after"];
        assert!(wait.is_object(), "{} {}", rule.method, rule.path);
    }
    let deposit = &document["paths"]["/v1/deposits"]["post"]["responses"]["201"]["headers"];
    assert!(deposit["idempotency-replayed"].is_object(), "{deposit}");
    let player = &document["paths"]["/v1/players/{player_id}"]["put"]["responses"]["200"];
    assert!(player["headers"]["idempotency-replayed"].is_null(), "{player}");
}

fn references(value: &Value) -> BTreeSet<String> {
    match value {
        Value::Object(members) => members
            .iter()
            .flat_map(|(key, value)| match (key.as_str(), value) {
                ("$ref", Value::String(to)) => {
                    to.rsplit('/').next().map(str::to_owned).into_iter().collect()
                }
                _ => references(value),
            })
            .collect(),
        Value::Array(items) => items.iter().flat_map(references).collect(),
        _ => BTreeSet::new(),
    }
}

#[test]
fn what_creates_wants_an_idempotency_key() {
    let document = document();
    let creating = [
        "/v1/deposits",
        "/v1/deposits/{id}/return",
        "/v1/withdrawals",
        "/v1/players/{player_id}/wallet-entries",
        "/v1/webhook-endpoints",
        "/v1/reviews",
        "/v1/reviews/{id}/propose",
        "/v1/reviews/{id}/notes",
        "/v1/reviews/{id}/request-info",
        "/v1/reviews/{id}/info",
        "/v1/player-sessions",
    ];
    for path in creating {
        let parameters = document["paths"][path]["post"]["parameters"].as_array().unwrap();
        let mut keys = parameters.iter().filter(|one| one["name"] == "Idempotency-Key");
        assert!(keys.any(|key| key["required"] == true), "POST {path}");
    }
    assert!(RULES.iter().any(|rule| rule.method == Method::POST));
}
