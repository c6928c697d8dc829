//! Writes new payments and parts: one statement a table. What
//! moves of payments that were there is [`write_steps`]'s, attempts are [`write_attempts`]'s.

use super::rows::viewer_text;
use super::{StoreError, instrument_json, json, write_steps};
use crate::book::{Part, Payment};
use crate::domain::Timestamp;
use sqlx::PgConnection;
use std::collections::BTreeSet;
use uuid::Uuid;

#[derive(Default)]
struct Columns {
    id: Vec<Uuid>,
    operator: Vec<String>,
    player: Vec<String>,
    direction: Vec<String>,
    status: Vec<String>,
    origin: Vec<String>,
    amount: Vec<i64>,
    currency: Vec<String>,
    fee: Vec<Option<i64>>,
    country: Vec<String>,
    method: Vec<String>,
    reference: Vec<Option<String>>,
    return_url: Vec<Option<String>>,
    payer: Vec<String>,
    received: Vec<Option<i64>>,
    received_currency: Vec<Option<String>>,
    credited: Vec<Option<i64>>,
    suspended: Vec<Option<i64>>,
    suspended_currency: Vec<Option<String>>,
    next_action: Vec<Option<String>>,
    action_told: Vec<bool>,
    reasons: Vec<String>,
    route: Vec<String>,
    metadata: Vec<String>,
    decision: Vec<Uuid>,
    sequence: Vec<i64>,
    answer_owed: Vec<Option<String>>,
    due: Vec<Option<Timestamp>>,
    source: Vec<Option<String>>,
    returns: Vec<Option<String>>,
    of_deposit: Vec<Option<Uuid>>,
    instrument: Vec<Option<String>>,
    asks_first: Vec<Option<String>>,
    created: Vec<Timestamp>,
    updated: Vec<Timestamp>,
}

fn columns(payments: &[&Payment]) -> Columns {
    let mut c = Columns::default();
    for p in payments {
        let code =
            |money: Option<crate::domain::Money>| money.map(|m| m.currency.code().to_owned());
        c.id.push(p.id.uuid);
        c.operator.push(p.player.operator.as_str().to_owned());
        c.player.push(p.player.player.as_str().to_owned());
        c.direction.push(p.direction().as_str().to_owned());
        c.status.push(p.status.as_str().to_owned());
        c.origin.push(p.origin.as_str().to_owned());
        c.amount.push(p.money.minor);
        c.currency.push(p.money.currency.code().to_owned());
        c.fee.push(p.fee.map(|fee| fee.minor));
        c.country.push(p.country.clone());
        c.method.push(p.method.as_str().to_owned());
        c.reference.push(p.reference.clone());
        c.return_url.push(p.return_url.clone());
        c.payer.push(json::payer(&p.payer));
        c.received.push(p.received.map(|money| money.minor));
        c.received_currency.push(code(p.received));
        c.credited.push(p.credited.map(|money| money.minor));
        c.suspended.push(p.suspended.map(|money| money.minor));
        c.suspended_currency.push(code(p.suspended));
        c.next_action.push(p.next_action.as_ref().map(json::action));
        c.action_told.push(p.action_told);
        c.reasons.push(json::reasons(&p.reasons));
        c.route.push(json::route(&p.route));
        c.metadata.push(p.metadata.clone());
        c.decision.push(p.decision.0);
        c.sequence.push(p.event_sequence);
        c.answer_owed.push(p.answer_owed.map(|viewer| viewer_text(viewer).to_owned()));
        c.due.push(p.due_at);
        c.source.push(p.source.as_ref().map(instrument_json::instrument));
        c.returns.push(p.returns.as_ref().map(json::returns));
        c.of_deposit.push(p.returns.as_ref().map(|returns| returns.deposit));
        c.instrument.push(p.instrument.as_ref().map(instrument_json::chosen));
        c.asks_first.push(asks_first(p));
        c.created.push(p.created_at);
        c.updated.push(p.updated_at);
    }
    c
}

