//! Standalone credits: payouts, made from a handle of the same amount.

use std::sync::Arc;

use axum::extract::{ConnectInfo, Query, State};
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::api::{self, Both, ByReference, Incoming, Problem};
use super::{HANDLES, Paysafe, view};
use crate::book::{Entry, Kind, Movement, Payer, Status};
use crate::faults::{Answer, Call, Fault, Plan};
use crate::psp::Psp;
use crate::scenario;
use crate::server::Connection;
use crate::{clock, ids};

pub(super) async fn create(
    State(both): State<Both>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let incoming = Incoming { connection, call: Call::CreatePayout, headers, body: Some(body) };
    api::call(both, incoming, book).await
}

async fn book(
    psp: Arc<Psp>,
    paysafe: Arc<Paysafe>,
    body: Value,
    plan: Plan,
) -> Result<Answer, Problem> {
    match plan.fault {
        Some(Fault::DeclineHard) => return Err(Problem::forbidden()),
        Some(Fault::DeclineSoft) => return Err(Problem::declined()),
        _ => {}
    }
    let movement = psp.book.enter(|entry| draft(entry, &paysafe, &body))?;
    scenario::booked(&psp, &movement, &plan).await;
    Ok(Answer::json(StatusCode::CREATED, &view::credit(&paysafe, &movement)))
}

fn draft(entry: &mut Entry<'_>, paysafe: &Paysafe, body: &Value) -> Result<Movement, Problem> {
    let reference = api::needed(body, "merchantRefNum")?;
    let token = api::needed(body, "paymentHandleToken")?;
    let amount_minor = api::amount(paysafe, body)?;
    let used = |m: &Movement| m.kind == Kind::Payout && m.text("ref") == reference;
    if body["dupCheck"] != false && entry.movements().iter().any(used) {
        return Err(Problem::duplicate());
    }
    let handle = entry.fact(HANDLES, &reference).cloned();
    let handle = handle.filter(|handle| handle["paymentHandleToken"] == token.as_str());
    let mut handle = handle.ok_or(Problem::field("paymentHandleToken"))?;
    if handle["status"] != "PAYABLE" {
        return Err(Problem::not_payable());
    }
    if handle["amount"] != amount_minor {
        return Err(Problem::field("amount"));
    }
    handle["status"] = "COMPLETED".into();
    let name = |field: &str| handle["profile"][field].as_str().unwrap_or_default();
    let now = clock::now();
    let movement = Movement {
        reference: ids::uuid(),
        client_reference: ids::client_reference(&reference),
        kind: Kind::Payout,
        amount_minor,
        currency: paysafe.currency.clone(),
        status: Status::Pending,
        created_at: now,
        changed_at: now,
        settled_at: None,
        code: None,
        payer: Some(Payer {
            name: format!("{} {}", name("firstName"), name("lastName")).trim().to_owned(),
            ..Payer::default()
        }),
        wire: json!({ "ref": reference, "token": token, "whose": handle["consumerId"] }),
    };
    entry.put_fact(HANDLES, &reference, handle);
    entry.put(movement.clone());
    Ok(movement)
}

pub(super) async fn list(
    State(both): State<Both>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    Query(by): Query<ByReference>,
    headers: HeaderMap,
) -> Response {
    let incoming = Incoming { connection, call: Call::Query, headers, body: None };
    api::call(both, incoming, |psp, paysafe, _, _| async move {
        let reference = by.needed()?;
        let movements = psp.book.movements();
        let ours = |m: &&Movement| m.kind == Kind::Payout && m.text("ref") == reference;
        let credits = movements.iter().filter(ours).map(|m| view::credit(&paysafe, m)).collect();
        Ok(api::records("standaloneCredits", credits))
    })
    .await
}
