//! Deliveries: claimed by lease, settled in batches, listed for their casino.

use std::collections::BTreeMap;

use sqlx::PgConnection;
use uuid::Uuid;

use super::{Pool, StoreError, webhook_endpoints};
use crate::domain::{EndpointId, EventId, OperatorId, Timestamp};
use crate::outbox::event::StoredEvent;
use crate::outbox::schedule::{Disabled, Health};

/// A claim on deliveries of one endpoint.
#[derive(Debug, Clone, Copy)]
pub struct Lease {
    /// Names the claim; only its holder settles what it took.
    pub by: Uuid,
    pub until: Timestamp,
}

/// A delivery that is ours until the lease ends.
#[derive(Debug, Clone)]
pub struct Claimed {
    pub delivery_id: Uuid,
    /// Tries made before this one.
    pub tries: u32,
    pub event: StoredEvent,
}

/// What becomes of a delivery after a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    Delivered,
    Retry {
        due_at: Timestamp,
    },
    /// The ladder has ended.
    Failed,
}

/// One try and its result.
#[derive(Debug, Clone)]
pub struct Tried {
    pub delivery_id: Uuid,
    pub tried_at: Timestamp,
    pub duration_ms: i32,
    /// The receiver's status, or else why there was none.
    pub answer: Result<u16, &'static str>,
    pub excerpt: Option<String>,
    pub next: Next,
}

/// Claims what is due at an endpoint, oldest first, in one statement. Of each payment only the
/// earliest unfinished event is taken: order holds per payment, and a payment whose event fails
/// holds up nobody else's.
///
/// The queries here are written so that they walk the right index whatever the statistics say: a
/// queue is empty when it is analysed and long when it matters. `coalesce(endpoint_id)` is the
/// endpoint, told so that only the index on payments fits.
pub async fn claim(
    pool: &Pool,
    endpoint: EndpointId,
    lease: Lease,
    limit: u32,
    now: Timestamp,
) -> Result<Vec<Claimed>, StoreError> {
    let claimed = sqlx::query!(
        "with picked as materialized (
           select d.delivery_id from webhook_delivery d
           where d.endpoint_id = $1 and d.status = 'pending' and d.due_at <= $2
             and (d.lease_until is null or d.lease_until <= $2)
             and (d.payment_id is null or d.payment_sequence = (
               select b.payment_sequence from webhook_delivery b
               where b.payment_id = d.payment_id and b.status = 'pending' and b.origin = d.origin
                 and coalesce(b.endpoint_id) = $1 order by b.payment_sequence limit 1))
           order by d.due_at, d.delivery_id limit $3 for update skip locked)
         update webhook_delivery d set lease_by = $4, lease_until = $5
         where d.delivery_id = any (array (select delivery_id from picked))
         returning d.delivery_id, d.tries, d.event_id",
        endpoint.0,
        now,
        i64::from(limit),
        lease.by,
        lease.until,
    )
    .fetch_all(pool)
    .await?;
    let event_ids: Vec<Uuid> = claimed.iter().map(|row| row.event_id).collect();
    let events = stored_events(pool, &event_ids).await?;
    let claimed = claimed.into_iter().filter_map(|row| {
        Some(Claimed {
            delivery_id: row.delivery_id,
            tries: u32::try_from(row.tries).unwrap_or(0),
            // An event is never deleted, so there is one for each delivery.
            event: events.get(&row.event_id)?.clone(),
        })
    });
    Ok(claimed.collect())
}

async fn stored_events(
    pool: &Pool,
    event_ids: &[Uuid],
) -> Result<BTreeMap<Uuid, StoredEvent>, StoreError> {
    let rows = sqlx::query!(
        r#"select event_id, kind, subject, payment_sequence, created_at, data::text as "data!"
           from outbox_event where event_id = any($1)"#,
        event_ids,
    )
    .fetch_all(pool)
    .await?;
    let events = rows.into_iter().map(|row| {
        let event = StoredEvent {
            event_id: EventId(row.event_id),
            kind: row.kind,
            subject: row.subject,
            sequence: row.payment_sequence,
            created_at: row.created_at,
            data: row.data,
        };
        (row.event_id, event)
    });
    Ok(events.collect())
}

/// What a claim came to.
#[derive(Debug)]
pub struct Settlement<'a> {
    pub endpoint: EndpointId,
    pub lease_by: Uuid,
    pub tried: &'a [Tried],
    /// The claim ended before it came to these; they are due as before.
    pub untried: &'a [Uuid],
    pub now: Timestamp,
}

