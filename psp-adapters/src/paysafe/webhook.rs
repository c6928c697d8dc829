//! Paysafe's webhooks: a resource as its inquiry would show it, under an HMAC over the whole body.
//!
//! The signature covers no time of sending; what protects against replay is the event's identity, which
//! is made of signed words alone. `attemptNumber` is none of them: it counts the repeats.

use super::Paysafe;
use super::mapping::{money, payer, status};
use crate::prelude::*;

pub(super) fn verify(paysafe: &Paysafe, raw: &RawWebhook<'_>) -> Received {
    raw.must_be_posted_to(&paysafe.notify_url)?;
    let proof = paysafe.keys.verify_sha256_base64(raw.body, raw.signature("signature")?);
    let proof = proof.ok_or(UNVERIFIED)?;
    let event = event(paysafe, &raw.json()?);
    let event = event.ok_or(WebhookRefusal::Malformed("no event of Paysafe's"))?;
    Ok(Verified::new(event.into(), proof))
}

fn event(paysafe: &Paysafe, body: &Json) -> Option<WebhookEvent> {
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
    let state = payload.str("status").unwrap_or_default();
    let date = body.str("eventDate").unwrap_or_default();
    let event_id = body.word("id").unwrap_or_else(|| format!("{kind} {id} {state} {date}"));
    let mut event = WebhookEvent {
        attempt: payload.attempt("merchantRefNum"),
        psp_reference: Some(id),
        subject,
        occurred_at: body.time("eventDate"),
        hint_only: said.is_none() && (about_money || kind == "PAYMENT_HANDLE_PAYABLE"),
        ..WebhookEvent::new(event_id, kind)
    }
    .saying(said);
    if let Some(report) = &mut event.report {
        report.payer = payer(payload, paysafe.payment_type);
    }
    Some(event)
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
