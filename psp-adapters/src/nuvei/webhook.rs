//! Nuvei's notifications (DMNs): forms in a body or in a query, with a checksum that is no MAC; events of
//! its Control Panel are JSON, with theirs in a header.
//!
//! A payment's checksum is SHA-256 of the secret and six values *without anything between them*. Whoever
//! sees one (the payer's browser does) could move characters from one value to its neighbour under the
//! same checksum. So each value must have the one form that Nuvei writes, and those forms are such that
//! no text can be cut in two ways; see [`Payment::read`]. What the checksum does not cover is not told,
//! but for hints.
//!
//! A withdrawal's covers all its `name=value` pairs in their order, the secret last. The same goes for
//! `&` and `=` in a value, which are refused.

use super::Nuvei;
use crate::form::Form;
use crate::prelude::*;
use crate::signature::{Proof, same_digest};
use time::PrimitiveDateTime;
use time::macros::format_description;

const MALFORMED: WebhookRefusal = WebhookRefusal::Malformed("no notification of Nuvei's");

/// Compares a told checksum with ours under each live secret.
fn proven(nuvei: &Nuvei, told: &str, text: impl Fn(&str) -> String) -> Option<Proof> {
    nuvei.secrets.iter().find_map(|secret| {
        let ours = hex::encode(sha256(text(secret.expose_secret()).as_bytes()));
        same_digest(ours.as_bytes(), told.as_bytes())
    })
}

pub(super) fn verify(nuvei: &Nuvei, raw: &RawWebhook<'_>) -> Received {
    if raw.one_header("checksum").is_some() && raw.body.starts_with(b"{") {
        return panel_event(nuvei, raw);
    }
    let form = Form::received(raw, &nuvei.notify_url)?;
    let (event, decision, proof) = match form.get("advanceResponseChecksum") {
        Some(told) => {
            let (event, proof) = payment(nuvei, &form, told)?;
            (event, "", proof)
        }
        None => withdrawal(nuvei, &form)?,
    };
    let echo = Echo { method: decision.to_owned(), uuid: String::new() };
    Ok(Verified::new(WebhookBatch { echo, ..event.into() }, proof))
}

/// Whatever a withdrawal's question is answered with, and an empty body for all others.
pub(super) fn reply(batch: &WebhookBatch) -> WebhookReply {
    WebhookReply::ok(batch.echo.method.clone())
}

/// An event of Nuvei's Control Panel, such as a chargeback. How it is signed (the secret, then the body) and
/// what it calls its fields is known from a third party alone, and whether the deposit's own record shows it
/// is written nowhere: Nuvei is asked, and people hear in any case. To lengthen such a text under its
/// checksum takes bytes that are no UTF-8.
fn panel_event(nuvei: &Nuvei, raw: &RawWebhook<'_>) -> Received {
    raw.must_be_posted_to(&nuvei.notify_url)?;
    let told = raw.signature("checksum")?.to_ascii_lowercase();
    let text = std::str::from_utf8(raw.body).map_err(|_| MALFORMED)?;
    let proof = proven(nuvei, &told, |secret| format!("{secret}{text}")).ok_or(UNVERIFIED)?;
    let body = raw.json()?;
    let kind = body.str("EventType").unwrap_or("event").to_ascii_lowercase();
    let event = WebhookEvent {
        attempt: body.attempt("TransactionDetails/ClientUniqueId"),
        psp_reference: body.word("TransactionDetails/TransactionId"),
        hint_only: true,
        untold: Some(Untold::Unread),
        ..WebhookEvent::new(format!("panel {}", hex::encode(sha256(raw.body))), kind)
    };
    Ok(Verified::new(event.into(), proof))
}

