//! Wallets over the API: as they are, as they were, and in which currencies there are any.

use crate::support::{Scene, deposit};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};

fn entry(kind: &str, amount: &str, currency: &str, reference: &str) -> Value {
    json!({"kind": kind, "amount": amount, "currency": currency, "reference": reference})
}

const ENTRIES: &str = "/v1/players/p-1/wallet-entries";

#[tokio::test]
async fn a_wallet_is_told_as_it_was_at_a_time() {
    let scene = Scene::new().await;
    scene.player("p-1").await;
    let book = |body| scene.ask("sk_demo", "POST", ENTRIES, Some(body));
    book(entry("win", "50.00", "EUR", "w-1")).await;
    book(entry("bonus_grant", "5.00", "EUR", "b-1")).await;
    let times = scene.ask("sk_demo", "GET", "/v1/players/p-1/entries", None).await;
    let (bonus_at, win_at) = (times.text("/data/0/recorded_at"), times.text("/data/1/recorded_at"));
    book(entry("stake", "20.00", "EUR", "s-1")).await;
    let at = |time: &str| {
        let path = format!("/v1/players/p-1/wallet?at={time}");
        let scene = &scene;
        async move { scene.ask("sk_demo", "GET", &path, None).await }
    };
    let purse = |told: &crate::support::Told, fund: &str| {
        let balances = told.body["balances"].as_array().unwrap().clone();
        let found = balances.into_iter().find(|balance| balance["fund"] == fund);
        found.map(|balance| balance["available"].as_str().unwrap().to_owned())
    };
    let first = at(&win_at).await;
    assert_eq!(purse(&first, "cash").as_deref(), Some("50.00"), "{first:?}");
    assert_eq!(purse(&first, "bonus").as_deref(), Some("0.00"));
    assert_eq!(purse(&at(&bonus_at).await, "bonus").as_deref(), Some("5.00"));
    let now = scene.ask("sk_demo", "GET", "/v1/players/p-1/wallet", None).await;
    assert_eq!(purse(&now, "cash").as_deref(), Some("30.00"));
    assert_eq!(at("2099-01-01T00:00:00Z").await.body, now.body);
    assert_eq!(at("2020-01-01T00:00:00Z").await.body, json!({"balances": []}));
    let bad = at("yesterday").await;
    assert_eq!(bad.status, 400, "{bad:?}");
}

/// The rows in which the house's sums stand are shared by all operators: nobody may fill them.
#[tokio::test]
async fn no_amount_is_larger_than_can_be_counted() {
    let scene = Scene::new().await;
    scene.player("p-1").await;
    let told = |amount: &'static str| {
        let body = entry("win", amount, "BTC", "w-1");
        let scene = &scene;
        async move { scene.ask("sk_demo", "POST", ENTRIES, Some(body)).await }
    };
    let large = told("10000000.00000001").await;
    assert_eq!((large.status, large.text("/errors/0/code")), (422, "amount.too_large".to_owned()));
    assert_eq!(large.text("/errors/0/pointer"), "/amount");
    assert!(large.text("/errors/0/detail").contains("10,000,000 BTC"), "{large:?}");
    // It is an amount; what it lacks is a market that plays with it.
    let largest = told("10000000").await;
    assert_eq!(largest.code(), "payment.currency_not_allowed", "{largest:?}");
}

#[tokio::test]
async fn a_list_of_entries_is_paged_and_takes_no_cursor_but_its_own() {
    let scene = Scene::new().await;
    scene.player("p-1").await;
    for n in 0..5 {
        let body = entry("win", "1.00", "EUR", &format!("w-{n}"));
        assert_eq!(scene.ask("sk_demo", "POST", ENTRIES, Some(body)).await.status, 201);
    }
    let list = |query: String| {
        let (scene, path) = (&scene, format!("/v1/players/p-1/entries?limit=2{query}"));
        async move { scene.ask("sk_demo", "GET", &path, None).await }
    };
    let (mut references, mut after) = (Vec::new(), String::new());
    loop {
        let page = list(after).await;
        let rows = page.body["data"].as_array().unwrap().clone();
        references.extend(rows.iter().map(|row| row["reference"].as_str().unwrap().to_owned()));
        let Some(next) = page.body["next"].as_str() else { break };
        after = format!("&after={next}");
    }
    assert_eq!(references, ["w-4", "w-3", "w-2", "w-1", "w-0"]);
    for position in ["", "EUR", "EUR.x.player_cash", "XXX.3.player_cash", "1767225600000000.0.3.0"]
    {
        let cursor = BASE64_URL_SAFE_NO_PAD.encode(format!("entries:{position}"));
        let told = list(format!("&after={cursor}")).await;
        assert_eq!(told.code(), "request.cursor_invalid", "{position}: {told:?}");
    }
}

