//! Refunds of paid requests, back to the number that paid.

use axum::extract::{ConnectInfo, Path, State};
use axum::response::Response;
use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};

use super::api::{self, Both, Created, Refusal};
use super::{Swish, is_instruction, view};
use crate::book::{Entry, Kind, Movement, Status};
use crate::faults::Call;
use crate::scenario;
use crate::server::Connection;
use crate::{clock, ids};

pub(super) async fn create(
    State(both): State<Both>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    Path(id): Path<String>,
    body: Bytes,
) -> Response {
    api::creating(both, connection, Call::CreateRefund, move |psp, swish, plan| async move {
        let body: Value =
            serde_json::from_slice(&body).map_err(|_| Refusal::plain(StatusCode::BAD_REQUEST))?;
        let movement = psp.book.enter(|entry| {
            let movement = draft(&swish, entry, &id, &body)?;
            entry.put(movement.clone());
            Ok(movement)
        })?;
        scenario::booked(&psp, &movement, &plan).await;
        let location = format!("{}/swish-cpcapi/api/v1/refunds/{id}", swish.base_url);
        Ok(Created { location, token: None })
    })
    .await
}

fn draft(swish: &Swish, entry: &Entry<'_>, id: &str, body: &Value) -> Result<Movement, Refusal> {
    let text = |name: &str| body[name].as_str().unwrap_or_default();
    if !is_instruction(id) {
        return Err(Refusal::plain(StatusCode::BAD_REQUEST));
    }
    let url = api::callback_url(body["callbackUrl"].as_str())?;
    let original = text("originalPaymentReference");
    let of_original = |m: &&Movement| {
        m.kind == Kind::Deposit
            && m.status == Status::Succeeded
            && m.text("paymentReference") == original
    };
    let deposit = entry.movements().iter().find(of_original).filter(|_| !original.is_empty());
    let deposit = deposit.ok_or(Refusal::code("RF02"))?;
    if text("payerAlias") != swish.payee_alias {
        return Err(Refusal::plain(StatusCode::FORBIDDEN));
    }
    let amount_minor = api::amount(body["amount"].as_str())?;
    if text("currency") != swish.currency {
        return Err(Refusal::code("AM03"));
    }
    if entry.movement(id).is_some() {
        return Err(Refusal::code("RP09"));
    }
    let earlier: i64 = entry
        .movements()
        .iter()
        .filter(|m| m.kind == Kind::Refund && m.text("originalPaymentReference") == original)
        .filter(|m| matches!(m.status, Status::Pending | Status::Succeeded))
        .map(|m| m.amount_minor)
        .sum();
    if deposit.amount_minor < earlier + amount_minor {
        return Err(Refusal::code("RF08"));
    }
    let now = clock::now();
    Ok(Movement {
        reference: id.to_owned(),
        client_reference: ids::client_reference(id),
        kind: Kind::Refund,
        amount_minor,
        currency: swish.currency.clone(),
        status: Status::Pending,
        created_at: now,
        changed_at: now,
        settled_at: None,
        code: None,
        payer: deposit.payer.clone(),
        wire: json!({
            "originalPaymentReference": original, "callbackUrl": url,
            "payerPaymentReference": text("payerPaymentReference"),
            "payerAlias": swish.payee_alias, "payeeAlias": deposit.text("payerAlias"),
            "message": text("message"), "paymentReference": super::upper_uuid(),
        }),
    })
}

pub(super) async fn read(
    State(both): State<Both>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    Path(id): Path<String>,
) -> Response {
    api::answering(both, connection, Call::Query, move |psp, _| {
        let movement = psp.book.find(&id).filter(|m| m.kind == Kind::Refund);
        Ok(view::text(&view::resource(&movement.ok_or_else(Refusal::missing)?)))
    })
    .await
}
