//! Webhooks, version 2: the transaction in an envelope, signed twice (a detached JWS with a published
//! key, and the older base64 of RSA with SHA-512), both over the raw body.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use openssl::hash::MessageDigest;
use openssl::sign::Signer;
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::{Fireblocks, view};
use crate::book::{Kind, Movement, Status};
use crate::psp::{Notice, Outgoing, Step, Twist};
use crate::{clock, ids};

pub(super) fn notices(mock: &Fireblocks, m: &Movement, step: Step) -> Vec<Notice> {
    let first_sight = step.to == Status::Pending && m.wire["confirmations"] == 0;
    let event = match (m.kind, step.to) {
        (Kind::Deposit, Status::Pending) if first_sight => "transaction.created",
        (Kind::Payout | Kind::Refund, Status::Pending) => return Vec::new(),
        _ => "transaction.status.updated",
    };
    let seen = Movement { status: step.to, ..m.clone() };
    let at = clock::trustly(m.changed_at);
    let id = ids::derived_uuid(&["event", &m.reference, event, &at, step.to.as_str()]);
    let data = json!({
        "id": id,
        "eventType": event,
        "eventVersion": 1,
        "resourceId": m.reference,
        "data": view::transaction(mock, &seen),
        "createdAt": i64::try_from(m.changed_at.unix_timestamp_nanos() / 1_000_000).unwrap_or(0),
        "workspaceId": mock.workspace_id,
    });
    let reference = m.reference.clone();
    let event = event.into();
    vec![Notice { reference, event, id, url: mock.webhook_url.clone(), data }]
}

pub(super) fn sign(
    mock: &Fireblocks,
    notice: &Notice,
    twist: &Twist,
    now: OffsetDateTime,
) -> Outgoing {
    let mut event = notice.data.clone();
    if twist.age_s > 0 {
        event["createdAt"] = (now.unix_timestamp() * 1_000).into();
    }
    if twist.wrong_amount {
        let told = event["data"]["amountInfo"]["amount"].as_str().unwrap_or("0").to_owned();
        let (whole, fraction) = told.split_once('.').unwrap_or((&told, "0"));
        let more = whole.parse::<u64>().unwrap_or(0).saturating_add(100);
        let wrong = format!("{more}.{fraction}");
        event["data"]["amountInfo"] =
            json!({ "amount": wrong, "requestedAmount": wrong, "netAmount": wrong });
    }
    if twist.wrong_currency {
        let other = if event["data"]["assetId"] == "USDC" { "BTC" } else { "USDC" };
        event["data"]["assetId"] = Value::from(other);
    }
    let body = event.to_string();
    // A bad signature is a real one, over another body.
    let covered = if twist.bad_signature { format!("{body} ") } else { body.clone() };
    let header = json!({ "alg": "RS512", "kid": mock.webhook_kid }).to_string();
    let header = URL_SAFE_NO_PAD.encode(header);
    let input = format!("{header}.{}", URL_SAFE_NO_PAD.encode(&covered));
    let jws = format!("{header}..{}", URL_SAFE_NO_PAD.encode(rsa_sha512(mock, input.as_bytes())));
    let legacy = STANDARD.encode(rsa_sha512(mock, covered.as_bytes()));
    Outgoing {
        url: notice.url.clone(),
        headers: vec![
            ("content-type", "application/json".to_owned()),
            ("fireblocks-webhook-signature", jws),
            ("fireblocks-signature", legacy),
        ],
        body,
    }
}

fn rsa_sha512(mock: &Fireblocks, bytes: &[u8]) -> Vec<u8> {
    let signature = Signer::new(MessageDigest::sha512(), &mock.webhook_key)
        .and_then(|mut signer| signer.sign_oneshot_to_vec(bytes));
    // A key that loaded can sign; if it cannot, the empty signature says so to the reader.
    signature.unwrap_or_default()
}
