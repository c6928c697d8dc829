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
    /// A key that came before this is free again.
    pub keys_since: Timestamp,
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

/// Stands before the key of a rotation where it is stored, so that the key that made the endpoint is another
/// one: a key is its route's own. No caller's key holds a space.
const ROTATION: &str = "rotation ";

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
        "select created_by_key from webhook_endpoint
         where operator_id = $1 and endpoint_id = $2 and deleted_at is null for update",
        operator.as_str(),
        new.endpoint.0,
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(creation_key) = found else {
        return Ok(Rotated::NoEndpoint);
    };
    let keys = stored_keys(new, &creation_key);
    free_keys(&mut tx, new, &keys).await?;
    if let Some(before) = rotated_before(&mut tx, new, &keys).await? {
        return Ok(Rotated::Made(before));
    }
    let old_live = sqlx::query_scalar!(
        r#"select count(*) as "old_live!" from webhook_secret
           where endpoint_id = $1 and expires_at > $2"#,
        new.endpoint.0,
        new.at,
    )
    .fetch_one(&mut *tx)
    .await?;
    if old_live >= OLD_SECRETS_MAX {
        return Ok(Rotated::TooManyLive);
    }
    sqlx::query!(
        "update webhook_secret set expires_at = $2 where endpoint_id = $1 and expires_at is null",
        new.endpoint.0,
        new.old_expires_at,
    )
    .execute(&mut *tx)
    .await?;
    let key = format!("{ROTATION}{}", new.idempotency_key);
    insert(&mut tx, new.endpoint, new.secret_id, new.secret, &key, new.at).await?;
    tx.commit().await?;
    Ok(Rotated::Made(Made::New))
}

/// How a rotation's key may be stored.
fn stored_keys(new: &NewSecret<'_>, creation_key: &str) -> Vec<String> {
    let mut keys = vec![format!("{ROTATION}{}", new.idempotency_key)];
    // Earlier releases stored a rotation's key as it came, and never one equal to the creation's.
    if new.idempotency_key != creation_key {
        keys.push(new.idempotency_key.to_owned());
    }
    keys
}

/// Takes the key from a secret that it made too long ago: the secret's id then stands behind it.
async fn free_keys(
    connection: &mut PgConnection,
    new: &NewSecret<'_>,
    keys: &[String],
) -> Result<(), StoreError> {
    sqlx::query!(
        "update webhook_secret set created_by_key = created_by_key || ' ' || secret_id
         where endpoint_id = $1 and created_by_key = any($2) and created_at <= $3",
        new.endpoint.0,
        keys,
        new.keys_since,
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn rotated_before(
    connection: &mut PgConnection,
    new: &NewSecret<'_>,
    keys: &[String],
) -> Result<Option<Made>, StoreError> {
    let secret = sqlx::query_scalar!(
        "select secret from webhook_secret where endpoint_id = $1 and created_by_key = any($2)
         order by created_at limit 1",
        new.endpoint.0,
        keys,
    )
    .fetch_optional(connection)
    .await?;
    Ok(secret.map(|secret| Made::Before { id: new.endpoint, secret: secret.into() }))
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
