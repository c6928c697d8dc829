//! The signs of life of the workers: what `/readyz` looks at.

use super::{Pool, StoreError};
use crate::domain::Timestamp;

/// A worker of an instance has finished looking.
#[derive(Debug, Clone, Copy)]
pub struct Heartbeat<'a> {
    pub instance: &'a str,
    pub worker: &'a str,
    pub at: Timestamp,
    /// The next one must come before this.
    pub due_by: Timestamp,
    /// Looks that failed in a row.
    pub failures: u32,
}

pub async fn beat(pool: &Pool, heartbeat: &Heartbeat<'_>) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into worker_heartbeat (instance, worker, at, due_by, failures)
         values ($1, $2, $3, $4, $5)
         on conflict (instance, worker) do update
         set at = excluded.at, due_by = excluded.due_by, failures = excluded.failures",
        heartbeat.instance,
        heartbeat.worker,
        heartbeat.at,
        heartbeat.due_by,
        i32::try_from(heartbeat.failures).unwrap_or(i32::MAX),
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// What time it is by the server's clock.
pub async fn server_now(pool: &Pool) -> Result<Timestamp, StoreError> {
    let now = sqlx::query_scalar!(r#"select clock_timestamp() as "now!""#).fetch_one(pool).await?;
    Ok(now)
}

/// The workers of an instance whose sign of life is overdue.
pub async fn overdue(
    pool: &Pool,
    instance: &str,
    now: Timestamp,
) -> Result<Vec<String>, StoreError> {
    let workers = sqlx::query_scalar!(
        "select worker from worker_heartbeat where instance = $1 and due_by < $2 order by worker",
        instance,
        now,
    )
    .fetch_all(pool)
    .await?;
    Ok(workers)
}
