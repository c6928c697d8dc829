//! What a payer, a bank or a settlement department does, by request.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::response::IntoResponse as _;
use axum::response::{Json, Response};
use bytes::Bytes;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Number, json};

use super::{Answered, DayQuery, Psps, Refused, check_day, find, parse, view};
use crate::book::Payer;
use crate::chain::{self, Chain, Transfer};
use crate::faults;
use crate::money;
use crate::psp::{Auto, Payin, Psp, Twist};
use crate::scenario::{self, CompleteError, Completion, Outcome, PayinError};
use crate::statement::{self, Break};
use crate::webhooks;

const RESENDS_MAX: u32 = 100;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CompleteRequest {
    outcome: Outcome,
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    amount: Option<String>,
    #[serde(default)]
    payer: Option<Payer>,
}

pub(super) async fn complete(
    State(psps): State<Psps>,
    Path((id, reference)): Path<(String, String)>,
    body: Bytes,
) -> Answered {
    let psp = find(&psps, &id)?;
    let request: CompleteRequest = parse(&body)?;
    if request.outcome == Outcome::Cancelled {
        return Err(Refused::unprocessable("only the merchant cancels"));
    }
    let movement = psp.book.find(&reference).ok_or_else(|| Refused::unknown("movement"))?;
    let amount_minor = request.amount.map(|text| amount(&text, &movement.currency)).transpose()?;
    let done = Completion {
        outcome: request.outcome,
        code: request.code,
        amount_minor,
        payer: request.payer,
    };
    let done = scenario::complete(&psp, &reference, &done);
    let (movement, _) = done.map_err(|error| match error {
        CompleteError::Unknown => Refused::unknown("movement"),
        CompleteError::Illegal { .. } => Refused::conflict(error.to_string()),
    })?;
    Ok(Json(view(&movement)))
}

