//! By when withdrawals are to be at their end. Lanes write what was promised and told; workers look for
//! what is due, and strike off what ended in time.

use super::load::key;
use super::{Pool, StoreError};
use crate::book::{Book, Deadline};
use crate::decide::Needs;
use crate::domain::{PaymentId, PlayerKey, Timestamp};
use sqlx::PgConnection;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Statuses of a withdrawal of which nothing is due any more, as the events of their names say.
const ENDS: [&str; 7] = [
    "withdrawal.paid",
    "withdrawal.paid_in_part",
    "withdrawal.failed",
    "withdrawal.rejected",
    "withdrawal.cancelled",
    "withdrawal.blocked",
    "withdrawal.returned",
];

/// Writes those of a batch that are new or changed.
pub async fn write(connection: &mut PgConnection, books: &[&Book]) -> Result<(), StoreError> {
    for book in books {
        for deadline in book.dirty.deadlines.iter().filter_map(|id| book.deadlines.get(id)) {
            sqlx::query!(
                "insert into payment_deadline (payment_id, operator_id, player_id, policy_version, rule,
                   asked_at, warn_at, deadline_at, due_at, warned_at, passed_at)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
                 on conflict (payment_id) do update set due_at = excluded.due_at,
                   warned_at = excluded.warned_at, passed_at = excluded.passed_at",
                deadline.payment.uuid,
                book.key.operator.as_str(),
                book.key.player.as_str(),
                deadline.version,
                deadline.rule,
                deadline.asked_at,
                deadline.warn_at,
                deadline.deadline_at,
                deadline.due_at,
                deadline.warned_at,
                deadline.passed_at
            )
            .execute(&mut *connection)
            .await?;
        }
    }
    Ok(())
}

/// Loads those that a batch looks at.
pub(super) async fn load(
    connection: &mut PgConnection,
    books: &mut BTreeMap<PlayerKey, Book>,
    needs: &Needs,
) -> Result<(), StoreError> {
    if needs.deadlines.is_empty() {
        return Ok(());
    }
    let wanted: Vec<Uuid> = needs.deadlines.iter().copied().collect();
    let rows = sqlx::query!(
        "select payment_id, operator_id, player_id, policy_version, rule, asked_at, warn_at, deadline_at,
           due_at, warned_at, passed_at
         from payment_deadline where payment_id = any($1)",
        &wanted
    )
    .fetch_all(connection)
    .await?;
    for row in rows {
        let Some(book) = books.get_mut(&key(&row.operator_id, &row.player_id)) else { continue };
        let deadline = Deadline {
            payment: PaymentId::withdrawal(row.payment_id),
            version: row.policy_version,
            rule: row.rule,
            asked_at: row.asked_at,
            warn_at: row.warn_at,
            deadline_at: row.deadline_at,
            due_at: row.due_at,
            warned_at: row.warned_at,
            passed_at: row.passed_at,
        };
        book.deadlines.insert(row.payment_id, deadline);
    }
    Ok(())
}

/// Strikes off what is due and ended in time: nearly all of them, in one statement and without their
/// players' lanes. A payment that changed later than its deadline may have ended before: it is looked at.
/// Each payment is found by its key, however small the planner believes the tables to be.
pub async fn strike_off(pool: &Pool, now: Timestamp, most: i64) -> Result<u64, StoreError> {
    let done = sqlx::query!(
        "update payment_deadline d set due_at = null
         from (select due.payment_id from payment_deadline due
               cross join lateral (select status, updated_at from payment
                 where payment_id = due.payment_id limit 1) p
               where due.due_at <= $1 and p.updated_at <= due.deadline_at
                 and 'withdrawal.' || p.status = any($3::text[])
               order by due.due_at limit $2 for update of due skip locked) ended
         where d.payment_id = ended.payment_id",
        now,
        most,
        &ENDS.map(str::to_owned)
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected())
}

/// A withdrawal whose time is near or over.
#[derive(Debug, Clone)]
pub struct Due {
    pub player: PlayerKey,
    pub payment: Uuid,
}

/// Claims what is due, for as long as `until`: another instance leaves it alone.
pub async fn claim(
    pool: &Pool,
    now: Timestamp,
    until: Timestamp,
    most: i64,
) -> Result<Vec<Due>, StoreError> {
    let rows = sqlx::query!(
        "update payment_deadline d set due_at = $2
         from (select payment_id from payment_deadline where due_at <= $1
               order by due_at limit $3 for update skip locked) due
         where d.payment_id = due.payment_id
         returning d.payment_id, d.operator_id, d.player_id",
        now,
        until,
        most
    )
    .fetch_all(pool)
    .await?;
    let due = rows
        .into_iter()
        .map(|row| Due { player: key(&row.operator_id, &row.player_id), payment: row.payment_id });
    Ok(due.collect())
}

/// When a withdrawal came to its end for the first time. None: it has not.
pub async fn ended_at(pool: &Pool, payment: Uuid) -> Result<Option<Timestamp>, StoreError> {
    let ended_at = sqlx::query_scalar!(
        "select min(created_at) from outbox_event where payment_id = $1 and kind = any($2::text[])",
        payment,
        &ENDS.map(str::to_owned)
    )
    .fetch_one(pool)
    .await?;
    Ok(ended_at)
}
