//! Who is watching which payment: the waking side of server-sent events.
//!
//! A stream reads its events with [`crate::store::outbox_reads::events_of_payment`] from the last
//! sequence number that its reader has, so nothing is lost between two connections. What remains is
//! to know *when* to read. One look asks the database for the newest number of all watched payments
//! at once, whichever instance wrote them, and wakes the streams whose payment has moved.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use uuid::Uuid;

use crate::domain::PaymentId;
use crate::store::{Pool, StoreError, outbox_reads};

/// The watched payments of this instance.
#[derive(Debug, Default)]
pub struct Live {
    watched: Mutex<BTreeMap<Uuid, watch::Sender<i64>>>,
}

impl Live {
    /// The newest sequence number seen of a payment, 0 before the first look; changes when it
    /// grows. Ends with the receiver: a stream that is gone is forgotten at the next look.
    pub fn watch(&self, payment: PaymentId) -> watch::Receiver<i64> {
        self.lock().entry(payment.uuid).or_insert_with(|| watch::Sender::new(0)).subscribe()
    }

    /// One look. Returns how many payments have moved.
    pub async fn look(&self, pool: &Pool) -> Result<u64, StoreError> {
        let watched = self.still_watched();
        if watched.is_empty() {
            return Ok(0);
        }
        let newest = outbox_reads::newest_sequences(pool, &watched).await?;
        Ok(self.wake(&newest))
    }

    fn still_watched(&self) -> Vec<Uuid> {
        let mut watched = self.lock();
        watched.retain(|_, sender| sender.receiver_count() > 0);
        watched.keys().copied().collect()
    }

    fn wake(&self, newest: &BTreeMap<Uuid, i64>) -> u64 {
        let watched = self.lock();
        let mut moved = 0;
        for (payment, sequence) in newest {
            let Some(sender) = watched.get(payment) else {
                continue;
            };
            let grew = sender.send_if_modified(|seen| {
                let grew = *seen < *sequence;
                *seen = *sequence;
                grew
            });
            moved += u64::from(grew);
        }
        moved
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Uuid, watch::Sender<i64>>> {
        // The map is whole between any two statements, so a panic elsewhere left it usable.
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_wakes_once_for_each_step_and_is_forgotten_when_gone() {
        let live = Live::default();
        let uuid = Uuid::from_u128(1);
        let mut stream = live.watch(PaymentId::deposit(uuid));
        assert_eq!(live.wake(&BTreeMap::from([(uuid, 2)])), 1);
        assert!(stream.has_changed().unwrap());
        assert_eq!(*stream.borrow_and_update(), 2);
        assert_eq!(live.wake(&BTreeMap::from([(uuid, 2)])), 0);
        assert!(!stream.has_changed().unwrap());
        assert_eq!(live.still_watched(), [uuid]);
        drop(stream);
        assert!(live.still_watched().is_empty());
    }
}
