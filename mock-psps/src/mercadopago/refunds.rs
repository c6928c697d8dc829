//! Refunds of approved payments.

use std::sync::Arc;

use axum::extract::{ConnectInfo, Path, State};
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::api::{self, Both, invalid, major, minor, not_found};
use super::{Draft, MercadoPago, payments};
use crate::book::{Kind, Movement, Status};
use crate::clock;
use crate::faults::{self, Answer, Call, Plan};
use crate::psp::Psp;
use crate::scenario;
use crate::server::Connection;

type Peer = ConnectInfo<Connection>;

fn view(m: &Movement) -> Value {
    let status = match m.status {
        Status::Pending => "in_process",
        Status::Succeeded => "approved",
        Status::Declined | Status::Returned | Status::ChargedBack => "rejected",
        Status::Expired | Status::Cancelled => "cancelled",
    };
    json!({
        "id": m.reference.parse::<i64>().unwrap_or(0), "status": status,
        "payment_id": m.text("original").parse::<i64>().unwrap_or(0),
        "amount": major(m.amount_minor, &m.currency), "date_created": clock::millis(m.created_at),
    })
}

/// Whether a refund holds a part of its payment, or has taken it.
const fn is_live(m: &Movement) -> bool {
    matches!(m.status, Status::Pending | Status::Succeeded)
}

/// How much of a payment its merchant has sent back.
pub(super) fn sent_back(psp: &Psp, payment: &str) -> i64 {
    let all = psp.book.movements();
    let of_it = all.iter().filter(|m| m.kind == Kind::Refund && m.text("original") == payment);
    of_it.filter(|m| m.status == Status::Succeeded).map(|m| m.amount_minor).sum()
}

pub(super) async fn create(
    State((psp, mp)): State<Both>,
    ConnectInfo(connection): Peer,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let owner = psp.clone();
    let work = move |plan: Plan| async move {
        plan.pause().await;
        let outcome = refund(&owner, &mp, &id, &headers, &body, &plan).await;
        outcome.unwrap_or_else(|answer| answer)
    };
    faults::guard(psp, connection, Call::CreateRefund, work).await
}

async fn refund(
    psp: &Arc<Psp>,
    mp: &MercadoPago,
    id: &str,
    headers: &HeaderMap,
    body: &Bytes,
    plan: &Plan,
) -> Result<Answer, Answer> {
    let request = api::read(mp, id, headers, body)?;
    let payment = payments::find(psp, id).ok_or_else(not_found)?;
    let amount = match &request.body["amount"] {
        Value::Null => Some(payment.amount_minor),
        amount => minor(amount, &mp.currency),
    };
    let amount_minor = amount.ok_or_else(|| invalid("Invalid amount"))?;
    let key = headers.get("x-idempotency-key").and_then(|key| key.to_str().ok());
    let (answer, movement) = psp.book.enter(|entry| {
        if let Some(answer) = request.repeated(entry) {
            return Ok((answer, None));
        }
        let earlier = entry.movements().iter().filter(|m| m.text("original") == id);
        let refunded: i64 = earlier.filter(|m| is_live(m)).map(|m| m.amount_minor).sum();
        let left = payment.amount_minor - refunded;
        if payment.status != Status::Succeeded || left < amount_minor {
            return Err(invalid("The action requested is not valid for the current state"));
        }
        let draft = Draft {
            kind: Kind::Refund,
            // A refund has no reference of the merchant's but its key.
            client_reference: key.unwrap_or_default(),
            amount_minor,
            payer: payment.payer.clone(),
            wire: json!({ "original": id }),
        };
        let movement = mp.movement(entry, draft);
        let answer = Answer::json(StatusCode::CREATED, &view(&movement));
        entry.put(movement.clone());
        request.remember(entry, &answer);
        Ok((answer, Some(movement)))
    })?;
    if let Some(movement) = movement {
        scenario::booked(psp, &movement, plan).await;
    }
    Ok(answer)
}

pub(super) async fn read(
    State((psp, mp)): State<Both>,
    ConnectInfo(connection): Peer,
    Path((id, refund)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let owner = psp.clone();
    let work = move |plan: Plan| async move {
        plan.pause().await;
        let read = || {
            api::authorise(&mp, &headers)?;
            let found = owner.book.find(&refund).filter(|m| m.kind == Kind::Refund);
            let found = found.filter(|m| m.text("original") == id).ok_or_else(not_found)?;
            Ok(Answer::json(StatusCode::OK, &view(&found)))
        };
        read().unwrap_or_else(|answer: Answer| answer)
    };
    faults::guard(psp, connection, Call::Query, work).await
}
