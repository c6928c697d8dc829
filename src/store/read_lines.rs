//! Reads records whole, with everything that lanes wrote under their numbers, for the log that proves
//! them. What stands in a line is every column of the append-only tables that bear a number; a test
//! compares the two.
//!
//! A column or table that is added later must be null, or without rows, for old records: the lines that
//! were sealed stay as they are.
//!
//! Personal data may be gone where its player was erased, and only an erasure that hangs on a record of a
//! lane counts: one that is in no line is nobody's act.

use super::{Pool, StoreError, witness};
use crate::evidence::canonical::Object;
use crate::evidence::checkpoint::{Place, Range};
use crate::evidence::line::{Rows, line};
use std::collections::BTreeMap;
use uuid::Uuid;

pub(super) type Found = BTreeMap<i64, Rows>;

/// The lines of a range, in their order; none where a record is missing.
pub async fn lines(pool: &Pool, range: Range) -> Result<Vec<Option<String>>, StoreError> {
    let mut found = Found::new();
    records(pool, range, &mut found).await?;
    entries(pool, range, &mut found).await?;
    hold_moves(pool, range, &mut found).await?;
    transitions(pool, range, &mut found).await?;
    events(pool, range, &mut found).await?;
    decisions(pool, range, &mut found).await?;
    incidents(pool, range, &mut found).await?;
    wires(pool, range, &mut found).await?;
    player_versions(pool, range, &mut found).await?;
    payins(pool, range, &mut found).await?;
    attestations(pool, range, &mut found).await?;
    witness::erasure_lines(pool, range, &mut found).await?;
    witness::lines(pool, range, &mut found).await?;
    let of = |place: Place| line(place, found.remove(&place.seq).unwrap_or_default());
    Ok(range.places().map(of).collect())
}

/// The numbers of a payment's records, in the order in which they were written: those of its own commands, and
/// those of others' that tell an event of it, as the one that opens a return.
pub async fn of_payment(pool: &Pool, payment: Uuid) -> Result<Vec<Place>, StoreError> {
    let rows = sqlx::query!(
        r#"select slot as "slot!", seq as "seq!" from (
             select slot, seq, recorded_at as at from record where payment_id = $1
             union all
             select slot, seq, created_at from outbox_event where payment_id = $1) r
           group by slot, seq order by min(at), slot, seq"#,
        payment
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|row| Place { slot: row.slot, seq: row.seq }).collect())
}

/// The number of the record that holds a decision.
pub async fn of_decision(pool: &Pool, decision: Uuid) -> Result<Option<Place>, StoreError> {
    let row = sqlx::query!("select slot, seq from decision where decision_id = $1", decision)
        .fetch_optional(pool)
        .await?;
    Ok(row.map(|row| Place { slot: row.slot, seq: row.seq }))
}

async fn records(pool: &Pool, range: Range, found: &mut Found) -> Result<(), StoreError> {
    let Range { slot, first, last } = range;
    let rows = sqlx::query!(
        "select seq, kind, operator_id, player_id, payment_id, refused, recorded_at
         from record where slot = $1 and seq between $2 and $3",
        slot,
        first,
        last
    )
    .fetch_all(pool)
    .await?;
    for row in rows {
        let object = Object::default()
            .with("kind", row.kind)
            .with("operator_id", row.operator_id)
            .with("player_id", row.player_id)
            .with("payment_id", row.payment_id)
            .with("refused", row.refused)
            .with("recorded_at", row.recorded_at);
        found.entry(row.seq).or_default().record = Some(object);
    }
    Ok(())
}

async fn entries(pool: &Pool, range: Range, found: &mut Found) -> Result<(), StoreError> {
    let Range { slot, first, last } = range;
    let rows = sqlx::query!(
        "select seq, leg, kind, operator_id, player_id, payment_id, reference, account, amount,
           currency, wallet_version, balance_after, head, recorded_at
         from entry where slot = $1 and seq between $2 and $3 order by seq, leg",
        slot,
        first,
        last
    )
    .fetch_all(pool)
    .await?;
    for row in rows {
        let object = Object::default()
            .with("leg", row.leg)
            .with("kind", row.kind)
            .with("operator_id", row.operator_id)
            .with("player_id", row.player_id)
            .with("payment_id", row.payment_id)
            .with("reference", row.reference)
            .with("account", row.account)
            .with("amount", row.amount)
            .with("currency", row.currency)
            .with("wallet_version", row.wallet_version)
            .with("balance_after", row.balance_after)
            .with("head", row.head)
            .with("recorded_at", row.recorded_at);
        found.entry(row.seq).or_default().entries.push(object);
    }
    Ok(())
}

