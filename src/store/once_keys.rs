//! Idempotency keys of acts that are done in the commit that keeps the key: a repeat finds it, and does nothing.

use super::{Pool, StoreError};
use crate::book::KeyId;
use crate::domain::Timestamp;
use sqlx::PgConnection;

/// A request that is done once: its key, and what makes it the same request.
#[derive(Debug, Clone)]
pub struct Once {
    pub key: KeyId,
    pub fingerprint: [u8; 32],
}

/// What a key stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// Nothing did it before: it is kept now, with the commit of the caller's transaction.
    New,
    /// The same request did it before, at that moment, and left this.
    Before { left: Vec<u8>, at: Timestamp },
    /// It stands for another request.
    Reused,
}

/// Keeps the key with what its request leaves for a repeat. A request of the same key that runs is waited for.
pub async fn keep(
    connection: &mut PgConnection,
    once: &Once,
    (status, left): (i16, &[u8]),
    now: Timestamp,
) -> Result<Kept, StoreError> {
    let done = sqlx::query!(
        "insert into idempotency_key
           (operator_id, scope, key, fingerprint, viewer, status, body, created_at)
         values ($1, $2, $3, $4, 'backend', $5, $6, $7)
         on conflict (operator_id, scope, key) do nothing",
        once.key.operator.as_str(),
        once.key.scope,
        once.key.key,
        once.fingerprint.as_slice(),
        status,
        left,
        now
    )
    .execute(&mut *connection)
    .await?;
    if done.rows_affected() == 1 {
        return Ok(Kept::New);
    }
    // Its time was over in this moment: the request may come again.
    found(connection, once).await?.ok_or(StoreError::Raced)
}

/// What the key stands for; None: for nothing yet.
pub async fn find(pool: &Pool, once: &Once) -> Result<Option<Kept>, StoreError> {
    found(&mut *pool.acquire().await?, once).await
}

async fn found(connection: &mut PgConnection, once: &Once) -> Result<Option<Kept>, StoreError> {
    let row = sqlx::query!(
        r#"select fingerprint, body as "body!", created_at from idempotency_key
           where operator_id = $1 and scope = $2 and key = $3 and body is not null"#,
        once.key.operator.as_str(),
        once.key.scope,
        once.key.key
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| match row.fingerprint == once.fingerprint {
        true => Kept::Before { left: row.body, at: row.created_at },
        false => Kept::Reused,
    }))
}