fn amount(text: &str, currency: &str) -> Result<i64, Refused> {
    let minor = money::parse(text, money::decimals(currency)).filter(|minor| *minor > 0);
    minor.ok_or_else(|| Refused::unprocessable("amount is not a positive decimal text"))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PayinRequest {
    #[serde(default)]
    reference: Option<String>,
    #[serde(default)]
    address: Option<String>,
    amount: String,
    #[serde(default)]
    currency: Option<String>,
    #[serde(default)]
    payer: Option<Payer>,
    /// For chains; bank payments have none.
    #[serde(default)]
    confirmations: Option<u32>,
}

pub(super) async fn pay_in(
    State(psps): State<Psps>,
    Path(id): Path<String>,
    body: Bytes,
) -> Answered {
    let psp = find(&psps, &id)?;
    let request: PayinRequest = parse(&body)?;
    if let Some(chain) = psp.dialect.chain() {
        return send_coins(&psp, chain, request);
    }
    if request.confirmations.is_some() {
        return Err(Refused::unprocessable("this PSP knows no confirmations"));
    }
    let target = one_target(request.reference, request.address)?;
    let currency = request.currency.unwrap_or_else(|| psp.currency.clone());
    let amount_minor = amount(&request.amount, &currency)?;
    let named = request.payer.is_some();
    let stranger = Payer { name: "Mock Stranger".to_owned(), ..Payer::default() };
    let payer = request.payer.unwrap_or(stranger);
    let payin = Payin { target, amount_minor, currency, payer };
    let movement = scenario::pay_in(&psp, &payin, named).map_err(|error| match error {
        PayinError::Complete(_) => Refused::conflict(error.to_string()),
        _ => Refused::unprocessable(error.to_string()),
    })?;
    Ok(Json(view(&movement)))
}

fn send_coins(psp: &Arc<Psp>, chain: &dyn Chain, request: PayinRequest) -> Answered {
    let target = one_target(request.reference, request.address)?;
    let transfer = Transfer {
        target,
        amount: request.amount,
        asset: request.currency,
        payer: request.payer,
        confirmations: request.confirmations,
    };
    let sent = chain::send(psp, chain, &transfer);
    let movement = sent.map_err(|error| match error {
        PayinError::NoSuchAddress => Refused::new(StatusCode::NOT_FOUND, error.to_string()),
        PayinError::Complete(_) => Refused::conflict(error.to_string()),
        _ => Refused::unprocessable(error.to_string()),
    })?;
    Ok(Json(view(&movement)))
}

fn one_target(reference: Option<String>, address: Option<String>) -> Result<String, Refused> {
    match (reference, address) {
        (Some(target), None) | (None, Some(target)) => Ok(target),
        _ => Err(Refused::unprocessable("name either a reference or an address")),
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ResendRequest {
    reference: String,
    #[serde(default)]
    times: Option<u32>,
    #[serde(default)]
    bad_signature: bool,
    #[serde(default)]
    age_s: Option<u32>,
}

const NOTHING_TO_TELL: &str = "this PSP tells nobody of a movement that is still pending: complete it first \
    (POST /psps/{id}/movements/{reference}/complete), under the fault webhook_drop if nobody is to hear of that yet";

pub(super) async fn resend(
    State(psps): State<Psps>,
    Path(id): Path<String>,
    body: Bytes,
) -> Answered {
    let psp = find(&psps, &id)?;
    let request: ResendRequest = parse(&body)?;
    let found = psp.book.find(&request.reference);
    let found = found.or_else(|| chain::latest_at(&psp.book, &request.reference));
    let reference = found.ok_or_else(|| Refused::unknown("movement"))?.reference;
    let twist = Twist {
        bad_signature: request.bad_signature,
        age_s: request.age_s.unwrap_or(0).into(),
        ..Twist::default()
    };
    let times = request.times.unwrap_or(1).min(RESENDS_MAX);
    let report = webhooks::resend(&psp, &reference, times, twist).await;
    report.map(Json).ok_or_else(|| Refused::conflict(NOTHING_TO_TELL))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AutoRequest {
    complete_after_ms: Option<u64>,
    #[serde(default)]
    outcome: Option<Outcome>,
    #[serde(default)]
    declined: Option<Number>,
}

pub(super) async fn auto(
    State(psps): State<Psps>,
    Path(id): Path<String>,
    body: Bytes,
) -> Answered {
    let psp = find(&psps, &id)?;
    let request: AutoRequest = parse(&body)?;
    let outcome = request.outcome.unwrap_or(Outcome::Succeeded);
    let after = request.complete_after_ms.map(Duration::from_millis);
    let declined = request.declined.unwrap_or_else(|| Number::from(0u8));
    let declined_ppm = faults::ppm(&declined).map_err(Refused::unprocessable)?;
    psp.set_auto(Auto::Set { after, outcome, declined_ppm });
    let after = request.complete_after_ms;
    Ok(Json(json!({ "complete_after_ms": after, "outcome": outcome, "declined": declined })))
}

pub(super) async fn statement(
    State(psps): State<Psps>,
    Path(id): Path<String>,
    Query(day): DayQuery,
) -> Result<Response, Refused> {
    let psp = find(&psps, &id)?;
    check_day(day.date.as_deref())?;
    let plants = psp.plants.lock().unwrap_or_else(PoisonError::into_inner);
    let rows = statement::rows(&psp.book.movements(), day.date.as_deref(), &plants);
    let file = psp.dialect.statement(&rows);
    Ok(([(http::header::CONTENT_TYPE, file.content_type)], file.text).into_response())
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PlantRequest {
    #[serde(rename = "break")]
    kind: Break,
    #[serde(default)]
    date: Option<String>,
}

pub(super) async fn plant(
    State(psps): State<Psps>,
    Path(id): Path<String>,
    body: Bytes,
) -> Answered {
    let psp = find(&psps, &id)?;
    let request: PlantRequest = parse(&body)?;
    check_day(request.date.as_deref())?;
    let movements = psp.book.movements();
    let mut plants = psp.plants.lock().unwrap_or_else(PoisonError::into_inner);
    let date = request.date.as_deref();
    let planted = statement::plant(request.kind, date, &movements, &mut plants);
    let reference = planted.ok_or_else(|| Refused::conflict("the statement has no row for it"))?;
    Ok(Json(json!({ "break": request.kind, "reference": reference })))
}
