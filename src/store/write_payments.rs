//! Writes new payments and parts: one statement a table. What
//! moves of payments that were there is [`write_steps`]'s, attempts are [`write_attempts`]'s.

use super::rows::viewer_text;
use super::write_steps::code;
use super::written::{JsonText, written};
use super::{StoreError, instrument_json, json, write_steps};
use crate::book::{Part, Payment};
use crate::domain::Timestamp;
use sqlx::PgConnection;
use std::collections::BTreeSet;
use uuid::Uuid;

written! {
    PaymentRow<'a> as "written_payment" {
        payment_id: Uuid,
        operator_id: &'a str,
        player_id: &'a str,
        direction: &'a str,
        status: &'a str,
        origin: &'a str,
        amount: i64,
        currency: &'a str,
        fee: Option<i64>,
        country: &'a str,
        method: &'a str,
        reference: Option<&'a str>,
        return_url: Option<&'a str>,
        payer: JsonText<'a>,
        received_amount: Option<i64>,
        received_currency: Option<&'a str>,
        credited_amount: Option<i64>,
        suspended_amount: Option<i64>,
        suspended_currency: Option<&'a str>,
        next_action: Option<JsonText<'a>>,
        action_told: bool,
        reasons: JsonText<'a>,
        route: JsonText<'a>,
        metadata: JsonText<'a>,
        decision_id: Uuid,
        event_sequence: i64,
        answer_owed: Option<&'a str>,
        due_at: Option<Timestamp>,
        source: Option<JsonText<'a>>,
        returns: Option<JsonText<'a>>,
        of_deposit: Option<Uuid>,
        created_at: Timestamp,
        updated_at: Timestamp,
        instrument: Option<JsonText<'a>>,
        asks_first: Option<Vec<&'a str>>,
    }
}

fn row<'a>(payment: &&'a Payment) -> PaymentRow<'a> {
    let p = *payment;
    PaymentRow {
        payment_id: p.id.uuid,
        operator_id: p.player.operator.as_str(),
        player_id: p.player.player.as_str(),
        direction: p.direction().as_str(),
        status: p.status.as_str(),
        origin: p.origin.as_str(),
        amount: p.money.minor,
        currency: p.money.currency.code(),
        fee: p.fee.map(|fee| fee.minor),
        country: &p.country,
        method: p.method.as_str(),
        reference: p.reference.as_deref(),
        return_url: p.return_url.as_deref(),
        payer: json::payer(&p.payer).into(),
        received_amount: p.received.map(|money| money.minor),
        received_currency: code(p.received.as_ref()),
        credited_amount: p.credited.map(|money| money.minor),
        suspended_amount: p.suspended.map(|money| money.minor),
        suspended_currency: code(p.suspended.as_ref()),
        next_action: p.next_action.as_ref().map(|action| json::action(action).into()),
        action_told: p.action_told,
        reasons: json::reasons(&p.reasons).into(),
        route: json::route(&p.route).into(),
        metadata: p.metadata.as_str().into(),
        decision_id: p.decision.0,
        event_sequence: p.event_sequence,
        answer_owed: p.answer_owed.map(viewer_text),
        due_at: p.due_at,
        source: p.source.as_ref().map(|source| instrument_json::instrument(source).into()),
        returns: p.returns.as_ref().map(|returns| json::returns(returns).into()),
        of_deposit: p.returns.as_ref().map(|returns| returns.deposit),
        created_at: p.created_at,
        updated_at: p.updated_at,
        instrument: p.instrument.as_ref().map(|chosen| instrument_json::chosen(chosen).into()),
        asks_first: asks_first(p),
    }
}

/// The PSPs that a withdrawal asks first, each once.
fn asks_first(payment: &Payment) -> Option<Vec<&str>> {
    let psps: BTreeSet<&str> =
        payment.parts.iter().filter_map(|part| payment.next_psp(Some(part.id))).collect();
    (!psps.is_empty()).then(|| psps.into_iter().collect())
}

/// Writes payments with their parts and attempts: those that are new, and those that were there; and
/// the answers that can be told of them now.
pub async fn write(
    connection: &mut PgConnection,
    opened: &[&Payment],
    changed: &[&Payment],
    answers: &[write_steps::Answer],
) -> Result<(), StoreError> {
    write_heads(connection, opened).await?;
    let parts: Vec<_> =
        opened.iter().flat_map(|p| p.parts.iter().map(|part| (p.id.uuid, part))).collect();
    write_parts(connection, &parts).await?;
    let attempts: Vec<_> = opened
        .iter()
        .chain(changed)
        .flat_map(|p| p.attempts.iter().map(|a| (p.id.uuid, a)))
        .collect();
    write_steps::write(connection, changed, &attempts, answers).await
}

async fn write_heads(
    connection: &mut PgConnection,
    payments: &[&Payment],
) -> Result<(), StoreError> {
    if payments.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = payments.iter().map(row).collect();
    sqlx::query!(
        "insert into payment (payment_id, operator_id, player_id, direction, status, origin, amount,
           currency, fee, country, method, reference, return_url, payer, received_amount,
           received_currency, credited_amount, suspended_amount, suspended_currency, next_action,
           action_told, reasons, route, metadata, decision_id, event_sequence, answer_owed, due_at,
           source, returns, of_deposit, created_at, updated_at, instrument, asks_first)
         select p.* from unnest($1::written_payment[]) p",
        rows as Vec<PaymentRow<'_>>
    )
    .execute(connection)
    .await?;
    Ok(())
}

written! {
    PartRow<'a> as "written_part" {
        part_id: Uuid,
        payment_id: Uuid,
        number: i16,
        amount: i64,
        currency: &'a str,
        instrument: JsonText<'a>,
        status: &'a str,
        held: i64,
        method: Option<&'a str>,
        route: Option<JsonText<'a>>,
    }
}

fn part_row(payment_id: Uuid, part: &Part) -> PartRow<'_> {
    let way = part.way.as_deref();
    PartRow {
        part_id: part.id.0,
        payment_id,
        number: part.number,
        amount: part.money.minor,
        currency: part.money.currency.code(),
        instrument: instrument_json::instrument(&part.instrument).into(),
        status: part.status.as_str(),
        held: part.held_minor,
        method: way.map(|way| way.method.as_str()),
        route: way.map(|way| json::route(&way.route).into()),
    }
}

async fn write_parts(
    connection: &mut PgConnection,
    parts: &[(Uuid, &Part)],
) -> Result<(), StoreError> {
    if parts.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = parts.iter().map(|(payment, part)| part_row(*payment, part)).collect();
    sqlx::query!(
        "insert into part (part_id, payment_id, number, amount, currency, instrument, status, held,
           method, route)
         select p.* from unnest($1::written_part[]) p",
        rows as Vec<PartRow<'_>>
    )
    .execute(connection)
    .await?;
    Ok(())
}
