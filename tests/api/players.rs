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

#[tokio::test]
async fn a_phone_and_a_national_id_have_the_shape_of_what_they_are() {
    let scene = Scene::new().await;
    let known = player();
    for (field, good) in [
        ("phone", "+46701234567"),
        ("phone", "+6834002"),
        ("phone", "+46 70 123 45 67"),
        ("phone", "(070) 123-45.67"),
        ("national_id", "L01X00T47"),
        ("national_id", "19900101-1234"),
        ("national_id", "900101+1234"),
        ("national_id", "ΑΒ 123456"),
        ("national_id", "X-1"),
    ] {
        is_taken(&scene, &with(&known, field, json!(good))).await;
    }
    let brazil = with(&with(&known, "country", json!("BR")), "currency", json!("BRL"));
    for good in ["52998224725", "529.982.247-25"] {
        is_taken(&scene, &with(&brazil, "national_id", json!(good))).await;
    }
    for (record, field, bad) in [
        (&known, "phone", "abc"),
        (&known, "phone", "070123456x"),
        (&known, "phone", "070+1234567"),
        (&known, "phone", "+12345"),
        (&known, "phone", "+1234567890123456"),
        (&known, "national_id", "- - -"),
        (&known, "national_id", "L01X<00T47>"),
        (&brazil, "national_id", "5299822472"),
        (&brazil, "national_id", "L01X00T4711"),
    ] {
        let told = put(&scene, &with(record, field, json!(bad))).await;
        let code = format!("{field}.malformed");
        assert_eq!((told.status, told.code()), (422, &*code), "{bad}: {told:?}");
        assert_eq!(told.text("/errors/0/pointer"), format!("/{field}"));
    }
    let case = json!({"kind": "player_fields", "player_id": "p-1", "note": "n",
                      "payload": {"national_id": "1<2"}});
    let told = scene.ask("sk_demo", "POST", "/v1/reviews", Some(case)).await;
    assert_eq!((told.status, told.code()), (422, "national_id.malformed"), "{told:?}");
    assert_eq!(told.text("/errors/0/pointer"), "/payload/national_id");
}

/// What an older release took keeps nobody from changing another field.
#[tokio::test]
async fn an_older_phone_may_be_sent_again_as_it_is() {
    let scene = Scene::new().await;
    is_taken(&scene, &player()).await;
    let older = "update player set phone = 'abc', national_id = '1<2', version = version + 1";
    sqlx::query(older).execute(scene.flows.db.pool()).await.unwrap();
    let known = with(&with(&player(), "phone", json!("abc")), "national_id", json!("1<2"));
    is_taken(&scene, &with(&known, "full_name", json!("Erika Musterfrau"))).await;
    for (field, bad) in [("phone", "abcd"), ("national_id", "1<3")] {
        let told = put(&scene, &with(&known, field, json!(bad))).await;
        assert_eq!((told.status, told.code()), (422, &*format!("{field}.malformed")), "{told:?}");
    }
}
