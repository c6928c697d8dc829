//! Payments by PIX: a QR code that any bank's app pays.

use std::sync::Arc;

use axum::extract::{ConnectInfo, Path, Query, State};
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::api::{self, Both, invalid, major, minor, not_found, refusal};
use super::{Draft, MercadoPago, refunds};
use crate::book::{Kind, Movement, Payer, Status};
use crate::clock;
use crate::faults::{self, Answer, Call, Fault, Plan};
use crate::money;
use crate::psp::Psp;
use crate::scenario::{self, Completion, Outcome};
use crate::server::Connection;

type Peer = ConnectInfo<Connection>;

fn either(outcome: Result<Answer, Answer>) -> Answer {
    outcome.unwrap_or_else(|answer| answer)
}

pub(super) async fn create(
    State((psp, mp)): State<Both>,
    ConnectInfo(connection): Peer,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let owner = psp.clone();
    let work = move |plan: Plan| async move {
        plan.pause().await;
        either(pay(&owner, &mp, &headers, &body, &plan).await)
    };
    faults::guard(psp, connection, Call::CreateDeposit, work).await
}

async fn pay(
    psp: &Arc<Psp>,
    mp: &MercadoPago,
    headers: &HeaderMap,
    body: &Bytes,
    plan: &Plan,
) -> Result<Answer, Answer> {
    let request = api::read(mp, "/v1/payments", headers, body)?;
    let body = &request.body;
    if plan.is(Fault::DeclineHard) {
        let message = "At least one policy returned UNAUTHORIZED.";
        return Err(refusal(
            StatusCode::FORBIDDEN,
            "PA_UNAUTHORIZED_RESULT_FROM_POLICIES",
            message,
        ));
    }
    if body["payment_method_id"] != "pix" {
        return Err(invalid("payment_method_id is not supported by this account"));
    }
    let amount_minor = minor(&body["transaction_amount"], &mp.currency)
        .ok_or_else(|| invalid("Invalid transaction_amount"))?;
    let payer = &body["payer"];
    if !payer["email"].as_str().is_some_and(|email| email.contains('@')) {
        return Err(invalid("payer.email must be a valid email"));
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let name = format!("{} {}", text(&payer["first_name"]), text(&payer["last_name"]));
    let wire = json!({
        "external_reference": body["external_reference"],
        "notification_url": body["notification_url"],
        "date_of_expiration": body["date_of_expiration"],
        "email": payer["email"], "cpf": text(&payer["identification"]["number"]),
    });
    let (answer, movement) = psp.book.enter(|entry| {
        if let Some(answer) = request.repeated(entry) {
            return (answer, None);
        }
        let draft = Draft {
            kind: Kind::Deposit,
            client_reference: body["external_reference"].as_str().unwrap_or_default(),
            amount_minor,
            payer: (!name.trim().is_empty())
                .then(|| Payer { name: name.trim().to_owned(), ..Payer::default() }),
            wire,
        };
        let movement = mp.movement(entry, draft);
        let answer = Answer::json(StatusCode::CREATED, &view(mp, &movement));
        entry.put(movement.clone());
        request.remember(entry, &answer);
        (answer, Some(movement))
    });
    if let Some(movement) = movement {
        scenario::booked(psp, &movement, plan).await;
    }
    Ok(answer)
}

/// `status` and `status_detail`.
fn state(m: &Movement) -> (&'static str, &str) {
    match m.status {
        Status::Pending => ("pending", "pending_waiting_transfer"),
        Status::Succeeded if m.wire["won"] == true => ("charged_back", "reimbursed"),
        Status::Succeeded => ("approved", "accredited"),
        Status::Declined => ("rejected", m.code.as_deref().unwrap_or("rejected_by_bank")),
        Status::Expired => ("cancelled", "expired"),
        Status::Cancelled => ("cancelled", "by_collector"),
        Status::Returned => ("refunded", "refunded"),
        Status::ChargedBack => ("charged_back", "settled"),
    }
}

/// The code that a bank's app reads: the fields of the central bank's BR Code, each with its length.
fn qr_code(m: &Movement) -> String {
    let field = |id: &str, value: &str| format!("{id}{:02}{value}", value.len());
    let key = field("00", "br.gov.bcb.pix") + &field("01", "mock@mercadopago.example");
    let amount = money::format(m.amount_minor, money::decimals(&m.currency));
    let txid = field("05", &format!("mpqrinter{}", m.reference));
    let text = [
        field("00", "01"),
        field("26", &key),
        field("52", "0000"),
        field("53", "986"),
        field("54", &amount),
        field("58", "BR"),
        field("59", "Interlock Casino"),
        field("60", "SAO PAULO"),
        field("62", &txid),
        "6304".to_owned(),
    ]
    .concat();
    let crc = text.bytes().fold(0xffff_u16, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(byte) << 8), |crc, _| {
            if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 }
        })
    });
    format!("{text}{crc:04X}")
}

