//! Loads payments with their parts, attempts and reviews, for lanes and for readers.

use super::load::{columns, key};
use super::rows::{AttemptRow, PartRow, PaymentRow};
use super::{StoreError, reviews};
use crate::book::{Book, Payment};
use crate::decide::Needs;
use crate::domain::PlayerKey;
use sqlx::PgConnection;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use uuid::Uuid;

/// Loads what the batch needs into the books whose players are locked.
pub async fn load(
    connection: &mut PgConnection,
    books: &mut BTreeMap<PlayerKey, Book>,
    needs: &Needs,
) -> Result<(), StoreError> {
    load_cases(connection, books, needs).await?;
    let mut wanted: BTreeSet<Uuid> = needs.payments.clone();
    if !needs.open_withdrawals.is_empty() {
        wanted.extend(open_withdrawals(connection, needs).await?);
    }
    if !needs.returns_of.is_empty() {
        wanted.extend(returns_of(connection, &needs.returns_of).await?);
    }
    if wanted.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = wanted.iter().copied().collect();
    let (mut payments, mut reviewed) = with_reviewed(connection, &ids).await?;
    let beside = beside_returns(connection, &payments).await?;
    let besides: Vec<Uuid> = beside.difference(&wanted).copied().collect();
    if !besides.is_empty() {
        let (deposits, asked_about) = with_reviewed(connection, &besides).await?;
        payments.extend(deposits);
        reviewed.extend(asked_about);
    }
    for payment in payments {
        if let Some(book) = books.get_mut(&payment.player) {
            book.payments.insert(payment.id.uuid, Arc::new(payment));
        }
    }
    // What becomes of a return may settle, or open, a review of its deposit or of another return of it.
    let wanted = |id: &Uuid| needs.reviews.contains(id) || beside.contains(id);
    let of: Vec<Uuid> = reviewed.into_iter().filter(wanted).collect();
    if !of.is_empty() {
        for review in reviews::of_payments(connection, &of).await? {
            let has = |book: &&mut Book| {
                review.payment.is_some_and(|payment| book.payments.contains_key(&payment))
            };
            if let Some(book) = books.values_mut().find(has) {
                book.reviews.insert(review.id.0, review);
            }
        }
    }
    Ok(())
}

/// Cases of the players themselves, into the book of whom each is about.
async fn load_cases(
    connection: &mut PgConnection,
    books: &mut BTreeMap<PlayerKey, Book>,
    needs: &Needs,
) -> Result<(), StoreError> {
    if needs.cases.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = needs.cases.iter().copied().collect();
    let rows = sqlx::query!(
        r#"select review_id, operator_id, player_id as "player_id!" from review
         where review_id = any($1) and subject = 'player'"#,
        &ids
    )
    .fetch_all(&mut *connection)
    .await?;
    let owners: BTreeMap<Uuid, PlayerKey> = rows
        .into_iter()
        .map(|row| (row.review_id, key(&row.operator_id, &row.player_id)))
        .collect();
    for review in reviews::by_ids(connection, &ids).await? {
        let owner = owners.get(&review.id.0);
        if let Some(book) = owner.and_then(|owner| books.get_mut(owner)) {
            book.reviews.insert(review.id.0, review);
        }
    }
    Ok(())
}

/// Withdrawals that can still be stopped, and returns of deposits that are on their way.
async fn open_withdrawals(
    connection: &mut PgConnection,
    needs: &Needs,
) -> Result<Vec<Uuid>, StoreError> {
    let (operators, ids) = columns(needs.open_withdrawals.iter());
    let rows = sqlx::query_scalar!(
        "select p.payment_id from payment p
         join unnest($1::text[], $2::text[]) as wanted (operator_id, player_id)
           on wanted.operator_id = p.operator_id and wanted.player_id = p.player_id
         where p.status = 'approved'
           or (p.status = 'processing' and p.of_deposit is not null)",
        &operators,
        &ids
    )
    .fetch_all(connection)
    .await?;
    Ok(rows)
}

/// What a return cannot be decided about without: the deposit that it gives back, and all that goes back of it.
async fn beside_returns(
    connection: &mut PgConnection,
    payments: &[Payment],
) -> Result<BTreeSet<Uuid>, StoreError> {
    let returned: BTreeSet<(PlayerKey, Uuid)> = payments
        .iter()
        .filter_map(|payment| {
            payment.returns.as_ref().map(|returns| (payment.player.clone(), returns.deposit))
        })
        .collect();
    if returned.is_empty() {
        return Ok(BTreeSet::new());
    }
    let mut beside: BTreeSet<Uuid> = returned.iter().map(|(_, deposit)| *deposit).collect();
    beside.extend(returns_of(connection, &returned).await?);
    Ok(beside)
}

/// Every return of these deposits.
async fn returns_of(
    connection: &mut PgConnection,
    wanted: &BTreeSet<(PlayerKey, Uuid)>,
) -> Result<Vec<Uuid>, StoreError> {
    let (operators, players) = columns(wanted.iter().map(|(player, _)| player));
    let deposits: Vec<Uuid> = wanted.iter().map(|(_, deposit)| *deposit).collect();
    let rows = sqlx::query_scalar!(
        r#"select p.payment_id as "payment_id!" from unnest($1::text[], $2::text[], $3::uuid[])
           as wanted (operator_id, player_id, of_deposit)
         cross join lateral (
           select payment_id, of_deposit from payment
           where operator_id = wanted.operator_id and player_id = wanted.player_id offset 0) p
         where p.of_deposit = wanted.of_deposit"#,
        &operators,
        &players,
        &deposits
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
             (select true from review r where r.payment_id = p.payment_id limit 1) as is_reviewed
           from payment p where payment_id = any($1)"#,
        ids
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut payments = BTreeMap::new();
    let (mut has_parts, mut reviewed) = (Vec::new(), Vec::new());
    for row in rows {
        // Asked with `exists`, a planner who knows no numbers yet would read all reviews first.
        if row.is_reviewed == Some(true) {
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
