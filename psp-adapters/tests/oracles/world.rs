//! One mock, our adapter of it, and a listener between them that keeps webhooks as they came off the wire.

use crate::stands::{STANDS, Stand};
use crate::support::new_transport;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use mock_psps::{MockAccount, MockConfig, Running};
use psp_adapters::{Input, Psp, PspAccount, RawWebhook, Step, build};
use psp_contract::{AttemptRef, HttpRequest, Operation, Outcome, Report, Timestamp};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

/// A webhook as it came.
#[derive(Debug, Clone)]
pub struct Caught {
    pub method: String,
    pub path_and_query: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Caught {
    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str()).unwrap()
    }

    pub fn set_header(&mut self, name: &str, value: &str) {
        let found = self.headers.iter_mut().find(|(key, _)| key == name);
        value.clone_into(&mut found.unwrap().1);
    }

    pub fn raw(&self) -> RawWebhook<'_> {
        RawWebhook {
            method: &self.method,
            path_and_query: &self.path_and_query,
            headers: &self.headers,
            body: self.body.as_bytes(),
            peer_certificate: None,
            received_at: Timestamp::now_utc(),
        }
    }
}

/// Where webhooks arrive: each is kept, and answered as our service would answer it.
#[derive(Default)]
struct Inbox {
    psp: OnceLock<Psp>,
    caught: Mutex<Vec<Caught>>,
}

pub struct World {
    pub stand: &'static dyn Stand,
    mocks: Running,
    inbox: Arc<Inbox>,
    client: reqwest::Client,
    /// The mock's own address.
    pub base_url: String,
    public_url: String,
}

async fn catch(State(inbox): State<Arc<Inbox>>, request: Request) -> Response {
    let headers = request.headers().iter();
    let headers =
        headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
    let mut caught = Caught {
        method: request.method().to_string(),
        path_and_query: request.uri().to_string(),
        headers: headers.collect(),
        body: String::new(),
    };
    let body = axum::body::to_bytes(request.into_body(), 1 << 20).await.unwrap();
    caught.body = String::from_utf8(body.to_vec()).unwrap();
    inbox.caught.lock().unwrap().push(caught.clone());
    let psp = inbox.psp.get().unwrap();
    match psp.verify_webhook(&caught.raw()).await {
        Ok(verified) => {
            let reply = psp.reply(&verified);
            let status = StatusCode::from_u16(reply.status).unwrap();
            (status, [(header::CONTENT_TYPE, reply.content_type)], reply.body).into_response()
        }
        Err(refusal) => StatusCode::from_u16(refusal.status()).unwrap().into_response(),
    }
}

impl World {
    /// The PSP account of this id, on both sides.
    pub async fn of(id: &str) -> Self {
        Self::with(id, &[]).await
    }

