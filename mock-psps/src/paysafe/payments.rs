//! The second call of a deposit, which spends its handle; the settlement that follows; refunds.

use std::sync::Arc;

use axum::extract::{ConnectInfo, Path, Query, State};
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::api::{self, Both, ByReference, Incoming, Problem};
use super::{Paysafe, spend, view};
use crate::book::{Entry, Kind, Movement, Status};
use crate::faults::{Answer, Call, Plan};
use crate::psp::{Dialect as _, Psp};
use crate::scenario::{self, Completion, Outcome};
use crate::server::Connection;
use crate::{clock, ids};

pub(super) async fn create(
    State(both): State<Both>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let incoming = Incoming { connection, call: Call::Other, headers, body: Some(body) };
    api::call(both, incoming, pay).await
}

async fn pay(
    psp: Arc<Psp>,
    paysafe: Arc<Paysafe>,
    body: Value,
    _: Plan,
) -> Result<Answer, Problem> {
    let movement = psp.book.enter(|entry| take(entry, &paysafe, &body))?;
    let mut shown = movement.clone();
    if movement.wire["approved"] == true {
        let done = Completion {
            amount_minor: movement.wire["paid_minor"].as_i64(),
            ..Completion::plain(Outcome::Succeeded)
        };
        if let Ok((paid, _)) = scenario::complete(&psp, &movement.reference, &done) {
            shown = paid;
        }
    }
    Ok(Answer::json(StatusCode::CREATED, &view::payment(&paysafe, &shown)))
}

/// Spends the handle. Fields of handles are refused here, as Paysafe refuses what it does not know.
fn take(entry: &mut Entry<'_>, paysafe: &Paysafe, body: &Value) -> Result<Movement, Problem> {
    if ["returnLinks", "profile", "paymentType"].iter().any(|field| !body[field].is_null()) {
        let message = "You submitted a request that is not parseable.";
        return Err(Problem::new(StatusCode::BAD_REQUEST, "5023", message));
    }
    let reference = api::needed(body, "merchantRefNum")?;
    let token = api::needed(body, "paymentHandleToken")?;
    let amount_minor = api::amount(paysafe, body)?;
    let paid = |m: &Movement| {
        m.kind == Kind::Deposit && m.text("ref") == reference && !m.text("payment").is_empty()
    };
    if body["dupCheck"] == true && entry.movements().iter().any(paid) {
        return Err(Problem::duplicate());
    }
    let of_token = |m: &&Movement| m.kind == Kind::Deposit && m.text("token") == token;
    let found = entry.movements().iter().find(of_token).cloned();
    let mut movement = found.ok_or(Problem::field("paymentHandleToken"))?;
    let payable = movement.wire["payable"] == true && movement.text("payment").is_empty();
    if !payable || movement.status != Status::Pending || paysafe.has_run_out(&movement) {
        return Err(Problem::not_payable());
    }
    if movement.amount_minor != amount_minor || body["settleWithAuth"] != true {
        return Err(Problem::field("amount"));
    }
    if paysafe.takes_cards() && movement.text("whose").starts_with("REFUSED") {
        return Err(Problem::declined());
    }
    spend(&mut movement);
    entry.put(movement.clone());
    Ok(movement)
}

/// Everything under one merchantRefNum that `shown` has a view of.
async fn found_by_reference(
    both: Both,
    connection: Connection,
    headers: HeaderMap,
    by: ByReference,
    name: &'static str,
    shown: fn(&Paysafe, &Movement) -> Option<Value>,
) -> Response {
    let incoming = Incoming { connection, call: Call::Query, headers, body: None };
    api::call(both, incoming, move |psp, paysafe, _, _| async move {
        let reference = by.needed()?;
        let movements = psp.book.movements();
        let ours = movements.iter().filter(|m| m.text("ref") == reference);
        Ok(api::records(name, ours.filter_map(|m| shown(&paysafe, m)).collect()))
    })
    .await
}

