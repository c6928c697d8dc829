//! CoinsPaid's wire: signatures over bytes, permanent addresses, transfers nobody asked for.

use serde_json::{Value, json};

use crate::chain::{Wallet, hmac_sha512, wallet};
use crate::harness::{digits, until};

fn person() -> Value {
    json!({ "first_name": "Friedrich", "last_name": "Müller", "date_of_birth": "1995-08-17" })
}

async fn address(w: &Wallet, owner: &str, coin: &str, convert_to: Option<&str>) -> String {
    let mut body = json!({
        "foreign_id": owner, "currency": coin, "end_user_reference": owner,
        "sender_type": "natural", "sender_data": person(),
    });
    if let Some(fiat) = convert_to {
        body["convert_to"] = fiat.into();
    }
    let (status, taken) = w.coinspaid("POST", "/addresses/take", &body).await;
    assert_eq!(status, 201, "{taken}");
    assert_eq!(taken["data"]["foreign_id"], owner);
    taken["data"]["address"].as_str().unwrap().to_owned()
}

fn withdrawal(foreign_id: &str) -> Value {
    json!({
        "foreign_id": foreign_id, "amount": "10.500000", "currency": "USDTT",
        "address": "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", "end_user_reference": "player-1",
        "sender_type": "legal",
        "sender_data": { "legal_name": "Example GmbH", "country_of_registration": "DEU" },
        "receiver_type": "natural", "receiver_data": person(),
    })
}

#[tokio::test]
async fn an_address_is_for_ever_and_whatever_arrives_is_told_twice() {
    let w = wallet().await;
    let first = address(&w, "player-1", "USDTT", None).await;
    assert_eq!(first, address(&w, "player-1", "USDTT", None).await);
    assert_ne!(first, address(&w, "player-2", "USDTT", None).await);
    assert_ne!(first, address(&w, "player-1", "USDTE", None).await);
    let payin = json!({ "address": first, "amount": "12.345678" });
    let (status, movement) = w.control("/psps/coinspaid/payins", payin).await;
    assert_eq!((status, &movement["status"]), (200, &json!("succeeded")));
    assert_eq!(movement["client_reference"], "player-1");
    let told = w.notified(2, |it| it["type"] == "deposit").await;
    assert_eq!(told[0].json()["status"], "not_confirmed");
    let confirmed = told[1].json();
    assert_eq!(confirmed["status"], "confirmed");
    assert_eq!(confirmed["crypto_address"]["foreign_id"], "player-1");
    assert_eq!(confirmed["currency_received"]["amount"], "12.34567800");
    for callback in &told {
        let signature = callback.headers["x-processing-signature"].to_str().unwrap();
        assert_eq!(signature, hmac_sha512(&callback.body));
        assert_eq!(callback.headers["x-processing-key"], "public");
    }
}

#[tokio::test]
async fn a_transfer_is_confirmed_block_by_block() {
    let w = wallet().await;
    let address = address(&w, "player-1", "USDTT", None).await;
    let payin = json!({ "address": address, "amount": "5", "confirmations": 3 });
    let (_, seen) = w.control("/psps/coinspaid/payins", payin).await;
    assert_eq!(seen["status"], "pending");
    let confirmations = async |count: u32| {
        let more = json!({ "reference": seen["reference"], "amount": "5", "confirmations": count });
        w.control("/psps/coinspaid/payins", more).await.1["status"].clone()
    };
    assert_eq!(confirmations(18).await, "pending");
    assert_eq!(confirmations(19).await, "succeeded");
    assert_eq!(w.movements("coinspaid").await.len(), 1);
    let told = w.notified(3, |it| it["type"] == "deposit").await;
    let statuses: Vec<_> = told.iter().map(|it| it.json()["status"].clone()).collect();
    assert_eq!(statuses, ["not_confirmed", "not_confirmed", "confirmed"]);
}

#[tokio::test]
async fn nobody_pays_to_an_address_that_nobody_has_or_in_another_coin() {
    let w = wallet().await;
    let address = address(&w, "player-1", "BTC", None).await;
    let pay = async |body: Value| w.control("/psps/coinspaid/payins", body).await.0;
    assert_eq!(pay(json!({ "address": "3nobody", "amount": "1" })).await, 404);
    assert_eq!(pay(json!({ "address": address, "amount": "1", "currency": "ETH" })).await, 422);
    assert_eq!(pay(json!({ "address": address, "amount": "0.000000001" })).await, 422);
    assert_eq!(pay(json!({ "reference": "player-1", "amount": "0.5" })).await, 200);
}

