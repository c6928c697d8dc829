//! A withdrawal, from the hold to the payout. Money leaves only through this machine, returns of
//! deposits included.
//!
//! The hold is taken when the withdrawal is recorded and ends exactly once: captured when it is
//! paid, released when it is not. `failed` has released it, and yet a payout that is proven late
//! becomes `paid`, because the money has left all the same.

use super::transition::{IllegalTransition, NEW};
use crate::domain::{Origin, WithdrawalStatus};
use WithdrawalStatus::{
    Approved, Blocked, Cancelled, Failed, InReview, Paid, PaidInPart, Processing, Rejected,
    Returned, Screening,
};

const MACHINE: &str = "withdrawal";

/// Where a new withdrawal may begin. Nobody withdraws without asking, so none is unsolicited.
///
/// # Errors
/// [`IllegalTransition`] from `"new"`.
pub fn start(to: WithdrawalStatus, origin: Origin) -> Result<WithdrawalStatus, IllegalTransition> {
    let targets: &[WithdrawalStatus] = match origin {
        Origin::Request | Origin::Return => &[Screening, InReview, Approved, Blocked],
        Origin::Unsolicited => &[],
    };
    if targets.contains(&to) { Ok(to) } else { Err(refuse(NEW, to)) }
}

/// Where a withdrawal may go from each status.
pub const fn targets(from: WithdrawalStatus) -> &'static [WithdrawalStatus] {
    match from {
        Screening => &[InReview, Approved, Blocked, Cancelled],
        InReview => &[Approved, Rejected, Cancelled],
        Approved => &[Processing, InReview, Rejected, Cancelled, Blocked],
        // To review only with no attempt live: a person must decide what comes next.
        Processing => &[Paid, PaidInPart, Failed, InReview],
        Failed => &[Paid],
        Paid | PaidInPart => &[Returned],
        Rejected | Cancelled | Blocked | Returned => &[],
    }
}

/// One step.
///
/// # Errors
/// [`IllegalTransition`] when there is no such step; staying is no step either.
pub fn next(
    from: WithdrawalStatus,
    to: WithdrawalStatus,
) -> Result<WithdrawalStatus, IllegalTransition> {
    if targets(from).contains(&to) { Ok(to) } else { Err(refuse(from.as_str(), to)) }
}

/// Whether nothing is due any more. A late payout or a bounce may follow.
pub const fn is_final(status: WithdrawalStatus) -> bool {
    match status {
        Screening | InReview | Approved | Processing => false,
        Paid | PaidInPart | Failed | Rejected | Cancelled | Blocked | Returned => true,
    }
}

/// Whether arriving here releases everything that is still held. `paid_in_part` is not among
/// them: there each part settles its own hold.
pub const fn releases_hold(to: WithdrawalStatus) -> bool {
    match to {
        Failed | Rejected | Cancelled | Blocked => true,
        Screening | InReview | Approved | Processing | Paid | PaidInPart | Returned => false,
    }
}

/// Whether it may be called off, before any payout was asked for. A compliance hold and the
/// market's rule for players forbid it besides; they are not this machine's to know.
pub const fn cancellable(status: WithdrawalStatus) -> bool {
    match status {
        Screening | InReview | Approved => true,
        Processing | Paid | PaidInPart | Failed | Rejected | Cancelled | Blocked | Returned => {
            false
        }
    }
}

const fn refuse(from: &'static str, to: WithdrawalStatus) -> IllegalTransition {
    IllegalTransition { machine: MACHINE, from, to: to.as_str() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_may_be_cancelled_has_that_step() {
        for from in WithdrawalStatus::ALL {
            assert_eq!(
                cancellable(*from),
                next(*from, Cancelled).is_ok(),
                "{from} says one thing and does another"
            );
        }
    }

    #[test]
    fn what_released_the_hold_is_over() {
        for status in WithdrawalStatus::ALL {
            assert!(!releases_hold(*status) || is_final(*status), "{status}");
        }
    }

    #[test]
    fn a_return_begins_like_any_withdrawal_and_nothing_leaves_unasked() {
        assert!(start(InReview, Origin::Return).is_ok());
        for to in WithdrawalStatus::ALL {
            assert!(start(*to, Origin::Unsolicited).is_err(), "{to}");
        }
    }
}
