//! Writes what a batch changed of payments that were there before: the columns that move, and no
//! more; and all attempts. Who pays, the route and all else that a payment was opened with is neither sent nor read
//! again, and no index of `payment` hangs on what moves, but for a due time.

use super::rows::viewer_text;
use super::write_attempts::{AttemptRow, attempt_row};
use super::written::{JsonText, written};
use super::{StoreError, instrument_json, json};
use crate::book::{Attempt, Part, Payment};
use crate::domain::{Money, Timestamp};
use sqlx::PgConnection;
use uuid::Uuid;

written! {
    MovedPayment<'a> as "moved_payment" {
        payment_id: Uuid,
        status: &'a str,
        received_amount: Option<i64>,
        received_currency: Option<&'a str>,
        credited_amount: Option<i64>,
        suspended_amount: Option<i64>,
        suspended_currency: Option<&'a str>,
        next_action: Option<JsonText<'a>>,
        action_told: bool,
        reasons: JsonText<'a>,
        event_sequence: i64,
        answer_owed: Option<&'a str>,
        due_at: Option<Timestamp>,
        source: Option<JsonText<'a>>,
        updated_at: Timestamp,
        instrument: Option<JsonText<'a>>,
    }
}

fn moved<'a>(payment: &&'a Payment) -> MovedPayment<'a> {
    let p = *payment;
    MovedPayment {
        payment_id: p.id.uuid,
        status: p.status.as_str(),
        received_amount: p.received.map(|money| money.minor),
        received_currency: code(p.received.as_ref()),
        credited_amount: p.credited.map(|money| money.minor),
        suspended_amount: p.suspended.map(|money| money.minor),
        suspended_currency: code(p.suspended.as_ref()),
        next_action: p.next_action.as_ref().map(|action| json::action(action).into()),
        action_told: p.action_told,
        reasons: json::reasons(&p.reasons).into(),
        event_sequence: p.event_sequence,
        answer_owed: p.answer_owed.map(viewer_text),
        due_at: p.due_at,
        source: p.source.as_ref().map(|source| instrument_json::instrument(source).into()),
        updated_at: p.updated_at,
        instrument: p.instrument.as_ref().map(|chosen| instrument_json::chosen(chosen).into()),
    }
}

pub(super) fn code(money: Option<&Money>) -> Option<&str> {
    money.map(|money| money.currency.code())
}

written! {
    MovedPart<'a> as "moved_part" {
        part_id: Uuid,
        status: &'a str,
        held: i64,
    }
}

fn moved_part(part: &Part) -> MovedPart<'_> {
    MovedPart { part_id: part.id.0, status: part.status.as_str(), held: part.held_minor }
}

/// An idempotent answer that can be told only now: the payment, its status and body.
pub type Answer = (Uuid, u16, Vec<u8>);

/// Moves payments and their parts along, writes attempts, those that are new and those that were
/// there, and stores answers that could be told only now, byte for byte and once.
pub async fn write(
    connection: &mut PgConnection,
    payments: &[&Payment],
    attempts: &[(Uuid, &Attempt)],
    answers: &[Answer],
) -> Result<(), StoreError> {
    if payments.is_empty() && attempts.is_empty() && answers.is_empty() {
        return Ok(());
    }
    let parts = payments.iter().flat_map(|payment| &payment.parts).map(moved_part).collect();
    let attempts = attempts.iter().map(|(payment, attempt)| attempt_row(*payment, attempt));
    let moved = (payments.iter().map(moved).collect(), parts);
    move_along(connection, moved, attempts.collect(), answer_columns(answers)).await
}

async fn move_along(
    connection: &mut PgConnection,
    (payments, parts): (Vec<MovedPayment<'_>>, Vec<MovedPart<'_>>),
    attempts: Vec<AttemptRow<'_>>,
    told: (Vec<Uuid>, Vec<i16>, Vec<Vec<u8>>),
) -> Result<(), StoreError> {
    sqlx::query_file!(
        "src/store/sql/write_steps.sql",
        payments as Vec<MovedPayment<'_>>,
        parts as Vec<MovedPart<'_>>,
        &told.0,
        &told.1,
        &told.2,
        attempts as Vec<AttemptRow<'_>>
    )
    .execute(connection)
    .await?;
    Ok(())
}

fn answer_columns(answers: &[Answer]) -> (Vec<Uuid>, Vec<i16>, Vec<Vec<u8>>) {
    let mut c = (Vec::new(), Vec::new(), Vec::new());
    for (payment, status, body) in answers {
        c.0.push(*payment);
        c.1.push(i16::try_from(*status).unwrap_or(500));
        c.2.push(body.clone());
    }
    c
}
