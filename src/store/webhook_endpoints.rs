//! Endpoints and their secrets. Every read and write is scoped to the operator; another operator's
//! endpoint is not found.

use secrecy::SecretSlice;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Pool, StoreError, webhook_secrets};
use crate::domain::{EndpointId, OperatorId, Timestamp};
use crate::outbox::schedule::Health;

/// An endpoint as its operator may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    pub id: EndpointId,
    pub url: String,
    pub events: Vec<String>,
    pub is_active: bool,
    pub disabled_reason: Option<String>,
    pub failing_since: Option<Timestamp>,
    pub created_at: Timestamp,
}

/// An endpoint to be made, with its first secret.
#[derive(Debug)]
pub struct NewEndpoint<'a> {
    pub id: EndpointId,
    pub secret_id: Uuid,
    pub operator: &'a OperatorId,
    pub url: &'a str,
    pub events: &'a [String],
    pub secret: &'a SecretSlice<u8>,
    pub idempotency_key: &'a str,
    /// A key that came before this is free again.
    pub keys_since: Timestamp,
    pub at: Timestamp,
    /// How many an operator may have.
    pub most: i64,
}

/// What became of a creation or a rotation under its idempotency key.
#[derive(Debug)]
pub enum Made {
    New,
    /// The same request came before; this is what it was told.
    Before {
        id: EndpointId,
        secret: SecretSlice<u8>,
    },
    /// The key came before with another body.
    KeyReused,
    /// The operator has as many as it may have.
    TooMany,
}

/// Where and how to deliver, read once per claim.
#[derive(Debug)]
pub struct Target {
    pub operator: OperatorId,
    pub url: String,
    pub secrets: Vec<SecretSlice<u8>>,
    pub health: Health,
}

pub async fn create(pool: &Pool, new: &NewEndpoint<'_>) -> Result<Made, StoreError> {
    let mut tx = pool.begin().await?;
    free_key(&mut tx, new).await?;
    let inserted = sqlx::query!(
        "insert into webhook_endpoint
           (endpoint_id, operator_id, url, events, status, created_at, created_by_key)
         select $1, $2, $3, $4, 'active', $5, $6
         where (select count(*) from webhook_endpoint
                where operator_id = $2 and deleted_at is null) < $7
         on conflict (operator_id, created_by_key) do nothing",
        new.id.0,
        new.operator.as_str(),
        new.url,
        new.events,
        new.at,
        new.idempotency_key,
        new.most,
    )
    .execute(&mut *tx)
    .await?;
    if inserted.rows_affected() == 0 {
        tx.rollback().await?;
        return made_before(pool, new).await;
    }
    webhook_secrets::insert(
        &mut tx,
        new.id,
        new.secret_id,
        new.secret,
        new.idempotency_key,
        new.at,
    )
    .await?;
    tx.commit().await?;
    Ok(Made::New)
}

