//! Payment requests: pushed to a payer's app by number, or opened there by a token.

use axum::extract::{ConnectInfo, Path, State};
use axum::response::Response;
use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};
use time::Duration;

use super::api::{self, Both, Created, Refusal};
use super::{Swish, is_instruction, view};
use crate::book::{Kind, Movement, Status};
use crate::faults::{Call, Fault};
use crate::psp::Psp;
use crate::scenario::{self, Completion, Outcome};
use crate::server::Connection;
use crate::{clock, ids};

/// A request that nobody answers is over after this.
const SESSION: Duration = Duration::minutes(3);

pub(super) async fn create(
    State(both): State<Both>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    Path(id): Path<String>,
    body: Bytes,
) -> Response {
    api::creating(both, connection, Call::CreateDeposit, move |psp, swish, plan| async move {
        let body: Value =
            serde_json::from_slice(&body).map_err(|_| Refusal::plain(StatusCode::BAD_REQUEST))?;
        let movement = draft(&swish, &id, &body)?;
        if plan.is(Fault::DeclineHard) {
            return Err(Refusal::code("ACMT03"));
        }
        let alias = movement.text("payerAlias").to_owned();
        psp.book.enter(|entry| {
            if entry.movement(&id).is_some() {
                return Err(Refusal::code("RP09"));
            }
            let since = clock::now() - SESSION;
            let active = |m: &Movement| {
                m.kind == Kind::Deposit
                    && m.status == Status::Pending
                    && since < m.created_at
                    && m.text("payerAlias") == alias
            };
            if !alias.is_empty() && entry.movements().iter().any(active) {
                return Err(Refusal::code("RP06"));
            }
            entry.put(movement.clone());
            Ok(())
        })?;
        scenario::booked(&psp, &movement, &plan).await;
        let location = format!("{}/swish-cpcapi/api/v1/paymentrequests/{id}", swish.base_url);
        let token = alias.is_empty().then(|| token_of(&id));
        Ok(Created { location, token })
    })
    .await
}

/// What opens a request in the app.
pub(super) fn token_of(id: &str) -> String {
    ids::derived_uuid(&["token", id]).replace('-', "")
}

fn draft(swish: &Swish, id: &str, body: &Value) -> Result<Movement, Refusal> {
    let text = |name: &str| body[name].as_str();
    if !is_instruction(id) {
        return Err(Refusal::plain(StatusCode::BAD_REQUEST));
    }
    let reference = text("payeePaymentReference").unwrap_or_default();
    if !reference.is_empty() && !api::is_reference(reference) {
        return Err(Refusal::code("FF08"));
    }
    let url = api::callback_url(text("callbackUrl"))?;
    match text("payeeAlias") {
        None => return Err(Refusal::code("RP01")),
        // The certificate belongs to one merchant's number.
        Some(alias) if alias != swish.payee_alias => {
            return Err(Refusal::plain(StatusCode::FORBIDDEN));
        }
        Some(_) => {}
    }
    let payer_alias = text("payerAlias").unwrap_or_default();
    if !payer_alias.is_empty() && !api::is_alias(payer_alias) {
        return Err(Refusal::code("BE18"));
    }
    let amount_minor = api::amount(text("amount"))?;
    if text("currency") != Some(&*swish.currency) {
        return Err(Refusal::code("AM03"));
    }
    let message = text("message").unwrap_or_default();
    if !api::is_message(message) {
        return Err(Refusal::code("RP02"));
    }
    let now = clock::now();
    Ok(Movement {
        reference: id.to_owned(),
        client_reference: ids::client_reference(id),
        kind: Kind::Deposit,
        amount_minor,
        currency: swish.currency.clone(),
        status: Status::Pending,
        created_at: now,
        changed_at: now,
        settled_at: None,
        code: None,
        payer: None,
        wire: json!({
            "payeePaymentReference": reference, "callbackUrl": url, "payerAlias": payer_alias,
            "payeeAlias": swish.payee_alias, "message": message, "paymentReference": "",
        }),
    })
}

pub(super) fn find(psp: &Psp, id: &str) -> Result<Movement, Refusal> {
    let movement = psp.book.find(id).filter(|m| m.kind == Kind::Deposit);
    movement.ok_or_else(Refusal::missing)
}

pub(super) async fn read(
    State(both): State<Both>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    Path(id): Path<String>,
) -> Response {
    api::answering(both, connection, Call::Query, move |psp, _| {
        Ok(view::text(&view::resource(&find(psp, &id)?)))
    })
    .await
}

/// `PATCH` with `[{"op":"replace","path":"/status","value":"cancelled"}]`.
pub(super) async fn cancel(
    State(both): State<Both>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    Path(id): Path<String>,
    body: Bytes,
) -> Response {
    api::answering(both, connection, Call::Other, move |psp, _| {
        let patch: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
        if patch != json!([{ "op": "replace", "path": "/status", "value": "cancelled" }]) {
            return Err(Refusal::code("PA01"));
        }
        find(psp, &id)?;
        let done = Completion::plain(Outcome::Cancelled);
        let (movement, _) = scenario::complete(psp, &id, &done)
            .map_err(|_| Refusal::plain(StatusCode::UNPROCESSABLE_ENTITY))?;
        Ok(view::text(&view::resource(&movement)))
    })
    .await
}
