//! The door of TrueLayer's API: bearer tokens, request signatures, idempotency.

use std::future::Future;
use std::sync::{Arc, PoisonError};

use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, Uri, header};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::jws::{self, Signed};
use super::{ANSWERS, TrueLayer};
use crate::book::Entry;
use crate::faults::{self, Answer, Call, Plan};
use crate::psp::Psp;
use crate::server::Connection;
use crate::tokens::LIFE_S;
use crate::{clock, ids};

pub(super) use super::problem::Problem;

pub(super) type Both = (Arc<Psp>, Arc<TrueLayer>);

/// How long an idempotency key is remembered: the shorter of the two documented spans.
const KEY_LIFE_S: i64 = 6 * 3_600;

/// A request as the handlers hand it to the door.
pub(super) struct Incoming {
    pub(super) connection: Connection,
    pub(super) call: Call,
    pub(super) method: Method,
    pub(super) uri: Uri,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// An admitted POST: its parsed body, its key, and the fault that was drawn for it.
pub(super) struct Admitted {
    pub(super) body: Value,
    pub(super) key: String,
    hash: String,
    pub(super) plan: Plan,
}

impl Admitted {
    /// Keeps the answer with its key, inside the booking that it answers.
    pub(super) fn remember(&self, entry: &mut Entry<'_>, answer: &Answer) {
        let fact = json!({
            "hash": self.hash, "status": answer.status.as_u16(), "type": answer.content_type,
            "body": answer.body, "at": clock::now().unix_timestamp(),
        });
        entry.put_fact(ANSWERS, &self.key, fact);
    }
}

/// A GET: the bearer token is all it needs.
pub(super) async fn query<F>((psp, truelayer): Both, incoming: Incoming, read: F) -> Response
where
    F: FnOnce(&Psp, &TrueLayer) -> Result<Value, Problem> + Send + 'static,
{
    let owner = psp.clone();
    let work = move |plan: Plan| async move {
        plan.pause().await;
        let outcome = truelayer.bearer(&incoming.headers).and_then(|()| read(&owner, &truelayer));
        match outcome {
            Ok(view) => Answer::json(StatusCode::OK, &view),
            Err(problem) => problem.answer(),
        }
    };
    faults::guard(psp, incoming.connection, incoming.call, work).await
}

/// A POST: bearer, signature, then the key: the first request books, a repeat gets its answer.
pub(super) async fn command<F, W>((psp, truelayer): Both, incoming: Incoming, book: F) -> Response
where
    F: FnOnce(Arc<Psp>, Arc<TrueLayer>, Admitted) -> W + Send + 'static,
    W: Future<Output = Result<Answer, Problem>> + Send + 'static,
{
    let owner = psp.clone();
    let (connection, call) = (incoming.connection.clone(), incoming.call);
    let work = move |plan: Plan| async move {
        let outcome = admit(&owner, &truelayer, &incoming, plan);
        match outcome {
            Err(problem) => problem.answer(),
            Ok(Gate::Replay(answer)) => answer,
            Ok(Gate::First(admitted)) => {
                let key = admitted.key.clone();
                plan.pause().await;
                let answer = book(owner, truelayer.clone(), admitted).await;
                truelayer.release(&key);
                answer.unwrap_or_else(|problem| problem.answer())
            }
        }
    };
    faults::guard(psp, connection, call, work).await
}

enum Gate {
    First(Admitted),
    Replay(Answer),
}

fn admit(
    psp: &Psp,
    truelayer: &TrueLayer,
    incoming: &Incoming,
    plan: Plan,
) -> Result<Gate, Problem> {
    truelayer.bearer(&incoming.headers)?;
    let header = |name: &str| incoming.headers.get(name).and_then(|value| value.to_str().ok());
    let key = header("idempotency-key").filter(|key| !key.is_empty() && key.len() <= 255);
    let key = key.ok_or_else(|| Problem::invalid("Idempotency-Key is required."))?.to_owned();
    let signature = header("tl-signature").unwrap_or_default();
    let path = incoming.uri.path_and_query().map_or("/", |path| path.as_str());
    let signed = Signed {
        method: incoming.method.as_str(),
        path,
        headers: &incoming.headers,
        body: &incoming.body,
    };
    let kid = &truelayer.signing_kid;
    jws::verify(&truelayer.signing_key, kid, "Idempotency-Key", &signed, signature)
        .map_err(|why| Problem::unauthenticated(format!("Invalid request signature: {why}.")))?;
    let hash = openssl::sha::sha256(&[path.as_bytes(), b"\n", &incoming.body].concat());
    let hash = hex::encode(hash);
    // The mark is set first, so that of two equal requests only one can find nothing.
    if !truelayer.reserve(&key) {
        return Err(Problem::concurrent());
    }
    let known = psp.book.fact(ANSWERS, &key).and_then(|fact| replay(&fact, &hash));
    let outcome = match known {
        Some(outcome) => outcome,
        None => match serde_json::from_slice(&incoming.body) {
            Ok(body) => {
                return Ok(Gate::First(Admitted { body, key, hash, plan }));
            }
            Err(_) if incoming.body.is_empty() => {
                let body = Value::Null;
                return Ok(Gate::First(Admitted { body, key, hash, plan }));
            }
            Err(_) => Err(Problem::invalid("The body is not JSON.")),
        },
    };
    truelayer.release(&key);
    outcome
}

fn replay(fact: &Value, hash: &str) -> Option<Result<Gate, Problem>> {
    let at = fact["at"].as_i64().unwrap_or(0);
    if clock::now().unix_timestamp() - at > KEY_LIFE_S {
        return None;
    }
    if fact["hash"] != hash {
        return Some(Err(Problem::reused()));
    }
    let status = fact["status"].as_u64().and_then(|status| u16::try_from(status).ok());
    let body = fact["body"].as_str().unwrap_or_default().to_owned();
    let status = status.and_then(|status| StatusCode::from_u16(status).ok());
    let answer =
        Answer { status: status.unwrap_or(StatusCode::OK), content_type: "application/json", body };
    Some(Ok(Gate::Replay(answer)))
}

impl TrueLayer {
    fn bearer(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let token = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = token.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
        if self.tokens.knows(token) {
            return Ok(());
        }
        Err(Problem::unauthenticated("The access token is missing, unknown or expired."))
    }

