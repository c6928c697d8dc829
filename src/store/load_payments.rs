//! Loads payments with their parts, attempts and reviews, for lanes and for readers.

use super::StoreError;
use super::load::columns;
use super::rows::{AttemptRow, PartRow, PaymentRow};
use crate::book::{Book, Payment, Proposal, ProposalState, Review};
use crate::decide::Needs;
use crate::domain::{AttemptId, PersonId, PlayerKey, ProposalId, ReviewId};
use sqlx::PgConnection;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Loads what the batch needs into the books whose players are locked.
pub async fn load(
    connection: &mut PgConnection,
    books: &mut BTreeMap<PlayerKey, Book>,
    needs: &Needs,
) -> Result<(), StoreError> {
    let mut wanted: BTreeSet<Uuid> = needs.payments.clone();
    if !needs.open_withdrawals.is_empty() {
        wanted.extend(approved_withdrawals(connection, needs).await?);
    }
    if wanted.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = wanted.iter().copied().collect();
    let (mut payments, reviewed) = with_reviewed(connection, &ids).await?;
    let returned: Vec<Uuid> = payments
        .iter()
        .filter_map(|payment| payment.returns.as_ref().map(|returns| returns.deposit))
        .filter(|deposit| !wanted.contains(deposit))
        .collect();
    if !returned.is_empty() {
        payments.extend(by_ids(connection, &returned).await?);
    }
    for payment in payments {
        if let Some(book) = books.get_mut(&payment.player) {
            book.payments.insert(payment.id.uuid, payment);
        }
    }
    let of: Vec<Uuid> = reviewed.into_iter().filter(|id| needs.reviews.contains(id)).collect();
    if !of.is_empty() {
        for review in reviews_of(connection, &of).await? {
            let owner = books.values_mut().find(|book| book.payments.contains_key(&review.payment));
            if let Some(book) = owner {
                book.reviews.insert(review.id.0, review);
            }
        }
    }
    Ok(())
}

async fn approved_withdrawals(
    connection: &mut PgConnection,
    needs: &Needs,
) -> Result<Vec<Uuid>, StoreError> {
    let (operators, ids) = columns(needs.open_withdrawals.iter());
    let rows = sqlx::query_scalar!(
        "select p.payment_id from payment p
         join unnest($1::text[], $2::text[]) as wanted (operator_id, player_id)
           on wanted.operator_id = p.operator_id and wanted.player_id = p.player_id
         where p.status = 'approved'",
        &operators,
        &ids
    )
    .fetch_all(connection)
    .await?;
    Ok(rows)
}

/// Payments with their parts and attempts, in the order of their ids.
pub async fn by_ids(
    connection: &mut PgConnection,
    ids: &[Uuid],
) -> Result<Vec<Payment>, StoreError> {
    Ok(with_reviewed(connection, ids).await?.0)
}