#[tokio::test]
async fn a_reference_of_another_player_is_taken_whatever_the_entry_says() {
    let scene = Scene::new().await;
    for player in ["p-1", "p-2"] {
        scene.player(player).await;
        let path = format!("/v1/players/{player}/wallet-entries");
        let win = entry("win", "50.00", "EUR", &format!("w-{player}"));
        assert_eq!(scene.ask("sk_demo", "POST", &path, Some(win)).await.status, 201);
    }
    let stake = || Some(entry("stake", "5.00", "EUR", "round-7"));
    assert_eq!(scene.ask("sk_demo", "POST", ENTRIES, stake()).await.status, 201);
    assert_eq!(scene.ask("sk_demo", "POST", ENTRIES, stake()).await.status, 201, "told again");
    let others = "/v1/players/p-2/wallet-entries";
    let told = scene.ask("sk_demo", "POST", others, stake()).await;
    assert_eq!((told.status, told.code()), (409, "wallet_entry.reference_taken"), "{told:?}");
    let mut void = entry("void", "5.00", "EUR", "void-7");
    void["of"] = json!("round-7");
    let told = scene.ask("sk_demo", "POST", others, Some(void)).await;
    assert_eq!(told.status, 422, "{told:?}");
    for (player, cash) in [("p-1", "45.00"), ("p-2", "50.00")] {
        let path = format!("/v1/players/{player}/wallet");
        let wallet = scene.ask("sk_demo", "GET", &path, None).await;
        assert!(wallet.body.to_string().contains(&format!("\"{cash}\"")), "{player} {wallet:?}");
    }
}

#[tokio::test]
async fn no_wallet_is_opened_in_a_currency_that_the_market_does_not_allow() {
    let scene = Scene::new().await;
    scene.player("p-1").await;
    let body = entry("win", "50.00", "GBP", "w-1");
    let told = scene.ask("sk_demo", "POST", ENTRIES, Some(body)).await;
    assert_eq!((told.status, told.code()), (422, "payment.currency_not_allowed"), "{told:?}");
    assert_eq!(told.text("/errors/0/pointer"), "/currency");
    let wallet = scene.ask("sk_demo", "GET", "/v1/players/p-1/wallet", None).await;
    assert_eq!(wallet.body, json!({"balances": []}));
}

#[tokio::test]
async fn the_first_event_of_a_deposit_tells_its_first_attempt() {
    let scene = Scene::new().await;
    scene.player("p-1").await;
    let told = scene.ask("sk_demo", "POST", "/v1/deposits", Some(deposit("p-1", "50.00"))).await;
    let data: String =
        sqlx::query_scalar("select data::text from outbox_event where payment_sequence = 1")
            .fetch_one(scene.flows.db.pool())
            .await
            .unwrap();
    let data: Value = serde_json::from_str(&data).unwrap();
    assert_eq!(data["id"], told.body["id"]);
    assert_eq!(data["attempts"][0]["status"], "in_flight", "{data}");
    assert_eq!(data["attempts"].as_array().unwrap().len(), 1);
}

/// Each entry tells what it moved of each purse, and repeated tells it again.
#[tokio::test]
async fn an_entry_tells_what_it_moved_of_cash_and_of_bonus() {
    let scene = Scene::new().await;
    scene.player("p-1").await;
    for (kind, amount, cash, bonus) in [
        ("win", "10.00", "10.00", "0.00"),
        ("bonus_grant", "9.00", "0.00", "9.00"),
        ("bonus_to_cash", "4.00", "4.00", "4.00"),
        ("bonus_forfeit", "2.00", "0.00", "2.00"),
        ("stake", "15.00", "14.00", "1.00"),
    ] {
        for _ in 0..2 {
            let told =
                scene.ask("sk_demo", "POST", ENTRIES, Some(entry(kind, amount, "EUR", kind))).await;
            assert_eq!(told.status, 201, "{told:?}");
            let shares = (told.text("/cash"), told.text("/bonus"));
            assert_eq!(shares, (cash.to_owned(), bonus.to_owned()), "{kind}");
        }
    }
    let void = json!({"kind": "void", "amount": "15.00", "currency": "EUR", "reference": "void",
                      "of": "stake"});
    let told = scene.ask("sk_demo", "POST", ENTRIES, Some(void)).await;
    assert_eq!((told.text("/cash"), told.text("/bonus")), ("14.00".to_owned(), "1.00".to_owned()));
    let wallet = scene.ask("sk_demo", "GET", "/v1/players/p-1/wallet", None).await;
    let left = |at: &str| wallet.text(&format!("/balances/{at}/available"));
    assert_eq!((left("0"), left("1")), ("14.00".to_owned(), "3.00".to_owned()));
}

/// Whoever is excluded does not play on; what is open is played to its end.
#[tokio::test]
async fn who_is_excluded_or_frozen_stakes_nothing() {
    let scene = Scene::new().await;
    scene.player("p-1").await;
    let book = |kind: &'static str, reference: &'static str| {
        let body = entry(kind, "5.00", "EUR", reference);
        let scene = &scene;
        async move { scene.ask("sk_demo", "POST", ENTRIES, Some(body)).await }
    };
    assert_eq!(book("win", "w-1").await.status, 201);
    assert_eq!(book("stake", "s-1").await.status, 201);
    for (number, change) in [
        json!({"status": "frozen"}),
        json!({"exclusion": {"source": "self", "from": "2020-01-01T00:00:00Z"}}),
    ]
    .into_iter()
    .enumerate()
    {
        let mut record = crate::support::player();
        for (name, value) in change.as_object().unwrap() {
            record[name] = value.clone();
        }
        let put = scene.ask("sk_demo", "PUT", "/v1/players/p-1", Some(record)).await;
        assert_eq!(put.status, 200, "{put:?}");
        for kind in ["stake", "bonus_grant"] {
            let told = book(kind, "n-1").await;
            assert_eq!((told.status, told.code()), (409, "player.not_active"), "{kind} {change}");
        }
        // The same stake told again is the one of before, and a round that is open ends.
        assert_eq!(book("stake", "s-1").await.status, 201);
        assert_eq!(book("win", ["w-2", "w-3"][number]).await.status, 201);
    }
}
