//! What people switched off comes to this instance.

use crate::domain::Timestamp;
use crate::flows::Flows;
use crate::store::StoreError;
use crate::store::db::LaneConnection;
use crate::store::switches::{self, SwitchFilter};

/// All that are on or will be, of everybody, however many: whichever were left out might be the one that
/// matters. What is to come is bounded where it is set.
const fn all(now: Timestamp) -> SwitchFilter<'static> {
    SwitchFilter {
        operator: None,
        id: None,
        before: None,
        limit: None,
        on_at: Some(now),
        on_first: None,
    }
}

/// Takes over what people switched off.
pub async fn load_switches(flows: &Flows, now: Timestamp) -> Result<(), StoreError> {
    let load = flows.switches.begin();
    flows.switches.set(load, switches::list(flows.db.pool(), &all(now)).await?);
    Ok(())
}

/// As [`load_switches`], by a connection that waits for nobody else.
pub async fn load_switches_over(
    flows: &Flows,
    connection: &mut LaneConnection,
    now: Timestamp,
) -> Result<(), StoreError> {
    let load = flows.switches.begin();
    flows.switches.set(load, switches::list(connection, &all(now)).await?);
    Ok(())
}
