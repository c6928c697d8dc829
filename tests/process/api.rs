//! The public API and the mocks' control, as their users call them.

use super::wait::until;
use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::interval;

/// An answer with everything that a test may compare.
#[derive(Debug, Clone)]
pub struct Told {
    pub status: StatusCode,
    pub replayed: bool,
    /// In seconds.
    pub retry_after: Option<u64>,
    pub bytes: Vec<u8>,
}

impl Told {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or(Value::Null)
    }

    pub fn text(&self, key: &str) -> String {
        self.json()[key].as_str().unwrap_or_default().to_owned()
    }

    /// The body of a request that must have gone well.
    #[track_caller]
    pub fn fine(self) -> Value {
        assert!(self.status.is_success(), "{}: {}", self.status, self.json());
        self.json()
    }
}

pub fn client() -> Client {
    let builder = Client::builder().no_proxy().timeout(Duration::from_secs(30));
    builder.redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

/// A caller of one instance.
#[derive(Clone)]
pub struct Api {
    pub url: String,
    key: &'static str,
    client: Client,
}

impl Api {
    pub fn at(url: impl Into<String>) -> Self {
        Self { url: url.into(), key: "sk_sandbox", client: client() }
    }

    /// As another key.
    pub fn by(&self, key: &'static str) -> Self {
        Self { key, ..self.clone() }
    }

    async fn send(&self, request: RequestBuilder) -> reqwest::Result<Told> {
        let bearer = format!("Bearer {}", self.key);
        let answer = request.header("authorization", bearer).send().await?;
        let header = |name| answer.headers().get(name).and_then(|value| value.to_str().ok());
        let replayed = header("idempotency-replayed") == Some("true");
        let retry_after = header("retry-after").and_then(|seconds| seconds.parse().ok());
        let status = answer.status();
        Ok(Told { status, replayed, retry_after, bytes: answer.bytes().await?.to_vec() })
    }

    pub async fn get(&self, path: &str) -> Told {
        self.send(self.client.get(format!("{}{path}", self.url))).await.unwrap()
    }

    /// A POST that may find nobody there.
    pub async fn try_post(&self, path: &str, key: &str, body: &Value) -> reqwest::Result<Told> {
        let request = self.client.post(format!("{}{path}", self.url));
        self.send(request.header("idempotency-key", key).json(body)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Told {
        self.try_post(path, &fresh(), body).await.unwrap()
    }

    /// Repeats a POST with its key until it has an answer that is one: not "later", not nobody.
    pub async fn insist(&self, path: &str, key: &str, body: &Value) -> Told {
        let mut tries = interval(Duration::from_millis(50));
        loop {
            tries.tick().await;
            if let Ok(told) = self.try_post(path, key, body).await
                && !told.status.is_server_error()
                && !matches!(told.status.as_u16(), 408 | 409 | 429)
            {
                return told;
            }
        }
    }

    /// A player of Germany who is verified.
    pub async fn player(&self, id: &str) {
        self.player_of(id, ("DE", "EUR")).await;
    }

    /// A verified player of this country and currency.
    pub async fn player_of(&self, id: &str, home: (&str, &str)) {
        let verified = json!({
            "status": "verified", "level": 2, "verified_at": "2026-01-01T00:00:00Z",
        });
        self.put_player(id, home, verified).await;
    }

    /// A player of Germany, with what is known of who they are.
    pub async fn player_with(&self, id: &str, kyc: Value) {
        self.put_player(id, ("DE", "EUR"), kyc).await;
    }

    async fn put_player(&self, id: &str, (country, currency): (&str, &str), kyc: Value) {
        let body = json!({
            "country": country, "currency": currency, "full_name": "Erika Mustermann",
            "given_name": "Erika", "family_name": "Mustermann", "date_of_birth": "1990-05-01",
            "national_id": "L01X00T47", "email": "erika@casino.example", "phone": "+4915112345678",
            "address": "Heidestr. 17, 51147 Köln", "locale": "de-DE",
            "kyc": kyc,
        });
        let request = self.client.put(format!("{}/v1/players/{id}", self.url)).json(&body);
        self.send(request).await.unwrap().fine();
    }

    pub async fn deposit(&self, player: &str, amount: &str) -> Value {
        self.post("/v1/deposits", &self.deposit_body(player, amount)).await.fine()
    }

    pub fn deposit_body(&self, player: &str, amount: &str) -> Value {
        self.deposit_body_in(player, amount, "EUR")
    }

    pub fn deposit_body_in(&self, player: &str, amount: &str, currency: &str) -> Value {
        json!({
            "player_id": player, "amount": amount, "currency": currency, "method": "bank_transfer",
            "return_url": format!("{}/livez", self.url),
        })
    }

    /// What can be staked, and what is held.
    pub async fn wallet(&self, player: &str) -> (String, String) {
        let wallet = self.get(&format!("/v1/players/{player}/wallet")).await.fine();
        let balances = wallet["balances"].as_array().unwrap();
        let cash = balances.iter().find(|b| b["fund"] == "cash" && b["currency"] == "EUR");
        let text = |key: &str| cash.map_or("0.00", |b| b[key].as_str().unwrap()).to_owned();
        (text("available"), text("held"))
    }

    /// The payment once it has one of these statuses.
    pub async fn until_status(&self, id: &str, statuses: &[&str]) -> Value {
        let kind = if id.starts_with("dep_") { "deposits" } else { "withdrawals" };
        let path = format!("/v1/{kind}/{id}");
        until(&format!("{id} to be {statuses:?}"), || async {
            let payment = self.get(&path).await.fine();
            let status = payment["status"].as_str().unwrap().to_owned();
            statuses.contains(&status.as_str()).then_some(payment)
        })
        .await
    }
}

/// The control of the mocks.
#[derive(Clone)]
pub struct Control {
    url: String,
    client: Client,
}

impl Control {
    pub fn at(url: impl Into<String>) -> Self {
        Self { url: url.into(), client: client() }
    }

    pub async fn post(&self, path: &str, body: Value) -> Value {
        let answer = self.client.post(format!("{}{path}", self.url)).json(&body).send().await;
        let answer = answer.unwrap();
        let status = answer.status();
        let body = answer.text().await.unwrap();
        assert!(status.is_success(), "{path}: {status}: {body}");
        serde_json::from_str(&body).unwrap_or(Value::Null)
    }

    /// What really moved at this PSP.
    pub async fn movements(&self, psp: &str) -> Vec<Value> {
        let url = format!("{}/psps/{psp}/movements", self.url);
        let list: Value = self.client.get(url).send().await.unwrap().json().await.unwrap();
        list.as_array().unwrap().clone()
    }

    /// Opens or closes the PSP's port.
    pub async fn listener(&self, psp: &str, up: bool) {
        self.post(&format!("/psps/{psp}/listener"), json!({ "up": up })).await;
    }

    /// Everything at this PSP completes by itself.
    pub async fn auto(&self, psp: &str, after_ms: u64) {
        let body = json!({ "complete_after_ms": after_ms, "outcome": "succeeded" });
        self.post(&format!("/psps/{psp}/auto"), body).await;
    }

    /// The payer or the bank does this to the movement that our attempt made.
    pub async fn complete(&self, psp: &str, attempt: &str, outcome: &str) {
        let digits = attempt.trim_start_matches("att_");
        let movements = self.movements(psp).await;
        let found = movements.iter().find(|m| m["client_reference"] == digits).unwrap();
        let path =
            format!("/psps/{psp}/movements/{}/complete", found["reference"].as_str().unwrap());
        self.post(&path, json!({ "outcome": outcome })).await;
    }
}

/// A fresh idempotency key.
pub fn fresh() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}
