//! Incidents that no payment's lane raises: a webhook that is nobody's, an event that was given up.

use super::StoreError;
use crate::domain::Timestamp;
use sqlx::PgPool;
use uuid::Uuid;

/// Keeps an incident of the service itself.
pub async fn raise(
    pool: &PgPool,
    id: Uuid,
    kind: &str,
    detail: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into service_incident (incident_id, kind, detail, raised_at) values ($1, $2, $3, $4)",
        id,
        kind,
        detail,
        now
    )
    .execute(pool)
    .await?;
    Ok(())
}
