//! Writes what a batch decided for good: records and everything that hangs on their numbers.
//!
//! Every table takes one statement a batch, its rows as arrays.

use super::StoreError;
use super::json;
use crate::book::{Record, Subject};
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

fn n(index: usize) -> i16 {
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
    write_transitions(connection, slot, records).await?;
    write_events(connection, slot, records).await?;
    write_decisions(connection, slot, records, now).await?;
    write_hold_moves(connection, slot, records).await?;
    write_wires(connection, slot, records).await?;
    write_incidents(connection, slot, records).await
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

async fn write_transitions(
    connection: &mut PgConnection,
    slot: i16,
    records: &[Numbered],
) -> Result<(), StoreError> {
    let (mut seqs, mut ns, mut subjects, mut ids) = (vec![], vec![], vec![], vec![]);
    let (mut froms, mut tos, mut causes, mut ats) = (vec![], vec![], vec![], vec![]);
    for numbered in records {
        for (index, transition) in numbered.record.transitions.iter().enumerate() {
            let (subject, id) = match transition.subject {
                Subject::Payment(id) => ("payment", id.uuid),
                Subject::Part(id) => ("part", id.0),
                Subject::Attempt(id) => ("attempt", id.0),
            };
            seqs.push(numbered.seq);
            ns.push(n(index));
            subjects.push(subject.to_owned());
            ids.push(id);
            froms.push(transition.from.map(str::to_owned));
            tos.push(transition.to.to_owned());
            causes.push(transition.cause.clone());
            ats.push(numbered.record.at);
        }
    }
    if seqs.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "insert into transition (slot, seq, n, subject, subject_id, from_status, to_status, cause, at)
         select $1, * from unnest($2::bigint[], $3::smallint[], $4::text[], $5::uuid[], $6::text[],
           $7::text[], $8::text[], $9::timestamptz[])",
        slot,
        &seqs,
        &ns,
        &subjects,
        &ids,
        &froms as &[Option<String>],
        &tos,
        &causes,
        &ats
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn write_events(
    connection: &mut PgConnection,
    slot: i16,
    records: &[Numbered],
) -> Result<(), StoreError> {
    let (mut seqs, mut ns, mut ids, mut kinds) = (vec![], vec![], vec![], vec![]);
    let (mut operators, mut players, mut subjects) = (vec![], vec![], vec![]);
    let (mut payments, mut sequences, mut data, mut ats) = (vec![], vec![], vec![], vec![]);
    for numbered in records {
        for (index, event) in numbered.record.events.iter().enumerate() {
            seqs.push(numbered.seq);
            ns.push(n(index));
            ids.push(event.id.0);
            kinds.push(event.kind.clone());
            operators.push(numbered.record.player.operator.as_str().to_owned());
            players.push(numbered.record.player.player.as_str().to_owned());
            subjects.push(event.payment.id.to_string());
            payments.push(event.payment.id.uuid);
            sequences.push(event.sequence);
            data.push(numbered.event_data[index].clone());
            ats.push(numbered.record.at);
        }
    }
    if seqs.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "insert into outbox_event (slot, seq, n, event_id, kind, operator_id, player_id, subject,
           payment_id, payment_sequence, data, created_at)
         select $1, seq, n, id, kind, operator, player, subject, payment, sequence, data::jsonb, at
         from unnest($2::bigint[], $3::smallint[], $4::uuid[], $5::text[], $6::text[], $7::text[],
           $8::text[], $9::uuid[], $10::bigint[], $11::text[], $12::timestamptz[])
           as e (seq, n, id, kind, operator, player, subject, payment, sequence, data, at)",
        slot,
        &seqs,
        &ns,
        &ids,
        &kinds,
        &operators,
        &players,
        &subjects,
        &payments,
        &sequences,
        &data,
        &ats
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
           player_version, market, version, sha256, outcome, rules::jsonb, reasons::jsonb,
           fx::jsonb, engine, occurred
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

async fn write_hold_moves(
    connection: &mut PgConnection,
    slot: i16,
    records: &[Numbered],
) -> Result<(), StoreError> {
    let (mut seqs, mut ns, mut parts) = (vec![], vec![], vec![]);
    let (mut captures, mut amounts, mut finals) = (vec![], vec![], vec![]);
    for numbered in records {
        for (index, hold_move) in numbered.record.hold_moves.iter().enumerate() {
            seqs.push(numbered.seq);
            ns.push(n(index));
            parts.push(hold_move.part.0);
            captures.push(hold_move.capture);
            amounts.push(hold_move.amount_minor);
            finals.push(hold_move.is_final);
        }
    }
    if seqs.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "insert into hold_move (slot, seq, n, part_id, capture, amount, is_final)
         select $1, * from unnest($2::bigint[], $3::smallint[], $4::uuid[], $5::boolean[],
           $6::bigint[], $7::boolean[])",
        slot,
        &seqs,
        &ns,
        &parts,
        &captures,
        &amounts,
        &finals
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn write_wires(
    connection: &mut PgConnection,
    slot: i16,
    records: &[Numbered],
) -> Result<(), StoreError> {
    let (mut seqs, mut ns, mut attempts, mut purposes) = (vec![], vec![], vec![], vec![]);
    let (mut steps, mut statuses, mut failures) = (vec![], vec![], vec![]);
    let (mut durations, mut hashes, mut ats) = (vec![], vec![], vec![]);
    for numbered in records {
        for (index, wire) in numbered.record.wires.iter().enumerate() {
            seqs.push(numbered.seq);
            ns.push(n(index));
            attempts.push(wire.attempt.0);
            purposes.push(wire.purpose.to_owned());
            steps.push(wire.step.clone());
            statuses.push(wire.status);
            failures.push(wire.failure.map(str::to_owned));
            durations.push(wire.duration_ms);
            hashes.push(wire.request_sha256.to_vec());
            ats.push(numbered.record.at);
        }
    }
    if seqs.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "insert into wire (slot, seq, n, attempt_id, purpose, step, status, failure, duration_ms,
           request_sha256, at)
         select $1, * from unnest($2::bigint[], $3::smallint[], $4::uuid[], $5::text[], $6::text[],
           $7::integer[], $8::text[], $9::integer[], $10::bytea[], $11::timestamptz[])",
        slot,
        &seqs,
        &ns,
        &attempts,
        &purposes,
        &steps,
        &statuses as &[Option<i32>],
        &failures as &[Option<String>],
        &durations,
        &hashes,
        &ats
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn write_incidents(
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
