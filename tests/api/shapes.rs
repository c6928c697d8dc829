//! What a deposit is paid with, where a withdrawal goes, and what a PSP must know of a player: good shapes
//! are taken, and a bad one is refused by a problem that names the place and says what to do next.

use crate::support::{Scene, Told, deposit, player};
use serde_json::{Value, json};

/// A refusal is problem+json with a code, the place, and a sentence to act on; and nothing was recorded.
#[track_caller]
fn refused(told: &Told, (status, code, pointer): (u16, &str, &str), says: &str) {
    assert_eq!((told.status, told.code()), (status, code), "{told:?}");
    assert_eq!(told.headers["content-type"], "application/problem+json");
    let errors = told.body["errors"].as_array().unwrap();
    let pointers: Vec<&str> = errors.iter().filter_map(|it| it["pointer"].as_str()).collect();
    assert!(pointers.contains(&pointer), "{pointers:?}");
    let text = told.body.to_string();
    assert!(text.contains(says), "`{says}` is not in {text}");
    assert!(!told.text("/request_id").is_empty());
}

async fn register(scene: &Scene, id: &str, country: &str, changed: Value) {
    let mut record = player();
    let currency = match country {
        "BR" => "BRL",
        "CA" => "CAD",
        "SE" => "SEK",
        "MT" => "USDT",
        _ => "EUR",
    };
    record["country"] = country.into();
    record["currency"] = currency.into();
    for (name, value) in changed.as_object().unwrap() {
        match value {
            Value::Null => drop(record.as_object_mut().unwrap().remove(name)),
            value => record[name] = value.clone(),
        }
    }
    let told = scene.ask("sk_demo", "PUT", &format!("/v1/players/{id}"), Some(record)).await;
    assert_eq!(told.status, 200, "{told:?}");
}

async fn win(scene: &Scene, id: &str, amount: &str, currency: &str) {
    let entry = json!({"kind": "win", "amount": amount, "currency": currency, "reference": id});
    let path = format!("/v1/players/{id}/wallet-entries");
    let told = scene.ask("sk_demo", "POST", &path, Some(entry)).await;
    assert_eq!(told.status, 201, "{told:?}");
}

async fn take(scene: &Scene, changed: Value) -> Told {
    let mut body = deposit("p-1", "20.00");
    for (name, value) in changed.as_object().unwrap() {
        body[name] = value.clone();
    }
    scene.ask("sk_demo", "POST", "/v1/deposits", Some(body)).await
}

