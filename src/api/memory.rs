//! The gate's memory is the database: nonces by their own task, sessions by a read.

use super::gate::{Boxed, Nonces, Sessions};
use crate::access::end_player_session::is_session_open;
use crate::access::remember_nonce::{NonceDesk, NonceError, remember_nonce};
use crate::domain::{PlayerKey, Timestamp};
use crate::store::{Db, StoreError};
use uuid::Uuid;

impl Nonces for NonceDesk {
    fn remember<'a>(
        &'a self,
        api_key_id: &'a str,
        nonce: &'a str,
    ) -> Boxed<'a, Result<bool, NonceError>> {
        Box::pin(remember_nonce(self, api_key_id, nonce))
    }
}

impl Sessions for Db {
    fn is_open<'a>(
        &'a self,
        player: &'a PlayerKey,
        jti: Uuid,
        now: Timestamp,
    ) -> Boxed<'a, Result<bool, StoreError>> {
        Box::pin(is_session_open(self.pool(), player, jti, now))
    }
}
