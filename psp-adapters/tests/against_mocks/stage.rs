//! The mocks at work, a listener for their webhooks, and the adapters between them.

use crate::support::{
    CLIENT_EC, KID, MERCHANT_ACCOUNT, MERCHANT_RSA, TRUSTLY_RSA, WEBHOOK_EC, WEBHOOK_KID, eur, gbp,
    new_transport, texts, truelayer_account, trustly_account,
};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use mock_psps::{MockAccount, MockConfig, Running};
use psp_adapters::{Performed, Psp, RawWebhook, WebhookEvent, WebhookRefusal, build};
use psp_contract::{AttemptRef, Destination, Money, Operation, Portable, Timestamp};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;
use uuid::Uuid;

pub const PSPS: [&str; 2] = ["trustly-de", "truelayer-gb"];
pub const SECOND: Duration = Duration::from_secs(1);

type Received = Result<WebhookEvent, WebhookRefusal>;

#[derive(Default)]
struct Inbox {
    psps: OnceLock<BTreeMap<String, Psp>>,
    received: Mutex<Vec<(String, Received)>>,
}

pub struct Stage {
    inbox: Arc<Inbox>,
    mocks: Running,
    client: reqwest::Client,
}

async fn receive(
    State(inbox): State<Arc<Inbox>>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    let headers: Vec<_> = request
        .headers()
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), value.to_str().unwrap().to_owned()))
        .collect();
    let (method, path) = (request.method().to_string(), request.uri().to_string());
    let body: Bytes = axum::body::to_bytes(request.into_body(), 1 << 20).await.unwrap();
    let psp = &inbox.psps.get().unwrap()[&id];
    let raw = RawWebhook {
        method: &method,
        path_and_query: &path,
        headers: &headers,
        body: &body,
        peer_certificate: None,
        received_at: Timestamp::now_utc(),
    };
    let verified = psp.verify_webhook(&raw).await;
    let (answer, received) = match verified {
        Ok(verified) => {
            let reply = psp.reply(&verified);
            let status = StatusCode::from_u16(reply.status).unwrap();
            let answer = (status, [(header::CONTENT_TYPE, reply.content_type)], reply.body);
            (answer.into_response(), Ok(verified.into_inner().events.remove(0)))
        }
        Err(refusal) => {
            let status = StatusCode::from_u16(refusal.status()).unwrap();
            (status.into_response(), Err(refusal))
        }
    };
    inbox.received.lock().unwrap().push((id, received));
    answer
}

fn mock_config(public_url: &str) -> MockConfig {
    let account = |id: &str, psp: &str, currency: &str, settings: &[(&str, &str)]| MockAccount {
        id: id.to_owned(),
        port: 0,
        psp: psp.to_owned(),
        currency: currency.to_owned(),
        webhook_url: format!("{public_url}/webhooks/{id}"),
        settings: texts(settings),
    };
    let trustly = [
        ("username", "casino"),
        ("password", "correct horse"),
        ("merchant_public_key_pem", &*MERCHANT_RSA.public_pem),
        ("trustly_private_key_pem", &TRUSTLY_RSA.private_pem),
    ];
    let truelayer = [
        ("client_id", "casino"),
        ("client_secret", "a client secret of some length"),
        ("merchant_account_id", MERCHANT_ACCOUNT),
        ("signing_kid", KID),
        ("signing_public_key_pem", &CLIENT_EC.public_pem),
        ("webhook_kid", WEBHOOK_KID),
        ("webhook_private_key_pem", &WEBHOOK_EC.private_pem),
    ];
    MockConfig {
        control_addr: ([127, 0, 0, 1], 0).into(),
        seed: 7,
        books_dir: None,
        accounts: vec![
            account("trustly-de", "trustly", "EUR", &trustly),
            account("truelayer-gb", "truelayer", "GBP", &truelayer),
        ],
    }
}

