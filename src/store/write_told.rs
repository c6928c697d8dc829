//! Writes what a batch says and why: events for the outbox, and the decisions behind them.

use super::write_records::{Numbered, n};
use super::{StoreError, json};
use crate::domain::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

/// Writes the batch's events and decisions, where there are any.
pub async fn write(
    connection: &mut PgConnection,
    slot: i16,
    records: &[Numbered],
    now: Timestamp,
) -> Result<(), StoreError> {
    let (events, decisions) = (event_columns(records), decision_columns(records));
    if events.seq.is_empty() && decisions.seq.is_empty() {
        return Ok(());
    }
    insert(connection, slot, now, events, decisions).await
}

#[derive(Default)]
struct EventColumns {
    seq: Vec<i64>,
    n: Vec<i16>,
    id: Vec<Uuid>,
    kind: Vec<String>,
    operator: Vec<String>,
    player: Vec<String>,
    subject: Vec<String>,
    payment: Vec<Uuid>,
    sequence: Vec<i64>,
    data: Vec<String>,
    at: Vec<Timestamp>,
}

fn event_columns(records: &[Numbered]) -> EventColumns {
    let mut c = EventColumns::default();
    for Numbered { seq, record, event_data } in records {
        for (index, (event, data)) in record.events.iter().zip(event_data).enumerate() {
            c.seq.push(*seq);
            c.n.push(n(index));
            c.id.push(event.id.0);
            c.kind.push(event.kind.clone());
            c.operator.push(record.player.operator.as_str().to_owned());
            c.player.push(record.player.player.as_str().to_owned());
            c.subject.push(event.payment.id.to_string());
            c.payment.push(event.payment.id.uuid);
            c.sequence.push(event.sequence);
            c.data.push(data.clone());
            c.at.push(record.at);
        }
    }
    c
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

async fn insert(
    connection: &mut PgConnection,
    slot: i16,
    now: Timestamp,
    e: EventColumns,
    d: DecisionColumns,
) -> Result<(), StoreError> {
    sqlx::query!(
        "with told as (
           insert into outbox_event (slot, seq, n, event_id, kind, operator_id, player_id, subject,
             payment_id, payment_sequence, data, created_at)
           select $1, seq, n, id, kind, operator, player, subject, payment, sequence, data::json, at
           from unnest($21::bigint[], $22::smallint[], $23::uuid[], $24::text[], $25::text[],
             $26::text[], $27::text[], $28::uuid[], $29::bigint[], $30::text[], $31::timestamptz[])
             as e (seq, n, id, kind, operator, player, subject, payment, sequence, data, at))
         insert into decision (slot, recorded_at, seq, n, decision_id, operator_id, player_id,
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
        &d.seq,
        &d.n,
        &d.id,
        &d.operator,
        &d.player,
        &d.payment,
        &d.direction,
        &d.checkpoint,
        &d.player_version,
        &d.market as &[Option<String>],
        &d.version as &[Option<String>],
        &d.sha256 as &[Option<Vec<u8>>],
        &d.outcome,
        &d.rules,
        &d.reasons,
        &d.fx as &[Option<String>],
        &d.engine,
        &d.occurred,
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
        &e.at
    )
    .execute(connection)
    .await?;
    Ok(())
}
