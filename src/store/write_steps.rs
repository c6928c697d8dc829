//! Writes what a batch changed of payments that were there before: the columns that move, and no
//! more; and all attempts. Who pays, the route and all else that a payment was opened with is neither sent nor read
//! again, and no index of `payment` hangs on what moves, but for a due time.

use super::rows::viewer_text;
use super::write_attempts::{AttemptColumns, attempt_columns};
use super::{StoreError, instrument_json, json};
use crate::book::{Attempt, Payment};
use crate::domain::{Money, Timestamp};
use sqlx::PgConnection;
use uuid::Uuid;

#[derive(Default)]
struct Columns {
    id: Vec<Uuid>,
    status: Vec<String>,
    received: Vec<Option<i64>>,
    received_currency: Vec<Option<String>>,
    credited: Vec<Option<i64>>,
    suspended: Vec<Option<i64>>,
    suspended_currency: Vec<Option<String>>,
    next_action: Vec<Option<String>>,
    action_told: Vec<bool>,
    reasons: Vec<String>,
    sequence: Vec<i64>,
    answer_owed: Vec<Option<String>>,
    due: Vec<Option<Timestamp>>,
    source: Vec<Option<String>>,
    instrument: Vec<Option<String>>,
    updated: Vec<Timestamp>,
}

fn columns(payments: &[&Payment]) -> Columns {
    let mut c = Columns::default();
    let code = |money: Option<Money>| money.map(|m| m.currency.code().to_owned());
    for p in payments {
        c.id.push(p.id.uuid);
        c.status.push(p.status.as_str().to_owned());
        c.received.push(p.received.map(|money| money.minor));
        c.received_currency.push(code(p.received));
        c.credited.push(p.credited.map(|money| money.minor));
        c.suspended.push(p.suspended.map(|money| money.minor));
        c.suspended_currency.push(code(p.suspended));
        c.next_action.push(p.next_action.as_ref().map(json::action));
        c.action_told.push(p.action_told);
        c.reasons.push(json::reasons(&p.reasons));
        c.sequence.push(p.event_sequence);
        c.answer_owed.push(p.answer_owed.map(|viewer| viewer_text(viewer).to_owned()));
        c.due.push(p.due_at);
        c.source.push(p.source.as_ref().map(instrument_json::instrument));
        c.instrument.push(p.instrument.as_ref().map(instrument_json::chosen));
        c.updated.push(p.updated_at);
    }
    c
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
    let columns = (columns(payments), attempt_columns(attempts));
    move_along(connection, columns, part_columns(payments), answer_columns(answers)).await
}

async fn move_along(
    connection: &mut PgConnection,
    (c, a): (Columns, AttemptColumns),
    p: (Vec<Uuid>, Vec<String>, Vec<i64>),
    told: (Vec<Uuid>, Vec<i16>, Vec<Vec<u8>>),
) -> Result<(), StoreError> {
    sqlx::query_file!(
        "src/store/sql/write_steps.sql",
        &c.id,
        &c.status,
        &c.received as &[Option<i64>],
        &c.received_currency as &[Option<String>],
        &c.credited as &[Option<i64>],
        &c.suspended as &[Option<i64>],
        &c.suspended_currency as &[Option<String>],
        &c.next_action as &[Option<String>],
        &c.action_told,
        &c.reasons,
        &c.sequence,
        &c.answer_owed as &[Option<String>],
        &c.due as &[Option<Timestamp>],
        &c.source as &[Option<String>],
        &c.updated,
        &c.instrument as &[Option<String>],
        &p.0,
        &p.1,
        &p.2,
        &told.0,
        &told.1,
        &told.2,
        &a.id,
        &a.payment,
        &a.part as &[Option<Uuid>],
        &a.number,
        &a.psp,
        &a.status,
        &a.asked,
        &a.currency,
        &a.error as &[Option<String>],
        &a.retryable as &[Option<bool>],
        &a.psp_reference as &[Option<String>],
        &a.was_accepted,
        &a.sent,
        &a.ended as &[Option<Timestamp>],
        &a.holder as &[Option<String>],
        &a.until as &[Option<Timestamp>],
        &a.due as &[Option<Timestamp>],
        &a.expires as &[Option<Timestamp>],
        &a.inquiries,
        &a.inquired as &[Option<Timestamp>],
        &a.ledger as &[Option<Timestamp>],
        &a.misses,
        &a.first_missed as &[Option<Timestamp>],
        &a.last_missed as &[Option<Timestamp>],
        &a.paged,
        &a.cancel as &[Option<String>],
        &a.kept as &[Option<String>],
        &a.completion as &[Option<String>]
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Ids, statuses, and what is still held.
fn part_columns(payments: &[&Payment]) -> (Vec<Uuid>, Vec<String>, Vec<i64>) {
    let mut c = (Vec::new(), Vec::new(), Vec::new());
    for part in payments.iter().flat_map(|payment| &payment.parts) {
        c.0.push(part.id.0);
        c.1.push(part.status.as_str().to_owned());
        c.2.push(part.held_minor);
    }
    c
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
