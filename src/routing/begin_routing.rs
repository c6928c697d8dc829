//! An instance begins with what people switched off and with what was known of the PSPs before.

use super::share_health::load_switches;
use crate::flows::Flows;
use crate::store::{StoreError, shared_health};

/// Who failed so long ago has been looked at since, or has had no payment.
const FAILING_FOR: time::Duration = time::Duration::minutes(10);

/// Loads both. Without the switches nothing may be planned.
///
/// # Errors
/// When the database fails.
pub async fn begin_routing(flows: &Flows) -> Result<(), StoreError> {
    let now = flows.clock.now();
    load_switches(flows, now).await?;
    let kept = shared_health::kept(flows.db.pool(), now - FAILING_FOR).await?;
    flows.health.restore(&kept, now);
    flows.volumes.set(shared_health::volumes(flows.db.pool(), now.date()).await?, now);
    Ok(())
}
