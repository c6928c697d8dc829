//! Adyen's webhooks: standard ones, whose items sign eight of their fields, and those of the balance
//! platform, which sign the whole body.
//!
//! Neither signs a time of sending, so what protects against replay is the event's id, remembered for
//! good. Of a standard item nothing is told but what its signature covers: not why a card was refused,
//! not whose it was, not when.

use super::mapping::money;
use super::{Inner, transfer};
use crate::common::{declined, path_id};
use crate::json::Json;
use crate::signature::Proof;
use crate::webhook::{Echo, RawWebhook, Verified, WebhookBatch, WebhookEvent, WebhookRefusal};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use psp_contract::{AttemptRef, DeclineClass, Money, Report, Status, Subject, Timestamp};
use time::format_description::well_known::Rfc3339;

const MALFORMED: WebhookRefusal = WebhookRefusal::Malformed("no notification of Adyen's");
const UNVERIFIED: WebhookRefusal = WebhookRefusal::Invalid("the signature does not verify");

pub(super) fn verify(
    inner: &Inner,
    raw: &RawWebhook<'_>,
) -> Result<Verified<WebhookBatch>, WebhookRefusal> {
    let known = raw.is_for(&inner.notify_url) && raw.split_path().1.is_none();
    if raw.method != "POST" || !known {
        return Err(WebhookRefusal::Malformed("not a POST to the address that Adyen was given"));
    }
    // Only as much is read as it takes to find the signature and what it covers.
    let body = Json::parse(raw.body).ok_or(MALFORMED)?;
    let (events, proof) = match body.get("notificationItems").and_then(Json::items) {
        Some(items) => standard(inner, items)?,
        None => {
            let proof = verify_body(inner, raw)?;
            (vec![transfer_event(inner, &body).ok_or(MALFORMED)?], proof)
        }
    };
    let batch = WebhookBatch { events, fresh: false, echo: Echo::default() };
    Ok(Verified::new(batch, proof))
}

/// All items must verify: one forged item makes the whole call a forgery.
fn standard(inner: &Inner, items: &[Json]) -> Result<(Vec<WebhookEvent>, Proof), WebhookRefusal> {
    let mut verified = None;
    let mut events = Vec::with_capacity(items.len());
    for item in items {
        let item = item.get("NotificationRequestItem").ok_or(MALFORMED)?;
        let signature = item.get("additionalData").and_then(|data| data.str("hmacSignature"));
        let signature = signature.ok_or(WebhookRefusal::Invalid("not signed"))?;
        let tag = STANDARD.decode(signature).map_err(|_| UNVERIFIED)?;
        let text = signed_text(item).ok_or(MALFORMED)?;
        let proof = inner.hmac_keys.verify_sha256(text.as_bytes(), &tag);
        verified = Some(proof.ok_or(UNVERIFIED)?);
        if item.str("merchantAccountCode") != Some(&inner.merchant_account) {
            return Err(WebhookRefusal::Invalid("about another merchant account"));
        }
        events.push(standard_event(item).ok_or(MALFORMED)?);
    }
    Ok((events, verified.ok_or(MALFORMED)?))
}

/// The eight signed fields with colons between them; nothing is escaped, so a field with a colon of its
/// own could be read as two, and is refused.
pub(super) fn signed_text(item: &Json) -> Option<String> {
    let amount = item.get("amount");
    let text = |key| match item.get(key) {
        None => Some(String::new()),
        Some(Json::Text(text)) if !text.contains(':') => Some(text.clone()),
        Some(_) => None,
    };
    let fields = [
        text("pspReference")?,
        text("originalReference")?,
        text("merchantAccountCode")?,
        text("merchantReference")?,
        amount.and_then(|amount| amount.int("value")).map(|value| value.to_string())?,
        amount.and_then(|amount| amount.str("currency")).filter(|it| !it.contains(':'))?.to_owned(),
        text("eventCode")?,
        text("success")?,
    ];
    Some(fields.join(":"))
}

fn standard_event(item: &Json) -> Option<WebhookEvent> {
    let id = path_id(item.str("pspReference")?)?;
    let original = item.str("originalReference").filter(|id| !id.is_empty());
    let kind = item.str("eventCode")?;
    let success = match item.str("success")? {
        "true" => true,
        "false" => false,
        _ => return None,
    };
    let (subject, psp_reference) = match kind {
        "REFUND" | "REFUND_FAILED" | "REFUNDED_REVERSED" => (Subject::Return, Some(id)),
        "AUTHORISATION" | "OFFER_CLOSED" | "EXPIRE" => (Subject::Deposit, Some(id)),
        // About a payment, with an id of its own.
        _ => (Subject::Deposit, original.and_then(path_id)),
    };
    let money = money(item);
    let said = standard_status(kind, success, money);
    let unreadable = matches!(said, Some(None));
    let report = said.map(|status| Report {
        // A refused card's id must not become the deposit's: on a link the next card has another.
        psp_reference: psp_reference
            .filter(|_| !matches!((kind, success), ("AUTHORISATION", false)))
            .map(str::to_owned),
        status: status.unwrap_or(Status::Pending),
        payer: None,
        attempt: None,
    });
    Some(WebhookEvent {
        event_id: format!("{id}:{kind}:{success}"),
        kind: kind.to_owned(),
        attempt: item.str("merchantReference").and_then(AttemptRef::parse),
        psp_reference: psp_reference.map(str::to_owned),
        subject: Some(subject),
        report,
        if_deposit: None,
        payin: None,
        occurred_at: None,
        hint_only: unreadable,
    })
}

