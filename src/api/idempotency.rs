//! The idempotency key of a POST that creates something: its header, its scope and what it
//! remembers of the request.

use super::caller::Caller;
use super::door::RequestId;
use super::problem::Problem;
use crate::book::KeyId;
use crate::store::once_keys::Once;
use axum::extract::{FromRequestParts, MatchedPath};
use axum::http::{HeaderName, HeaderValue, request::Parts};
use axum::response::Response;
use sha2::{Digest, Sha256};
use std::sync::Arc;

pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
pub const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

const KEY_CHARS_MAX: usize = 255;

/// A request's key, with everything about the request but its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey {
    pub key: String,
    /// Method and route, and the player where a player calls: never the API key, whose rotation
    /// must not open a second payment.
    pub scope: String,
    /// Method, route and path, for the fingerprint.
    request_line: String,
    /// The id that the outermost layer gave the request.
    pub request: Arc<str>,
}

impl IdempotencyKey {
    /// What makes two requests the same: method, route, path and the body's one spelling.
    pub fn fingerprint(&self, canonical_body: &str) -> [u8; 32] {
        let mut digest = Sha256::new();
        digest.update(self.request_line.as_bytes());
        digest.update(b"\n");
        digest.update(canonical_body.as_bytes());
        digest.finalize().into()
    }

    /// The request as something that is done once.
    pub fn once(self, caller: &Caller, canonical_body: &str) -> Once {
        let fingerprint = self.fingerprint(canonical_body);
        let operator = caller.operator().clone();
        Once { key: KeyId { operator, scope: self.scope, key: self.key }, fingerprint }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let key = read_key(parts)?;
        let caller = Caller::from_request_parts(parts, state).await?;
        let route = parts.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
        let method = parts.method.as_str();
        let scope = match caller.player() {
            Some(player) => format!("{method} {route} {player}"),
            None => format!("{method} {route}"),
        };
        let request_line = format!("{method} {route} {}", parts.uri.path());
        let request = parts.extensions.get::<RequestId>();
        let request = request.map_or_else(|| Arc::from(""), |id| id.0.clone());
        Ok(Self { key, scope, request_line, request })
    }
}

fn read_key(parts: &Parts) -> Result<String, Problem> {
    let mut values = parts.headers.get_all(&IDEMPOTENCY_KEY).iter();
    let Some(first) = values.next() else {
        return Err(Problem::bad_request(
            "idempotency.key_missing",
            "Send an Idempotency-Key header: 1 to 255 visible ASCII characters, the same for \
             every try of this one request.",
        ));
    };
    let text = first.to_str().ok().map(unquote).filter(|text| is_key(text));
    match (text, values.next()) {
        (Some(key), None) => Ok(key.to_owned()),
        _ => Err(Problem::bad_request(
            "idempotency.key_malformed",
            "Idempotency-Key stands once and has 1 to 255 visible ASCII characters.",
        )),
    }
}

/// The draft standard writes the key as a quoted string; with and without quotes it is one key.
fn unquote(text: &str) -> &str {
    text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text)
}

fn is_key(text: &str) -> bool {
    let visible = text.bytes().all(|b| (0x21..=0x7e).contains(&b));
    (1..=KEY_CHARS_MAX).contains(&text.len()) && visible
}

/// Marks an answer that was told before.
pub fn mark_replayed(response: &mut Response) {
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
}

/// The key was used for another request. Nothing of that request is told.
pub fn key_reused() -> Problem {
    Problem::unprocessable(
        "idempotency.key_reused",
        "This Idempotency-Key was used for another request. Take a new key for a new request.",
    )
}

/// The first request under this key still runs.
pub fn in_progress(payment: Option<impl ToString>) -> Problem {
    let problem = Problem::conflict(
        "idempotency.in_progress",
        "The first request under this Idempotency-Key still runs. Ask again in a moment.",
    )
    .retry_after(2);
    match payment {
        Some(id) => problem.payment(id),
        None => problem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(path: &str) -> IdempotencyKey {
        IdempotencyKey {
            key: "k".to_owned(),
            scope: "POST /v1/deposits".to_owned(),
            request_line: format!("POST /v1/deposits {path}"),
            request: "req-1".into(),
        }
    }

    #[test]
    fn a_key_is_visible_ascii_with_or_without_quotes() {
        assert_eq!(unquote("\"abc\""), "abc");
        assert_eq!(unquote("abc"), "abc");
        for good in ["a", &"x".repeat(255), "~!"] {
            assert!(is_key(good), "{good}");
        }
        for bad in ["", " ", "a b", "é", &"x".repeat(256)] {
            assert!(!is_key(bad), "{bad}");
        }
    }

    #[test]
    fn the_fingerprint_tells_requests_apart() {
        let one = key("/v1/deposits").fingerprint("{}");
        assert_eq!(one, key("/v1/deposits").fingerprint("{}"));
        assert_ne!(one, key("/v1/deposits").fingerprint("{\"a\":1}"));
        assert_ne!(one, key("/v1/other").fingerprint("{}"));
    }
}
