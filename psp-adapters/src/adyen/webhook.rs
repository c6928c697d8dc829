//! Adyen's webhooks: standard ones, whose items sign eight of their fields, and those of the balance
//! platform, which sign the whole body.
//!
//! Neither signs a time of sending, so what protects against replay is the event's id, remembered for
//! good. Of a standard item nothing is told but what its signature covers: not why a card was refused,
//! not whose it was, not when. That it is of a payment link is believed where it makes a refusal less.

use super::mapping::money;
use super::{Adyen, transfer};
use crate::prelude::*;
use crate::signature::Proof;

const MALFORMED: WebhookRefusal = WebhookRefusal::Malformed("no notification of Adyen's");

pub(super) fn verify(adyen: &Adyen, raw: &RawWebhook<'_>) -> Received {
    raw.must_be_posted_to(&adyen.notify_url)?;
    // Only as much is read as it takes to find the signature and what it covers.
    let body = raw.json()?;
    let (events, proof) = match body.get("notificationItems").and_then(Json::items) {
        Some(items) => standard(adyen, items)?,
        None => {
            let (keys, signature) = (&adyen.transfers_hmac_keys, raw.signature("hmacsignature")?);
            let proof = keys.verify_sha256_base64(raw.body, signature).ok_or(UNVERIFIED)?;
            (vec![transfer_event(adyen, &body).ok_or(MALFORMED)?], proof)
        }
    };
    Ok(Verified::new(events.into(), proof))
}

/// All items must verify: one forged item makes the whole call a forgery.
fn standard(adyen: &Adyen, items: &[Json]) -> Result<(Vec<WebhookEvent>, Proof), WebhookRefusal> {
    let (mut verified, mut events) = (None, Vec::with_capacity(items.len()));
    for item in items {
        let item = item.get("NotificationRequestItem").ok_or(MALFORMED)?;
        let signature = item.str("additionalData/hmacSignature");
        let signature = signature.ok_or(WebhookRefusal::Invalid("not signed"))?;
        let text = signed_text(item).ok_or(MALFORMED)?;
        let proof = adyen.hmac_keys.verify_sha256_base64(text.as_bytes(), signature);
        verified = Some(proof.ok_or(UNVERIFIED)?);
        if item.str("merchantAccountCode") != Some(&adyen.merchant_account) {
            return Err(WebhookRefusal::Invalid("about another merchant account"));
        }
        events.push(standard_event(item, &text).ok_or(MALFORMED)?);
    }
    Ok((events, verified.ok_or(MALFORMED)?))
}

/// The eight signed fields with colons between them; nothing is escaped, so a field with a colon of its
/// own could be read as two, and is refused.
pub(super) fn signed_text(item: &Json) -> Option<String> {
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
        item.int("amount/value")?.to_string(),
        item.str("amount/currency").filter(|it| !it.contains(':'))?.to_owned(),
        text("eventCode")?,
        text("success")?,
    ];
    Some(fields.join(":"))
}

fn standard_event(item: &Json, text: &str) -> Option<WebhookEvent> {
    let (named, kind) = (item.str("pspReference")?, item.str("eventCode")?);
    let success: bool = item.str("success")?.parse().ok()?;
    let said = standard_status(item, kind, success);
    // `REPORT_AVAILABLE` has a file's name there. Adyen sends what is refused again before all that waits
    // behind it: what says nothing of money is taken as it is.
    if path_id(named).is_none() && said.is_none() && named.len() <= 256 {
        return Some(WebhookEvent::new(format!("{named}:{kind}:{success}"), kind));
    }
    let id = path_id(named)?;
    let (subject, psp_reference) = match kind {
        "REFUND" | "REFUND_FAILED" | "REFUNDED_REVERSED" => (Subject::Return, Some(id)),
        "AUTHORISATION" | "OFFER_CLOSED" | "EXPIRE" => (Subject::Deposit, Some(id)),
        // About a payment, with an id of its own.
        _ => (Subject::Deposit, item.given("originalReference").and_then(path_id)),
    };
    let mut event = WebhookEvent {
        attempt: item.attempt("merchantReference"),
        psp_reference: psp_reference.map(str::to_owned),
        subject: Some(subject),
        ..WebhookEvent::new(format!("{id}:{kind}:{success}"), kind)
    }
    .saying_of_signed(said, text);
    if let (Some(report), "AUTHORISATION", false) = (&mut event.report, kind, success) {
        // A refused card's id must not become the deposit's: on a link the next card has another.
        report.psp_reference = None;
    }
    Some(event)
}