/// Takes the key from an endpoint that it made too long ago. Where it stood the endpoint's id stands behind
/// it: no caller's key holds a space.
async fn free_key(connection: &mut PgConnection, new: &NewEndpoint<'_>) -> Result<(), StoreError> {
    sqlx::query!(
        "with freed as (
           update webhook_endpoint set created_by_key = created_by_key || ' ' || endpoint_id
           where operator_id = $1 and created_by_key = $2
             and created_at <= $3
           returning endpoint_id)
         update webhook_secret s set created_by_key = s.created_by_key || ' ' || s.endpoint_id
         from freed f where s.endpoint_id = f.endpoint_id and s.created_by_key = $2",
        new.operator.as_str(),
        new.idempotency_key,
        new.keys_since,
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn made_before(pool: &Pool, new: &NewEndpoint<'_>) -> Result<Made, StoreError> {
    let before = sqlx::query!(
        "select e.endpoint_id, e.url, e.events, s.secret
         from webhook_endpoint e join webhook_secret s
           on s.endpoint_id = e.endpoint_id and s.created_by_key = e.created_by_key
         where e.operator_id = $1 and e.created_by_key = $2
           and e.created_at > $3",
        new.operator.as_str(),
        new.idempotency_key,
        new.keys_since,
    )
    .fetch_optional(pool)
    .await?;
    let Some(before) = before else { return Ok(Made::TooMany) };
    if before.url != new.url || before.events != new.events {
        return Ok(Made::KeyReused);
    }
    Ok(Made::Before { id: EndpointId(before.endpoint_id), secret: before.secret.into() })
}

/// Newest first; `after` is the last id of the page before.
pub async fn list(
    pool: &Pool,
    operator: &OperatorId,
    after: Option<EndpointId>,
    limit: i64,
) -> Result<Vec<Endpoint>, StoreError> {
    let rows = sqlx::query!(
        "select endpoint_id, url, events, status, disabled_reason, failing_since, created_at
         from webhook_endpoint
         where operator_id = $1 and deleted_at is null
           and ($2::uuid is null or endpoint_id < $2)
         order by endpoint_id desc limit $3",
        operator.as_str(),
        after.map(|id| id.0),
        limit,
    )
    .fetch_all(pool)
    .await?;
    let endpoints = rows.into_iter().map(|row| Endpoint {
        id: EndpointId(row.endpoint_id),
        url: row.url,
        events: row.events,
        is_active: row.status == "active",
        disabled_reason: row.disabled_reason,
        failing_since: row.failing_since,
        created_at: row.created_at,
    });
    Ok(endpoints.collect())
}

pub async fn get(
    pool: &Pool,
    operator: &OperatorId,
    id: EndpointId,
) -> Result<Option<Endpoint>, StoreError> {
    let row = sqlx::query!(
        "select url, events, status, disabled_reason, failing_since, created_at
         from webhook_endpoint
         where operator_id = $1 and endpoint_id = $2 and deleted_at is null",
        operator.as_str(),
        id.0,
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(|row| Endpoint {
        id,
        url: row.url,
        events: row.events,
        is_active: row.status == "active",
        disabled_reason: row.disabled_reason,
        failing_since: row.failing_since,
        created_at: row.created_at,
    }))
}

/// Ends the endpoint and cancels what waits for it. False when there is none.
pub async fn delete(
    pool: &Pool,
    operator: &OperatorId,
    id: EndpointId,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let mut tx = pool.begin().await?;
    let deleted = sqlx::query!(
        "update webhook_endpoint
         set deleted_at = $3, status = 'disabled', disabled_reason = 'deleted'
         where operator_id = $1 and endpoint_id = $2 and deleted_at is null",
        operator.as_str(),
        id.0,
        at,
    )
    .execute(&mut *tx)
    .await?;
    if deleted.rows_affected() == 0 {
        tx.rollback().await?;
        return Ok(false);
    }
    cancel_pending(&mut tx, id, "the endpoint was deleted").await?;
    tx.commit().await?;
    Ok(true)
}

/// Puts a disabled endpoint to work again, in full health. What was cancelled meanwhile is not
/// sent by itself: see [`super::redeliveries::redeliver_undelivered_since`].
pub async fn enable(
    pool: &Pool,
    operator: &OperatorId,
    id: EndpointId,
) -> Result<bool, StoreError> {
    let enabled = sqlx::query!(
        "update webhook_endpoint
         set status = 'active', disabled_reason = null, failing_since = null,
             failures_in_row = 0, paused_until = null
         where operator_id = $1 and endpoint_id = $2 and deleted_at is null",
        operator.as_str(),
        id.0,
    )
    .execute(pool)
    .await?;
    Ok(enabled.rows_affected() == 1)
}

/// The endpoint's address, live secrets (the current one first) and health; `None` when it takes
/// no deliveries.
pub async fn target(
    pool: &Pool,
    id: EndpointId,
    now: Timestamp,
) -> Result<Option<Target>, StoreError> {
    let rows = sqlx::query!(
        "select e.operator_id, e.url, e.failing_since, e.failures_in_row, e.paused_until, s.secret
         from webhook_endpoint e join webhook_secret s on s.endpoint_id = e.endpoint_id
         where e.endpoint_id = $1 and e.status = 'active'
           and (s.expires_at is null or s.expires_at > $2)
         order by s.expires_at desc nulls first",
        id.0,
        now,
    )
    .fetch_all(pool)
    .await?;
    let mut target = None;
    for row in rows {
        let target = target.get_or_insert_with(|| Target {
            operator: OperatorId::trusted(&row.operator_id),
            url: row.url,
            secrets: Vec::new(),
            health: health(row.failing_since, row.failures_in_row, row.paused_until),
        });
        target.secrets.push(row.secret.into());
    }
    Ok(target)
}

/// Endpoints that have something which [`super::deliveries::claim`] would take, and may be tried, at most
/// `limit`, without those in `busy`: those whose oldest has waited longest come first, and together with the
/// busy ones no operator has more than `share`.
pub async fn with_due_deliveries(
    pool: &Pool,
    now: Timestamp,
    busy: &[EndpointId],
    share: i64,
    limit: i64,
) -> Result<Vec<EndpointId>, StoreError> {
    let busy: Vec<Uuid> = busy.iter().map(|id| id.0).collect();
    let due = sqlx::query_scalar!(
        "select due.endpoint_id from (
           select e.endpoint_id, e.operator_id, d.due_at,
             row_number() over (partition by e.operator_id order by d.due_at) as place
           from webhook_endpoint e cross join lateral (
             select d.due_at from webhook_delivery d
             where d.endpoint_id = e.endpoint_id and d.status = 'pending' and d.due_at <= $1
               and (d.lease_until is null or d.lease_until <= $1)
               and (d.payment_id is null or d.payment_sequence = (
                 select b.payment_sequence from webhook_delivery b
                 where b.payment_id = d.payment_id and b.status = 'pending' and b.origin = d.origin
                   and coalesce(b.endpoint_id) = e.endpoint_id order by b.payment_sequence limit 1))
             order by d.due_at limit 1) d
           where e.status = 'active' and (e.paused_until is null or e.paused_until <= $1)
             and e.endpoint_id <> all($2)) due
         where due.place + (select count(*) from webhook_endpoint b
           where b.endpoint_id = any($2) and b.operator_id = due.operator_id) <= $3
         order by due.due_at limit $4",
        now,
        &busy,
        share,
        limit,
    )
    .fetch_all(pool)
    .await?;
    Ok(due.into_iter().map(EndpointId).collect())
}

