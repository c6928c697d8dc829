//! Writes what a batch decided for good: records and everything that hangs on their numbers.
//!
//! Rows go as arrays, and tables that nearly every batch writes share a statement: a round trip costs
//! as much as a dozen rows.

use super::slots::HeldSlot;
use super::write_told::{DecisionColumns, EventColumns, decision_columns, event_columns};
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
    let columns = (
        record_columns(records),
        transition_columns(records),
        event_columns(records),
        decision_columns(records),
    );
    write_records(connection, held, (last.seq, lease, now), columns).await
}

#[derive(Default)]
struct RecordColumns {
    seq: Vec<i64>,
    kind: Vec<String>,
    operator: Vec<String>,
    player: Vec<String>,
    payment: Vec<Option<Uuid>>,
    refused: Vec<Option<String>>,
}

fn record_columns(records: &[Numbered]) -> RecordColumns {
    let mut c = RecordColumns::default();
    for Numbered { seq, record, .. } in records {
        c.seq.push(*seq);
        c.kind.push(record.kind.to_owned());
        c.operator.push(record.player.operator.as_str().to_owned());
        c.player.push(record.player.player.as_str().to_owned());
        c.payment.push(record.payment.map(|id| id.uuid));
        c.refused.push(record.refused.map(str::to_owned));
    }
    c
}

#[derive(Default)]
struct TransitionColumns {
    seq: Vec<i64>,
    n: Vec<i16>,
    subject: Vec<String>,
    id: Vec<Uuid>,
    from: Vec<Option<String>>,
    to: Vec<String>,
    cause: Vec<String>,
}

fn transition_columns(records: &[Numbered]) -> TransitionColumns {
    let mut c = TransitionColumns::default();
    for Numbered { seq, record, .. } in records {
        for (index, transition) in record.transitions.iter().enumerate() {
            let (subject, id) = match transition.subject {
                Subject::Payment(id) => ("payment", id.uuid),
                Subject::Part(id) => ("part", id.0),
                Subject::Attempt(id) => ("attempt", id.0),
            };
            c.seq.push(*seq);
            c.n.push(n(index));
            c.subject.push(subject.to_owned());
            c.id.push(id);
            c.from.push(transition.from.map(str::to_owned));
            c.to.push(transition.to.to_owned());
            c.cause.push(transition.cause.clone());
        }
    }
    c
}

/// Records, history, events, decisions and the slot's number in one statement. The number moves only
/// where the fence still stands and nobody has moved it: a lane that lost its slot cannot commit.
async fn write_records(
    connection: &mut PgConnection,
    held: HeldSlot,
    (to_seq, lease, now): (i64, Duration, Timestamp),
    (r, t, e, d): (RecordColumns, TransitionColumns, EventColumns, DecisionColumns),
) -> Result<(), StoreError> {
    let done = sqlx::query_file!(
        "src/store/sql/write_records.sql",
        held.slot,
        held.fence,
        held.seq,
        to_seq,
        lease.as_secs().to_string(),
        now,
        &t.seq,
        &t.n,
        &t.subject,
        &t.id,
        &t.from as &[Option<String>],
        &t.to,
        &t.cause,
        &r.seq,
        &r.kind,
        &r.operator,
        &r.player,
        &r.payment as &[Option<Uuid>],
        &r.refused as &[Option<String>],
        &e.seq,
        &e.n,
        &e.id,
        &e.kind,
        &e.operator,
        &e.player,
        &e.subject,
        &e.payment,
        &e.sequence,
        &e.data,
        &d.seq,
        &d.n,
        &d.id,
        &d.operator,
        &d.player,
        &d.payment as &[Option<Uuid>],
        &d.direction as &[Option<String>],
        &d.checkpoint,
        &d.player_version,
        &d.market as &[Option<String>],
        &d.version as &[Option<String>],
        &d.sha256 as &[Option<Vec<u8>>],
        &d.outcome,
        &d.rules,
        &d.reasons,
        &d.inputs,
        &d.engine,
        &d.occurred,
        &d.known
    )
    .execute(connection)
    .await?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(StoreError::FenceLost) }
}
