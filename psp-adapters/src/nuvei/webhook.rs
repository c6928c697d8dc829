//! Nuvei's notifications (DMNs): forms in a body or in a query, with a checksum that is no MAC.
//!
//! A payment's checksum is SHA-256 of the secret and six values *without anything between them*. Whoever
//! sees one (the payer's browser does) could move characters from one value to its neighbour under the
//! same checksum. So each value must have the one form that Nuvei writes, and those forms are such that
//! no text can be cut in two ways; see [`Payment::read`]. What the checksum does not cover is not told,
//! but for hints.
//!
//! A withdrawal's covers all its `name=value` pairs in their order, the secret last. The same goes for
//! `&` and `=` in a value, which are refused.

use super::Inner;
use crate::signature::{Proof, same_digest, sha256};
use crate::webhook::{
    Echo, RawWebhook, Verified, WebhookBatch, WebhookEvent, WebhookRefusal, WebhookReply,
};
use psp_contract::{
    AttemptRef, Currency, Decline, DeclineClass, Money, Report, Status, Subject, Timestamp,
};
use secrecy::ExposeSecret;
use time::PrimitiveDateTime;
use time::macros::format_description;
use url::form_urlencoded;

const FIELDS_MAX: usize = 120;
const MALFORMED: WebhookRefusal = WebhookRefusal::Malformed("no notification of Nuvei's");

/// A form, each name once.
struct Form(Vec<(String, String)>);

impl Form {
    fn parse(raw: &RawWebhook<'_>, notify_url: &str) -> Result<Self, WebhookRefusal> {
        let (path, query) = match raw.path_and_query.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (raw.path_and_query, None),
        };
        // Nuvei does not sign the path. A proxy may have taken a prefix off it, and nothing else.
        if !notify_url.ends_with(path) {
            return Err(WebhookRefusal::Malformed("not the address that Nuvei was given"));
        }
        let bytes = match (raw.method, query) {
            ("POST", None) => raw.body,
            ("GET", Some(query)) if raw.body.is_empty() => query.as_bytes(),
            _ => return Err(WebhookRefusal::Malformed("neither a form nor a query")),
        };
        // A lossy decoding would let different bytes count as the same value.
        let text = std::str::from_utf8(bytes).map_err(|_| MALFORMED)?;
        let mut pairs: Vec<(String, String)> = Vec::new();
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
            let twice = pairs.iter().any(|(known, _)| *known == name);
            let unclean = |text: &str| text.contains(['\u{fffd}', '\0']);
            if twice || pairs.len() == FIELDS_MAX || unclean(&name) || unclean(&value) {
                return Err(MALFORMED);
            }
            pairs.push((name.into_owned(), value.into_owned()));
        }
        Ok(Self(pairs))
    }

    fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// Compares a told checksum with ours under each live secret.
fn proven(inner: &Inner, told: &str, text: impl Fn(&str) -> String) -> Option<Proof> {
    inner.secrets.iter().find_map(|secret| {
        let ours = hex::encode(sha256(text(secret.expose_secret()).as_bytes()));
        same_digest(ours.as_bytes(), told.as_bytes())
    })
}

pub(super) fn verify(
    inner: &Inner,
    raw: &RawWebhook<'_>,
) -> Result<Verified<WebhookBatch>, WebhookRefusal> {
    let form = Form::parse(raw, &inner.notify_url)?;
    let (event, decision, proof) = match form.get("advanceResponseChecksum") {
        Some(told) => {
            let (event, proof) = payment(inner, &form, told)?;
            (event, "", proof)
        }
        None => withdrawal(inner, &form)?,
    };
    let echo = Echo { method: decision.to_owned(), uuid: String::new() };
    Ok(Verified::new(WebhookBatch { events: vec![event], fresh: false, echo }, proof))
}

/// Whatever a withdrawal's question is answered with, and an empty body for all others.
pub(super) fn reply(batch: &WebhookBatch) -> WebhookReply {
    let body = batch.echo.method.clone().into_bytes();
    WebhookReply { status: 200, content_type: "text/plain", body }
}

/// The values of a payment's notification that its checksum covers.
struct Payment<'a> {
    money: Money,
    at: Timestamp,
    /// Nuvei's id of the order.
    order: &'a str,
    status: &'a str,
    product: &'a str,
}

/// None of them begins another, so that `Status` ends in one way only.
const STATUSES: [&str; 5] = ["APPROVED", "DECLINED", "ERROR", "PENDING", "CANCELED"];
const TYPES: [&str; 8] =
    ["Sale", "Auth", "Settle", "Credit", "Void", "Chargeback", "Payout", "Modification"];

impl<'a> Payment<'a> {
    /// Digits and at most one point, three capital letters, nineteen characters of time, digits, one
    /// of a few words, and the rest: of neighbours, one ends where the other cannot begin.
    fn read(form: &'a Form) -> Option<Self> {
        let currency: Currency = form.get("currency")?.parse().ok()?;
        let money = Money::parse(form.get("totalAmount")?, currency).ok()?;
        let format = format_description!("[year]-[month]-[day].[hour]:[minute]:[second]");
        let stamp = form.get("responseTimeStamp").filter(|stamp| stamp.len() == 19)?;
        let at = PrimitiveDateTime::parse(stamp, format).ok()?.assume_utc();
        let order = form.get("PPP_TransactionID")?;
        let status = form.get("Status")?;
        let product = form.get("productId")?;
        let whole = super::wire::is_transaction_id(order) && STATUSES.contains(&status);
        whole.then_some(Self { money, at, order, status, product })
    }
}

