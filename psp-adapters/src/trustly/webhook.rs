//! Trustly's notifications: signed calls to us, each answered by a signed result.
//!
//! They carry no time stamp of sending (`timestamp` is the event's own, and a repeat keeps it), so what
//! protects against replay is the `notificationid`, remembered for good. The signature covers reference,
//! amount, currency and method: a notification may move money.

use super::mapping::{money, payout_failure};
use super::{Inner, shape, wire};
use crate::json::Json;
use crate::webhook::{
    Echo, RawWebhook, Verified, WebhookBatch, WebhookEvent, WebhookRefusal, WebhookReply,
};
use psp_contract::{
    AttemptRef, Decline, DeclineClass, PayerProof, Report, Status, Subject, Timestamp,
};

pub(super) fn verify(
    inner: &Inner,
    raw: &RawWebhook<'_>,
) -> Result<Verified<WebhookBatch>, WebhookRefusal> {
    const MALFORMED: WebhookRefusal = WebhookRefusal::Malformed("no JSON-RPC notification");
    if raw.method != "POST" {
        return Err(WebhookRefusal::Malformed("notifications are sent by POST"));
    }
    // Trustly does not sign the path. A proxy may have taken a prefix off it, and nothing else.
    if !inner.notify_url.ends_with(raw.path_and_query) {
        return Err(WebhookRefusal::Malformed("not the address that Trustly was given"));
    }
    // Only as much is read as it takes to find the signature and what it covers.
    let body = Json::parse(raw.body).ok_or(MALFORMED)?;
    let method = body.str("method").ok_or(MALFORMED)?;
    let params = body.get("params").ok_or(MALFORMED)?;
    let uuid = params.str("uuid").ok_or(MALFORMED)?;
    let data = params.get("data").ok_or(MALFORMED)?;
    let signature = params.str("signature").ok_or(WebhookRefusal::Invalid("not signed"))?;
    let proof = wire::verify(inner, signature, method, uuid, data)
        .ok_or(WebhookRefusal::Invalid("the signature does not verify"))?;
    // The signature covers the texts one after another, not where each ends.
    if !shape::is_exact(method, uuid, data) {
        return Err(WebhookRefusal::Malformed("signed, and not of a notification's shape"));
    }
    let event_id = data
        .word("notificationid")
        .ok_or(WebhookRefusal::Malformed("a notification without an id"))?;
    let batch = WebhookBatch {
        events: vec![event(event_id, method, data)],
        fresh: false,
        echo: Echo { method: method.to_owned(), uuid: uuid.to_owned() },
    };
    Ok(Verified::new(batch, proof))
}

fn event(event_id: String, kind: &str, data: &Json) -> WebhookEvent {
    let psp_reference = data.word("orderid");
    let report = |status, payer| Report {
        psp_reference: psp_reference.clone(),
        status,
        payer,
        attempt: None,
    };
    let money = money(data);
    // Without a readable amount a notification about money is only a reason to ask.
    let moved =
        |status: fn(psp_contract::Money) -> Status| money.map(|money| report(status(money), None));
    let (subject, said, if_deposit) = match kind {
        "account" => (None, Some(report(Status::Pending, Some(payer(data)))), None),
        "pending" => (Some(Subject::Deposit), Some(report(Status::Pending, None)), None),
        "credit" => (
            None,
            moved(|money| Status::Returned { money }),
            moved(|money| Status::Succeeded { money }),
        ),
        "debit" => (Some(Subject::Deposit), moved(|money| Status::Reversed { money }), None),
        "cancel" => (
            None,
            Some(report(Status::Declined(cancelled()), None)),
            Some(report(Status::Cancelled, None)),
        ),
        "payoutconfirmation" => {
            (Some(Subject::Payout), moved(|money| Status::Succeeded { money }), None)
        }
        "payoutfailed" => {
            let code = data.word("errorcode").unwrap_or_else(|| "payoutfailed".to_owned());
            (
                Some(Subject::Payout),
                Some(report(Status::Declined(payout_failure(&code)), None)),
                None,
            )
        }
        _ => (None, None, None),
    };
    let about_money = matches!(kind, "credit" | "debit" | "payoutconfirmation");
    WebhookEvent {
        event_id,
        kind: kind.to_owned(),
        attempt: data.word("messageid").as_deref().and_then(AttemptRef::parse),
        hint_only: about_money && said.is_none(),
        subject,
        report: said,
        if_deposit,
        payin: None,
        occurred_at: data.str("timestamp").and_then(timestamp),
        psp_reference: psp_reference.clone(),
    }
}

/// A payout that Trustly cancels was not sent; it may have been accepted before, so this is no licence to
/// pay elsewhere.
fn cancelled() -> Decline {
    Decline {
        class: DeclineClass::PspFault,
        code: "cancel".to_owned(),
        retry_elsewhere: true,
        irreversible: false,
    }
}

/// Who paid: the account id pays the same account again, the descriptor may be shown.
fn payer(data: &Json) -> PayerProof {
    let attributes = data.get("attributes");
    let attribute = |key| attributes.and_then(|attributes| attributes.word(key));
    PayerProof {
        holder_name: attribute("name"),
        tax_id: attribute("personid"),
        portable: None,
        token: data.word("accountid"),
        masked: attribute("descriptor")
            .or_else(|| attribute("lastdigits").map(|it| format!("***{it}"))),
    }
}

/// `2010-01-20 14:42:04.675645+01`: RFC 3339 but for the blank and the missing minutes of the offset.
fn timestamp(text: &str) -> Option<Timestamp> {
    let (date, time) = text.split_once(' ')?;
    let whole_hours = time.rfind(['+', '-']).is_some_and(|at| time.len() - at == 3);
    let minutes = if whole_hours { ":00" } else { "" };
    let text = format!("{date}T{time}{minutes}");
    let at = Timestamp::parse(&text, &time::format_description::well_known::Rfc3339).ok()?;
    Some(at.to_offset(time::UtcOffset::UTC))
}

/// The signed result, with the notification's own UUID and method.
pub(super) fn reply(inner: &Inner, batch: &WebhookBatch) -> WebhookReply {
    let Echo { method, uuid } = &batch.echo;
    let data = Json::object([("status", "OK".into())]);
    let signature = wire::signed_text(method, uuid, &data)
        .and_then(|text| inner.signer.sign_sha1(text.as_bytes()));
    let Some(signature) = signature else {
        return WebhookReply { status: 500, content_type: "text/plain", body: Vec::new() };
    };
    let result = Json::object([
        ("signature", Json::Text(signature)),
        ("uuid", Json::text(uuid)),
        ("method", Json::text(method)),
        ("data", data),
    ]);
    let body = Json::object([("result", result), ("version", "1.1".into())]);
    WebhookReply { status: 200, content_type: "application/json", body: body.to_bytes() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trustlys_time_stamps_are_read() {
        let at = timestamp("2010-01-20 14:42:04.675645+01").expect("a documented time stamp");
        assert_eq!(at.unix_timestamp_nanos(), 1_263_994_924_675_645_000);
        assert_eq!(timestamp("2010-01-20 13:42:04.675645+00:00"), Some(at));
        assert_eq!(timestamp("2010-01-20"), None);
    }
}
