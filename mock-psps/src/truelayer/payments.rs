//! Payments: money that a payer's bank sends after the payer has approved it.

use std::sync::Arc;

use axum::extract::{ConnectInfo, Path, State};
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, Uri};
use serde_json::{Value, json};

use super::api::{self, Admitted, Both, Incoming, Problem};
use super::{TrueLayer, view};
use crate::book::{Kind, Movement, Payer, Status};
use crate::faults::{Answer, Call, Fault};
use crate::psp::Psp;
use crate::scenario::{self, Completion, Outcome};
use crate::server::Connection;
use crate::{clock, ids};

pub(super) async fn create(
    State(both): State<Both>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let incoming = Incoming { connection, call: Call::CreateDeposit, method, uri, headers, body };
    api::command(both, incoming, book).await
}

async fn book(
    psp: Arc<Psp>,
    truelayer: Arc<TrueLayer>,
    admitted: Admitted,
) -> Result<Answer, Problem> {
    if admitted.plan.is(Fault::DeclineHard) {
        return Err(Problem::forbidden("This client may not create payments for this user."));
    }
    let movement = draft(&truelayer, &admitted)?;
    let user = json!({ "id": movement.text("user_id") });
    let answer = Answer::json(
        StatusCode::CREATED,
        &json!({
            "id": movement.reference, "user": user, "status": "authorization_required",
            "resource_token": movement.text("resource_token"),
        }),
    );
    psp.book.enter(|entry| {
        entry.put(movement.clone());
        admitted.remember(entry, &answer);
    });
    scenario::booked(&psp, &movement, &admitted.plan).await;
    Ok(answer)
}

fn draft(truelayer: &TrueLayer, admitted: &Admitted) -> Result<Movement, Problem> {
    let body = &admitted.body;
    let amount_minor = api::amount(body, &truelayer.currency)?;
    if truelayer.currency == "PLN" {
        return Err(Problem::invalid("PLN is only usable with payouts."));
    }
    let method = &body["payment_method"];
    let beneficiary = &method["beneficiary"];
    if method["type"] != "bank_transfer" {
        return Err(Problem::invalid("payment_method.type must be bank_transfer."));
    }
    if !method["provider_selection"]["type"].is_string() {
        return Err(Problem::invalid("payment_method.provider_selection is required."));
    }
    let ours = beneficiary["merchant_account_id"] == truelayer.merchant_account_id.as_str();
    if beneficiary["type"] != "merchant_account" || !ours {
        return Err(Problem::invalid("payment_method.beneficiary is not a known account."));
    }
    let user = &body["user"];
    if !user.is_object() {
        return Err(Problem::invalid("user is required."));
    }
    let user_id = match user["id"].as_str() {
        Some(id) => id.to_owned(),
        None => ids::uuid(),
    };
    let name = user["name"].as_str().filter(|name| !name.is_empty());
    let now = clock::now();
    Ok(Movement {
        reference: ids::uuid(),
        client_reference: api::client_reference(admitted),
        kind: Kind::Deposit,
        amount_minor,
        currency: truelayer.currency.clone(),
        status: Status::Pending,
        created_at: now,
        changed_at: now,
        settled_at: None,
        code: None,
        payer: name.map(|name| Payer { name: name.to_owned(), ..Payer::default() }),
        wire: json!({
            "user_id": user_id,
            "payment_method": method,
            "metadata": api::metadata(body)?,
            "resource_token": format!("{}{}", ids::uuid(), ids::uuid()).replace('-', ""),
        }),
    })
}

pub(super) async fn read(
    State(both): State<Both>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    Path(id): Path<String>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let body = Bytes::new();
    let incoming = Incoming { connection, call: Call::Query, method, uri, headers, body };
    api::query(both, incoming, move |psp, truelayer| {
        let movement = find(psp, &id)?;
        Ok(view::payment(truelayer, &movement))
    })
    .await
}

/// A payment that this client created; money that came by itself is not one.
pub(super) fn find(psp: &Psp, id: &str) -> Result<Movement, Problem> {
    let movement = psp.book.find(id).filter(|m| m.kind == Kind::Deposit);
    movement.filter(|m| m.wire["external"] != true).ok_or_else(Problem::not_found)
}

pub(super) async fn cancel(
    State(both): State<Both>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    Path(id): Path<String>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let incoming = Incoming { connection, call: Call::Other, method, uri, headers, body };
    api::command(both, incoming, move |psp, _, admitted| async move {
        find(&psp, &id)?;
        let code = Some("canceled".to_owned());
        let done = Completion { code, ..Completion::plain(Outcome::Cancelled) };
        scenario::complete(&psp, &id, &done).map_err(|error| Problem::state(error.to_string()))?;
        let answer = Answer::json(StatusCode::ACCEPTED, &Value::Object(Default::default()));
        psp.book.enter(|entry| admitted.remember(entry, &answer));
        Ok(answer)
    })
    .await
}
