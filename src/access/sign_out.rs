//! Ends a session of the console.

use super::account::Account;
use super::console_session::SessionToken;
use crate::domain::{Ids, Timestamp};
use crate::store::console_accounts::{self, Act};
use crate::store::{Pool, StoreError, console_sessions};

/// Ends it at once, on every instance.
pub async fn sign_out(
    pool: &Pool,
    ids: &dyn Ids,
    account: &Account,
    token: &SessionToken,
    now: Timestamp,
) -> Result<(), StoreError> {
    console_sessions::end(pool, &token.hash(), now).await?;
    console_accounts::note(pool, ids.next(), account.id, Act::SignedOut, now).await
}
