//! Rows that were due and cannot be read here: people hear of each once, while it is open.

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
        let detail = format!("{what}: {error}");
        let incident = ServiceIncident { kind: KIND, detail: &detail, psp: None };
        let pool = flows.db.pool();
        if incidents::raise_unless_open(pool, flows.ids.next(), &incident, now).await? {
            tracing::error!(kind = KIND, detail, "an incident needs a person");
            metrics::counter!("incidents_total", "kind" => KIND).increment(1);
        }
    }
    Ok(())
}
