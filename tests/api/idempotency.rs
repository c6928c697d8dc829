//! The same request twice is one payment, told twice in the same bytes.

use crate::isolation::body_of;
use crate::support::{Scene, deposit};
use interlock::api::routes::{Access, RULES};
use serde_json::json;
use std::time::Duration;
use tokio::io::AsyncWriteExt;

#[tokio::test]
async fn a_repeat_is_told_the_same_bytes_and_another_body_is_refused() {
    let scene = Scene::new().await;
    scene.player("p-1").await;
    let body = deposit("p-1", "50.00");
    let first = scene.ask_with("sk_demo", "POST", "/v1/deposits", Some(body.clone()), "k-1").await;
    assert_eq!(first.status, 201, "{first:?}");
    assert!(first.headers.get("idempotency-replayed").is_none());
    // The same human's other key, and the same body spelled differently.
    let spelled = json!({"return_url": "https://casino.example/back", "method": "bank_transfer",
                         "currency": "EUR", "amount": "50.00", "player_id": "p-1"});
    let again = scene.ask_with("sk_demo_b", "POST", "/v1/deposits", Some(spelled), "k-1").await;
    assert_eq!((again.status, &again.bytes), (201, &first.bytes));
    assert_eq!(again.headers["idempotency-replayed"], "true");
    let other = deposit("p-1", "51.00");
    let reused = scene.ask_with("sk_demo", "POST", "/v1/deposits", Some(other), "k-1").await;
    assert_eq!((reused.status, reused.code()), (422, "idempotency.key_reused"));
    let list = scene.ask("sk_demo", "GET", "/v1/deposits?player_id=p-1", None).await;
    assert_eq!(list.body["data"].as_array().map(Vec::len), Some(1), "{list:?}");
    let path = format!("/v1/deposits/{}", first.text("/id"));
    assert_eq!(scene.ask("sk_demo", "GET", &path, None).await.body["id"], first.body["id"]);
}

