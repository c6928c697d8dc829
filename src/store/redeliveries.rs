//! Sending again what was sent before: one event, or all that an endpoint missed. A redelivery is a
//! new delivery with a ladder of its own; the first one stays in the log as it was.

use uuid::Uuid;

use super::{Pool, StoreError};
use crate::domain::{EndpointId, EventId, Ids, OperatorId, Timestamp};

/// Asks for an event once more, at every active endpoint that listens to it. `None` when the
/// operator has no such event; else at how many endpoints. A redelivery that still waits is made
/// due now instead of doubled.
pub async fn redeliver_event(
    pool: &Pool,
    ids: &dyn Ids,
    operator: &OperatorId,
    event: EventId,
    now: Timestamp,
) -> Result<Option<u64>, StoreError> {
    let rows = sqlx::query_scalar!(
        r#"select e.endpoint_id as "endpoint_id?"
           from outbox_event o left join webhook_endpoint e
             on e.operator_id = o.operator_id and e.status = 'active'
             and e.events && array['*', o.kind, split_part(o.kind, '.', 1) || '.*']
           where o.event_id = $1 and o.operator_id = $2"#,
        event.0,
        operator.as_str(),
    )
    .fetch_all(pool)
    .await?;
    if rows.is_empty() {
        return Ok(None);
    }
    let wanted: Vec<(Uuid, Uuid)> = rows.into_iter().flatten().map(|e| (e, event.0)).collect();
    insert(pool, ids, &wanted, now).await.map(Some)
}

/// Asks for everything that failed or was cancelled at an active endpoint since a point in time and
/// has not been delivered otherwise, at most `limit`. Returns how many.
pub async fn redeliver_undelivered_since(
    pool: &Pool,
    ids: &dyn Ids,
    (operator, endpoint): (&OperatorId, EndpointId),
    since: Timestamp,
    limit: i64,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let rows = sqlx::query!(
        "select distinct d.event_id, d.payment_id, d.payment_sequence
         from webhook_delivery d join webhook_endpoint e on e.endpoint_id = d.endpoint_id
         where e.endpoint_id = $1 and e.operator_id = $2 and e.status = 'active'
           and d.status in ('failed', 'cancelled') and d.created_at >= $3
           and not exists (
             select 1 from webhook_delivery other
             where other.event_id = d.event_id and other.endpoint_id = d.endpoint_id
               and other.status in ('pending', 'delivered'))
         order by d.payment_id, d.payment_sequence limit $4",
        endpoint.0,
        operator.as_str(),
        since,
        limit,
    )
    .fetch_all(pool)
    .await?;
    let wanted: Vec<(Uuid, Uuid)> =
        rows.into_iter().map(|row| (endpoint.0, row.event_id)).collect();
    insert(pool, ids, &wanted, now).await
}

/// The endpoints are judged again and locked as the deliveries are made: one that is disabled or deleted
/// at the same time would cancel nothing of it, and it would wait for ever.
async fn insert(
    pool: &Pool,
    ids: &dyn Ids,
    wanted: &[(Uuid, Uuid)],
    now: Timestamp,
) -> Result<u64, StoreError> {
    let delivery_ids: Vec<Uuid> = wanted.iter().map(|_| ids.next()).collect();
    let endpoint_ids: Vec<Uuid> = wanted.iter().map(|(endpoint, _)| *endpoint).collect();
    let event_ids: Vec<Uuid> = wanted.iter().map(|(_, event)| *event).collect();
    let made = sqlx::query!(
        "insert into webhook_delivery
           (delivery_id, endpoint_id, event_id, payment_id, payment_sequence, origin, status,
            due_at, created_at)
         select w.delivery_id, w.endpoint_id, o.event_id, o.payment_id, o.payment_sequence,
           'redelivery', 'pending', $4, $4
         from unnest($1::uuid[], $2::uuid[], $3::uuid[]) w (delivery_id, endpoint_id, event_id)
         join outbox_event o on o.event_id = w.event_id
         join webhook_endpoint e on e.endpoint_id = w.endpoint_id and e.status = 'active'
         for share of e
         on conflict (endpoint_id, event_id) where origin = 'redelivery' and status = 'pending'
           do update set due_at = least(webhook_delivery.due_at, excluded.due_at)",
        &delivery_ids,
        &endpoint_ids,
        &event_ids,
        now,
    )
    .execute(pool)
    .await?;
    Ok(made.rows_affected())
}
