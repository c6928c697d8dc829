//! Passes the events of the outbox on to the deliveries of webhooks.

use crate::domain::{Ids, Timestamp};
use crate::store::outbox_reads::{self, Relayed, WEBHOOKS};
use crate::store::{Pool, StoreError};
use std::time::{Duration, Instant};

/// Events in one transaction.
const BATCH_MAX: i64 = 500;
/// Batches of one slot in one look, so that a long backlog of one slot lets the others by.
const BATCHES_PER_SLOT: u32 = 8;

/// A look begins no round after this: under load each round finds something, and nobody is told of what
/// was passed on, nor that this worker lives, before the look ends.
const LOOK_MAX: Duration = Duration::from_secs(1);

/// One look: passes on what each slot holds after its cursor, slot after slot, until none moves.
/// A second round is needed where an event waited for one of another slot.
pub async fn publish(pool: &Pool, ids: &dyn Ids, now: Timestamp) -> Result<Relayed, StoreError> {
    publish_within(pool, ids, LOOK_MAX, now).await
}

/// As [`publish`]; no round begins after `patience`.
pub async fn publish_within(
    pool: &Pool,
    ids: &dyn Ids,
    patience: Duration,
    now: Timestamp,
) -> Result<Relayed, StoreError> {
    let mut total = Relayed::default();
    let began = Instant::now();
    loop {
        let mut moved = Relayed::default();
        let waiting = outbox_reads::waiting(pool, WEBHOOKS, now).await?;
        metrics::gauge!("outbox_oldest_event_age_seconds").set(age(waiting.since, now));
        for slot in waiting.slots {
            let done = publish_slot(pool, ids, slot, now).await?;
            moved.events += done.events;
            moved.deliveries += done.deliveries;
        }
        total.events += moved.events;
        total.deliveries += moved.deliveries;
        if moved.events == 0 || patience <= began.elapsed() {
            metrics::counter!("outbox_events_published_total").increment(total.events);
            return Ok(total);
        }
    }
}

/// How old the oldest event is that nobody has passed on; nothing where all are. It grows while somebody else
/// has a slot's cursor and stands still, which no look would notice otherwise: it passes over such a slot.
fn age(since: Option<Timestamp>, now: Timestamp) -> f64 {
    since.map_or(0.0, |since| (now - since).as_seconds_f64().max(0.0))
}

async fn publish_slot(
    pool: &Pool,
    ids: &dyn Ids,
    slot: i16,
    now: Timestamp,
) -> Result<Relayed, StoreError> {
    let mut moved = Relayed::default();
    for _ in 0..BATCHES_PER_SLOT {
        let batch = outbox_reads::relay_slot(pool, ids, slot, BATCH_MAX, now).await?;
        moved.events += batch.events;
        moved.deliveries += batch.deliveries;
        // A batch that was not full has seen the slot's end, or an event that waits for another slot:
        // the next round of the look asks again.
        if batch.events < BATCH_MAX.unsigned_abs() {
            break;
        }
    }
    Ok(moved)
}
