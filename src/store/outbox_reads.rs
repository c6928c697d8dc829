//! Reading the outbox: the relay that turns events into deliveries, and the events of one payment.
//!
//! A slot's events commit in the order of their numbers, so `after the cursor` misses nothing. Two
//! slots know nothing of each other, though, and a payment may have events in both: an event waits
//! until the one before it *in its payment* has been passed on (see [`relay_slot`]).

use std::collections::BTreeMap;

use sqlx::{PgConnection, Postgres, Transaction};
use uuid::Uuid;

use super::{Pool, StoreError};
use crate::domain::{EventId, Ids, OperatorId, PaymentId, Timestamp};
use crate::outbox::event::StoredEvent;

/// The relay's name in `relay_cursor`.
pub const WEBHOOKS: &str = "webhooks";

/// What one look at one slot did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Relayed {
    /// Events passed.
    pub events: u64,
    /// Deliveries made of them.
    pub deliveries: u64,
}

/// The place of an event in its slot.
#[derive(Debug, Clone, Copy)]
struct Place {
    seq: i64,
    n: i16,
}

/// What waits to be passed on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Waiting {
    pub slots: Vec<i16>,
    /// When the oldest event was written of those that come next in their slots.
    pub since: Option<Timestamp>,
}

/// The slots with events that were not passed on yet; each slot has a cursor from now on.
pub async fn waiting(pool: &Pool, consumer: &str, now: Timestamp) -> Result<Waiting, StoreError> {
    let waiting = sqlx::query!(
        r#"select s.slot, c.slot is null as "is_new!", o.created_at as "since?"
           from lane_slot s left join relay_cursor c on c.consumer = $1 and c.slot = s.slot
           left join lateral (
             select created_at from outbox_event
             where slot = s.slot and (seq, n) > (c.seq, c.n) order by seq, n limit 1) o on true
           where c.slot is null or o.created_at is not null
           order by s.slot"#,
        consumer,
    )
    .fetch_all(pool)
    .await?;
    let new: Vec<i16> = waiting.iter().filter(|row| row.is_new).map(|row| row.slot).collect();
    if !new.is_empty() {
        sqlx::query!(
            "insert into relay_cursor (consumer, slot, seq, n, moved_at)
             select $1, slot, 0, 0, $2 from unnest($3::smallint[]) as s (slot)
             on conflict do nothing",
            consumer,
            now,
            &new,
        )
        .execute(pool)
        .await?;
    }
    Ok(Waiting {
        since: waiting.iter().filter_map(|row| row.since).min(),
        slots: waiting.into_iter().map(|row| row.slot).collect(),
    })
}

/// Passes on the next events of one slot, at most `batch_max`, in one transaction: deliveries for
/// every endpoint that listens, and the cursor behind them. Does nothing when another relay is at
/// this slot, so that two instances share the work and no event is passed on twice.
pub async fn relay_slot(
    pool: &Pool,
    ids: &dyn Ids,
    slot: i16,
    batch_max: i64,
    now: Timestamp,
) -> Result<Relayed, StoreError> {
    let mut tx = pool.begin().await?;
    let Some(from) = lock_cursor(&mut tx, slot).await? else {
        return Ok(Relayed::default());
    };
    let places = ready(&mut tx, slot, from, batch_max).await?;
    let Some(to) = places.last().copied() else {
        return Ok(Relayed::default());
    };
    let deliveries = fan_out(&mut tx, ids, slot, (from, to), now).await?;
    sqlx::query!(
        "update relay_cursor set seq = $3, n = $4, moved_at = $5
         where consumer = $1 and slot = $2",
        WEBHOOKS,
        slot,
        to.seq,
        to.n,
        now,
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(Relayed { events: u64::try_from(places.len()).unwrap_or(u64::MAX), deliveries })
}

async fn lock_cursor(
    connection: &mut PgConnection,
    slot: i16,
) -> Result<Option<Place>, StoreError> {
    let cursor = sqlx::query_as!(
        Place,
        "select seq, n from relay_cursor where consumer = $1 and slot = $2 for update skip locked",
        WEBHOOKS,
        slot,
    )
    .fetch_optional(connection)
    .await?;
    Ok(cursor)
}

/// The places after `from`, up to the first event whose predecessor in its payment lies in another
/// slot and has not been passed on. What is seen there may be old by a moment, never too new: then
/// the event waits for the next look. The waits follow the order of commits, so they never close
/// a circle.
async fn ready(
    connection: &mut PgConnection,
    slot: i16,
    from: Place,
    batch_max: i64,
) -> Result<Vec<Place>, StoreError> {
    let rows = sqlx::query!(
        r#"select o.seq, o.n, exists (
             select 1 from outbox_event before
             where before.payment_id = o.payment_id
               and before.payment_sequence = o.payment_sequence - 1
               and before.slot <> o.slot
               and not exists (
                 select 1 from relay_cursor c
                 where c.consumer = $1 and c.slot = before.slot
                   and (c.seq, c.n) >= (before.seq, before.n))) as "waits!"
           from outbox_event o
           where o.slot = $2 and (o.seq, o.n) > ($3, $4)
           order by o.seq, o.n limit $5"#,
        WEBHOOKS,
        slot,
        from.seq,
        from.n,
        batch_max,
    )
    .fetch_all(connection)
    .await?;
    let ready = rows.into_iter().take_while(|row| !row.waits);
    Ok(ready.map(|row| Place { seq: row.seq, n: row.n }).collect())
}