/// As [`by_ids`], and those of them that people ever had to look at: few, so that hardly ever a
/// statement for reviews is needed.
async fn with_reviewed(
    connection: &mut PgConnection,
    ids: &[Uuid],
) -> Result<(Vec<Payment>, Vec<Uuid>), StoreError> {
    let rows = sqlx::query_as!(
        PaymentRow,
        r#"select payment_id, operator_id, player_id, direction, status, origin, amount, currency,
             fee, country, method, reference, return_url, payer::text as "payer!", received_amount,
             received_currency, credited_amount, suspended_amount, suspended_currency,
             next_action::text as next_action, action_told, reasons::text as "reasons!",
             route::text as "route!", metadata::text as "metadata!", decision_id, event_sequence,
             answer_owed, due_at, source::text as source, returns::text as returns,
             instrument::text as instrument, created_at, updated_at,
             exists (select 1 from review r where r.payment_id = p.payment_id) as "is_reviewed!"
           from payment p where payment_id = any($1)"#,
        ids
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut payments = BTreeMap::new();
    let (mut has_parts, mut reviewed) = (Vec::new(), Vec::new());
    for row in rows {
        if row.is_reviewed {
            reviewed.push(row.payment_id);
        }
        let payment = row.into_payment()?;
        if payment.withdrawal_status().is_some() {
            has_parts.push(payment.id.uuid);
        }
        payments.insert(payment.id.uuid, payment);
    }
    load_parts(connection, &mut payments, &has_parts).await?;
    load_attempts(connection, &mut payments, ids).await?;
    Ok((payments.into_values().collect(), reviewed))
}

async fn load_parts(
    connection: &mut PgConnection,
    payments: &mut BTreeMap<Uuid, Payment>,
    ids: &[Uuid],
) -> Result<(), StoreError> {
    if ids.is_empty() {
        return Ok(());
    }
    let rows = sqlx::query_as!(
        PartRow,
        r#"select part_id, payment_id, number, amount, currency,
             instrument::text as "instrument!", status, held, method, route::text as route
           from part where payment_id = any($1) order by number"#,
        ids
    )
    .fetch_all(connection)
    .await?;
    for row in rows {
        if let Some(payment) = payments.get_mut(&row.payment_id) {
            payment.parts.push(row.into_part()?);
        }
    }
    Ok(())
}

async fn load_attempts(
    connection: &mut PgConnection,
    payments: &mut BTreeMap<Uuid, Payment>,
    ids: &[Uuid],
) -> Result<(), StoreError> {
    let rows = sqlx::query_as!(
        AttemptRow,
        "select attempt_id, payment_id, part_id, number, psp, status, asked, currency, error_code,
           error_retryable, psp_reference, was_accepted, first_sent_at, ended_at, lease_holder,
           lease_until, due_at, expires_at, inquiries, last_inquiry_at, last_ledger_at, misses,
           first_missed_at, last_missed_at, paged, cancel, kept_news, completion
         from attempt where payment_id = any($1) order by number",
        ids
    )
    .fetch_all(connection)
    .await?;
    for row in rows {
        if let Some(payment) = payments.get_mut(&row.payment_id) {
            payment.attempts.push(row.into_attempt()?);
        }
    }
    Ok(())
}

/// The reviews of these payments, with their proposals in order.
pub async fn reviews_of(
    connection: &mut PgConnection,
    payments: &[Uuid],
) -> Result<Vec<Review>, StoreError> {
    let rows = sqlx::query!(
        "select review_id, payment_id, attempt_id, kind, is_open, opened_at, closed_at
         from review where payment_id = any($1) order by review_id",
        payments
    )
    .fetch_all(&mut *connection)
    .await?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.review_id).collect();
    let mut proposals = proposals_of(connection, &ids).await?;
    Ok(rows
        .into_iter()
        .map(|row| Review {
            id: ReviewId(row.review_id),
            payment: row.payment_id,
            attempt: row.attempt_id.map(AttemptId),
            kind: row.kind,
            open: row.is_open,
            opened_at: row.opened_at,
            closed_at: row.closed_at,
            proposals: proposals.remove(&row.review_id).unwrap_or_default(),
        })
        .collect())
}

async fn proposals_of(
    connection: &mut PgConnection,
    reviews: &[Uuid],
) -> Result<BTreeMap<Uuid, Vec<Proposal>>, StoreError> {
    if reviews.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows = sqlx::query!(
        "select proposal_id, review_id, outcome, note, proposed_by, proposed_at, state, decided_by,
           decided_at, decided_note
         from review_proposal where review_id = any($1) order by proposal_id",
        reviews
    )
    .fetch_all(connection)
    .await?;
    let mut found: BTreeMap<Uuid, Vec<Proposal>> = BTreeMap::new();
    for row in rows {
        let state = ProposalState::parse(&row.state)
            .ok_or_else(|| StoreError::Corrupt(format!("proposal {}", row.state)))?;
        found.entry(row.review_id).or_default().push(Proposal {
            id: ProposalId(row.proposal_id),
            outcome: row.outcome,
            note: row.note,
            proposed_by: PersonId::trusted(&row.proposed_by),
            proposed_at: row.proposed_at,
            state,
            decided_by: row.decided_by.as_deref().map(PersonId::trusted),
            decided_at: row.decided_at,
            decided_note: row.decided_note,
        });
    }
    Ok(found)
}
