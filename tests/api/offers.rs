//! What is offered is what the next payment is let in for: nothing that would be blocked, and nothing less.

use crate::support::{Scene, player};
use interlock::sandbox::players::{self, SAMPLES};
use serde_json::{Value, json};

/// What a player can deposit by: method and least amount.
async fn offered(scene: &Scene, id: &str, more: &str) -> Vec<(String, String)> {
    let path = format!("/v1/payment-methods?player_id={id}&direction=deposit{more}");
    let told = scene.ask("sk_demo", "GET", &path, None).await;
    assert_eq!(told.status, 200, "{told:?}");
    let rows = told.body["data"].as_array().unwrap();
    let word = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
    rows.iter().map(|row| (word(row, "method"), word(row, "min"))).collect()
}

async fn deposited(scene: &Scene, id: &str, currency: &str, offer: &(String, String)) -> Value {
    let (method, amount) = offer;
    let body = json!({"player_id": id, "amount": amount, "currency": currency, "method": method,
                      "return_url": "https://casino.example/back",
                      "device": {"ip": "203.0.113.7"}});
    let told = scene.ask("sk_demo", "POST", "/v1/deposits", Some(body)).await;
    assert_eq!(told.status, 201, "{told:?}");
    told.body
}

async fn put(scene: &Scene, id: &str, changed: Value) {
    let mut record = player();
    for (name, value) in changed.as_object().unwrap() {
        record[name] = value.clone();
    }
    let told = scene.ask("sk_demo", "PUT", &format!("/v1/players/{id}"), Some(record)).await;
    assert_eq!(told.status, 200, "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_markets_player_is_offered_what_the_next_deposit_is_let_in_for() {
    let scene = Scene::new().await;
    players::register(&scene.flows).await.unwrap();
    for sample in SAMPLES {
        let (id, currency) = (sample.id, sample.currency.code());
        let offers = offered(&scene, id, "").await;
        assert!(!offers.is_empty(), "{id} is offered nothing");
        for offer in &offers {
            let more = format!("&amount={}&currency={currency}", offer.1);
            assert!(offered(&scene, id, &more).await.contains(offer), "{id} {offer:?}");
            let deposit = deposited(&scene, id, currency, offer).await;
            assert_ne!(deposit["status"], "blocked", "{id} {offer:?}: {}", deposit["reasons"]);
        }
    }
}

/// What is known counts: what the casino said, and what a register has said.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_known_to_be_excluded_is_offered_nothing() {
    let scene = Scene::new().await;
    put(&scene, "p-1", json!({})).await;
    assert!(!offered(&scene, "p-1", "").await.is_empty());
    let exclusion = json!({"source": "self", "from": "2020-01-01T00:00:00Z"});
    put(&scene, "p-1", json!({"exclusion": exclusion})).await;
    assert!(offered(&scene, "p-1", "").await.is_empty());
    put(&scene, "p-2", json!({"full_name": "Erika Excluded"})).await;
    let offers = offered(&scene, "p-2", "").await;
    assert!(!offers.is_empty(), "nobody is asked for an offer");
    let deposit = deposited(&scene, "p-2", "EUR", &offers[0]).await;
    // The file of limits was not asked then, and what was not asked is no reason.
    let codes: Vec<&str> = deposit["reasons"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|it| it["code"].as_str())
        .collect();
    assert_eq!((&deposit["status"], codes), (&json!("blocked"), vec!["player.excluded"]));
    assert!(offered(&scene, "p-2", "").await.is_empty(), "the register has said it");
    let rules = "/v1/decisions?payment_id=";
    let path = format!("{rules}{}", deposit["id"].as_str().unwrap());
    let record = scene.ask("sk_demo", "GET", &path, None).await;
    let text = record.body.to_string();
    assert!(text.contains("limit.cross_operator_no_answer"), "it stays on record: {text}");
}

#[tokio::test]
async fn an_amount_that_makes_no_sense_is_422_in_a_query_too() {
    let scene = Scene::new().await;
    scene.player("p-1").await;
    let told = async |more: &str| {
        let path = format!("/v1/payment-methods?player_id=p-1&direction=deposit&{more}");
        let told = scene.ask("sk_demo", "GET", &path, None).await;
        (told.status, told.code().to_owned())
    };
    assert_eq!(told("amount=x&currency=EUR").await, (422, "amount.malformed".to_owned()));
    assert_eq!(told("amount=0&currency=EUR").await, (422, "amount.zero".to_owned()));
    assert_eq!(told("amount=1&currency=XXX").await, (400, "currency.unknown".to_owned()));
    assert_eq!(told("amount=1").await, (400, "currency.missing".to_owned()));
}
