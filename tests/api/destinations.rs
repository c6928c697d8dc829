//! Where a withdrawal cannot go is said with the true cause, and points to what was sent and nothing else.

use crate::support::{Scene, Told, player};
use serde_json::{Value, json};

const GERMAN: &str = "DE89370400440532013000";

async fn rich(scene: &Scene, id: &str, (country, currency): (&str, &str)) {
    let mut record = player();
    (record["country"], record["currency"]) = (json!(country), json!(currency));
    record["national_id"] = json!("199012319876");
    let told = scene.ask("sk_demo", "PUT", &format!("/v1/players/{id}"), Some(record)).await;
    assert_eq!(told.status, 200, "{told:?}");
    let win = json!({"kind": "win", "amount": "500.00", "currency": currency, "reference": id});
    let path = format!("/v1/players/{id}/wallet-entries");
    assert_eq!(scene.ask("sk_demo", "POST", &path, Some(win)).await.status, 201);
}

async fn pay(
    scene: &Scene,
    id: &str,
    (amount, currency, method): (&str, &str, &str),
    to: Value,
) -> Told {
    let mut body =
        json!({"player_id": id, "amount": amount, "currency": currency, "method": method});
    if !to.is_null() {
        body["destination"] = to;
    }
    scene.ask("sk_demo", "POST", "/v1/withdrawals", Some(body)).await
}

fn iban(iban: &str) -> Value {
    json!({"type": "iban", "iban": iban, "holder_name": "Erika Mustermann"})
}

#[track_caller]
fn refused(told: &Told, pointers: &[&str], says: &str) {
    assert_eq!((told.status, told.code()), (422, "destination.not_payable"), "{told:?}");
    let errors = told.body["errors"].as_array().unwrap();
    let found: Vec<&str> = errors.iter().filter_map(|it| it["pointer"].as_str()).collect();
    assert_eq!(found, pointers);
    assert!(told.text("/detail").contains(says), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn money_goes_to_no_account_that_does_not_hold_it() {
    let scene = Scene::new().await;
    rich(&scene, "p-gb", ("GB", "GBP")).await;
    rich(&scene, "p-se", ("SE", "SEK")).await;
    rich(&scene, "p-de", ("DE", "EUR")).await;
    for (id, currency) in [("p-gb", "GBP"), ("p-se", "SEK")] {
        let told = pay(&scene, id, ("200.00", currency, "bank_transfer"), iban(GERMAN)).await;
        refused(&told, &["/destination"], "can pay this destination");
    }
    let british = iban("GB29NWBK60161331926819");
    let told = pay(&scene, "p-gb", ("20.00", "GBP", "bank_transfer"), british).await;
    refused(&told, &["/destination"], "can pay this destination");
    for (id, amount, currency, to) in [
        ("p-se", "200.00", "SEK", "SE3550000000054910000003"),
        ("p-de", "20.00", "EUR", GERMAN),
        ("p-de", "20.00", "EUR", "FI2112345600000785"),
    ] {
        let told = pay(&scene, id, (amount, currency, "bank_transfer"), iban(to)).await;
        assert_eq!(told.status, 201, "{told:?}");
    }
}

/// A token of nobody known is the card page's, and a bank would take it for an account of its own.
#[tokio::test(flavor = "multi_thread")]
async fn a_card_is_paid_by_the_method_card_alone() {
    let scene = Scene::new().await;
    rich(&scene, "p-de", ("DE", "EUR")).await;
    rich(&scene, "p-ca", ("CA", "CAD")).await;
    let card = json!({"type": "card", "token": "8415718415478572"});
    for (id, kind) in
        [("p-de", ("20.00", "EUR", "bank_transfer")), ("p-ca", ("20.00", "CAD", "interac"))]
    {
        let told = pay(&scene, id, kind, card.clone()).await;
        refused(&told, &["/destination"], "by the method card alone");
    }
    let good = pay(&scene, "p-de", ("20.00", "EUR", "card"), card).await;
    assert_eq!(good.status, 201, "{good:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_amount_that_nobody_pays_there_points_to_the_amount() {
    let scene = Scene::new().await;
    rich(&scene, "p-se", ("SE", "SEK")).await;
    let kind = ("0.01", "SEK", "bank_transfer");
    let told = pay(&scene, "p-se", kind, iban("SE3550000000054910000003")).await;
    refused(&told, &["/amount"], "pays less than");
    // Where none was sent, none is pointed to.
    let told = pay(&scene, "p-se", ("200.00", "SEK", "bank_transfer"), Value::Null).await;
    assert_eq!((told.status, told.code()), (422, "destination.no_source"), "{told:?}");
    assert_eq!(told.body["errors"], json!([]));
}