async fn pay(scene: &Scene, id: &str, kind: (&str, &str, &str), destination: Value) -> Told {
    let (amount, currency, method) = kind;
    let body = json!({"player_id": id, "amount": amount, "currency": currency, "method": method,
                      "destination": destination});
    scene.ask("sk_demo", "POST", "/v1/withdrawals", Some(body)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deposits_instrument_is_of_its_method_and_well_shaped() {
    let scene = Scene::new().await;
    register(&scene, "p-1", "DE", json!({})).await;
    let card = |instrument: Value| json!({"method": "card", "instrument": instrument});
    let good = take(&scene, card(json!({"type": "card", "token": "8415718415478572"}))).await;
    assert_eq!(good.status, 201, "{good:?}");
    let number = take(&scene, card(json!({"type": "card", "token": "4111 1111 1111 1111"}))).await;
    let place = (422, "instrument.token_malformed", "/instrument/token");
    refused(&number, place, "never send a card's number here");
    assert!(!number.body.to_string().contains("4111"), "a card's number is not repeated");
    let none = take(&scene, card(json!({"type": "card"}))).await;
    refused(&none, (400, "request.invalid", "/instrument/token"), "token");
    let more = json!({"type": "card", "token": "t", "cvv": "123"});
    let more = take(&scene, card(more)).await;
    refused(&more, (400, "request.invalid", "/instrument/cvv"), "cvv");
    let cheque = take(&scene, card(json!({"type": "cheque"}))).await;
    refused(&cheque, (422, "instrument.type_unknown", "/instrument/type"), "card or crypto");
    let text = take(&scene, card("8415718415478572".into())).await;
    refused(&text, (400, "request.invalid", "/instrument"), "object");
    let coin = json!({"type": "crypto", "asset": "USDT", "network": "ethereum"});
    let place = (422, "payment.instrument_unsupported", "/instrument/type");
    refused(&take(&scene, card(coin)).await, place, "`card` goes with the method card");
}

/// What the database refuses would take whatever it is recorded with along.
#[tokio::test(flavor = "multi_thread")]
async fn a_text_with_u_0000_is_refused_and_a_return_url_is_what_anybody_reads() {
    let scene = Scene::new().await;
    register(&scene, "p-1", "DE", json!({})).await;
    let back = |url: &str| json!({"return_url": url});
    let nul = take(&scene, back("https://casino.example/\0")).await;
    refused(&nul, (400, "request.invalid", "/return_url"), "U+0000");
    let name = take(&scene, json!({"metadata": {"a": {"b\0": 1}}})).await;
    refused(&name, (400, "request.invalid", "/metadata/a"), "U+0000");
    for url in [
        r"https://casino.example\@evil.example/",
        "https://casino.example/\t",
        "https:casino.example",
    ] {
        let told = take(&scene, back(url)).await;
        refused(&told, (422, "return_url.malformed", "/return_url"), "without a backslash");
    }
    let asked = scene.ask("sk_demo", "GET", "/v1/deposits?reference=%00", None).await;
    assert_eq!((asked.status, asked.code()), (400, "request.invalid"), "{asked:?}");
    assert_eq!(take(&scene, json!({})).await.status, 201, "and a good one is taken");
}

#[tokio::test(flavor = "multi_thread")]
async fn coins_name_their_asset_and_their_network() {
    let scene = Scene::new().await;
    register(&scene, "p-1", "MT", json!({})).await;
    let coin = |instrument: Value| json!({"method": "crypto", "currency": "USDT", "instrument": instrument});
    let good = json!({"type": "crypto", "asset": "USDT", "network": "ethereum"});
    assert_eq!(take(&scene, coin(good)).await.status, 201);
    let small = json!({"type": "crypto", "asset": "usdt", "network": "ethereum"});
    let place = (422, "instrument.asset_malformed", "/instrument/asset");
    refused(&take(&scene, coin(small)).await, place, "capitals");
    let spaced = json!({"type": "crypto", "asset": "USDT", "network": "ERC 20"});
    let place = (422, "instrument.network_malformed", "/instrument/network");
    refused(&take(&scene, coin(spaced)).await, place, "`ethereum`");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_is_paid_by_a_token_and_never_by_its_number() {
    let scene = Scene::new().await;
    register(&scene, "p-1", "DE", json!({})).await;
    win(&scene, "p-1", "50.00", "EUR").await;
    let kind = ("20.00", "EUR", "card");
    let good = pay(&scene, "p-1", kind, json!({"type": "card", "token": "8415718415478572"})).await;
    assert_eq!(good.status, 201, "{good:?}");
    assert_eq!(good.text("/parts/0/destination/type"), "card");
    assert!(!good.body.to_string().contains("8415718415478572"), "the token is not told again");
    let number = json!({"type": "card", "token": "5555555555554444"});
    let told = pay(&scene, "p-1", kind, number).await;
    let place = (422, "instrument.token_malformed", "/destination/token");
    refused(&told, place, "never send a card's number here");
    let told = pay(&scene, "p-1", kind, json!({"type": "card", "token": ""})).await;
    refused(&told, (422, "instrument.token_malformed", "/destination/token"), "1 to 512");
    let told = pay(&scene, "p-1", kind, json!({"type": "card", "iban": "x"})).await;
    assert_eq!((told.status, told.code()), (400, "request.invalid"), "{told:?}");
}

/// None of the coins that are moved here has shared addresses: one that comes with a tag is somebody
/// else's kind of address, and coins that are sent there would be lost.
#[tokio::test(flavor = "multi_thread")]
async fn an_address_with_a_tag_is_not_payable_where_the_coin_has_none() {
    let scene = Scene::new().await;
    register(&scene, "p-1", "MT", json!({})).await;
    win(&scene, "p-1", "100.00", "USDT").await;
    let kind = ("20.00", "USDT", "crypto");
    let address = |more: Value| {
        let mut body = json!({"type": "crypto_address", "network": "ethereum", "asset": "USDT",
            "address": "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"});
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        body
    };
    let good = pay(&scene, "p-1", kind, address(json!({}))).await;
    assert_eq!(good.status, 201, "{good:?}");
    for wrong in [
        json!({"tag": "12345"}),
        json!({"network": "ripple"}),
        json!({"asset": "BTC"}),
        json!({"address": "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeA"}),
    ] {
        let told = pay(&scene, "p-1", kind, address(wrong.clone())).await;
        assert_eq!((told.status, told.code()), (422, "destination.not_payable"), "{wrong}");
    }
    let told = pay(&scene, "p-1", kind, address(json!({"address": "0x 1"}))).await;
    refused(&told, (422, "destination.address_invalid", "/destination/address"), "10 to 128");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_every_psp_of_a_market_needs_of_a_player_is_asked_for_by_its_place() {
    let scene = Scene::new().await;
    let says = "PUT the player with it";
    // Interac asks the payer by e-mail.
    register(&scene, "p-1", "CA", json!({"email": null})).await;
    let interac = json!({"method": "interac", "currency": "CAD", "device": {"ip": "203.0.113.7"}});
    let told = take(&scene, interac.clone()).await;
    refused(&told, (422, "player.field_missing", "/email"), says);
    register(&scene, "p-1", "CA", json!({})).await;
    let told = take(&scene, interac).await;
    assert_eq!(told.status, 201, "{told:?}");
    // Pix pays the account of a CPF.
    register(&scene, "p-2", "BR", json!({})).await;
    win(&scene, "p-2", "50.00", "BRL").await;
    let (kind, key) = (("20.00", "BRL", "pix"), json!({"type": "pix_key", "key": "52998224725"}));
    let told = pay(&scene, "p-2", kind, key.clone()).await;
    refused(&told, (422, "player.field_missing", "/national_id"), says);
    register(&scene, "p-2", "BR", json!({"national_id": "52998224725"})).await;
    // A key that is nobody's is refused before money is held for it.
    let wrong = json!({"type": "pix_key", "key": "52998224724"});
    let told = pay(&scene, "p-2", kind, wrong).await;
    refused(&told, (422, "destination.pix_key_invalid", "/destination/key"), "check digits");
    let told = pay(&scene, "p-2", kind, key).await;
    assert_eq!(told.status, 201, "{told:?}");
}

/// Where one PSP of two can do without, it is asked, and the payment tells why the other is not.
#[tokio::test(flavor = "multi_thread")]
async fn what_one_psp_needs_passes_it_over_and_its_reason_is_told() {
    let scene = Scene::new().await;
    register(&scene, "p-1", "CA", json!({})).await;
    let told = take(&scene, json!({"method": "interac", "currency": "CAD"})).await;
    assert_eq!(told.status, 201, "{told:?}");
    let candidates = told.body["route"]["candidates"].as_array().unwrap();
    let passed_over = candidates.iter().find(|it| it["rank"].is_null()).unwrap();
    assert_eq!(passed_over["psp"], "nuvei-ca");
    assert_eq!(passed_over["reason"], "needs the player's device.ip");
    register(&scene, "p-2", "BR", json!({"email": null})).await;
    let told = take(&scene, json!({"player_id": "p-2", "method": "pix", "currency": "BRL"})).await;
    let candidates = told.body["route"]["candidates"].as_array().unwrap();
    let passed_over = candidates.iter().find(|it| it["rank"].is_null()).unwrap();
    assert_eq!(passed_over["psp"], "mercadopago-br");
    assert_eq!(passed_over["reason"], "needs the player's email");
}

/// No database can be asked for a name with a NUL in it: there is nothing, and nothing broke.
#[tokio::test]
async fn a_nul_in_an_address_names_nothing() {
    let scene = Scene::new().await;
    for path in [
        "/v1/players/%00",
        "/v1/players/p%00/wallet",
        "/v1/deposits/%00",
        "/v1/policies/%00",
        "/v1/policies/%00/approve",
        "/v1/player-sessions/%00",
        "/v1/decisions/%00",
        "/v1/webhook-endpoints/%00/deliveries",
        "/webhooks/%00",
    ] {
        for (method, body) in [("GET", None), ("POST", Some(json!({"note": "n"})))] {
            let told = scene.ask("sk_demo", method, path, body).await;
            assert!([404, 405, 422].contains(&told.status), "{method} {path}: {told:?}");
        }
    }
}

/// A field that a birth date or a name is made of is never optional: the record itself is refused.
#[tokio::test(flavor = "multi_thread")]
async fn a_player_without_a_birth_date_is_no_record() {
    let scene = Scene::new().await;
    let mut record = player();
    record.as_object_mut().unwrap().remove("date_of_birth");
    let told = scene.ask("sk_demo", "PUT", "/v1/players/p-1", Some(record)).await;
    refused(&told, (400, "request.invalid", "/date_of_birth"), "date_of_birth");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payers_query_is_handed_on_as_it_is_and_one_that_nobody_waits_for_changes_nothing() {
    let scene = Scene::new().await;
    register(&scene, "p-1", "DE", json!({})).await;
    let card = json!({"method": "card"});
    let deposit = take(&scene, card).await;
    let path = format!("/v1/deposits/{}/continue", deposit.text("/id"));
    let hand_on = async |body: Value| scene.ask("sk_demo", "POST", &path, Some(body)).await;
    for query in ["", "?redirectResult=x%21y", "session=7&lang=de"] {
        let shown = hand_on(json!({"query": query})).await;
        assert_eq!((shown.status, shown.text("/id")), (200, deposit.text("/id")), "{query}");
        assert_eq!(shown.text("/status"), deposit.text("/status"));
    }
    let long = "x".repeat(32_001);
    for query in [long.as_str(), "a b", "a\u{e4}"] {
        let refusal = hand_on(json!({"query": query})).await;
        refused(&refusal, (422, "query.malformed", "/query"), "as it is");
    }
    let none = hand_on(json!({})).await;
    refused(&none, (400, "request.invalid", "/query"), "query");
    let foreign = scene.ask("sk_other", "POST", &path, Some(json!({"query": "a=b"}))).await;
    assert_eq!(foreign.status, 404);
}
