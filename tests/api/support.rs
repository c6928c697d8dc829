//! A scene: a fresh database, the sandbox's configuration, and the API on a port of its own.

use axum::Router;
use interlock::access::remember_nonce::{NonceDesk, NonceError, remember_nonce};
use interlock::access::token::{TokenKey, Tokens};
use interlock::api::detach::Detach;
use interlock::api::door::Door;
use interlock::api::gate::{Boxed, Gate, Nonces, Sessions};
use interlock::api::health::{Check, Health, Readiness};
use interlock::api::keys::{ApiKey, ApiKeys, Scope};
use interlock::api::open_streams::OpenStreams;
use interlock::api::rate::{RateLimits, RateSettings};
use interlock::api::render::ApiRender;
use interlock::api::{Edge, Layers, router};
use interlock::app::{parts, psps};
use interlock::clock::SystemClock;
use interlock::config::{Config, Profile, PspAccount, knows_people, sandbox_keys};
use interlock::domain::ids::SystemIds;
use interlock::domain::{OperatorId, PersonId, PlayerKey, Timestamp};
use interlock::flows::Flows;
use interlock::outbox::live::Live;
use interlock::sandbox::keys::SandboxKeys;
use interlock::sandbox::mocks::mock_config;
use interlock::shutdown::Shutdown;
use interlock::store::{Db, StoreError, player_session};
use interlock::webhooks::guard::{GuardedNames, Reach, SystemNames};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

/// An answer, read to its end.
#[derive(Debug)]
pub struct Told {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub bytes: Vec<u8>,
    pub body: Value,
}

impl Told {
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or("")
    }

    pub fn text(&self, pointer: &str) -> String {
        self.body.pointer(pointer).and_then(Value::as_str).unwrap_or("").to_owned()
    }
}

pub struct Scene {
    pub address: SocketAddr,
    pub flows: Flows,
    pub config: Config,
    /// The whole API, for listeners of another kind.
    pub router: Router,
    layers: Layers,
    edge: Edge,
    client: reqwest::Client,
    home: PathBuf,
    /// Whom the policies ask about players: they answer as long as they are here.
    _vendors: mock_psps::Running,
}

impl Drop for Scene {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.home);
    }
}

struct StoredNonces(NonceDesk);

impl Nonces for StoredNonces {
    fn remember<'a>(&'a self, key: &'a str, nonce: &'a str) -> Boxed<'a, Result<bool, NonceError>> {
        Box::pin(remember_nonce(&self.0, key, nonce))
    }
}

struct StoredSessions(Db);

impl Sessions for StoredSessions {
    fn is_open<'a>(
        &'a self,
        player: &'a PlayerKey,
        jti: Uuid,
        now: Timestamp,
    ) -> Boxed<'a, Result<bool, StoreError>> {
        Box::pin(player_session::is_open(self.0.pool(), player, jti, now))
    }
}

struct Ready;

impl Readiness for Ready {
    fn check(&self) -> Boxed<'_, Vec<Check>> {
        Box::pin(async { Vec::new() })
    }
}

impl Scene {
    pub async fn new() -> Self {
        let database_url = crate::cluster::database().await;
        let home = std::env::temp_dir().join(format!("interlock-api-{}", Uuid::new_v4().simple()));
        std::fs::create_dir_all(&home).unwrap();
        SandboxKeys::ensure(&home, &sandbox_keys()).unwrap();
        let profile = Profile::Sandbox { home: home.clone(), file: None };
        let variables = BTreeMap::from([("INTERLOCK__DATABASE__LANES".to_owned(), "1".to_owned())]);
        let mut config = Config::load_with(&profile, &variables.into_iter().collect()).unwrap();
        let vendors = vendors(&mut config, &home).await;
        config.psps.iter_mut().for_each(nobody_there);
        let db = Db::connect(&database_url, 8).await.unwrap();
        let world = parts::World {
            db,
            psps: Arc::new(psps::registry(&config, true).unwrap()),
            clock: Arc::new(SystemClock),
            ids: Arc::new(SystemIds),
            render: Arc::new(ApiRender),
        };
        let tasks = TaskTracker::new();
        let patience = parts::Patience::default();
        let flows = parts::flows(&config, world, patience, &tasks).await.unwrap();
        let (layers, edge) = edge(&flows, &database_url, &config);
        let router = router(&layers, &edge);
        let address = serve(router.clone()).await;
        let client = reqwest::Client::builder().timeout(Duration::from_secs(20)).build().unwrap();
        Self { address, flows, config, router, layers, edge, client, home, _vendors: vendors }
    }

