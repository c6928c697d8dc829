//! Idempotency keys whose time is over.

use super::StoreError;
use crate::domain::Timestamp;
use sqlx::PgPool;

/// Deletes at most `most` keys that were claimed before `before`; returns how many.
pub async fn purge(pool: &PgPool, before: Timestamp, most: i64) -> Result<u64, StoreError> {
    let done = sqlx::query!(
        "delete from idempotency_key k using (
           select operator_id, scope, key from idempotency_key
           where created_at < $1 order by created_at limit $2) old
         where k.operator_id = old.operator_id and k.scope = old.scope and k.key = old.key",
        before,
        most
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected())
}