/// Locks the endpoint's row and reads its health, for the caller to write back.
pub(super) async fn lock_health(
    connection: &mut PgConnection,
    id: EndpointId,
) -> Result<Option<Health>, StoreError> {
    let row = sqlx::query!(
        "select failing_since, failures_in_row, paused_until from webhook_endpoint
         where endpoint_id = $1 and status = 'active' for no key update",
        id.0,
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| health(row.failing_since, row.failures_in_row, row.paused_until)))
}

pub(super) async fn write_health(
    connection: &mut PgConnection,
    id: EndpointId,
    health: Health,
) -> Result<(), StoreError> {
    sqlx::query!(
        "update webhook_endpoint
         set failing_since = $2, failures_in_row = $3, paused_until = $4 where endpoint_id = $1",
        id.0,
        health.failing_since,
        i32::try_from(health.failures_in_row).unwrap_or(i32::MAX),
        health.paused_until,
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn disable(
    connection: &mut PgConnection,
    id: EndpointId,
    reason: &str,
) -> Result<(), StoreError> {
    sqlx::query!(
        "update webhook_endpoint set status = 'disabled', disabled_reason = $2
         where endpoint_id = $1 and status = 'active'",
        id.0,
        reason,
    )
    .execute(&mut *connection)
    .await?;
    cancel_pending(connection, id, "the endpoint was disabled").await
}

async fn cancel_pending(
    connection: &mut PgConnection,
    id: EndpointId,
    reason: &str,
) -> Result<(), StoreError> {
    sqlx::query!(
        "update webhook_delivery set status = 'cancelled', last_error = $2
         where endpoint_id = $1 and status = 'pending'",
        id.0,
        reason,
    )
    .execute(connection)
    .await?;
    Ok(())
}

fn health(
    failing_since: Option<Timestamp>,
    failures_in_row: i32,
    paused_until: Option<Timestamp>,
) -> Health {
    Health {
        failing_since,
        failures_in_row: u32::try_from(failures_in_row).unwrap_or(0),
        paused_until,
    }
}
