//! A small edge: two routes that echo, fakes instead of the database.

use crate::access::remember_nonce::NonceError;
use crate::access::token::{PlayerToken, TokenKey, Tokens};
use crate::api::caller::Caller;
use crate::api::door::Door;
use crate::api::extract::{NoBody, Page, Strict, StrictQuery};
use crate::api::fields::{Fields, FromFields};
use crate::api::gate::{Boxed, Gate, Nonces, Sessions};
use crate::api::health::{Check, Health, Readiness};
use crate::api::idempotency::IdempotencyKey;
use crate::api::keys::{ApiKey, ApiKeys, Scope};
use crate::api::problem::Problem;
use crate::api::rate::{RateLimits, RateSettings};
use crate::api::sign::{self, SignedRequest};
use crate::api::{Layers, assemble};
use crate::clock::TestClock;
use crate::domain::{Money, OperatorId, PersonId, PlayerId, PlayerKey, Timestamp};
use crate::store::StoreError;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Request, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use time::macros::datetime;
use tower::ServiceExt;
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

pub const NOW: Timestamp = datetime!(2026-03-01 12:00 UTC);
pub const SECRET: &str = "0123456789abcdef0123456789abcdef";
pub const OLD_SECRET: &str = "fedcba9876543210fedcba9876543210";

#[derive(Default)]
pub struct FakeNonces {
    pub seen: Mutex<HashSet<(String, String)>>,
    pub broken: bool,
}

impl Nonces for FakeNonces {
    fn remember<'a>(&'a self, key: &'a str, nonce: &'a str) -> Boxed<'a, Result<bool, NonceError>> {
        let pair = (key.to_owned(), nonce.to_owned());
        Box::pin(async move {
            if self.broken {
                return Err(NonceError::Failed);
            }
            Ok(self.seen.lock().unwrap().insert(pair))
        })
    }
}

#[derive(Default)]
pub struct FakeSessions(pub Mutex<HashSet<Uuid>>);

impl Sessions for FakeSessions {
    fn is_open<'a>(
        &'a self,
        _: &'a PlayerKey,
        jti: Uuid,
        _: Timestamp,
    ) -> Boxed<'a, Result<bool, StoreError>> {
        Box::pin(async move { Ok(self.0.lock().unwrap().contains(&jti)) })
    }
}

struct Ready;

impl Readiness for Ready {
    fn check(&self) -> Boxed<'_, Vec<Check>> {
        let check =
            |name: &str, ok| Check { name: name.to_owned(), ok, detail: "looked at".to_owned() };
        Box::pin(async move { vec![check("database", true), check("workers", false)] })
    }
}

/// A body with money.
pub struct Sample(Money);

impl FromFields for Sample {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let money = fields.money("amount", "currency");
        fields.metadata_opt("metadata");
        money.map(Self)
    }
}

struct List(Page);

impl FromFields for List {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        Page::read(fields, "deposits").map(Self)
    }
}

async fn create(
    caller: Caller,
    key: IdempotencyKey,
    body: Strict<Sample>,
) -> (StatusCode, Json<Value>) {
    let said = json!({"money": body.value.0.to_string(), "key": key.key, "scope": key.scope,
                      "player": caller.player().map(ToString::to_string)});
    (StatusCode::CREATED, Json(said))
}

async fn list(StrictQuery(List(page)): StrictQuery<List>) -> Json<Value> {
    Json(json!({"limit": page.limit, "after": page.after.map(|c| c.position().to_owned())}))
}

async fn cancel(_: NoBody) -> Result<Json<Value>, Problem> {
    Ok(Json(json!({})))
}

async fn panics() -> Json<Value> {
    panic!("a fault on purpose")
}

async fn silence() -> Json<Value> {
    std::future::pending().await
}

/// What a test may choose.
pub struct Setup {
    pub plain_keys: bool,
    pub per_second: u32,
    pub loopback_is_free: bool,
    pub body_bytes_max: usize,
    pub nonces: Arc<FakeNonces>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            plain_keys: true,
            per_second: 1_000,
            loopback_is_free: true,
            body_bytes_max: 262_144,
            nonces: Arc::default(),
        }
    }
}

