//! Adyen's wire: keys, links, stored cards, refunds, transfers, and both signatures of its webhooks.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sign::Signer;
use serde_json::{Value, json};

use crate::harness::{Account, Received, World, digits, world_of};

pub const ID: &str = "adyen-de";
const KEY: &str = "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056";
const TRANSFERS_KEY: &str = "DFB1EB5485895CFA84146406857104ABB4CBCABDC8AAF103A624C8F6A3EAAB00";

async fn world() -> World {
    world_in(None).await
}

pub async fn world_in(books_dir: Option<std::path::PathBuf>) -> World {
    let settings = [
        ("merchant_account", "Casino"),
        ("balance_account_id", "BA1"),
        ("api_key", "an-api-key"),
        ("hmac_key", KEY),
        ("transfers_hmac_key", TRANSFERS_KEY),
    ];
    let settings = settings.map(|(key, value)| (key, value.to_owned())).to_vec();
    world_of(&[Account { id: ID, psp: "adyen", currency: "EUR", settings }], books_dir).await
}

pub async fn post(w: &World, path: &str, key: &str, body: &Value) -> (u16, Value) {
    let url = format!("{}{path}", w.base(ID));
    let request = w.http.post(url).header("x-api-key", "an-api-key");
    let answer = request.header("idempotency-key", key).json(body).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

async fn get(w: &World, path: &str) -> (u16, Value) {
    let url = format!("{}{path}", w.base(ID));
    let answer = w.http.get(url).header("x-api-key", "an-api-key").send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

fn payment(reference: &str) -> Value {
    json!({
        "amount": { "currency": "EUR", "value": 1050 }, "merchantAccount": "Casino",
        "reference": reference, "returnUrl": "https://casino.example/back",
        "shopperReference": "player-1",
    })
}

pub fn charge(reference: &str, token: &str) -> Value {
    let mut body = payment(reference);
    body["paymentMethod"] = json!({ "type": "scheme", "storedPaymentMethodId": token });
    body
}

fn transfer(reference: &str) -> Value {
    let account = json!({
        "accountHolder": { "fullName": "Erika Muster" },
        "accountIdentification": { "type": "iban", "iban": "DE89370400440532013000" },
    });
    json!({
        "amount": { "currency": "EUR", "value": 4990 }, "balanceAccountId": "BA1",
        "category": "bank", "counterparty": { "bankAccount": account }, "priority": "instant",
        "reference": reference,
    })
}

fn mac(key: &str, text: &[u8]) -> String {
    let key = PKey::hmac(&hex::decode(key).unwrap()).unwrap();
    let mut signer = Signer::new(MessageDigest::sha256(), &key).unwrap();
    STANDARD.encode(signer.sign_oneshot_to_vec(text).unwrap())
}

/// The one item of a standard webhook, with its signature checked by Adyen's rule.
pub fn item(webhook: &Received) -> Value {
    let body = webhook.json();
    let item = &body["notificationItems"][0]["NotificationRequestItem"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let signed = [
        text(&item["pspReference"]),
        text(&item["originalReference"]),
        text(&item["merchantAccountCode"]),
        text(&item["merchantReference"]),
        item["amount"]["value"].to_string(),
        text(&item["amount"]["currency"]),
        text(&item["eventCode"]),
        text(&item["success"]),
    ];
    let expected = mac(KEY, signed.join(":").as_bytes());
    assert_eq!(item["additionalData"]["hmacSignature"], expected.as_str());
    item.clone()
}

async fn standard(w: &World, code: &str) -> Value {
    let is = |received: &Received| {
        received.json()["notificationItems"][0]["NotificationRequestItem"]["eventCode"] == code
    };
    item(&w.until_told(ID, 1, is).await[0])
}

#[tokio::test]
async fn a_link_is_opened_paid_on_its_page_and_told() {
    let w = world().await;
    let reference = digits();
    let (status, link) = post(&w, "/v71/paymentLinks", &digits(), &payment(&reference)).await;
    assert_eq!((status, &link["status"]), (201, &json!("active")));
    let url = link["url"].as_str().unwrap();
    let html = w.http.get(url).send().await.unwrap().text().await.unwrap();
    assert!(html.contains("10.50 EUR") && html.contains("class=\"adyen\""));
    let approved = w.http.post(format!("{url}/approve")).send().await.unwrap();
    assert_eq!(approved.headers()["location"], "https://casino.example/back");
    let told = standard(&w, "AUTHORISATION").await;
    assert_eq!((&told["success"], &told["amount"]["value"]), (&json!("true"), &json!(1050)));
    assert_eq!(told["merchantReference"], reference.as_str());
    let path = format!("/v71/paymentLinks/{}", link["id"].as_str().unwrap());
    assert_eq!(get(&w, &path).await.1["status"], "completed");
}

#[tokio::test]
async fn the_same_key_gives_the_same_answer_and_another_body_is_refused() {
    let w = world().await;
    let (key, body) = (digits(), transfer(&digits()));
    let first = post(&w, "/btl/v4/transfers", &key, &body).await;
    assert_eq!((first.0, &first.1["status"]), (202, &json!("received")));
    assert_eq!(post(&w, "/btl/v4/transfers", &key, &body).await, first);
    let other = post(&w, "/btl/v4/transfers", &key, &transfer(&digits())).await;
    assert_eq!((other.0, &other.1["errorCode"]), (422, &json!("704")));
    assert_eq!(w.movements(ID).await.len(), 1);
}

#[tokio::test]
async fn who_has_no_key_or_another_merchants_account_is_refused() {
    let w = world().await;
    let url = format!("{}/v71/paymentLinks", w.base(ID));
    let answer = w.http.post(url).json(&payment(&digits())).send().await.unwrap();
    assert_eq!(answer.status(), 401);
    let mut body = payment(&digits());
    body["merchantAccount"] = "Somebody".into();
    assert_eq!(post(&w, "/v71/paymentLinks", &digits(), &body).await.0, 403);
    for (path, field) in [("", "reference"), ("", "amount"), ("expiresAt", "expiresAt")] {
        let mut body = payment(&digits());
        match path {
            "" => drop(body.as_object_mut().unwrap().remove(field)),
            name => body[name] = "2020-01-01T00:00:00Z".into(),
        }
        assert_eq!(post(&w, "/v71/paymentLinks", &digits(), &body).await.0, 422, "{field}");
    }
    assert!(w.movements(ID).await.is_empty());
}

#[tokio::test]
async fn a_stored_card_is_charged_refused_or_challenged_by_its_token() {
    let w = world().await;
    for (token, result, status) in [
        ("M5N7TQ4TG5PFWR50", "Authorised", "succeeded"),
        ("REFUSED1TG5PFWR5", "Refused", "declined"),
        ("CHALLENGE1PFWR50", "RedirectShopper", "pending"),
    ] {
        let reference = digits();
        let (code, body) = post(&w, "/v71/payments", &digits(), &charge(&reference, token)).await;
        assert_eq!((code, &body["resultCode"]), (200, &json!(result)));
        assert_eq!(body["action"].is_object(), result == "RedirectShopper");
        assert_eq!(body["pspReference"].is_string(), result != "RedirectShopper");
        w.until_status(ID, &reference, status).await;
    }
}

#[tokio::test]
async fn a_refund_names_its_payment_and_cannot_exceed_it() {
    let w = world().await;
    let paid = post(&w, "/v71/payments", &digits(), &charge(&digits(), "M5N7TQ4TG5PFWR50")).await;
    let payment = paid.1["pspReference"].as_str().unwrap();
    let path = format!("/v71/payments/{payment}/refunds");
    let mut body = json!({
        "amount": { "currency": "EUR", "value": 1000 }, "merchantAccount": "Casino",
        "reference": digits(),
    });
    let (status, refund) = post(&w, &path, &digits(), &body).await;
    assert_eq!((status, &refund["status"]), (201, &json!("received")));
    let told = standard(&w, "REFUND").await;
    assert_eq!(told["originalReference"], payment);
    assert_eq!(told["pspReference"], refund["pspReference"]);
    for value in [1000, i64::MAX] {
        body["reference"] = digits().into();
        body["amount"]["value"] = value.into();
        assert_eq!(post(&w, &path, &digits(), &body).await.0, 422);
    }
}

/// What was charged back is no open request: money that comes for it would be other money, and no card pays
/// by itself. The dispute is won by its own word only.
#[tokio::test]
async fn a_payin_wins_no_dispute() {
    let w = world().await;
    let paid = post(&w, "/v71/payments", &digits(), &charge(&digits(), "M5N7TQ4TG5PFWR50")).await;
    let payment = paid.1["pspReference"].as_str().unwrap();
    w.complete(ID, payment, json!({ "outcome": "charged_back" })).await;
    let payin = json!({ "reference": payment, "amount": "10.50" });
    assert_eq!(w.control(&format!("/psps/{ID}/payins"), payin).await.0, 422);
    assert_eq!(w.movements(ID).await[0]["status"], "charged_back");
    assert_eq!(w.complete(ID, payment, json!({ "outcome": "succeeded" })).await.0, 200);
}

#[tokio::test]
async fn a_transfer_is_booked_signed_found_and_may_come_back() {
    let w = world().await;
    let reference = digits();
    let (_, created) = post(&w, "/btl/v4/transfers", &digits(), &transfer(&reference)).await;
    let id = created["id"].as_str().unwrap();
    w.until_status(ID, &reference, "succeeded").await;
    let booked = w.until_told(ID, 1, |it| it.json()["data"]["status"] == "booked").await.remove(0);
    assert_eq!(booked.header("hmacsignature"), mac(TRANSFERS_KEY, &booked.body));
    assert_eq!(booked.json()["data"]["reference"], reference.as_str());
    let query = format!(
        "/btl/v4/transfers?balanceAccountId=BA1&reference={reference}\
         &createdSince=2020-01-01T00:00:00Z&createdUntil=2100-01-01T00:00:00Z"
    );
    assert_eq!(get(&w, &query).await.1["data"][0]["id"], id);
    w.complete(ID, id, json!({ "outcome": "returned" })).await;
    let (_, view) = get(&w, &format!("/btl/v4/transfers/{id}")).await;
    assert_eq!(view["status"], "returned");
    assert!(view["events"].as_array().unwrap().iter().any(|it| it["status"] == "booked"));
    assert_eq!(get(&w, "/btl/v4/transfers/NONE").await.0, 404);
}

/// Adyen cannot tell where the money of a transfer is that it has booked.
#[tokio::test]
async fn a_booked_transfer_may_fail_for_a_reason_that_says_nothing() {
    let w = world().await;
    let reference = digits();
    let (_, created) = post(&w, "/btl/v4/transfers", &digits(), &transfer(&reference)).await;
    let id = created["id"].as_str().unwrap();
    w.until_status(ID, &reference, "succeeded").await;
    w.complete(ID, id, json!({ "outcome": "returned", "code": "internalTimeout" })).await;
    let (_, view) = get(&w, &format!("/btl/v4/transfers/{id}")).await;
    assert_eq!((&view["status"], &view["reason"]), (&json!("failed"), &json!("internalTimeout")));
    assert!(view["events"].as_array().unwrap().iter().any(|it| it["status"] == "booked"));
}

#[tokio::test]
async fn the_settlement_report_has_adyens_columns() {
    let w = world().await;
    post(&w, "/v71/payments", &digits(), &charge(&digits(), "M5N7TQ4TG5PFWR50")).await;
    let url = format!("{}/psps/{ID}/statement", w.running.control_url);
    let text = w.http.get(url).send().await.unwrap().text().await.unwrap();
    let mut lines = text.lines();
    let header = lines.next().unwrap();
    assert!(
        header.starts_with("Company Account,Merchant Account,Psp Reference,Merchant Reference")
    );
    let row = lines.next().unwrap();
    assert!(row.contains(",Settled,") && row.contains(",EUR,,10.50,1,EUR,,10.40,0.10,"), "{row}");
    assert_eq!(row.split(',').count(), header.split(',').count());
}

/// Leaves the issuer's page so, and says what the payer brings back.
async fn leaves_issuer(w: &World, action: &Value, choice: &str) -> String {
    let page = w.http.get(action["url"].as_str().unwrap()).send().await.unwrap();
    assert_eq!(page.status(), 200);
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    let url = format!("{}/{choice}", action["url"].as_str().unwrap());
    let left = client.build().unwrap().post(url).send().await.unwrap();
    let back = url::Url::parse(left.headers()["location"].to_str().unwrap()).unwrap();
    assert_eq!(back.host_str(), Some("casino.example"));
    back.query_pairs().find(|(name, _)| name == "redirectResult").unwrap().1.into_owned()
}

#[tokio::test]
async fn what_the_payer_brings_back_from_the_issuer_decides_and_is_heard_once() {
    let w = world().await;
    for (choice, result, status) in
        [("approve", "Authorised", "succeeded"), ("decline", "Refused", "declined")]
    {
        let reference = digits();
        let (_, charged) =
            post(&w, "/v71/payments", &digits(), &charge(&reference, "CHALLENGE1PFWR50")).await;
        let brought = leaves_issuer(&w, &charged["action"], choice).await;
        w.until_status(ID, &reference, "pending").await;
        let told_of = |it: &Received| String::from_utf8_lossy(&it.body).contains(&reference);
        assert!(!w.received_by(ID).iter().any(told_of), "nothing is told before it is heard");
        let details = json!({ "details": { "redirectResult": brought } });
        for _ in 0..2 {
            let (code, told) = post(&w, "/v71/payments/details", &digits(), &details).await;
            assert_eq!((code, &told["resultCode"]), (200, &json!(result)));
            assert_eq!(told["merchantReference"], reference.as_str());
            let issued = charged["action"]["url"].as_str().unwrap().rsplit('/').next();
            assert_eq!(told["pspReference"].as_str(), issued);
        }
        w.until_status(ID, &reference, status).await;
    }
    let rubbish = json!({ "details": { "redirectResult": "nonsense" } });
    assert_eq!(post(&w, "/v71/payments/details", &digits(), &rubbish).await.0, 422);
}