async fn hold_moves(pool: &Pool, range: Range, found: &mut Found) -> Result<(), StoreError> {
    let Range { slot, first, last } = range;
    let rows = sqlx::query!(
        "select seq, n, part_id, capture, amount, is_final
         from hold_move where slot = $1 and seq between $2 and $3 order by seq, n",
        slot,
        first,
        last
    )
    .fetch_all(pool)
    .await?;
    for row in rows {
        let object = Object::default()
            .with("n", row.n)
            .with("part_id", row.part_id)
            .with("capture", row.capture)
            .with("amount", row.amount)
            .with("is_final", row.is_final);
        found.entry(row.seq).or_default().hold_moves.push(object);
    }
    Ok(())
}

async fn transitions(pool: &Pool, range: Range, found: &mut Found) -> Result<(), StoreError> {
    let Range { slot, first, last } = range;
    let rows = sqlx::query!(
        "select seq, n, subject, subject_id, from_status, to_status, cause, at
         from transition where slot = $1 and seq between $2 and $3 order by seq, n",
        slot,
        first,
        last
    )
    .fetch_all(pool)
    .await?;
    for row in rows {
        let object = Object::default()
            .with("n", row.n)
            .with("subject", row.subject)
            .with("subject_id", row.subject_id)
            .with("from_status", row.from_status)
            .with("to_status", row.to_status)
            .with("cause", row.cause)
            .with("at", row.at);
        found.entry(row.seq).or_default().transitions.push(object);
    }
    Ok(())
}

async fn events(pool: &Pool, range: Range, found: &mut Found) -> Result<(), StoreError> {
    let Range { slot, first, last } = range;
    let rows = sqlx::query!(
        r#"select seq, n, event_id, operator_id, player_id, subject, payment_id, payment_sequence,
             kind, case when data_sha256 is not null and data::text = 'null' and exists (
               select 1 from erasure e
               where e.seq between 1 and (select s.seq from lane_slot s where s.slot = e.slot)
                 and (select true from record r where r.slot = e.slot and r.seq = e.seq
                   and r.operator_id = e.operator_id and r.player_id = e.player_id)
                 and e.operator_id = outbox_event.operator_id
                 and e.player_id = outbox_event.player_id) then data_sha256
               when data_sha256 is null then sha256(convert_to(data::text, 'UTF8'))
               else '\x00' end as "data_sha256!", created_at
           from outbox_event where slot = $1 and seq between $2 and $3 order by seq, n"#,
        slot,
        first,
        last
    )
    .fetch_all(pool)
    .await?;
    for row in rows {
        let object = Object::default()
            .with("n", row.n)
            .with("event_id", row.event_id)
            .with("operator_id", row.operator_id)
            .with("player_id", row.player_id)
            .with("subject", row.subject)
            .with("payment_id", row.payment_id)
            .with("payment_sequence", row.payment_sequence)
            .with("kind", row.kind)
            .with("data_sha256", row.data_sha256)
            .with("created_at", row.created_at);
        found.entry(row.seq).or_default().events.push(object);
    }
    Ok(())
}

async fn decisions(pool: &Pool, range: Range, found: &mut Found) -> Result<(), StoreError> {
    let Range { slot, first, last } = range;
    let rows = sqlx::query!(
        r#"select seq, n, decision_id, operator_id, player_id, payment_id, direction, checkpoint,
             player_version, market, policy_version, policy_sha256, outcome,
             rules::text as "rules!", reasons::text as "reasons!", fx::text, inputs::text as inputs,
             engine, occurred_at, known_at, recorded_at
           from decision where slot = $1 and seq between $2 and $3 order by seq, n"#,
        slot,
        first,
        last
    )
    .fetch_all(pool)
    .await?;
    for row in rows {
        let object = Object::default()
            .with("n", row.n)
            .with("decision_id", row.decision_id)
            .with("operator_id", row.operator_id)
            .with("player_id", row.player_id)
            .with("payment_id", row.payment_id)
            .with("direction", row.direction)
            .with("checkpoint", row.checkpoint)
            .with("player_version", row.player_version)
            .with("market", row.market)
            .with("policy_version", row.policy_version)
            .with("policy_sha256", row.policy_sha256)
            .with("outcome", row.outcome)
            .with("rules", row.rules)
            .with("reasons", row.reasons)
            .with("fx", row.fx)
            .with("inputs", row.inputs)
            .with("engine", row.engine)
            .with("occurred_at", row.occurred_at)
            .with("known_at", row.known_at)
            .with("recorded_at", row.recorded_at);
        found.entry(row.seq).or_default().decisions.push(object);
    }
    Ok(())
}

async fn incidents(pool: &Pool, range: Range, found: &mut Found) -> Result<(), StoreError> {
    let Range { slot, first, last } = range;
    let rows = sqlx::query!(
        "select seq, incident_id, operator_id, player_id, kind, payment_id, attempt_id, detail, raised_at
         from incident where slot = $1 and seq between $2 and $3 order by seq, incident_id",
        slot,
        first,
        last
    )
    .fetch_all(pool)
    .await?;
    for row in rows {
        let object = Object::default()
            .with("incident_id", row.incident_id)
            .with("operator_id", row.operator_id)
            .with("player_id", row.player_id)
            .with("kind", row.kind)
            .with("payment_id", row.payment_id)
            .with("attempt_id", row.attempt_id)
            .with("detail", row.detail)
            .with("raised_at", row.raised_at);
        found.entry(row.seq).or_default().incidents.push(object);
    }
    Ok(())
}

