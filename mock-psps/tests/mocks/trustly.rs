//! Trustly's wire: signatures, errors, methods, and the notifications that follow.

use serde_json::json;

use crate::harness::{digits, rsa_sign, rsa_verifies, serialise, until, world};

#[tokio::test]
async fn a_deposit_is_booked_paid_and_notified_in_order() {
    let w = world().await;
    let message_id = digits();
    let answer = w.trustly("Deposit", w.trustly_deposit(&message_id)).await;
    let result = &answer["result"];
    let uuid = result["uuid"].as_str().unwrap();
    let text = format!("Deposit{uuid}{}", serialise(&result["data"]));
    let signature = result["signature"].as_str().unwrap();
    assert!(rsa_verifies(&w.merchant.trustly_key, &text, signature));
    let order_id = result["data"]["orderid"].as_str().unwrap();
    let pending = w.until_status("trustly-de", &message_id, "pending").await;
    assert_eq!(pending["amount"], "100.00");

    let (status, _) = w.complete("trustly-de", order_id, json!({ "outcome": "succeeded" })).await;
    assert_eq!(status, 200);
    let credit = w.until_received("credit", 1).await.remove(0).json();
    let data = &credit["params"]["data"];
    assert_eq!(data["amount"], "100.00");
    assert_eq!(data["messageid"], message_id.as_str());
    let uuid = credit["params"]["uuid"].as_str().unwrap();
    let text = format!("credit{uuid}{}", serialise(data));
    let signature = credit["params"]["signature"].as_str().unwrap();
    assert!(rsa_verifies(&w.merchant.trustly_key, &text, signature));

    let order: Vec<String> = {
        let all = w.merchant.received.lock().unwrap();
        all.iter().map(|r| r.json()["method"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(order, ["account", "pending", "credit"]);
    let account = &w.received("account")[0].json()["params"]["data"];
    assert_eq!(account["attributes"]["lastdigits"].as_str().unwrap().len(), 4);

    // What the payer paid from can be paid out to.
    let payout = json!({
        "NotificationURL": format!("{}/webhooks/trustly-de", w.hook),
        "AccountID": account["accountid"], "EndUserID": "player-1", "MessageID": digits(),
        "Amount": "5.00", "Currency": "EUR",
    });
    assert_eq!(w.trustly("AccountPayout", payout).await["result"]["data"]["result"], "1");
}

#[tokio::test]
async fn a_used_message_id_is_refused_with_a_signed_error_and_books_nothing() {
    let w = world().await;
    let payout = w.trustly_payout(&digits()).await;
    w.trustly("AccountPayout", payout.clone()).await;
    let error = w.trustly("AccountPayout", payout).await["error"].clone();
    assert_eq!(error["code"], 637);
    let inner = &error["error"];
    assert_eq!(inner["data"]["message"], "ERROR_DUPLICATE_MESSAGE_ID");
    let text =
        format!("AccountPayout{}{}", inner["uuid"].as_str().unwrap(), serialise(&inner["data"]));
    let signature = inner["signature"].as_str().unwrap();
    assert!(rsa_verifies(&w.merchant.trustly_key, &text, signature));
    assert_eq!(w.movements("trustly-de").await.len(), 1);
}

#[tokio::test]
async fn two_payouts_with_different_message_ids_are_two_movements() {
    let w = world().await;
    for _ in 0..2 {
        let payout = w.trustly_payout(&digits()).await;
        w.trustly("AccountPayout", payout).await;
    }
    assert_eq!(w.movements("trustly-de").await.len(), 2);
}

#[tokio::test]
async fn wrong_credentials_and_wrong_signatures_are_told_apart() {
    let w = world().await;
    let data = json!({ "Username": "merchant", "Password": "wrong" });
    let send = async |data: serde_json::Value| {
        let body = json!({
            "method": "Deposit", "version": "1.1",
            "params": { "Signature": rsa_sign(&w.merchant.trustly_key, "x"), "UUID": "u",
                        "Data": data },
        });
        let url = format!("{}/api/1", w.base("trustly-de"));
        let answer = w.http.post(url).json(&body).send().await.unwrap();
        answer.json::<serde_json::Value>().await.unwrap()["error"]["code"].clone()
    };
    assert_eq!(send(data).await, 616);
    assert_eq!(send(json!({ "Username": "merchant", "Password": "secret" })).await, 636);
}

#[tokio::test]
async fn amounts_currencies_and_addresses_are_checked() {
    let w = world().await;
    let base = w.trustly_payout(&digits()).await;
    let cases = [
        ("Amount", json!("49.9"), 615),
        ("Amount", json!("0.00"), 615),
        ("Currency", json!("SEK"), 622),
        ("AccountID", json!("1"), 623),
        ("NotificationURL", json!("http://127.0.0.1/x?y=1"), 623),
        ("EndUserID", json!("another"), 623),
    ];
    for (name, value, code) in cases {
        let mut data = base.clone();
        data[name] = value;
        assert_eq!(w.trustly("AccountPayout", data).await["error"]["code"], code, "{name}");
    }
    assert!(w.movements("trustly-de").await.is_empty());
}

#[tokio::test]
async fn a_payout_completes_by_itself_and_can_come_back_later() {
    let w = world().await;
    let message_id = digits();
    let payout = w.trustly_payout(&message_id).await;
    let answer = w.trustly("AccountPayout", payout).await;
    let order_id = answer["result"]["data"]["orderid"].as_str().unwrap().to_owned();
    w.until_received("payoutconfirmation", 1).await;
    let state = async || {
        let list = w.trustly("GetWithdrawals", json!({ "OrderID": order_id })).await;
        list["result"]["data"][0]["transferstate"].clone()
    };
    assert_eq!(state().await, "CONFIRMED");
    let (status, _) = w.complete("trustly-de", &order_id, json!({ "outcome": "returned" })).await;
    assert_eq!(status, 200);
    let credit = w.until_received("credit", 1).await.remove(0).json();
    assert_eq!(credit["params"]["data"]["amount"], "49.90");
    assert_eq!(state().await, "RETURNED");

    let ledger = w
        .trustly(
            "AccountLedger",
            json!({ "FromDate": "2000-01-01", "ToDate": "2999-01-01", "Currency": "EUR" }),
        )
        .await;
    let rows = ledger["result"]["data"].as_array().unwrap();
    let amounts: Vec<_> = rows.iter().map(|row| row["amount"].as_str().unwrap()).collect();
    assert_eq!(amounts, ["-49.90", "-1.00", "49.90"]);
    assert_eq!(rows[1]["accountname"], "TRANSACTION_FEE_BANK_WITHDRAWAL");
    assert_eq!(rows[0]["messageid"], message_id.as_str());
}

#[tokio::test]
async fn a_refused_payout_is_told_as_failed_or_as_credit() {
    let w = world().await;
    w.control("/psps/trustly-de/auto", json!({ "complete_after_ms": null })).await;
    for (code, event) in [("limit_exceeded", "payoutfailed"), ("credit", "credit")] {
        let payout = w.trustly_payout(&digits()).await;
        let answer = w.trustly("AccountPayout", payout).await;
        let order_id = answer["result"]["data"]["orderid"].as_str().unwrap().to_owned();
        let body = json!({ "outcome": "declined", "code": code });
        assert_eq!(w.complete("trustly-de", &order_id, body).await.0, 200);
        let notice = w.until_received(event, 1).await.remove(0).json();
        assert_eq!(notice["params"]["data"]["orderid"], order_id.as_str());
    }
}

#[tokio::test]
async fn a_refund_cannot_exceed_its_deposit() {
    let w = world().await;
    let answer = w.trustly("Deposit", w.trustly_deposit(&digits())).await;
    let order_id = answer["result"]["data"]["orderid"].as_str().unwrap().to_owned();
    let refund = |amount: &str| json!({ "OrderID": order_id, "Amount": amount, "Currency": "EUR" });
    assert_eq!(w.trustly("Refund", refund("60.00")).await["error"]["code"], 623);
    w.complete("trustly-de", &order_id, json!({ "outcome": "succeeded" })).await;
    assert_eq!(w.trustly("Refund", refund("60.00")).await["result"]["data"]["result"], "1");
    for amount in ["60.00", "92233720368547758.07"] {
        assert_eq!(w.trustly("Refund", refund(amount)).await["error"]["code"], 615);
    }
    let kinds = until("the refund", || async {
        let list = w.movements("trustly-de").await;
        let done = list.iter().all(|m| m["status"] == "succeeded");
        done.then(|| list.iter().map(|m| m["kind"].clone()).collect::<Vec<_>>())
    })
    .await;
    assert_eq!(kinds, ["deposit", "refund"]);
}

#[tokio::test]
async fn an_account_of_any_letters_has_its_last_four() {
    let w = world().await;
    for (iban, last) in [("Ä€ÜßÄ", "€ÜßÄ"), ("€", "€"), ("", "")] {
        let message_id = digits();
        let answer = w.trustly("Deposit", w.trustly_deposit(&message_id)).await;
        let order_id = answer["result"]["data"]["orderid"].as_str().unwrap();
        let payer = json!({ "name": "Max Muster", "iban": iban });
        let body = json!({ "outcome": "succeeded", "payer": payer });
        assert_eq!(w.complete("trustly-de", order_id, body).await.0, 200, "{iban}");
        let account = until("its account is told", || async {
            let told = w.received("account").into_iter().map(|it| it.json());
            told.map(|it| it["params"]["data"].clone()).find(|it| it["orderid"] == order_id)
        })
        .await;
        assert_eq!(account["attributes"]["lastdigits"], last);
    }
}