/// Only what it asks about is a decision of ours.
pub(super) fn asks_leave_for(batch: &WebhookBatch) -> Option<AttemptRef> {
    let asked = batch.events.first().filter(|_| batch.echo.method == "Approve");
    asked.and_then(|event| event.attempt)
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

/// What a payment's checksum covers before its status and its items, in this order.
const COVERED: [&str; 4] = ["totalAmount", "currency", "responseTimeStamp", "PPP_TransactionID"];
/// What Nuvei's own plug-ins hash where no items are named.
const NO_PRODUCT: &str = "NA";
/// None of them begins another, so that `Status` ends in one way only.
const STATUSES: [&str; 5] = ["APPROVED", "DECLINED", "ERROR", "PENDING", "CANCELED"];
const TYPES: [&str; 8] =
    ["Sale", "Auth", "Settle", "Credit", "Void", "Chargeback", "Payout", "Modification"];

/// Any other type, steps at the card's issuer among them. It is not covered, so the type's own word does not
/// count: whoever saw one notification could make as many of it as there are words.
const OTHER: &str = "other";

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
        let status = status_of(form)?;
        // Without one our reference is not covered: it is a reason to ask.
        let product = form.get("productId").unwrap_or(NO_PRODUCT);
        let whole = super::wire::is_transaction_id(order) && STATUSES.contains(&status);
        whole.then_some(Self { money, at, order, status, product })
    }
}

/// Examples spell its name both ways.
fn status_of(form: &Form) -> Option<&str> {
    form.get("Status").or_else(|| form.get("status"))
}

fn payment(
    nuvei: &Nuvei,
    form: &Form,
    told: &str,
) -> Result<(WebhookEvent, Proof), WebhookRefusal> {
    let values = COVERED.map(|name| form.get(name).unwrap_or_default()).concat();
    let status = status_of(form).unwrap_or_default();
    let signed =
        |product: &str| proven(nuvei, told, |secret| format!("{secret}{values}{status}{product}"));
    let proof = match form.get("productId") {
        Some(product) => signed(product),
        None => signed("").or_else(|| signed(NO_PRODUCT)),
    };
    let proof = proof.ok_or(UNVERIFIED)?;
    let payment = Payment::read(form).ok_or(MALFORMED)?;
    let kind = form.get("transactionType").filter(|kind| TYPES.contains(kind)).unwrap_or(OTHER);
    Ok((payment_event(form, &payment, kind), proof))
}

/// What a payment's notification tells: of its own words only those that are covered. Its type is not,
/// so only a sale is taken at its word, and everything else is a reason to ask.
fn payment_event(form: &Form, payment: &Payment<'_>, kind: &str) -> WebhookEvent {
    let named = AttemptRef::parse(payment.product);
    let sale = kind == "Sale";
    let said = named.filter(|_| sale).and_then(|_| {
        Some(match payment.status {
            "APPROVED" => Status::Succeeded { money: payment.money },
            "PENDING" => Status::Pending,
            "DECLINED" | "CANCELED" => declined(payment.status),
            _ => return None,
        })
    });
    // A refund's product is the deposit's; its own reference is a hint, and so is a payout's.
    let hinted = form.get("clientUniqueId").and_then(AttemptRef::parse);
    let attempt = match kind {
        "Credit" => hinted,
        "Payout" => hinted.or(named),
        _ => named.or(hinted),
    };
    let subject = match kind {
        "Sale" | "Auth" | "Settle" | "Void" | "Chargeback" => Some(Subject::Deposit),
        "Payout" => Some(Subject::Payout),
        _ => None,
    };
    // What is told of a sale within its second is no repeat of it. Of what is not covered only this counts,
    // a word of a few: a notification that somebody saw makes so many questions and no more.
    let (amount, at) = (payment.money.to_string(), payment.at.unix_timestamp().to_string());
    let mut told = vec![&*amount, &at, payment.order, payment.status, payment.product];
    told.extend((!sale).then_some(kind));
    let word = if sale { payment.status } else { kind }.to_ascii_lowercase();
    let event_id = hex::encode(sha256(told.join(" ").as_bytes()));
    let event = WebhookEvent {
        attempt,
        psp_reference: named.map(AttemptRef::lower),
        subject,
        hint_only: said.is_none(),
        untold: (kind == "Chargeback").then_some(Untold::TakenBack),
        occurred_at: Some(payment.at),
        ..WebhookEvent::new(event_id, format!("payment_{word}"))
    }
    .saying(said);
    let order = Some(payment.order.to_owned());
    WebhookEvent { psp_reference: event.psp_reference.clone().or(order), ..event }
}

