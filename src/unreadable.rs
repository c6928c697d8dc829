//! Rows that were due and cannot be read or recorded here: people hear of each once, while it is open.

use crate::domain::Timestamp;
use crate::flows::Flows;
use crate::store::StoreError;
use crate::store::claimed::Unreadable;
use crate::store::incidents::{self, ServiceIncident};

const KIND: &str = "row_unreadable";

/// Raises each that is not open already.
///
/// # Errors
/// When the database fails.
pub async fn raise_unreadable(
    flows: &Flows,
    unreadable: &[Unreadable],
    now: Timestamp,
) -> Result<(), StoreError> {
    for Unreadable { what, error } in unreadable {
        raise_row(flows, &format!("{what}: {error}"), now).await?;
    }
    Ok(())
}

/// Raises one, unless it is open already. Its detail says which row, in words that name nobody.
///
/// # Errors
/// When the database fails.
pub async fn raise_row(flows: &Flows, detail: &str, now: Timestamp) -> Result<(), StoreError> {
    let incident = ServiceIncident { kind: KIND, detail, psp: None };
    if incidents::raise_unless_open(flows.db.pool(), flows.ids.next(), &incident, now).await? {
        tracing::error!(kind = KIND, detail, "an incident needs a person");
        metrics::counter!("incidents_total", "kind" => KIND).increment(1);
    }
    Ok(())
}