async fn wires(pool: &Pool, range: Range, found: &mut Found) -> Result<(), StoreError> {
    let Range { slot, first, last } = range;
    let rows = sqlx::query!(
        "select seq, n, attempt_id, purpose, step, status, failure, duration_ms, request_sha256, at
         from wire where slot = $1 and seq between $2 and $3 order by seq, n",
        slot,
        first,
        last
    )
    .fetch_all(pool)
    .await?;
    for row in rows {
        let object = Object::default()
            .with("n", row.n)
            .with("attempt_id", row.attempt_id)
            .with("purpose", row.purpose)
            .with("step", row.step)
            .with("status", row.status)
            .with("failure", row.failure)
            .with("duration_ms", row.duration_ms)
            .with("request_sha256", row.request_sha256)
            .with("at", row.at);
        found.entry(row.seq).or_default().wires.push(object);
    }
    Ok(())
}

/// The commitment is compared with what it was made of, as long as that is there: a record of a player
/// that was changed changes its line.
async fn player_versions(pool: &Pool, range: Range, found: &mut Found) -> Result<(), StoreError> {
    let Range { slot, first, last } = range;
    let rows = sqlx::query!(
        r#"select seq, operator_id, player_id, version, known_at,
             case
               when commitment is null then 'none'
               when case when salt is null then body::text = 'null' and exists (
                      select 1 from erasure e
                      where e.seq between 1 and (select s.seq from lane_slot s where s.slot = e.slot)
                        and (select true from record r where r.slot = e.slot and r.seq = e.seq
                          and r.operator_id = e.operator_id and r.player_id = e.player_id)
                        and e.operator_id = player_version.operator_id
                        and e.player_id = player_version.player_id)
                    else sha256(salt || convert_to(body::text, 'UTF8')) = commitment end
                 then encode(commitment, 'hex')
               else encode(commitment, 'hex') || ' does not fit'
             end as "commitment!"
           from player_version where slot = $1 and seq between $2 and $3
           order by seq, operator_id, player_id, version"#,
        slot,
        first,
        last
    )
    .fetch_all(pool)
    .await?;
    for row in rows {
        let object = Object::default()
            .with("operator_id", row.operator_id)
            .with("player_id", row.player_id)
            .with("version", row.version)
            .with("known_at", row.known_at)
            .with("commitment", row.commitment);
        found.entry(row.seq).or_default().player_versions.push(object);
    }
    Ok(())
}

async fn payins(pool: &Pool, range: Range, found: &mut Found) -> Result<(), StoreError> {
    let Range { slot, first, last } = range;
    let rows = sqlx::query!(
        "select seq, psp, psp_reference, operator_id, player_id, payment_id, received_at,
           below_unit::text, below_unit_currency
         from payin where slot = $1 and seq between $2 and $3 order by seq, psp, psp_reference",
        slot,
        first,
        last
    )
    .fetch_all(pool)
    .await?;
    for row in rows {
        let object = Object::default()
            .with("psp", row.psp)
            .with("psp_reference", row.psp_reference)
            .with("operator_id", row.operator_id)
            .with("player_id", row.player_id)
            .with("payment_id", row.payment_id)
            .with("received_at", row.received_at);
        // What was sealed of an arrival without them stays as it was.
        let below =
            [("below_unit", row.below_unit), ("below_unit_currency", row.below_unit_currency)];
        let object = below.into_iter().fold(object, |object, (key, told)| match told {
            Some(told) => object.with(key, told),
            None => object,
        });
        found.entry(row.seq).or_default().payins.push(object);
    }
    Ok(())
}

async fn attestations(pool: &Pool, range: Range, found: &mut Found) -> Result<(), StoreError> {
    let Range { slot, first, last } = range;
    let rows = sqlx::query!(
        "select seq, attestation_id, operator_id, player_id, kind, reference, amount, currency,
           given_at, valid_until, review_id
         from attestation where slot = $1 and seq between $2 and $3 order by seq, attestation_id",
        slot,
        first,
        last
    )
    .fetch_all(pool)
    .await?;
    for row in rows {
        let object = Object::default()
            .with("attestation_id", row.attestation_id)
            .with("operator_id", row.operator_id)
            .with("player_id", row.player_id)
            .with("kind", row.kind)
            .with("reference", row.reference)
            .with("amount", row.amount)
            .with("currency", row.currency)
            .with("given_at", row.given_at)
            .with("valid_until", row.valid_until)
            .with("review_id", row.review_id);
        found.entry(row.seq).or_default().attestations.push(object);
    }
    Ok(())
}
