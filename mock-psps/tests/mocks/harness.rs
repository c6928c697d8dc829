//! A merchant with accounts at PSPs: sends requests, receives and answers notifications.

use std::future::Future;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{OriginalUri, State};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use mock_psps::{MockAccount, MockConfig, Running};
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::sign::{Signer, Verifier};
use serde_json::{Value, json};

pub const DEADLINE: Duration = Duration::from_secs(15);

/// What the merchant received.
#[derive(Clone, Debug)]
pub struct Received {
    pub path: String,
    /// Empty when there is none.
    pub query: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Received {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Whether it is this event, for PSPs that name it in `type` or `method`.
    fn is(&self, event: &str) -> bool {
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        body["type"].as_str().or(body["method"].as_str()) == Some(event)
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }
}

pub struct Merchant {
    pub received: Mutex<Vec<Received>>,
    /// So many notifications are answered with 503 first.
    pub refuse: AtomicU32,
    pub key: PKey<Private>,
    pub trustly_key: PKey<Private>,
}

pub struct World {
    pub running: Running,
    pub merchant: Arc<Merchant>,
    pub hook: String,
    pub http: reqwest::Client,
    pub request_key: PKey<Private>,
    pub token: String,
}

/// The merchant's and Trustly's RSA keys, the merchant's and TrueLayer's P-521 keys: made once,
/// because making RSA keys is slow.
static KEYS: LazyLock<[PKey<Private>; 4]> = LazyLock::new(|| [rsa(), rsa(), p521(), p521()]);

fn rsa() -> PKey<Private> {
    PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap()
}

pub fn p521() -> PKey<Private> {
    let group = EcGroup::from_curve_name(Nid::SECP521R1).unwrap();
    PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
}

fn public_pem(key: &PKey<Private>) -> String {
    String::from_utf8(key.public_key_to_pem().unwrap()).unwrap()
}

fn private_pem(key: &PKey<Private>) -> String {
    String::from_utf8(key.private_key_to_pem_pkcs8().unwrap()).unwrap()
}

pub async fn world() -> World {
    world_with(None).await
}

/// A merchant with the accounts of Trustly and TrueLayer, which the tests of what all mocks share use.
pub async fn world_with(books_dir: Option<std::path::PathBuf>) -> World {
    let mut world = world_of(&[trustly_account(), truelayer_account()], books_dir).await;
    world.token = world.fetch_token().await;
    world
}

/// One account as a test describes it: its id, its PSP's name, its currency and its settings.
#[derive(Clone, Debug)]
pub struct Account {
    pub id: &'static str,
    pub psp: &'static str,
    pub currency: &'static str,
    pub settings: Vec<(&'static str, String)>,
}

fn trustly_account() -> Account {
    let [key, trustly_key, ..] = KEYS.clone();
    let settings = vec![
        ("username", "merchant".to_owned()),
        ("password", "secret".to_owned()),
        ("merchant_public_key_pem", public_pem(&key)),
        ("trustly_private_key_pem", private_pem(&trustly_key)),
    ];
    Account { id: "trustly-de", psp: "trustly", currency: "EUR", settings }
}

fn truelayer_account() -> Account {
    let [.., request_key, webhook_key] = KEYS.clone();
    let settings = vec![
        ("client_id", "client".to_owned()),
        ("client_secret", "secret".to_owned()),
        ("merchant_account_id", "ma-1".to_owned()),
        ("signing_kid", "request-kid".to_owned()),
        ("signing_public_key_pem", public_pem(&request_key)),
        ("webhook_kid", "webhook-kid".to_owned()),
        ("webhook_private_key_pem", private_pem(&webhook_key)),
    ];
    Account { id: "truelayer-uk", psp: "truelayer", currency: "GBP", settings }
}

/// A merchant with these accounts.
pub async fn world_of(accounts: &[Account], books_dir: Option<std::path::PathBuf>) -> World {
    let [key, trustly_key, request_key, _] = KEYS.clone();
    let merchant = Arc::new(Merchant {
        received: Mutex::default(),
        refuse: AtomicU32::new(0),
        key: key.clone(),
        trustly_key: trustly_key.clone(),
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let hook = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(receive).with_state(merchant.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let accounts = accounts.iter().map(|account| MockAccount {
        id: account.id.to_owned(),
        port: 0,
        psp: account.psp.to_owned(),
        currency: account.currency.to_owned(),
        webhook_url: format!("{hook}/webhooks/{}", account.id),
        settings: account.settings.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect(),
    });
    let config = MockConfig {
        control_addr: ([127, 0, 0, 1], 0).into(),
        seed: 7,
        books_dir,
        accounts: accounts.collect(),
        vendors: Vec::new(),
    };
    let running = mock_psps::start(config).await.unwrap();
    let http = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(10))
        .build()
        .unwrap();
    World { running, merchant, hook, http, request_key, token: String::new() }
}

async fn receive(
    State(merchant): State<Arc<Merchant>>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let query = uri.query().unwrap_or_default().to_owned();
    let received = Received { path: uri.path().to_owned(), query, headers, body: body.clone() };
    merchant.received.lock().unwrap().push(received);
    let left = |n: u32| n.checked_sub(1);
    if merchant.refuse.fetch_update(Ordering::SeqCst, Ordering::SeqCst, left).is_ok() {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    // Trustly wants a signed reply; of the others some want this word and the rest any 2xx.
    if !uri.path().contains("trustly") {
        return "[accepted]".into_response();
    }
    let notification: Value = serde_json::from_slice(&body).unwrap();
    let method = notification["method"].as_str().unwrap();
    let uuid = notification["params"]["uuid"].as_str().unwrap();
    let signature = rsa_sign(&merchant.key, &format!("{method}{uuid}statusOK"));
    let result = json!({
        "signature": signature, "uuid": uuid, "method": method, "data": { "status": "OK" },
    });
    axum::Json(json!({ "result": result, "version": "1.1" })).into_response()
}

pub fn rsa_sign(key: &PKey<Private>, text: &str) -> String {
    let mut signer = Signer::new(MessageDigest::sha1(), key).unwrap();
    STANDARD.encode(signer.sign_oneshot_to_vec(text.as_bytes()).unwrap())
}

pub fn rsa_verifies(key: &PKey<Private>, text: &str, signature: &str) -> bool {
    let mut verifier = Verifier::new(MessageDigest::sha1(), key).unwrap();
    verifier.verify_oneshot(&STANDARD.decode(signature).unwrap(), text.as_bytes()).unwrap()
}

/// Sorted keys, each followed by its value; the tests' data is plain ASCII.
pub fn serialise(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(serialise).collect(),
        Value::Object(fields) => {
            let mut names: Vec<_> = fields.keys().collect();
            names.sort();
            names.iter().map(|name| format!("{name}{}", serialise(&fields[*name]))).collect()
        }
        other => other.to_string(),
    }
}

/// Waits until `look` finds something.
pub async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut look: impl FnMut() -> F) -> T {
    let start = Instant::now();
    let mut tick = tokio::time::interval(Duration::from_millis(10));
    loop {
        tick.tick().await;
        if let Some(found) = look().await {
            return found;
        }
        assert!(start.elapsed() < DEADLINE, "waited in vain for {what}");
    }
}

/// A fresh attempt's digits.
pub fn digits() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

impl World {
    pub fn base(&self, id: &str) -> String {
        self.running.psps.iter().find(|psp| psp.id == id).unwrap().base_url.clone()
    }

    pub async fn control(&self, path: &str, body: Value) -> (u16, Value) {
        let url = format!("{}{path}", self.running.control_url);
        let answer = self.http.post(url).json(&body).send().await.unwrap();
        let status = answer.status().as_u16();
        (status, answer.json().await.unwrap())
    }

    pub async fn control_get(&self, path: &str) -> Value {
        let url = format!("{}{path}", self.running.control_url);
        self.http.get(url).send().await.unwrap().json().await.unwrap()
    }

    pub async fn movements(&self, id: &str) -> Vec<Value> {
        let list = self.control_get(&format!("/psps/{id}/movements")).await;
        list.as_array().unwrap().clone()
    }

    /// Waits until the movement with this client reference has the status.
    pub async fn until_status(&self, id: &str, client_reference: &str, status: &str) -> Value {
        until(status, || async {
            let list = self.movements(id).await;
            let found = list.iter().find(|m| m["client_reference"] == client_reference)?;
            (found["status"] == status).then(|| found.clone())
        })
        .await
    }

    /// What became of it, once it is no longer pending.
    pub async fn until_over(&self, id: &str, client_reference: &str) -> String {
        until("its end", || async {
            let list = self.movements(id).await;
            let found = list.iter().find(|m| m["client_reference"] == client_reference)?;
            let status = found["status"].as_str()?;
            (status != "pending").then(|| status.to_owned())
        })
        .await
    }

    pub async fn fault(&self, id: &str, operation: &str, fault: &str, times: u32) {
        let rule = json!({ "operation": operation, "fault": fault, "times": times });
        let (status, body) = self.control(&format!("/psps/{id}/faults"), rule).await;
        assert_eq!(status, 200, "{body}");
    }

    pub async fn complete(&self, id: &str, reference: &str, body: Value) -> (u16, Value) {
        self.control(&format!("/psps/{id}/movements/{reference}/complete"), body).await
    }

    pub fn received(&self, event: &str) -> Vec<Received> {
        let all = self.merchant.received.lock().unwrap().clone();
        all.into_iter().filter(|r| r.is(event)).collect()
    }

    /// Every notification to this account.
    pub fn received_by(&self, id: &str) -> Vec<Received> {
        let all = self.merchant.received.lock().unwrap().clone();
        all.into_iter().filter(|r| r.path.contains(id)).collect()
    }

    /// Waits until so many notifications have come that the test is looking for.
    pub async fn until_told(
        &self,
        id: &str,
        count: usize,
        wanted: impl Fn(&Received) -> bool,
    ) -> Vec<Received> {
        until("notifications", || async {
            let mut received = self.received_by(id);
            received.retain(&wanted);
            (received.len() >= count).then_some(received)
        })
        .await
    }

    pub async fn until_received(&self, event: &str, count: usize) -> Vec<Received> {
        until(event, || async {
            let received = self.received(event);
            (received.len() >= count).then_some(received)
        })
        .await
    }
}
