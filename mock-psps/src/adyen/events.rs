//! Adyen's webhooks: standard ones with a signature over eight fields inside of each item, and those of
//! the balance platform with a signature over the whole body in a header.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sign::Signer;
use serde_json::{Value, json};

use super::{Adyen, transfers};
use crate::book::{Kind, Movement, Status};
use crate::psp::{Notice, Outgoing, Step, Twist};
use crate::{clock, ids};

const TRANSFER: &str = "balancePlatform.transfer.updated";

pub(super) fn notices(adyen: &Adyen, m: &Movement, step: Step) -> Vec<Notice> {
    if m.kind == Kind::Payout {
        return vec![transfer(adyen, m)];
    }
    let told = match (m.kind, step.to) {
        (Kind::Deposit, Status::Succeeded) if step.from == Status::ChargedBack => {
            Some(("CHARGEBACK_REVERSED", true))
        }
        (Kind::Deposit, Status::Succeeded) => Some(("AUTHORISATION", true)),
        (Kind::Deposit, Status::Declined) => Some(("AUTHORISATION", false)),
        (Kind::Deposit, Status::Expired) => Some(("OFFER_CLOSED", true)),
        (Kind::Deposit, Status::Returned) => Some(("CAPTURE_FAILED", true)),
        (Kind::Deposit, Status::ChargedBack) => Some(("CHARGEBACK", true)),
        (Kind::Refund, Status::Succeeded) => Some(("REFUND", true)),
        (Kind::Refund, Status::Declined) => Some(("REFUND", false)),
        (Kind::Refund, Status::Returned | Status::ChargedBack) => Some(("REFUND_FAILED", true)),
        // The merchant knows what it cancelled itself.
        _ => None,
    };
    told.map(|(event, success)| standard(adyen, m, event, success)).into_iter().collect()
}

pub(super) fn present(adyen: &Adyen, m: &Movement) -> Option<Notice> {
    if m.status == Status::Pending {
        return None;
    }
    let from = if m.wire["won"] == true { Status::ChargedBack } else { Status::Pending };
    notices(adyen, m, Step { from, to: m.status }).pop()
}

/// One item of `notificationItems`.
fn standard(adyen: &Adyen, m: &Movement, event: &'static str, success: bool) -> Notice {
    // What happens to a payment afterwards has an id of its own.
    let own = |word: &str| {
        let id = ids::derived_uuid(&[word, &m.reference]).replace('-', "").to_uppercase();
        id[..16].to_owned()
    };
    let (psp_reference, original) = match (m.kind, event) {
        (Kind::Deposit, "AUTHORISATION" | "OFFER_CLOSED") => (m.reference.clone(), None),
        (Kind::Deposit, _) => (own(event), Some(m.reference.clone())),
        (_, _) => (m.reference.clone(), Some(m.text("original").to_owned())),
    };
    let mut item = json!({
        "additionalData": { "cardSummary": "1111", "expiryDate": "03/2030" },
        "amount": { "currency": m.currency, "value": m.amount_minor },
        "eventCode": event, "eventDate": clock::seconds(m.changed_at),
        "merchantAccountCode": adyen.merchant_account, "merchantReference": m.client_reference,
        "paymentMethod": "visa", "pspReference": psp_reference,
        "reason": if success { "" } else { "Refused" },
        // A text, as Adyen sends it.
        "success": if success { "true" } else { "false" },
    });
    if let Some(original) = original {
        item["originalReference"] = original.into();
    }
    if m.wire["link"] == true {
        item["additionalData"]["paymentLinkId"] = format!("PL{}", m.reference).into();
    }
    let at = clock::trustly(m.changed_at);
    Notice {
        reference: m.reference.clone(),
        event: event.into(),
        id: ids::derived_uuid(&["event", &m.reference, event, &at]),
        url: adyen.webhook_url.clone(),
        data: item,
    }
}

fn transfer(adyen: &Adyen, m: &Movement) -> Notice {
    let at = clock::trustly(m.changed_at);
    let body = json!({
        "data": transfers::view(adyen, m), "environment": "test", "type": TRANSFER,
        "timestamp": clock::seconds(m.changed_at),
    });
    Notice {
        reference: m.reference.clone(),
        event: TRANSFER.into(),
        id: ids::derived_uuid(&["transfer", &m.reference, &at]),
        url: adyen.webhook_url.clone(),
        data: body,
    }
}

pub(super) fn sign(adyen: &Adyen, notice: &Notice, twist: &Twist) -> Outgoing {
    let mut data = notice.data.clone();
    let is_transfer = notice.event == TRANSFER;
    let amount = if is_transfer { &mut data["data"]["amount"] } else { &mut data["amount"] };
    if twist.wrong_amount {
        amount["value"] = amount["value"].as_i64().unwrap_or(0).saturating_add(10_000).into();
    }
    if twist.wrong_currency {
        amount["currency"] = "XTS".into();
    }
    let mut headers = vec![("content-type", "application/json; charset=utf-8".to_owned())];
    // A bad signature is a real one, of something else.
    let body = if is_transfer {
        let body = data.to_string();
        let covered = if twist.bad_signature { format!("{body} ") } else { body.clone() };
        headers.push(("hmacsignature", mac(&adyen.transfers_hmac_key, &covered)));
        headers.push(("protocol", "HmacSHA256".to_owned()));
        body
    } else {
        let covered = signed_text(&data) + if twist.bad_signature { "x" } else { "" };
        data["additionalData"]["hmacSignature"] = mac(&adyen.hmac_key, &covered).into();
        let items = json!([{ "NotificationRequestItem": data }]);
        json!({ "live": "false", "notificationItems": items }).to_string()
    };
    Outgoing { url: notice.url.clone(), headers, body }
}

/// The eight signed fields, with colons between them and nothing escaped.
fn signed_text(item: &Value) -> String {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    [
        &item["pspReference"],
        &item["originalReference"],
        &item["merchantAccountCode"],
        &item["merchantReference"],
        &item["amount"]["value"],
        &item["amount"]["currency"],
        &item["eventCode"],
        &item["success"],
    ]
    .map(text)
    .join(":")
}

fn mac(key: &[u8], text: &str) -> String {
    let sign = || {
        let key = PKey::hmac(key)?;
        Signer::new(MessageDigest::sha256(), &key)?.sign_oneshot_to_vec(text.as_bytes())
    };
    sign().map(|mac| STANDARD.encode(mac)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vector that Adyen's own libraries test with.
    #[test]
    fn the_published_vector_comes_out() {
        let key = hex::decode("44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056");
        let item = json!({
            "pspReference": "7914073381342284", "merchantAccountCode": "TestMerchant",
            "merchantReference": "TestPayment-1407325143704", "eventCode": "AUTHORISATION",
            "amount": { "value": 1130, "currency": "EUR" }, "success": "true",
        });
        let signature = mac(&key.expect("hex"), &signed_text(&item));
        assert_eq!(signature, "coqCmt/IZ4E3CzPvMY8zTjQVL5hYJUiBRg8UU+iCWo0=");
    }
}
