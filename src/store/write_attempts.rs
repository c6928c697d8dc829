//! Writes attempts as a batch left them, in one statement.

use super::StoreError;
use crate::book::Attempt;
use crate::domain::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

#[derive(Default)]
struct AttemptColumns {
    id: Vec<Uuid>,
    payment: Vec<Uuid>,
    part: Vec<Option<Uuid>>,
    number: Vec<i16>,
    psp: Vec<String>,
    status: Vec<String>,
    asked: Vec<i64>,
    currency: Vec<String>,
    error: Vec<Option<String>>,
    retryable: Vec<Option<bool>>,
    psp_reference: Vec<Option<String>>,
    was_accepted: Vec<bool>,
    sent: Vec<Timestamp>,
    ended: Vec<Option<Timestamp>>,
    holder: Vec<Option<String>>,
    until: Vec<Option<Timestamp>>,
    due: Vec<Option<Timestamp>>,
    expires: Vec<Option<Timestamp>>,
    inquiries: Vec<i32>,
    inquired: Vec<Option<Timestamp>>,
    ledger: Vec<Option<Timestamp>>,
    misses: Vec<i32>,
    first_missed: Vec<Option<Timestamp>>,
    last_missed: Vec<Option<Timestamp>>,
    paged: Vec<bool>,
    cancel: Vec<Option<String>>,
    kept: Vec<Option<String>>,
    completion: Vec<Option<String>>,
}

fn attempt_columns(attempts: &[(Uuid, &Attempt)]) -> AttemptColumns {
    let mut c = AttemptColumns::default();
    for (payment, a) in attempts {
        c.id.push(a.id.0);
        c.payment.push(*payment);
        c.part.push(a.part.map(|part| part.0));
        c.number.push(a.number);
        c.psp.push(a.psp.clone());
        c.status.push(a.status.as_str().to_owned());
        c.asked.push(a.asked.minor);
        c.currency.push(a.asked.currency.code().to_owned());
        c.error.push(a.error.as_ref().map(|error| error.code.clone()));
        c.retryable.push(a.error.as_ref().map(|error| error.retryable));
        c.psp_reference.push(a.psp_reference.clone());
        c.was_accepted.push(a.was_accepted);
        c.sent.push(a.first_sent_at);
        c.ended.push(a.ended_at);
        c.holder.push(a.lease.as_ref().map(|lease| lease.holder.clone()));
        c.until.push(a.lease.as_ref().map(|lease| lease.until));
        c.due.push(a.due_at);
        c.expires.push(a.expires_at);
        c.inquiries.push(a.inquiries);
        c.inquired.push(a.last_inquiry_at);
        c.ledger.push(a.last_ledger_at);
        c.misses.push(a.misses);
        c.first_missed.push(a.first_missed_at);
        c.last_missed.push(a.last_missed_at);
        c.paged.push(a.paged);
        c.cancel.push(a.cancel.map(|cancel| cancel.as_str().to_owned()));
        c.kept.push(a.kept_news.clone());
        c.completion.push(a.completion.map(|completion| completion.as_str().to_owned()));
    }
    c
}

/// Writes attempts, those that are new and those that were there.
pub async fn write_attempts(
    connection: &mut PgConnection,
    attempts: &[(Uuid, &Attempt)],
) -> Result<(), StoreError> {
    if attempts.is_empty() {
        return Ok(());
    }
    let c = attempt_columns(attempts);
    // The attempt that is over is written before the one that takes its place: the one-live index
    // is checked row by row, and an attempt's number tells the order.
    sqlx::query!(
        "insert into attempt (attempt_id, payment_id, part_id, number, psp, status, asked, currency,
           error_code, error_retryable, psp_reference, was_accepted, first_sent_at, ended_at,
           lease_holder, lease_until, due_at, expires_at, inquiries, last_inquiry_at,
           last_ledger_at, misses, first_missed_at, last_missed_at, paged, cancel, kept_news,
           completion)
         select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::smallint[], $5::text[],
           $6::text[], $7::bigint[], $8::text[], $9::text[], $10::boolean[], $11::text[],
           $12::boolean[], $13::timestamptz[], $14::timestamptz[], $15::text[], $16::timestamptz[],
           $17::timestamptz[], $18::timestamptz[], $19::integer[], $20::timestamptz[],
           $21::timestamptz[], $22::integer[], $23::timestamptz[], $24::timestamptz[],
           $25::boolean[], $26::text[], $27::text[], $28::text[])
         on conflict (attempt_id) do update set
           status = excluded.status, error_code = excluded.error_code,
           error_retryable = excluded.error_retryable, psp_reference = excluded.psp_reference,
           was_accepted = excluded.was_accepted, first_sent_at = excluded.first_sent_at,
           ended_at = excluded.ended_at, lease_holder = excluded.lease_holder,
           lease_until = excluded.lease_until, due_at = excluded.due_at,
           expires_at = excluded.expires_at, inquiries = excluded.inquiries,
           last_inquiry_at = excluded.last_inquiry_at, last_ledger_at = excluded.last_ledger_at,
           misses = excluded.misses, first_missed_at = excluded.first_missed_at,
           last_missed_at = excluded.last_missed_at, paged = excluded.paged,
           cancel = excluded.cancel, kept_news = excluded.kept_news,
           completion = excluded.completion",
        &c.id,
        &c.payment,
        &c.part as &[Option<Uuid>],
        &c.number,
        &c.psp,
        &c.status,
        &c.asked,
        &c.currency,
        &c.error as &[Option<String>],
        &c.retryable as &[Option<bool>],
        &c.psp_reference as &[Option<String>],
        &c.was_accepted,
        &c.sent,
        &c.ended as &[Option<Timestamp>],
        &c.holder as &[Option<String>],
        &c.until as &[Option<Timestamp>],
        &c.due as &[Option<Timestamp>],
        &c.expires as &[Option<Timestamp>],
        &c.inquiries,
        &c.inquired as &[Option<Timestamp>],
        &c.ledger as &[Option<Timestamp>],
        &c.misses,
        &c.first_missed as &[Option<Timestamp>],
        &c.last_missed as &[Option<Timestamp>],
        &c.paged,
        &c.cancel as &[Option<String>],
        &c.kept as &[Option<String>],
        &c.completion as &[Option<String>]
    )
    .execute(connection)
    .await?;
    Ok(())
}
