//! Writes what a batch decided for good: records and everything that hangs on their numbers.
//!
//! Rows go as arrays, and tables that nearly every batch writes share a statement: a round trip costs
//! as much as a dozen rows.

use super::slots::HeldSlot;
use super::{StoreError, payins, write_told, write_trail};
use crate::book::{Record, Subject};
use crate::domain::{PlayerKey, Timestamp};
use crate::ledger::PostedLeg;
use sqlx::PgConnection;
use std::collections::BTreeMap;
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
    write_entries(connection, slot, records, now).await?;
    write_told::write(connection, slot, records, now).await?;
    write_trail::write(connection, slot, records).await?;
    payins::write(connection, slot, records).await?;
    write_trail::write_incidents(connection, slot, records).await?;
    let columns = (record_columns(records), transition_columns(records));
    write_records(connection, held, last.seq, lease, columns).await
}

#[derive(Default)]
struct RecordColumns {
    seq: Vec<i64>,
    kind: Vec<String>,
    operator: Vec<String>,
    player: Vec<String>,
    payment: Vec<Option<Uuid>>,
    refused: Vec<Option<String>>,
    at: Vec<Timestamp>,
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
        c.at.push(record.at);
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
    at: Vec<Timestamp>,
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
            c.at.push(record.at);
        }
    }
    c
}

/// Records, history and the slot's number in one statement. The number moves only where the fence
/// still stands and nobody has moved it: a lane that lost its slot cannot commit.
async fn write_records(
    connection: &mut PgConnection,
    held: HeldSlot,
    to_seq: i64,
    lease: Duration,
    (r, t): (RecordColumns, TransitionColumns),
) -> Result<(), StoreError> {
    let done = sqlx::query!(
        "with history as (
           insert into transition (slot, seq, n, subject, subject_id, from_status, to_status, cause,
             at)
           select $1, * from unnest($6::bigint[], $7::smallint[], $8::text[], $9::uuid[],
             $10::text[], $11::text[], $12::text[], $13::timestamptz[])),
         records as (
           insert into record (slot, seq, kind, operator_id, player_id, payment_id, refused,
             recorded_at)
           select $1, * from unnest($14::bigint[], $15::text[], $16::text[], $17::text[],
             $18::uuid[], $19::text[], $20::timestamptz[]))
         update lane_slot set seq = $4, lease_until = now() + ($5 || ' seconds')::interval
         where slot = $1 and fence = $2 and seq = $3",
        held.slot,
        held.fence,
        held.seq,
        to_seq,
        lease.as_secs().to_string(),
        &t.seq,
        &t.n,
        &t.subject,
        &t.id,
        &t.from as &[Option<String>],
        &t.to,
        &t.cause,
        &t.at,
        &r.seq,
        &r.kind,
        &r.operator,
        &r.player,
        &r.payment as &[Option<Uuid>],
        &r.refused as &[Option<String>],
        &r.at
    )
    .execute(connection)
    .await?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(StoreError::FenceLost) }
}

#[derive(Default)]
struct EntryColumns {
    seq: Vec<i64>,
    leg: Vec<i16>,
    kind: Vec<String>,
    operator: Vec<String>,
    player: Vec<String>,
    payment: Vec<Option<Uuid>>,
    reference: Vec<Option<String>>,
    account: Vec<String>,
    amount: Vec<i64>,
    currency: Vec<String>,
    version: Vec<Option<i64>>,
    balance: Vec<Option<i64>>,
    head: Vec<Option<Vec<u8>>>,
}

/// Per house account and currency: the sum of the batch's legs, and how many there are.
type House = BTreeMap<(String, String), (i64, i64)>;

async fn write_entries(
    connection: &mut PgConnection,
    slot: i16,
    records: &[Numbered],
    now: Timestamp,
) -> Result<(), StoreError> {
    let (mut columns, mut house) = (EntryColumns::default(), House::new());
    for numbered in records {
        let mut leg_number = 0;
        for entry in &numbered.record.entries {
            for leg in &entry.legs {
                push_leg(&mut columns, numbered, entry, leg, leg_number);
                leg_number += 1;
                if !leg.account.is_players() {
                    let code = entry.currency.code().to_owned();
                    let sum = house.entry((leg.account.to_string(), code)).or_default();
                    sum.0 += leg.amount;
                    sum.1 += 1;
                }
            }
        }
    }
    if columns.seq.is_empty() {
        Ok(())
    } else {
        insert_legs(connection, slot, now, columns, house).await
    }
}

/// The legs, and the house's balances of this slot: rows that no other lane writes.
async fn insert_legs(
    connection: &mut PgConnection,
    slot: i16,
    now: Timestamp,
    c: EntryColumns,
    house: House,
) -> Result<(), StoreError> {
    let (accounts, sums): (Vec<_>, Vec<_>) = house.into_iter().unzip();
    let (accounts, currencies): (Vec<String>, Vec<String>) = accounts.into_iter().unzip();
    let (sums, counts): (Vec<i64>, Vec<i64>) = sums.into_iter().unzip();
    sqlx::query!(
        "with house as (
           insert into house_balance as b (slot, account, currency, balance, entries)
           select $1, * from unnest($16::text[], $17::text[], $18::bigint[], $19::bigint[])
           on conflict (account, currency, slot) do update
             set balance = b.balance + excluded.balance, entries = b.entries + excluded.entries)
         insert into entry (slot, recorded_at, seq, leg, kind, operator_id, player_id, payment_id,
           reference, account, amount, currency, wallet_version, balance_after, head)
         select $1, $2, * from unnest($3::bigint[], $4::smallint[], $5::text[], $6::text[],
           $7::text[], $8::uuid[], $9::text[], $10::text[], $11::bigint[], $12::text[],
           $13::bigint[], $14::bigint[], $15::bytea[])",
        slot,
        now,
        &c.seq,
        &c.leg,
        &c.kind,
        &c.operator,
        &c.player,
        &c.payment as &[Option<Uuid>],
        &c.reference as &[Option<String>],
        &c.account,
        &c.amount,
        &c.currency,
        &c.version as &[Option<i64>],
        &c.balance as &[Option<i64>],
        &c.head as &[Option<Vec<u8>>],
        &accounts,
        &currencies,
        &sums,
        &counts
    )
    .execute(connection)
    .await?;
    Ok(())
}

fn push_leg(
    columns: &mut EntryColumns,
    numbered: &Numbered,
    entry: &crate::book::Entry,
    leg: &PostedLeg,
    leg_number: usize,
) {
    let PlayerKey { operator, player } = &numbered.record.player;
    columns.seq.push(numbered.seq);
    columns.leg.push(n(leg_number));
    columns.kind.push(entry.kind.to_owned());
    columns.operator.push(operator.as_str().to_owned());
    columns.player.push(player.as_str().to_owned());
    columns.payment.push(entry.payment);
    columns.reference.push(entry.reference.clone());
    columns.account.push(leg.account.to_string());
    columns.amount.push(leg.amount);
    columns.currency.push(entry.currency.code().to_owned());
    columns.version.push(leg.wallet.map(|(version, _)| version));
    columns.balance.push(leg.balance_after);
    columns.head.push(leg.wallet.map(|(_, head)| head.to_vec()));
}