    pub fn home(&self) -> &std::path::Path {
        &self.home
    }

    /// Served anew without a host that a `return_url` may name, as after a change of the configuration.
    pub async fn take_return_hosts_away(&mut self) {
        let edge = Edge { return_hosts: Arc::default(), ..self.edge.clone() };
        self.address = serve(router(&self.layers, &edge)).await;
    }

    /// A file among the sandbox's keys, `pix-efi-br/webhook.certificate.pem`.
    pub fn key(&self, name: &str) -> String {
        std::fs::read_to_string(self.home.join("keys").join(name)).unwrap()
    }

    /// A request with a key sent plainly, or with a player's token.
    pub async fn ask(&self, bearer: &str, method: &str, path: &str, body: Option<Value>) -> Told {
        self.ask_with(bearer, method, path, body, &Uuid::new_v4().to_string()).await
    }

    pub async fn ask_with(
        &self,
        bearer: &str,
        method: &str,
        path: &str,
        body: Option<Value>,
        key: &str,
    ) -> Told {
        let request = self.request(bearer, method, path, body).header("idempotency-key", key);
        Self::told(request).await
    }

    /// Without an Idempotency-Key.
    pub async fn ask_keyless(&self, method: &str, path: &str, body: Option<Value>) -> Told {
        Self::told(self.request("sk_demo", method, path, body)).await
    }

