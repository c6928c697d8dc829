//! Writes what a batch changed of payments that were there before: the columns that move, and no
//! more. Who pays, the route and all else that a payment was opened with is neither sent nor read
//! again, and no index of `payment` hangs on what moves, but for a due time.

use super::rows::viewer_text;
use super::{StoreError, instrument_json, json};
use crate::book::Payment;
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

/// Moves payments and their parts along, and stores answers that could be told only now, byte for byte
/// and once.
pub async fn write(
    connection: &mut PgConnection,
    payments: &[&Payment],
    answers: &[Answer],
) -> Result<(), StoreError> {
    if payments.is_empty() && answers.is_empty() {
        return Ok(());
    }
    let (c, p, a) = (columns(payments), part_columns(payments), answer_columns(answers));
    sqlx::query!(
        "with parts as (
           update part p set status = c.status, held = c.held
           from unnest($17::uuid[], $18::text[], $19::bigint[]) as c (id, status, held)
           where p.part_id = c.id and (p.status, p.held) is distinct from (c.status, c.held)),
         answers as (
           update idempotency_key k set status = a.status, body = a.body
           from unnest($20::uuid[], $21::smallint[], $22::bytea[]) as a (payment_id, status, body)
           where k.payment_id = a.payment_id and k.body is null)
         update payment p set
           status = c.status, received_amount = c.received,
           received_currency = c.received_currency, credited_amount = c.credited,
           suspended_amount = c.suspended, suspended_currency = c.suspended_currency,
           next_action = c.next_action::json, action_told = c.action_told,
           reasons = c.reasons::json, event_sequence = c.sequence, answer_owed = c.answer_owed,
           due_at = c.due, source = c.source::json, updated_at = c.updated,
           instrument = c.instrument::json
         from unnest($1::uuid[], $2::text[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[],
           $7::text[], $8::text[], $9::boolean[], $10::text[], $11::bigint[], $12::text[],
           $13::timestamptz[], $14::text[], $15::timestamptz[], $16::text[])
           as c (id, status, received, received_currency, credited, suspended, suspended_currency,
             next_action, action_told, reasons, sequence, answer_owed, due, source, updated,
             instrument)
         where p.payment_id = c.id",
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
        &a.0,
        &a.1,
        &a.2
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
