//! A stored event that was not applied when it came, or not wholly, is applied by the inbox worker.

use super::process::{ApplyError, announce, apply, done_of_nobody, first_of, put_aside};
use super::receive::{is_question_of_anybody, places};
use super::stored_event;
use crate::domain::{AttemptId, Timestamp};
use crate::flows::Flows;
use crate::payments::receive_payin::{ReceiveError, attempt_about};
use crate::store::inbox::{self, DueEvent, StoredEvent};
use futures_util::FutureExt;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

/// How often an event is tried before it is put aside for people.
const TRIES_MAX: i16 = 5;
/// As often, where the PSP has to be asked first and its answer cannot be used: for more than an hour.
const LOOK_UPS_MAX: i16 = 12;
/// After so many tries an event was never told to have failed, for none of them came to its end: whoever applies it
/// panics, or is cut off with it. It is put aside before it is applied once more.
const TRIES_CUT_MAX: i16 = 24;
/// What recording takes, beside the calls.
const ROOM: Duration = Duration::from_secs(30);
/// What stands in its way passes (a busy moment, a database or a PSP that is away): it is tried for as
/// long as that lasts, the longer it has lasted the less often.
const PAUSE_MIN: Duration = Duration::from_secs(2);
const PAUSE_MAX: Duration = Duration::from_secs(5 * 60);
/// After this long people are told.
const LONG: Duration = Duration::from_secs(60 * 60);

/// Applies an event, unless another instance does. What fails is tried again after a growing pause; what
/// would fail for ever is put aside for people. True: it is at its end.
pub async fn process_again(flows: &Flows, due: &DueEvent) -> Result<bool, ApplyError> {
    let pool = flows.db.pool();
    let (psp, event_id) = (due.psp.as_str(), due.event_id.as_str());
    let now = flows.clock.now();
    // One call finds out whose it is, one what became of it.
    let until = now + flows.psp_deadline * 2 + ROOM;
    let Some(stored) = inbox::claim(pool, psp, event_id, now, until).await? else {
        return Ok(false);
    };
    if TRIES_CUT_MAX < stored.tries {
        let note = format!("given up: of {} tries none came to its end", stored.tries);
        // What cuts them off may be in here as well.
        let about = AssertUnwindSafe(attempt_of(flows, psp, &stored)).catch_unwind().await;
        let about = about.unwrap_or(Ok(None))?;
        put_aside(flows, "webhook.parked", (psp, event_id), (about, &note)).await?;
        return Ok(true);
    }
    let error = match apply_stored(flows, psp, &stored).await {
        Ok(()) => return Ok(true),
        Err(error) => error,
    };
    if error.passes() {
        if is_over(flows, psp, &stored, &error).await? {
            return Ok(true);
        }
        wait(flows, due, &stored, &error).await?;
        return Ok(false);
    }
    if most_tries(&error) <= stored.tries {
        let note = format!("given up after {} tries: {error}", stored.tries);
        let about = attempt_of(flows, psp, &stored).await?;
        put_aside(flows, "webhook.parked", (psp, event_id), (about, &note)).await?;
        return Ok(true);
    }
    tracing::warn!(psp.id = psp, event.id = event_id, %error, "an event will be tried again");
    let pause = Duration::from_secs(2_u64.pow(u32::from(stored.tries.unsigned_abs())));
    inbox::retry(pool, psp, event_id, flows.clock.now() + pause).await?;
    Ok(false)
}

/// Whose attempt an event names that is put aside. One that cannot be read, or whose account is gone, names none.
async fn attempt_of(
    flows: &Flows,
    psp: &str,
    stored: &StoredEvent,
) -> Result<Option<AttemptId>, ApplyError> {
    let Ok(event) = stored_event::read(&stored.event) else { return Ok(None) };
    if let Some(payin) = &event.payin {
        return match attempt_about(flows, psp, payin).await {
            Err(ReceiveError::UnknownAccount) => Ok(None),
            about => Ok(about?),
        };
    }
    let found = places(flows, psp, event.attempt, event.psp_reference.as_deref()).await?;
    Ok(first_of(&found))
}

const fn most_tries(error: &ApplyError) -> i16 {
    match error {
        ApplyError::LookUp(_) => LOOK_UPS_MAX,
        _ => TRIES_MAX,
    }
}

