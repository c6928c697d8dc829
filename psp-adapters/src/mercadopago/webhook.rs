//! Mercado Pago's webhooks: thin, and signed over `data.id` of the *query*, the request's id and the time.
//!
//! The body is signed by nothing, must be JSON, and says nothing here but which payment a chargeback is
//! about: its id in the query is a case's. What happened is asked, so that a lie there moves nothing.

use super::MercadoPago;
use crate::prelude::*;
use std::time::Duration;

const MALFORMED: WebhookRefusal = WebhookRefusal::Malformed("no notification of Mercado Pago's");

/// Payments have a number; payouts a number, a dash and a ULID.
pub(super) fn subject_of(id: &str) -> Subject {
    let number = id.bytes().all(|byte| byte.is_ascii_digit());
    if number { Subject::Deposit } else { Subject::Payout }
}

pub(super) fn verify(
    mercadopago: &MercadoPago,
    raw: &RawWebhook<'_>,
    tolerance: Duration,
) -> Received {
    if raw.method != "POST" || !raw.is_for(&mercadopago.notify_url) {
        return Err(WebhookRefusal::Malformed("not a POST to the address that was given"));
    }
    let body = raw.json()?;
    body.get("data").ok_or(MALFORMED)?;
    let checked = |id: Option<String>| id.filter(|id| path_id(id).is_some()).ok_or(MALFORMED);
    let id = checked(raw.one_query_value("data.id"))?;
    let parts = parts(raw.signature("x-signature")?);
    let (stamp, sent_at, tag) = parts.ok_or(WebhookRefusal::Invalid("not signed"))?;
    let request_id = request_id(raw)?;
    let verified = |id: &str| {
        let text = manifest(id, request_id, stamp);
        mercadopago.webhook_keys.verify_sha256(text.as_bytes(), &tag)
    };
    // The libraries take the id as it came; the pages have asked for lower case.
    let proof = verified(&id).or_else(|| verified(&id.to_ascii_lowercase())).ok_or(UNVERIFIED)?;
    let event_id = format!("{id}:{}", request_id.unwrap_or(stamp));
    let about = match body.str("type") {
        Some("topic_chargebacks_wh") => checked(body.word("data/payment_id"))?,
        _ => id,
    };
    let subject = subject_of(&about);
    let kind = if subject == Subject::Deposit { "payment" } else { "transaction_intent" };
    let event = WebhookEvent {
        psp_reference: Some(about),
        subject: Some(subject),
        hint_only: true,
        ..WebhookEvent::new(event_id, kind)
    };
    Verified::sent_at(event, proof, sent_at, (raw, tolerance))
}

/// The request's id, or none when there is no such header; two of them are nobody's.
fn request_id<'a>(raw: &RawWebhook<'a>) -> Result<Option<&'a str>, WebhookRefusal> {
    let is_there = raw.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("x-request-id"));
    match raw.one_header("x-request-id") {
        None if is_there => Err(WebhookRefusal::Invalid("two request ids")),
        // It could reach into the next pair of what is signed.
        Some(id) if id.is_empty() || id.contains(';') => {
            Err(WebhookRefusal::Invalid("no request id"))
        }
        id => Ok(id),
    }
}

/// What is signed: a pair that is missing is left out, and the last semicolon stays.
pub(super) fn manifest(id: &str, request_id: Option<&str>, stamp: &str) -> String {
    let request_id = request_id.map(|id| format!("request-id:{id};")).unwrap_or_default();
    format!("id:{id};{request_id}ts:{stamp};")
}

/// `ts=…,v1=…`: the time as it was written, the time itself, and the tag.
fn parts(signature: &str) -> Option<(&str, Timestamp, Vec<u8>)> {
    let (stamp, tag) = signature.strip_prefix("ts=")?.split_once(",v1=")?;
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let tag = Some(tag).filter(|tag| tag.len() == 64 && tag.bytes().all(is_hex))?;
    Some((stamp, time_of(stamp)?, hex::decode(tag).ok()?))
}

/// Milliseconds, as its pages say, or seconds, as its libraries read it: a
/// number of seconds has ten digits for the next two centuries, one of milliseconds thirteen.
fn time_of(stamp: &str) -> Option<Timestamp> {
    if !stamp.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: i64 = stamp.parse().ok()?;
    match stamp.len() {
        10 => Timestamp::from_unix_timestamp(number).ok(),
        13 => from_millis(number),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_stamp_is_in_seconds_or_milliseconds() {
        let at = time_of("1795000000").expect("seconds");
        assert_eq!(time_of("1795000000000"), Some(at));
        for text in ["", "179500000", "17950000000", "-179500000", "1795000000.0", "٠١٢٣٤٥٦٧٨٩"]
        {
            assert_eq!(time_of(text), None, "{text}");
        }
    }

    #[test]
    fn a_missing_pair_is_left_out_of_what_is_signed() {
        assert_eq!(manifest("7", Some("r"), "1"), "id:7;request-id:r;ts:1;");
        assert_eq!(manifest("7", None, "1"), "id:7;ts:1;");
    }
}