/// What an event says: `None` when nothing about money, `Some(None)` when about money that cannot be read.
fn standard_status(kind: &str, success: bool, money: Option<Money>) -> Option<Option<Status>> {
    Some(match (kind, success) {
        ("AUTHORISATION" | "CHARGEBACK_REVERSED" | "REFUND", true) => {
            money.map(|money| Status::Succeeded { money })
        }
        ("AUTHORISATION", false) => Some(declined(DeclineClass::PlayerFixable, "Refused")),
        ("CHARGEBACK" | "SECOND_CHARGEBACK" | "CAPTURE_FAILED", true) => {
            money.map(|money| Status::Reversed { money })
        }
        ("CANCELLATION" | "TECHNICAL_CANCEL", true) => Some(Status::Cancelled),
        ("OFFER_CLOSED" | "EXPIRE", true) => Some(Status::Expired),
        ("REFUND", false) => Some(declined(DeclineClass::PspFault, "REFUND")),
        ("REFUND_FAILED" | "REFUNDED_REVERSED", true) => {
            money.map(|money| Status::Returned { money })
        }
        _ => return None,
    })
}

/// `hmacsignature`: base64 of an HMAC over the raw body.
fn verify_body(inner: &Inner, raw: &RawWebhook<'_>) -> Result<Proof, WebhookRefusal> {
    let signature = raw.one_header("hmacsignature").ok_or(WebhookRefusal::Invalid("not signed"))?;
    let tag = STANDARD.decode(signature).map_err(|_| UNVERIFIED)?;
    inner.transfers_hmac_keys.verify_sha256(raw.body, &tag).ok_or(UNVERIFIED)
}

fn transfer_event(inner: &Inner, body: &Json) -> Option<WebhookEvent> {
    let kind = body.str("type")?;
    let data = body.get("data")?;
    let id = path_id(data.str("id")?)?;
    let status = data.str("status").unwrap_or_default();
    let sequence = data.word("sequenceNumber").unwrap_or_default();
    // One platform's webhooks tell of all its accounts, and of money that comes in as well.
    let account = data.get("balanceAccount").and_then(|account| account.str("id"));
    let ours = kind.starts_with("balancePlatform.transfer.")
        && account == Some(&inner.balance_account_id)
        && data.str("direction") == Some("outgoing");
    let said = money(data).map(|money| transfer::status(data, money));
    // What cannot be read, and what Adyen itself does not know, is asked about.
    let unclear = !matches!(said, Some(Ok(_)));
    let status_told = said.and_then(Result::ok).unwrap_or(Status::Pending);
    Some(WebhookEvent {
        event_id: format!("{id}:{status}:{sequence}"),
        kind: kind.to_owned(),
        attempt: data.str("reference").filter(|_| ours).and_then(AttemptRef::parse),
        psp_reference: Some(id.to_owned()),
        subject: Some(Subject::Payout),
        report: ours.then(|| Report {
            psp_reference: Some(id.to_owned()),
            status: status_told,
            payer: None,
            attempt: None,
        }),
        if_deposit: None,
        payin: None,
        occurred_at: body.str("timestamp").and_then(|at| Timestamp::parse(at, &Rfc3339).ok()),
        hint_only: ours && unclear,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signature::HmacKeys;

    fn item(success: &str, amount: &str) -> Option<Json> {
        let text = format!(
            r#"{{"pspReference":"7914073381342284","merchantAccountCode":"TestMerchant",
            "merchantReference":"TestPayment-1407325143704","eventCode":"AUTHORISATION",
            "amount":{amount},"success":{success}}}"#
        );
        Json::parse(text.as_bytes())
    }

    /// The vector that Adyen's own libraries test with (`reference/psps.md` §3.4).
    #[test]
    fn the_published_vector_verifies() {
        let key = hex::decode("44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056");
        let keys = HmacKeys::new([key.expect("hex")]);
        let tag = STANDARD.decode("coqCmt/IZ4E3CzPvMY8zTjQVL5hYJUiBRg8UU+iCWo0=").expect("base64");
        let euros = r#"{"value":1130,"currency":"EUR"}"#;
        let verified = |item: Option<Json>| {
            let text = signed_text(&item?)?;
            keys.verify_sha256(text.as_bytes(), &tag)
        };
        assert!(verified(item(r#""true""#, euros)).is_some());
        assert!(verified(item(r#""false""#, euros)).is_none());
        assert!(verified(item(r#""true""#, r#"{"value":1131,"currency":"EUR"}"#)).is_none());
        // `success` is a text; a truth value is nothing that Adyen sends.
        assert!(verified(item("true", euros)).is_none());
    }

    #[test]
    fn a_field_cannot_reach_into_the_next() {
        let text = br#"{"pspReference":"A:B","amount":{"value":1,"currency":"EUR"}}"#;
        assert_eq!(Json::parse(text).as_ref().and_then(signed_text), None);
    }
}
