//! Paysafe's webhooks: a resource and the name of what happened to it, signed as a whole.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openssl::hash::MessageDigest;
use openssl::sign::Signer;
use serde_json::json;

use super::{Paysafe, view};
use crate::book::{Kind, Movement, Status};
use crate::psp::{Notice, Outgoing, Step, Twist};
use crate::{clock, ids};

pub(super) fn notices(paysafe: &Paysafe, m: &Movement, step: Step) -> Vec<Notice> {
    let event = match (m.kind, step.to) {
        (_, Status::Pending) => return Vec::new(),
        (Kind::Deposit, to) => deposit_event(m, to),
        (Kind::Payout, Status::Succeeded) => "SA_CREDIT_COMPLETED",
        (Kind::Payout, Status::Returned | Status::ChargedBack) => "SA_CREDIT_FAILED",
        (Kind::Payout, _) => "SA_CREDIT_ERRORED",
        (Kind::Refund, Status::Succeeded) => "REFUND_COMPLETED",
        (Kind::Refund, _) => "REFUND_FAILED",
    };
    vec![notice(paysafe, m, event)]
}

fn deposit_event(m: &Movement, to: Status) -> &'static str {
    let spent = !m.text("payment").is_empty();
    match to {
        Status::Succeeded => "PAYMENT_COMPLETED",
        Status::Returned | Status::ChargedBack => "PAYMENT_RETURNED_COMPLETED",
        Status::Expired if spent => "PAYMENT_EXPIRED",
        Status::Expired => "PAYMENT_HANDLE_EXPIRED",
        _ if spent => "PAYMENT_FAILED",
        _ => "PAYMENT_HANDLE_FAILED",
    }
}

/// The payer has been to the bank's page: the merchant's second call is due.
pub(super) fn payable(paysafe: &Paysafe, m: &Movement) -> Notice {
    notice(paysafe, m, "PAYMENT_HANDLE_PAYABLE")
}

pub(super) fn present(paysafe: &Paysafe, m: &Movement) -> Option<Notice> {
    if m.status == Status::Pending && m.wire["payable"] == true && m.text("payment").is_empty() {
        return Some(payable(paysafe, m));
    }
    notices(paysafe, m, Step { from: Status::Pending, to: m.status }).pop()
}

fn notice(paysafe: &Paysafe, m: &Movement, event: &'static str) -> Notice {
    let payload = match m.kind {
        Kind::Payout => view::credit(paysafe, m),
        Kind::Refund => view::refund(m),
        Kind::Deposit if event.starts_with("PAYMENT_HANDLE_") => view::handle(paysafe, m),
        Kind::Deposit => view::payment(paysafe, m),
    };
    let data = json!({
        "resourceId": payload["id"], "payload": payload, "eventType": event, "eventName": event,
        "attemptNumber": "1", "eventDate": clock::millis(m.changed_at), "mode": "live",
        "links": [],
    });
    Notice {
        reference: m.reference.clone(),
        event: event.into(),
        id: ids::derived_uuid(&["event", &m.reference, event, &clock::trustly(m.changed_at)]),
        url: paysafe.webhook_url.clone(),
        data,
    }
}

pub(super) fn sign(paysafe: &Paysafe, notice: &Notice, twist: &Twist) -> Outgoing {
    let mut data = notice.data.clone();
    let payload = &mut data["payload"];
    if let (true, Some(minor)) = (twist.wrong_amount, payload["amount"].as_i64()) {
        payload["amount"] = minor.saturating_add(100).into();
    }
    if twist.wrong_currency {
        let other = if payload["currencyCode"] == "USD" { "EUR" } else { "USD" };
        payload["currencyCode"] = other.into();
    }
    let body = data.to_string();
    let forged = if twist.bad_signature { "forged" } else { "" };
    let tag = mac(paysafe, format!("{body}{forged}").as_bytes()).unwrap_or_default();
    Outgoing {
        url: notice.url.clone(),
        headers: vec![
            ("content-type", "application/json".to_owned()),
            ("signature", STANDARD.encode(tag)),
        ],
        body,
    }
}

fn mac(paysafe: &Paysafe, bytes: &[u8]) -> Option<Vec<u8>> {
    let mut signer = Signer::new(MessageDigest::sha256(), &paysafe.webhook_key).ok()?;
    signer.sign_oneshot_to_vec(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spent_handle_fails_as_a_payment() {
        let now = clock::now();
        let mut m = Movement {
            reference: "r".to_owned(),
            client_reference: "c".to_owned(),
            kind: Kind::Deposit,
            amount_minor: 1,
            currency: "CAD".to_owned(),
            status: Status::Pending,
            created_at: now,
            changed_at: now,
            settled_at: None,
            code: None,
            payer: None,
            wire: json!({ "payment": "" }),
        };
        assert_eq!(deposit_event(&m, Status::Expired), "PAYMENT_HANDLE_EXPIRED");
        m.wire = json!({ "payment": "p" });
        assert_eq!(deposit_event(&m, Status::Expired), "PAYMENT_EXPIRED");
        assert_eq!(deposit_event(&m, Status::Declined), "PAYMENT_FAILED");
    }
}