/// What an event says: `None` when nothing about money, `Some(None)` when about money that cannot be read.
///
/// Every payment is captured by itself, so an authorisation is money that came. It goes again when the
/// authorisation is cancelled or expires, or when somebody cancels or refunds it on Adyen's own pages: of
/// what was never authorised Adyen tells none of these, and of a link that nobody paid `OFFER_CLOSED`.
fn standard_status(item: &Json, kind: &str, success: bool) -> Option<Option<Status>> {
    let money = money(item);
    let paid = money.map(|money| Status::Succeeded { money });
    let reversed = money.map(|money| Status::Reversed { money });
    let returned = money.map(|money| Status::Returned { money });
    // Not signed; it can only make of a refusal that the payer is waited for until the link runs out.
    let on_link = item.str("additionalData/paymentLinkId").is_some();
    Some(match (kind, success) {
        ("AUTHORISATION" | "REFUND", true) => paid,
        ("CHARGEBACK_REVERSED", true) => money.map(|money| Status::Won { money }),
        // The link can still be paid, with another card.
        ("AUTHORISATION", false) if on_link => Some(Status::Pending),
        ("AUTHORISATION", false) => Some(Status::declined(DeclineClass::PlayerFixable, "Refused")),
        ("CHARGEBACK" | "SECOND_CHARGEBACK" | "CAPTURE_FAILED", true) => reversed,
        ("CANCELLATION" | "TECHNICAL_CANCEL" | "CANCEL_OR_REFUND" | "EXPIRE", true) => reversed,
        ("OFFER_CLOSED", true) => Some(Status::Expired),
        ("REFUND", false) => Some(Status::declined(DeclineClass::PspFault, "REFUND")),
        ("REFUND_FAILED" | "REFUNDED_REVERSED", true) => returned,
        _ => return None,
    })
}

fn transfer_event(adyen: &Adyen, body: &Json) -> Option<WebhookEvent> {
    let (kind, data) = (body.str("type")?, body.get("data")?);
    let id = path_id(data.str("id")?)?;
    let status = data.str("status").unwrap_or_default();
    let sequence = data.word("sequenceNumber").unwrap_or_default();
    // One platform's webhooks tell of all its accounts, and of money that comes in as well.
    let ours = kind.starts_with("balancePlatform.transfer.")
        && data.str("balanceAccount/id") == Some(&adyen.balance_account_id)
        && data.str("direction") == Some("outgoing");
    // What cannot be read, and what Adyen itself does not know, is asked about.
    let said = money(data).and_then(|money| transfer::status(data, money).ok());
    let event = WebhookEvent {
        attempt: data.attempt("reference").filter(|_| ours),
        psp_reference: Some(id.to_owned()),
        subject: Some(Subject::Payout),
        occurred_at: body.time("timestamp"),
        ..WebhookEvent::new(format!("{id}:{status}:{sequence}"), kind)
    };
    Some(event.saying_of_money(ours.then_some(said)))
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

    /// The vector that Adyen's own libraries test with.
    #[test]
    fn the_published_vector_verifies() {
        let key = hex::decode("44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056");
        let keys = HmacKeys::new([key.expect("hex")]);
        let tag = "coqCmt/IZ4E3CzPvMY8zTjQVL5hYJUiBRg8UU+iCWo0=";
        let euros = r#"{"value":1130,"currency":"EUR"}"#;
        let verified = |item: Option<Json>| {
            let text = signed_text(&item?)?;
            keys.verify_sha256_base64(text.as_bytes(), tag)
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
