//! Idempotency keys whose time is over.

use super::StoreError;
use sqlx::PgPool;

/// Deletes at most `most` keys that were claimed so many days ago; returns how many. By the server's clock: an
/// instance whose own is ahead would forget keys that callers still repeat, and a payment would be made twice.
pub async fn purge(pool: &PgPool, days: i32, most: i64) -> Result<u64, StoreError> {
    let done = sqlx::query!(
        "delete from idempotency_key k using (
           select operator_id, scope, key from idempotency_key
           where created_at < now() - make_interval(days => $1) order by created_at limit $2) old
         where k.operator_id = old.operator_id and k.scope = old.scope and k.key = old.key",
        days,
        most
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected())
}
