//! Writes what hangs on records beside money: hold moves, wires, incidents.

use super::StoreError;
use super::write_records::{Numbered, n};
use super::written::written;
use crate::domain::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

written! {
    HoldMoveRow as "written_hold_move" {
        seq: i64,
        n: i16,
        part_id: Uuid,
        capture: bool,
        amount: i64,
        is_final: bool,
    }
}

fn hold_move_rows(records: &[Numbered]) -> Vec<HoldMoveRow> {
    let mut rows = Vec::new();
    for Numbered { seq, record, .. } in records {
        for (index, hold_move) in record.hold_moves.iter().enumerate() {
            rows.push(HoldMoveRow {
                seq: *seq,
                n: n(index),
                part_id: hold_move.part.0,
                capture: hold_move.capture,
                amount: hold_move.amount_minor,
                is_final: hold_move.is_final,
            });
        }
    }
    rows
}

written! {
    WireRow<'a> as "written_wire" {
        seq: i64,
        n: i16,
        attempt_id: Uuid,
        purpose: &'a str,
        step: &'a str,
        status: Option<i32>,
        failure: Option<&'a str>,
        duration_ms: i32,
        request_sha256: &'a [u8],
        at: Timestamp,
    }
}

fn wire_rows(records: &[Numbered]) -> Vec<WireRow<'_>> {
    let mut rows = Vec::new();
    for Numbered { seq, record, .. } in records {
        for (index, wire) in record.wires.iter().enumerate() {
            rows.push(WireRow {
                seq: *seq,
                n: n(index),
                attempt_id: wire.attempt.0,
                purpose: wire.purpose,
                step: &wire.step,
                status: wire.status,
                failure: wire.failure,
                duration_ms: wire.duration_ms,
                request_sha256: &wire.request_sha256,
                at: record.at,
            });
        }
    }
    rows
}

/// Writes the batch's hold moves and wires, where there are any.
pub async fn write(
    connection: &mut PgConnection,
    slot: i16,
    records: &[Numbered],
) -> Result<(), StoreError> {
    let (holds, wires) = (hold_move_rows(records), wire_rows(records));
    if holds.is_empty() && wires.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "with holds as (
           insert into hold_move (slot, seq, n, part_id, capture, amount, is_final)
           select $1, h.* from unnest($2::written_hold_move[]) h)
         insert into wire (slot, seq, n, attempt_id, purpose, step, status, failure, duration_ms,
           request_sha256, at)
         select $1, w.* from unnest($3::written_wire[]) w",
        slot,
        holds as Vec<HoldMoveRow>,
        wires as Vec<WireRow<'_>>
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