#[tokio::test]
async fn a_foreign_id_is_paid_once_and_found_again() {
    let w = wallet().await;
    let foreign_id = digits();
    let asked = json!({ "foreign_id": foreign_id });
    let (status, _) = w.coinspaid("GET", "/transactions/info", &asked).await;
    assert_eq!(status, 404);
    let (status, made) = w.coinspaid("POST", "/withdrawal/crypto", &withdrawal(&foreign_id)).await;
    assert_eq!((status, &made["data"]["status"]), (201, &json!("processing")));
    assert_eq!(made["data"]["sender_amount"], "10.50000000");
    let (status, again) = w.coinspaid("POST", "/withdrawal/crypto", &withdrawal(&foreign_id)).await;
    assert_eq!(status, 400);
    assert_eq!(again["errors"]["foreign_id"], "The foreign id has already been taken.");
    assert_eq!(w.movements("coinspaid").await.len(), 1);
    w.notified(1, |it| it["type"] == "withdrawal" && it["status"] == "confirmed").await;
    let (status, found) = w.coinspaid("GET", "/transactions/info", &asked).await;
    assert_eq!((status, &found["status"]), (200, &json!("confirmed")));
    assert_eq!(found["id"], made["data"]["id"]);
    assert!(found["transactions"][0]["txid"].is_string());
}

#[tokio::test]
async fn what_is_not_signed_over_its_very_bytes_is_refused() {
    let w = wallet().await;
    let body = withdrawal(&digits()).to_string();
    let signature = hmac_sha512(body.as_bytes());
    let other = body.replace("10.500000", "99.500000");
    let path = "/withdrawal/crypto";
    let (status, refused) = w.coinspaid_raw("POST", path, other, &signature).await;
    assert_eq!((status, &refused["code"]), (403, &json!("bad_header_signature")));
    let (status, _) = w.coinspaid_raw("POST", path, "{".to_owned(), &hmac_sha512(b"{")).await;
    assert_eq!(status, 400);
    for (field, value) in
        [("address", "TR7NHqjeKQ"), ("currency", "DOGE"), ("amount", "-1"), ("foreign_id", "")]
    {
        let mut broken = withdrawal(&digits());
        broken[field] = value.into();
        let (status, refused) = w.coinspaid("POST", path, &broken).await;
        assert_eq!(status, 400);
        assert!(refused["errors"][field].is_string(), "{field}: {refused}");
    }
    assert!(w.movements("coinspaid").await.is_empty());
}

#[tokio::test]
async fn who_sends_and_who_is_paid_must_be_named() {
    let w = wallet().await;
    let asked = json!({
        "foreign_id": "player-1", "currency": "USDTT", "end_user_reference": "player-1",
        "sender_type": "natural", "sender_data": person(),
    });
    let refused = async |path: &str, body: &Value, field: &str| {
        let (status, answer) = w.coinspaid("POST", path, body).await;
        assert_eq!(status, 400, "{path} {field}: {answer}");
        let named = field.split('/').next().unwrap();
        assert!(answer["errors"][named].is_string(), "{path} {field}: {answer}");
    };
    let without = |body: &Value, field: &str| {
        let mut body = body.clone();
        *body.pointer_mut(&format!("/{field}")).unwrap() = Value::Null;
        body
    };
    let sender = ["sender_data/first_name", "sender_data/last_name", "sender_data/date_of_birth"];
    for field in ["end_user_reference", "sender_type", "sender_data"].into_iter().chain(sender) {
        refused("/addresses/take", &without(&asked, field), field).await;
    }
    for field in [
        "end_user_reference",
        "sender_type",
        "sender_data/legal_name",
        "sender_data/country_of_registration",
        "receiver_type",
        "receiver_data/last_name",
    ] {
        refused("/withdrawal/crypto", &without(&withdrawal(&digits()), field), field).await;
    }
    let mut other = asked.clone();
    other["sender_type"] = "robot".into();
    refused("/addresses/take", &other, "sender_type").await;
    assert!(w.movements("coinspaid").await.is_empty());
    let (status, _) = w.coinspaid("POST", "/addresses/take", &asked).await;
    assert_eq!(status, 201);
    // An account from before names nobody.
    let older = json!({ "foreign_id": "player-2", "currency": "USDTT" });
    assert_eq!(w.coinspaid("POST", "/addresses/take", &older).await.0, 201);
}

