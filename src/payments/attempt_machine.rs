//! One try of one payment at one PSP.
//!
//! An attempt is recorded `prepared` or already `in_flight`, before the first byte leaves. From
//! there it is either known (accepted, succeeded, declined, not sent) or not: `unknown` when the
//! request could move money by itself, `abandoned` when nothing can move without the answer that
//! was lost. The five ends in [`LATE_SUCCESS`] stay open for one thing only, a success that is
//! proven late.

use super::transition::IllegalTransition;
use crate::domain::AttemptStatus;
use AttemptStatus::{
    Abandoned, Accepted, Cancelled, Declined, Expired, InFlight, NotSent, Prepared, Returned,
    Reversed, Succeeded, Unknown,
};

const MACHINE: &str = "attempt";

/// The ends that a late, proven success still turns into `succeeded`.
pub const LATE_SUCCESS: [AttemptStatus; 5] = [Abandoned, Declined, Expired, Cancelled, NotSent];

/// Where an attempt may go from each status.
pub const fn targets(from: AttemptStatus) -> &'static [AttemptStatus] {
    match from {
        Prepared => &[InFlight, Cancelled],
        InFlight => &[Accepted, Succeeded, Declined, NotSent, Unknown, Abandoned],
        Unknown => &[Accepted, Succeeded, Declined, NotSent],
        Accepted => &[Succeeded, Declined, Expired, Cancelled],
        Abandoned | Declined | Expired | Cancelled | NotSent => &[Succeeded],
        Succeeded => &[Returned, Reversed],
        Returned | Reversed => &[],
    }
}

/// One step.
///
/// # Errors
/// [`IllegalTransition`] when there is no such step; staying is no step either.
pub fn next(from: AttemptStatus, to: AttemptStatus) -> Result<AttemptStatus, IllegalTransition> {
    if targets(from).contains(&to) { Ok(to) } else { Err(refuse(from, to)) }
}

/// The steps that lead to what the news says, through what it implies.
///
/// News can skip a state: a payout is reported as returned and the success before it was never
/// heard of, or a session is reported as expired whose creation is still unknown. Whoever tells of
/// the return vouches for the success, and the ledger needs both entries, so all steps are taken
/// in the same commit. A direct step is always preferred.
///
/// # Errors
/// [`IllegalTransition`] when the news contradicts the state.
pub fn steps(
    from: AttemptStatus,
    to: AttemptStatus,
) -> Result<&'static [AttemptStatus], IllegalTransition> {
    let implied: &'static [AttemptStatus] = match to {
        Prepared => &[Prepared],
        InFlight => &[InFlight],
        NotSent => &[NotSent],
        Declined => &[Declined],
        Unknown => &[Unknown],
        Abandoned => &[Abandoned],
        Accepted => &[Accepted],
        Succeeded => &[Succeeded],
        // Only what the PSP had taken can expire, or be cancelled, at the PSP.
        Expired => match from {
            InFlight | Unknown => &[Accepted, Expired],
            Prepared | NotSent | Declined | Abandoned | Accepted | Succeeded | Expired
            | Cancelled | Returned | Reversed => &[Expired],
        },
        Cancelled => match from {
            InFlight | Unknown => &[Accepted, Cancelled],
            Prepared | NotSent | Declined | Abandoned | Accepted | Succeeded | Expired
            | Cancelled | Returned | Reversed => &[Cancelled],
        },
        // Only what had succeeded can come back.
        Returned if matches!(from, Succeeded) => &[Returned],
        Returned => &[Succeeded, Returned],
        Reversed if matches!(from, Succeeded) => &[Reversed],
        Reversed => &[Succeeded, Reversed],
    };
    let mut at = from;
    for step in implied {
        at = next(at, *step).map_err(|_| refuse(from, to))?;
    }
    Ok(implied)
}

/// Whether a step is the late, proven success of an attempt that counted as over.
pub fn is_late_success(from: AttemptStatus, to: AttemptStatus) -> bool {
    to == Succeeded && LATE_SUCCESS.contains(&from)
}

/// Whether nothing is expected any more. Late news may still come, and is then applied.
pub const fn is_final(status: AttemptStatus) -> bool {
    !status.is_live()
}

const fn refuse(from: AttemptStatus, to: AttemptStatus) -> IllegalTransition {
    IllegalTransition { machine: MACHINE, from: from.as_str(), to: to.as_str() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(from: AttemptStatus, to: AttemptStatus, expected: Option<&[AttemptStatus]>) {
        assert_eq!(steps(from, to).ok(), expected, "{from} to {to}");
    }

    #[test]
    fn news_that_skips_a_state_takes_the_implied_one_too() {
        check(Unknown, Expired, Some(&[Accepted, Expired]));
        check(InFlight, Cancelled, Some(&[Accepted, Cancelled]));
        check(Prepared, Cancelled, Some(&[Cancelled]));
        check(Accepted, Returned, Some(&[Succeeded, Returned]));
        check(Declined, Reversed, Some(&[Succeeded, Reversed]));
        check(Succeeded, Returned, Some(&[Returned]));
    }

    #[test]
    fn news_that_contradicts_the_state_is_refused() {
        check(Prepared, Returned, None);
        check(Prepared, Succeeded, None);
        check(Succeeded, Declined, None);
        check(Returned, Reversed, None);
        check(Abandoned, Accepted, None);
        check(Abandoned, Expired, None);
        check(Accepted, NotSent, None);
        check(Accepted, Accepted, None);
    }

    #[test]
    fn an_error_names_both_ends_of_the_news() {
        let refused = steps(Returned, Reversed).map_err(|error| error.to_string());
        assert_eq!(refused, Err("no attempt goes from returned to reversed".to_owned()));
    }
}
