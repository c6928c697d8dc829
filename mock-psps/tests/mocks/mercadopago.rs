//! Mercado Pago's wire: PIX by QR code, signed payouts, thin webhooks.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::sign::Signer;
use serde_json::{Value, json};
use std::sync::LazyLock;

use crate::harness::{Account, Received, World, digits, world_of};

const ID: &str = "mercadopago-br";
const SECRET: &str = "a webhook secret";

static KEY: LazyLock<PKey<Private>> = LazyLock::new(|| PKey::generate_ed25519().unwrap());

async fn world() -> World {
    let pem = String::from_utf8(KEY.public_key_to_pem().unwrap()).unwrap();
    let settings = vec![
        ("access_token", "a-token".to_owned()),
        ("webhook_secret", SECRET.to_owned()),
        ("payout_public_key_pem", pem),
    ];
    world_of(&[Account { id: ID, psp: "mercadopago", currency: "BRL", settings }], None).await
}

async fn post(w: &World, path: &str, key: &str, body: &Value, signed: bool) -> (u16, Value) {
    let body = body.to_string();
    let mut request = w
        .http
        .post(format!("{}{path}", w.base(ID)))
        .bearer_auth("a-token")
        .header("x-idempotency-key", key);
    if signed {
        let mut signer = Signer::new_without_digest(&KEY).unwrap();
        let signature = signer.sign_oneshot_to_vec(body.as_bytes()).unwrap();
        request = request
            .header("x-signature", STANDARD.encode(signature))
            .header("x-enforce-signature", "true");
    }
    let answer = request.body(body).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

async fn get(w: &World, path: &str) -> (u16, Value) {
    let url = format!("{}{path}", w.base(ID));
    let answer = w.http.get(url).bearer_auth("a-token").send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

fn payment(reference: &str) -> Value {
    json!({
        "transaction_amount": 12.34, "payment_method_id": "pix", "external_reference": reference,
        "payer": { "email": "e@example.com", "first_name": "Maria", "last_name": "Silva",
            "identification": { "type": "CPF", "number": "52998224725" } },
    })
}

fn payout(reference: &str) -> Value {
    json!({
        "external_reference": reference, "point_of_interaction": { "type": "PSP_TRANSFER" },
        "transaction": {
            "from": { "accounts": [{ "amount": 100 }] }, "total_amount": 100,
            "to": { "accounts": [{
                "type": "current", "amount": 100, "chave": { "type": "EMAIL", "value": "a@b.c" },
                "owner": { "identification": { "type": "CPF", "number": "52998224725" } },
            }] },
        },
    })
}

/// Whether a webhook is signed over its query's id, as Mercado Pago's libraries check it.
fn is_signed(webhook: &Received) -> bool {
    let query = webhook.query.split('&').find_map(|pair| pair.strip_prefix("data.id="));
    let (stamp, tag) = webhook.header("x-signature").split_once(',').unwrap();
    let (stamp, tag) = (stamp.strip_prefix("ts=").unwrap(), tag.strip_prefix("v1=").unwrap());
    let id = webhook.header("x-request-id");
    let manifest = format!("id:{};request-id:{id};ts:{stamp};", query.unwrap());
    let key = PKey::hmac(SECRET.as_bytes()).unwrap();
    let mut signer = Signer::new(MessageDigest::sha256(), &key).unwrap();
    hex::encode(signer.sign_oneshot_to_vec(manifest.as_bytes()).unwrap()) == tag
}

#[tokio::test]
async fn a_payment_has_a_qr_code_is_paid_on_its_ticket_and_names_its_payer() {
    let w = world().await;
    let reference = digits();
    let (status, body) = post(&w, "/v1/payments", &digits(), &payment(&reference), false).await;
    assert_eq!((status, &body["status"]), (201, &json!("pending")));
    assert_eq!(body["transaction_amount"], json!(12.34));
    let data = &body["point_of_interaction"]["transaction_data"];
    let code = data["qr_code"].as_str().unwrap();
    assert!(code.starts_with("000201") && code.contains("540512.34") && code.contains("6304"));
    let holder = "/bank_info/payer/account_holder_name";
    assert!(data.pointer(holder).unwrap().is_null(), "nobody has paid yet");
    let ticket = data["ticket_url"].as_str().unwrap();
    let html = w.http.get(ticket).send().await.unwrap().text().await.unwrap();
    assert!(html.contains("12.34 BRL") && html.contains("class=\"mercadopago\""));
    let approved = w.http.post(format!("{ticket}/approve")).send().await.unwrap();
    assert_eq!(approved.status(), 200);
    let told = w.until_told(ID, 1, |_| true).await.remove(0);
    assert!(is_signed(&told) && told.json()["type"] == "payment");
    let (_, found) = get(&w, &format!("/v1/payments/search?external_reference={reference}")).await;
    let found = &found["results"][0];
    assert_eq!((&found["status"], &found["id"]), (&json!("approved"), &body["id"]));
    let data = &found["point_of_interaction"]["transaction_data"];
    assert_eq!(data.pointer(holder), Some(&json!("Maria Silva")));
}

#[tokio::test]
async fn a_payout_must_be_signed_and_its_three_amounts_agree() {
    let w = world().await;
    let path = "/v1/transaction-intents/process";
    assert_eq!(post(&w, path, &digits(), &payout(&digits()), false).await.0, 403);
    let mut other = payout(&digits());
    other["transaction"]["to"]["accounts"][0]["amount"] = 99.into();
    assert_eq!(post(&w, path, &digits(), &other, true).await.0, 400);
    assert!(w.movements(ID).await.is_empty());
    let reference = digits();
    let (status, body) = post(&w, path, &digits(), &payout(&reference), true).await;
    // Created, and not yet processed: its account has no word of its own.
    let detail = &body["transaction"]["to"]["accounts"][0]["status_detail"];
    assert_eq!((status, &body["status"], detail), (202, &json!("approved"), &json!("")));
    w.until_status(ID, &reference, "succeeded").await;
    let told = w.until_told(ID, 1, |_| true).await.remove(0);
    assert!(is_signed(&told) && told.json()["type"] == "transaction_intent");
    let id = body["id"].as_str().unwrap();
    let (_, view) = get(&w, &format!("/v1/transaction-intents/{id}")).await;
    let detail = &view["transaction"]["to"]["accounts"][0]["status_detail"];
    assert_eq!((&view["status"], detail), (&json!("processed"), &json!("approved")));
    w.complete(ID, id, json!({ "outcome": "returned" })).await;
    let (_, view) = get(&w, &format!("/v1/transaction-intents/{id}")).await;
    assert_eq!(view["status"], "refunded");
}

#[tokio::test]
async fn a_used_key_is_the_first_answer_or_a_conflict() {
    let w = world().await;
    let (key, body) = (digits(), payment(&digits()));
    let first = post(&w, "/v1/payments", &key, &body, false).await;
    assert_eq!(post(&w, "/v1/payments", &key, &body, false).await, first);
    let (status, body) = post(&w, "/v1/payments", &key, &payment(&digits()), false).await;
    assert_eq!((status, &body["error"]), (409, &json!("idempotency_key_already_used")));
    assert_eq!(w.movements(ID).await.len(), 1);
}

#[tokio::test]
async fn what_is_wrong_with_a_payment_is_refused() {
    let w = world().await;
    let url = format!("{}/v1/payments", w.base(ID));
    let answer = w.http.post(&url).json(&payment(&digits())).send().await.unwrap();
    assert_eq!(answer.status(), 401);
    for (field, value) in [
        ("transaction_amount", json!("12.34")),
        ("transaction_amount", json!(12.345)),
        ("payment_method_id", json!("visa")),
        ("payer", json!({})),
    ] {
        let mut body = payment(&digits());
        body[field] = value;
        let (status, _) = post(&w, "/v1/payments", &digits(), &body, false).await;
        assert_eq!(status, 400, "{field}");
    }
    assert!(w.movements(ID).await.is_empty());
}

#[tokio::test]
async fn a_waiting_payment_is_cancelled_and_a_paid_one_refunded() {
    let w = world().await;
    let (_, body) = post(&w, "/v1/payments", &digits(), &payment(&digits()), false).await;
    let id = body["id"].to_string();
    let url = format!("{}/v1/payments/{id}", w.base(ID));
    let cancel = w.http.put(url).bearer_auth("a-token").json(&json!({ "status": "cancelled" }));
    let cancelled: Value = cancel.send().await.unwrap().json().await.unwrap();
    assert_eq!(cancelled["status"], "cancelled");
    let (_, body) = post(&w, "/v1/payments", &digits(), &payment(&digits()), false).await;
    let id = body["id"].to_string();
    let path = format!("/v1/payments/{id}/refunds");
    assert_eq!(post(&w, &path, &digits(), &json!({}), false).await.0, 400);
    w.complete(ID, &id, json!({ "outcome": "succeeded" })).await;
    let (status, refund) = post(&w, &path, &digits(), &json!({ "amount": 12 }), false).await;
    assert_eq!((status, &refund["payment_id"]), (201, &body["id"]));
    assert_eq!(post(&w, &path, &digits(), &json!({ "amount": 1 }), false).await.0, 400);
}

#[tokio::test]
async fn a_message_about_a_pending_payment_names_it_and_says_nothing_of_it() {
    let w = world().await;
    let (_, body) = post(&w, "/v1/payments", &digits(), &payment(&digits()), false).await;
    let id = body["id"].to_string();
    let resend = json!({ "reference": id });
    assert_eq!(w.control(&format!("/psps/{ID}/webhooks/resend"), resend).await.0, 200);
    let told = w.until_told(ID, 1, |_| true).await.remove(0);
    let said = told.json();
    assert!(is_signed(&told) && said["data"] == json!({ "id": id }), "{said}");
    assert_eq!(w.movements(ID).await[0]["status"], "pending");
}

#[tokio::test]
async fn a_chargeback_is_told_by_its_payment_and_by_its_case() {
    let w = world().await;
    let (_, body) = post(&w, "/v1/payments", &digits(), &payment(&digits()), false).await;
    let id = body["id"].to_string();
    w.complete(ID, &id, json!({ "outcome": "succeeded" })).await;
    w.complete(ID, &id, json!({ "outcome": "charged_back" })).await;
    let of = |kind: &'static str| move |it: &Received| it.json()["type"] == kind;
    w.until_told(ID, 2, of("payment")).await;
    let told = w.until_told(ID, 1, of("topic_chargebacks_wh")).await.remove(0);
    assert!(is_signed(&told), "over the case's id");
    let data = told.json()["data"].clone();
    assert_eq!(data["payment_id"], body["id"]);
    assert!(told.query.contains(&format!("data.id={}&", data["id"])) && data["id"] != body["id"]);
}

#[tokio::test]
async fn the_report_tells_by_its_sign_which_way_money_went() {
    let w = world().await;
    let reference = digits();
    let path = "/v1/transaction-intents/process";
    post(&w, path, &digits(), &payout(&reference), true).await;
    w.until_status(ID, &reference, "succeeded").await;
    let url = format!("{}/psps/{ID}/statement", w.running.control_url);
    let text = w.http.get(url).send().await.unwrap().text().await.unwrap();
    assert!(text.starts_with("EXTERNAL_REFERENCE,SOURCE_ID,"));
    assert!(text.contains(",PAYOUTS,-100.00,BRL,"), "{text}");
}