#[tokio::test]
async fn a_conversion_is_told_with_numbers_that_keep_their_digits() {
    let w = wallet().await;
    let address = address(&w, "player-1", "BTC", Some("EUR")).await;
    let payin = json!({ "address": address, "amount": "0.1088230", "currency": "BTC" });
    let (_, movement) = w.control("/psps/coinspaid/payins", payin).await;
    assert_eq!((&movement["amount"], &movement["currency"]), (&json!("6529.38"), &json!("EUR")));
    let told = w.notified(2, |it| it["type"] == "deposit_exchange").await.remove(1);
    let text = String::from_utf8(told.body.to_vec()).unwrap();
    assert!(text.contains(r#""amount":0.10882300"#), "{text}");
    assert_eq!(told.headers["x-processing-signature"], *hmac_sha512(&told.body));
    assert_eq!(told.json()["currency_received"]["currency"], "EUR");

    let ask =
        json!({ "receiver_amount": "60.00", "receiver_currency": "EUR", "sender_currency": "BTC" });
    let (status, quote) = w.coinspaid("POST", "/exchange/calculate", &ask).await;
    assert_eq!((status, &quote["data"]["sender_amount"]), (200, &json!("0.00100000")));
}

#[tokio::test]
async fn a_person_sends_coins_from_a_page() {
    let w = wallet().await;
    let address = address(&w, "player-1", "USDTT", None).await;
    let get = async |path: String| w.http.get(path).send().await.unwrap().text().await.unwrap();
    let list = get(format!("{}/send", w.base("coinspaid"))).await;
    assert!(list.contains(&address));
    let url = format!("{}/send/{address}", w.base("coinspaid"));
    let page = get(url.clone()).await;
    assert!(page.contains(&format!("tron:{address}")) && page.contains("coinspaid"));
    let sent = w.http.post(&url).form(&[("amount", "42.5"), ("then", "approve")]).send().await;
    assert!(sent.unwrap().status().is_success());
    let movement = until("the confirmation", || async {
        let found = w.movements("coinspaid").await.pop()?;
        (found["status"] == "succeeded").then_some(found)
    })
    .await;
    assert_eq!(movement["amount"], "42.500000");
    let closed = w.http.post(&url).form(&[("amount", "1"), ("then", "close")]).send().await;
    assert!(closed.unwrap().status().is_success());
    assert_eq!(w.movements("coinspaid").await.len(), 1);
    let refused = w.http.post(&url).form(&[("amount", "1,5"), ("then", "approve")]).send().await;
    assert_eq!(refused.unwrap().status(), 422);
}

/// Asking for an address books nothing that could be paid after a refusal, or told before the answer.
#[tokio::test]
async fn what_cannot_happen_to_an_address_is_refused_as_a_rule_and_meets_payouts_alone() {
    let w = wallet().await;
    let rule = async |psp: &str, operation: &str, fault: &str| {
        let rule = json!({ "operation": operation, "fault": fault, "times": 1 });
        w.control(&format!("/psps/{psp}/faults"), rule).await.0
    };
    for psp in ["coinspaid", "fireblocks"] {
        for fault in ["success_after_decline", "webhook_before_response"] {
            assert_eq!(rule(psp, "create_deposit", fault).await, 422, "{psp} {fault}");
            assert_eq!(rule(psp, "create_payout", fault).await, 200, "{psp} {fault}");
        }
        assert_eq!(rule(psp, "create_deposit", "decline_soft").await, 200);
    }
    let w = wallet().await;
    let any = json!({ "operation": "any", "fault": "success_after_decline", "times": 1 });
    w.control("/psps/coinspaid/faults", any).await;
    address(&w, "player-1", "BTC", None).await;
    w.coinspaid("POST", "/withdrawal/crypto", &withdrawal(&digits())).await;
    w.notified(1, |it| it["type"] == "withdrawal" && it["status"] == "cancelled").await;
    w.notified(1, |it| it["type"] == "withdrawal" && it["status"] == "confirmed").await;
}

#[tokio::test]
async fn no_chain_gives_back_what_it_has() {
    let w = wallet().await;
    let address = address(&w, "player-1", "USDTT", None).await;
    let payin = json!({ "address": address, "amount": "5" });
    let (_, paid) = w.control("/psps/coinspaid/payins", payin).await;
    for outcome in ["returned", "charged_back"] {
        let path =
            format!("/psps/coinspaid/movements/{}/complete", paid["reference"].as_str().unwrap());
        assert_eq!(w.control(&path, json!({ "outcome": outcome })).await.0, 409);
    }
}
