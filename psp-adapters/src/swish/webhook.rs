//! Swish's callbacks: unsigned, so whatever they say is only a reason to ask.

use super::Swish;
use crate::prelude::*;

pub(super) fn read(swish: &Swish, raw: &RawWebhook<'_>) -> Received {
    raw.must_be_posted_to(&swish.notify_url)?;
    let event = event(&raw.json()?);
    let event = event.ok_or(WebhookRefusal::Malformed("a callback without id or status"))?;
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
        attempt: AttemptRef::parse(id),
        psp_reference: Some(id.to_owned()),
        subject: Some(subject),
        ..WebhookEvent::new(format!("{id}:{status}"), format!("{kind}.{status}"))
    })
}