    fn reserve(&self, key: &str) -> bool {
        let mut keys = self.in_progress.lock().unwrap_or_else(PoisonError::into_inner);
        keys.insert(key.to_owned())
    }

    fn release(&self, key: &str) {
        self.in_progress.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

/// `POST /connect/token`: client credentials as a form or as JSON.
pub(super) async fn token(
    State((psp, truelayer)): State<Both>,
    axum::extract::ConnectInfo(connection): axum::extract::ConnectInfo<Connection>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let work = move |plan: Plan| async move {
        plan.pause().await;
        let is_json = headers
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| value.starts_with("application/json"));
        let field = |name: &str| {
            if is_json {
                let body: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
                return body[name].as_str().unwrap_or_default().to_owned();
            }
            let mut pairs = url::form_urlencoded::parse(&body);
            pairs
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.into_owned())
                .unwrap_or_default()
        };
        let known = field("client_id") == truelayer.client_id
            && field("client_secret") == truelayer.client_secret;
        if !known {
            return Answer::json(StatusCode::BAD_REQUEST, &json!({ "error": "invalid_client" }));
        }
        if field("grant_type") != "client_credentials" {
            let error = json!({ "error": "unsupported_grant_type" });
            return Answer::json(StatusCode::BAD_REQUEST, &error);
        }
        if !field("scope").split(' ').any(|scope| scope == "payments") {
            return Answer::json(StatusCode::BAD_REQUEST, &json!({ "error": "invalid_scope" }));
        }
        Answer::json(
            StatusCode::OK,
            &json!({
                "access_token": truelayer.tokens.give(), "expires_in": LIFE_S, "token_type": "Bearer",
                "scope": "payments",
            }),
        )
    };
    faults::guard(psp, connection, Call::Other, work).await
}

/// What both kinds of resources take: an amount in minor units and the account's currency.
pub(super) fn amount(body: &Value, currency: &str) -> Result<i64, Problem> {
    if body["currency"] != currency {
        return Err(Problem::invalid("currency is not the merchant account's."));
    }
    let amount = body["amount_in_minor"].as_i64().filter(|amount| *amount > 0);
    amount.ok_or_else(|| Problem::invalid("amount_in_minor must be a positive integer."))
}

/// The caller's reference: `metadata.reference`, or else the idempotency key's digits.
pub(super) fn client_reference(admitted: &Admitted) -> String {
    let named = admitted.body["metadata"]["reference"].as_str();
    ids::client_reference(named.unwrap_or(&admitted.key))
}

/// Metadata is an object of texts.
pub(super) fn metadata(body: &Value) -> Result<Value, Problem> {
    match &body["metadata"] {
        Value::Null => Ok(json!({})),
        Value::Object(fields) if fields.len() <= 10 && fields.values().all(Value::is_string) => {
            Ok(body["metadata"].clone())
        }
        _ => Err(Problem::invalid("metadata must be an object of at most 10 texts.")),
    }
}

pub(super) fn stamp(at: Option<OffsetDateTime>) -> Value {
    at.map_or(Value::Null, |at| clock::millis(at).into())
}
