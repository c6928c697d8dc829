//! A merchant of both crypto PSPs: signs requests, receives callbacks, plays the wallet.

use std::sync::{Arc, LazyLock, Mutex};

use axum::Router;
use axum::extract::{OriginalUri, State};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use mock_psps::{MockAccount, MockConfig, Running};
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::sign::{Signer, Verifier};
use serde_json::{Value, json};

use crate::harness::{Received, until};

pub const SECRET: &str = "a secret of the callbacks";
pub const API_KEY: &str = "3a0ae5ca-0000-4000-8000-00000000feed";

pub struct Wallet {
    pub running: Running,
    received: Arc<Mutex<Vec<Received>>>,
    pub http: reqwest::Client,
}

static KEYS: LazyLock<[PKey<Private>; 2]> = LazyLock::new(|| [rsa(), rsa()]);

fn rsa() -> PKey<Private> {
    PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap()
}

fn pem(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

async fn receive(
    State(received): State<Arc<Mutex<Vec<Received>>>>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let query = uri.query().unwrap_or_default().to_owned();
    let received_now = Received { path: uri.path().to_owned(), query, headers, body };
    received.lock().unwrap().push(received_now);
    StatusCode::OK
}

pub async fn wallet() -> Wallet {
    let received = Arc::new(Mutex::default());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let hook = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(receive).with_state(Arc::clone(&received));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let account = |id: &str, currency: &str, settings: &[(&str, &str)]| MockAccount {
        id: id.to_owned(),
        port: 0,
        psp: id.to_owned(),
        currency: currency.to_owned(),
        webhook_url: format!("{hook}/webhooks/{id}"),
        settings: settings.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
    };
    let [api, webhook] = &*KEYS;
    let fireblocks = [
        ("api_key", API_KEY),
        ("api_public_key_pem", &*pem(api.public_key_to_pem().unwrap())),
        ("workspace_id", "w-1"),
        ("source_vault_id", "0"),
        ("webhook_kid", "webhook-key-1"),
        ("webhook_private_key_pem", &pem(webhook.private_key_to_pem_pkcs8().unwrap())),
    ];
    let config = MockConfig {
        control_addr: ([127, 0, 0, 1], 0).into(),
        seed: 7,
        books_dir: None,
        accounts: vec![
            account("coinspaid", "USDT", &[("api_key", "public"), ("api_secret", SECRET)]),
            account("fireblocks", "USDT", &fireblocks),
        ],
        vendors: Vec::new(),
    };
    let running = mock_psps::start(config).await.unwrap();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    Wallet { running, received, http }
}

pub fn hmac_sha512(bytes: &[u8]) -> String {
    let key = PKey::hmac(SECRET.as_bytes()).unwrap();
    let mut signer = Signer::new(MessageDigest::sha512(), &key).unwrap();
    hex::encode(signer.sign_oneshot_to_vec(bytes).unwrap())
}

/// The claims of an honest token.
pub fn claims(uri: &str, body: &[u8]) -> Value {
    let now = time::OffsetDateTime::now_utc().unix_timestamp();
    json!({
        "uri": uri, "nonce": uuid::Uuid::new_v4().to_string(), "iat": now, "exp": now + 30,
        "sub": API_KEY, "bodyHash": hex::encode(openssl::sha::sha256(body)),
    })
}

pub fn token(claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&json!({ "alg": "RS256", "typ": "JWT" })), part(claims));
    let mut signer = Signer::new(MessageDigest::sha256(), &KEYS[0]).unwrap();
    let signature = signer.sign_oneshot_to_vec(signed.as_bytes()).unwrap();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// Whether RS512 over these bytes verifies with the one published key.
pub fn rs512_verifies(jwks: &Value, bytes: &[u8], signature: &[u8]) -> bool {
    let number = |name: &str| {
        let bytes = URL_SAFE_NO_PAD.decode(jwks["keys"][0][name].as_str().unwrap()).unwrap();
        openssl::bn::BigNum::from_slice(&bytes).unwrap()
    };
    let key = Rsa::from_public_components(number("n"), number("e")).unwrap();
    let key = PKey::from_rsa(key).unwrap();
    let mut verifier = Verifier::new(MessageDigest::sha512(), &key).unwrap();
    verifier.verify_oneshot(signature, bytes).unwrap()
}

async fn answer(request: reqwest::RequestBuilder) -> (u16, Value) {
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::Null))
}

impl Wallet {
    pub fn base(&self, id: &str) -> String {
        self.running.psps.iter().find(|psp| psp.id == id).unwrap().base_url.clone()
    }

    /// A signed call to CoinsPaid.
    pub async fn coinspaid(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let body = body.to_string();
        let signature = hmac_sha512(body.as_bytes());
        self.coinspaid_raw(method, path, body, &signature).await
    }

    pub async fn coinspaid_raw(
        &self,
        method: &str,
        path: &str,
        body: String,
        signature: &str,
    ) -> (u16, Value) {
        let url = format!("{}/api/v2{path}", self.base("coinspaid"));
        let request = self.http.request(method.parse().unwrap(), url);
        let request = request
            .header("content-type", "application/json")
            .header("x-processing-key", "public")
            .header("x-processing-signature", signature)
            .body(body);
        answer(request).await
    }

    /// A call to Fireblocks under this key, with an honest token.
    pub async fn fireblocks(
        &self,
        method: &str,
        path: &str,
        key: Option<&str>,
        body: Option<&Value>,
    ) -> (u16, Value) {
        let body = body.map(Value::to_string).unwrap_or_default();
        let uri = format!("/v1{path}");
        let token = token(&claims(&uri, body.as_bytes()));
        self.fireblocks_with(method, &uri, key, body, &token).await
    }

    pub async fn fireblocks_with(
        &self,
        method: &str,
        uri: &str,
        key: Option<&str>,
        body: String,
        token: &str,
    ) -> (u16, Value) {
        let url = format!("{}{uri}", self.base("fireblocks"));
        let mut request = self.http.request(method.parse().unwrap(), url);
        request = request.header("x-api-key", API_KEY).bearer_auth(token).body(body);
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        answer(request).await
    }

    pub async fn control(&self, path: &str, body: Value) -> (u16, Value) {
        let url = format!("{}{path}", self.running.control_url);
        answer(self.http.post(url).json(&body)).await
    }

    pub async fn movements(&self, id: &str) -> Vec<Value> {
        let url = format!("{}/psps/{id}/movements", self.running.control_url);
        answer(self.http.get(url)).await.1.as_array().unwrap().clone()
    }

    /// Waits until so many notifications came that fit.
    pub async fn notified(&self, count: usize, fits: impl Fn(&Value) -> bool) -> Vec<Received> {
        until("notifications", || async {
            let all = self.received.lock().unwrap().clone();
            let fitting: Vec<_> = all.into_iter().filter(|it| fits(&it.json())).collect();
            (fitting.len() >= count).then_some(fitting)
        })
        .await
    }
}
