//! Payouts from the merchant account: to a payment source (closed loop) or an external account.

use std::sync::Arc;

use axum::extract::{ConnectInfo, Path, State};
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, Uri};
use serde_json::{Value, json};

use super::api::{self, Admitted, Both, Incoming, Problem};
use super::{SOURCES, TrueLayer, view};
use crate::book::{Kind, Movement, Payer, Status};
use crate::faults::{Answer, Call, Fault};
use crate::psp::Psp;
use crate::scenario;
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
    let incoming = Incoming { connection, call: Call::CreatePayout, method, uri, headers, body };
    api::command(both, incoming, book).await
}

async fn book(
    psp: Arc<Psp>,
    truelayer: Arc<TrueLayer>,
    admitted: Admitted,
) -> Result<Answer, Problem> {
    if admitted.plan.is(Fault::DeclineHard) {
        return Err(Problem::forbidden("This client may not pay out to this beneficiary."));
    }
    let movement = draft(&psp, &truelayer, &admitted)?;
    let answer = Answer::json(StatusCode::ACCEPTED, &json!({ "id": movement.reference }));
    psp.book.enter(|entry| {
        entry.put(movement.clone());
        admitted.remember(entry, &answer);
    });
    scenario::booked(&psp, &movement, &admitted.plan).await;
    Ok(answer)
}

fn draft(psp: &Psp, truelayer: &TrueLayer, admitted: &Admitted) -> Result<Movement, Problem> {
    let body = &admitted.body;
    let amount_minor = api::amount(body, &truelayer.currency)?;
    if body["merchant_account_id"] != truelayer.merchant_account_id.as_str() {
        return Err(Problem::invalid("merchant_account_id is not a known account."));
    }
    let beneficiary = &body["beneficiary"];
    let name = match beneficiary["type"].as_str() {
        Some("payment_source") => holder_of_source(psp, beneficiary)?,
        Some("external_account") => holder_of_account(beneficiary)?,
        _ => return Err(Problem::invalid("beneficiary.type is not supported.")),
    };
    let now = clock::now();
    Ok(Movement {
        reference: ids::uuid(),
        client_reference: api::client_reference(admitted),
        kind: Kind::Payout,
        amount_minor,
        currency: truelayer.currency.clone(),
        status: Status::Pending,
        created_at: now,
        changed_at: now,
        settled_at: None,
        code: None,
        payer: Some(Payer { name, ..Payer::default() }),
        wire: json!({ "beneficiary": beneficiary, "metadata": api::metadata(body)? }),
    })
}

/// Closed loop: the source must be an account that this very user has paid from.
fn holder_of_source(psp: &Psp, beneficiary: &Value) -> Result<String, Problem> {
    let id = beneficiary["payment_source_id"].as_str().unwrap_or_default();
    let source = psp.book.fact(SOURCES, id);
    let source = source.filter(|source| source["user_id"] == beneficiary["user_id"]);
    let source = source.ok_or_else(|| Problem::invalid("The payment source is not known."))?;
    Ok(source["account_holder_name"].as_str().unwrap_or_default().to_owned())
}

fn holder_of_account(beneficiary: &Value) -> Result<String, Problem> {
    let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let account = &beneficiary["account_identifier"];
    let digits = |value: &Value, len: usize| {
        let digit = |text: &str| text.len() == len && text.bytes().all(|b| b.is_ascii_digit());
        value.as_str().is_some_and(digit)
    };
    let fine = match account["type"].as_str() {
        Some("iban") => account["iban"].as_str().is_some_and(ids::iban_is_valid),
        Some("sort_code_account_number") => {
            digits(&account["sort_code"], 6) && digits(&account["account_number"], 8)
        }
        _ => false,
    };
    if !fine {
        return Err(Problem::invalid("beneficiary.account_identifier is not valid."));
    }
    text(&beneficiary["reference"])
        .ok_or_else(|| Problem::invalid("beneficiary.reference is required."))?;
    text(&beneficiary["account_holder_name"])
        .ok_or_else(|| Problem::invalid("beneficiary.account_holder_name is required."))
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
        let movement = psp.book.find(&id).filter(|m| m.kind == Kind::Payout);
        let movement = movement.ok_or_else(Problem::not_found)?;
        Ok(view::payout(truelayer, &movement))
    })
    .await
}
