//! Whose doing an outcome is: what counts against a PSP, what speaks for it, and what says nothing of it.
//!
//! Two questions are asked of the same outcome. [`is_psp_fault`] is the technical layer's: did the PSP
//! work? A wrong code, an empty account or a fraud refusal prove that it does. [`is_approved`] is the
//! approval layer's: did the payment come to its end here as the player wanted?

use psp_contract::{DeclineClass, NotSent, Outcome, Status, Unknown};

/// Whether an outcome is the PSP's fault (true), proves that it is well (false), or says nothing.
pub const fn is_psp_fault(outcome: &Outcome) -> Option<bool> {
    match outcome {
        Outcome::Reported(report) => match &report.status {
            Status::Declined(decline) => decline_is_fault(decline.class),
            Status::Accepted { .. }
            | Status::Pending
            | Status::AwaitsCompletion
            | Status::Succeeded { .. }
            | Status::Won { .. }
            | Status::Expired
            | Status::Cancelled
            | Status::Returned { .. }
            | Status::Reversed { .. } => Some(false),
        },
        Outcome::NotSent(why) => match why {
            NotSent::Dns
            | NotSent::ConnectRefused
            | NotSent::ConnectTimeout
            | NotSent::Tls
            | NotSent::PreparationFailed
            | NotSent::RefusedStream => Some(true),
            NotSent::BreakerOpen
            | NotSent::SwitchedOff
            | NotSent::NotServed
            | NotSent::DeadlineBeforeSend
            | NotSent::NotExpressible
            | NotSent::FoundUnpaid => None,
        },
        Outcome::Unknown(why) => match why {
            Unknown::ReadTimeout
            | Unknown::ConnectionLost
            | Unknown::ServerError
            | Unknown::Throttled
            | Unknown::Unreadable
            | Unknown::Mismatch => Some(true),
            Unknown::PspUndecided
            | Unknown::DuplicateReference
            | Unknown::UnlistedCode
            | Unknown::LeaseExpired => None,
        },
        // It looked and answered.
        Outcome::NotFound => Some(false),
    }
}

/// The same of a question about an attempt that the PSP has had: did it answer? How that attempt ended, it may
/// have told for months, in good days and in bad ones. None: about this attempt it has nothing of use to say.
pub const fn answers_badly(outcome: &Outcome) -> Option<bool> {
    match outcome {
        Outcome::Reported(_) | Outcome::NotFound => Some(false),
        // Not of the attempt that was asked about.
        Outcome::Unknown(Unknown::Mismatch) => None,
        Outcome::NotSent(_) | Outcome::Unknown(_) => is_psp_fault(outcome),
    }
}

const fn decline_is_fault(class: DeclineClass) -> Option<bool> {
    match class {
        DeclineClass::PspFault => Some(true),
        // The PSP answered about the payer, and answered well.
        DeclineClass::PlayerFixable
        | DeclineClass::AccountInvalid
        | DeclineClass::Limit
        | DeclineClass::Compliance => Some(false),
        // Ours to mend: no fault of the PSP, and no sign that payments get through.
        DeclineClass::MerchantFunds | DeclineClass::Configuration | DeclineClass::Unsupported => {
            None
        }
    }
}

/// Whether a payment was approved (true) or refused (false) by the PSP, the payer or the payer's bank. None:
/// it has not come to its end, or the end says nothing of the PSP. A payer who never came back is none: most
/// of them never meant to.
pub const fn is_approved(outcome: &Outcome) -> Option<bool> {
    match outcome {
        Outcome::Reported(report) => match &report.status {
            Status::Succeeded { .. } => Some(true),
            Status::Declined(decline) => match decline_is_fault(decline.class) {
                Some(false) => Some(false),
                // Counted as a fault already, or ours to mend.
                Some(true) | None => None,
            },
            Status::Accepted { .. }
            | Status::Pending
            | Status::AwaitsCompletion
            | Status::Expired
            | Status::Cancelled
            | Status::Won { .. }
            | Status::Returned { .. }
            | Status::Reversed { .. } => None,
        },
        Outcome::NotSent(_) | Outcome::Unknown(_) | Outcome::NotFound => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use psp_contract::{Decline, Report};

    fn declined(class: DeclineClass) -> Outcome {
        Outcome::Reported(Report {
            psp_reference: None,
            status: Status::Declined(Decline {
                class,
                code: "code".to_owned(),
                retry_elsewhere: true,
                irreversible: true,
            }),
            payer: None,
            attempt: None,
        })
    }

    #[test]
    fn only_what_the_psp_did_wrong_is_its_fault() {
        use DeclineClass::{
            AccountInvalid, Compliance, Configuration, Limit, MerchantFunds, PlayerFixable,
            PspFault, Unsupported,
        };
        let check = |outcome: Outcome, expected| {
            assert_eq!(is_psp_fault(&outcome), expected, "{outcome:?}");
        };
        check(declined(PspFault), Some(true));
        for class in [PlayerFixable, AccountInvalid, Limit, Compliance] {
            check(declined(class), Some(false));
        }
        for class in [MerchantFunds, Configuration, Unsupported] {
            check(declined(class), None);
        }
        check(Outcome::NotSent(NotSent::ConnectRefused), Some(true));
        check(Outcome::NotSent(NotSent::BreakerOpen), None);
        check(Outcome::Unknown(Unknown::ReadTimeout), Some(true));
        check(Outcome::Unknown(Unknown::LeaseExpired), None);
        check(Outcome::NotFound, Some(false));
    }

    #[test]
    fn a_question_is_answered_well_whatever_became_of_the_attempt() {
        for class in [DeclineClass::PspFault, DeclineClass::MerchantFunds] {
            assert_eq!(answers_badly(&declined(class)), Some(false), "{class:?}");
        }
        assert_eq!(answers_badly(&Outcome::NotFound), Some(false));
        for lost in [Unknown::ReadTimeout, Unknown::ServerError, Unknown::Throttled] {
            assert_eq!(answers_badly(&Outcome::Unknown(lost)), Some(true), "{lost:?}");
        }
        for useless in [Unknown::UnlistedCode, Unknown::PspUndecided, Unknown::Mismatch] {
            assert_eq!(answers_badly(&Outcome::Unknown(useless)), None, "{useless:?}");
        }
    }

    #[test]
    fn an_end_counts_once_as_an_approval_or_a_refusal_and_a_fault_as_neither() {
        assert_eq!(is_approved(&declined(DeclineClass::PlayerFixable)), Some(false));
        assert_eq!(is_approved(&declined(DeclineClass::PspFault)), None);
        assert_eq!(is_approved(&declined(DeclineClass::Configuration)), None);
        let reported = |status| {
            let report = Report { psp_reference: None, status, payer: None, attempt: None };
            is_approved(&Outcome::Reported(report))
        };
        assert_eq!(reported(Status::Expired), None);
        assert_eq!(reported(Status::Pending), None);
        assert_eq!(is_approved(&Outcome::Unknown(Unknown::ReadTimeout)), None);
    }
}
