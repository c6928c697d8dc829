//! Follows the messages whose time has come.

use super::follow::{FollowError, LEASE, follow};
use crate::domain::Timestamp;
use crate::flows::Flows;
use crate::store::identity_events;

/// Messages of one look: all of them fit into the lease with their questions' deadlines.
const PAGE: i64 = 4;

/// What one look did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    pub closed: u64,
    pub open: u64,
    pub failed: u64,
}

/// One look at those that are due.
///
/// # Errors
/// When the database fails: what was claimed is due again by itself.
pub async fn sweep(flows: &Flows, now: Timestamp) -> Result<Swept, FollowError> {
    let mut swept = Swept::default();
    for due in identity_events::claim(flows.db.pool(), now, now + LEASE, PAGE).await? {
        match follow(flows, &due).await {
            Ok(true) => swept.closed += 1,
            Ok(false) => swept.open += 1,
            // One player's record that cannot take it must not keep the others waiting.
            Err(error) => {
                tracing::warn!(%error, vendor = due.vendor, "a vendor's message waits");
                swept.failed += 1;
            }
        }
    }
    Ok(swept)
}
