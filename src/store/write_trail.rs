//! Writes what hangs on records beside money: history, outbox, hold moves, wires, incidents.

use super::StoreError;
use super::write_records::{Numbered, n};
use crate::book::Subject;
use sqlx::PgConnection;

pub async fn write_transitions(
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

pub async fn write_events(
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
         select $1, seq, n, id, kind, operator, player, subject, payment, sequence, data::json, at
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

pub async fn write_hold_moves(
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

pub async fn write_wires(
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
