//! Trustly's notifications: signed calls to us, each answered by a signed result.
//!
//! They carry no time stamp of sending (`timestamp` is the event's own, and a repeat keeps it), so what
//! protects against replay is the `notificationid`, remembered for good. The signature covers reference,
//! amount, currency and method: a notification may move money.

use super::mapping::{money, payout_failure, timestamp};
use super::shape::Reading;
use super::{Trustly, shape, wire};
use crate::prelude::*;

pub(super) fn verify(trustly: &Trustly, raw: &RawWebhook<'_>) -> Received {
    const MALFORMED: WebhookRefusal = WebhookRefusal::Malformed("no JSON-RPC notification");
    raw.must_be_posted_to(&trustly.notify_url)?;
    // Only as much is read as it takes to find the signature and what it covers.
    let body = raw.json()?;
    let method = body.str("method").ok_or(MALFORMED)?;
    let uuid = body.str("params/uuid").ok_or(MALFORMED)?;
    let data = body.get("params/data").ok_or(MALFORMED)?;
    let signature = body.str("params/signature").ok_or(WebhookRefusal::Invalid("not signed"))?;
    let proof = trustly.verify(signature, method, uuid, data).ok_or(UNVERIFIED)?;
    // The signature covers the texts one after another, not where each ends.
    let event = match shape::reading(method, uuid, data) {
        Some(Reading::Exact) => event(
            data.word("notificationid")
                .ok_or(WebhookRefusal::Malformed("a notification without an id"))?,
            method,
            data,
        ),
        Some(Reading::Beyond) => unread(method, data).ok_or(UNVERIFIED)?,
        None => {
            return Err(WebhookRefusal::Malformed("signed, and not of a notification's shape"));
        }
    };
    let echo = Echo { method: method.to_owned(), uuid: uuid.to_owned() };
    Ok(Verified::new(WebhookBatch { echo, ..event.into() }, proof))
}

/// A notification with something in it that is not known here. Its id is its text's hash, which all ways to
/// cut that text have in common: a copy is heard once, and never in the place of a notification that is
/// known. Of it nothing is believed; what it names is asked about, and people hear.
fn unread(kind: &str, data: &Json) -> Option<WebhookEvent> {
    let text = wire::signed_text(kind, "", data)?;
    Some(WebhookEvent {
        attempt: data.attempt("messageid"),
        psp_reference: data.word("orderid"),
        hint_only: true,
        untold: Some(Untold::Unread),
        ..WebhookEvent::new(format!("unread {}", hex::encode(sha256(text.as_bytes()))), kind)
    })
}

fn event(event_id: String, kind: &str, data: &Json) -> WebhookEvent {
    let id = data.word("orderid");
    // Without a readable amount a notification about money is only a reason to ask.
    let moved = |status: fn(Money) -> Status| money(data).map(status);
    let returned = || moved(|money| Status::Returned { money });
    let succeeded = || moved(|money| Status::Succeeded { money });
    let (subject, said, if_deposit) = match kind {
        "account" => (None, Some(Status::Pending), None),
        "pending" => (Some(Subject::Deposit), Some(Status::Pending), None),
        "credit" => (None, returned(), succeeded()),
        "debit" => (Some(Subject::Deposit), moved(|money| Status::Reversed { money }), None),
        // A payout that Trustly cancels was not sent; it may have been accepted before, so this is no
        // licence to pay elsewhere.
        "cancel" => {
            let cancelled = Status::declined(DeclineClass::PspFault, "cancel");
            (None, Some(cancelled), Some(Status::Cancelled))
        }
        "payoutconfirmation" => (Some(Subject::Payout), succeeded(), None),
        "payoutfailed" => {
            let code = data.word("errorcode").unwrap_or_else(|| kind.to_owned());
            (Some(Subject::Payout), Some(payout_failure(&code)), None)
        }
        _ => (None, None, None),
    };
    let about_money = matches!(kind, "credit" | "debit" | "payoutconfirmation");
    let mut event = WebhookEvent {
        attempt: data.attempt("messageid"),
        psp_reference: id.clone(),
        subject,
        if_deposit: if_deposit.map(|status| Report::new(id.as_deref(), status)),
        occurred_at: data.str("timestamp").and_then(timestamp),
        hint_only: about_money && said.is_none(),
        ..WebhookEvent::new(event_id, kind)
    }
    .saying(said);
    if let ("account", Some(report)) = (kind, &mut event.report) {
        report.payer = Some(payer(data));
    }
    event
}

/// Who paid: the account id pays the same account again, the descriptor may be shown.
fn payer(data: &Json) -> PayerProof {
    let digits = data.word("attributes/lastdigits").map(|digits| format!("***{digits}"));
    PayerProof {
        holder_name: data.word("attributes/name"),
        tax_id: data.word("attributes/personid"),
        portable: None,
        token: data.word("accountid"),
        masked: data.word("attributes/descriptor").or(digits),
        funding: None,
    }
}

/// The signed result, with the notification's own UUID and method.
pub(super) fn reply(trustly: &Trustly, batch: &WebhookBatch) -> WebhookReply {
    let Echo { method, uuid } = &batch.echo;
    let data = object! { "status": "OK" };
    let signature = wire::signed_text(method, uuid, &data)
        .and_then(|text| trustly.signer.sign_sha1(text.as_bytes()));
    let Some(signature) = signature else {
        return WebhookReply { status: 500, ..WebhookReply::ok("") };
    };
    let result = object! { "signature": signature, "uuid": uuid, "method": method, "data": data };
    let body = object! { "result": result, "version": "1.1" };
    WebhookReply { status: 200, content_type: "application/json", body: body.to_bytes() }
}