/// What anybody could have sent is not waited for without an end, and people hear nothing of it: whoever
/// sends made-up ids while a PSP does not answer would fill their lists, and keep us asking. A real payment
/// is asked about by its attempt.
async fn is_over(
    flows: &Flows,
    psp: &str,
    stored: &StoredEvent,
    error: &ApplyError,
) -> Result<bool, ApplyError> {
    let is_old = stored.received_at + LONG <= flows.clock.now();
    if !is_old || !matches!(error, ApplyError::Away(_)) {
        return Ok(false);
    }
    let event = stored_event::read(&stored.event)?;
    if !is_question_of_anybody(flows, psp, &event) {
        return Ok(false);
    }
    metrics::counter!("webhook_hints_unanswered_total", "psp" => psp.to_owned()).increment(1);
    let note = "the PSP did not answer whether it knows it";
    done_of_nobody(flows, psp, &event, None, note).await?;
    Ok(true)
}

async fn wait(
    flows: &Flows,
    due: &DueEvent,
    stored: &StoredEvent,
    error: &ApplyError,
) -> Result<(), ApplyError> {
    let (pool, now) = (flows.db.pool(), flows.clock.now());
    let (psp, event_id) = (due.psp.as_str(), due.event_id.as_str());
    tracing::warn!(psp.id = psp, event.id = event_id, %error, "an event waits until this has passed");
    inbox::wait(pool, psp, event_id, now + pause(stored.received_at, now)).await?;
    if stored.received_at + LONG <= now {
        let kind = "webhook.waiting";
        let note = format!("it waits since {}: {error}", stored.received_at);
        let detail = format!("event {event_id} of {psp}: {note}");
        let incident = (flows.ids.next(), kind, detail.as_str());
        if inbox::tell_waiting(pool, (psp, event_id), &note, incident, now).await? {
            announce(kind, psp, event_id);
        }
    }
    Ok(())
}

/// Half of the time that it has waited already.
fn pause(received_at: Timestamp, now: Timestamp) -> Duration {
    let waited = Duration::try_from(now - received_at).unwrap_or_default();
    (waited / 2).clamp(PAUSE_MIN, PAUSE_MAX)
}

async fn apply_stored(flows: &Flows, psp: &str, stored: &StoredEvent) -> Result<(), ApplyError> {
    let event = stored_event::read(&stored.event)?;
    apply(flows, psp, &event).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::Refusal;
    use crate::lane::SubmitError;
    use crate::lane::desk::DeskError;
    use crate::store::StoreError;
    use psp_contract::{NotSent, Unknown};
    use time::macros::datetime;

    #[test]
    fn what_passes_is_waited_for_and_what_stays_is_counted() {
        for error in [
            ApplyError::from(SubmitError::Full),
            SubmitError::Busy.into(),
            SubmitError::Failed.into(),
            SubmitError::Refused(Refusal::Busy).into(),
            DeskError::Full.into(),
            DeskError::Failed.into(),
            StoreError::Raced.into(),
            ReceiveError::from(SubmitError::Full).into(),
            ReceiveError::from(StoreError::Raced).into(),
            ApplyError::Away(NotSent::ConnectRefused.code()),
            ApplyError::Away(Unknown::ReadTimeout.code()),
        ] {
            assert!(error.passes(), "{error:?}");
        }
        for error in [
            ApplyError::from(SubmitError::Refused(Refusal::NotFound)),
            StoreError::Corrupt("an event".to_owned()).into(),
            ReceiveError::from(SubmitError::Refused(Refusal::PlayerUnknown)).into(),
            ReceiveError::UnknownAccount.into(),
            ApplyError::UnknownAccount,
            ApplyError::LookUp("not_confirmed"),
        ] {
            assert!(!error.passes(), "{error:?}");
        }
    }

    #[test]
    fn pauses_grow_with_what_was_waited_and_have_an_end() {
        let began = datetime!(2026-03-01 12:00 UTC);
        let after = |seconds| pause(began, began + Duration::from_secs(seconds)).as_secs();
        assert_eq!([0, 4, 10, 60, 600, 86_400].map(after), [2, 2, 5, 30, 300, 300]);
    }
}
