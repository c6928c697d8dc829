//! The control API: what tests, the demo and operators do to the mocks. Loopback only.
//!
//! A browser must not be able to reach it: a foreign `Host` (DNS rebinding) and any `Origin` are
//! refused, and bodies must be declared as JSON, which no simple cross-site form can do.

mod actions;
mod vendors;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Query, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::book::Movement;
use crate::clock::{self, Offset};
use crate::local;
use crate::money;
use crate::psp::{Auto, Psp};

pub(crate) type Psps = Arc<Vec<Arc<Psp>>>;

const BODY_BYTES_MAX: usize = 262_144;
/// Ten years.
const AHEAD_S_MAX: i64 = 10 * 366 * 24 * 60 * 60;

/// An error of the control API.
#[derive(Debug)]
pub(crate) struct Refused {
    status: StatusCode,
    detail: String,
}

impl Refused {
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into() }
    }

    pub(crate) fn unprocessable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
    }

    pub(crate) fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, detail)
    }

    pub(crate) fn unknown(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("there is no such {what}"))
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let title = self.status.canonical_reason().unwrap_or("Error");
        let body = json!({
            "type": "about:blank", "title": title, "status": self.status.as_u16(),
            "detail": self.detail,
        });
        let kind = [(header::CONTENT_TYPE, "application/problem+json")];
        (self.status, kind, body.to_string()).into_response()
    }
}

type Answered = Result<Json<Value>, Refused>;

pub(crate) use self::vendors::Vendors;

