//! The secrets that sign an endpoint's deliveries: one is current, replaced ones sign beside it until
//! their date.

use secrecy::{ExposeSecret, SecretSlice};
use sqlx::PgConnection;
use uuid::Uuid;

use super::webhook_endpoints::Made;
use super::{Pool, StoreError};
use crate::domain::{EndpointId, OperatorId, Timestamp};

/// A secret to be made current.
#[derive(Debug)]
pub struct NewSecret<'a> {
    pub secret_id: Uuid,
    pub endpoint: EndpointId,
    pub secret: &'a SecretSlice<u8>,
    pub idempotency_key: &'a str,
    pub at: Timestamp,
    /// Until when the secret it replaces still signs.
    pub old_expires_at: Timestamp,
}

/// What became of a rotation.
#[derive(Debug)]
pub enum Rotated {
    Made(Made),
    NoEndpoint,
    /// So many old secrets still sign that the header would grow without end.
    TooManyLive,
}

/// Old secrets that may still sign beside the current one.
const OLD_SECRETS_MAX: i64 = 4;

/// Makes a secret current. The one before it keeps signing until `old_expires_at`.
pub async fn rotate(
    pool: &Pool,
    operator: &OperatorId,
    new: &NewSecret<'_>,
) -> Result<Rotated, StoreError> {
    let mut tx = pool.begin().await?;
    // Two rotations at once take turns on the endpoint's row.
    let found = sqlx::query_scalar!(
        "select endpoint_id from webhook_endpoint
         where operator_id = $1 and endpoint_id = $2 and deleted_at is null for update",
        operator.as_str(),
        new.endpoint.0,
    )
    .fetch_optional(&mut *tx)
    .await?;
    if found.is_none() {
        return Ok(Rotated::NoEndpoint);
    }
    let state = sqlx::query!(
        r#"select count(*) filter (where expires_at > $2) as "old_live!",
                  min(secret_id::text) filter (where created_by_key = $3) as same_key
           from webhook_secret where endpoint_id = $1"#,
        new.endpoint.0,
        new.at,
        new.idempotency_key,
    )
    .fetch_one(&mut *tx)
    .await?;
    if state.same_key.is_some() {
        return rotated_before(&mut tx, new).await;
    }
    if state.old_live >= OLD_SECRETS_MAX {
        return Ok(Rotated::TooManyLive);
    }
    sqlx::query!(
        "update webhook_secret set expires_at = $2 where endpoint_id = $1 and expires_at is null",
        new.endpoint.0,
        new.old_expires_at,
    )
    .execute(&mut *tx)
    .await?;
    let key = new.idempotency_key;
    insert(&mut tx, new.endpoint, new.secret_id, new.secret, key, new.at).await?;
    tx.commit().await?;
    Ok(Rotated::Made(Made::New))
}

async fn rotated_before(
    connection: &mut PgConnection,
    new: &NewSecret<'_>,
) -> Result<Rotated, StoreError> {
    let secret = sqlx::query_scalar!(
        "select secret from webhook_secret where endpoint_id = $1 and created_by_key = $2",
        new.endpoint.0,
        new.idempotency_key,
    )
    .fetch_one(connection)
    .await?;
    Ok(Rotated::Made(Made::Before { id: new.endpoint, secret: secret.into() }))
}

pub(super) async fn insert(
    connection: &mut PgConnection,
    endpoint: EndpointId,
    secret_id: Uuid,
    secret: &SecretSlice<u8>,
    idempotency_key: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into webhook_secret (secret_id, endpoint_id, secret, created_at, created_by_key)
         values ($1, $2, $3, $4, $5)",
        secret_id,
        endpoint.0,
        secret.expose_secret(),
        at,
        idempotency_key,
    )
    .execute(connection)
    .await?;
    Ok(())
}