    /// With some of the mock's settings changed; an empty one is taken away.
    pub async fn with(id: &str, changed: &[(&str, &str)]) -> Self {
        let stand = *STANDS.iter().find(|stand| stand.id() == id).unwrap();
        let inbox = Arc::new(Inbox::default());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let public_url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(catch).with_state(inbox.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let mut settings = stand.mock();
        for (key, value) in changed {
            settings.insert((*key).to_owned(), (*value).to_owned());
        }
        settings.retain(|_, value| !value.is_empty());
        let account = MockAccount {
            id: id.to_owned(),
            port: 0,
            psp: stand.account("http://127.0.0.1:9").adapter,
            currency: stand.money().currency.code().to_owned(),
            webhook_url: format!("{public_url}/webhooks/{id}"),
            settings,
        };
        let config = MockConfig {
            control_addr: ([127, 0, 0, 1], 0).into(),
            seed: 7,
            books_dir: None,
            accounts: vec![account],
            vendors: Vec::new(),
        };
        let mocks = mock_psps::start(config).await.unwrap();
        let base_url = mocks.psps[0].base_url.clone();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let world = Self { stand, mocks, inbox: inbox.clone(), client, base_url, public_url };
        assert!(inbox.psp.set(world.psp_at(&world.base_url)).is_ok());
        world
    }

    /// Our adapter of this account.
    pub fn psp(&self) -> &Psp {
        self.inbox.psp.get().unwrap()
    }

    /// The same account with another address of the PSP's.
    pub fn psp_at(&self, base_url: &str) -> Psp {
        let notify_url = format!("{}/webhooks/{}", self.public_url, self.stand.id());
        let account = PspAccount { notify_url, ..self.stand.account(base_url) };
        build(account, &new_transport()).unwrap()
    }

    /// What the mock was configured with.
    pub fn mock_setting(&self, key: &str) -> String {
        self.stand.mock()[key].clone()
    }

    /// Performs an operation that the PSP must accept, by our adapter.
    pub async fn perform(&self, operation: &Operation) -> Report {
        let deadline = Duration::from_secs(10);
        let performed = self.psp().perform(operation, deadline, Timestamp::now_utc).await;
        match performed.outcome {
            Outcome::Reported(report) => report,
            other => panic!("{other:?}"),
        }
    }

    /// Sends what an outsider made; gives status and body.
    pub async fn post(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<reqwest::Body>,
    ) -> (u16, Value) {
        let mut request = self.client.post(format!("{}{path}", self.base_url)).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(json!(text)))
    }

    pub async fn get(&self, path: &str) -> String {
        let answer = self.client.get(format!("{}{path}", self.base_url)).send().await.unwrap();
        answer.text().await.unwrap()
    }

    pub async fn control(&self, path: &str, body: &Value) -> Value {
        let url = format!("{}/psps/{}{path}", self.mocks.control_url, self.stand.id());
        let answer = self.client.post(url).json(body).send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "{path}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    /// The requests that the adapter makes for an operation, and the mock answers.
    pub async fn sent(&self, operation: &Operation) -> Vec<HttpRequest> {
        let now = Timestamp::now_utc();
        let mut exchange = self.psp().adapter().exchange(operation, now);
        let (mut input, mut sent) = (Input::Start { token: None }, Vec::new());
        loop {
            input = match exchange.step(input) {
                Step::Send(_, request) => {
                    let by = tokio::time::Instant::now() + Duration::from_secs(10);
                    let answer = new_transport().send(request.clone(), by).await;
                    sent.push(request);
                    Input::Response(answer.unwrap())
                }
                Step::Remember(_) | Step::Forget => Input::Remembered,
                Step::Done(_) => return sent,
            };
        }
    }

    /// The PSP's id of an attempt. Some tell it only when the payer has paid: then from the books.
    pub async fn order(&self, attempt: AttemptRef, report: &Report) -> String {
        if let Some(reference) = &report.psp_reference {
            return reference.clone();
        }
        let booked = self.movements().await;
        let ours = booked.iter().find(|it| it["client_reference"] == attempt.lower().as_str());
        let ours = ours.unwrap_or_else(|| panic!("{attempt:?} is not among {booked:?}"));
        ours["reference"].as_str().unwrap().to_owned()
    }

    /// Does what the payer does to a deposit.
    pub async fn pay(&self, order: &str) {
        let (path, body) = self.stand.pay(order);
        self.control(&path, &body).await;
    }

    /// What the mock booked.
    pub async fn movements(&self) -> Vec<Value> {
        let url = format!("{}/psps/{}/movements", self.mocks.control_url, self.stand.id());
        let text = self.client.get(url).send().await.unwrap().text().await.unwrap();
        serde_json::from_str(&text).unwrap()
    }

    /// Waits for a webhook whose body contains this.
    pub async fn webhook(&self, containing: &str) -> Caught {
        let mut tick = tokio::time::interval(Duration::from_millis(25));
        for _ in 0..400 {
            tick.tick().await;
            let caught = self.inbox.caught.lock().unwrap().clone();
            if let Some(found) = caught.into_iter().find(|it| it.body.contains(containing)) {
                return found;
            }
        }
        panic!("no webhook with {containing}, only {:?}", self.inbox.caught.lock().unwrap());
    }
}
