//! Resources as TrueLayer's GET shows them.

use serde_json::{Map, Value, json};

use super::TrueLayer;
use super::api::stamp;
use crate::book::{Movement, Status};

/// Why a payment failed, in TrueLayer's words.
pub(super) fn payment_failure(m: &Movement) -> String {
    m.code.clone().unwrap_or_else(|| {
        let word = match m.status {
            Status::Expired => "expired",
            Status::Cancelled => "canceled",
            _ => "authorization_failed",
        };
        word.to_owned()
    })
}

/// Why a payout or a refund failed, in TrueLayer's words.
pub(super) fn payout_failure(m: &Movement) -> String {
    let word = if m.status == Status::Returned { "returned" } else { "scheme_error" };
    m.code.clone().unwrap_or_else(|| word.to_owned())
}

pub(super) fn payment(truelayer: &TrueLayer, m: &Movement) -> Value {
    let status = match m.status {
        Status::Pending if m.wire["visited"] == true => "authorizing",
        Status::Pending => "authorization_required",
        Status::Succeeded | Status::Returned | Status::ChargedBack => "settled",
        Status::Declined | Status::Expired | Status::Cancelled => "failed",
    };
    let mut view = json!({
        "id": m.reference,
        "amount_in_minor": m.amount_minor,
        "currency": m.currency,
        "user": { "id": m.text("user_id") },
        "payment_method": m.wire["payment_method"],
        "metadata": m.wire["metadata"],
        "created_at": stamp(Some(m.created_at)),
        "status": status,
    });
    let Value::Object(fields) = &mut view else {
        return view;
    };
    match status {
        "settled" => {
            for name in ["authorized_at", "executed_at", "settled_at", "creditable_at"] {
                fields.insert(name.to_owned(), stamp(m.settled_at));
            }
            fields.insert("payment_source".to_owned(), source(m));
            fields.insert("scheme_id".to_owned(), truelayer.scheme().into());
            let taken_back = matches!(m.status, Status::Returned | Status::ChargedBack);
            // The webhook tells the same in either case.
            if taken_back && m.code.as_deref() != Some(super::NOT_SHOWN) {
                fields.insert("reversed_at".to_owned(), stamp(Some(m.changed_at)));
            }
        }
        "failed" => {
            fields.insert("failed_at".to_owned(), stamp(Some(m.changed_at)));
            fields.insert("failure_reason".to_owned(), payment_failure(m).into());
            fields.insert("failure_stage".to_owned(), "authorizing".into());
        }
        _ => {}
    }
    view
}

/// The payer's account, without the user, who has a field of his own.
pub(super) fn source(m: &Movement) -> Value {
    let mut source = m.wire["payment_source"].clone();
    if let Value::Object(fields) = &mut source {
        fields.remove("user_id");
    }
    source
}

pub(super) fn payout(truelayer: &TrueLayer, m: &Movement) -> Value {
    let mut view = json!({
        "id": m.reference,
        "merchant_account_id": truelayer.merchant_account_id,
        "amount_in_minor": m.amount_minor,
        "currency": m.currency,
        "beneficiary": m.wire["beneficiary"],
        "metadata": m.wire["metadata"],
        "scheme_id": truelayer.scheme(),
    });
    progress(m, &mut view);
    view
}

pub(super) fn refund(m: &Movement) -> Value {
    let mut view = json!({
        "id": m.reference,
        "amount_in_minor": m.amount_minor,
        "currency": m.currency,
        "reference": m.text("reference"),
        "metadata": m.wire["metadata"],
    });
    progress(m, &mut view);
    view
}

/// The fields that money on its way out shares.
fn progress(m: &Movement, view: &mut Value) {
    let Value::Object(fields) = view else { return };
    let status = match m.status {
        Status::Pending => "authorized",
        Status::Succeeded => "executed",
        Status::Declined
        | Status::Expired
        | Status::Cancelled
        | Status::Returned
        | Status::ChargedBack => "failed",
    };
    fields.insert("status".to_owned(), status.into());
    fields.insert("created_at".to_owned(), stamp(Some(m.created_at)));
    outcome(m, fields);
}

/// When and why, for what is over; shared with the webhooks.
pub(super) fn outcome(m: &Movement, fields: &mut Map<String, Value>) {
    if m.settled_at.is_some() {
        fields.insert("executed_at".to_owned(), stamp(m.settled_at));
    }
    match m.status {
        Status::Pending | Status::Succeeded => {}
        Status::Declined | Status::Expired | Status::Cancelled => {
            fields.insert("failed_at".to_owned(), stamp(Some(m.changed_at)));
            fields.insert("failure_reason".to_owned(), payout_failure(m).into());
        }
        Status::Returned | Status::ChargedBack => {
            fields.insert("failed_at".to_owned(), stamp(Some(m.changed_at)));
            fields.insert("returned_at".to_owned(), stamp(Some(m.changed_at)));
            fields.insert("failure_reason".to_owned(), payout_failure(m).into());
        }
    }
}
