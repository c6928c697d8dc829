//! Who may cancel a withdrawal: players where their market lets them, and a casino's backend everywhere.

use crate::sessions::token;
use crate::support::{Scene, Told, player};
use serde_json::{Value, json};

/// A player of the market with 50.00, who withdraws 20.00 of it; the withdrawal's id.
async fn withdrawing(scene: &Scene, id: &str, (country, currency): (&str, &str)) -> String {
    let mut record = player();
    (record["country"], record["currency"]) = (json!(country), json!(currency));
    let told = scene.ask("sk_demo", "PUT", &format!("/v1/players/{id}"), Some(record)).await;
    assert_eq!(told.status, 200, "{told:?}");
    let win = json!({"kind": "win", "amount": "50.00", "currency": currency, "reference": id});
    let path = format!("/v1/players/{id}/wallet-entries");
    assert_eq!(scene.ask("sk_demo", "POST", &path, Some(win)).await.status, 201);
    let holder = "Erika Mustermann";
    let destination = match currency {
        "GBP" => json!({"type": "uk_account", "sort_code": "040004", "account_number": "12345678",
                        "holder_name": holder}),
        _ => json!({"type": "iban", "iban": "DE89370400440532013000", "holder_name": holder}),
    };
    let body = json!({"player_id": id, "amount": "20.00", "currency": currency,
                      "method": "bank_transfer", "destination": destination});
    let told = scene.ask("sk_demo", "POST", "/v1/withdrawals", Some(body)).await;
    assert_eq!((told.status, told.text("/status").as_str()), (201, "approved"), "{told:?}");
    told.text("/id")
}

async fn cancel(scene: &Scene, bearer: &str, id: &str) -> Told {
    scene.ask(bearer, "POST", &format!("/v1/withdrawals/{id}/cancel"), None).await
}

/// Available and held of the player's one wallet.
async fn cash(scene: &Scene, player: &str) -> (Value, Value) {
    let path = format!("/v1/players/{player}/wallet");
    let told = scene.ask("sk_demo", "GET", &path, None).await;
    let cash = &told.body["balances"][0];
    (cash["available"].clone(), cash["held"].clone())
}

#[tokio::test]
async fn a_player_cancels_a_withdrawal_only_where_the_market_allows_it() {
    let scene = Scene::new().await;
    let german = withdrawing(&scene, "p-de", ("DE", "EUR")).await;
    let british = withdrawing(&scene, "p-gb", ("GB", "GBP")).await;

    let (germans, _) = token(&scene, "p-de").await;
    let told = cancel(&scene, &germans, &german).await;
    assert_eq!((told.status, told.text("/status").as_str()), (200, "cancelled"), "{told:?}");
    assert_eq!(cash(&scene, "p-de").await, (json!("50.00"), json!("0.00")));

    let (britons, _) = token(&scene, "p-gb").await;
    let told = cancel(&scene, &britons, &british).await;
    assert_eq!((told.status, told.code()), (409, "withdrawal.not_cancellable"), "{told:?}");
    assert_eq!(cash(&scene, "p-gb").await, (json!("30.00"), json!("20.00")), "it goes on");
    // What the market forbids is the player's calling back, not the casino's.
    let told = cancel(&scene, "sk_demo", &british).await;
    assert_eq!((told.status, told.text("/status").as_str()), (200, "cancelled"), "{told:?}");
    assert_eq!(cash(&scene, "p-gb").await, (json!("50.00"), json!("0.00")));
}
