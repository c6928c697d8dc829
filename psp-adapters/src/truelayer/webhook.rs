//! TrueLayer's webhooks: a detached ES512 signature over method, path, listed headers and body.
//!
//! The keys are found by id in the set that TrueLayer publishes. The `jku` in the signature's header must
//! be the configured address, and is never fetched itself: whoever chooses the address chooses the key.

use super::mapping::{failure_reason, named_money, payer, payment_failure, payout_failure};
use super::{Inner, wire};
use crate::json::Json;
use crate::signature::{DetachedJws, Proof, WebhookKeys};
use crate::webhook::{Echo, RawWebhook, Verified, WebhookBatch, WebhookEvent, WebhookRefusal};
use psp_contract::{AttemptRef, Money, Report, Status, Subject, Timestamp};
use std::time::Duration;
use time::format_description::well_known::Rfc3339;

const TIMESTAMP: &str = "X-Tl-Webhook-Timestamp";
/// More headers than TrueLayer has any reason to sign.
const SIGNED_HEADERS_MAX: usize = 16;

const fn invalid<T>(why: &'static str) -> Result<T, WebhookRefusal> {
    Err(WebhookRefusal::Invalid(why))
}

/// The signature's parts, once its header is of the one kind that we accept.
fn signature<'a>(inner: &Inner, raw: &RawWebhook<'a>) -> Result<DetachedJws<'a>, WebhookRefusal> {
    let Some(text) = raw.one_header("tl-signature") else {
        return invalid("not signed exactly once");
    };
    let Some(jws) = DetachedJws::parse(text) else {
        return invalid("no detached JWS");
    };
    let header = &jws.header;
    if header.str("alg") != Some("ES512") || header.str("tl_version") != Some("2") {
        return invalid("not ES512 of version 2");
    }
    if header.str("jku") != Some(&inner.webhook_jku) {
        return invalid("keys of another address");
    }
    if header.get("crit").is_some() {
        return invalid("a critical extension");
    }
    Ok(jws)
}

pub(super) fn key_id(inner: &Inner, raw: &RawWebhook<'_>) -> Result<String, WebhookRefusal> {
    let jws = signature(inner, raw)?;
    match jws.header.str("kid") {
        Some(kid) if !kid.is_empty() => Ok(kid.to_owned()),
        _ => invalid("no key id"),
    }
}

/// The headers that the signature covers: each once in the list, each once in the request.
fn signed_headers<'a>(
    list: &'a str,
    raw: &RawWebhook<'a>,
) -> Result<Vec<(&'a str, &'a str)>, WebhookRefusal> {
    let mut headers: Vec<(&str, &str)> = Vec::new();
    for name in list.split(',') {
        let twice = headers.iter().any(|(seen, _)| seen.eq_ignore_ascii_case(name));
        if twice || headers.len() == SIGNED_HEADERS_MAX {
            return invalid("a list of signed headers that nobody writes");
        }
        match raw.one_header(name) {
            Some(value) if !value.contains(['\r', '\n', '\0']) => headers.push((name, value)),
            _ => return invalid("a signed header is not there exactly once"),
        }
    }
    Ok(headers)
}

fn verify_signature(
    inner: &Inner,
    raw: &RawWebhook<'_>,
    keys: &WebhookKeys,
) -> Result<(Proof, Timestamp), WebhookRefusal> {
    let jws = signature(inner, raw)?;
    let kid = key_id(inner, raw)?;
    let list = jws.header.str("tl_headers").unwrap_or_default();
    let headers = signed_headers(list, raw)?;
    let stamp = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(TIMESTAMP));
    let Some((_, stamp)) = stamp else {
        return invalid("the time stamp is not signed");
    };
    let Ok(sent_at) = Timestamp::parse(stamp, &Rfc3339) else {
        return invalid("the time stamp cannot be read");
    };
    let text = wire::signed_text(raw.method, raw.path_and_query, &headers, raw.body);
    match keys.verify_es512(&kid, &jws, &text) {
        Some(proof) => Ok((proof, sent_at)),
        None => invalid("the signature does not verify"),
    }
}

