//! A deposit, from the request to the credited wallet and, now and then, back.
//!
//! Before the money is in, everything can still end. Once it is in (`money_is_in`), the deposit
//! can only be credited or sent back: review is the one state that can be entered on both sides of
//! that line, so it is told which side it is on.

use super::transition::{IllegalTransition, NEW};
use crate::domain::{DepositStatus, Origin};
use DepositStatus::{
    ActionRequired, Blocked, Cancelled, Expired, Failed, InReview, Processing, Returned, Reversed,
    Screening, Succeeded,
};

const MACHINE: &str = "deposit";

/// Where a new deposit may begin.
///
/// Money that came without being asked for is in already: it is reviewed or credited. A return is
/// a withdrawal, so no deposit has that origin.
///
/// # Errors
/// [`IllegalTransition`] from `"new"`.
pub fn start(to: DepositStatus, origin: Origin) -> Result<DepositStatus, IllegalTransition> {
    let targets: &[DepositStatus] = match origin {
        Origin::Request => &[Screening, InReview, Processing, Blocked],
        Origin::Unsolicited => &[InReview, Succeeded],
        Origin::Return => &[],
    };
    if targets.contains(&to) { Ok(to) } else { Err(refuse(NEW, to)) }
}

/// Where a deposit may go from each status. `money_is_in`: its money has arrived, the news at hand
/// included.
pub const fn targets(from: DepositStatus, money_is_in: bool) -> &'static [DepositStatus] {
    match (from, money_is_in) {
        (Screening, _) => &[InReview, Processing, Blocked, Cancelled, Expired],
        (InReview, false) => &[Processing, Blocked, Cancelled, Expired],
        (InReview, true) => &[Succeeded, Returned],
        (Processing, false) => &[ActionRequired, Succeeded, Failed, Cancelled, Expired],
        (Processing, true) => &[ActionRequired, Succeeded, InReview, Failed, Cancelled, Expired],
        (ActionRequired, false) => &[Processing, Succeeded, Failed, Cancelled, Expired],
        (ActionRequired, true) => &[Processing, Succeeded, InReview, Failed, Cancelled, Expired],
        (Failed | Cancelled | Expired, false) => &[Succeeded],
        (Failed | Cancelled | Expired, true) => &[Succeeded, InReview],
        (Succeeded, _) => &[Returned, Reversed],
        (Reversed, _) => &[Succeeded],
        (Blocked | Returned, _) => &[],
    }
}

/// One step. A step to `succeeded` is itself the proof that the money is in; a step to `in_review`
/// after processing began needs the flag, because before its money is in there is nothing left to
/// review.
///
/// # Errors
/// [`IllegalTransition`] when there is no such step; staying is no step either.
pub fn next(
    from: DepositStatus,
    to: DepositStatus,
    money_is_in: bool,
) -> Result<DepositStatus, IllegalTransition> {
    if targets(from, money_is_in).contains(&to) { Ok(to) } else { Err(refuse(from.as_str(), to)) }
}

/// Whether nothing is due any more. Late success, return, reversal and a dispute won may follow.
pub const fn is_final(status: DepositStatus) -> bool {
    match status {
        Screening | InReview | Processing | ActionRequired => false,
        Succeeded | Blocked | Failed | Expired | Cancelled | Returned | Reversed => true,
    }
}

/// Whether the player or the casino may call it off.
pub const fn cancellable(status: DepositStatus, money_is_in: bool) -> bool {
    match status {
        Screening | InReview | Processing | ActionRequired => !money_is_in,
        Succeeded | Blocked | Failed | Expired | Cancelled | Returned | Reversed => false,
    }
}

const fn refuse(from: &'static str, to: DepositStatus) -> IllegalTransition {
    IllegalTransition { machine: MACHINE, from, to: to.as_str() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn under_review_with_the_money_in_it_is_credited_or_sent_back() {
        for to in DepositStatus::ALL {
            let expected = matches!(to, Succeeded | Returned);
            assert_eq!(next(InReview, *to, true).is_ok(), expected, "{to}");
        }
    }

    #[test]
    fn a_review_without_the_money_never_credits() {
        assert!(next(InReview, Succeeded, false).is_err());
    }

    #[test]
    fn processing_is_interrupted_for_a_review_only_when_the_money_is_in() {
        assert!(next(Processing, InReview, false).is_err());
        assert!(next(Processing, InReview, true).is_ok());
        assert!(next(Failed, InReview, false).is_err());
    }

    #[test]
    fn unsolicited_money_is_credited_or_reviewed_and_no_deposit_is_a_return() {
        assert!(start(Succeeded, Origin::Unsolicited).is_ok());
        assert!(start(Blocked, Origin::Unsolicited).is_err());
        assert!(start(Succeeded, Origin::Request).is_err());
        for to in DepositStatus::ALL {
            assert!(start(*to, Origin::Return).is_err(), "{to}");
        }
    }

    #[test]
    fn with_its_money_in_a_deposit_is_not_cancelled() {
        assert!(cancellable(InReview, false));
        assert!(!cancellable(InReview, true));
        assert!(!cancellable(Succeeded, false));
    }
}
