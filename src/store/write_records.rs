//! Writes what a batch decided for good: records and everything that hangs on their numbers.
//!
//! Tables that nearly every batch writes share a statement: a round trip costs as much as a dozen rows.

use super::slots::HeldSlot;
use super::write_told::{DecisionRow, EventRow, decision_rows, event_rows};
use super::written::written;
use super::{StoreError, attestations, erasures, payins, vendor_checks, write_trail};
use crate::book::{Record, Subject};
use crate::domain::Timestamp;
use sqlx::PgConnection;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// A record with the number that the lane gave it.
#[derive(Debug)]
pub struct Numbered {
    pub seq: i64,
    pub record: Arc<Record>,
    /// The JSON of each of the record's events, as the API shows the payment.
    pub event_data: Vec<String>,
}

pub(super) fn n(index: usize) -> i16 {
    i16::try_from(index).expect("a command writes few rows")
}

/// Writes the batch's records in their order, and moves the slot's number along to the last of them.
pub async fn write(
    connection: &mut PgConnection,
    held: HeldSlot,
    lease: Duration,
    records: &[Numbered],
    now: Timestamp,
) -> Result<(), StoreError> {
    let Some(last) = records.last() else { return Ok(()) };
    let slot = held.slot;
    write_trail::write(connection, slot, records).await?;
    payins::write(connection, slot, records).await?;
    vendor_checks::write(connection, records).await?;
    write_trail::write_incidents(connection, slot, records).await?;
    attestations::write(connection, slot, records).await?;
    erasures::write(connection, slot, records).await?;
    let rows = (
        records.iter().map(record_row).collect(),
        transition_rows(records),
        event_rows(records),
        decision_rows(records),
    );
    write_records(connection, held, (last.seq, lease, now), rows).await
}

written! {
    RecordRow<'a> as "written_record" {
        seq: i64,
        kind: &'a str,
        operator_id: &'a str,
        player_id: &'a str,
        payment_id: Option<Uuid>,
        refused: Option<&'a str>,
    }
}

fn record_row(Numbered { seq, record, .. }: &Numbered) -> RecordRow<'_> {
    RecordRow {
        seq: *seq,
        kind: record.kind,
        operator_id: record.player.operator.as_str(),
        player_id: record.player.player.as_str(),
        payment_id: record.payment.map(|id| id.uuid),
        refused: record.refused,
    }
}

written! {
    TransitionRow<'a> as "written_transition" {
        seq: i64,
        n: i16,
        subject: &'a str,
        subject_id: Uuid,
        from_status: Option<&'a str>,
        to_status: &'a str,
        cause: &'a str,
    }
}

fn transition_rows(records: &[Numbered]) -> Vec<TransitionRow<'_>> {
    let mut rows = Vec::new();
    for Numbered { seq, record, .. } in records {
        for (index, transition) in record.transitions.iter().enumerate() {
            let (subject, subject_id) = match transition.subject {
                Subject::Payment(id) => ("payment", id.uuid),
                Subject::Part(id) => ("part", id.0),
                Subject::Attempt(id) => ("attempt", id.0),
            };
            rows.push(TransitionRow {
                seq: *seq,
                n: n(index),
                subject,
                subject_id,
                from_status: transition.from,
                to_status: transition.to,
                cause: &transition.cause,
            });
        }
    }
    rows
}

/// Records, history, events, decisions and the slot's number in one statement. The number moves only
/// where the fence still stands and nobody has moved it: a lane that lost its slot cannot commit.
async fn write_records(
    connection: &mut PgConnection,
    held: HeldSlot,
    (to_seq, lease, now): (i64, Duration, Timestamp),
    (records, transitions, events, decisions): (
        Vec<RecordRow<'_>>,
        Vec<TransitionRow<'_>>,
        Vec<EventRow<'_>>,
        Vec<DecisionRow<'_>>,
    ),
) -> Result<(), StoreError> {
    let done = sqlx::query_file!(
        "src/store/sql/write_records.sql",
        held.slot,
        held.fence,
        held.seq,
        to_seq,
        lease.as_secs().to_string(),
        now,
        transitions as Vec<TransitionRow<'_>>,
        records as Vec<RecordRow<'_>>,
        events as Vec<EventRow<'_>>,
        decisions as Vec<DecisionRow<'_>>
    )
    .execute(connection)
    .await?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(StoreError::FenceLost) }
}
