//! The gate before `/v1`: credentials, then the key's budget, then what the route wants.
//!
//! Three kinds of credentials, and a request carries exactly one: a backend's signature, a key
//! sent plainly (the sandbox alone), or a player's token. The order of checks is fixed: key,
//! signature, time, nonce. A nonce is recorded only for an authentic request, so that nobody can
//! use up another's.

use super::caller::Caller;
use super::extract::read_body;
use super::keys::{ApiKey, ApiKeys};
use super::problem::Problem;
use super::rate::RateLimits;
use super::routes::{self, Access};
use super::sign::{
    KEY_HEADER, NONCE_HEADER, SIGNATURE_HEADER, SignedRequest, TIMESTAMP_HEADER, is_nonce, matches,
};
use crate::access::remember_nonce::NonceError;
use crate::access::token::Tokens;
use crate::clock::Clock;
use crate::domain::{PlayerKey, Timestamp};
use crate::store::StoreError;
use axum::body::Body;
use axum::extract::{MatchedPath, OriginalUri, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use secrecy::ExposeSecret;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use uuid::Uuid;

/// A future behind a trait object.
pub type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// How far a signed time may be from ours.
const TIMESTAMP_TOLERANCE_S: u64 = 300;

/// Remembers nonces.
pub trait Nonces: Send + Sync {
    /// False when this key used this nonce before.
    fn remember<'a>(
        &'a self,
        api_key_id: &'a str,
        nonce: &'a str,
    ) -> Boxed<'a, Result<bool, NonceError>>;
}

/// Knows which players' sessions still count.
pub trait Sessions: Send + Sync {
    /// Whether the session is open and its player neither excluded nor frozen.
    fn is_open<'a>(
        &'a self,
        player: &'a PlayerKey,
        jti: Uuid,
        now: Timestamp,
    ) -> Boxed<'a, Result<bool, StoreError>>;
}

/// What the gate knows.
pub struct Gate {
    pub keys: ApiKeys,
    /// `Authorization: Bearer sk_…` is taken: the sandbox alone.
    pub plain_keys: bool,
    /// A larger body is refused before anything of it is read.
    pub body_bytes_max: usize,
    pub tokens: Arc<Tokens>,
    pub nonces: Arc<dyn Nonces>,
    pub sessions: Arc<dyn Sessions>,
    pub rates: Arc<RateLimits>,
    pub clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gate").field("plain_keys", &self.plain_keys).finish_non_exhaustive()
    }
}

