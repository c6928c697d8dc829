//! Paysafe's wire: Basic, handles that are spent once, lookups by merchantRefNum, signed webhooks.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sign::Signer;
use serde_json::{Value, json};

use crate::harness::{Account, Received, World, digits, world_of};

pub const ID: &str = "paysafe-ca";
const KEY: &str = "a webhook key";

async fn paysafe() -> World {
    paysafe_in(None).await
}

pub async fn paysafe_in(books_dir: Option<std::path::PathBuf>) -> World {
    let settings = vec![
        ("api_username", "casino".to_owned()),
        ("api_password", "secret".to_owned()),
        ("account_id", "1001".to_owned()),
        ("webhook_key", KEY.to_owned()),
    ];
    world_of(&[Account { id: ID, psp: "paysafe", currency: "CAD", settings }], books_dir).await
}

/// A wallet's field has no `type`, and Interac's has one.
#[tokio::test]
async fn what_kind_of_name_a_payer_has_is_told_of_interac_alone() {
    let settings = vec![
        ("api_username", "casino".to_owned()),
        ("api_password", "secret".to_owned()),
        ("account_id", "1001".to_owned()),
        ("webhook_key", KEY.to_owned()),
        ("payment_type", "SKRILL".to_owned()),
    ];
    let accounts = [Account { id: ID, psp: "paysafe", currency: "CAD", settings }];
    let (interac, wallet) = (paysafe().await, world_of(&accounts, None).await);
    for (w, name, key, typed, status) in [
        (&interac, "INTERAC_ETRANSFER", "interacEtransfer", true, 201),
        (&interac, "INTERAC_ETRANSFER", "interacEtransfer", false, 400),
        (&wallet, "SKRILL", "skrill", false, 201),
        (&wallet, "SKRILL", "skrill", true, 400),
    ] {
        let mut body = handle(&digits(), "PAYMENT");
        body["paymentType"] = name.into();
        body["interacEtransfer"] = Value::Null;
        body[key] = json!({ "consumerId": "jane@example.com" });
        if typed {
            body[key]["type"] = "EMAIL".into();
        }
        assert_eq!(post(w, "paymenthandles", &body).await.0, status, "{name} {typed}");
    }
}

