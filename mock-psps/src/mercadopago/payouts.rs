//! Payouts to PIX keys: the sender signs each body with Ed25519.

use std::sync::Arc;

use axum::extract::{ConnectInfo, Path, State};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use openssl::sign::Verifier;
use serde_json::{Value, json};

use super::api::{self, Both, invalid, major, minor, not_found, refusal};
use super::{Draft, MercadoPago};
use crate::book::{Kind, Movement, Payer, Status};
use crate::clock;
use crate::faults::{self, Answer, Call, Fault, Plan};
use crate::money;
use crate::pix_keys;
use crate::psp::Psp;
use crate::scenario;
use crate::server::Connection;

type Peer = ConnectInfo<Connection>;

pub(super) async fn create(
    State((psp, mp)): State<Both>,
    ConnectInfo(connection): Peer,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let owner = psp.clone();
    let work = move |plan: Plan| async move {
        plan.pause().await;
        let outcome = pay_out(&owner, &mp, &headers, &body, &plan).await;
        outcome.unwrap_or_else(|answer| answer)
    };
    faults::guard(psp, connection, Call::CreatePayout, work).await
}

/// The signature covers the body's very bytes; without it nothing is paid.
fn check_signature(mp: &MercadoPago, headers: &HeaderMap, body: &[u8]) -> Result<(), Answer> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let signature = STANDARD.decode(text("x-signature").unwrap_or_default()).unwrap_or_default();
    let valid = Verifier::new_without_digest(&mp.payout_key)
        .and_then(|mut verifier| verifier.verify_oneshot(&signature, body))
        .unwrap_or(false);
    if text("x-enforce-signature") == Some("true") && valid {
        return Ok(());
    }
    Err(refusal(StatusCode::FORBIDDEN, "invalid_signature", "The signature is not valid"))
}

/// Checks the key that is paid, and gives its owner.
fn owner(account: &Value) -> Result<Payer, Answer> {
    let digits =
        |text: &str, len: usize| text.len() == len && text.bytes().all(|b| b.is_ascii_digit());
    let key = account["chave"]["value"].as_str().unwrap_or_default();
    let said = match account["chave"]["type"].as_str() {
        Some("PIX_CODE") => Some("EVP"),
        said => said,
    };
    let fine = said.is_some() && said == pix_keys::kind(key);
    let number = account["owner"]["identification"]["number"].as_str().unwrap_or_default();
    let known = account["owner"]["identification"]["type"] == "CPF" && digits(number, 11);
    if account["type"] != "current" || !fine || !known {
        return Err(invalid("transaction.to.accounts is not valid"));
    }
    Ok(Payer { tax_id: Some(number.to_owned()), ..Payer::default() })
}

async fn pay_out(
    psp: &Arc<Psp>,
    mp: &MercadoPago,
    headers: &HeaderMap,
    body: &Bytes,
    plan: &Plan,
) -> Result<Answer, Answer> {
    let request = api::read(mp, "/v1/transaction-intents/process", headers, body)?;
    check_signature(mp, headers, body)?;
    if plan.is(Fault::DeclineHard) {
        return Err(refusal(StatusCode::FORBIDDEN, "forbidden", "Client not allowed"));
    }
    let body = &request.body;
    let transaction = &body["transaction"];
    let [from] = transaction["from"]["accounts"].as_array().map_or(&[][..], |it| it) else {
        return Err(invalid("transaction.from.accounts must have one account"));
    };
    let [to] = transaction["to"]["accounts"].as_array().map_or(&[][..], |it| it) else {
        return Err(invalid("transaction.to.accounts must have one account"));
    };
    let amounts = [&from["amount"], &to["amount"], &transaction["total_amount"]]
        .map(|amount| minor(amount, &mp.currency));
    let [Some(amount_minor), same, total] = amounts else {
        return Err(invalid("Invalid amount"));
    };
    let equal = same == Some(amount_minor) && total == Some(amount_minor);
    if !equal || body["point_of_interaction"]["type"] != "PSP_TRANSFER" {
        return Err(invalid("The amounts or point_of_interaction.type are not valid"));
    }
    let payer = owner(to)?;
    let reference = body["external_reference"].as_str().unwrap_or_default();
    let wire = json!({
        "external_reference": reference, "owner": to["owner"],
        "notification_url": body["seller_configuration"]["notification_info"]["notification_url"],
    });
    let (answer, movement) = psp.book.enter(|entry| {
        if let Some(answer) = request.repeated(entry) {
            return (answer, None);
        }
        let draft = Draft {
            kind: Kind::Payout,
            client_reference: reference,
            amount_minor,
            payer: Some(payer),
            wire,
        };
        let movement = mp.movement(entry, draft);
        let answer = Answer::json(StatusCode::ACCEPTED, &view(&movement));
        entry.put(movement.clone());
        request.remember(entry, &answer);
        (answer, Some(movement))
    });
    if let Some(movement) = movement {
        scenario::booked(psp, &movement, plan).await;
    }
    Ok(answer)
}

/// `status` and the `status_detail` of the destination.
pub(super) fn state(m: &Movement) -> (&'static str, &str) {
    match m.status {
        // Of a payout `approved` alone is a beginning, and no end.
        Status::Pending if m.created_at == m.changed_at => ("approved", ""),
        Status::Pending => ("in_process", "pending_bank"),
        Status::Succeeded => ("processed", "approved"),
        Status::Returned | Status::ChargedBack => ("refunded", "refunded"),
        Status::Declined => ("rejected", m.code.as_deref().unwrap_or("by_bank")),
        Status::Expired | Status::Cancelled => ("rejected", "other_reason"),
    }
}

fn view(m: &Movement) -> Value {
    let (status, detail) = state(m);
    let total = major(m.amount_minor, &m.currency);
    let refunded = if status == "refunded" { m.amount_minor } else { 0 };
    // Inside of accounts amounts are texts with a comma.
    let comma = money::format(m.amount_minor, money::decimals(&m.currency)).replace('.', ",");
    json!({
        "id": m.reference, "status": status, "external_reference": m.text("external_reference"),
        "created_date": clock::millis(m.created_at),
        "last_updated_date": clock::millis(m.changed_at),
        "point_of_interaction": "PSP_TRANSFER",
        "transaction": {
            "from": { "accounts": [{ "amount": comma }] },
            "to": { "accounts": [
                { "amount": comma, "status_detail": detail, "owner": m.wire["owner"] },
            ] },
            "paid_amount": total, "total_amount": total,
            "refunded_amount": major(refunded, &m.currency), "payer": { "id": 123_456_543 },
        },
    })
}

pub(super) async fn read(
    State((psp, mp)): State<Both>,
    ConnectInfo(connection): Peer,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let owner = psp.clone();
    let work = move |plan: Plan| async move {
        plan.pause().await;
        let read = || {
            api::authorise(&mp, &headers)?;
            let found = owner.book.find(&id).filter(|m| m.kind == Kind::Payout);
            Ok(Answer::json(StatusCode::OK, &view(&found.ok_or_else(not_found)?)))
        };
        read().unwrap_or_else(|answer: Answer| answer)
    };
    faults::guard(psp, connection, Call::Query, work).await
}