/// A refusal that is told later is no licence to pay elsewhere: it may have been accepted before.
fn declined(code: &str) -> Status {
    Status::declined(DeclineClass::PlayerFixable, code)
}

fn withdrawal(
    nuvei: &Nuvei,
    form: &Form,
) -> Result<(WebhookEvent, &'static str, Proof), WebhookRefusal> {
    let (pairs, told) = match form.pairs().split_last() {
        Some(((name, told), pairs)) if name == "checksum" => (pairs, told),
        _ => return Err(WebhookRefusal::Invalid("not signed")),
    };
    let written: Vec<String> =
        pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let signed = written.join("&");
    let proof = proven(nuvei, told, |secret| format!("{signed}{secret}")).ok_or(UNVERIFIED)?;
    if pairs.iter().any(|(name, value)| format!("{name}{value}").contains(['&', '='])) {
        return Err(MALFORMED);
    }
    let (event, decision) = withdrawal_event(nuvei, form).ok_or(MALFORMED)?;
    Ok((event, decision, proof))
}

fn withdrawal_event(nuvei: &Nuvei, form: &Form) -> Option<(WebhookEvent, &'static str)> {
    let ours = form.get("merchantId") == Some(&nuvei.merchant_id)
        && form.get("merchantSiteId") == Some(&nuvei.merchant_site_id);
    let currency: Currency = form.get("currency")?.parse().ok()?;
    let money = Money::parse(form.get("amount")?, currency).ok().filter(|_| ours)?;
    let attempt = form.get("merchantWDRequestId").and_then(AttemptRef::parse);
    let request = form.get("wdRequestId").filter(|id| super::wire::is_transaction_id(id))?;
    let (asked, order) = (form.get("wdRequestStatus")?, form.get("wdOrderStatus").unwrap_or(""));
    let status = match (asked, order) {
        (_, "Settled") => Some(Status::Succeeded { money }),
        (_, "Reversed") => Some(Status::Returned { money }),
        (
            "Pending" | "Approved" | "InProgress",
            "" | "Pending" | "Processing" | "Approved" | "InProgress",
        ) => Some(Status::Pending),
        // Nuvei's own pages and libraries spell it either way.
        ("Declined" | "Cancelled" | "Canceled", _) => Some(declined(asked)),
        // No page lists all pairs: what another means the inquiry tells.
        _ => None,
    };
    // Only what asks is decided, and only what we have asked for ourselves is approved: a withdrawal that
    // began elsewhere waits for people.
    let decision = match (asked, attempt) {
        ("Pending", Some(_)) => "Approve",
        ("Pending", None) => "Postpone",
        _ => "",
    };
    let id = form.get("TransactionID").filter(|id| super::wire::is_transaction_id(id));
    let word = if order.is_empty() { asked } else { order };
    let kind = format!("withdrawal_{}", word.to_ascii_lowercase());
    let event = WebhookEvent {
        attempt,
        psp_reference: id.map(str::to_owned),
        subject: Some(Subject::Payout),
        hint_only: status.is_none(),
        ..WebhookEvent::new(format!("withdrawal {request} {asked} {order}"), kind)
    };
    Some((event.saying(status), decision))
}

/// The traps of a checksum that is no MAC: a published vector, and every way to cut its text anew.
#[cfg(test)]
#[path = "webhook_tests.rs"]
mod tests;