/// Lets a request through with its [`Caller`], or answers why not.
pub async fn pass(State(gate): State<Arc<Gate>>, request: Request, next: Next) -> Response {
    match gate.admit(request).await {
        Ok(request) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

impl Gate {
    async fn admit(&self, request: Request) -> Result<Request, Problem> {
        let (mut parts, body) = request.into_parts();
        let access = access_of(&parts)?;
        let body = read_body(&parts.headers, body, self.body_bytes_max).await?;
        let caller = self.identify(&parts, &body).await?;
        self.charge(&caller)?;
        match (access, &caller) {
            (Access::KeyOrPlayer(_), Caller::Player { .. }) => {}
            (Access::Key(scope) | Access::KeyOrPlayer(scope), _) => caller.require(scope)?,
            (Access::Person(one, other), _) => caller.require_person([one, other])?,
            (Access::Open, _) => {}
        }
        parts.extensions.insert(caller);
        Ok(Request::from_parts(parts, Body::from(body)))
    }

    async fn identify(&self, parts: &Parts, body: &[u8]) -> Result<Caller, Problem> {
        let headers = &parts.headers;
        let signed = [KEY_HEADER, TIMESTAMP_HEADER, NONCE_HEADER, SIGNATURE_HEADER]
            .iter()
            .any(|name| headers.contains_key(*name));
        let bearing = headers.contains_key(header::AUTHORIZATION);
        match (signed, bearing) {
            (true, false) => self.by_signature(parts, body).await,
            (false, true) => self.by_bearer(&parts.headers).await,
            (true, true) => Err(Problem::unauthorized(
                "auth.signature_invalid",
                "Send a signature or an authorization header, not both.",
            )),
            (false, false) => {
                let detail = "Sign the request (x-api-key, x-request-timestamp, x-request-nonce, \
                     x-request-signature), or send a player's token.";
                let plainly = if self.plain_keys {
                    " This sandbox takes a key plainly too: `authorization: Bearer sk_…`."
                } else {
                    ""
                };
                let detail = format!("{detail}{plainly}");
                Err(Problem::unauthorized("auth.credentials_missing", detail))
            }
        }
    }

    async fn by_signature(&self, parts: &Parts, body: &[u8]) -> Result<Caller, Problem> {
        let key_id = only(&parts.headers, KEY_HEADER)?;
        let timestamp = only(&parts.headers, TIMESTAMP_HEADER)?;
        let nonce = only(&parts.headers, NONCE_HEADER)?;
        let signature = only(&parts.headers, SIGNATURE_HEADER)?;
        let key = self.keys.find(key_id).ok_or_else(key_unknown)?;
        let sent_at = unix_seconds(timestamp)?;
        if !is_nonce(nonce) {
            return Err(Problem::unauthorized(
                "auth.signature_invalid",
                "x-request-nonce is 16 to 64 of A-Z, a-z, 0-9, _ and -.",
            ));
        }
        let request = SignedRequest {
            timestamp,
            nonce,
            method: parts.method.as_str(),
            path_and_query: path_as_sent(parts),
            body,
        };
        let secrets = key.secrets.iter().map(|secret| secret.expose_secret().as_bytes());
        if !matches(secrets, &request, signature) {
            return Err(Problem::unauthorized(
                "auth.signature_invalid",
                "The signature is not this key's over timestamp, nonce, method, path and query \
                 as sent, and the SHA-256 of the body.",
            ));
        }
        let now = self.clock.now().unix_timestamp();
        if sent_at.abs_diff(now) > TIMESTAMP_TOLERANCE_S {
            return Err(Problem::unauthorized(
                "auth.timestamp_stale",
                "x-request-timestamp is more than 300 seconds off. Check the clock.",
            ));
        }
        if parts.method != Method::GET && parts.method != Method::HEAD {
            self.use_up(key_id, nonce).await?;
        }
        Ok(caller_of(key))
    }

    async fn use_up(&self, key_id: &str, nonce: &str) -> Result<(), Problem> {
        match self.nonces.remember(key_id, nonce).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(Problem::unauthorized(
                "auth.nonce_replayed",
                "This nonce was used before. Sign every try anew, with a new nonce.",
            )),
            Err(error) => Err(Problem::dependency("recording a nonce", &error)),
        }
    }

    async fn by_bearer(&self, headers: &HeaderMap) -> Result<Caller, Problem> {
        let value = only(headers, header::AUTHORIZATION.as_str())?;
        let Some(token) = value.strip_prefix("Bearer ") else {
            return Err(Problem::unauthorized(
                "auth.token_invalid",
                "The authorization header is `Bearer` and a player's token.",
            ));
        };
        if let Some(key) = self.keys.find(token) {
            if self.plain_keys {
                return Ok(caller_of(key));
            }
            return Err(Problem::unauthorized(
                "auth.signature_invalid",
                "Keys are not taken plainly here: sign the request.",
            ));
        }
        if token.starts_with("sk_") {
            return Err(key_unknown());
        }
        self.by_token(token).await
    }

    async fn by_token(&self, text: &str) -> Result<Caller, Problem> {
        let now = self.clock.now();
        let invalid = || {
            Problem::unauthorized(
                "auth.token_invalid",
                "This is no key, and no player's token that is valid (any more): keys begin with `sk_`; the \
                 casino's backend can open a new session.",
            )
        };
        let token = self.tokens.read(text, now).map_err(|_| invalid())?;
        match self.sessions.is_open(&token.player, token.jti, now).await {
            Ok(true) => Ok(Caller::Player {
                operator: token.player.operator,
                player: token.player.player,
                jti: token.jti,
            }),
            Ok(false) => Err(invalid()),
            Err(error) => Err(Problem::dependency("reading a player's session", &error)),
        }
    }

    fn charge(&self, caller: &Caller) -> Result<(), Problem> {
        match caller {
            Caller::Key { key_id, .. } => self.rates.check_key(key_id),
            Caller::Player { operator, player, .. } => {
                self.rates.check_player(operator.as_str(), player.as_str())
            }
        }
    }
}

/// A route that is missing in the table is reached by nobody.
fn access_of(parts: &Parts) -> Result<Access, Problem> {
    let path = parts.extensions.get::<MatchedPath>().map(MatchedPath::as_str);
    let rule = path.and_then(|path| routes::find(&parts.method, path));
    rule.map(|rule| rule.access).ok_or_else(|| {
        tracing::error!(path, "a route has no rule of access");
        Problem::fault()
    })
}

fn caller_of(key: &ApiKey) -> Caller {
    Caller::Key {
        operator: key.operator.clone(),
        key_id: key.id.clone(),
        scopes: key.scopes.clone(),
        person: key.person.clone(),
    }
}

/// The one value of a header that must stand exactly once: two would let two readers see two
/// different requests.
fn only<'h>(headers: &'h HeaderMap, name: &str) -> Result<&'h str, Problem> {
    let mut values = headers.get_all(name).iter();
    let (first, second) = (values.next(), values.next());
    match (first.map(|value| value.to_str()), second) {
        (Some(Ok(value)), None) => Ok(value),
        _ => Err(Problem::unauthorized(
            "auth.signature_invalid",
            format!("Exactly one `{name}` header is needed."),
        )),
    }
}

fn unix_seconds(text: &str) -> Result<i64, Problem> {
    let digits = (1..=12).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    let seconds = if digits { text.parse().ok() } else { None };
    seconds.ok_or_else(|| {
        Problem::unauthorized("auth.signature_invalid", "x-request-timestamp is unix seconds.")
    })
}

fn path_as_sent(parts: &Parts) -> &str {
    let uri = match parts.extensions.get::<OriginalUri>() {
        Some(OriginalUri(uri)) => uri,
        None => &parts.uri,
    };
    uri.path_and_query().map_or("/", |path| path.as_str())
}

fn key_unknown() -> Problem {
    Problem::unauthorized("auth.key_unknown", "There is no such API key.")
}
