//! Forgets idempotency keys whose 30 days are over. The payments themselves, and the references
//! that the casino gave them, stay unique for ever.

use crate::flows::Flows;
use crate::store::{StoreError, old_keys};

const KEPT_DAYS: i32 = 30;
const BATCH: i64 = 5_000;

/// Forgets them in batches; returns how many.
pub async fn forget_keys(flows: &Flows) -> Result<u64, StoreError> {
    let mut all = 0;
    loop {
        let gone = old_keys::purge(flows.db.pool(), KEPT_DAYS, BATCH).await?;
        all += gone;
        if gone == 0 {
            return Ok(all);
        }
    }
}