/// The PSPs that a withdrawal asks first, each once, in lines: there is no list of lists to hand over.
fn asks_first(payment: &Payment) -> Option<String> {
    let psps: BTreeSet<&str> =
        payment.parts.iter().filter_map(|part| payment.next_psp(Some(part.id))).collect();
    (!psps.is_empty()).then(|| psps.into_iter().collect::<Vec<_>>().join("\n"))
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
    let c = columns(payments);
    sqlx::query!(
        "insert into payment (payment_id, operator_id, player_id, direction, status, origin, amount,
           currency, fee, country, method, reference, return_url, payer, received_amount,
           received_currency, credited_amount, suspended_amount, suspended_currency, next_action,
           action_told, reasons, route, metadata, decision_id, event_sequence, answer_owed, due_at,
           source, returns, of_deposit, created_at, updated_at, instrument,
           asks_first)
         select a, b, c, d, e, f, g, h, i, j, k, l, m, n::json, o, p, q, r, s, t::json, u,
           v::json, w::json, x::json, y, z, aa, ab, ac::json, ad::json, ae, af, ag, ah::json,
           string_to_array(ai, chr(10))
         from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
           $7::bigint[], $8::text[], $9::bigint[], $10::text[], $11::text[], $12::text[],
           $13::text[], $14::text[], $15::bigint[], $16::text[], $17::bigint[], $18::bigint[],
           $19::text[], $20::text[], $21::boolean[], $22::text[], $23::text[], $24::text[],
           $25::uuid[], $26::bigint[], $27::text[], $28::timestamptz[], $29::text[], $30::text[],
           $31::uuid[], $32::timestamptz[], $33::timestamptz[], $34::text[], $35::text[])
           as t (a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y, z, aa,
             ab, ac, ad, ae, af, ag, ah, ai)",
        &c.id,
        &c.operator,
        &c.player,
        &c.direction,
        &c.status,
        &c.origin,
        &c.amount,
        &c.currency,
        &c.fee as &[Option<i64>],
        &c.country,
        &c.method,
        &c.reference as &[Option<String>],
        &c.return_url as &[Option<String>],
        &c.payer,
        &c.received as &[Option<i64>],
        &c.received_currency as &[Option<String>],
        &c.credited as &[Option<i64>],
        &c.suspended as &[Option<i64>],
        &c.suspended_currency as &[Option<String>],
        &c.next_action as &[Option<String>],
        &c.action_told,
        &c.reasons,
        &c.route,
        &c.metadata,
        &c.decision,
        &c.sequence,
        &c.answer_owed as &[Option<String>],
        &c.due as &[Option<Timestamp>],
        &c.source as &[Option<String>],
        &c.returns as &[Option<String>],
        &c.of_deposit as &[Option<Uuid>],
        &c.created,
        &c.updated,
        &c.instrument as &[Option<String>],
        &c.asks_first as &[Option<String>]
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn write_parts(
    connection: &mut PgConnection,
    parts: &[(Uuid, &Part)],
) -> Result<(), StoreError> {
    if parts.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = parts.iter().map(|(_, part)| part.id.0).collect();
    let payments: Vec<Uuid> = parts.iter().map(|(payment, _)| *payment).collect();
    let numbers: Vec<i16> = parts.iter().map(|(_, part)| part.number).collect();
    let amounts: Vec<i64> = parts.iter().map(|(_, part)| part.money.minor).collect();
    let currencies: Vec<String> =
        parts.iter().map(|(_, part)| part.money.currency.code().to_owned()).collect();
    let instruments: Vec<String> =
        parts.iter().map(|(_, part)| instrument_json::instrument(&part.instrument)).collect();
    let statuses: Vec<String> =
        parts.iter().map(|(_, part)| part.status.as_str().to_owned()).collect();
    let held: Vec<i64> = parts.iter().map(|(_, part)| part.held_minor).collect();
    let ways = || parts.iter().map(|(_, part)| part.way.as_deref());
    let methods: Vec<Option<String>> =
        ways().map(|way| way.map(|way| way.method.as_str().to_owned())).collect();
    let routes: Vec<Option<String>> =
        ways().map(|way| way.map(|way| json::route(&way.route))).collect();
    sqlx::query!(
        "insert into part (part_id, payment_id, number, amount, currency, instrument, status, held,
           method, route)
         select a, b, c, d, e, f::json, g, h, i, j::json
         from unnest($1::uuid[], $2::uuid[], $3::smallint[], $4::bigint[], $5::text[], $6::text[],
           $7::text[], $8::bigint[], $9::text[], $10::text[]) as t (a, b, c, d, e, f, g, h, i, j)",
        &ids,
        &payments,
        &numbers,
        &amounts,
        &currencies,
        &instruments,
        &statuses,
        &held,
        &methods as &[Option<String>],
        &routes as &[Option<String>]
    )
    .execute(connection)
    .await?;
    Ok(())
}
