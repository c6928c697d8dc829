//! TrueLayer's webhooks: events under its own signature (`signature::tl`), whose keys it publishes.

use super::TrueLayer;
use super::mapping::{failure_reason, named_money, payer, payment_failure, payout_failure};
use crate::prelude::*;
use crate::signature::tl::TlSignature;
use std::time::Duration;

pub(super) fn verify(
    truelayer: &TrueLayer,
    raw: &RawWebhook<'_>,
    keys: &WebhookKeys,
    tolerance: Duration,
) -> Received {
    if raw.method != "POST" {
        return Err(WebhookRefusal::Malformed("webhooks are sent by POST"));
    }
    let signature = TlSignature::received(raw, &truelayer.webhook_jku)?;
    let (proof, sent_at) = signature.verify(raw, keys)?;
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
    // Its answer to a GET is documented without a word for it: what the event says must not get lost there.
    let is_reversal = kind == "payment_reversed";
    let stamps =
        ["reversed_at", "settled_at", "returned_at", "failed_at", "executed_at", "authorized_at"];
    let mut event = WebhookEvent {
        attempt: body.attempt("metadata/reference"),
        psp_reference: body.word(id_key),
        subject,
        occurred_at: stamps.iter().find_map(|key| body.time(key)),
        hint_only: (moves && (money.is_none() || !ours)) || is_reversal,
        untold: is_reversal.then_some(Untold::TakenBack),
        ..WebhookEvent::new(body.word("event_id")?, kind)
    }
    .saying_of_money(said);
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
        "payout_failed" | "refund_failed" if returned => moved(|money| Status::Returned { money }),
        "payout_failed" | "refund_failed" => Some(Status::Declined(payout_failure(&reason))),
        _ => return None,
    })
}