/// Records the tries of a claim in one transaction: the log, the deliveries, the due times of what
/// waits behind them and, when `health` is given, the endpoint's health, which it computes from the
/// locked row. Returns why the endpoint was disabled, when it was.
///
/// A delivery whose lease another claim has taken is left to that one; the log keeps both tries.
pub async fn settle(
    pool: &Pool,
    settlement: &Settlement<'_>,
    health: Option<&(dyn Fn(Health) -> Result<Health, Disabled> + Sync)>,
) -> Result<Option<Disabled>, StoreError> {
    let mut tx = pool.begin().await?;
    let before = match health {
        Some(_) => webhook_endpoints::lock_health(&mut tx, settlement.endpoint).await?,
        None => None,
    };
    write_results(&mut tx, settlement).await?;
    push_followers(&mut tx, settlement).await?;
    write_log(&mut tx, settlement).await?;
    release(&mut tx, settlement).await?;
    let after = before.zip(health).map(|(before, health)| health(before));
    let disabled = match after {
        None => None,
        Some(Ok(after)) => {
            webhook_endpoints::write_health(&mut tx, settlement.endpoint, after).await?;
            None
        }
        Some(Err(disabled)) => {
            let endpoint = settlement.endpoint;
            webhook_endpoints::disable(&mut tx, endpoint, disabled.as_str()).await?;
            Some(disabled)
        }
    };
    tx.commit().await?;
    Ok(disabled)
}

