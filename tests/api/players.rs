//! What identifies a player stays as it was from the first payment on.

use crate::support::{Scene, Told, deposit, player};
use serde_json::{Value, json};

const PATH: &str = "/v1/players/p-1";

async fn put(scene: &Scene, record: &Value) -> Told {
    scene.ask("sk_demo", "PUT", PATH, Some(record.clone())).await
}

/// The record with one field as it is not.
fn with(record: &Value, field: &str, value: Value) -> Value {
    let mut changed = record.clone();
    changed[field] = value;
    changed
}

async fn is_taken(scene: &Scene, record: &Value) {
    let told = put(scene, record).await;
    assert_eq!(told.status, 200, "{told:?}");
}

#[tokio::test]
async fn what_identifies_a_player_changes_only_before_the_first_payment() {
    let scene = Scene::new().await;
    let unpaid = player();
    is_taken(&scene, &unpaid).await;
    for (field, value) in [
        ("country", json!("NL")),
        ("date_of_birth", json!("1979-01-02")),
        ("national_id", json!("L01X00T47")),
    ] {
        is_taken(&scene, &with(&unpaid, field, value)).await;
    }
    is_taken(&scene, &unpaid).await;
    let paid = scene.ask("sk_demo", "POST", "/v1/deposits", Some(deposit("p-1", "50.00"))).await;
    assert_eq!(paid.status, 201, "{paid:?}");
    assert_ne!(paid.text("/status"), "blocked");

    // One that was missing may be added; from then on it is known.
    let known = with(&unpaid, "national_id", json!("L01X00T47"));
    is_taken(&scene, &known).await;
    let mut without = known.clone();
    without.as_object_mut().unwrap().remove("national_id");
    for (field, record) in [
        ("country", with(&known, "country", json!("NL"))),
        ("date_of_birth", with(&known, "date_of_birth", json!("1979-01-02"))),
        ("national_id", with(&known, "national_id", json!("L01X00T48"))),
        ("national_id", without),
    ] {
        let told = put(&scene, &with(&record, "full_name", json!("Erika Musterfrau"))).await;
        assert_eq!((told.status, told.code()), (409, "player.field_locked"), "{told:?}");
        assert_eq!(told.text("/errors/0/pointer"), format!("/{field}"));
        let now = scene.ask("sk_demo", "GET", PATH, None).await;
        for (field, value) in known.as_object().unwrap().iter().filter(|(it, _)| *it != "kyc") {
            assert_eq!(now.body[field], *value, "nothing of a refused record is taken");
        }
    }
    is_taken(&scene, &with(&known, "full_name", json!("Erika Musterfrau"))).await;
}

/// A rise that is not due yet says from when on it can be confirmed, as every time is told.
#[tokio::test]
async fn a_rise_that_is_confirmed_too_early_says_when_it_can_be() {
    let scene = Scene::new().await;
    scene.player("p-1").await;
    let limits = |amount: &str| {
        let limit =
            json!({"kind": "deposit", "period": "day", "amount": amount, "currency": "EUR"});
        Some(json!([limit]))
    };
    let path = "/v1/players/p-1/limits";
    assert_eq!(scene.ask("sk_demo", "PUT", path, limits("100.00")).await.status, 200);
    let raised = scene.ask("sk_demo", "PUT", path, limits("200.00")).await;
    let due = raised.text("/0/pending/effective_at");
    assert!(due.ends_with('Z'), "{raised:?}");
    let told = scene.ask("sk_demo", "POST", &format!("{path}/confirm"), None).await;
    assert_eq!((told.status, told.code()), (422, "limit.invalid"), "{told:?}");
    assert!(told.text("/detail").contains(&format!(" {due} on")), "{due} in {told:?}");
}
