//! The list of payments.

use super::given::Asked;
use super::page::{self, Frame};
use super::session::Signed;
use super::{Console, words};
use crate::book::Payment;
use crate::domain::{Direction, PlayerId};
use crate::store::read_models::{self, PaymentFilter};
use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use uuid::Uuid;

const PAGE: usize = 50;

pub async fn home(_: Signed) -> Redirect {
    Redirect::to("/console/payments")
}

/// What the list is asked for; what cannot be read is left out and said so.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ListQuery {
    direction: String,
    status: String,
    player: String,
    reference: String,
    before: String,
}

#[derive(Debug)]
struct Row {
    id: String,
    player: String,
    amount: String,
    status: String,
    method: &'static str,
    country: String,
    psp: String,
    created_at: String,
}

impl Row {
    fn of(payment: &Payment) -> Self {
        let last = payment.attempts.iter().max_by_key(|attempt| attempt.number);
        Self {
            id: payment.id.to_string(),
            player: payment.player.player.to_string(),
            amount: payment.money.to_string(),
            status: payment.status.to_string(),
            method: payment.method.as_str(),
            country: payment.country.clone(),
            psp: last.map(|attempt| attempt.psp.clone()).unwrap_or_default(),
            created_at: words::time(payment.created_at),
        }
    }
}

#[derive(Template)]
#[template(path = "payments.html")]
struct ListPage {
    frame: Frame,
    query: ListQuery,
    rows: Vec<Row>,
    /// Where the next page begins.
    next: Option<String>,
}

pub async fn list(
    State(console): State<Console>,
    signed: Signed,
    Asked(query): Asked<ListQuery>,
) -> Result<Response, Response> {
    let direction = match query.direction.as_str() {
        "withdrawal" => Direction::Withdrawal,
        _ => Direction::Deposit,
    };
    let given = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let player = match given(&query.player) {
        None => None,
        Some(text) => Some(PlayerId::parse(&text).ok_or_else(|| {
            page::fault(422, "No such player", "This is no player's id. Go back and correct it.")
        })?),
    };
    let filter = PaymentFilter {
        player,
        statuses: given(&query.status).into_iter().collect(),
        reference: given(&query.reference),
        before: Uuid::try_parse(&query.before).ok(),
        limit: i64::try_from(PAGE + 1).unwrap_or(i64::MAX),
    };
    let pool = console.flows.db.pool();
    let found = read_models::payments(pool, &signed.account.operator, direction, &filter);
    let mut found = found.await.map_err(|error| page::unavailable(&error))?;
    let more = PAGE < found.len();
    found.truncate(PAGE);
    let next = found.last().filter(|_| more).map(|last| last.id.uuid.simple().to_string());
    let rows = found.iter().map(Row::of).collect();
    Ok(page::html(&ListPage { frame: Frame::of(&signed, "payments"), query, rows, next })
        .into_response())
}