/// Makes a delivery for each endpoint of the event's operator that listens to its type. A disabled
/// endpoint gets a cancelled one: the log then shows what it missed, and it can be asked for.
///
/// The endpoints are locked until the deliveries are committed: whoever disables or deletes one cancels
/// what it can see, and nobody would ever take what came after. Endpoints come before deliveries, as
/// wherever both are locked, and no delivery that others see is locked here.
async fn fan_out(
    tx: &mut Transaction<'_, Postgres>,
    ids: &dyn Ids,
    slot: i16,
    (from, to): (Place, Place),
    now: Timestamp,
) -> Result<u64, StoreError> {
    let matches = sqlx::query_as!(
        Match,
        "select o.event_id, o.payment_id, o.payment_sequence, e.endpoint_id, e.status
         from outbox_event o join webhook_endpoint e
           on e.operator_id = o.operator_id and e.deleted_at is null
           and e.events && array['*', o.kind, split_part(o.kind, '.', 1) || '.*']
         where o.slot = $1 and (o.seq, o.n) > ($2, $3) and (o.seq, o.n) <= ($4, $5)
         order by o.seq, o.n for share of e",
        slot,
        from.seq,
        from.n,
        to.seq,
        to.n,
    )
    .fetch_all(&mut **tx)
    .await?;
    if matches.is_empty() {
        return Ok(0);
    }
    insert_deliveries(tx, ids, &matches, now).await
}

/// An event and an endpoint that listens to it.
struct Match {
    event_id: Uuid,
    payment_id: Option<Uuid>,
    payment_sequence: i64,
    endpoint_id: Uuid,
    status: String,
}

/// A delivery behind an unfinished one of the same payment gets that one's due time.
async fn insert_deliveries(
    connection: &mut PgConnection,
    ids: &dyn Ids,
    matches: &[Match],
    now: Timestamp,
) -> Result<u64, StoreError> {
    let delivery_ids: Vec<Uuid> = matches.iter().map(|_| ids.next()).collect();
    let endpoint_ids: Vec<Uuid> = matches.iter().map(|m| m.endpoint_id).collect();
    let event_ids: Vec<Uuid> = matches.iter().map(|m| m.event_id).collect();
    let payment_ids: Vec<Option<Uuid>> = matches.iter().map(|m| m.payment_id).collect();
    let sequences: Vec<i64> = matches.iter().map(|m| m.payment_sequence).collect();
    let active: Vec<bool> = matches.iter().map(|m| m.status == "active").collect();
    let made = sqlx::query!(
        "insert into webhook_delivery
           (delivery_id, endpoint_id, event_id, payment_id, payment_sequence, origin, status,
            due_at, last_error, created_at)
         select m.delivery_id, m.endpoint_id, m.event_id, m.payment_id, m.payment_sequence,
           'relay', case when m.active then 'pending' else 'cancelled' end,
           coalesce((select b.due_at from webhook_delivery b
             where b.payment_id = m.payment_id and b.status = 'pending'
               and b.origin = 'relay' and coalesce(b.endpoint_id) = m.endpoint_id
             order by b.payment_sequence desc limit 1), $7),
           case when m.active then null else 'the endpoint was disabled' end, $7
         from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::bigint[], $6::bool[])
           m (delivery_id, endpoint_id, event_id, payment_id, payment_sequence, active)
         on conflict (endpoint_id, event_id) where origin = 'relay' do nothing",
        &delivery_ids,
        &endpoint_ids,
        &event_ids,
        &payment_ids as &[Option<Uuid>],
        &sequences,
        &active,
        now,
    )
    .execute(connection)
    .await?;
    Ok(made.rows_affected())
}

/// The events of a payment after a sequence number, oldest first: what a stream of server-sent
/// events sends next. Another operator's payment has none.
pub async fn events_of_payment(
    pool: &Pool,
    operator: &OperatorId,
    payment: PaymentId,
    after_sequence: i64,
    limit: i64,
) -> Result<Vec<StoredEvent>, StoreError> {
    let events = sqlx::query!(
        r#"select event_id, kind, subject, payment_sequence, created_at, data::text as "data!"
           from outbox_event
           where payment_id = $1 and operator_id = $2 and payment_sequence > $3
           order by payment_sequence limit $4"#,
        payment.uuid,
        operator.as_str(),
        after_sequence,
        limit,
    )
    .fetch_all(pool)
    .await?;
    let events = events.into_iter().map(|row| StoredEvent {
        event_id: EventId(row.event_id),
        kind: row.kind,
        subject: row.subject,
        sequence: row.payment_sequence,
        created_at: row.created_at,
        data: row.data,
    });
    Ok(events.collect())
}

/// The newest sequence number of each of these payments that has one.
pub async fn newest_sequences(
    pool: &Pool,
    payments: &[Uuid],
) -> Result<BTreeMap<Uuid, i64>, StoreError> {
    let rows = sqlx::query!(
        r#"select p.payment_id as "payment_id!", newest.sequence as "sequence!"
           from unnest($1::uuid[]) p (payment_id) cross join lateral (
             select o.payment_sequence as sequence from outbox_event o
             where o.payment_id = p.payment_id order by o.payment_sequence desc limit 1) newest"#,
        payments,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|row| (row.payment_id, row.sequence)).collect())
}
