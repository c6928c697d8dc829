//! Sessions of players' browsers: whether a token still counts.

use super::once_keys::{self, Kept, Once};
use super::{Pool, StoreError};
use crate::domain::{OperatorId, PlayerKey, Timestamp};
use uuid::Uuid;

/// Records a session that was just opened, unless its request did so before.
///
/// # Errors
/// When the database fails.
pub async fn insert_once(
    pool: &Pool,
    once: &Once,
    player: &PlayerKey,
    jti: Uuid,
    created_at: Timestamp,
    expires_at: Timestamp,
) -> Result<Kept, StoreError> {
    let mut tx = pool.begin().await?;
    let kept = once_keys::keep(&mut tx, once, (201, jti.as_bytes()), created_at).await?;
    if kept != Kept::New {
        return Ok(kept);
    }
    sqlx::query!(
        "insert into player_session (operator_id, player_id, jti, created_at, expires_at)
         values ($1, $2, $3, $4, $5)",
        player.operator.as_str(),
        player.player.as_str(),
        jti,
        created_at,
        expires_at,
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(kept)
}

/// Whether a session still counts: it is there, was not ended, and its player is neither frozen,
/// closed nor excluded at this moment.
///
/// # Errors
/// When the database fails.
pub async fn is_open(
    pool: &Pool,
    player: &PlayerKey,
    jti: Uuid,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let is_open = sqlx::query_scalar!(
        r#"select exists (
             select from player_session s
             join player p on p.operator_id = s.operator_id and p.player_id = s.player_id
             where s.operator_id = $1 and s.player_id = $2 and s.jti = $3
               and s.ended_at is null and s.expires_at > $4
               and p.status = 'active'
               and (p.exclusion_from is null or p.exclusion_from > $4
                    or p.exclusion_until <= $4)) as "is_open!""#,
        player.operator.as_str(),
        player.player.as_str(),
        jti,
        now,
    )
    .fetch_one(pool)
    .await?;
    Ok(is_open)
}

/// Ends one session; false when the operator has none of this id. Ending twice changes nothing.
///
/// # Errors
/// When the database fails.
pub async fn end(
    pool: &Pool,
    operator: &OperatorId,
    jti: Uuid,
    now: Timestamp,
) -> Result<bool, StoreError> {
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
pub async fn end_all(pool: &Pool, player: &PlayerKey, now: Timestamp) -> Result<(), StoreError> {
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
pub async fn purge(pool: &Pool, now: Timestamp) -> Result<u64, StoreError> {
    let done = sqlx::query!(
        "delete from player_session where expires_at < $1",
        now - time::Duration::HOUR,
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected())
}
