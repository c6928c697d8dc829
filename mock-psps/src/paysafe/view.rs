//! Resources as Paysafe shows them, in answers and in webhooks alike.

use serde_json::{Value, json};

use super::{HANDLE_LIFE, Paysafe};
use crate::book::{Movement, Status};
use crate::clock;
use crate::psp::Dialect as _;

/// Where a payment type's own fields are.
pub(super) fn instrument_key(paysafe: &Paysafe) -> &'static str {
    match paysafe.payment_type.as_str() {
        "SKRILL" => "skrill",
        "NETELLER" => "neteller",
        _ => "interacEtransfer",
    }
}

fn shared(paysafe: &Paysafe, m: &Movement, id: &str, kind: &str, status: &str) -> Value {
    let mut view = json!({
        "id": id, "accountId": paysafe.account_id, "merchantRefNum": m.text("ref"),
        "paymentHandleToken": m.text("token"), "transactionType": kind,
        "paymentType": paysafe.payment_type, "amount": m.amount_minor,
        "currencyCode": m.currency, "status": status,
        "txnTime": clock::seconds(m.created_at), "statusTime": clock::seconds(m.changed_at),
        "updatedTime": clock::seconds(m.changed_at),
    });
    if paysafe.takes_cards() {
        view["paymentHandleTokenFrom"] = m.text("whose").into();
        view["card"] = json!({
            "cardType": "VI", "lastDigits": "1111", "cardCategory": category(m.text("whose")),
        });
    } else {
        view[instrument_key(paysafe)] = json!({ "consumerId": m.text("whose"), "type": "EMAIL" });
    }
    if let Some(code) = &m.code {
        view["error"] = json!({ "code": code, "message": "The transaction failed." });
    }
    view
}

/// The stored card's token decides whose money it spends.
fn category(token: &str) -> &'static str {
    if token.starts_with("CREDIT") {
        "CREDIT"
    } else if token.starts_with("PREPAID") {
        "PREPAID"
    } else {
        "DEBIT"
    }
}

pub(super) fn handle(paysafe: &Paysafe, m: &Movement) -> Value {
    let status = match m.status {
        _ if !m.text("payment").is_empty() => "COMPLETED",
        Status::Pending if paysafe.has_run_out(m) => "EXPIRED",
        Status::Pending if m.wire["payable"] == true => "PAYABLE",
        Status::Pending => "INITIATED",
        Status::Expired => "EXPIRED",
        _ => "FAILED",
    };
    let mut view = shared(paysafe, m, &m.reference, "PAYMENT", status);
    view["usage"] = "SINGLE_USE".into();
    view["timeToLiveSeconds"] = HANDLE_LIFE.whole_seconds().into();
    if paysafe.takes_cards() && !m.text("whose").starts_with("CHALLENGE") {
        view["action"] = "NONE".into();
        return view;
    }
    view["action"] = "REDIRECT".into();
    let href = format!("{}/redirect/{}", paysafe.base_url, m.reference);
    view["links"] = json!([{ "rel": "redirect_payment", "href": href }]);
    view
}

pub(super) fn payment(paysafe: &Paysafe, m: &Movement) -> Value {
    let status = match m.status {
        Status::Pending => "PENDING",
        Status::Succeeded => "COMPLETED",
        Status::Declined => "FAILED",
        Status::Expired => "EXPIRED",
        Status::Cancelled => "CANCELLED",
        Status::Returned | Status::ChargedBack => "RETURNED",
    };
    let mut view = shared(paysafe, m, m.text("payment"), "PAYMENT", status);
    view["settleWithAuth"] = true.into();
    view["availableToSettle"] = 0.into();
    view
}

pub(super) fn settlement(m: &Movement) -> Value {
    json!({
        "id": m.text("settlement"), "merchantRefNum": m.text("ref"), "amount": m.amount_minor,
        "availableToRefund": m.amount_minor, "status": "COMPLETED",
        "txnTime": clock::seconds(m.changed_at),
    })
}

pub(super) fn refund(m: &Movement) -> Value {
    let status = match m.status {
        Status::Pending => "PENDING",
        Status::Succeeded => "COMPLETED",
        Status::Cancelled => "CANCELLED",
        _ => "FAILED",
    };
    json!({
        "id": m.reference, "merchantRefNum": m.text("ref"), "amount": m.amount_minor,
        "currencyCode": m.currency, "status": status, "txnTime": clock::seconds(m.created_at),
    })
}

/// A credit that fails before it was made is an error; one that fails afterwards has come back.
pub(super) fn credit(paysafe: &Paysafe, m: &Movement) -> Value {
    let status = match m.status {
        Status::Pending => "PENDING",
        Status::Succeeded => "COMPLETED",
        Status::Declined | Status::Expired | Status::Cancelled => "ERROR",
        Status::Returned | Status::ChargedBack => "FAILED",
    };
    shared(paysafe, m, &m.reference, "STANDALONE_CREDIT", status)
}
