//! Sends again what a casino asks for: one event, or all that an endpoint missed.

use crate::domain::{EndpointId, EventId, Ids, OperatorId, Timestamp};
use crate::store::{Pool, StoreError, redeliveries};

/// Deliveries that one request brings back; asking again brings the next.
const MISSED_MAX: i64 = 10_000;

/// What to send again.
#[derive(Debug, Clone, Copy)]
pub enum Wanted {
    /// One event, to every active endpoint that listens to its type.
    Event(EventId),
    /// All that failed or was cancelled at an endpoint since a point in time.
    MissedSince(EndpointId, Timestamp),
}

/// How many deliveries are due again; `None` when the operator has no such event.
pub async fn redeliver(
    pool: &Pool,
    ids: &dyn Ids,
    operator: &OperatorId,
    wanted: Wanted,
    now: Timestamp,
) -> Result<Option<u64>, StoreError> {
    match wanted {
        Wanted::Event(event) => {
            redeliveries::redeliver_event(pool, ids, operator, event, now).await
        }
        Wanted::MissedSince(endpoint, since) => {
            let place = (operator, endpoint);
            redeliveries::redeliver_undelivered_since(pool, ids, place, since, MISSED_MAX, now)
                .await
                .map(Some)
        }
    }
}