/// A router and what a test does with it.
pub struct Small {
    pub router: Router,
    pub clock: Arc<TestClock>,
    pub sessions: Arc<FakeSessions>,
    pub tokens: Arc<Tokens>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Told {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Told {
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or("")
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
    }
}

impl Setup {
    pub fn build(self) -> Small {
        let clock = Arc::new(TestClock::at(NOW));
        let sessions = Arc::new(FakeSessions::default());
        let keys = [TokenKey::generate("k1").unwrap()];
        let tokens = Arc::new(Tokens::new("interlock", "players", &keys).unwrap());
        let per_second = NonZeroU32::new(self.per_second).unwrap();
        let rates = Arc::new(RateLimits::new(RateSettings {
            per_key: per_second,
            per_player: per_second,
            per_address: Some(per_second),
            loopback_is_free: self.loopback_is_free,
        }));
        let gate = Gate {
            keys: ApiKeys::new(api_keys()).unwrap(),
            body_bytes_max: self.body_bytes_max,
            plain_keys: self.plain_keys,
            tokens: Arc::clone(&tokens),
            nonces: self.nonces,
            sessions: Arc::clone(&sessions) as Arc<dyn Sessions>,
            rates: Arc::clone(&rates),
            clock: Arc::clone(&clock) as Arc<dyn crate::clock::Clock>,
        };
        let door = Door {
            trusted_proxies: Vec::new(),
            rates,
            unproven: ["pix-br".to_owned()].into(),
            signed: ["trustly-se".to_owned()].into(),
            patience: Duration::from_millis(200),
        };
        let layers = Layers {
            gate: Arc::new(gate),
            door: Arc::new(door),
            health: Health {
                readiness: Arc::new(Ready),
                metrics: Arc::new(|| "up 1\n".to_owned()),
                metrics_are_open: false,
            },
            cors_origins: vec!["https://casino.example".parse().unwrap()],
        };
        Small {
            router: assemble(&layers, Some(v1()), OpenApiRouter::new(), Router::new()),
            clock,
            sessions,
            tokens,
        }
    }
}

fn v1() -> OpenApiRouter {
    OpenApiRouter::new()
        .route("/v1/deposits", get(list).post(create))
        .route("/v1/deposits/{id}/cancel", post(cancel))
        .route("/v1/deposits/{id}", get(panics))
        .route("/v1/withdrawals/{id}", get(silence))
        .route("/v1/players/{player_id}", get(list))
        .route("/v1/reviews", get(list))
        .route("/v1/unlisted", get(list))
}

fn api_keys() -> Vec<ApiKey> {
    let key = |id: &str, scopes: &[Scope], person: Option<&str>| ApiKey {
        id: id.to_owned(),
        operator: OperatorId::trusted("op_demo"),
        secrets: vec![OLD_SECRET.into(), SECRET.into()],
        scopes: scopes.to_vec(),
        person: person.map(PersonId::trusted),
    };
    vec![
        key("sk_sandbox", &[Scope::Payments], None),
        key("sk_nobody", &[Scope::Compliance], None),
        key("sk_officer", &[Scope::Compliance], Some("per_a")),
    ]
}

impl Small {
    pub async fn ask(&self, request: Request<Body>) -> Told {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Told { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    /// A player's token for an open session.
    pub fn token(&self, player: &str) -> String {
        let jti = Uuid::now_v7();
        self.sessions.0.lock().unwrap().insert(jti);
        let token = PlayerToken {
            player: PlayerKey {
                operator: OperatorId::trusted("op_demo"),
                player: PlayerId::trusted(player),
            },
            jti,
        };
        self.tokens.sign(&token, NOW, NOW + Duration::from_secs(900)).unwrap()
    }
}

/// A request from loopback.
pub fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Request<Body> {
    let mut builder = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    let mut request = builder.body(Body::from(body.to_owned())).unwrap();
    let peer: SocketAddr = "127.0.0.1:9".parse().unwrap();
    request.extensions_mut().insert(ConnectInfo(peer));
    request
}

/// A request with a key sent plainly.
pub fn plain(method: &str, path: &str, body: &str) -> Request<Body> {
    let headers = [
        ("authorization", "Bearer sk_sandbox"),
        ("content-type", "application/json"),
        ("idempotency-key", "k-1"),
    ];
    request(method, path, &headers, body)
}

/// A request that is signed `offset_s` away from now.
pub fn signed(
    method: &str,
    path: &str,
    nonce: &str,
    offset_s: i64,
    secret: &str,
    body: &str,
) -> Request<Body> {
    let timestamp = (NOW.unix_timestamp() + offset_s).to_string();
    let of = SignedRequest {
        timestamp: &timestamp,
        nonce,
        method,
        path_and_query: path,
        body: body.as_bytes(),
    };
    let signature = sign::headers("sk_sandbox", secret.as_bytes(), &of);
    let mut headers: Vec<(&str, &str)> =
        signature.iter().map(|(name, value)| (*name, value.as_str())).collect();
    headers.push(("content-type", "application/json"));
    headers.push(("idempotency-key", "k-1"));
    request(method, path, &headers, body)
}
