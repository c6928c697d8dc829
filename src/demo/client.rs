//! The two HTTP interfaces that the demo uses: the public API and the mocks' control.

use super::DemoOptions;
use crate::clock::{Clock as _, SystemClock};
use crate::domain::Ids as _;
use crate::domain::ids::SystemIds;
use anyhow::Context as _;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::time::Duration;

/// Longer than any answer of the service may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// Null where there is no JSON.
    pub(super) body: Value,
}

impl Answer {
    /// The body, where the status is the one that was expected.
    pub(super) fn expect(self, status: u16) -> anyhow::Result<Value> {
        let Self { status: found, body } = self;
        anyhow::ensure!(found == status, "expected status {status}, got {found}: {body}");
        Ok(body)
    }
}

/// The text at a JSON pointer; empty where there is none.
pub(super) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The list at a JSON pointer; empty where there is none.
pub(super) fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The public API, as a casino's backend uses it.
#[derive(Debug)]
pub(super) struct Api {
    http: reqwest::Client,
    pub(super) base_url: String,
    key_id: String,
    key_secret: String,
}

impl Api {
    pub(super) fn new(options: &DemoOptions) -> anyhow::Result<Self> {
        Ok(Self {
            http: http()?,
            base_url: options.api_url.trim_end_matches('/').to_owned(),
            key_id: options.key_id.clone(),
            key_secret: options.key_secret.clone(),
        })
    }

    /// The same API by another of the sandbox's keys.
    pub(super) fn as_key(&self, key: &str) -> Self {
        let (http, base_url) = (self.http.clone(), self.base_url.clone());
        Self { http, base_url, key_id: key.to_owned(), key_secret: key.to_owned() }
    }

    pub(super) async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.bearer(Method::GET, path, None).await?.expect(200)
    }

    pub(super) async fn put(&self, path: &str, body: &Value) -> anyhow::Result<Answer> {
        self.bearer(Method::PUT, path, Some(body)).await
    }

    pub(super) async fn delete(&self, path: &str) -> anyhow::Result<Answer> {
        self.bearer(Method::DELETE, path, None).await
    }

    /// A POST under an idempotency key of its own, with the key plainly in the header.
    pub(super) async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Answer> {
        self.bearer(Method::POST, path, Some(body)).await
    }

    async fn bearer(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Answer> {
        let mut request = self.request(method.clone(), path).bearer_auth(&self.key_secret);
        if method == Method::POST {
            request = request.header("idempotency-key", fresh());
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        send(request).await.with_context(|| format!("{method} {path}"))
    }

    /// A POST that is signed as a production casino signs it: the secret stays at home.
    pub(super) async fn post_signed(
        &self,
        path: &str,
        body: &Value,
        idempotency_key: &str,
    ) -> anyhow::Result<Answer> {
        let body = body.to_string();
        let timestamp = SystemClock.now().unix_timestamp().to_string();
        let nonce = fresh();
        let signed = string_to_sign(&timestamp, &nonce, "POST", path, body.as_bytes());
        let request = self
            .request(Method::POST, path)
            .header("content-type", "application/json")
            .header("idempotency-key", idempotency_key)
            .header("x-api-key", &self.key_id)
            .header("x-request-timestamp", timestamp)
            .header("x-request-nonce", nonce)
            .header("x-request-signature", signature(&self.key_secret, &signed)?)
            .body(body);
        send(request).await.with_context(|| format!("POST {path}, signed"))
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base_url))
    }
}

/// The mocks' control: what payers, banks and broken PSPs do.
#[derive(Debug)]
pub(super) struct Mocks {
    http: reqwest::Client,
    base_url: String,
}

impl Mocks {
    pub(super) fn new(control_url: &str) -> anyhow::Result<Self> {
        Ok(Self { http: http()?, base_url: control_url.trim_end_matches('/').to_owned() })
    }

    /// No faults, every listener up, nothing completes by request. The books stay.
    pub(super) async fn reset(&self) -> anyhow::Result<()> {
        self.post("/reset", &json!({})).await?;
        Ok(())
    }

    pub(super) async fn psps(&self) -> anyhow::Result<Value> {
        self.get("/psps").await
    }

    pub(super) async fn listener(&self, psp: &str, up: bool) -> anyhow::Result<()> {
        self.post(&format!("/psps/{psp}/listener"), &json!({ "up": up })).await?;
        Ok(())
    }

    pub(super) async fn fault(&self, psp: &str, rule: &Value) -> anyhow::Result<()> {
        self.post(&format!("/psps/{psp}/faults"), rule).await?;
        Ok(())
    }

    /// Whether payouts wait for [`Mocks::complete`] instead of being paid after a moment.
    pub(super) async fn bank_waits(&self, psp: &str) -> anyhow::Result<()> {
        self.post(&format!("/psps/{psp}/auto"), &json!({ "complete_after_ms": null })).await?;
        Ok(())
    }

