//! Gives a player's browser a token of its own.

use super::token::{PlayerToken, Tokens};
use crate::domain::{Ids, PlayerKey, Timestamp};
use crate::store::{Pool, StoreError, player_session};
use thiserror::Error;
use time::Duration;

/// A fresh token. Whoever has it acts for the player until it expires.
#[derive(Debug)]
pub struct OpenedSession {
    pub token: secrecy::SecretString,
    pub jti: uuid::Uuid,
    pub expires_at: Timestamp,
}

#[derive(Debug, Error)]
pub enum OpenSessionError {
    #[error("signing the token")]
    Sign(#[source] jsonwebtoken::errors::Error),
    #[error("recording the session")]
    Record(#[source] StoreError),
}

/// Opens a session of `ttl`. Whether the player may have one is asked by the caller, who has
/// just read the player, and again with every use of the token.
///
/// # Errors
/// When signing or recording fails; then there is no session.
pub async fn open_player_session(
    pool: &Pool,
    tokens: &Tokens,
    ids: &dyn Ids,
    player: PlayerKey,
    ttl: Duration,
    now: Timestamp,
) -> Result<OpenedSession, OpenSessionError> {
    // A token tells whole seconds, so the row does too.
    let now = now.replace_nanosecond(0).unwrap_or(now);
    let expires_at = now + ttl;
    let jti = ids.next();
    let token = PlayerToken { player, jti };
    let text = tokens.sign(&token, now, expires_at).map_err(OpenSessionError::Sign)?;
    player_session::insert(pool, &token.player, jti, now, expires_at)
        .await
        .map_err(OpenSessionError::Record)?;
    Ok(OpenedSession { token: text.into(), jti, expires_at })
}