    fn request(
        &self,
        bearer: &str,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> reqwest::RequestBuilder {
        let url = format!("http://{}{path}", self.address);
        let request = self.client.request(method.parse().unwrap(), url).bearer_auth(bearer);
        match body {
            Some(body) => request.json(&body),
            None => request,
        }
    }

    async fn told(request: reqwest::RequestBuilder) -> Told {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.bytes().await.unwrap().to_vec();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Told { status, headers, bytes, body }
    }

    /// The first events of a stream.
    pub async fn stream(&self, path: &str, last: Option<&str>, count: usize) -> Vec<String> {
        self.stream_of("sk_demo", path, last, count).await
    }

    pub async fn stream_of(
        &self,
        bearer: &str,
        path: &str,
        last: Option<&str>,
        count: usize,
    ) -> Vec<String> {
        let url = format!("http://{}{path}", self.address);
        let mut request = self.client.get(url).bearer_auth(bearer);
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let mut response = request.send().await.unwrap();
        assert_eq!(response.status().as_u16(), 200);
        let mut text = String::new();
        while text.matches("\n\n").count() < count {
            let chunk = response.chunk().await.unwrap().expect("the stream goes on");
            text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
        text.split("\n\n").take(count).map(str::to_owned).collect()
    }

    /// A verified German player.
    pub async fn player(&self, id: &str) {
        let told = self.ask("sk_demo", "PUT", &format!("/v1/players/{id}"), Some(player())).await;
        assert_eq!(told.status, 200, "{told:?}");
    }
}

/// On a port of its own.
async fn serve(router: Router) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    address
}

/// No PSP answers, whatever runs on this machine where a sandbox would have its mocks.
fn nobody_there(account: &mut PspAccount) {
    let (host, _) = account.base_url.rsplit_once(':').unwrap();
    let closed = format!("{host}:9");
    for value in account.settings.values_mut() {
        *value = value.replace(&account.base_url, &closed);
    }
    account.base_url = closed;
}

/// Mocks of everybody who is asked about players, on free ports. There are none of the PSPs.
async fn vendors(config: &mut Config, home: &Path) -> mock_psps::Running {
    let mut mocks = mock_config(config, home).unwrap();
    mocks.control_addr = ([127, 0, 0, 1], 0).into();
    mocks.books_dir = None;
    mocks.accounts.clear();
    mocks.vendors.retain(|vendor| knows_people(&vendor.vendor));
    mocks.vendors.iter_mut().for_each(|vendor| vendor.port = 0);
    let running = mock_psps::start(mocks).await.unwrap();
    for vendor in &mut config.checks {
        let mock = running.vendors.iter().find(|mock| mock.id == vendor.id).unwrap();
        // What an adapter wants behind the address stays.
        let path = vendor.base_url.splitn(4, '/').nth(3).unwrap_or_default();
        vendor.base_url = format!("{}/{path}", mock.base_url);
    }
    running
}

pub fn player() -> Value {
    json!({"country": "DE", "currency": "EUR", "full_name": "Erika Mustermann",
           "date_of_birth": "1980-08-12", "email": "erika@casino.example",
           "kyc": {"status": "verified", "level": 3}})
}

pub fn deposit(player: &str, amount: &str) -> Value {
    json!({"player_id": player, "amount": amount, "currency": "EUR", "method": "bank_transfer",
           "return_url": "https://casino.example/back"})
}

/// A person's key that may do everything.
fn key(id: &str, operator: &str, person: &str) -> ApiKey {
    ApiKey {
        id: id.to_owned(),
        operator: OperatorId::trusted(operator),
        secrets: vec![id.into()],
        scopes: Scope::ALL.to_vec(),
        person: Some(PersonId::trusted(person)),
    }
}

/// A key that the sandbox prints, as its configuration has it.
fn printed(key: &interlock::config::ApiKey) -> ApiKey {
    ApiKey {
        id: key.id.clone(),
        operator: OperatorId::trusted(&key.operator_id),
        secrets: vec![key.secret.clone()],
        scopes: key.scopes.iter().filter_map(|scope| Scope::parse(scope.as_str())).collect(),
        person: key.person_id.as_deref().map(PersonId::trusted),
    }
}

fn edge(flows: &Flows, database_url: &str, config: &Config) -> (Layers, Edge) {
    let plenty = NonZeroU32::new(100_000).unwrap();
    let rates = Arc::new(RateLimits::new(RateSettings {
        per_key: plenty,
        per_player: plenty,
        per_address: None,
        loopback_is_free: true,
    }));
    let tokens = Tokens::new("interlock", "players", &[TokenKey::generate("k1").unwrap()]).unwrap();
    let requests = Shutdown::new();
    let hosts = ["op_demo", "op_other"]
        .map(|id| (OperatorId::trusted(id), vec!["casino.example".to_owned()]));
    let mut everybody_else = key("sk_demo_operator", "op_demo", "person_e");
    everybody_else.scopes.retain(|scope| *scope != Scope::Compliance);
    let keys = [
        // All that a casino may, and a person who operates, and no compliance.
        everybody_else,
        key("sk_demo", "op_demo", "person_a"),
        // A second key of the same human.
        key("sk_demo_a2", "op_demo", "person_a"),
        key("sk_demo_b", "op_demo", "person_b"),
        key("sk_demo_d", "op_demo", "person_d"),
        key("sk_other", "op_other", "person_c"),
    ];
    let keys = ApiKeys::new(keys.into_iter().chain(config.api_keys.iter().map(printed))).unwrap();
    let edge = Edge {
        flows: flows.clone(),
        detach: Detach::new(requests.clone()),
        tokens: Arc::new(tokens),
        sessions: Arc::new(StoredSessions(flows.db.clone())),
        names: Arc::new(GuardedNames::new(Arc::new(SystemNames), Reach::PublicAndLoopback)),
        live: Arc::new(Live::default()),
        streams: OpenStreams::default(),
        body_bytes_max: 262_144,
        return_hosts: Arc::new(BTreeMap::from(hosts)),
        people: Arc::new(keys.people()),
        closing: Shutdown::new(),
    };
    let gate = Gate {
        keys,
        body_bytes_max: 262_144,
        plain_keys: true,
        tokens: edge.tokens.clone(),
        nonces: Arc::new(StoredNonces(NonceDesk::start(database_url.to_owned(), &requests))),
        sessions: edge.sessions.clone(),
        rates: rates.clone(),
        clock: flows.clock.clone(),
    };
    let layers = Layers {
        gate: Arc::new(gate),
        door: Arc::new(Door {
            trusted_proxies: Vec::new(),
            rates,
            unproven: BTreeSet::new(),
            signed: BTreeSet::new(),
            patience: Duration::from_secs(10),
        }),
        health: Health {
            readiness: Arc::new(Ready),
            metrics: Arc::new(String::new),
            metrics_are_open: true,
        },
        cors_origins: Vec::new(),
    };
    (layers, edge)
}