#[tokio::test]
async fn ten_at_once_open_one_deposit() {
    let scene = Scene::new().await;
    scene.player("p-1").await;
    let ask = || {
        let body = Some(deposit("p-1", "50.00"));
        scene.ask_with("sk_demo", "POST", "/v1/deposits", body, "k-1")
    };
    let told = futures_util::future::join_all((0..10).map(|_| ask())).await;
    for one in &told {
        assert_eq!((one.status, &one.bytes), (201, &told[0].bytes), "{one:?}");
    }
    let list = scene.ask("sk_demo", "GET", "/v1/deposits", None).await;
    assert_eq!(list.body["data"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_refusal_for_want_of_funds_burns_its_key() {
    let scene = Scene::new().await;
    scene.player("p-1").await;
    let iban = json!({"type": "iban", "iban": "DE89370400440532013000",
                      "holder_name": "Erika Mustermann"});
    let body = json!({"player_id": "p-1", "amount": "20.00", "currency": "EUR",
                      "method": "bank_transfer", "destination": iban});
    let ask = || scene.ask_with("sk_demo", "POST", "/v1/withdrawals", Some(body.clone()), "w-1");
    let first = ask().await;
    assert_eq!((first.status, first.code()), (422, "wallet.insufficient_funds"), "{first:?}");
    assert_eq!(first.text("/request_id"), first.headers["x-request-id"].to_str().unwrap());
    let win = json!({"kind": "win", "amount": "100.00", "currency": "EUR", "reference": "win-1"});
    let path = "/v1/players/p-1/wallet-entries";
    assert_eq!(scene.ask("sk_demo", "POST", path, Some(win)).await.status, 201);
    let again = ask().await;
    assert_eq!((again.status, &again.bytes), (422, &first.bytes));
    assert_eq!(again.headers["idempotency-replayed"], "true");
    let fresh = scene.ask("sk_demo", "POST", "/v1/withdrawals", Some(body.clone())).await;
    assert_eq!(fresh.status, 201, "{fresh:?}");
    let wallet = scene.ask("sk_demo", "GET", "/v1/players/p-1/wallet", None).await;
    let cash = &wallet.body["balances"][0];
    assert_eq!((&cash["available"], &cash["held"]), (&json!("80.00"), &json!("20.00")));
}

#[tokio::test]
async fn a_reference_is_taken_for_ever_and_names_its_payment() {
    let scene = Scene::new().await;
    scene.player("p-1").await;
    let mut body = deposit("p-1", "50.00");
    body["reference"] = json!("order-7");
    let first = scene.ask("sk_demo", "POST", "/v1/deposits", Some(body.clone())).await;
    let second = scene.ask("sk_demo", "POST", "/v1/deposits", Some(body)).await;
    assert_eq!((second.status, second.code()), (409, "payment.reference_taken"));
    assert_eq!(second.body["payment_id"], first.body["id"]);
    let found = scene.ask("sk_demo", "GET", "/v1/deposits?reference=order-7", None).await;
    assert_eq!(found.body["data"][0]["id"], first.body["id"]);
}

#[tokio::test]
async fn what_was_not_recorded_does_not_burn_its_key() {
    let scene = Scene::new().await;
    scene.player("p-1").await;
    let mut bad = deposit("p-1", "50.00");
    bad["currency"] = json!("JPY");
    bad["amount"] = json!("50");
    let refused = scene.ask_with("sk_demo", "POST", "/v1/deposits", Some(bad), "k-1").await;
    assert_eq!((refused.status, refused.code()), (422, "payment.currency_not_allowed"));
    let good = Some(deposit("p-1", "50.00"));
    assert_eq!(scene.ask_with("sk_demo", "POST", "/v1/deposits", good, "k-1").await.status, 201);
}

#[tokio::test]
async fn a_client_that_leaves_does_not_stop_its_deposit() {
    let scene = Scene::new().await;
    scene.player("p-1").await;
    let mut body = deposit("p-1", "50.00");
    body["reference"] = json!("left");
    let body = body.to_string();
    let head = format!(
        "POST /v1/deposits HTTP/1.1\r\nhost: x\r\nauthorization: Bearer sk_demo\r\n\
         content-type: application/json\r\nidempotency-key: k-1\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let mut socket = tokio::net::TcpStream::connect(scene.address).await.unwrap();
    socket.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    socket.flush().await.unwrap();
    drop(socket);
    let opened = tokio::time::timeout(Duration::from_secs(10), async {
        loop {
            let list = scene.ask("sk_demo", "GET", "/v1/deposits?reference=left", None).await;
            let told = list.text("/data/0/status");
            // Nobody is left to ask: the handler ran to its end without its client.
            if told == "failed" {
                return list.text("/data/0/id");
            }
        }
    })
    .await
    .expect("the deposit goes on without its client");
    let repeat: serde_json::Value = serde_json::from_str(&body).unwrap();
    let told = scene.ask_with("sk_demo", "POST", "/v1/deposits", Some(repeat), "k-1").await;
    assert_eq!((told.status, told.text("/id")), (201, opened));
    assert_eq!(told.headers["idempotency-replayed"], "true");
}

#[tokio::test]
async fn a_rotation_under_the_key_of_the_creation_rotates_and_its_repeat_says_so() {
    let scene = Scene::new().await;
    let body = json!({"url": "http://127.0.0.1:9/hook", "events": ["*"]});
    let ask = async |path: &str, body| scene.ask_with("sk_demo", "POST", path, body, "k-1").await;
    let made = ask("/v1/webhook-endpoints", Some(body)).await;
    assert_eq!(made.status, 201, "{made:?}");
    let path = format!("/v1/webhook-endpoints/{}/rotate-secret", made.text("/id"));
    let rotated = ask(&path, None).await;
    assert_eq!(rotated.status, 201, "{rotated:?}");
    assert_ne!(rotated.text("/secret"), made.text("/secret"));
    assert!(rotated.headers.get("idempotency-replayed").is_none());
    let again = ask(&path, None).await;
    assert_eq!((again.status, &again.bytes), (201, &rotated.bytes));
    assert_eq!(again.headers["idempotency-replayed"], "true");
}

#[tokio::test]
async fn a_repeat_is_told_its_deposit_after_its_host_was_taken_off_the_list() {
    let mut scene = Scene::new().await;
    scene.player("p-1").await;
    let body = Some(deposit("p-1", "50.00"));
    let first = scene.ask_with("sk_demo", "POST", "/v1/deposits", body.clone(), "before").await;
    assert_eq!(first.status, 201, "{first:?}");
    scene.take_return_hosts_away().await;
    let again = scene.ask_with("sk_demo", "POST", "/v1/deposits", body.clone(), "before").await;
    assert_eq!(again.status, 201, "{again:?}");
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert_eq!(again.bytes, first.bytes);
    let new = scene.ask_with("sk_demo", "POST", "/v1/deposits", body, "after").await;
    assert_eq!((new.status, new.code()), (422, "payment.return_url_not_allowed"));
}

/// Of what creates nothing, or does the same thing again, none is asked for.
#[tokio::test]
async fn whatever_creates_something_needs_a_key() {
    let scene = Scene::new().await;
    let mut needed = Vec::new();
    for rule in RULES.iter().filter(|rule| rule.method == "POST" && rule.access != Access::Open) {
        let path = rule.path.replace("{player_id}", "p-1").replace("{id}", "x");
        let told = scene.ask_keyless("POST", &path, body_of(rule)).await;
        if told.code() == "idempotency.key_missing" {
            assert_eq!(told.status, 400, "{told:?}");
            needed.push(rule.path);
        }
    }
    let expected = [
        "/v1/player-sessions",
        "/v1/players/{player_id}/wallet-entries",
        "/v1/deposits",
        "/v1/deposits/{id}/return",
        "/v1/withdrawals",
        "/v1/webhook-endpoints",
        "/v1/webhook-endpoints/{id}/rotate-secret",
        "/v1/reviews",
        "/v1/reviews/{id}/propose",
        "/v1/reviews/{id}/notes",
        "/v1/reviews/{id}/request-info",
        "/v1/reviews/{id}/info",
        "/v1/policies",
        "/v1/routing/switches",
    ];
    assert_eq!(needed, expected);
}
