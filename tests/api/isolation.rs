//! Another operator's ids are not found, on every route of the table.

use crate::support::{Scene, deposit, player};
use interlock::api::routes::{Access, RULES, Rule};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Everything of op_demo's that has an id, by the route's prefix.
async fn belongings(scene: &Scene) -> BTreeMap<&'static str, String> {
    scene.player("p-1").await;
    let ask = |method, path, body| scene.ask("sk_demo", method, path, body);
    let paid = ask("POST", "/v1/deposits", Some(deposit("p-1", "50.00"))).await;
    let win = json!({"kind": "win", "amount": "5000.00", "currency": "EUR", "reference": "win-1"});
    ask("POST", "/v1/players/p-1/wallet-entries", Some(win)).await;
    let iban = json!({"type": "iban", "iban": "DE89370400440532013000",
                      "holder_name": "Erika Mustermann"});
    let body = json!({"player_id": "p-1", "amount": "2000.00", "currency": "EUR",
                      "method": "bank_transfer", "destination": iban});
    let withdrawal = ask("POST", "/v1/withdrawals", Some(body)).await;
    assert_eq!(withdrawal.text("/status"), "in_review", "{withdrawal:?}");
    let decisions = ask("GET", "/v1/decisions", None).await;
    let reviews = ask("GET", "/v1/reviews", None).await;
    let body = json!({"url": "http://127.0.0.1:9/hook", "events": ["*"]});
    let endpoint = ask("POST", "/v1/webhook-endpoints", Some(body)).await;
    let session = json!({"player_id": "p-1", "ttl_s": 60});
    let session = ask("POST", "/v1/player-sessions", Some(session)).await;
    let event: uuid::Uuid = sqlx::query_scalar("select event_id from outbox_event limit 1")
        .fetch_one(scene.flows.db.pool())
        .await
        .unwrap();
    let found = BTreeMap::from([
        ("/v1/player-sessions/", session.text("/jti")),
        ("/v1/players/", "p-1".to_owned()),
        ("/v1/deposits/", paid.text("/id")),
        ("/v1/withdrawals/", withdrawal.text("/id")),
        ("/v1/payments/", paid.text("/id")),
        ("/v1/webhook-endpoints/", endpoint.text("/id")),
        ("/v1/events/", format!("evt_{}", event.simple())),
        ("/v1/decisions/", decisions.text("/data/0/id")),
        ("/v1/reviews/", reviews.text("/data/0/id")),
        ("/v1/incidents/", crate::incidents::of_demo(scene).await),
        ("/v1/routing/switches/", crate::routing::of_demo(scene).await),
    ]);
    assert!(found.values().all(|id| !id.is_empty()), "{found:?}");
    found
}

/// A body that would do, were the id one's own.
pub fn body_of(rule: &Rule) -> Option<Value> {
    let reference = json!({"kind": "win", "amount": "1.00", "currency": "EUR", "reference": "r"});
    match (rule.method.as_str(), rule.path) {
        ("POST", "/v1/player-sessions") => Some(json!({"player_id": "p-1", "ttl_s": 60})),
        ("PUT", "/v1/players/{player_id}") => Some(player()),
        ("POST", "/v1/players/{player_id}/wallet-entries") => Some(reference),
        ("PUT", "/v1/players/{player_id}/limits") => Some(json!([])),
        ("POST", "/v1/deposits") => Some(deposit("p-1", "50.00")),
        ("POST", "/v1/withdrawals") => Some(json!({"player_id": "p-1", "amount": "1.00",
            "currency": "EUR", "method": "bank_transfer"})),
        ("POST", "/v1/deposits/{id}/continue") => Some(json!({"query": "redirectResult=mine"})),
        ("POST", "/v1/deposits/{id}/return") => Some(json!({"reason": "mine now"})),
        ("POST", "/v1/reviews/{id}/propose") => Some(json!({"outcome": "approve", "note": "n"})),
        ("POST", "/v1/reviews/{id}/approve") => {
            Some(json!({"proposal": "prp_00000000000000000000000000000001"}))
        }
        ("POST", "/v1/reviews/{id}/refuse") => Some(json!({"note": "n"})),
        ("POST", "/v1/reviews") => {
            Some(json!({"kind": "exclusion_end", "player_id": "p-1", "note": "n"}))
        }
        ("POST", "/v1/reviews/{id}/assign") => Some(json!({"person_id": "person_c"})),
        ("POST", "/v1/reviews/{id}/notes" | "/v1/reviews/{id}/info") => Some(json!({"text": "t"})),
        ("POST", "/v1/reviews/{id}/request-info") => Some(json!({"text": "t"})),
        ("POST", "/v1/decisions/{id}/replay") => Some(json!({})),
        ("POST", "/v1/incidents/{id}/close") => Some(json!({"note": "mine now"})),
        ("POST", "/v1/routing/switches") => Some(json!({"country": "DE", "reason": "mine"})),
        ("POST", "/v1/routing/switches/{id}/lift") => Some(json!({"reason": "mine now"})),
        ("POST", "/v1/webhook-endpoints/{id}/redeliver") => {
            Some(json!({"since": "2026-01-01T00:00:00Z"}))
        }
        ("POST", "/v1/webhook-endpoints") => {
            Some(json!({"url": "http://127.0.0.1:9/", "events": ["*"]}))
        }
        _ => None,
    }
}

#[tokio::test]
async fn another_operators_ids_answer_404_on_every_route() {
    let scene = Scene::new().await;
    let ids = belongings(&scene).await;
    let mut looked_at = 0;
    // Policies are the installation's, and no operator's own: tests of their own look at them.
    let of_operators =
        |rule: &&Rule| rule.access != Access::Open && !rule.path.starts_with("/v1/policies");
    for rule in RULES.iter().filter(of_operators) {
        let (method, path) = (rule.method.as_str(), rule.path);
        let body = body_of(rule);
        // A casino's id of a player is its own: PUT makes another operator's own player.
        let is_put_player = method == "PUT" && path == "/v1/players/{player_id}";
        if is_put_player {
            continue;
        }
        looked_at += 1;
        if let Some((head, rest)) = path.split_once('{') {
            let tail = rest.split_once('}').map_or("", |(_, tail)| tail);
            let id = ids.get(head).unwrap_or_else(|| panic!("{method} {path} is not covered"));
            let told = scene.ask("sk_other", method, &format!("{head}{id}{tail}"), body).await;
            assert_eq!(told.status, 404, "{method} {path} {told:?}");
        } else if method == "GET" {
            let query =
                if path == "/v1/payment-methods" { "?player_id=p-1&direction=deposit" } else { "" };
            let told = scene.ask("sk_other", method, &format!("{path}{query}"), None).await;
            let text = told.body.to_string();
            let leaks = ids.values().any(|id| text.contains(id.as_str()));
            assert!(matches!(told.status, 200 | 404) && !leaks, "{method} {path} {told:?}");
        } else {
            let body = body.unwrap_or_else(|| panic!("{method} {path} is not covered"));
            let told = scene.ask("sk_other", method, path, Some(body)).await;
            // Neither names anybody: it becomes the other operator's own.
            let own = ["/v1/webhook-endpoints", "/v1/routing/switches"].contains(&path);
            let expected = if own { 201 } else { 404 };
            assert_eq!(told.status, expected, "{method} {path} {told:?}");
        }
    }
    assert_eq!(looked_at + 1, RULES.iter().filter(of_operators).count());
    let own = scene.ask("sk_demo", "GET", "/v1/players/p-1/wallet", None).await;
    assert_eq!(own.body["balances"][0]["available"], "3000.00", "nothing of it had an effect");
}