fn payment(
    inner: &Inner,
    form: &Form,
    told: &str,
) -> Result<(WebhookEvent, Proof), WebhookRefusal> {
    let value = |name| form.get(name).unwrap_or_default();
    let proof = proven(inner, told, |secret| {
        [
            secret,
            value("totalAmount"),
            value("currency"),
            value("responseTimeStamp"),
            value("PPP_TransactionID"),
            value("Status"),
            value("productId"),
        ]
        .concat()
    })
    .ok_or(WebhookRefusal::Invalid("the checksum does not verify"))?;
    let payment = Payment::read(form).ok_or(MALFORMED)?;
    let kind = form.get("transactionType").filter(|kind| TYPES.contains(kind)).ok_or(MALFORMED)?;
    Ok((payment_event(form, &payment, kind), proof))
}

/// What a payment's notification tells: of its own words only those that are covered. Its type is not,
/// so only a sale is taken at its word, and everything else is a reason to ask.
fn payment_event(form: &Form, payment: &Payment<'_>, kind: &str) -> WebhookEvent {
    let named = AttemptRef::parse(payment.product);
    let sale = kind == "Sale";
    let psp_reference = named.map(AttemptRef::lower);
    let report = named.filter(|_| sale).and_then(|_| {
        let status = match payment.status {
            "APPROVED" => Status::Succeeded { money: payment.money },
            "PENDING" => Status::Pending,
            "DECLINED" | "CANCELED" => Status::Declined(declined(payment.status)),
            _ => return None,
        };
        Some(Report { psp_reference: psp_reference.clone(), status, payer: None, attempt: None })
    });
    // A refund's product is the deposit's; its own reference is a hint.
    let hinted = form.get("clientUniqueId").and_then(AttemptRef::parse);
    let attempt = if kind == "Credit" { hinted } else { named.or(hinted) };
    let covered = [
        &*payment.money.to_string(),
        &payment.at.unix_timestamp().to_string(),
        payment.order,
        payment.status,
        payment.product,
    ]
    .join(" ");
    WebhookEvent {
        event_id: hex::encode(sha256(covered.as_bytes())),
        kind: match sale {
            true => format!("payment_{}", payment.status.to_ascii_lowercase()),
            false => format!("payment_{}", kind.to_ascii_lowercase()),
        },
        attempt,
        psp_reference: psp_reference.or_else(|| Some(payment.order.to_owned())),
        subject: (kind != "Credit").then_some(Subject::Deposit),
        hint_only: report.is_none(),
        report,
        if_deposit: None,
        payin: None,
        occurred_at: Some(payment.at),
    }
}

/// A refusal that is told later is no licence to pay elsewhere: it may have been accepted before.
fn declined(code: &str) -> Decline {
    Decline {
        class: DeclineClass::PlayerFixable,
        code: code.to_owned(),
        retry_elsewhere: true,
        irreversible: false,
    }
}

fn withdrawal(
    inner: &Inner,
    form: &Form,
) -> Result<(WebhookEvent, &'static str, Proof), WebhookRefusal> {
    let Some((("checksum", told), pairs)) =
        form.0.split_last().map(|((name, value), pairs)| ((name.as_str(), value), pairs))
    else {
        return Err(WebhookRefusal::Invalid("not signed"));
    };
    let written: Vec<String> =
        pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let proof = proven(inner, told, |secret| format!("{}{secret}", written.join("&")))
        .ok_or(WebhookRefusal::Invalid("the checksum does not verify"))?;
    if pairs.iter().any(|(name, value)| format!("{name}{value}").contains(['&', '='])) {
        return Err(MALFORMED);
    }
    let (event, decision) = withdrawal_event(inner, form).ok_or(MALFORMED)?;
    Ok((event, decision, proof))
}

fn withdrawal_event(inner: &Inner, form: &Form) -> Option<(WebhookEvent, &'static str)> {
    let ours = form.get("merchantId") == Some(&inner.merchant_id)
        && form.get("merchantSiteId") == Some(&inner.merchant_site_id);
    let currency: Currency = form.get("currency")?.parse().ok()?;
    let money = Money::parse(form.get("amount")?, currency).ok().filter(|_| ours)?;
    let attempt = form.get("merchantWDRequestId").and_then(AttemptRef::parse);
    let request = form.get("wdRequestId").filter(|id| super::wire::is_transaction_id(id))?;
    let (asked, order) = (form.get("wdRequestStatus")?, form.get("wdOrderStatus").unwrap_or(""));
    let status = match (asked, order) {
        (_, "Settled") => Status::Succeeded { money },
        (_, "Reversed") => Status::Returned { money },
        ("Pending" | "Approved", "" | "Pending" | "Processing" | "Approved") => Status::Pending,
        ("Declined" | "Cancelled", _) => Status::Declined(declined(asked)),
        _ => return None,
    };
    // Only what asks is decided, and only what we have asked for ourselves is approved: a withdrawal that
    // began elsewhere waits for people.
    let decision = match (asked, attempt) {
        ("Pending", Some(_)) => "Approve",
        ("Pending", None) => "Postpone",
        _ => "",
    };
    let id = form.get("TransactionID").filter(|id| super::wire::is_transaction_id(id));
    let psp_reference = id.map(str::to_owned);
    let word = if order.is_empty() { asked } else { order };
    let event = WebhookEvent {
        event_id: format!("withdrawal {request} {asked} {order}"),
        kind: format!("withdrawal_{}", word.to_ascii_lowercase()),
        attempt,
        psp_reference: psp_reference.clone(),
        subject: Some(Subject::Payout),
        report: Some(Report { psp_reference, status, payer: None, attempt: None }),
        if_deposit: None,
        payin: None,
        occurred_at: None,
        hint_only: false,
    };
    Some((event, decision))
}

#[cfg(test)]
#[path = "webhook_tests.rs"]
mod tests;
