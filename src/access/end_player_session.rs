//! Takes a player's token back before it expires by itself.

use crate::domain::{OperatorId, PlayerKey, Timestamp};
use crate::store::{Pool, StoreError, console_sessions, player_session};
use uuid::Uuid;

/// Ends one session; false when the operator has none of this id. Ending twice changes nothing.
///
/// # Errors
/// When the database fails: then the session may still be open.
pub async fn end_player_session(
    pool: &Pool,
    operator: &OperatorId,
    jti: Uuid,
    now: Timestamp,
) -> Result<bool, StoreError> {
    player_session::end(pool, operator, jti, now).await
}

/// Ends every session of a player who was excluded, frozen or closed.
///
/// # Errors
/// As [`end_player_session`]. The sessions of such a player count for nothing anyway.
pub async fn end_all_sessions(
    pool: &Pool,
    player: &PlayerKey,
    now: Timestamp,
) -> Result<(), StoreError> {
    player_session::end_all(pool, player, now).await
}

/// Forgets sessions that are long over, the console's too; how many. For a worker, now and then.
///
/// # Errors
/// When the database fails.
pub async fn forget_expired_sessions(pool: &Pool, now: Timestamp) -> Result<u64, StoreError> {
    Ok(player_session::purge(pool, now).await? + console_sessions::purge(pool, now).await?)
}
