//! Mercado Pago's webhooks: thin, with the resource's id in the query, and a signature over that id, the
//! request's id and the time.

use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sign::Signer;
use serde_json::json;
use time::OffsetDateTime;

use super::{MercadoPago, payouts};
use crate::book::{Kind, Movement, Status};
use crate::psp::{Notice, Outgoing, Step, Twist};
use crate::{clock, ids};

pub(super) fn notices(mp: &MercadoPago, m: &Movement, step: Step) -> Vec<Notice> {
    // The merchant cancels only itself.
    if step.to == Status::Cancelled {
        return Vec::new();
    }
    let disputed = (m.kind == Kind::Deposit && step.to == Status::ChargedBack).then(|| case(mp, m));
    std::iter::once(notice(mp, m)).chain(disputed).collect()
}

/// A chargeback is told by its case besides, from its page "Configure chargeback notifications".
fn case(mp: &MercadoPago, m: &Movement) -> Notice {
    let update = notice(mp, m);
    let case = ids::derived_digits(&["case", &m.reference], 9);
    let (event, number) = ("topic_chargebacks_wh", |text: &str| text.parse::<i64>().unwrap_or(0));
    let body = json!({
        "actions": ["changed_case_status"], "api_version": "v1",
        "data": { "id": number(&case), "payment_id": number(&m.reference) },
        "date": clock::millis(m.changed_at), "live_mode": false, "type": event,
        "user_id": "123456543",
    });
    let address = update.url.split('?').next().unwrap_or_default();
    Notice {
        event: event.into(),
        id: ids::derived_uuid(&["case", &update.id]),
        url: format!("{address}?data.id={case}&type={event}"),
        data: body,
        reference: case,
    }
}

pub(super) fn notice(mp: &MercadoPago, m: &Movement) -> Notice {
    let at = clock::trustly(m.changed_at);
    // A refund is told as an update of its payment.
    let about = if m.kind == Kind::Refund { m.text("original") } else { &m.reference };
    let number = ids::derived_digits(&["notice", &m.reference, &at], 12);
    let (event, body) = match m.kind {
        Kind::Payout => {
            let body = json!({
                "action": "transaction_intent.updated", "api_version": "v1",
                "data": { "id": m.reference }, "date_created": clock::millis(m.created_at),
                "id": number, "last_updated": clock::millis(m.changed_at),
                "status": payouts::state(m).0, "type": "transaction_intent",
            });
            ("transaction_intent", body)
        }
        Kind::Deposit | Kind::Refund => {
            let body = json!({
                "action": "payment.updated", "api_version": "v1", "data": { "id": about },
                "date_created": clock::millis(m.created_at), "id": number, "live_mode": false,
                "type": "payment", "user_id": "123456543",
            });
            ("payment", body)
        }
    };
    let url = match m.text("notification_url") {
        "" => mp.webhook_url.clone(),
        url => url.to_owned(),
    };
    Notice {
        reference: about.to_owned(),
        event: event.into(),
        id: ids::derived_uuid(&["event", &m.reference, &at]),
        url: format!("{url}?data.id={about}&type={event}"),
        data: body,
    }
}

/// Amounts cannot be wrong where none are sent.
pub(super) fn sign(
    mp: &MercadoPago,
    notice: &Notice,
    twist: &Twist,
    now: OffsetDateTime,
) -> Outgoing {
    // Its documentation has shown both; its own libraries take nothing but seconds once a tolerance is
    // asked for.
    let stamp = now.unix_timestamp().to_string();
    let mut text = manifest(&notice.reference, &notice.id, &stamp);
    if twist.bad_signature {
        text.push('x');
    }
    let signature = hex::encode(mac(&mp.webhook_secret, &text));
    Outgoing {
        url: notice.url.clone(),
        headers: vec![
            ("content-type", "application/json".to_owned()),
            ("x-request-id", notice.id.clone()),
            ("x-signature", format!("ts={stamp},v1={signature}")),
        ],
        body: notice.data.to_string(),
    }
}

fn manifest(id: &str, request_id: &str, stamp: &str) -> String {
    format!("id:{id};request-id:{request_id};ts:{stamp};")
}

fn mac(secret: &str, text: &str) -> Vec<u8> {
    let sign = || {
        let key = PKey::hmac(secret.as_bytes())?;
        Signer::new(MessageDigest::sha256(), &key)?.sign_oneshot_to_vec(text.as_bytes())
    };
    sign().unwrap_or_default()
}
