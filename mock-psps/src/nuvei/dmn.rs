//! Direct merchant notifications: forms whose checksum is an unkeyed hash with the secret in it.
//!
//! A payment's covers six fields (the secret first) and the merchant's own id is none of them; a
//! withdrawal's covers all its `name=value` pairs (the secret last). Both are repeated as they are,
//! without a time of sending. An event of the Control Panel is JSON, and its checksum a header.

use openssl::sha::sha256;
use serde_json::{Value, json};
use time::macros::format_description;
use url::form_urlencoded;

use super::Nuvei;
use super::payments::amount;
use crate::book::{Kind, Movement, Status};
use crate::money;
use crate::psp::{Notice, Outgoing, Step, Twist};
use crate::{clock, ids};

const SIGNED: [&str; 6] =
    ["totalAmount", "currency", "responseTimeStamp", "PPP_TransactionID", "Status", "productId"];
const DECISIONS: [&str; 3] = ["Approve", "Declined", "Postpone"];

pub(super) fn notices(nuvei: &Nuvei, m: &Movement, step: Step) -> Vec<Notice> {
    if step.to == Status::Pending {
        return Vec::new();
    }
    let charged_back = m.kind == Kind::Deposit && m.status == Status::ChargedBack;
    match m.kind {
        Kind::Payout if nuvei.tells_payouts_twice => vec![payment(m), withdrawal(nuvei, m, false)],
        Kind::Payout => vec![withdrawal(nuvei, m, false)],
        _ if charged_back && nuvei.tells_panel_events => vec![panel_event(m), payment(m)],
        Kind::Deposit | Kind::Refund => vec![payment(m)],
    }
}

/// A chargeback, with the fields that third parties read of it.
fn panel_event(m: &Movement) -> Notice {
    let data = json!({
        "EventType": "Chargeback",
        "Chargeback": {
            "Type": "Chargeback", "ReportedAmount": amount(m), "ReportedCurrency": m.currency,
            "DisputeId": ids::derived_digits(&["dispute", &m.reference], 8),
            "DisputeUnifiedStatusCode": "FC",
        },
        "TransactionDetails": {
            "TransactionId": m.reference, "ClientUniqueId": m.text("unique_id"),
        },
    });
    notice(m, "panel", data)
}

/// A payment that is under way has a status of its own; a withdrawal has none.
pub(super) fn present(nuvei: &Nuvei, m: &Movement) -> Option<Notice> {
    if m.status == Status::Pending && m.kind == Kind::Deposit {
        return Some(payment(m));
    }
    notices(nuvei, m, Step { from: Status::Pending, to: m.status }).pop()
}

/// Asks the merchant whether a withdrawal may go on.
pub(super) fn question(nuvei: &Nuvei, m: &Movement) -> Notice {
    withdrawal(nuvei, m, true)
}

fn payment(m: &Movement) -> Notice {
    let status = match m.status {
        Status::Succeeded | Status::ChargedBack | Status::Returned => "APPROVED",
        Status::Pending => "PENDING",
        Status::Declined | Status::Expired | Status::Cancelled => "DECLINED",
    };
    let (event, kind) = match (m.kind, m.status) {
        (Kind::Refund, _) => ("payment", "Credit"),
        (Kind::Payout, _) => ("payment", "Payout"),
        (_, Status::ChargedBack) => ("payment", "Chargeback"),
        (Kind::Deposit, Status::Returned) => ("payment", "Void"),
        _ => ("payment", "Sale"),
    };
    let format = format_description!("[year]-[month]-[day].[hour]:[minute]:[second]");
    let at = m.changed_at.format(format).unwrap_or_default();
    let ((first, last), product) = (names(m), m.text("product"));
    let order = if m.kind == Kind::Payout { m.text("request") } else { m.text("order") };
    let pairs = json!([
        ["ppp_status", if status == "APPROVED" { "OK" } else { "FAIL" }],
        ["Status", status],
        ["totalAmount", amount(m)],
        ["currency", m.currency],
        ["responseTimeStamp", at],
        ["PPP_TransactionID", order],
        ["TransactionID", m.reference],
        ["relatedTransactionId", m.text("related")],
        // The names of the items, where there are any.
        ["productId", if product.is_empty() { "NA" } else { product }],
        ["merchant_unique_id", m.text("unique_id")],
        ["clientUniqueId", m.text("unique_id")],
        ["clientRequestId", m.text("request_id")],
        ["transactionType", kind],
        ["type", "DEPOSIT"],
        ["userPaymentOptionId", m.text("option")],
        ["user_token_id", m.text("user")],
        ["email", m.text("email")],
        ["first_name", first],
        ["last_name", last],
        ["ErrCode", "0"],
        ["Reason", m.code],
    ]);
    notice(m, event, pairs)
}

