//! One mock and a listener for its webhooks, which keeps them as they came off the wire.

use crate::support::texts;
use axum::Router;
use axum::extract::{Request, State};
use mock_psps::{MockAccount, MockConfig, Running};
use psp_adapters::RawWebhook;
use psp_contract::Timestamp;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
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

type Caughts = Arc<Mutex<Vec<Caught>>>;

pub struct World {
    mocks: Running,
    caught: Caughts,
    client: reqwest::Client,
    /// The mock's own address.
    pub base_url: String,
}

async fn catch(State(caught): State<Caughts>, request: Request) -> &'static str {
    let headers = request.headers().iter();
    let headers =
        headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
    let mut parcel = Caught {
        method: request.method().to_string(),
        path_and_query: request.uri().to_string(),
        headers: headers.collect(),
        body: String::new(),
    };
    let body = axum::body::to_bytes(request.into_body(), 1 << 20).await.unwrap();
    parcel.body = String::from_utf8(body.to_vec()).unwrap();
    caught.lock().unwrap().push(parcel);
    // What Adyen wants to hear; the others take any 200.
    "[accepted]"
}

/// The account's id in these worlds, and the path of its webhooks.
pub const ID: &str = "psp-1";
pub const WEBHOOK_PATH: &str = "/webhooks/psp-1";

impl World {
    pub async fn new(psp: &str, currency: &str, settings: &[(&str, &str)]) -> Self {
        let caught = Caughts::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let public_url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(catch).with_state(caught.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let account = MockAccount {
            id: ID.to_owned(),
            port: 0,
            psp: psp.to_owned(),
            currency: currency.to_owned(),
            webhook_url: format!("{public_url}{WEBHOOK_PATH}"),
            settings: texts(settings),
        };
        let config = MockConfig {
            control_addr: ([127, 0, 0, 1], 0).into(),
            seed: 7,
            books_dir: None,
            accounts: vec![account],
        };
        let mocks = mock_psps::start(config).await.unwrap();
        let base_url = mocks.psps[0].base_url.clone();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { mocks, caught, client, base_url }
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
        let url = format!("{}/psps/{ID}{path}", self.mocks.control_url);
        let answer = self.client.post(url).json(body).send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "{path}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    pub async fn complete(&self, reference: &str, outcome: &str) {
        let path = format!("/movements/{reference}/complete");
        self.control(&path, &json!({"outcome": outcome})).await;
    }

    /// What the mock booked.
    pub async fn movements(&self) -> Vec<Value> {
        let url = format!("{}/psps/{ID}/movements", self.mocks.control_url);
        let text = self.client.get(url).send().await.unwrap().text().await.unwrap();
        serde_json::from_str(&text).unwrap()
    }

    /// Waits for a webhook whose body contains this.
    pub async fn webhook(&self, containing: &str) -> Caught {
        let mut tick = tokio::time::interval(Duration::from_millis(25));
        for _ in 0..400 {
            tick.tick().await;
            let caught = self.caught.lock().unwrap().clone();
            if let Some(found) = caught.into_iter().find(|it| it.body.contains(containing)) {
                return found;
            }
        }
        panic!("no webhook with {containing}, only {:?}", self.caught.lock().unwrap());
    }
}
