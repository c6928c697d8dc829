//! Paysafe's webhooks: a resource as its inquiry would show it, under an HMAC over the whole body.
//!
//! The signature covers no time of sending; what protects against replay is the event's identity, which
//! is made of signed words alone. `attemptNumber` is none of them: it counts the repeats.

use super::Inner;
use super::mapping::{money, payer, status};
use crate::json::Json;
use crate::webhook::{Echo, RawWebhook, Verified, WebhookBatch, WebhookEvent, WebhookRefusal};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use psp_contract::{AttemptRef, Report, Status, Subject, Timestamp};
use time::format_description::well_known::Rfc3339;

const MALFORMED: WebhookRefusal = WebhookRefusal::Malformed("no event of Paysafe's");

pub(super) fn verify(
    inner: &Inner,
    raw: &RawWebhook<'_>,
) -> Result<Verified<WebhookBatch>, WebhookRefusal> {
    if raw.method != "POST" {
        return Err(WebhookRefusal::Malformed("webhooks are sent by POST"));
    }
    // Paysafe does not sign the path. A proxy may have taken a prefix off it, and nothing else.
    if !inner.notify_url.ends_with(raw.path_and_query) {
        return Err(WebhookRefusal::Malformed("not the address that Paysafe was given"));
    }
    let told = raw.one_header("signature").ok_or(WebhookRefusal::Invalid("not signed once"))?;
    let tag = STANDARD.decode(told).map_err(|_| WebhookRefusal::Invalid("no base64"))?;
    let proof = inner
        .keys
        .verify_sha256(raw.body, &tag)
        .ok_or(WebhookRefusal::Invalid("the signature does not verify"))?;
    let body = Json::parse(raw.body).ok_or(MALFORMED)?;
    let event = event(inner, &body).ok_or(MALFORMED)?;
    let batch = WebhookBatch { events: vec![event], fresh: false, echo: Echo::default() };
    Ok(Verified::new(batch, proof))
}

fn event(inner: &Inner, body: &Json) -> Option<WebhookEvent> {
    let kind = body.str("eventType").or_else(|| body.str("eventName"))?;
    let payload = body.get("payload")?;
    let id = payload.word("id").or_else(|| body.word("resourceId"))?;
    let handle = kind.starts_with("PAYMENT_HANDLE_");
    let subject = match kind {
        _ if kind.starts_with("SA_CREDIT_") => Some(Subject::Payout),
        _ if kind.starts_with("REFUND_") => Some(Subject::Return),
        // A payout has a handle too.
        _ if handle && payload.str("transactionType") == Some("STANDALONE_CREDIT") => {
            Some(Subject::Payout)
        }
        _ if kind.starts_with("PAYMENT_") => Some(Subject::Deposit),
        _ => None,
    };
    let said = subject.and_then(|subject| said(kind, subject, payload));
    // What a payment's success would have told, had it named its amount, must be asked for.
    let about_money = subject.is_some() && !handle;
    let hint_only = said.is_none() && (about_money || kind == "PAYMENT_HANDLE_PAYABLE");
    let occurred_at = body.str("eventDate").and_then(|at| Timestamp::parse(at, &Rfc3339).ok());
    let state = payload.str("status").unwrap_or_default();
    let date = body.str("eventDate").unwrap_or_default();
    let report = said.map(|status| Report {
        psp_reference: Some(id.clone()),
        status,
        payer: payer(payload, inner.payment_type),
        attempt: None,
    });
    Some(WebhookEvent {
        event_id: body.word("id").unwrap_or_else(|| format!("{kind} {id} {state} {date}")),
        kind: kind.to_owned(),
        attempt: payload.str("merchantRefNum").and_then(AttemptRef::parse),
        psp_reference: Some(id),
        subject,
        report,
        if_deposit: None,
        payin: None,
        occurred_at,
        hint_only,
    })
}

/// What an event says of its attempt. The event and its resource must say the same.
fn said(kind: &str, subject: Subject, payload: &Json) -> Option<Status> {
    let state = payload.str("status")?;
    if kind.starts_with("PAYMENT_HANDLE_") {
        return match (kind, state, subject) {
            ("PAYMENT_HANDLE_PAYABLE", "PAYABLE", Subject::Deposit) => {
                Some(Status::AwaitsCompletion)
            }
            ("PAYMENT_HANDLE_EXPIRED", "EXPIRED", Subject::Deposit) => Some(Status::Expired),
            ("PAYMENT_HANDLE_FAILED", "FAILED", Subject::Deposit) => {
                status(subject, payload, money(payload))
            }
            _ => None,
        };
    }
    let told = status(subject, payload, money(payload))?;
    let agrees = match &told {
        Status::Succeeded { .. } => kind.ends_with("_COMPLETED"),
        Status::Reversed { .. } => {
            matches!(kind, "PAYMENT_RETURNED_COMPLETED" | "PAYMENT_RETURN_COMPLETED")
        }
        Status::Returned { .. } => kind.ends_with("_FAILED") || kind.ends_with("_CANCELLED"),
        Status::Declined(_) => kind.ends_with("_FAILED") || kind.ends_with("_ERRORED"),
        Status::Expired => kind.ends_with("_EXPIRED"),
        Status::Cancelled => kind.ends_with("_CANCELLED"),
        _ => true,
    };
    agrees.then_some(told)
}
