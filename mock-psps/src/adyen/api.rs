//! The door of Adyen's APIs: the API key, the idempotency key, and errors in Adyen's two forms.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::{ANSWERS, Adyen};
use crate::book::Entry;
use crate::faults::Answer;
use crate::psp::Psp;

pub(super) type Both = (Arc<Psp>, Arc<Adyen>);

const KEY_LEN_MAX: usize = 64;

/// An error of the Checkout API: `{status, errorCode, message, errorType}`.
pub(super) fn service_error(status: StatusCode, code: &str, kind: &str, message: &str) -> Answer {
    let body = json!({
        "status": status.as_u16(), "errorCode": code, "message": message, "errorType": kind,
        "pspReference": super::fresh_reference(),
    });
    Answer::json(status, &body)
}

pub(super) fn invalid(message: &str) -> Answer {
    service_error(StatusCode::UNPROCESSABLE_ENTITY, "702", "validation", message)
}

/// An error of the Transfers API, in the form of RFC 7807.
pub(super) fn problem(status: StatusCode, code: &str, title: &str, detail: &str) -> Answer {
    let body = json!({
        "type": format!("https://docs.adyen.com/errors/{code}"), "title": title,
        "status": status.as_u16(), "detail": detail, "errorCode": code,
        "requestId": super::fresh_reference(),
    });
    Answer { content_type: "application/problem+json", ..Answer::json(status, &body) }
}

pub(super) fn authorise(adyen: &Adyen, headers: &HeaderMap) -> Result<(), Answer> {
    if headers.get("x-api-key").is_some_and(|key| key.as_bytes() == adyen.api_key.as_bytes()) {
        return Ok(());
    }
    let message = "HTTP Status Response - Unauthorized";
    Err(service_error(StatusCode::UNAUTHORIZED, "000", "security", message))
}

/// A POST that may be a repeat.
pub(super) struct Request {
    pub(super) body: Value,
    key: Option<String>,
    hash: String,
}

pub(super) fn read(
    adyen: &Adyen,
    path: &str,
    headers: &HeaderMap,
    body: &Bytes,
) -> Result<Request, Answer> {
    authorise(adyen, headers)?;
    let key = headers.get("idempotency-key").map(|key| key.to_str().unwrap_or_default());
    if key.is_some_and(|key| key.is_empty() || KEY_LEN_MAX < key.len()) {
        return Err(invalid("Invalid idempotency key"));
    }
    let parsed = serde_json::from_slice(body).map_err(|_| {
        service_error(StatusCode::BAD_REQUEST, "702", "validation", "Unexpected input")
    })?;
    let hash = hex::encode(openssl::sha::sha256(&[path.as_bytes(), b"\n", body].concat()));
    Ok(Request { body: parsed, key: key.map(str::to_owned), hash })
}

impl Request {
    /// The first answer to this key, inside of the booking that would be a second one.
    pub(super) fn repeated(&self, entry: &Entry<'_>) -> Option<Answer> {
        let fact = entry.fact(ANSWERS, self.key.as_deref()?)?;
        if fact["hash"] != self.hash.as_str() {
            let message = "The idempotency key was used for another request";
            return Some(service_error(
                StatusCode::UNPROCESSABLE_ENTITY,
                "704",
                "validation",
                message,
            ));
        }
        let status = fact["status"].as_u64().and_then(|status| u16::try_from(status).ok());
        let status = status.and_then(|status| StatusCode::from_u16(status).ok());
        Some(Answer {
            status: status.unwrap_or(StatusCode::OK),
            content_type: "application/json",
            body: fact["body"].as_str().unwrap_or_default().to_owned(),
        })
    }

    /// Keeps the answer with its key, inside of the booking that it answers.
    pub(super) fn remember(&self, entry: &mut Entry<'_>, answer: &Answer) {
        if let Some(key) = &self.key {
            let status = answer.status.as_u16();
            let fact = json!({ "hash": self.hash, "status": status, "body": answer.body });
            entry.put_fact(ANSWERS, key, fact);
        }
    }

    pub(super) fn text(&self, name: &str) -> Result<&str, Answer> {
        let text = self.body[name].as_str().filter(|text| !text.is_empty());
        text.ok_or_else(|| invalid(&format!("Required field '{name}' is not provided.")))
    }

    /// The amount in minor units, which must be of the account's currency.
    pub(super) fn amount(&self, currency: &str) -> Result<i64, Answer> {
        let amount = &self.body["amount"];
        if amount["currency"] != currency {
            return Err(invalid("The currency is not supported by this account."));
        }
        let value = amount["value"].as_i64().filter(|value| *value > 0);
        value.ok_or_else(|| invalid("Invalid amount specified"))
    }

    pub(super) fn for_merchant(&self, adyen: &Adyen) -> Result<(), Answer> {
        if self.body["merchantAccount"] == adyen.merchant_account.as_str() {
            return Ok(());
        }
        let message = "Invalid Merchant Account";
        Err(service_error(StatusCode::FORBIDDEN, "901", "security", message))
    }
}
