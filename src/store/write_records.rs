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
struct RecordColumns<'a> {
    seq: Vec<i64>,
    kind: Vec<&'a str>,
    operator: Vec<&'a str>,
    player: Vec<&'a str>,
    payment: Vec<Option<Uuid>>,
    refused: Vec<Option<&'a str>>,
}

fn record_columns(records: &[Numbered]) -> RecordColumns<'_> {
    let mut c = RecordColumns::default();
    for Numbered { seq, record, .. } in records {
        c.seq.push(*seq);
        c.kind.push(record.kind);
        c.operator.push(record.player.operator.as_str());
        c.player.push(record.player.player.as_str());
        c.payment.push(record.payment.map(|id| id.uuid));
        c.refused.push(record.refused);
    }
    c
}

#[derive(Default)]
struct TransitionColumns<'a> {
    seq: Vec<i64>,
    n: Vec<i16>,
    subject: Vec<&'a str>,
    id: Vec<Uuid>,
    from: Vec<Option<&'a str>>,
    to: Vec<&'a str>,
    cause: Vec<&'a str>,
}

fn transition_columns(records: &[Numbered]) -> TransitionColumns<'_> {
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
            c.subject.push(subject);
            c.id.push(id);
            c.from.push(transition.from);
            c.to.push(transition.to);
            c.cause.push(&transition.cause);
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
    (r, t, e, d): (RecordColumns<'_>, TransitionColumns<'_>, EventColumns<'_>, DecisionColumns<'_>),
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
        &t.subject as &[&str],
        &t.id,
        &t.from as &[Option<&str>],
        &t.to as &[&str],
        &t.cause as &[&str],
        &r.seq,
        &r.kind as &[&str],
        &r.operator as &[&str],
        &r.player as &[&str],
        &r.payment as &[Option<Uuid>],
        &r.refused as &[Option<&str>],
        &e.seq,
        &e.n,
        &e.id,
        &e.kind as &[&str],
        &e.operator as &[&str],
        &e.player as &[&str],
        &e.subject,
        &e.payment,
        &e.sequence,
        &e.data as &[&str],
        &d.seq,
        &d.n,
        &d.id,
        &d.operator as &[&str],
        &d.player as &[&str],
        &d.payment as &[Option<Uuid>],
        &d.direction as &[Option<&str>],
        &d.checkpoint as &[&str],
        &d.player_version,
        &d.market as &[Option<&str>],
        &d.version as &[Option<&str>],
        &d.sha256 as &[Option<Vec<u8>>],
        &d.outcome as &[&str],
        &d.rules,
        &d.reasons,
        &d.inputs,
        &d.engine as &[&str],
        &d.occurred,
        &d.known
    )
    .execute(connection)
    .await?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(StoreError::FenceLost) }
}