/// A cancelled delivery whose try was under way may still turn out delivered.
async fn write_results(
    connection: &mut PgConnection,
    settlement: &Settlement<'_>,
) -> Result<(), StoreError> {
    let tried = settlement.tried;
    let ids: Vec<Uuid> = tried.iter().map(|t| t.delivery_id).collect();
    let statuses: Vec<String> = tried.iter().map(|t| status(t.next).to_owned()).collect();
    let due: Vec<Option<Timestamp>> = tried.iter().map(|t| due_at(t.next)).collect();
    let http: Vec<Option<i32>> = tried.iter().map(http_status).collect();
    let errors: Vec<Option<String>> = tried.iter().map(failure).collect();
    let times: Vec<Timestamp> = tried.iter().map(|t| t.tried_at).collect();
    sqlx::query!(
        "update webhook_delivery d
         set status = r.status, tries = d.tries + 1, due_at = coalesce(r.due_at, d.due_at),
             lease_by = null, lease_until = null, last_status = r.http_status,
             last_error = r.error,
             delivered_at = case r.status when 'delivered' then r.tried_at end
         from unnest($2::uuid[], $3::text[], $4::timestamptz[], $5::int[], $6::text[],
           $7::timestamptz[]) r (delivery_id, status, due_at, http_status, error, tried_at)
         where d.delivery_id = r.delivery_id and d.delivery_id = any($2) and d.lease_by = $1
           and (d.status = 'pending' or (d.status = 'cancelled' and r.status = 'delivered'))",
        settlement.lease_by,
        &ids,
        &statuses,
        &due as &[Option<Timestamp>],
        &http as &[Option<i32>],
        &errors as &[Option<String>],
        &times,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// What waits behind a delivery is due when that one is due again, or now that it is done. Only the
/// due time follows; that order holds is `claim`'s doing.
async fn push_followers(
    connection: &mut PgConnection,
    settlement: &Settlement<'_>,
) -> Result<(), StoreError> {
    let ids: Vec<Uuid> = settlement.tried.iter().map(|t| t.delivery_id).collect();
    sqlx::query!(
        "with follower as materialized (
           select f.delivery_id, case h.status when 'pending' then h.due_at
                                   else least(f.due_at, $3) end as due_at
           from webhook_delivery h cross join lateral (
             select f.delivery_id, f.due_at from webhook_delivery f
             where f.payment_id = h.payment_id and f.status = 'pending' and f.origin = h.origin
               and coalesce(f.endpoint_id) = $2 and f.payment_sequence > h.payment_sequence
               and f.lease_by is null offset 0) f
           where h.delivery_id = any($1) and h.payment_id is not null)
         update webhook_delivery d
         set due_at = (select w.due_at from follower w where w.delivery_id = d.delivery_id limit 1)
         where d.delivery_id = any (array (select delivery_id from follower))
           and d.status = 'pending'",
        &ids,
        settlement.endpoint.0,
        settlement.now,
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn write_log(
    connection: &mut PgConnection,
    settlement: &Settlement<'_>,
) -> Result<(), StoreError> {
    let tried = settlement.tried;
    let ids: Vec<Uuid> = tried.iter().map(|t| t.delivery_id).collect();
    let times: Vec<Timestamp> = tried.iter().map(|t| t.tried_at).collect();
    let durations: Vec<i32> = tried.iter().map(|t| t.duration_ms).collect();
    let http: Vec<Option<i32>> = tried.iter().map(http_status).collect();
    let failures: Vec<Option<String>> = tried.iter().map(failure).collect();
    let excerpts: Vec<Option<String>> = tried.iter().map(|t| t.excerpt.clone()).collect();
    sqlx::query!(
        "insert into webhook_delivery_try
           (delivery_id, claim, tried_at, duration_ms, http_status, failure, excerpt)
         select r.delivery_id, $1, r.tried_at, r.duration_ms, r.http_status, r.failure, r.excerpt
         from unnest($2::uuid[], $3::timestamptz[], $4::int[], $5::int[], $6::text[], $7::text[])
           r (delivery_id, tried_at, duration_ms, http_status, failure, excerpt)",
        settlement.lease_by,
        &ids,
        &times,
        &durations,
        &http as &[Option<i32>],
        &failures as &[Option<String>],
        &excerpts as &[Option<String>],
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn release(
    connection: &mut PgConnection,
    settlement: &Settlement<'_>,
) -> Result<(), StoreError> {
    if settlement.untried.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "update webhook_delivery set lease_by = null, lease_until = null
         where lease_by = $1 and delivery_id = any($2)",
        settlement.lease_by,
        settlement.untried,
    )
    .execute(connection)
    .await?;
    Ok(())
}

fn status(next: Next) -> &'static str {
    match next {
        Next::Delivered => "delivered",
        Next::Retry { .. } => "pending",
        Next::Failed => "failed",
    }
}

fn due_at(next: Next) -> Option<Timestamp> {
    match next {
        Next::Retry { due_at } => Some(due_at),
        Next::Delivered | Next::Failed => None,
    }
}

fn http_status(tried: &Tried) -> Option<i32> {
    tried.answer.ok().map(i32::from)
}

fn failure(tried: &Tried) -> Option<String> {
    tried.answer.err().map(str::to_owned)
}

/// A delivery as its casino sees it, with its newest tries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    pub delivery_id: Uuid,
    pub event_id: EventId,
    pub kind: String,
    pub subject: String,
    pub sequence: i64,
    pub is_redelivery: bool,
    /// `pending`, `delivered`, `failed` or `cancelled`.
    pub status: String,
    pub tries: i32,
    pub due_at: Timestamp,
    pub last_status: Option<i32>,
    pub last_error: Option<String>,
    /// The beginning of the newest answer, while the log keeps it.
    pub last_excerpt: Option<String>,
    pub last_duration_ms: Option<i32>,
    pub created_at: Timestamp,
    pub delivered_at: Option<Timestamp>,
}

/// An endpoint's deliveries, newest first; `after` is the last delivery of the page before.
pub async fn list(
    pool: &Pool,
    operator: &OperatorId,
    endpoint: EndpointId,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Delivery>, StoreError> {
    let deliveries = sqlx::query!(
        r#"select d.delivery_id, d.event_id, o.kind, o.subject, o.payment_sequence,
             d.origin, d.status, d.tries, d.due_at, d.last_status, d.last_error,
             t.excerpt as "excerpt?", t.duration_ms as "duration_ms?", d.created_at, d.delivered_at
           from webhook_delivery d
           join webhook_endpoint e on e.endpoint_id = d.endpoint_id and e.operator_id = $1
           join outbox_event o on o.event_id = d.event_id
           left join lateral (
             select excerpt, duration_ms from webhook_delivery_try t
             where t.delivery_id = d.delivery_id order by tried_at desc limit 1) t on true
           where d.endpoint_id = $2 and ($3::uuid is null or d.delivery_id < $3)
           order by d.delivery_id desc limit $4"#,
        operator.as_str(),
        endpoint.0,
        after,
        limit,
    )
    .fetch_all(pool)
    .await?;
    let deliveries = deliveries.into_iter().map(|row| Delivery {
        delivery_id: row.delivery_id,
        event_id: EventId(row.event_id),
        kind: row.kind,
        subject: row.subject,
        sequence: row.payment_sequence,
        is_redelivery: row.origin == "redelivery",
        status: row.status,
        tries: row.tries,
        due_at: row.due_at,
        last_status: row.last_status,
        last_error: row.last_error,
        last_excerpt: row.excerpt,
        last_duration_ms: row.duration_ms,
        created_at: row.created_at,
        delivered_at: row.delivered_at,
    });
    Ok(deliveries.collect())
}

/// Forgets at most `limit` tries that are older than `before`.
pub async fn purge_tries(pool: &Pool, before: Timestamp, limit: i64) -> Result<u64, StoreError> {
    let purged = sqlx::query!(
        "delete from webhook_delivery_try where (delivery_id, claim) in (
           select delivery_id, claim from webhook_delivery_try
           where tried_at < $1 order by tried_at limit $2)",
        before,
        limit,
    )
    .execute(pool)
    .await?;
    Ok(purged.rows_affected())
}
