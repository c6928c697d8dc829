//! Withdrawals that are to be at their end soon, or should have been: people are told, once.

use crate::decide::{Answer, Command};
use crate::domain::Timestamp;
use crate::flows::Flows;
use crate::lane::SubmitError;
use crate::store::StoreError;
use crate::store::deadlines::{self, Due};
use std::time::Duration;

/// Withdrawals of one look.
const AT_ONCE: i64 = 64;
/// Rows that one look strikes off: they ended in time.
const STRUCK_AT_ONCE: i64 = 1_000;
/// How long nobody else looks at one that is claimed.
const LEASE: Duration = Duration::from_secs(30);

/// Why a withdrawal was not looked at.
#[derive(Debug, thiserror::Error)]
enum WatchError {
    #[error("reading when it ended")]
    Store(#[from] StoreError),
    #[error("telling people of a withdrawal that is due")]
    Submit(#[from] SubmitError),
}

/// What one look did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Watched {
    /// Ended in time, and looked at no more.
    pub struck_off: u64,
    /// Looked at in their players' lanes.
    pub looked_at: u64,
    /// Not looked at: they are due again when their lease is over.
    pub failed: u64,
}

/// Looks once at what is due.
///
/// # Errors
/// When the database fails.
pub async fn watch_deadlines(flows: &Flows, now: Timestamp) -> Result<Watched, StoreError> {
    let pool = flows.db.pool();
    let struck_off = deadlines::strike_off(pool, now, STRUCK_AT_ONCE).await?;
    let due = deadlines::claim(pool, now, now + LEASE, AT_ONCE).await?;
    let mut watched = Watched { struck_off, ..Watched::default() };
    for due in due {
        match watch(flows, &due).await {
            Ok(_) => watched.looked_at += 1,
            Err(error) => {
                tracing::warn!(payment.id = %due.payment, %error, "will be looked at again");
                watched.failed += 1;
            }
        }
    }
    Ok(watched)
}

/// One that ends between the reading and its lane is read again when its lease is over.
async fn watch(flows: &Flows, due: &Due) -> Result<Answer, WatchError> {
    let ended_at = deadlines::ended_at(flows.db.pool(), due.payment).await?;
    let command = Command::WatchDeadline { payment: due.payment, ended_at };
    Ok(flows.submit_persistently(&due.player, command).await?)
}
