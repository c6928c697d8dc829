//! Ends a session of the console.

use super::console_session::SessionToken;
use crate::domain::{Ids, Timestamp};
use crate::store::{Pool, StoreError, console_sessions};

/// Ends it at once, on every instance.
pub async fn sign_out(
    pool: &Pool,
    ids: &dyn Ids,
    token: &SessionToken,
    now: Timestamp,
) -> Result<(), StoreError> {
    console_sessions::end(pool, ids.next(), &token.hash(), now).await
}
