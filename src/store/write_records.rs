//! Writes what a batch decided for good: records and everything that hangs on their numbers.
//!
//! Every table takes one statement a batch, its rows as arrays.

use super::{StoreError, json, payins, write_trail};
use crate::book::Record;
use crate::domain::{PlayerKey, Timestamp};
use crate::ledger::PostedLeg;
use sqlx::PgConnection;
use std::collections::BTreeMap;
use uuid::Uuid;

/// A record with the number that the lane gave it.
#[derive(Debug)]
pub struct Numbered {
    pub seq: i64,
    pub record: Record,
    /// The JSON of each of the record's events, as the API shows the payment.
    pub event_data: Vec<String>,
}

pub(super) fn n(index: usize) -> i16 {
    i16::try_from(index).expect("a command writes few rows")
}

/// Writes the batch's records in their order.
pub async fn write(
    connection: &mut PgConnection,
    slot: i16,
    records: &[Numbered],
    now: Timestamp,
) -> Result<(), StoreError> {
    if records.is_empty() {
        return Ok(());
    }
    write_records(connection, slot, records).await?;
    write_entries(connection, slot, records, now).await?;
    write_trail::write_transitions(connection, slot, records).await?;
    write_trail::write_events(connection, slot, records).await?;
    write_decisions(connection, slot, records, now).await?;
    write_trail::write_hold_moves(connection, slot, records).await?;
    write_trail::write_wires(connection, slot, records).await?;
    payins::write(connection, slot, records).await?;
    write_trail::write_incidents(connection, slot, records).await
}

async fn write_records(
    connection: &mut PgConnection,
    slot: i16,
    records: &[Numbered],
) -> Result<(), StoreError> {
    let seqs: Vec<i64> = records.iter().map(|r| r.seq).collect();
    let kinds: Vec<String> = records.iter().map(|r| r.record.kind.to_owned()).collect();
    let (operators, players) = super::load::columns(records.iter().map(|r| &r.record.player));
    let payments: Vec<Option<Uuid>> =
        records.iter().map(|r| r.record.payment.map(|id| id.uuid)).collect();
    let refused: Vec<Option<String>> =
        records.iter().map(|r| r.record.refused.map(str::to_owned)).collect();
    let ats: Vec<Timestamp> = records.iter().map(|r| r.record.at).collect();
    sqlx::query!(
        "insert into record (slot, seq, kind, operator_id, player_id, payment_id, refused, recorded_at)
         select $1, * from unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::uuid[],
           $7::text[], $8::timestamptz[])",
        slot,
        &seqs,
        &kinds,
        &operators,
        &players,
        &payments as &[Option<Uuid>],
        &refused as &[Option<String>],
        &ats
    )
    .execute(connection)
    .await?;
    Ok(())
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

async fn write_entries(
    connection: &mut PgConnection,
    slot: i16,
    records: &[Numbered],
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut columns = EntryColumns::default();
    let mut house: BTreeMap<(String, String), (i64, i64)> = BTreeMap::new();
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
        return Ok(());
    }
    sqlx::query!(
        "insert into entry (slot, recorded_at, seq, leg, kind, operator_id, player_id, payment_id,
           reference, account, amount, currency, wallet_version, balance_after, head)
         select $1, $2, * from unnest($3::bigint[], $4::smallint[], $5::text[], $6::text[],
           $7::text[], $8::uuid[], $9::text[], $10::text[], $11::bigint[], $12::text[],
           $13::bigint[], $14::bigint[], $15::bytea[])",
        slot,
        now,
        &columns.seq,
        &columns.leg,
        &columns.kind,
        &columns.operator,
        &columns.player,
        &columns.payment as &[Option<Uuid>],
        &columns.reference as &[Option<String>],
        &columns.account,
        &columns.amount,
        &columns.currency,
        &columns.version as &[Option<i64>],
        &columns.balance as &[Option<i64>],
        &columns.head as &[Option<Vec<u8>>]
    )
    .execute(&mut *connection)
    .await?;
    write_house(connection, slot, house).await
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

