//! The door of Nuvei's API: credentials, time stamp, checksum, and the envelope of every answer.

use std::future::Future;
use std::sync::Arc;

use axum::response::Response;
use bytes::Bytes;
use http::StatusCode;
use openssl::sha::sha256;
use serde_json::{Map, Value, json};
use time::macros::format_description;
use time::{Duration, OffsetDateTime, PrimitiveDateTime};

use super::{Nuvei, REQUESTS};
use crate::book::Entry;
use crate::faults::{self, Answer, Call, Plan};
use crate::psp::Psp;
use crate::server::Connection;
use crate::{clock, ids, money};

pub(super) type Both = (Arc<Psp>, Arc<Nuvei>);

/// How far a time stamp may lie from now.
const CLOCK_SKEW: Duration = Duration::hours(24);

/// A refusal of the request itself, by Nuvei's table of API response codes.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    code: i64,
    reason: String,
}

impl Refusal {
    pub(super) fn new(code: i64, reason: impl Into<String>) -> Self {
        Self { code, reason: reason.into() }
    }

    pub(super) fn validation(reason: impl Into<String>) -> Self {
        Self::new(1019, reason)
    }

    pub(super) fn not_found() -> Self {
        Self::new(9146, "No transaction details returned for the provided ID")
    }
}

pub(super) type Fields = Map<String, Value>;

/// A call whose credentials and checksum are right.
pub(super) struct Admitted {
    pub(super) body: Value,
    pub(super) plan: Plan,
}

impl Admitted {
    /// A text of the body; numbers count as their text, as Nuvei's examples mix both.
    pub(super) fn text(&self, name: &str) -> String {
        text(&self.body[name])
    }

    /// A text that must be there, of at most so many characters.
    pub(super) fn needed(&self, name: &str, len_max: usize) -> Result<String, Refusal> {
        let text = self.text(name);
        if text.is_empty() || text.len() > len_max {
            return Err(Refusal::validation(format!("{name} is missing or too long")));
        }
        Ok(text)
    }

    /// The amount of a request in the account's currency.
    pub(super) fn amount(&self, nuvei: &Nuvei) -> Result<i64, Refusal> {
        if self.text("currency") != nuvei.currency {
            return Err(Refusal::new(1041, "Invalid or missing amount currency"));
        }
        let decimals = money::decimals(&nuvei.currency);
        let amount = money::parse(&self.text("amount"), decimals).filter(|minor| *minor > 0);
        amount.ok_or_else(|| Refusal::new(1040, "Invalid or missing amount"))
    }
}

pub(super) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

/// One call: `fields` are those of its checksum, in order, between the merchant's ids and the secret.
pub(super) async fn call<F, W>(
    (psp, nuvei): Both,
    connection: Connection,
    call: Call,
    body: Bytes,
    fields: &'static [&'static str],
    work: F,
) -> Response
where
    F: FnOnce(Arc<Psp>, Arc<Nuvei>, Admitted) -> W + Send + 'static,
    W: Future<Output = Result<Fields, Refusal>> + Send + 'static,
{
    let owner = psp.clone();
    let handled = move |plan: Plan| async move {
        plan.pause().await;
        let body: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
        let client_request_id = body["clientRequestId"].clone();
        let outcome = match admit(&nuvei, &body, fields) {
            Ok(()) => work(owner, nuvei.clone(), Admitted { body, plan }).await,
            Err(refusal) => Err(refusal),
        };
        answer(&nuvei, &client_request_id, outcome)
    };
    faults::guard(psp, connection, call, handled).await
}

fn admit(nuvei: &Nuvei, body: &Value, fields: &[&str]) -> Result<(), Refusal> {
    if !body.is_object() {
        return Err(Refusal::validation("The body is not JSON."));
    }
    if text(&body["merchantId"]) != nuvei.merchant_id {
        return Err(Refusal::new(1013, "Invalid merchant ID"));
    }
    if text(&body["merchantSiteId"]) != nuvei.merchant_site_id {
        return Err(Refusal::new(1022, "Invalid merchant site ID"));
    }
    // getPaymentStatus has none: its session token is the secret.
    if fields.is_empty() {
        return Ok(());
    }
    check_time(&text(&body["timeStamp"]))?;
    let values: String = fields.iter().map(|field| signed_value(body, field)).collect();
    let signed = format!("{}{}{values}{}", nuvei.merchant_id, nuvei.merchant_site_id, nuvei.secret);
    if text(&body["checksum"]) != hex::encode(sha256(signed.as_bytes())) {
        return Err(Refusal::new(1001, "Invalid checksum"));
    }
    Ok(())
}

/// Of `urlDetails` only the notification's address is hashed.
fn signed_value(body: &Value, field: &str) -> String {
    match field {
        "urlDetails" => text(&body["urlDetails"]["notificationUrl"]),
        _ => text(&body[field]),
    }
}

fn check_time(stamp: &str) -> Result<(), Refusal> {
    let format = format_description!("[year][month][day][hour][minute][second]");
    let at = PrimitiveDateTime::parse(stamp, format).map(PrimitiveDateTime::assume_utc);
    let near = |at: OffsetDateTime| (clock::now() - at).abs() <= CLOCK_SKEW;
    if at.is_ok_and(near) { Ok(()) } else { Err(Refusal::new(1021, "Invalid timestamp")) }
}

/// Every answer is 200: `status` and `errCode` tell.
fn answer(nuvei: &Nuvei, request_id: &Value, outcome: Result<Fields, Refusal>) -> Answer {
    let mut body = json!({
        "internalRequestId": ids::derived_digits(&[&ids::uuid()], 9).parse::<i64>().unwrap_or(1),
        "status": "SUCCESS", "errCode": 0, "reason": "",
        "merchantId": nuvei.merchant_id, "merchantSiteId": nuvei.merchant_site_id,
        "version": "1.0", "clientRequestId": request_id,
    });
    match outcome {
        Ok(fields) => {
            for (name, value) in fields {
                body[name] = value;
            }
        }
        Err(refusal) => {
            body["status"] = "ERROR".into();
            body["errCode"] = refusal.code.into();
            body["reason"] = refusal.reason.into();
        }
    }
    Answer::json(StatusCode::OK, &body)
}

/// Uses up a `clientRequestId`: Nuvei takes a second call with it for a repeat, and refuses it. Which
/// code it gives then is not documented.
pub(super) fn claim(entry: &mut Entry<'_>, request_id: &str) -> Result<(), Refusal> {
    if entry.fact(REQUESTS, request_id).is_some() {
        return Err(Refusal::new(1000, "Duplicate clientRequestId"));
    }
    entry.put_fact(REQUESTS, request_id, Value::Bool(true));
    Ok(())
}

pub(super) fn fields<const N: usize>(fields: [(&str, Value); N]) -> Fields {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
