//! Refunds of settled payments, back to where the money came from.

use std::sync::Arc;

use axum::extract::{ConnectInfo, Path, State};
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, Uri};
use serde_json::{Value, json};

use super::api::{self, Admitted, Both, Incoming, Problem};
use super::{payments, view};
use crate::book::{Kind, Movement, Status};
use crate::faults::{Answer, Call};
use crate::psp::Psp;
use crate::scenario;
use crate::server::Connection;
use crate::{clock, ids};

pub(super) async fn create(
    State(both): State<Both>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    Path(id): Path<String>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let incoming = Incoming { connection, call: Call::CreateRefund, method, uri, headers, body };
    api::command(both, incoming, move |psp, _, admitted| book(psp, id, admitted)).await
}

async fn book(psp: Arc<Psp>, id: String, admitted: Admitted) -> Result<Answer, Problem> {
    let payment = payments::find(&psp, &id)?;
    let (movement, answer) = psp.book.enter(|entry| {
        let earlier: Vec<&Movement> =
            entry.movements().iter().filter(|m| m.text("payment_id") == id).collect();
        let movement = draft(&payment, &earlier, &admitted)?;
        let answer = Answer::json(StatusCode::ACCEPTED, &json!({ "id": movement.reference }));
        entry.put(movement.clone());
        admitted.remember(entry, &answer);
        Ok((movement, answer))
    })?;
    scenario::booked(&psp, &movement, &admitted.plan).await;
    Ok(answer)
}

fn draft(
    payment: &Movement,
    earlier: &[&Movement],
    admitted: &Admitted,
) -> Result<Movement, Problem> {
    let body = &admitted.body;
    if payment.status != Status::Succeeded {
        return Err(Problem::state("Only a settled payment can be refunded."));
    }
    let refunded: i64 = earlier
        .iter()
        .filter(|m| matches!(m.status, Status::Pending | Status::Succeeded))
        .map(|m| m.amount_minor)
        .sum();
    let left = payment.amount_minor - refunded;
    let asked = match &body["amount_in_minor"] {
        Value::Null => Some(left),
        amount => amount.as_i64(),
    };
    let amount_minor = asked.filter(|amount| (1..=left).contains(amount));
    let amount_minor =
        amount_minor.ok_or_else(|| Problem::invalid("amount_in_minor exceeds what is left."))?;
    if !body["reference"].is_string() {
        return Err(Problem::invalid("reference is required."));
    }
    let now = clock::now();
    Ok(Movement {
        reference: ids::uuid(),
        client_reference: api::client_reference(admitted),
        kind: Kind::Refund,
        amount_minor,
        currency: payment.currency.clone(),
        status: Status::Pending,
        created_at: now,
        changed_at: now,
        settled_at: None,
        code: None,
        payer: payment.payer.clone(),
        wire: json!({
            "payment_id": payment.reference, "reference": body["reference"],
            "metadata": api::metadata(body)?,
        }),
    })
}

fn of_payment(psp: &Psp, payment: &str) -> Vec<Movement> {
    let movements = psp.book.movements();
    let ours = |m: &Movement| m.kind == Kind::Refund && m.text("payment_id") == payment;
    movements.into_iter().filter(ours).collect()
}

pub(super) async fn list(
    State(both): State<Both>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    Path(id): Path<String>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let body = Bytes::new();
    let incoming = Incoming { connection, call: Call::Query, method, uri, headers, body };
    api::query(both, incoming, move |psp, _| {
        payments::find(psp, &id)?;
        let items: Vec<Value> = of_payment(psp, &id).iter().map(view::refund).collect();
        Ok(json!({ "items": items }))
    })
    .await
}

pub(super) async fn read(
    State(both): State<Both>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    Path((id, refund)): Path<(String, String)>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let body = Bytes::new();
    let incoming = Incoming { connection, call: Call::Query, method, uri, headers, body };
    api::query(both, incoming, move |psp, _| {
        let refunds = of_payment(psp, &id);
        let found = refunds.iter().find(|m| m.reference == refund);
        found.map(view::refund).ok_or_else(Problem::not_found)
    })
    .await
}
