//! The event `psp.health_changed`. It belongs to no payment and to no lane: it stands in the outbox under a
//! slot that no lane has, so that no cursor waits for it, and its deliveries are made in the same
//! transaction. What several instances find out is told by one of them.

use super::{Pool, StoreError, shared_health};
use crate::domain::{Direction, Ids, OperatorId, Timestamp};
use crate::routing::health::{Bucket, Change, Turn};
use sqlx::PgConnection;
use uuid::Uuid;

/// No lane has this slot.
const NO_LANE: i16 = -1;

/// One change as the casinos hear of it.
#[derive(Debug, Clone)]
pub struct HealthEvent {
    /// The account, or what of it changed.
    pub subject: String,
    /// A JSON object.
    pub data: String,
    pub at: Timestamp,
}

/// Where an event stands: it grows with the millisecond of its id, and is chance below that. Ids of one moment differ
/// in their low halves alone, and an event keeps its id until it is told: two that had one place would keep
/// everything after them from being told.
fn place_of(id: Uuid) -> (i64, i16) {
    let (high, low) = id.as_u64_pair();
    let bits = |shift: u32| i16::try_from((low >> shift) & 0x7fff).unwrap_or(0);
    let millisecond = i64::try_from(high >> 16).unwrap_or(0);
    ((millisecond << 15) | i64::from(bits(0)), bits(15))
}

/// Writes the event of a change for these operators, each under its id, in one transaction with what is kept of the
/// change. Where another instance was first with it, nobody is told again.
pub async fn publish(
    pool: &Pool,
    ids: &dyn Ids,
    (change, now): (&Change, Timestamp),
    told: &[(Uuid, &OperatorId)],
    event: &HealthEvent,
) -> Result<(), StoreError> {
    let mut tx = pool.begin().await?;
    if !is_new(&mut tx, change, now).await? {
        return Ok(());
    }
    for (id, operator) in told {
        write(&mut tx, ids, (*id, operator), event).await?;
    }
    tx.commit().await?;
    Ok(())
}

async fn is_new(
    db: &mut PgConnection,
    change: &Change,
    now: Timestamp,
) -> Result<bool, StoreError> {
    match change {
        // Each instance makes probes of its own, one after the other: that it is looked after is news once.
        Change::Technical { psp, direction, turn: Turn::Probing } => {
            is_next(db, psp, *direction, "probing").await
        }
        Change::Technical { psp, direction, turn: Turn::Unwatched } => {
            shared_health::forget_failing(db, psp, *direction, now).await
        }
        Change::Technical { psp, direction, turn: Turn::Recovered } => {
            shared_health::keep_failing(db, psp, *direction, false, now).await
        }
        Change::Technical { psp, direction, turn: Turn::Failing | Turn::Silent } => {
            let is_new = shared_health::keep_failing(&mut *db, psp, *direction, true, now).await?;
            if is_new {
                // From now on its first probe is news again.
                is_next(db, psp, *direction, "failing").await?;
            }
            Ok(is_new)
        }
        Change::Demoted { psp, bucket } => is_first(db, psp, bucket, "demoted").await,
        Change::Restored { psp, bucket } => is_first(db, psp, bucket, "restored").await,
        Change::BucketBlamed { bucket } => is_first(db, "", bucket, "bucket_blamed").await,
    }
}

/// Keeps what was last said of a PSP itself, which stands where no kind of payment is named. True: something else
/// was said before.
async fn is_next(
    db: &mut PgConnection,
    psp: &str,
    direction: Direction,
    change: &str,
) -> Result<bool, StoreError> {
    let told = sqlx::query!(
        "insert into psp_approval_told as t (psp, direction, country, method, currency, change)
         values ($1, $2, '', '', '', $3)
         on conflict (psp, direction, country, method, currency) do update
         set change = excluded.change, told_at = excluded.told_at where t.change <> excluded.change",
        psp,
        direction.as_str(),
        change,
    )
    .execute(db)
    .await?;
    Ok(told.rows_affected() == 1)
}

/// Whether nobody has said this of approvals within a minute, by the database's clock: instances find it out within
/// a second of each other. The same much later is another change.
async fn is_first(
    db: &mut PgConnection,
    psp: &str,
    bucket: &Bucket,
    change: &str,
) -> Result<bool, StoreError> {
    let Bucket { direction, country, method, currency } = bucket;
    let told = sqlx::query!(
        "insert into psp_approval_told as t (psp, direction, country, method, currency, change)
         values ($1, $2, $3, $4, $5, $6)
         on conflict (psp, direction, country, method, currency) do update
         set change = excluded.change, told_at = excluded.told_at
         where t.change <> excluded.change or t.told_at < excluded.told_at - interval '1 minute'",
        psp,
        direction.as_str(),
        country,
        method.as_str(),
        currency.to_string(),
        change,
    )
    .execute(db)
    .await?;
    Ok(told.rows_affected() == 1)
}

/// Writes the event for one operator with a delivery for each endpoint that listens. `ids` gives as many as
/// there are endpoints. An event of this id that was written before stands as it is.
async fn write(
    db: &mut PgConnection,
    ids: &dyn Ids,
    (id, operator): (Uuid, &OperatorId),
    event: &HealthEvent,
) -> Result<(), StoreError> {
    let (seq, n) = place_of(id);
    let sequence = i64::try_from(event.at.unix_timestamp_nanos() / 1_000).unwrap_or(i64::MAX);
    let written = sqlx::query!(
        "insert into outbox_event (slot, seq, n, event_id, operator_id, player_id, subject,
           payment_id, payment_sequence, kind, data, created_at)
         values ($1, $2, $9, $3, $4, '', $5, null, $6, 'psp.health_changed', $7::text::json, $8)
         on conflict (event_id) do nothing",
        NO_LANE,
        seq,
        id,
        operator.as_str(),
        event.subject,
        sequence,
        event.data,
        event.at,
        n,
    )
    .execute(&mut *db)
    .await?;
    if written.rows_affected() == 0 {
        return Ok(());
    }
    // Locked, so that whoever ends an endpoint sees these deliveries and cancels them.
    let endpoints: Vec<Uuid> = sqlx::query_scalar!(
        "select endpoint_id from webhook_endpoint
         where operator_id = $1 and deleted_at is null and status = 'active'
           and events && array['*', 'psp.health_changed', 'psp.*'] for share",
        operator.as_str(),
    )
    .fetch_all(&mut *db)
    .await?;
    let deliveries: Vec<Uuid> = endpoints.iter().map(|_| ids.next()).collect();
    sqlx::query!(
        "insert into webhook_delivery (delivery_id, endpoint_id, event_id, payment_id,
           payment_sequence, origin, status, due_at, created_at)
         select d.delivery_id, d.endpoint_id, $3, null, $4, 'relay', 'pending', $5, $5
         from unnest($1::uuid[], $2::uuid[]) d (delivery_id, endpoint_id)
         on conflict (endpoint_id, event_id) where origin = 'relay' do nothing",
        &deliveries,
        &endpoints,
        id,
        sequence,
        event.at,
    )
    .execute(&mut *db)
    .await?;
    Ok(())
}
