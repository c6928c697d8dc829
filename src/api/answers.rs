//! Telling the answer of an idempotent request: as it was stored, byte for byte.

use super::caller::Caller;
use super::idempotency::{IdempotencyKey, in_progress, key_reused, mark_replayed};
use super::problem::{PROBLEM_JSON, Problem};
use crate::book::{KeyClaim, KeyId, Viewer};
use crate::flows::Flows;
use crate::lane::SubmitError;
use crate::store::read_keys::KeyState;
use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use std::time::{Duration, Instant};

/// How long a repeat waits for the first request's answer.
const REPEAT_PATIENCE: Duration = Duration::from_secs(2);

/// For whose eyes the caller's answers are written.
pub const fn viewer(caller: &Caller) -> Viewer {
    if caller.is_player() { Viewer::Player } else { Viewer::Backend }
}

/// What a request claims under its key.
pub fn claim(caller: &Caller, key: IdempotencyKey, canonical_body: &str) -> KeyClaim {
    let fingerprint = key.fingerprint(canonical_body);
    let operator = caller.operator().clone();
    let id = KeyId { operator, scope: key.scope, key: key.key };
    KeyClaim { id, fingerprint, viewer: viewer(caller), request: key.request }
}

/// The answer of a request that came before under this key; None when there was none.
///
/// # Errors
/// 422 when that was another request, 409 when it still runs after two seconds, 503 when nobody can be
/// asked: `request.timed_out` where the request is known to be recorded.
pub async fn told_before(flows: &Flows, claim: &KeyClaim) -> Result<Option<Response>, Problem> {
    let asked_at = Instant::now();
    let mut pause = Duration::from_millis(20);
    let mut found = state(flows, claim).await?;
    loop {
        let Some(known) = found else { return Ok(None) };
        if known.fingerprint != claim.fingerprint {
            return Err(key_reused());
        }
        if let Some((status, body)) = known.answer {
            let mut response = tell(status, body);
            mark_replayed(&mut response);
            return Ok(Some(response));
        }
        if REPEAT_PATIENCE <= asked_at.elapsed() {
            return Err(in_progress(known.payment));
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(200));
        found = state(flows, claim).await.map_err(Problem::after_commit)?;
    }
}

/// The answer that was just stored for this request.
///
/// # Errors
/// 409 when a worker will store it: the process that called the PSP could not. 503 `request.timed_out`
/// when it cannot be read: it is committed all the same.
pub async fn told_now(flows: &Flows, claim: &KeyClaim) -> Result<Response, Problem> {
    let known = state(flows, claim).await.map_err(Problem::after_commit)?;
    let payment = known.as_ref().and_then(|known| known.payment);
    match known.and_then(|known| known.answer) {
        Some((status, body)) => Ok(tell(status, body)),
        None => Err(in_progress(payment)),
    }
}

async fn state(flows: &Flows, claim: &KeyClaim) -> Result<Option<KeyState>, Problem> {
    Ok(flows.desks.keys.ask(claim.id.clone()).await.map_err(SubmitError::from)?)
}

fn tell(status: u16, body: Vec<u8>) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let kind = if status.is_success() { "application/json" } else { PROBLEM_JSON };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
