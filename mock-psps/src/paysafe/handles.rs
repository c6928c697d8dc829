//! Payment handles: a deposit's is a redirect that its payer makes payable, a payout's is payable at
//! once. Either is spent by one more call.

use std::sync::Arc;

use axum::extract::{ConnectInfo, Path, Query, State};
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::api::{self, Both, ByReference, Incoming, Problem};
use super::{HANDLE_LIFE, HANDLES, Paysafe, view};
use crate::book::{Kind, Movement, Payer, Status};
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
    let parsed: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    // A payout's handle moves nothing yet.
    let deposit = parsed["transactionType"] == "PAYMENT";
    let call = if deposit { Call::CreateDeposit } else { Call::Other };
    let incoming = Incoming { connection, call, headers, body: Some(body) };
    api::call(both, incoming, book).await
}

async fn book(
    psp: Arc<Psp>,
    paysafe: Arc<Paysafe>,
    body: Value,
    plan: Plan,
) -> Result<Answer, Problem> {
    let reference = api::needed(&body, "merchantRefNum")?;
    let amount_minor = api::amount(&paysafe, &body)?;
    if body["paymentType"] != paysafe.payment_type.as_str() {
        return Err(Problem::field("paymentType"));
    }
    let whose = whose(&paysafe, &body)?;
    match body["transactionType"].as_str() {
        Some("PAYMENT") => {}
        Some("STANDALONE_CREDIT") => return credit_handle(&psp, &body, &reference, &whose),
        _ => return Err(Problem::field("transactionType")),
    }
    match plan.fault {
        Some(Fault::DeclineHard) => return Err(Problem::forbidden()),
        Some(Fault::DeclineSoft) => return Err(Problem::declined()),
        _ => {}
    }
    let links = return_links(&body)?;
    let at_once = paysafe.takes_cards() && !whose.starts_with("CHALLENGE");
    let name = |field: &str| body["profile"][field].as_str().unwrap_or_default();
    let now = clock::now();
    let movement = Movement {
        reference: ids::uuid(),
        client_reference: ids::client_reference(&reference),
        kind: Kind::Deposit,
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
        wire: json!({
            "ref": reference, "token": token(), "whose": whose, "payment": "",
            "return": links, "profile": body["profile"], "ip": body["customerIp"],
            // A stored card is payable at once, unless its issuer wants to see its holder.
            "payable": at_once, "approved": at_once,
        }),
    };
    psp.book.enter(|entry| {
        let used = |m: &Movement| m.kind == Kind::Deposit && m.text("ref") == reference;
        if body["dupCheck"] != false && entry.movements().iter().any(used) {
            return Err(Problem::duplicate());
        }
        entry.put(movement.clone());
        Ok(())
    })?;
    scenario::booked(&psp, &movement, &plan).await;
    // As it was made, whatever has become of it since.
    Ok(Answer::json(StatusCode::CREATED, &view::handle(&paysafe, &movement)))
}

fn token() -> String {
    format!("PH{}", &ids::uuid().replace('-', "")[..14])
}

/// Who pays or is paid by Interac: an e-mail address. Wallets have the same field under their own name. Of a
/// card it is the token under which it was stored.
fn whose(paysafe: &Paysafe, body: &Value) -> Result<String, Problem> {
    if paysafe.takes_cards() {
        return api::needed(body, "paymentHandleTokenFrom");
    }
    let own = view::instrument_key(paysafe);
    let is_typed = !body[own]["type"].is_null();
    if is_typed != (own == "interacEtransfer") {
        return Err(Problem::field("type"));
    }
    let id = body[own]["consumerId"].as_str().filter(|id| id.contains('@'));
    id.map(str::to_owned).ok_or(Problem::field("consumerId"))
}

fn return_links(body: &Value) -> Result<Value, Problem> {
    let links = body["returnLinks"].as_array().ok_or(Problem::field("returnLinks"))?;
    let href = |rel: &str| {
        let found = links.iter().find(|link| link["rel"] == rel);
        found.and_then(|link| link["href"].as_str()).map(str::to_owned)
    };
    let default = href("default").ok_or(Problem::field("returnLinks"))?;
    let of = |rel: &str| href(rel).unwrap_or_else(|| default.clone());
    Ok(json!({ "completed": of("on_completed"), "failed": of("on_failed") }))
}

fn credit_handle(psp: &Psp, body: &Value, reference: &str, whose: &str) -> Result<Answer, Problem> {
    let now = clock::seconds(clock::now());
    let handle = json!({
        "id": ids::uuid(), "paymentHandleToken": token(), "merchantRefNum": reference,
        "transactionType": "STANDALONE_CREDIT", "paymentType": body["paymentType"],
        "amount": body["amount"], "currencyCode": body["currencyCode"], "status": "PAYABLE",
        "usage": "SINGLE_USE", "timeToLiveSeconds": HANDLE_LIFE.whole_seconds(), "txnTime": now,
        "consumerId": whose, "profile": body["profile"],
    });
    psp.book.enter(|entry| {
        if body["dupCheck"] != false && entry.fact(HANDLES, reference).is_some() {
            return Err(Problem::duplicate());
        }
        entry.put_fact(HANDLES, reference, handle.clone());
        Ok(())
    })?;
    Ok(Answer::json(StatusCode::CREATED, &handle))
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
        let ours = |m: &&Movement| m.kind == Kind::Deposit && m.text("ref") == reference;
        let deposits = movements.iter().filter(ours).map(|m| view::handle(&paysafe, m));
        let handles = deposits.chain(psp.book.fact(HANDLES, &reference)).collect();
        Ok(api::records("paymentHandles", handles))
    })
    .await
}

pub(super) async fn read(
    State(both): State<Both>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let incoming = Incoming { connection, call: Call::Query, headers, body: None };
    api::call(both, incoming, |psp, paysafe, _, _| async move {
        let movement = psp.book.find(&id).filter(|m| m.kind == Kind::Deposit);
        let movement = movement.ok_or(Problem::not_found())?;
        Ok(Answer::json(StatusCode::OK, &view::handle(&paysafe, &movement)))
    })
    .await
}