pub(super) fn view(mp: &MercadoPago, m: &Movement) -> Value {
    let (status, detail) = state(m);
    let approved = m.settled_at.is_some();
    let payer = m.payer.clone().unwrap_or_default();
    // Who paid is known from the bank, when it has paid.
    let (name, cpf) = match approved {
        true => (json!(payer.name), json!(payer.tax_id)),
        false => (Value::Null, Value::Null),
    };
    let kind = if cpf.is_null() { Value::Null } else { "CPF".into() };
    let bank_payer =
        json!({ "account_holder_name": name, "identification": { "type": kind, "number": cpf } });
    let refunded = if m.status == Status::Returned { m.amount_minor } else { 0 };
    json!({
        "id": m.reference.parse::<i64>().unwrap_or(0), "status": status, "status_detail": detail,
        "transaction_amount": major(m.amount_minor, &m.currency), "currency_id": m.currency,
        "transaction_amount_refunded": major(refunded, &m.currency),
        "payment_method_id": "pix", "payment_type_id": "bank_transfer",
        "external_reference": m.wire["external_reference"], "live_mode": false,
        "date_created": clock::millis(m.created_at),
        "date_approved": m.settled_at.map(clock::millis),
        "date_of_expiration": m.wire["date_of_expiration"],
        "payer": { "email": m.wire["email"],
            "identification": { "type": "CPF", "number": m.wire["cpf"] } },
        "point_of_interaction": { "type": "OPENPLATFORM", "transaction_data": {
            "qr_code": qr_code(m), "bank_info": { "payer": bank_payer },
            "ticket_url": format!("{}/payments/{}/ticket", mp.base_url, m.reference),
        } },
    })
}

/// A payment with what its merchant has sent back of it: all of it, and its status says so.
fn as_it_stands(psp: &Psp, mp: &MercadoPago, m: &Movement) -> Value {
    let mut told = view(mp, m);
    let back = refunds::sent_back(psp, &m.reference);
    if m.status == Status::Succeeded && 0 < back {
        told["transaction_amount_refunded"] = major(back, &m.currency);
        told["status_detail"] = "partially_refunded".into();
        if back == m.amount_minor {
            (told["status"], told["status_detail"]) = ("refunded".into(), "refunded".into());
        }
    }
    told
}

pub(super) fn find(psp: &Psp, id: &str) -> Option<Movement> {
    psp.book.find(id).filter(|m| m.kind == Kind::Deposit)
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
            let found = find(&owner, &id).ok_or_else(not_found)?;
            Ok(Answer::json(StatusCode::OK, &as_it_stands(&owner, &mp, &found)))
        };
        either(read())
    };
    faults::guard(psp, connection, Call::Query, work).await
}

#[derive(Debug, Deserialize)]
pub(super) struct Search {
    external_reference: Option<String>,
}

pub(super) async fn search(
    State((psp, mp)): State<Both>,
    ConnectInfo(connection): Peer,
    Query(asked): Query<Search>,
    headers: HeaderMap,
) -> Response {
    let owner = psp.clone();
    let work = move |plan: Plan| async move {
        plan.pause().await;
        let read = || {
            api::authorise(&mp, &headers)?;
            let mut found = owner.book.movements();
            found.retain(|m| {
                let named = asked.external_reference.as_deref();
                let same = named.is_none_or(|named| m.text("external_reference") == named);
                m.kind == Kind::Deposit && same
            });
            let results: Vec<Value> = found.iter().map(|m| as_it_stands(&owner, &mp, m)).collect();
            let paging = json!({ "total": results.len(), "limit": 30, "offset": 0 });
            Ok(Answer::json(StatusCode::OK, &json!({ "paging": paging, "results": results })))
        };
        either(read())
    };
    faults::guard(psp, connection, Call::Query, work).await
}

/// `PUT {"status": "cancelled"}`: only what waits can be cancelled.
pub(super) async fn update(
    State((psp, mp)): State<Both>,
    ConnectInfo(connection): Peer,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let owner = psp.clone();
    let work = move |plan: Plan| async move {
        plan.pause().await;
        let cancel = || {
            api::authorise(&mp, &headers)?;
            let body: Value = serde_json::from_slice(&body).unwrap_or_default();
            find(&owner, &id).ok_or_else(not_found)?;
            if body["status"] != "cancelled" {
                return Err(invalid("Only cancelling is supported"));
            }
            let done = Completion::plain(Outcome::Cancelled);
            let (movement, _) = scenario::complete(&owner, &id, &done)
                .map_err(|_| invalid("The action requested is not valid for the current state"))?;
            Ok(Answer::json(StatusCode::OK, &view(&mp, &movement)))
        };
        either(cancel())
    };
    faults::guard(psp, connection, Call::Other, work).await
}