pub(super) async fn list(
    State(both): State<Both>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    Query(by): Query<ByReference>,
    headers: HeaderMap,
) -> Response {
    found_by_reference(both, connection, headers, by, "payments", |paysafe, m| {
        let made = m.kind == Kind::Deposit && !m.text("payment").is_empty();
        made.then(|| view::payment(paysafe, m))
    })
    .await
}

/// By the payment's own id, which is another than its handle's.
pub(super) async fn read(
    State(both): State<Both>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let incoming = Incoming { connection, call: Call::Query, headers, body: None };
    api::call(both, incoming, move |psp, paysafe, _, _| async move {
        let movements = psp.book.movements();
        let found = movements.iter().find(|m| m.kind == Kind::Deposit && m.text("payment") == id);
        let found = found.ok_or(Problem::not_found())?;
        Ok(Answer::json(StatusCode::OK, &view::payment(&paysafe, found)))
    })
    .await
}

pub(super) async fn settlements(
    State(both): State<Both>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    Query(by): Query<ByReference>,
    headers: HeaderMap,
) -> Response {
    found_by_reference(both, connection, headers, by, "settlements", |_, m| {
        let settled = m.kind == Kind::Deposit && m.settled_at.is_some();
        settled.then(|| view::settlement(m))
    })
    .await
}

pub(super) async fn refunds(
    State(both): State<Both>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    Query(by): Query<ByReference>,
    headers: HeaderMap,
) -> Response {
    found_by_reference(both, connection, headers, by, "refunds", |_, m| {
        (m.kind == Kind::Refund).then(|| view::refund(m))
    })
    .await
}

pub(super) async fn refund(
    State(both): State<Both>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let incoming = Incoming { connection, call: Call::CreateRefund, headers, body: Some(body) };
    api::call(both, incoming, move |psp, _, body, plan| async move {
        let movement = psp.book.enter(|entry| give_back(entry, &id, &body))?;
        scenario::booked(&psp, &movement, &plan).await;
        Ok(Answer::json(StatusCode::CREATED, &view::refund(&movement)))
    })
    .await
}

fn give_back(entry: &mut Entry<'_>, settlement: &str, body: &Value) -> Result<Movement, Problem> {
    let reference = api::needed(body, "merchantRefNum")?;
    let used = |m: &Movement| m.kind == Kind::Refund && m.text("ref") == reference;
    if body["dupCheck"] != false && entry.movements().iter().any(used) {
        return Err(Problem::duplicate());
    }
    let of_settlement = |m: &&Movement| m.text("settlement") == settlement;
    let paid = entry.movements().iter().find(of_settlement).cloned();
    let unknown = Problem::new(StatusCode::BAD_REQUEST, "3407", "The settlement was not found.");
    let paid = paid.filter(|m| m.status == Status::Succeeded).ok_or(unknown)?;
    let open = |m: &&Movement| {
        m.text("of") == settlement && matches!(m.status, Status::Pending | Status::Succeeded)
    };
    let gone: i64 = entry.movements().iter().filter(open).map(|m| m.amount_minor).sum();
    let left = paid.amount_minor - gone;
    let amount_minor = body["amount"].as_i64().filter(|minor| (1..=left).contains(minor));
    let message = "The requested refund amount exceeds the remaining settlement amount.";
    let over = Problem::new(StatusCode::PAYMENT_REQUIRED, "3404", message);
    let now = clock::now();
    let movement = Movement {
        reference: ids::uuid(),
        client_reference: ids::client_reference(&reference),
        kind: Kind::Refund,
        amount_minor: amount_minor.ok_or(over)?,
        status: Status::Pending,
        created_at: now,
        changed_at: now,
        settled_at: None,
        wire: json!({ "ref": reference, "of": settlement, "whose": paid.text("whose") }),
        ..paid
    };
    entry.put(movement.clone());
    Ok(movement)
}