    /// The movements that a PSP booked for one of our attempts (`att_…`): its own truth.
    pub(super) async fn movements(&self, psp: &str, attempt: &str) -> anyhow::Result<Vec<Value>> {
        let digits = attempt.strip_prefix("att_").unwrap_or(attempt);
        let all = self.get(&format!("/psps/{psp}/movements")).await?;
        // Some PSPs write it in capitals.
        let ours =
            |movement: &&Value| text(movement, "/client_reference").eq_ignore_ascii_case(digits);
        Ok(list(&all, "").iter().filter(ours).cloned().collect())
    }

    /// One movement by the PSP's own reference.
    pub(super) async fn movement(&self, psp: &str, reference: &str) -> anyhow::Result<Value> {
        let all = self.get(&format!("/psps/{psp}/movements")).await?;
        let found = list(&all, "").iter().find(|one| text(one, "/reference") == reference);
        found.cloned().with_context(|| format!("{psp} knows no movement {reference}"))
    }

    /// Anybody sends coins to an address.
    pub(super) async fn send_coins(
        &self,
        psp: &str,
        address: &str,
        amount: &str,
    ) -> anyhow::Result<Value> {
        let body = json!({ "address": address, "amount": amount });
        self.post(&format!("/psps/{psp}/payins"), &body).await
    }

    /// The payer or the bank acts.
    pub(super) async fn complete(&self, psp: &str, reference: &str) -> anyhow::Result<Value> {
        let path = format!("/psps/{psp}/movements/{reference}/complete");
        self.post(&path, &json!({ "outcome": "succeeded" })).await
    }

    /// Sends a movement's last webhook again, as `how` says, and tells the status of each answer.
    pub(super) async fn resend(
        &self,
        psp: &str,
        reference: &str,
        how: Value,
    ) -> anyhow::Result<Vec<u64>> {
        let mut body = json!({ "reference": reference });
        if let (Some(body), Value::Object(how)) = (body.as_object_mut(), how) {
            body.extend(how);
        }
        let report = self.post(&format!("/psps/{psp}/webhooks/resend"), &body).await?;
        let status = |answer: &Value| answer["status"].as_u64().unwrap_or_default();
        Ok(list(&report, "/answers").iter().map(status).collect())
    }

    async fn get(&self, path: &str) -> anyhow::Result<Value> {
        let request = self.http.get(format!("{}{path}", self.base_url));
        send(request).await.and_then(|answer| answer.expect(200)).with_context(|| at_mocks(path))
    }

    async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        let request = self.http.post(format!("{}{path}", self.base_url)).json(body);
        send(request).await.and_then(|answer| answer.expect(200)).with_context(|| at_mocks(path))
    }
}

fn at_mocks(path: &str) -> String {
    format!("{path} of the mocks' control")
}

fn http() -> anyhow::Result<reqwest::Client> {
    let builder = reqwest::Client::builder().no_proxy().timeout(PATIENCE);
    builder.build().context("setting up the HTTP client")
}

async fn send(request: RequestBuilder) -> anyhow::Result<Answer> {
    let response = request.send().await?;
    let status = response.status().as_u16();
    let bytes = response.bytes().await?;
    Ok(Answer { status, body: serde_json::from_slice(&bytes).unwrap_or(Value::Null) })
}

/// A text that was never used before, for keys and nonces.
pub(super) fn fresh() -> String {
    SystemIds.next().simple().to_string()
}

fn string_to_sign(
    timestamp: &str,
    nonce: &str,
    method: &str,
    path_and_query: &str,
    body: &[u8],
) -> String {
    let body = hex::encode(Sha256::digest(body));
    [timestamp, nonce, method, path_and_query, &body].join("\n")
}

fn signature(secret: &str, text: &str) -> anyhow::Result<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).context("the key's secret")?;
    mac.update(text.as_bytes());
    Ok(format!("v1={}", hex::encode(mac.finalize().into_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_signed_as_openssl_signs_it() {
        let text = string_to_sign("1700000000", "nonce-0123456789", "POST", "/v1/deposits", b"{}");
        let body = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
        assert_eq!(text, format!("1700000000\nnonce-0123456789\nPOST\n/v1/deposits\n{body}"));
        let expected = "v1=320a3333a6317a7d429467e756492ac63830c720e66b00735f53b9e2547aa29d";
        assert_eq!(signature("sk_sandbox", &text).unwrap(), expected);
    }

    #[test]
    fn what_is_not_there_is_empty() {
        let value = json!({ "a": [{ "b": "c" }] });
        assert_eq!(text(&value, "/a/0/b"), "c");
        assert_eq!(text(&value, "/a/1/b"), "");
        assert_eq!(list(&value, "/a").len(), 1);
        assert!(list(&value, "/x").is_empty());
    }
}