pub async fn post(w: &World, path: &str, body: &Value) -> (u16, Value) {
    let url = format!("{}/paymenthub/v1/{path}", w.base(ID));
    let request = w.http.post(url).basic_auth("casino", Some("secret")).json(body);
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

async fn found(w: &World, resource: &str, name: &str, reference: &str) -> Vec<Value> {
    let url = format!("{}/paymenthub/v1/{resource}?merchantRefNum={reference}", w.base(ID));
    let answer = w.http.get(url).basic_auth("casino", Some("secret")).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.json::<Value>().await.unwrap()[name].as_array().unwrap().clone()
}

pub fn handle(reference: &str, kind: &str) -> Value {
    json!({
        "merchantRefNum": reference, "transactionType": kind, "dupCheck": true,
        "paymentType": "INTERAC_ETRANSFER", "amount": 2_000, "currencyCode": "CAD",
        "interacEtransfer": { "consumerId": "jane@example.com", "type": "EMAIL" },
        "profile": { "firstName": "Jane", "lastName": "Doe" },
        "returnLinks": [
            { "rel": "default", "href": "https://casino.example/ok", "method": "GET" },
            { "rel": "on_failed", "href": "https://casino.example/no", "method": "GET" },
        ],
    })
}

fn spending(reference: &str, token: &Value) -> Value {
    json!({ "merchantRefNum": reference, "paymentHandleToken": token, "amount": 2_000,
        "currencyCode": "CAD", "dupCheck": true })
}

fn paying(reference: &str, token: &Value) -> Value {
    let mut body = spending(reference, token);
    body["settleWithAuth"] = true.into();
    body
}

/// A webhook of this kind whose signature verifies.
fn is(event: &'static str) -> impl Fn(&Received) -> bool {
    move |r| {
        let key = PKey::hmac(KEY.as_bytes()).unwrap();
        let mut signer = Signer::new(MessageDigest::sha256(), &key).unwrap();
        let tag = STANDARD.encode(signer.sign_oneshot_to_vec(&r.body).unwrap());
        r.json()["eventType"] == event && r.header("signature") == tag
    }
}

#[tokio::test]
async fn a_deposit_moves_only_by_the_merchants_second_call() {
    let w = paysafe().await;
    let reference = digits();
    let (status, made) = post(&w, "paymenthandles", &handle(&reference, "PAYMENT")).await;
    assert_eq!(
        (status, &made["status"], &made["action"]),
        (201, &json!("INITIATED"), &json!("REDIRECT"))
    );
    let token = &made["paymentHandleToken"];
    // Its payer has not been there yet.
    let early = post(&w, "payments", &paying(&reference, token)).await;
    assert_eq!((early.0, &early.1["error"]["code"]), (400, &json!("5283")));
    let id = made["id"].as_str().unwrap();
    w.complete(ID, id, json!({ "outcome": "succeeded" })).await;
    let payable = w.until_told(ID, 1, is("PAYMENT_HANDLE_PAYABLE")).await.remove(0).json();
    assert_eq!(payable["payload"]["merchantRefNum"], reference.as_str());
    assert_eq!(w.movements(ID).await[0]["status"], "pending");
    assert_eq!(
        found(&w, "paymenthandles", "paymentHandles", &reference).await[0]["status"],
        "PAYABLE"
    );
    let (status, payment) = post(&w, "payments", &paying(&reference, token)).await;
    assert_eq!((status, &payment["status"]), (201, &json!("COMPLETED")));
    w.until_told(ID, 1, is("PAYMENT_COMPLETED")).await;
    w.until_status(ID, &reference, "succeeded").await;
    let again = post(&w, "payments", &paying(&reference, token)).await;
    assert_eq!((again.0, &again.1["error"]["code"]), (409, &json!("5031")));
    assert_eq!(found(&w, "payments", "payments", &reference).await.len(), 1);
}

#[tokio::test]
async fn the_page_makes_a_handle_payable_and_its_payer_pays_afterwards() {
    let w = paysafe().await;
    let reference = digits();
    let (_, made) = post(&w, "paymenthandles", &handle(&reference, "PAYMENT")).await;
    let url = made["links"][0]["href"].as_str().unwrap().to_owned();
    let page = w.http.get(&url).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("20.00 CAD") && page.contains("Paysafe"));
    w.until_told(ID, 1, is("PAYMENT_HANDLE_PAYABLE")).await;
    let (_, payment) = post(&w, "payments", &paying(&reference, &made["paymentHandleToken"])).await;
    assert_eq!(payment["status"], "PENDING");
    let done = w.http.post(format!("{url}/approve")).send().await.unwrap();
    assert_eq!(done.headers()["location"], "https://casino.example/ok");
    w.until_told(ID, 1, is("PAYMENT_COMPLETED")).await;
}

