//! The door of Mercado Pago's API: the access token, the idempotency key, numbers, errors.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use serde_json::value::RawValue;
use serde_json::{Number, Value, json};

use super::{ANSWERS, MercadoPago};
use crate::book::Entry;
use crate::faults::Answer;
use crate::money;
use crate::psp::Psp;

pub(super) type Both = (Arc<Psp>, Arc<MercadoPago>);

pub(super) fn refusal(status: StatusCode, error: &str, message: &str) -> Answer {
    let body = json!({
        "message": message, "error": error, "status": status.as_u16(),
        "cause": [{ "code": error, "description": message }],
    });
    Answer::json(status, &body)
}

pub(super) fn invalid(message: &str) -> Answer {
    refusal(StatusCode::BAD_REQUEST, "bad_request", message)
}

pub(super) fn not_found() -> Answer {
    refusal(StatusCode::NOT_FOUND, "not_found", "The resource was not found")
}

pub(super) fn authorise(mp: &MercadoPago, headers: &HeaderMap) -> Result<(), Answer> {
    let token = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    if token.and_then(|token| token.strip_prefix("Bearer ")) == Some(&mp.access_token) {
        return Ok(());
    }
    Err(refusal(StatusCode::UNAUTHORIZED, "unauthorized", "Invalid access token"))
}

/// A POST with its key.
pub(super) struct Request {
    pub(super) body: Value,
    key: String,
    hash: String,
}

pub(super) fn read(
    mp: &MercadoPago,
    path: &str,
    headers: &HeaderMap,
    body: &Bytes,
) -> Result<Request, Answer> {
    authorise(mp, headers)?;
    let key = headers.get("x-idempotency-key").and_then(|key| key.to_str().ok());
    let key = key.filter(|key| (1..=64).contains(&key.len()));
    let key = key.ok_or_else(|| invalid("Header X-Idempotency-Key can't be null"))?.to_owned();
    let body_read = if body.is_empty() { Ok(json!({})) } else { serde_json::from_slice(body) };
    let parsed = body_read.map_err(|_| invalid("The body is no JSON"))?;
    let hash = hex::encode(openssl::sha::sha256(&[path.as_bytes(), b"\n", body].concat()));
    Ok(Request { body: parsed, key, hash })
}

impl Request {
    /// The first answer to this key, inside of the booking that would be a second one.
    pub(super) fn repeated(&self, entry: &Entry<'_>) -> Option<Answer> {
        let fact = entry.fact(ANSWERS, &self.key)?;
        if fact["hash"] != self.hash.as_str() {
            let error = "idempotency_key_already_used";
            let message = "X-Idempotency-Key already used. Please retry with a different value.";
            return Some(refusal(StatusCode::CONFLICT, error, message));
        }
        let status = fact["status"].as_u64().and_then(|status| u16::try_from(status).ok());
        let status = status.and_then(|status| StatusCode::from_u16(status).ok());
        Some(Answer {
            status: status.unwrap_or(StatusCode::OK),
            content_type: "application/json",
            body: fact["body"].as_str().unwrap_or_default().to_owned(),
        })
    }

    pub(super) fn remember(&self, entry: &mut Entry<'_>, answer: &Answer) {
        let status = answer.status.as_u16();
        let fact = json!({ "hash": self.hash, "status": status, "body": answer.body });
        entry.put_fact(ANSWERS, &self.key, fact);
    }
}

/// A JSON number in major units, as minor ones; its shortest text is what counts, `10.5` and `10.50`.
pub(super) fn minor(value: &Value, currency: &str) -> Option<i64> {
    let Value::Number(number) = value else {
        return None;
    };
    let text = number.to_string();
    let text = text.strip_suffix(".0").unwrap_or(&text);
    money::parse(text, money::decimals(currency)).filter(|minor| *minor > 0)
}

/// Minor units as the number that Mercado Pago writes: without zeros at its end.
pub(super) fn major(amount_minor: i64, currency: &str) -> Value {
    let text = money::format(amount_minor, money::decimals(currency));
    let short = text.trim_end_matches('0').trim_end_matches('.');
    let number = RawValue::from_string(short.to_owned()).ok();
    let number: Option<Number> = number.and_then(|raw| serde_json::from_str(raw.get()).ok());
    number.map_or(Value::Null, Value::Number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_amounts_and_back() {
        for (text, cents) in
            [("10.5", 1050), ("10", 1000), ("0.07", 7), ("90071992.41", 9_007_199_241)]
        {
            let number: Value = serde_json::from_str(text).expect("a number");
            assert_eq!(minor(&number, "BRL"), Some(cents));
            assert_eq!(major(cents, "BRL").to_string(), text);
        }
        for text in ["10.505", "-1", "0", "\"10\"", "1e3"] {
            let value: Value = serde_json::from_str(text).expect("JSON");
            assert!(text == "1e3" || minor(&value, "BRL").is_none(), "{text}");
        }
    }
}
