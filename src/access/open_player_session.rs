//! Gives a player's browser a token of its own.

use super::token::{PlayerToken, Tokens};
use crate::domain::{Ids, PlayerKey, Timestamp};
use crate::store::once_keys::{self, Kept, Once};
use crate::store::{Pool, StoreError, player_session};
use thiserror::Error;
use time::Duration;
use uuid::Uuid;

/// A token. Whoever has it acts for the player until it expires.
#[derive(Debug)]
pub struct OpenedSession {
    pub token: secrecy::SecretString,
    pub jti: Uuid,
    pub expires_at: Timestamp,
    /// Whether it was told before, to the same request.
    pub is_replay: bool,
}

/// What a backend asks for, and the key of its request.
#[derive(Debug, Clone)]
pub struct SessionOrder {
    pub player: PlayerKey,
    pub ttl: Duration,
    pub once: Once,
}

#[derive(Debug, Error)]
pub enum OpenSessionError {
    #[error("the idempotency key opened another session before")]
    KeyReused,
    #[error("signing the token")]
    Sign(#[source] jsonwebtoken::errors::Error),
    #[error("recording the session")]
    Record(#[source] StoreError),
}

/// The session that this request opened before, if it did. A token is kept nowhere: the same words under the same
/// key have the same signature.
///
/// # Errors
/// When the key stands for another request, or signing or reading fails.
pub async fn opened_before(
    pool: &Pool,
    tokens: &Tokens,
    order: &SessionOrder,
) -> Result<Option<OpenedSession>, OpenSessionError> {
    match once_keys::find(pool, &order.once).await.map_err(OpenSessionError::Record)? {
        Some(kept) => told_again(tokens, order, kept),
        None => Ok(None),
    }
}

/// Opens a session. Whether the player may have one is asked by the caller, who has just read the
/// player, and again with every use of the token.
///
/// # Errors
/// When the key stands for another request, or signing or recording fails; then there is no session.
pub async fn open_player_session(
    pool: &Pool,
    tokens: &Tokens,
    ids: &dyn Ids,
    order: &SessionOrder,
    now: Timestamp,
) -> Result<OpenedSession, OpenSessionError> {
    // A token tells whole seconds, so the row does too.
    let now = now.replace_nanosecond(0).unwrap_or(now);
    let jti = ids.next();
    let fresh = signed(tokens, order, (jti, now), false)?;
    let SessionOrder { player, once, .. } = order;
    let kept = player_session::insert_once(pool, once, player, jti, now, fresh.expires_at).await;
    let kept = kept.map_err(OpenSessionError::Record)?;
    // Another sending of the request may have been faster.
    Ok(told_again(tokens, order, kept)?.unwrap_or(fresh))
}

fn told_again(
    tokens: &Tokens,
    order: &SessionOrder,
    kept: Kept,
) -> Result<Option<OpenedSession>, OpenSessionError> {
    match kept {
        Kept::New => Ok(None),
        Kept::Reused => Err(OpenSessionError::KeyReused),
        Kept::Before { left, at } => {
            let jti = Uuid::from_slice(&left).map_err(|_| {
                let what = "the key of a session keeps no id".to_owned();
                OpenSessionError::Record(StoreError::Corrupt(what))
            })?;
            signed(tokens, order, (jti, at), true).map(Some)
        }
    }
}

fn signed(
    tokens: &Tokens,
    SessionOrder { player, ttl, .. }: &SessionOrder,
    (jti, from): (Uuid, Timestamp),
    is_replay: bool,
) -> Result<OpenedSession, OpenSessionError> {
    let expires_at = from + *ttl;
    let token = PlayerToken { player: player.clone(), jti };
    let text = tokens.sign(&token, from, expires_at).map_err(OpenSessionError::Sign)?;
    Ok(OpenedSession { token: text.into(), jti, expires_at, is_replay })
}