impl Stage {
    pub async fn new() -> Self {
        let inbox = Arc::new(Inbox::default());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let public_url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().route("/webhooks/{id}", post(receive)).with_state(inbox.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let mocks = mock_psps::start(mock_config(&public_url)).await.unwrap();
        let transport = new_transport();
        let psps = mocks.psps.iter().map(|running| {
            let mut account = match running.id.as_str() {
                "trustly-de" => trustly_account(&running.base_url),
                _ => truelayer_account(&running.base_url),
            };
            account.notify_url = format!("{public_url}/webhooks/{}", running.id);
            (running.id.clone(), build(account, &transport).unwrap())
        });
        assert!(inbox.psps.set(psps.collect()).is_ok());
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { inbox, mocks, client }
    }

    pub fn psp(&self, id: &str) -> &Psp {
        &self.inbox.psps.get().unwrap()[id]
    }

    pub async fn perform(&self, id: &str, operation: &Operation) -> Performed {
        self.perform_within(id, operation, 5 * SECOND).await
    }

    pub async fn perform_within(
        &self,
        id: &str,
        operation: &Operation,
        deadline: Duration,
    ) -> Performed {
        self.psp(id).perform(operation, deadline, Timestamp::now_utc()).await
    }

    pub async fn control(&self, path: &str, body: &Value) -> Value {
        let url = format!("{}{path}", self.mocks.control_url);
        let answer = self.client.post(url).json(body).send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "{path}: {text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    pub async fn fault(&self, id: &str, operation: &str, fault: &str, delay_ms: u64) {
        let body =
            json!({"operation": operation, "fault": fault, "times": 1, "delay_ms": delay_ms});
        self.control(&format!("/psps/{id}/faults"), &body).await;
    }

    pub async fn clear_faults(&self, id: &str) {
        let url = format!("{}/psps/{id}/faults", self.mocks.control_url);
        assert!(self.client.delete(url).send().await.unwrap().status().is_success());
    }

    pub async fn complete(&self, id: &str, reference: &str, outcome: &str) {
        let path = format!("/psps/{id}/movements/{reference}/complete");
        self.control(&path, &json!({"outcome": outcome})).await;
    }

    /// What the mock booked under our reference.
    pub async fn movements(&self, id: &str, attempt: AttemptRef) -> Vec<Value> {
        let url = format!("{}/psps/{id}/movements", self.mocks.control_url);
        let text = self.client.get(url).send().await.unwrap().text().await.unwrap();
        let all: Vec<Value> = serde_json::from_str(&text).unwrap();
        let ours = attempt.lower();
        all.into_iter().filter(|it| it["client_reference"] == ours.as_str()).collect()
    }

    /// Waits for a webhook.
    pub async fn webhook(&self, id: &str, wanted: impl Fn(&Received) -> bool) -> Received {
        let mut tick = tokio::time::interval(Duration::from_millis(25));
        for _ in 0..200 {
            tick.tick().await;
            let found = self.seen(id).into_iter().find(&wanted);
            if let Some(found) = found {
                return found;
            }
        }
        panic!("{id}: no such webhook, only {:?}", self.seen(id));
    }

    /// Waits for a verified event of this kind about this attempt.
    pub async fn event(&self, id: &str, kind: &str, attempt: AttemptRef) -> WebhookEvent {
        let received = self.webhook(id, |received| {
            received.as_ref().is_ok_and(|it| it.kind == kind && it.attempt == Some(attempt))
        });
        received.await.unwrap()
    }

    pub fn seen(&self, id: &str) -> Vec<Received> {
        let received = self.inbox.received.lock().unwrap();
        received.iter().filter(|(psp, _)| psp == id).map(|(_, it)| it.clone()).collect()
    }
}

pub fn fresh_attempt() -> AttemptRef {
    AttemptRef::new(Uuid::now_v7())
}

/// 10.50 of the account's currency.
pub fn money(id: &str) -> Money {
    if id == "trustly-de" { eur(1050) } else { gbp(1050) }
}

/// An account that the PSP pays without having seen it.
pub fn portable(id: &str) -> Destination {
    let holder_name = "Erika Mustermann".to_owned();
    let portable = if id == "trustly-de" {
        Portable::Iban { iban: "DE89370400440532013000".to_owned(), holder_name }
    } else {
        let (sort_code, account_number) = ("040668".to_owned(), "00000871".to_owned());
        Portable::UkAccount { sort_code, account_number, holder_name }
    };
    Destination { token: None, portable: Some(portable) }
}
