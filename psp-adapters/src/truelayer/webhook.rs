//! TrueLayer's webhooks: a detached ES512 signature over method, path, listed headers and body.
//!
//! The keys are found by id in the set that TrueLayer publishes. The `jku` in the signature's header must
//! be the configured address, and is never fetched itself: whoever chooses the address chooses the key.

use super::mapping::{failure_reason, named_money, payer, payment_failure, payout_failure};
use super::{TrueLayer, wire};
use crate::prelude::*;
use crate::signature::{DetachedJws, Proof};
use std::time::Duration;

const TIMESTAMP: &str = "X-Tl-Webhook-Timestamp";
/// More headers than TrueLayer has any reason to sign.
const SIGNED_HEADERS_MAX: usize = 16;

const fn invalid<T>(why: &'static str) -> Result<T, WebhookRefusal> {
    Err(WebhookRefusal::Invalid(why))
}

/// The signature's parts, once its header is of the one kind that we accept.
pub(super) fn signature<'a>(
    truelayer: &TrueLayer,
    raw: &RawWebhook<'a>,
) -> Result<DetachedJws<'a>, WebhookRefusal> {
    let jws = DetachedJws::received(raw, "tl-signature", "ES512")?;
    if jws.header.str("tl_version") != Some("2") {
        return invalid("not version 2");
    }
    if jws.header.str("jku") != Some(&truelayer.webhook_jku) {
        return invalid("keys of another address");
    }
    Ok(jws)
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
    truelayer: &TrueLayer,
    raw: &RawWebhook<'_>,
    keys: &WebhookKeys,
) -> Result<(Proof, Timestamp), WebhookRefusal> {
    let jws = signature(truelayer, raw)?;
    let headers = signed_headers(jws.header.str("tl_headers").unwrap_or_default(), raw)?;
    let stamp = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(TIMESTAMP));
    let Some((_, stamp)) = stamp else {
        return invalid("the time stamp is not signed");
    };
    let Ok(sent_at) = Timestamp::parse(stamp, &Rfc3339) else {
        return invalid("the time stamp cannot be read");
    };
    let text = wire::signed_text(raw.method, raw.path_and_query, &headers, raw.body);
    let proof = keys.verify_es512(&jws.key_id()?, &jws, &text);
    Ok((proof.ok_or(UNVERIFIED)?, sent_at))
}

pub(super) fn verify(
    truelayer: &TrueLayer,
    raw: &RawWebhook<'_>,
    keys: &WebhookKeys,
    tolerance: Duration,
) -> Received {
    if raw.method != "POST" {
        return Err(WebhookRefusal::Malformed("webhooks are sent by POST"));
    }
    let (proof, sent_at) = verify_signature(truelayer, raw, keys)?;
    let event = event(truelayer, &raw.json()?)
        .ok_or(WebhookRefusal::Malformed("an event without id or type"))?;
    Verified::sent_at(event, proof, sent_at, (raw, tolerance))
}

fn event(truelayer: &TrueLayer, body: &Json) -> Option<WebhookEvent> {
    let kind = body.str("type").or_else(|| body.str("event_type"))?;
    let (subject, id_key) = match kind {
        "external_payment_received" => (Some(Subject::Deposit), "transaction_id"),
        _ if kind.starts_with("payment_") => (Some(Subject::Deposit), "payment_id"),
        _ if kind.starts_with("payout_") => (Some(Subject::Payout), "payout_id"),
        _ if kind.starts_with("refund_") => (Some(Subject::Return), "refund_id"),
        _ => (None, "id"),
    };
    let money = named_money(body);
    let ours = body.str("merchant_account_id").is_some_and(|id| truelayer.is_our_account(id));
    let said = status(kind, body, money);
    let moves = said.is_some() && !matches!(kind, "payment_authorized" | "payment_executed");
    let stamps = ["settled_at", "returned_at", "failed_at", "executed_at", "authorized_at"];
    let mut event = WebhookEvent {
        attempt: body.attempt("metadata/reference"),
        psp_reference: body.word(id_key),
        subject,
        occurred_at: stamps.iter().find_map(|key| body.time(key)),
        hint_only: (moves && (money.is_none() || !ours)) || kind == "payment_reversed",
        ..WebhookEvent::new(body.word("event_id")?, kind)
    }
    .saying(said.map(|status| status.unwrap_or(Status::Pending)));
    if let Some(report) = &mut event.report {
        report.payer = body.get("payment_source").or_else(|| body.get("remitter")).map(payer);
    }
    Some(event)
}

/// What an event says: `None` when nothing about money, `Some(None)` when about money of which it does not
/// name the amount. Then an inquiry has to.
fn status(kind: &str, body: &Json, money: Option<Money>) -> Option<Option<Status>> {
    let reason = failure_reason(body);
    let returned = reason == "returned" || body.str("returned_at").is_some();
    let moved = |status: fn(Money) -> Status| money.map(status);
    Some(match kind {
        "payment_authorized" | "payment_executed" => Some(Status::Pending),
        "payment_settled"
        | "payment_creditable"
        | "payout_executed"
        | "refund_executed"
        | "external_payment_received" => moved(|money| Status::Succeeded { money }),
        "payment_failed" => Some(payment_failure(&reason)),
        "payment_reversed" => moved(|money| Status::Reversed { money }),
        "payout_failed" | "refund_failed" if returned => moved(|money| Status::Returned { money }),
        "payout_failed" | "refund_failed" => Some(Status::Declined(payout_failure(&reason))),
        _ => return None,
    })
}
