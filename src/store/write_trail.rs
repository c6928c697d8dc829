//! Writes what hangs on records beside money: hold moves, wires, incidents.

use super::StoreError;
use super::write_records::{Numbered, n};
use crate::domain::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

#[derive(Default)]
struct HoldColumns {
    seq: Vec<i64>,
    n: Vec<i16>,
    part: Vec<Uuid>,
    capture: Vec<bool>,
    amount: Vec<i64>,
    is_final: Vec<bool>,
}

#[derive(Default)]
struct WireColumns {
    seq: Vec<i64>,
    n: Vec<i16>,
    attempt: Vec<Uuid>,
    purpose: Vec<String>,
    step: Vec<String>,
    status: Vec<Option<i32>>,
    failure: Vec<Option<String>>,
    duration_ms: Vec<i32>,
    request_sha256: Vec<Vec<u8>>,
    at: Vec<Timestamp>,
}

fn columns(records: &[Numbered]) -> (HoldColumns, WireColumns) {
    let (mut h, mut w) = (HoldColumns::default(), WireColumns::default());
    for Numbered { seq, record, .. } in records {
        for (index, hold_move) in record.hold_moves.iter().enumerate() {
            h.seq.push(*seq);
            h.n.push(n(index));
            h.part.push(hold_move.part.0);
            h.capture.push(hold_move.capture);
            h.amount.push(hold_move.amount_minor);
            h.is_final.push(hold_move.is_final);
        }
        for (index, wire) in record.wires.iter().enumerate() {
            w.seq.push(*seq);
            w.n.push(n(index));
            w.attempt.push(wire.attempt.0);
            w.purpose.push(wire.purpose.to_owned());
            w.step.push(wire.step.clone());
            w.status.push(wire.status);
            w.failure.push(wire.failure.map(str::to_owned));
            w.duration_ms.push(wire.duration_ms);
            w.request_sha256.push(wire.request_sha256.to_vec());
            w.at.push(record.at);
        }
    }
    (h, w)
}

/// Writes the batch's hold moves and wires, where there are any.
pub async fn write(
    connection: &mut PgConnection,
    slot: i16,
    records: &[Numbered],
) -> Result<(), StoreError> {
    let (h, w) = columns(records);
    if h.seq.is_empty() && w.seq.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "with holds as (
           insert into hold_move (slot, seq, n, part_id, capture, amount, is_final)
           select $1, * from unnest($2::bigint[], $3::smallint[], $4::uuid[], $5::boolean[],
             $6::bigint[], $7::boolean[]))
         insert into wire (slot, seq, n, attempt_id, purpose, step, status, failure, duration_ms,
           request_sha256, at)
         select $1, * from unnest($8::bigint[], $9::smallint[], $10::uuid[], $11::text[],
           $12::text[], $13::integer[], $14::text[], $15::integer[], $16::bytea[],
           $17::timestamptz[])",
        slot,
        &h.seq,
        &h.n,
        &h.part,
        &h.capture,
        &h.amount,
        &h.is_final,
        &w.seq,
        &w.n,
        &w.attempt,
        &w.purpose,
        &w.step,
        &w.status as &[Option<i32>],
        &w.failure as &[Option<String>],
        &w.duration_ms,
        &w.request_sha256,
        &w.at
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub async fn write_incidents(
    connection: &mut PgConnection,
    slot: i16,
    records: &[Numbered],
) -> Result<(), StoreError> {
    for numbered in records {
        for incident in &numbered.record.incidents {
            // Incidents are rare: one statement each keeps this readable.
            sqlx::query!(
                "insert into incident (incident_id, slot, seq, operator_id, player_id, kind,
                   payment_id, attempt_id, detail, raised_at)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
                incident.id.0,
                slot,
                numbered.seq,
                numbered.record.player.operator.as_str(),
                numbered.record.player.player.as_str(),
                incident.kind,
                incident.payment.map(|id| id.uuid),
                incident.attempt.map(|id| id.0),
                incident.detail,
                numbered.record.at
            )
            .execute(&mut *connection)
            .await?;
        }
    }
    Ok(())
}
