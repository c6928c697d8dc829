//! Commits the room of deposits whose money came and gives back that of all others. It is the only
//! place that does: after a success, a failure, a refusal by the lane and a crash alike.

use super::limit_file::LimitFile;
use super::room::{Step, step};
use crate::domain::{PaymentId, Timestamp};
use crate::flows::Flows;
use crate::store::StoreError;
use crate::store::incidents::{self, ServiceIncident};
use crate::store::limit_reservations::{self, Room, RoomState};
use crate::unreadable::raise_unreadable;
use std::time::{Duration as Patience, Instant};
use time::Duration;

/// Rows of one look, and of one claim.
const BATCH: u64 = 50;
const PAGE: i64 = 5;
/// A look takes no more after this: a file that does not answer must not hold up the worker.
const LOOK_MAX: Patience = Patience::from_secs(10);
/// Nobody else takes a row for so long; after that it is tried again.
const LEASE: Duration = Duration::seconds(30);
/// How often a request whose answer was lost is followed by a second release: it may have overtaken
/// the reservation.
const AGAIN: Duration = Duration::minutes(10);

/// After so many tries people are told.
const TRIES_TO_TELL: i32 = 20;

/// What one look settled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Settled {
    pub taken: u64,
    pub done: u64,
    pub failed: u64,
}

/// One look at what is due.
///
/// # Errors
/// When the database fails.
pub async fn settle_rooms(flows: &Flows, now: Timestamp) -> Result<Settled, StoreError> {
    settle_within(flows, LOOK_MAX, now).await
}

/// As [`settle_rooms`]; nothing more is taken on after `patience`.
///
/// # Errors
/// As [`settle_rooms`].
pub async fn settle_within(
    flows: &Flows,
    patience: Patience,
    now: Timestamp,
) -> Result<Settled, StoreError> {
    let mut settled = Settled::default();
    let began = Instant::now();
    loop {
        let until = flows.clock.now() + LEASE;
        let claimed = limit_reservations::claim_due(flows.db.pool(), now, until, PAGE).await?;
        let is_last = i64::try_from(claimed.taken()).unwrap_or(PAGE) < PAGE;
        settled.taken += u64::try_from(claimed.taken()).unwrap_or(0);
        settled.failed += u64::try_from(claimed.unreadable.len()).unwrap_or(0);
        for room in claimed.rows {
            let file = flows.checks.file_named(&room.file);
            match settle_one(flows, file, &room, now).await? {
                Some(true) => settled.done += 1,
                Some(false) => settled.failed += 1,
                None => {}
            }
        }
        raise_unreadable(flows, &claimed.unreadable, now).await?;
        if is_last || BATCH <= settled.taken || patience <= began.elapsed() {
            return Ok(settled);
        }
    }
}

/// None: nothing was to be done yet.
async fn settle_one(
    flows: &Flows,
    file: Option<&LimitFile>,
    room: &Room,
    now: Timestamp,
) -> Result<Option<bool>, StoreError> {
    let pool = flows.db.pool();
    let stay = (room.state, room.state);
    let next = step(room, now);
    let (to, told) = match (next, file) {
        (Step::Wait(pause), _) => {
            let due = Some(now + pause);
            limit_reservations::settle(pool, room.deposit, stay, due, now).await?;
            return Ok(None);
        }
        (Step::Rest, _) => {
            limit_reservations::settle(pool, room.deposit, stay, None, now).await?;
            return Ok(None);
        }
        // A file that is no longer configured cannot be told; the lease makes it due again.
        (_, None) if room.tries % TRIES_TO_TELL == 0 => {
            raise(flows, room, "not_configured", now).await?;
            return Ok(Some(false));
        }
        (_, None) => return Ok(Some(false)),
        (Step::Commit, Some(file)) => {
            let money = room.credited.unwrap_or(room.money);
            (RoomState::Committed, file.commit(room.deposit, money).await)
        }
        (Step::Release, Some(file)) => (RoomState::Released, file.release(room.deposit).await),
    };
    if let Err(failure) = told {
        tracing::warn!(file = room.file, step = ?next, why = failure.as_str(), tries = room.tries,
            "a file of limits has not taken what became of a deposit; it is told again");
        if room.tries % TRIES_TO_TELL == 0 {
            raise(flows, room, failure.as_str(), now).await?;
        }
        return Ok(Some(false));
    }
    let due = match to {
        RoomState::Committed => None,
        _ => Some(now + AGAIN),
    };
    limit_reservations::settle(pool, room.deposit, (room.state, to), due, now).await?;
    Ok(Some(true))
}

async fn raise(flows: &Flows, room: &Room, why: &str, now: Timestamp) -> Result<(), StoreError> {
    let detail = format!(
        "the file {} has not taken in {} tries what became of the deposit {}: {why}",
        room.file,
        room.tries,
        PaymentId::deposit(room.deposit)
    );
    let incident = ServiceIncident { kind: "reservation_unsettled", detail: &detail, psp: None };
    incidents::raise(flows.db.pool(), flows.ids.next(), &incident, now).await
}
