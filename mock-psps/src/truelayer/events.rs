//! TrueLayer's webhooks: which follow from a change, what they carry and how they are signed.

use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use url::Url;

use super::api::stamp;
use super::jws::{self, Signed};
use super::{TrueLayer, view};
use crate::book::{Kind, Movement, Status};
use crate::psp::{Notice, Outgoing, Step, Twist};
use crate::{clock, ids};

pub(super) fn notices(truelayer: &TrueLayer, m: &Movement, step: Step) -> Vec<Notice> {
    let events: &[&'static str] = match (m.kind, step.to) {
        (Kind::Deposit, Status::Succeeded) if m.wire["external"] == true => {
            &["external_payment_received"]
        }
        (Kind::Deposit, Status::Succeeded) => {
            &["payment_authorized", "payment_executed", "payment_settled"]
        }
        (Kind::Deposit, Status::Declined | Status::Expired | Status::Cancelled) => {
            &["payment_failed"]
        }
        (Kind::Deposit, Status::Returned | Status::ChargedBack) => &["payment_reversed"],
        (Kind::Payout, Status::Succeeded) => &["payout_executed"],
        (Kind::Refund, Status::Succeeded) => &["refund_executed"],
        (_, Status::Pending) => &[],
        (Kind::Payout, _) => &["payout_failed"],
        (Kind::Refund, _) => &["refund_failed"],
    };
    events.iter().map(|event| notice(truelayer, m, event)).collect()
}

pub(super) fn present(truelayer: &TrueLayer, m: &Movement) -> Option<Notice> {
    let from = match m.status {
        Status::Returned | Status::ChargedBack => Status::Succeeded,
        _ => Status::Pending,
    };
    notices(truelayer, m, Step { from, to: m.status }).pop()
}

fn notice(truelayer: &TrueLayer, m: &Movement, event: &'static str) -> Notice {
    // Derived, so that it is the same after a restart.
    let at = clock::trustly(m.changed_at);
    let id = ids::derived_uuid(&["event", &m.reference, event, &at]);
    let mut data = Map::new();
    data.insert("type".to_owned(), event.into());
    data.insert("event_version".to_owned(), 1.into());
    data.insert("event_id".to_owned(), id.clone().into());
    match (m.kind, event) {
        (_, "external_payment_received") => external(truelayer, m, &mut data),
        (Kind::Deposit, _) => payment(truelayer, m, event, &mut data),
        (Kind::Payout, _) => {
            data.insert("payout_id".to_owned(), m.reference.clone().into());
            data.insert("beneficiary".to_owned(), m.wire["beneficiary"].clone());
            data.insert("scheme_id".to_owned(), truelayer.scheme().into());
            view::outcome(m, &mut data);
        }
        (Kind::Refund, _) => {
            data.insert("payment_id".to_owned(), m.text("payment_id").into());
            data.insert("refund_id".to_owned(), m.reference.clone().into());
            data.insert("scheme_id".to_owned(), truelayer.scheme().into());
            view::outcome(m, &mut data);
        }
    }
    if m.wire["metadata"].as_object().is_some_and(|metadata| !metadata.is_empty()) {
        data.insert("metadata".to_owned(), m.wire["metadata"].clone());
    }
    Notice {
        reference: m.reference.clone(),
        event: event.into(),
        id,
        url: truelayer.webhook_url.clone(),
        data: Value::Object(data),
    }
}

fn payment(truelayer: &TrueLayer, m: &Movement, event: &str, data: &mut Map<String, Value>) {
    data.insert("payment_id".to_owned(), m.reference.clone().into());
    let method = json!({
        "type": "bank_transfer",
        "provider_id": "mock-payments-redirect",
        "scheme_id": truelayer.scheme(),
    });
    data.insert("payment_method".to_owned(), method);
    let at = match event {
        "payment_authorized" => "authorized_at",
        "payment_executed" => "executed_at",
        "payment_settled" => "settled_at",
        "payment_reversed" => "reversed_at",
        _ => "failed_at",
    };
    let seen = if at == "settled_at" { m.settled_at } else { Some(m.changed_at) };
    data.insert(at.to_owned(), stamp(seen));
    match event {
        "payment_settled" => {
            data.insert("payment_source".to_owned(), view::source(m));
            data.insert("user_id".to_owned(), m.text("user_id").into());
            data.insert("settlement_risk".to_owned(), json!({ "category": "low_risk" }));
        }
        "payment_failed" => {
            data.insert("failure_reason".to_owned(), view::payment_failure(m).into());
            data.insert("failure_stage".to_owned(), "authorizing".into());
        }
        _ => {}
    }
}

fn external(truelayer: &TrueLayer, m: &Movement, data: &mut Map<String, Value>) {
    let source = view::source(m);
    for (name, value) in [
        ("transaction_id", m.reference.clone().into()),
        ("merchant_account_id", truelayer.merchant_account_id.clone().into()),
        ("amount_in_minor", m.amount_minor.into()),
        ("currency", m.currency.clone().into()),
        ("settled_at", stamp(m.settled_at)),
        (
            "remitter",
            json!({
                "account_holder_name": source["account_holder_name"],
                "account_identifiers": source["account_identifiers"],
                "reference": m.text("reference"),
            }),
        ),
    ] {
        data.insert(name.to_owned(), value);
    }
}

pub(super) fn sign(
    truelayer: &TrueLayer,
    notice: &Notice,
    twist: &Twist,
    now: OffsetDateTime,
) -> Outgoing {
    let mut data = notice.data.clone();
    if let Value::Object(fields) = &mut data {
        // A webhook about a payment names no amount; a wrong one is then an extra, signed claim.
        if twist.wrong_amount {
            let amount = fields.get("amount_in_minor").and_then(Value::as_i64).unwrap_or(0);
            fields.insert("amount_in_minor".to_owned(), amount.saturating_add(10_000).into());
        }
        if twist.wrong_currency {
            fields.insert("currency".to_owned(), "XTS".into());
        }
    }
    let body = data.to_string();
    let stamp = clock::seconds(now);
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_str(&stamp) {
        headers.insert(HeaderName::from_static("x-tl-webhook-timestamp"), value);
    }
    let path = Url::parse(&notice.url).map_or_else(|_| "/".to_owned(), |url| target(&url));
    // A bad signature is a real one, over another body.
    let forged = format!("{body} ");
    let covered = if twist.bad_signature { &forged } else { &body };
    let signed =
        Signed { method: "POST", path: &path, headers: &headers, body: covered.as_bytes() };
    let jku = format!("{}/.well-known/jwks", truelayer.base_url);
    let (key, kid) = (&truelayer.webhook_key, &truelayer.webhook_kid);
    let signature = jws::sign(key, kid, &jku, "X-Tl-Webhook-Timestamp", &signed);
    Outgoing {
        url: notice.url.clone(),
        headers: vec![
            ("content-type", "application/json; charset=utf-8".to_owned()),
            ("x-tl-webhook-timestamp", stamp),
            ("tl-signature", signature.unwrap_or_default()),
        ],
        body,
    }
}

fn target(url: &Url) -> String {
    url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()))
}