/// A handle lives for 899 seconds. What its payer has paid by then is the merchant's to fetch.
#[tokio::test]
async fn a_handle_that_nobody_paid_in_time_has_expired() {
    let w = paysafe().await;
    let [late, payable, paid] = [digits(), digits(), digits()];
    let mut made = Vec::new();
    for reference in [&late, &payable, &paid] {
        made.push(post(&w, "paymenthandles", &handle(reference, "PAYMENT")).await.1);
    }
    let id = |n: usize| made[n]["id"].as_str().unwrap();
    let url = |n: usize| made[n]["links"][0]["href"].as_str().unwrap();
    w.http.get(url(1)).send().await.unwrap();
    w.complete(ID, id(2), json!({ "outcome": "succeeded" })).await;
    let shown = async |reference: &str| {
        found(&w, "paymenthandles", "paymentHandles", reference).await[0]["status"].clone()
    };
    w.control("/clock", json!({ "ahead_s": 880 })).await;
    assert_eq!((shown(&late).await, shown(&payable).await), (json!("INITIATED"), json!("PAYABLE")));
    w.control("/clock", json!({ "ahead_s": 900 })).await;
    for (n, reference) in [&late, &payable].into_iter().enumerate() {
        assert_eq!(shown(reference).await, "EXPIRED");
        assert_eq!(w.complete(ID, id(n), json!({ "outcome": "succeeded" })).await.0, 409);
        assert_eq!(w.http.post(format!("{}/approve", url(n))).send().await.unwrap().status(), 409);
        let spent = post(&w, "payments", &paying(reference, &made[n]["paymentHandleToken"])).await;
        assert_eq!((spent.0, &spent.1["error"]["code"]), (400, &json!("5283")));
    }
    assert_eq!(shown(&paid).await, "PAYABLE");
    let (status, _) = post(&w, "payments", &paying(&paid, &made[2]["paymentHandleToken"])).await;
    assert_eq!(status, 201);
    // What the mock is told is still told.
    assert_eq!(w.complete(ID, id(0), json!({ "outcome": "expired" })).await.0, 200);
}

#[tokio::test]
async fn nothing_that_did_not_move_comes_back() {
    let w = paysafe().await;
    let (_, made) = post(&w, "paymenthandles", &handle(&digits(), "PAYMENT")).await;
    let id = made["id"].as_str().unwrap();
    for outcome in ["returned", "charged_back"] {
        assert_eq!(w.complete(ID, id, json!({ "outcome": outcome })).await.0, 409);
    }
    assert_eq!(w.complete(ID, id, json!({ "outcome": "expired" })).await.0, 200);
    w.until_told(ID, 1, is("PAYMENT_HANDLE_EXPIRED")).await;
}

#[tokio::test]
async fn a_payout_spends_a_handle_of_the_same_amount_once() {
    let w = paysafe().await;
    let reference = digits();
    let (_, made) = post(&w, "paymenthandles", &handle(&reference, "STANDALONE_CREDIT")).await;
    assert_eq!(made["status"], "PAYABLE");
    assert!(w.movements(ID).await.is_empty());
    let token = &made["paymentHandleToken"];
    let mut other = spending(&reference, token);
    other["amount"] = 2_001.into();
    assert_eq!(post(&w, "standalonecredits", &other).await.0, 400);
    let (status, credit) = post(&w, "standalonecredits", &spending(&reference, token)).await;
    assert_eq!((status, &credit["status"]), (201, &json!("PENDING")));
    let again = post(&w, "standalonecredits", &spending(&reference, token)).await;
    assert_eq!((again.0, &again.1["error"]["code"]), (409, &json!("5031")));
    w.until_told(ID, 1, is("SA_CREDIT_COMPLETED")).await;
    let id = credit["id"].as_str().unwrap();
    w.complete(ID, id, json!({ "outcome": "returned" })).await;
    w.until_told(ID, 1, is("SA_CREDIT_FAILED")).await;
    let credits = found(&w, "standalonecredits", "standaloneCredits", &reference).await;
    assert_eq!((credits.len(), &credits[0]["status"]), (1, &json!("FAILED")));
}

#[tokio::test]
async fn nobody_without_the_password_is_served() {
    let w = paysafe().await;
    let url = format!("{}/paymenthub/v1/paymenthandles", w.base(ID));
    let body = handle(&digits(), "PAYMENT");
    let request = w.http.post(&url).basic_auth("casino", Some("guess")).json(&body);
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 401);
    assert_eq!(answer.json::<Value>().await.unwrap()["error"]["code"], "5279");
    assert!(w.movements(ID).await.is_empty());
}
