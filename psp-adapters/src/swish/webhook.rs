//! Swish's callbacks: unsigned, so whatever they say is only a reason to ask.

use super::Inner;
use crate::json::Json;
use crate::webhook::{RawWebhook, Verified, WebhookBatch, WebhookEvent, WebhookRefusal};
use psp_contract::{AttemptRef, Subject};

pub(super) fn read(
    inner: &Inner,
    raw: &RawWebhook<'_>,
) -> Result<Verified<WebhookBatch>, WebhookRefusal> {
    if raw.method != "POST" {
        return Err(WebhookRefusal::Malformed("callbacks are sent by POST"));
    }
    // A proxy may have taken a prefix off the path, and nothing else.
    let path = raw.path_and_query;
    if path.len() < 2 || !path.starts_with('/') || !inner.notify_url.ends_with(path) {
        return Err(WebhookRefusal::Malformed("not the address that Swish was given"));
    }
    let body = Json::parse(raw.body).ok_or(WebhookRefusal::Malformed("no strict JSON"))?;
    let event = event(&body).ok_or(WebhookRefusal::Malformed("a callback without id or status"))?;
    Ok(Verified::hints(vec![event]))
}

fn event(body: &Json) -> Option<WebhookEvent> {
    let (kind, subject, id) = match body.str("payoutInstructionUUID") {
        Some(id) => ("payout", Subject::Payout, id),
        None if body.str("originalPaymentReference").is_some() => {
            ("refund", Subject::Return, body.str("id")?)
        }
        None => ("payment", Subject::Deposit, body.str("id")?),
    };
    let status = body.str("status")?;
    Some(WebhookEvent {
        event_id: format!("{id}:{status}"),
        kind: format!("{kind}.{status}"),
        attempt: AttemptRef::parse(id),
        psp_reference: Some(id.to_owned()),
        subject: Some(subject),
        report: None,
        if_deposit: None,
        payin: None,
        occurred_at: None,
        hint_only: true,
    })
}
