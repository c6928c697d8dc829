//! Who a browser's session belongs to, while it lasts.

use super::account::Account;
use super::console_desk::ConsoleDesk;
use super::console_session::SessionToken;
use crate::domain::Timestamp;
use crate::store::{Pool, StoreError, console_sessions};

/// None: it never was, was ended, is over, has rested for too long, or its account is disabled. Finding it
/// keeps it alive.
pub async fn find_session(
    pool: &Pool,
    desk: &ConsoleDesk,
    token: &SessionToken,
    now: Timestamp,
) -> Result<Option<Account>, StoreError> {
    console_sessions::find(pool, &token.hash(), now, now - desk.idle).await
}
