//! Sessions of players' browsers: whether a token still counts.

use crate::domain::{OperatorId, PlayerKey, Timestamp};
use sqlx::PgPool;
use uuid::Uuid;

/// Records a session that was just opened.
///
/// # Errors
/// When the database fails.
pub async fn insert(
    pool: &PgPool,
    player: &PlayerKey,
    jti: Uuid,
    created_at: Timestamp,
    expires_at: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into player_session (operator_id, player_id, jti, created_at, expires_at)
         values ($1, $2, $3, $4, $5)",
        player.operator.as_str(),
        player.player.as_str(),
        jti,
        created_at,
        expires_at,
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Whether a session is there and was not ended.
///
/// # Errors
/// When the database fails.
pub async fn is_open(
    pool: &PgPool,
    player: &PlayerKey,
    jti: Uuid,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select exists (
             select from player_session
             where operator_id = $1 and player_id = $2 and jti = $3
               and ended_at is null and expires_at > $4) as "is_open!""#,
        player.operator.as_str(),
        player.player.as_str(),
        jti,
        now,
    )
    .fetch_one(pool)
    .await
}

/// Ends one session; false when the operator has none of this id. Ending twice changes nothing.
///
/// # Errors
/// When the database fails.
pub async fn end(
    pool: &PgPool,
    operator: &OperatorId,
    jti: Uuid,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "update player_session set ended_at = coalesce(ended_at, $3)
         where operator_id = $1 and jti = $2",
        operator.as_str(),
        jti,
        now,
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Ends every open session of a player, so that an exclusion that is lifted within minutes does
/// not bring an old token back to life.
///
/// # Errors
/// When the database fails.
pub async fn end_all(pool: &PgPool, player: &PlayerKey, now: Timestamp) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update player_session set ended_at = $3
         where operator_id = $1 and player_id = $2 and ended_at is null",
        player.operator.as_str(),
        player.player.as_str(),
        now,
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Deletes sessions that ended by themselves an hour ago or earlier; how many rows went.
///
/// # Errors
/// When the database fails.
pub async fn purge(pool: &PgPool, now: Timestamp) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "delete from player_session where expires_at < $1",
        now - time::Duration::HOUR,
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected())
}
