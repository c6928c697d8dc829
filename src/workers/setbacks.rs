//! Rows whose work fails for no reason that passes: each is left out of looks for a growing pause, and people are
//! told of it, once while that is open. Taken up with every look it would break the batch it is in, for ever.

use crate::decide::Refusal;
use crate::flows::Flows;
use crate::lane::SubmitError;
use crate::payments::know_before_taking::TakeError;
use crate::payments::send_payout::SendError;
use crate::unreadable::raise_row;
use futures_util::FutureExt;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// After its first failure a row rests so long; after each further one twice as long as before.
const PAUSE: Duration = Duration::from_secs(2);
const PAUSE_MAX: Duration = Duration::from_secs(15 * 60);
/// After so many failures in a row people are told. What the database had no time for comes on before.
const TOLD_AFTER: u32 = 3;

/// Whether what went wrong has nothing to do with this very row.
pub trait Passes: Display {
    fn passes(&self) -> bool;
}

impl Passes for SubmitError {
    fn passes(&self) -> bool {
        match self {
            Self::Full | Self::Busy => true,
            Self::Failed => false,
            Self::Refused(refusal) => matches!(refusal, Refusal::Busy),
        }
    }
}

impl Passes for TakeError {
    fn passes(&self) -> bool {
        match self {
            Self::Store(error) => error.passes(),
            Self::Submit(error) => Passes::passes(error),
        }
    }
}

impl Passes for SendError {
    fn passes(&self) -> bool {
        match self {
            Self::Store(error) => error.passes(),
            Self::Submit(error) => Passes::passes(error),
        }
    }
}

#[derive(Debug)]
struct Setback {
    failures: u32,
    until: Instant,
}

/// The rows of one worker that failed. Clones share them; a restart forgets them.
#[derive(Debug, Clone, Default)]
pub struct Setbacks(Arc<Mutex<BTreeMap<Uuid, Setback>>>);

/// A row, and what it is called where people are told of it.
#[derive(Debug, Clone, Copy)]
pub struct Named {
    pub row: Uuid,
    /// `the sending`, `an attempt`.
    pub what: &'static str,
    pub payment: Uuid,
}

impl Setbacks {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<Uuid, Setback>> {
        // Each entry is whole between any two statements.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Rows that rest now. One that nobody has taken up since its rest ended is done with elsewhere.
    pub fn resting(&self, now: Instant) -> Vec<Uuid> {
        let mut rows = self.lock();
        rows.retain(|_, setback| now < setback.until + PAUSE_MAX);
        rows.iter().filter(|(_, setback)| now < setback.until).map(|(row, _)| *row).collect()
    }

    /// How often it has failed in a row, this time included.
    fn failed(&self, row: Uuid, now: Instant) -> u32 {
        let mut rows = self.lock();
        let setback = rows.entry(row).or_insert(Setback { failures: 0, until: now });
        setback.failures = setback.failures.saturating_add(1);
        setback.until = now + (PAUSE * (1 << (setback.failures - 1).min(16))).min(PAUSE_MAX);
        setback.failures
    }

    /// Does the work of one row. True: it came on.
    pub async fn watch<T, E: Passes>(
        self,
        flows: &Flows,
        of: Named,
        work: impl Future<Output = Result<T, E>>,
    ) -> bool {
        let why = match AssertUnwindSafe(work).catch_unwind().await {
            Ok(Ok(_)) => {
                self.lock().remove(&of.row);
                return true;
            }
            Ok(Err(error)) if error.passes() => {
                tracing::warn!(row.id = %of.row, %error, "{} will be looked at again", of.what);
                return false;
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => "it broke an assertion".to_owned(),
        };
        let failures = self.failed(of.row, Instant::now());
        tracing::error!(row.id = %of.row, failures, why, "{} failed and rests for a while", of.what);
        if TOLD_AFTER <= failures {
            tell(flows, of, &why).await;
        }
        false
    }
}

/// Each time it has failed once more: whoever has closed the incident hears that it is still so.
async fn tell(flows: &Flows, of: Named, why: &str) {
    let detail = format!("{} of the payment {}: {why}", of.what, of.payment.simple());
    if let Err(error) = raise_row(flows, &detail, flows.clock.now()).await {
        tracing::warn!(%error, "an incident was not raised and will be");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_rests_twice_as_long_each_time_and_not_for_ever() {
        let (setbacks, row) = (Setbacks::default(), Uuid::from_u128(1));
        let mut now = Instant::now();
        for (failures, seconds) in (1..).zip([2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]) {
            assert_eq!(setbacks.failed(row, now), failures);
            now += Duration::from_secs(seconds);
            let before = now.checked_sub(Duration::from_millis(1)).unwrap();
            assert_eq!(setbacks.resting(before), [row], "{failures}");
            assert_eq!(setbacks.resting(now), <[Uuid; 0]>::default(), "{failures}");
        }
        now += PAUSE_MAX;
        assert_eq!(setbacks.resting(now), <[Uuid; 0]>::default());
        assert_eq!(setbacks.failed(row, now), 1, "nobody has seen it since: it begins anew");
    }

    #[test]
    fn what_the_service_has_no_time_for_is_no_fault_of_the_row() {
        for error in [SubmitError::Full, SubmitError::Busy, SubmitError::Refused(Refusal::Busy)] {
            assert!(error.passes(), "{error}");
        }
        for error in [SubmitError::Failed, SubmitError::Refused(Refusal::NotFound)] {
            assert!(!error.passes(), "{error}");
            assert!(!SendError::from(error).passes());
        }
    }
}
