//! Nuvei's wire: checksums, sessions, used-up request ids, redirects, payouts, notifications.

use std::collections::BTreeMap;

use openssl::sha::sha256;
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::harness::{Account, Received, World, digits, world_of};

const ID: &str = "nuvei-ca";
const SECRET: &str = "a merchant secret";

async fn nuvei(more: &[(&'static str, &str)]) -> World {
    let mut settings = vec![
        ("merchant_id", "77".to_owned()),
        ("merchant_site_id", "19".to_owned()),
        ("merchant_secret_key", SECRET.to_owned()),
    ];
    settings.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
    world_of(&[Account { id: ID, psp: "nuvei", currency: "CAD", settings }], None).await
}

fn hash(text: &str) -> String {
    hex::encode(sha256(text.as_bytes()))
}

/// Signs a body over these fields of it and sends it.
async fn call(w: &World, method: &str, mut body: Value, fields: &[&str]) -> Value {
    let format = time::macros::format_description!("[year][month][day][hour][minute][second]");
    let now = time::OffsetDateTime::now_utc().format(format).unwrap();
    body["merchantId"] = "77".into();
    body["merchantSiteId"] = "19".into();
    if body["timeStamp"].is_null() {
        body["timeStamp"] = now.into();
    }
    let values: String =
        fields.iter().map(|name| body[*name].as_str().unwrap_or_default()).collect();
    if body["checksum"].is_null() {
        body["checksum"] = hash(&format!("7719{values}{SECRET}")).into();
    }
    let url = format!("{}/ppp/api/v1/{method}.do", w.base(ID));
    let answer = w.http.post(url).json(&body).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.json().await.unwrap()
}

const OF_AMOUNT: &[&str] = &["clientRequestId", "amount", "currency", "timeStamp"];

async fn session(w: &World) -> Value {
    let body = json!({ "clientRequestId": digits() });
    call(w, "getSessionToken", body, &["clientRequestId", "timeStamp"]).await["sessionToken"]
        .clone()
}

fn payment(session: &Value, reference: &str) -> Value {
    json!({
        "sessionToken": session, "clientRequestId": reference, "clientUniqueId": reference,
        "userTokenId": "player-1", "amount": "20.00", "currency": "CAD",
        "paymentOption": { "alternativePaymentMethod": {
            "paymentMethod": "apmgw_Interac_eTransfer", "email": "jane@example.com",
        } },
        "items": [{ "name": reference, "price": "20.00", "quantity": "1" }],
        "deviceDetails": { "ipAddress": "203.0.113.7" },
        "billingAddress": { "firstName": "Jane", "lastName": "Doe", "country": "CA",
            "email": "jane@example.com" },
        "urlDetails": { "successUrl": "https://casino.example/ok",
            "failureUrl": "https://casino.example/no" },
    })
}

fn payout(reference: &str) -> Value {
    json!({
        "clientRequestId": reference, "clientUniqueId": reference, "userTokenId": "player-1",
        "amount": "20.00", "currency": "CAD",
        "paymentOption": { "alternativePaymentMethod": {
            "paymentMethod": "apmgw_Interac_eTransfer", "email": "jane@example.com",
        } },
        "userDetails": { "firstName": "Jane", "lastName": "Doe" },
    })
}

fn form(received: &Received) -> Vec<(String, String)> {
    form_urlencoded::parse(&received.body).into_owned().collect()
}

/// Whether the checksum of a payment's notification is right, written again from the documentation.
fn verifies(received: &Received) -> bool {
    let fields: BTreeMap<_, _> = form(received).into_iter().collect();
    let covered = [
        "totalAmount",
        "currency",
        "responseTimeStamp",
        "PPP_TransactionID",
        "Status",
        "productId",
    ];
    let text: String = covered.iter().map(|name| fields[*name].as_str()).collect();
    fields["advanceResponseChecksum"] == hash(&format!("{SECRET}{text}"))
}

#[tokio::test]
async fn a_deposit_is_paid_on_its_page_and_announced() {
    let w = nuvei(&[]).await;
    let reference = digits();
    let body = payment(&session(&w).await, &reference);
    let made = call(&w, "payment", body, OF_AMOUNT).await;
    assert_eq!(
        (&made["status"], &made["transactionStatus"]),
        (&json!("SUCCESS"), &json!("REDIRECT"))
    );
    let url = made["paymentOption"]["redirectUrl"].as_str().unwrap().to_owned();
    let page = w.http.get(&url).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("20.00 CAD") && page.contains("Nuvei") && page.contains("Jane Doe"));
    let done = w.http.post(format!("{url}/approve")).send().await.unwrap();
    assert_eq!(done.headers()["location"], "https://casino.example/ok");
    let told = w.until_told(ID, 1, verifies).await.remove(0);
    let fields: BTreeMap<_, _> = form(&told).into_iter().collect();
    assert_eq!((&*fields["Status"], &*fields["productId"]), ("APPROVED", &*reference));
    let ask = json!({ "clientUniqueId": reference });
    let of_details = &["transactionId", "clientUniqueId", "timeStamp"];
    let found = call(&w, "getTransactionDetails", ask, of_details).await;
    assert_eq!(found["transactionDetails"]["transactionStatus"], "APPROVED");
    assert_eq!(found["transactionDetails"]["processedAmount"], "20.00");
    assert_eq!(found["transactionDetails"]["transactionId"], made["transactionId"]);
    w.until_status(ID, &reference, "succeeded").await;
}

#[tokio::test]
async fn a_payment_that_is_under_way_is_told_as_pending() {
    let w = nuvei(&[]).await;
    let reference = digits();
    call(&w, "payment", payment(&session(&w).await, &reference), OF_AMOUNT).await;
    let resend = json!({ "reference": w.movements(ID).await[0]["reference"] });
    let (status, _) = w.control(&format!("/psps/{ID}/webhooks/resend"), resend).await;
    assert_eq!(status, 200);
    let told = form(&w.until_told(ID, 1, verifies).await[0]);
    assert!(told.contains(&("Status".into(), "PENDING".into())), "{told:?}");
}

#[tokio::test]
async fn what_is_wrongly_signed_or_incomplete_is_refused_by_its_code() {
    let w = nuvei(&[]).await;
    let token = session(&w).await;
    let wrong = |name: &str, value: Value| {
        let mut body = payment(&token, &digits());
        body[name] = value;
        body
    };
    for (body, code) in [
        (wrong("checksum", "0".repeat(64).into()), 1001),
        (wrong("timeStamp", "20200101000000".into()), 1021),
        (wrong("timeStamp", "yesterday".into()), 1021),
        (wrong("currency", "USD".into()), 1041),
        (wrong("amount", "20.001".into()), 1040),
        (wrong("sessionToken", "none".into()), 1064),
    ] {
        let answer = call(&w, "payment", body, OF_AMOUNT).await;
        assert_eq!((&answer["status"], &answer["errCode"]), (&json!("ERROR"), &json!(code)));
    }
    assert!(w.movements(ID).await.is_empty());
}

#[tokio::test]
async fn a_request_id_is_taken_once() {
    let w = nuvei(&[]).await;
    let body = payout(&digits());
    assert_eq!(call(&w, "payout", body.clone(), OF_AMOUNT).await["status"], "SUCCESS");
    let again = call(&w, "payout", body, OF_AMOUNT).await;
    assert_eq!((&again["status"], &again["errCode"]), (&json!("ERROR"), &json!(1000)));
    assert_eq!(w.movements(ID).await.len(), 1);
}

#[tokio::test]
async fn a_payout_settles_and_is_asked_about_by_its_request_id() {
    let w = nuvei(&[]).await;
    let reference = digits();
    call(&w, "payout", payout(&reference), OF_AMOUNT).await;
    let settled = |r: &Received| form(r).contains(&("wdOrderStatus".into(), "Settled".into()));
    let told = form(&w.until_told(ID, 1, settled).await[0]);
    let (last, pairs) = told.split_last().unwrap();
    let written: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(*last, ("checksum".to_owned(), hash(&format!("{}{SECRET}", written.join("&")))));
    let of_status = &["clientRequestId", "timeStamp"];
    let ask = json!({ "clientRequestId": reference });
    let status = call(&w, "getPayoutStatus", ask, of_status).await;
    assert_eq!(
        (&status["transactionStatus"], &status["amount"]),
        (&json!("APPROVED"), &json!("20.00"))
    );
    let nobody = json!({ "clientRequestId": digits() });
    assert_eq!(call(&w, "getPayoutStatus", nobody, of_status).await["errCode"], 9146);
}

#[tokio::test]
async fn a_payout_may_be_asked_about_before_it_is_made_and_wants_a_decision() {
    let w = nuvei(&[("asks_before_paying", "true")]).await;
    call(&w, "payout", payout(&digits()), OF_AMOUNT).await;
    let asks = |r: &Received| form(r).contains(&("wdRequestStatus".into(), "Pending".into()));
    // The merchant here answers with no decision, so it is asked again.
    w.until_told(ID, 2, asks).await;
}

#[tokio::test]
async fn a_payout_may_be_told_by_a_payments_notification_too() {
    let w = nuvei(&[("tells_payouts_twice", "true")]).await;
    let reference = digits();
    call(&w, "payout", payout(&reference), OF_AMOUNT).await;
    let is_payment = |r: &Received| {
        form(r).iter().any(|(name, _)| name == "advanceResponseChecksum") && verifies(r)
    };
    let told = w.until_told(ID, 1, is_payment).await.remove(0);
    let fields: BTreeMap<_, _> = form(&told).into_iter().collect();
    assert_eq!((&*fields["transactionType"], &*fields["Status"]), ("Payout", "APPROVED"));
    assert_eq!((&*fields["clientUniqueId"], &*fields["productId"]), (&*reference, "NA"));
}

#[tokio::test]
async fn a_chargeback_may_be_told_by_an_event_of_the_control_panel_too() {
    let w = nuvei(&[("tells_panel_events", "true")]).await;
    let reference = digits();
    let made = call(&w, "payment", payment(&session(&w).await, &reference), OF_AMOUNT).await;
    let id = made["transactionId"].as_str().unwrap();
    w.complete(ID, id, json!({ "outcome": "succeeded" })).await;
    w.complete(ID, id, json!({ "outcome": "charged_back" })).await;
    let is_signed = |r: &Received| {
        let mut signed = SECRET.as_bytes().to_vec();
        signed.extend_from_slice(&r.body);
        r.headers.get("checksum").is_some_and(|told| *told == hex::encode(sha256(&signed)))
    };
    let event = w.until_told(ID, 1, is_signed).await.remove(0).json();
    assert_eq!(event["TransactionDetails"]["ClientUniqueId"], reference.as_str());
    assert_eq!(event["Chargeback"]["ReportedAmount"], "20.00");
}

/// The address of a payment page, signed as Nuvei's plugins do: the secret, then every value in order.
fn page(w: &World, reference: &str, changed: &[(&str, &str)]) -> String {
    let format = time::macros::format_description!("[year]-[month]-[day].[hour]:[minute]:[second]");
    let now = time::OffsetDateTime::now_utc().format(format).unwrap();
    let hook = format!("{}/webhooks/{ID}", w.hook);
    let mut pairs = vec![
        ("merchant_id", "77"),
        ("merchant_site_id", "19"),
        ("total_amount", "20.00"),
        ("currency", "EUR"),
        ("user_token_id", "player-1"),
        ("merchant_unique_id", reference),
        ("item_name_1", reference),
        ("item_amount_1", "20.00"),
        ("item_quantity_1", "1"),
        ("time_stamp", &now),
        ("version", "4.0.0"),
        ("notify_url", &hook),
        ("success_url", "https://casino.example/ok?a=1&b=2"),
        ("error_url", "https://casino.example/no"),
        ("first_name", "Jane"),
        ("last_name", "Doe"),
    ];
    for (name, value) in changed {
        pairs.iter_mut().filter(|(known, _)| known == name).for_each(|pair| pair.1 = value);
    }
    let values: String = pairs.iter().map(|(_, value)| *value).collect();
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(&pairs)
        .append_pair("checksum", &hash(&format!("{SECRET}{values}")))
        .finish();
    format!("{}/ppp/purchase.do?{query}", w.base(ID))
}

async fn cards() -> World {
    let settings = vec![
        ("merchant_id", "77".to_owned()),
        ("merchant_site_id", "19".to_owned()),
        ("merchant_secret_key", SECRET.to_owned()),
        ("payment_method", "cc_card".to_owned()),
    ];
    world_of(&[Account { id: ID, psp: "nuvei", currency: "EUR", settings }], None).await
}

#[tokio::test]
async fn a_card_is_given_on_the_page_and_can_be_paid_afterwards() {
    let w = cards().await;
    let reference = digits();
    let url = page(&w, &reference, &[]);
    assert!(w.movements(ID).await.is_empty(), "an address alone is no order");
    let shown = w.http.get(&url).send().await.unwrap();
    let text = shown.text().await.unwrap();
    assert!(text.contains("20.00 EUR") && text.contains("Jane Doe"), "{text}");
    w.http.get(&url).send().await.unwrap();
    let orders = w.movements(ID).await;
    assert_eq!(orders.len(), 1, "opened twice, it is the same order");
    let order = orders[0]["reference"].as_str().unwrap();
    // Its payer is with the issuer: a transaction that is approved, and no sale.
    let of_details = &["transactionId", "clientUniqueId", "timeStamp"];
    let asked = json!({ "clientUniqueId": reference });
    let found = call(&w, "getTransactionDetails", asked, of_details).await;
    let details = &found["transactionDetails"];
    assert_eq!(
        (&details["transactionType"], &details["transactionStatus"]),
        (&json!("InitAuth3D"), &json!("APPROVED"))
    );
    let approve = format!("{}/ppp/redirect/{order}/approve", w.base(ID));
    let done = w.http.post(approve).send().await.unwrap();
    assert_eq!(done.headers()["location"], "https://casino.example/ok?a=1&b=2");
    let told = w.until_told(ID, 1, verifies).await.remove(0);
    let fields: BTreeMap<_, _> = form(&told).into_iter().collect();
    assert_eq!((&*fields["Status"], &*fields["productId"]), ("APPROVED", &*reference));
    let found =
        call(&w, "getTransactionDetails", json!({ "clientUniqueId": reference }), of_details).await;
    let option = &found["paymentOption"];
    assert_eq!(option["card"]["last4Digits"].as_str().unwrap().len(), 4);
    let mut out = payout(&digits());
    out["currency"] = "EUR".into();
    let by_mail = call(&w, "payout", out.clone(), OF_AMOUNT).await;
    assert_eq!(by_mail["errCode"], 1060, "cards are paid by what Nuvei has of them");
    out["userPaymentOption"] = json!({ "userPaymentOptionId": option["userPaymentOptionId"] });
    assert_eq!(call(&w, "payout", out, OF_AMOUNT).await["status"], "SUCCESS");
}

/// The call that a card's deposit begins with gives a session: there is no order yet.
#[tokio::test]
async fn what_cannot_happen_to_a_session_is_refused_as_a_rule() {
    let (cards, wallets) = (cards().await, nuvei(&[]).await);
    for fault in ["success_after_decline", "webhook_before_response"] {
        for (w, operation, status) in [
            (&cards, "create_deposit", 422),
            (&cards, "create_payout", 200),
            (&wallets, "create_deposit", 200),
        ] {
            let rule = json!({ "operation": operation, "fault": fault });
            let told = w.control(&format!("/psps/{ID}/faults"), rule).await;
            assert_eq!(told.0, status, "{fault} {operation}");
        }
    }
    assert!(session(&cards).await.is_string());
}

#[tokio::test]
async fn a_page_that_is_wrongly_signed_old_or_anothers_opens_no_order() {
    let w = cards().await;
    let reference = digits();
    let good = page(&w, &reference, &[]);
    let altered = good.replacen("total_amount=20.00", "total_amount=10.00", 1);
    for url in [
        altered,
        good.replacen("checksum=", "ignored=", 1),
        page(&w, &reference, &[("merchant_id", "78")]),
        page(&w, &reference, &[("currency", "USD")]),
        page(&w, &reference, &[("time_stamp", "2020-01-01.00:00:00")]),
        page(&w, &reference, &[("item_amount_1", "19.00")]),
        page(&w, &reference, &[("notify_url", "")]),
    ] {
        assert_eq!(w.http.get(&url).send().await.unwrap().status(), 400, "{url}");
    }
    assert!(w.movements(ID).await.is_empty());
    assert!(w.http.get(&good).send().await.unwrap().status().is_success());
}
