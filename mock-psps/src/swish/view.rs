//! Payments, payouts and refunds as Swish shows them, asked or unasked: a callback is the same object.

use serde_json::{Value, json};

use crate::book::{Kind, Movement, Status};
use crate::psp::{Notice, Outgoing, Twist};
use crate::{clock, ids, money};

/// The codes that a payment itself can end with.
const ENDINGS: [&str; 7] = ["ACMT01", "ACMT03", "ACMT07", "BANKIDCL", "FF10", "TM01", "DS24"];

/// `(status, errorCode)`.
fn state(m: &Movement) -> (&'static str, Option<&'static str>) {
    let code = m.code.as_deref().unwrap_or_default();
    let known = ENDINGS.into_iter().find(|known| *known == code);
    match (m.kind, m.status) {
        (_, Status::Pending) => ("CREATED", None),
        // Final at Swish, whatever happens between banks afterwards.
        (_, Status::Succeeded | Status::Returned | Status::ChargedBack) => ("PAID", None),
        (_, Status::Expired) => ("ERROR", Some("TM01")),
        (Kind::Deposit, Status::Cancelled) => ("CANCELLED", None),
        (Kind::Deposit, Status::Declined) if code.is_empty() => ("DECLINED", None),
        (_, Status::Declined | Status::Cancelled) => ("ERROR", Some(known.unwrap_or("RF07"))),
    }
}

/// The object, its amount still a text: JSON numbers with two decimals are made by [`text`].
pub(super) fn resource(m: &Movement) -> Value {
    let (status, code) = state(m);
    let mut view = json!({
        "paymentReference": m.settled_at.map(|_| m.text("paymentReference")),
        "callbackUrl": m.text("callbackUrl"),
        "payerAlias": Some(m.text("payerAlias")).filter(|alias| !alias.is_empty()),
        "payeeAlias": m.text("payeeAlias"),
        "amount": money::format(m.amount_minor, 2),
        "currency": m.currency,
        "message": m.text("message"),
        "status": status,
        "dateCreated": clock::millis(m.created_at),
        "datePaid": m.settled_at.map(clock::millis),
        "errorCode": code,
        "errorMessage": code.map(|code| format!("The payment ended with {code}.")),
    });
    let more: &[(&str, &str)] = match m.kind {
        Kind::Deposit => {
            &[("id", &m.reference), ("payeePaymentReference", m.text("payeePaymentReference"))]
        }
        Kind::Payout => &[
            ("payoutInstructionUUID", &m.reference),
            ("payerPaymentReference", m.text("payerPaymentReference")),
            ("payeeSSN", m.text("payeeSSN")),
            ("payoutType", "PAYOUT"),
        ],
        Kind::Refund => &[
            ("id", &m.reference),
            ("payerPaymentReference", m.text("payerPaymentReference")),
            ("originalPaymentReference", m.text("originalPaymentReference")),
        ],
    };
    for (name, value) in more {
        view[*name] = (*value).into();
    }
    view
}

/// The JSON text, the amount as the number with two decimals that Swish writes.
pub(super) fn text(view: &Value) -> String {
    let amount = view["amount"].as_str().unwrap_or("0.00");
    let told = format!("\"amount\":\"{amount}\"");
    view.to_string().replacen(&told, &format!("\"amount\":{amount}"), 1)
}

/// A callback; `state` where it is another than the present one.
pub(super) fn notice(m: &Movement, state: &'static str) -> Notice {
    let mut data = resource(m);
    if !state.is_empty() {
        data["status"] = state.into();
    }
    let event = match m.kind {
        Kind::Deposit => "paymentrequest",
        Kind::Payout => "payout",
        Kind::Refund => "refund",
    };
    let at = clock::trustly(m.changed_at);
    Notice {
        reference: m.reference.clone(),
        event: event.into(),
        id: ids::derived_uuid(&["event", &m.reference, state, &at]),
        url: m.text("callbackUrl").to_owned(),
        data,
    }
}

/// Nothing is signed and no time of sending is told; a forged callback claims a payment that never was.
pub(super) fn outgoing(notice: &Notice, twist: &Twist) -> Outgoing {
    let mut data = notice.data.clone();
    if twist.wrong_amount {
        let minor = data["amount"].as_str().and_then(|text| money::parse(text, 2)).unwrap_or(0);
        data["amount"] = money::format(minor.saturating_add(10_000), 2).into();
    }
    if twist.wrong_currency {
        data["currency"] = "NOK".into();
    }
    if twist.bad_signature {
        data["status"] = "PAID".into();
        data["paymentReference"] = super::upper_uuid().into();
    }
    Outgoing {
        url: notice.url.clone(),
        headers: vec![("content-type", "application/json".to_owned())],
        body: text(&data),
    }
}