fn withdrawal(nuvei: &Nuvei, m: &Movement, asks: bool) -> Notice {
    let (request, order) = match m.status {
        _ if asks => ("Pending", "Pending"),
        Status::Pending => ("Pending", "Pending"),
        Status::Succeeded => ("Approved", "Settled"),
        Status::Returned | Status::ChargedBack => ("Approved", "Reversed"),
        Status::Cancelled => ("Cancelled", "Cancelled"),
        Status::Declined | Status::Expired => ("Declined", "Declined"),
    };
    let pairs = json!([
        ["merchantId", nuvei.merchant_id],
        ["merchantSiteId", nuvei.merchant_site_id],
        ["userTokenId", m.text("user")],
        ["wdRequestId", m.text("request")],
        ["merchantWDRequestId", m.text("unique_id")],
        ["wdRequestStatus", request],
        ["wdOrderStatus", order],
        ["TransactionID", m.reference],
        ["amount", amount(m)],
        ["currency", m.currency],
        ["reason", m.code],
    ]);
    notice(m, if asks { "withdrawal_question" } else { "withdrawal" }, pairs)
}

fn names(m: &Movement) -> (String, String) {
    let name = m.payer.as_ref().map(|payer| payer.name.as_str()).unwrap_or_default();
    let (first, last) = name.rsplit_once(' ').unwrap_or((name, ""));
    (first.to_owned(), last.to_owned())
}

fn notice(m: &Movement, event: &'static str, pairs: Value) -> Notice {
    let at = clock::trustly(m.changed_at);
    Notice {
        reference: m.reference.clone(),
        event: event.into(),
        // Nuvei's notifications have no id; this one is for the courier alone.
        id: ids::derived_uuid(&["dmn", event, &m.reference, m.status.as_str(), &at]),
        url: m.text("notify").to_owned(),
        data: pairs,
    }
}

fn sign_panel_event(nuvei: &Nuvei, notice: &Notice, twist: &Twist) -> Outgoing {
    let body = notice.data.to_string();
    let forged = if twist.bad_signature { "forged" } else { "" };
    let checksum = hex::encode(sha256(format!("{}{body}{forged}", nuvei.secret).as_bytes()));
    let headers = vec![("content-type", "application/json".to_owned()), ("checksum", checksum)];
    Outgoing { url: notice.url.clone(), headers, body }
}

pub(super) fn sign(nuvei: &Nuvei, notice: &Notice, twist: &Twist) -> Outgoing {
    if notice.event == "panel" {
        return sign_panel_event(nuvei, notice, twist);
    }
    let mut pairs: Vec<(String, String)> = notice.data.as_array().map_or_else(Vec::new, |pairs| {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        pairs.iter().map(|pair| (text(&pair[0]), text(&pair[1]))).collect()
    });
    for (name, value) in &mut pairs {
        match name.as_str() {
            "totalAmount" | "amount" if twist.wrong_amount => *value = one_more(value),
            "currency" if twist.wrong_currency => {
                *value = if value == "USD" { "EUR" } else { "USD" }.to_owned();
            }
            _ => {}
        }
    }
    let payment = notice.event == "payment";
    let signed = if payment {
        let value = |name: &str| {
            let found = pairs.iter().find(|(it, _)| it == name);
            found.map_or("", |(_, value)| value.as_str())
        };
        format!("{}{}", nuvei.secret, SIGNED.map(value).concat())
    } else {
        let all: Vec<String> =
            pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
        format!("{}{}", all.join("&"), nuvei.secret)
    };
    let forged = if twist.bad_signature { "forged" } else { "" };
    let checksum = hex::encode(sha256(format!("{signed}{forged}").as_bytes()));
    let name = if payment { "advanceResponseChecksum" } else { "checksum" };
    pairs.push((name.to_owned(), checksum));
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
    Outgoing {
        url: notice.url.clone(),
        headers: vec![("content-type", "application/x-www-form-urlencoded".to_owned())],
        body,
    }
}

fn one_more(amount: &str) -> String {
    money::parse(amount, 2).map_or_else(String::new, |minor| money::format(minor + 100, 2))
}

/// Whether a sent notification is a question.
pub(super) fn wants_a_decision(body: &str) -> bool {
    let mut pairs = form_urlencoded::parse(body.as_bytes());
    pairs.any(|(name, value)| name == "wdRequestStatus" && value == "Pending")
}

pub(super) fn is_decision(body: &[u8]) -> bool {
    DECISIONS.iter().any(|word| body == word.as_bytes())
}
