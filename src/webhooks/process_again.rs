//! A stored event that was not applied when it came, or not wholly, is applied by the inbox worker.

use super::process::{ApplyError, apply, put_aside};
use super::stored_event;
use crate::flows::Flows;
use crate::store::inbox::{self, DueEvent, StoredEvent};
use std::time::Duration;

/// How often an event is tried before it is put aside for people.
const TRIES_MAX: i16 = 5;
/// As often, where the PSP has to be asked first and does not answer: for more than an hour.
const LOOK_UPS_MAX: i16 = 12;
/// What recording takes, beside the calls.
const ROOM: Duration = Duration::from_secs(30);

/// Applies an event, unless another instance does. What fails is tried again after a growing pause, and
/// in the end put aside for people. True: it is at its end.
pub async fn process_again(flows: &Flows, due: &DueEvent) -> Result<bool, ApplyError> {
    let pool = flows.db.pool();
    let (psp, event_id) = (due.psp.as_str(), due.event_id.as_str());
    let now = flows.clock.now();
    // One call finds out whose it is, one what became of it.
    let until = now + flows.psp_deadline * 2 + ROOM;
    let Some(stored) = inbox::claim(pool, psp, event_id, now, until).await? else {
        return Ok(false);
    };
    match apply_stored(flows, psp, &stored).await {
        Ok(()) => Ok(true),
        Err(error) if most_tries(&error) <= stored.tries => {
            let note = format!("given up after {} tries: {error}", stored.tries);
            put_aside(flows, "webhook.parked", (psp, event_id), &note).await?;
            Ok(true)
        }
        Err(error) => {
            tracing::warn!(psp.id = psp, event.id = event_id, %error, "an event will be tried again");
            let pause = Duration::from_secs(2_u64.pow(u32::from(stored.tries.unsigned_abs())));
            inbox::retry(pool, psp, event_id, flows.clock.now() + pause).await?;
            Ok(false)
        }
    }
}

const fn most_tries(error: &ApplyError) -> i16 {
    match error {
        ApplyError::LookUp(_) => LOOK_UPS_MAX,
        _ => TRIES_MAX,
    }
}

async fn apply_stored(flows: &Flows, psp: &str, stored: &StoredEvent) -> Result<(), ApplyError> {
    let event = stored_event::read(&stored.event)?;
    apply(flows, psp, &event).await
}