pub(super) fn verify(
    inner: &Inner,
    raw: &RawWebhook<'_>,
    keys: &WebhookKeys,
    tolerance: Duration,
) -> Result<Verified<WebhookBatch>, WebhookRefusal> {
    if raw.method != "POST" {
        return Err(WebhookRefusal::Malformed("webhooks are sent by POST"));
    }
    let (proof, sent_at) = verify_signature(inner, raw, keys)?;
    let body = Json::parse(raw.body).ok_or(WebhookRefusal::Malformed("no strict JSON"))?;
    let event =
        event(inner, &body).ok_or(WebhookRefusal::Malformed("an event without id or type"))?;
    if (raw.received_at - sent_at).unsigned_abs() > tolerance {
        return Err(WebhookRefusal::Stale {
            attempt: event.attempt,
            psp_reference: event.psp_reference,
        });
    }
    let batch = WebhookBatch { events: vec![event], fresh: true, echo: Echo::default() };
    Ok(Verified::new(batch, proof))
}

fn event(inner: &Inner, body: &Json) -> Option<WebhookEvent> {
    let kind = body.str("type").or_else(|| body.str("event_type"))?;
    let event_id = body.word("event_id")?;
    let (subject, id_key) = match kind {
        "external_payment_received" => (Some(Subject::Deposit), "transaction_id"),
        _ if kind.starts_with("payment_") => (Some(Subject::Deposit), "payment_id"),
        _ if kind.starts_with("payout_") => (Some(Subject::Payout), "payout_id"),
        _ if kind.starts_with("refund_") => (Some(Subject::Return), "refund_id"),
        _ => (None, "id"),
    };
    let metadata = body.get("metadata");
    let reference = metadata.and_then(|metadata| metadata.str("reference"));
    let psp_reference = body.word(id_key);
    let money = named_money(body);
    let ours = body.str("merchant_account_id").is_some_and(|id| inner.is_our_account(id));
    let said = status(kind, body, money);
    let source = body.get("payment_source").or_else(|| body.get("remitter"));
    let moves = said.is_some() && !matches!(kind, "payment_authorized" | "payment_executed");
    let report = said.map(|status| Report {
        psp_reference: psp_reference.clone(),
        status: status.unwrap_or(Status::Pending),
        payer: source.map(payer),
        attempt: None,
    });
    let stamps = ["settled_at", "returned_at", "failed_at", "executed_at", "authorized_at"];
    Some(WebhookEvent {
        event_id,
        kind: kind.to_owned(),
        attempt: reference.and_then(AttemptRef::parse),
        psp_reference,
        subject,
        report,
        if_deposit: None,
        payin: None,
        occurred_at: stamps.iter().find_map(|key| Timestamp::parse(body.str(key)?, &Rfc3339).ok()),
        hint_only: (moves && (money.is_none() || !ours)) || kind == "payment_reversed",
    })
}

/// What an event says: `None` when nothing about money, `Some(None)` when about money of which it does not
/// name the amount. Then an inquiry has to.
fn status(kind: &str, body: &Json, money: Option<Money>) -> Option<Option<Status>> {
    let reason = failure_reason(body);
    Some(match kind {
        "payment_authorized" | "payment_executed" => Some(Status::Pending),
        "payment_settled"
        | "payment_creditable"
        | "payout_executed"
        | "refund_executed"
        | "external_payment_received" => money.map(|money| Status::Succeeded { money }),
        "payment_failed" => Some(payment_failure(&reason)),
        "payment_reversed" => money.map(|money| Status::Reversed { money }),
        "payout_failed" | "refund_failed" => {
            if reason == "returned" || body.str("returned_at").is_some() {
                money.map(|money| Status::Returned { money })
            } else {
                Some(Status::Declined(payout_failure(&reason)))
            }
        }
        _ => return None,
    })
}
