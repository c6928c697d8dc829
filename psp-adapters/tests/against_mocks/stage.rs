//! The mocks at work, a listener for their webhooks, and the adapters between them.

use crate::stands::{STANDS, Stand};
use crate::support::new_transport;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use mock_psps::{MockAccount, MockConfig, Running};
use psp_adapters::{Performed, Psp, PspAccount, RawWebhook, WebhookEvent, WebhookRefusal, build};
use psp_contract::{AttemptRef, Operation, Timestamp};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;
use uuid::Uuid;

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

async fn receive_below(
    inbox: State<Arc<Inbox>>,
    Path((id, _)): Path<(String, String)>,
    request: Request,
) -> Response {
    receive(inbox, Path(id), request).await
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
    let (answer, received): (Response, Vec<Received>) = match verified {
        Ok(verified) => {
            let reply = psp.reply(&verified);
            let status = StatusCode::from_u16(reply.status).unwrap();
            let answer = (status, [(header::CONTENT_TYPE, reply.content_type)], reply.body);
            let events = verified.into_inner().events.into_iter().map(Ok);
            (answer.into_response(), events.collect())
        }
        Err(refusal) => {
            let status = StatusCode::from_u16(refusal.status()).unwrap();
            (status.into_response(), vec![Err(refusal)])
        }
    };
    let received = received.into_iter().map(|one| (id.clone(), one));
    inbox.received.lock().unwrap().extend(received);
    answer
}

/// The mocks of all stands, and the adapters' accounts once it is known where the mocks listen.
async fn open(public_url: &str, stands: &[&'static dyn Stand]) -> (Running, BTreeMap<String, Psp>) {
    let notify_url = |stand: &dyn Stand| format!("{public_url}/webhooks/{}", stand.id());
    let accounts = stands.iter().map(|stand| MockAccount {
        id: stand.id().to_owned(),
        port: 0,
        psp: stand.account("http://127.0.0.1:9").adapter,
        currency: stand.money().currency.code().to_owned(),
        webhook_url: notify_url(*stand),
        settings: stand.mock(),
    });
    let config = MockConfig {
        control_addr: ([127, 0, 0, 1], 0).into(),
        seed: 7,
        books_dir: None,
        accounts: accounts.collect(),
        vendors: Vec::new(),
    };
    let mocks = mock_psps::start(config).await.unwrap();
    let transport = new_transport();
    let psps = stands.iter().zip(&mocks.psps).map(|(stand, mock)| {
        let account =
            PspAccount { notify_url: notify_url(*stand), ..stand.account(&mock.base_url) };
        (mock.id.clone(), build(account, &transport).unwrap())
    });
    let psps = psps.collect();
    (mocks, psps)
}

impl Stage {
    pub async fn new() -> Self {
        Self::of(STANDS).await
    }

    pub async fn of(stands: &[&'static dyn Stand]) -> Self {
        let inbox = Arc::new(Inbox::default());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let public_url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new()
            .route("/webhooks/{id}", any(receive))
            .route("/webhooks/{id}/{rest}", any(receive_below))
            .with_state(inbox.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let (mocks, psps) = open(&public_url, stands).await;
        assert!(inbox.psps.set(psps).is_ok());
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
        self.psp(id).perform(operation, deadline, Timestamp::now_utc).await
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

    /// A rule that could never fire.
    pub async fn refuses_fault(&self, id: &str, operation: &str, fault: &str) {
        let url = format!("{}/psps/{id}/faults", self.mocks.control_url);
        let rule = json!({"operation": operation, "fault": fault, "times": 1});
        let status = self.client.post(url).json(&rule).send().await.unwrap().status();
        assert_eq!(status, 422, "{id} {operation} {fault}");
    }

    pub async fn clear_faults(&self, id: &str) {
        let url = format!("{}/psps/{id}/faults", self.mocks.control_url);
        assert!(self.client.delete(url).send().await.unwrap().status().is_success());
    }

    /// The payer pays a deposit.
    pub async fn pay(&self, stand: &dyn Stand, order: &str) {
        let (path, body) = stand.pay(order);
        self.control(&format!("/psps/{}{path}", stand.id()), &body).await;
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

    /// The mock's settlement file.
    pub async fn statement(&self, id: &str) -> Vec<u8> {
        let url = format!("{}/psps/{id}/statement", self.mocks.control_url);
        self.client.get(url).send().await.unwrap().bytes().await.unwrap().to_vec()
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

    /// Waits for a verified event of this kind about this attempt or this payment.
    pub async fn event(
        &self,
        id: &str,
        kind: &str,
        attempt: AttemptRef,
        order: &str,
    ) -> WebhookEvent {
        self.event_that(id, kind, (attempt, order), |_| true).await
    }

    /// As [`Stage::event`], and the event says this.
    pub async fn event_that(
        &self,
        id: &str,
        kind: &str,
        (attempt, order): (AttemptRef, &str),
        says: impl Fn(&WebhookEvent) -> bool,
    ) -> WebhookEvent {
        let received = self.webhook(id, |received| {
            let about = |it: &WebhookEvent| it.kind == kind && is_about(it, attempt, order);
            received.as_ref().is_ok_and(|it| about(it) && says(it))
        });
        received.await.unwrap()
    }

    /// Every verified event about an attempt or payment so far.
    pub fn events(&self, id: &str, attempt: AttemptRef, order: &str) -> Vec<WebhookEvent> {
        let verified = self.seen(id).into_iter().filter_map(Result::ok);
        verified.filter(|it| is_about(it, attempt, order)).collect()
    }

    pub fn seen(&self, id: &str) -> Vec<Received> {
        let received = self.inbox.received.lock().unwrap();
        received.iter().filter(|(psp, _)| psp == id).map(|(_, it)| it.clone()).collect()
    }
}

pub fn fresh_attempt() -> AttemptRef {
    AttemptRef::new(Uuid::now_v7())
}

/// Thin events name only the PSP's id, and arrivals at an address no attempt at all.
fn is_about(event: &WebhookEvent, attempt: AttemptRef, order: &str) -> bool {
    match event.attempt {
        Some(named) => named == attempt,
        None => event.payin.is_some() || event.psp_reference.as_deref() == Some(order),
    }
}
