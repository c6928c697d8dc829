//! The casino's backend: signed requests to the service's API.

use anyhow::{Result, ensure};
use interlock::api::sign::{SignedRequest, headers};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A key of the built-in sandbox; its secret equals its id.
const KEY: &str = "sk_sandbox";

/// A deposit as its request was answered: its status, which PSPs were asked when, and what came of each.
#[derive(Debug)]
pub struct Asked {
    pub status: String,
    pub attempts: Vec<(String, OffsetDateTime, String)>,
}

/// Clones share connections and the count of nonces.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    sent: Arc<AtomicU64>,
}

impl Client {
    pub fn new(port: u16) -> Result<Self> {
        let http = reqwest::Client::builder().no_proxy().build()?;
        // Two runs on one database must not meet in a nonce.
        let from =
            u64::try_from(OffsetDateTime::now_utc().unix_timestamp_nanos()).unwrap_or_default();
        let base = format!("http://127.0.0.1:{port}");
        Ok(Self { http, base, sent: Arc::new(AtomicU64::new(from)) })
    }

    async fn send(&self, method: &str, path: &str, key: &str, body: &Value) -> Result<Value> {
        let body = serde_json::to_vec(body)?;
        let number = self.sent.fetch_add(1, Ordering::Relaxed);
        let (nonce, timestamp) =
            (format!("bench-{number:020}"), OffsetDateTime::now_utc().unix_timestamp().to_string());
        let request = SignedRequest {
            timestamp: &timestamp,
            nonce: &nonce,
            method,
            path_and_query: path,
            body: &body,
        };
        let mut call = self
            .http
            .request(method.parse()?, format!("{}{path}", self.base))
            .header("content-type", "application/json")
            .header("idempotency-key", key);
        for (name, value) in headers(KEY, KEY.as_bytes(), &request) {
            call = call.header(name, value);
        }
        let answer = call.body(body).send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        ensure!(status.is_success(), "{path}: {status}: {text}");
        Ok(serde_json::from_str(&text)?)
    }

    pub async fn put_player(&self, id: &str, country: &str, currency: &str) -> Result<()> {
        let body = json!({
            "country": country, "currency": currency, "full_name": "Erika Mustermann",
            "given_name": "Erika", "family_name": "Mustermann", "date_of_birth": "1985-04-01",
            "email": "erika@example.test", "phone": "+491700000000", "locale": "de-DE",
            "status": "active", "kyc": {"status": "verified", "level": 3},
        });
        self.send("PUT", &format!("/v1/players/{id}"), id, &body).await?;
        Ok(())
    }

    /// Asks for a deposit that may fail.
    pub async fn ask(
        &self,
        player: &str,
        currency: &str,
        amount: &str,
        key: &str,
    ) -> Result<Asked> {
        let body = json!({
            "player_id": player, "currency": currency, "method": "bank_transfer", "reference": key,
            "amount": amount, "return_url": "https://casino.example/back",
            "device": {"ip": "203.0.113.7"},
        });
        let payment = self.send("POST", "/v1/deposits", key, &body).await?;
        let attempts = payment["attempts"].as_array().into_iter().flatten().map(|attempt| {
            let psp = attempt["psp"].as_str().unwrap_or_default().to_owned();
            let started = attempt["started_at"].as_str().unwrap_or_default();
            let status = attempt["status"].as_str().unwrap_or_default().to_owned();
            Ok((psp, OffsetDateTime::parse(started, &Rfc3339)?, status))
        });
        let status = payment["status"].as_str().unwrap_or_default().to_owned();
        Ok(Asked { status, attempts: attempts.collect::<Result<_>>()? })
    }

    /// Asks for a payment; `route` is `deposits` or `withdrawals`.
    pub async fn pay(&self, route: &str, player: &str, currency: &str, key: &str) -> Result<()> {
        let mut body = json!({
            "player_id": player, "currency": currency, "method": "bank_transfer", "reference": key,
        });
        if route == "deposits" {
            body["amount"] = "50.00".into();
            body["return_url"] = "https://casino.example/back".into();
            body["device"] = json!({"ip": "203.0.113.7"});
        } else {
            body["amount"] = "10.00".into();
        }
        let payment = self.send("POST", &format!("/v1/{route}"), key, &body).await?;
        let status = payment["status"].as_str().unwrap_or_default();
        let fine = ["processing", "action_required", "succeeded", "approved", "paid"];
        ensure!(fine.contains(&status), "{key} is {status}: {payment}");
        Ok(())
    }
}