pub(crate) fn routes(psps: Psps, vendors: Vendors, clock: &Offset) -> Router {
    let routes = Router::new()
        .route("/clock", post(set_clock))
        .route("/psps", get(list))
        .route("/psps/{id}/movements", get(movements))
        .route("/psps/{id}/movements/{reference}/complete", post(actions::complete))
        .route("/psps/{id}/payins", post(actions::pay_in))
        .route("/psps/{id}/webhooks/resend", post(actions::resend))
        .route("/psps/{id}/faults", get(faults).post(add_fault).delete(clear_faults))
        .route("/psps/{id}/listener", post(listener))
        .route("/psps/{id}/auto", post(actions::auto))
        .route("/psps/{id}/statement", get(actions::statement))
        .route("/psps/{id}/statement/plant", post(actions::plant))
        .with_state(psps.clone())
        .route("/reset", post(reset).with_state((psps, vendors.clone())))
        .merge(vendors::routes(vendors))
        .fallback(async || Refused::unknown("address of the control: docs/mocks.md has them all"))
        .method_not_allowed_fallback(async || {
            let detail = "this address does not take this method: `allow` says which it takes";
            Refused::new(StatusCode::METHOD_NOT_ALLOWED, detail)
        })
        .layer(axum::extract::DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(middleware::from_fn(loopback_only));
    clock.around(routes)
}

async fn loopback_only(request: Request, next: Next) -> Response {
    let headers = request.headers();
    if !local::is_asked_for(&request) {
        return Refused::new(StatusCode::FORBIDDEN, "this host is not served").into_response();
    }
    if headers.contains_key(header::ORIGIN) {
        return Refused::new(StatusCode::FORBIDDEN, "browsers are not served").into_response();
    }
    if has_body(headers) && !is_json(headers) {
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        return Refused::new(status, "bodies must be application/json").into_response();
    }
    let mut response = next.run(request).await;
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn has_body(headers: &HeaderMap) -> bool {
    let length = headers.get(header::CONTENT_LENGTH);
    length.is_some_and(|length| length != "0") || headers.contains_key(header::TRANSFER_ENCODING)
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = value.and_then(|value| value.split(';').next()).unwrap_or_default();
    kind.trim().eq_ignore_ascii_case("application/json")
}

fn parse<T: DeserializeOwned>(body: &Bytes) -> Result<T, Refused> {
    serde_json::from_slice(body)
        .map_err(|error| Refused::new(StatusCode::BAD_REQUEST, error.to_string()))
}

fn find(psps: &Psps, id: &str) -> Result<Arc<Psp>, Refused> {
    psps.iter().find(|psp| psp.id == id).cloned().ok_or_else(|| Refused::unknown("PSP account"))
}

/// A movement as the control API shows it.
pub(crate) fn view(m: &Movement) -> Value {
    json!({
        "reference": m.reference,
        "client_reference": m.client_reference,
        "kind": m.kind,
        "amount": money::format(m.amount_minor, money::decimals(&m.currency)),
        "currency": m.currency,
        "status": m.status,
        "created_at": clock::millis(m.created_at),
    })
}

async fn list(State(psps): State<Psps>) -> Json<Value> {
    let mut views = Vec::new();
    for psp in psps.iter() {
        let up = psp.is_up().await;
        let mut view = json!({ "id": psp.id, "base_url": psp.base_url(), "up": up });
        if let Some(pages) = psp.pages_url() {
            view["pages_url"] = pages.into();
        }
        views.push(view);
    }
    Json(Value::Array(views))
}

async fn movements(State(psps): State<Psps>, Path(id): Path<String>) -> Answered {
    let psp = find(&psps, &id)?;
    Ok(Json(psp.book.movements().iter().map(view).collect()))
}

async fn faults(State(psps): State<Psps>, Path(id): Path<String>) -> Answered {
    Ok(Json(Value::Array(find(&psps, &id)?.faults.list())))
}

async fn add_fault(State(psps): State<Psps>, Path(id): Path<String>, body: Bytes) -> Answered {
    let psp = find(&psps, &id)?;
    let can = |call, fault| psp.dialect.can_go_wrong(call, fault);
    psp.faults.add(parse(&body)?, can).map(Json).map_err(Refused::unprocessable)
}

async fn clear_faults(
    State(psps): State<Psps>,
    Path(id): Path<String>,
) -> Result<StatusCode, Refused> {
    find(&psps, &id)?.faults.clear();
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ListenerRequest {
    up: bool,
}

async fn listener(State(psps): State<Psps>, Path(id): Path<String>, body: Bytes) -> Answered {
    let psp = find(&psps, &id)?;
    let request: ListenerRequest = parse(&body)?;
    switch(&psp, request.up).await?;
    Ok(Json(json!({ "id": psp.id, "up": request.up })))
}

async fn switch(psp: &Psp, up: bool) -> Result<(), Refused> {
    if !up {
        psp.down().await;
        return Ok(());
    }
    let taken = |error| Refused::conflict(format!("the port cannot be opened: {error}"));
    psp.up().await.map_err(taken)
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ResetRequest {
    #[serde(default)]
    books: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockRequest {
    /// Before the machine's clock, in seconds.
    ahead_s: i64,
}

/// From now on it is so much later for all mocks of this run.
async fn set_clock(body: Bytes) -> Answered {
    let request: ClockRequest = parse(&body)?;
    if !(0..=AHEAD_S_MAX).contains(&request.ahead_s) {
        return Err(Refused::unprocessable(format!("ahead_s is from 0 to {AHEAD_S_MAX}")));
    }
    clock::set_ahead(request.ahead_s);
    Ok(Json(json!({ "ahead_s": request.ahead_s, "now": clock::millis(clock::now()) })))
}

async fn reset(State((psps, vendors)): State<(Psps, Vendors)>, body: Bytes) -> Answered {
    let request: ResetRequest =
        if body.is_empty() { ResetRequest::default() } else { parse(&body)? };
    clock::set_ahead(0);
    for psp in psps.iter() {
        psp.faults.reset();
        psp.set_auto(Auto::AsABank);
        psp.plants.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clear();
        if request.books {
            psp.quiet();
            psp.book.clear();
        }
        switch(psp, true).await?;
    }
    for vendor in vendors.iter() {
        vendor.reset(request.books);
        let taken = |error| Refused::conflict(format!("the port cannot be opened: {error}"));
        vendor.switch(true).await.map_err(taken)?;
    }
    Ok(Json(json!({ "reset": true, "books": request.books })))
}

/// A day of a query.
#[derive(Debug, Deserialize)]
struct Day {
    date: Option<String>,
}

/// A statement of what is no day would be empty, and look like a day on which nothing moved.
fn check_day(date: Option<&str>) -> Result<(), Refused> {
    let is_day = |date: &str| {
        date.len() == 10
            && time::Date::parse(date, &time::format_description::well_known::Iso8601::DATE).is_ok()
    };
    match date {
        Some(date) if !is_day(date) => {
            Err(Refused::unprocessable("date is a day of the calendar, written 2026-12-31"))
        }
        _ => Ok(()),
    }
}

type DayQuery = Query<Day>;