/// The house's balances of this slot: rows that no other lane writes.
async fn write_house(
    connection: &mut PgConnection,
    slot: i16,
    house: BTreeMap<(String, String), (i64, i64)>,
) -> Result<(), StoreError> {
    if house.is_empty() {
        return Ok(());
    }
    let mut columns = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for ((account, currency), (sum, count)) in house {
        columns.0.push(account);
        columns.1.push(currency);
        columns.2.push(sum);
        columns.3.push(count);
    }
    sqlx::query!(
        "insert into house_balance as b (slot, account, currency, balance, entries)
         select $1, * from unnest($2::text[], $3::text[], $4::bigint[], $5::bigint[])
         on conflict (account, currency, slot) do update
           set balance = b.balance + excluded.balance, entries = b.entries + excluded.entries",
        slot,
        &columns.0,
        &columns.1,
        &columns.2,
        &columns.3
    )
    .execute(connection)
    .await?;
    Ok(())
}

#[derive(Default)]
struct DecisionColumns {
    seq: Vec<i64>,
    n: Vec<i16>,
    id: Vec<Uuid>,
    operator: Vec<String>,
    player: Vec<String>,
    payment: Vec<Uuid>,
    direction: Vec<String>,
    checkpoint: Vec<String>,
    player_version: Vec<i64>,
    market: Vec<Option<String>>,
    version: Vec<Option<String>>,
    sha256: Vec<Option<Vec<u8>>>,
    outcome: Vec<String>,
    rules: Vec<String>,
    reasons: Vec<String>,
    fx: Vec<Option<String>>,
    engine: Vec<String>,
    occurred: Vec<Timestamp>,
}

fn decision_columns(records: &[Numbered]) -> DecisionColumns {
    let mut c = DecisionColumns::default();
    for numbered in records {
        for (index, decision) in numbered.record.decisions.iter().enumerate() {
            let policy = decision.policy.as_ref();
            c.seq.push(numbered.seq);
            c.n.push(n(index));
            c.id.push(decision.id.0);
            c.operator.push(decision.player.operator.as_str().to_owned());
            c.player.push(decision.player.player.as_str().to_owned());
            c.payment.push(decision.payment.uuid);
            c.direction.push(decision.payment.direction.as_str().to_owned());
            c.checkpoint.push(decision.checkpoint.as_str().to_owned());
            c.player_version.push(decision.player_version);
            c.market.push(policy.map(|(market, _, _)| market.clone()));
            c.version.push(policy.map(|(_, version, _)| version.clone()));
            c.sha256.push(policy.map(|(_, _, sha256)| sha256.to_vec()));
            c.outcome.push(decision.outcome.as_str().to_owned());
            c.rules.push(json::rules(&decision.rules));
            c.reasons.push(json::reasons(&decision.reasons));
            c.fx.push(decision.fx.as_ref().map(|(source, date)| {
                json::text(&serde_json::json!({"source": source, "date": date.to_string()}))
            }));
            c.engine.push(decision.engine.to_owned());
            c.occurred.push(decision.occurred_at);
        }
    }
    c
}

async fn write_decisions(
    connection: &mut PgConnection,
    slot: i16,
    records: &[Numbered],
    now: Timestamp,
) -> Result<(), StoreError> {
    let c = decision_columns(records);
    if c.seq.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "insert into decision (slot, recorded_at, seq, n, decision_id, operator_id, player_id,
           payment_id, direction, checkpoint, player_version, market, policy_version, policy_sha256,
           outcome, rules, reasons, fx, engine, occurred_at)
         select $1, $2, seq, n, id, operator, player, payment, direction, checkpoint,
           player_version, market, version, sha256, outcome, rules::json, reasons::json,
           fx::json, engine, occurred
         from unnest($3::bigint[], $4::smallint[], $5::uuid[], $6::text[], $7::text[], $8::uuid[],
           $9::text[], $10::text[], $11::bigint[], $12::text[], $13::text[], $14::bytea[],
           $15::text[], $16::text[], $17::text[], $18::text[], $19::text[], $20::timestamptz[])
           as d (seq, n, id, operator, player, payment, direction, checkpoint, player_version,
             market, version, sha256, outcome, rules, reasons, fx, engine, occurred)",
        slot,
        now,
        &c.seq,
        &c.n,
        &c.id,
        &c.operator,
        &c.player,
        &c.payment,
        &c.direction,
        &c.checkpoint,
        &c.player_version,
        &c.market as &[Option<String>],
        &c.version as &[Option<String>],
        &c.sha256 as &[Option<Vec<u8>>],
        &c.outcome,
        &c.rules,
        &c.reasons,
        &c.fx as &[Option<String>],
        &c.engine,
        &c.occurred
    )
    .execute(connection)
    .await?;
    Ok(())
}
