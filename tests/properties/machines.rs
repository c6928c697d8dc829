//! The machines against the contract's own list, and against random walks.

use interlock::domain::{
    AttemptStatus, DepositStatus, Money, Origin, PartStatus, WithdrawalStatus,
};
use interlock::payments::failover::{Facts, Verdict, verdict};
use interlock::payments::{
    IllegalTransition, attempt_machine, deposit_machine, part_machine, withdrawal_machine,
};
use proptest::prelude::*;
use psp_contract::{
    Capabilities, Charset, Currency, Decline, DeclineClass, DepositCapability,
    IdempotencyCapability, InquiryCapability, KeyReplay, NotSent, Outcome, ReferenceRule, Report,
    Status, Subject, Unknown, WebhookAuthenticity, WebhookCapability, WebhookProof,
};
use std::collections::BTreeSet;
use std::fmt::Debug;
use std::str::FromStr;
use std::time::Duration;

/// The contract's list, copied by hand. `+` marks a step that exists only with the money already
/// in, `-` one that exists only without it.
const DEPOSIT: &str = "
    new → screening, in_review, processing, blocked
    screening → in_review, processing, blocked, cancelled, expired
    in_review → -processing, -blocked, -cancelled, -expired, +succeeded, +returned
    processing → action_required, succeeded, +in_review, failed, cancelled, expired
    action_required → processing, succeeded, +in_review, failed, cancelled, expired
    failed → succeeded, +in_review
    cancelled → succeeded, +in_review
    expired → succeeded, +in_review
    succeeded → returned, reversed
    reversed → succeeded
";

const UNSOLICITED_DEPOSIT: &str = "new → in_review, succeeded";

const WITHDRAWAL: &str = "
    new → screening, in_review, approved, blocked
    screening → in_review, approved, blocked, cancelled
    in_review → approved, rejected, cancelled
    approved → processing, in_review, rejected, cancelled, blocked
    processing → paid, paid_in_part, failed, in_review
    failed → paid
    paid → returned
    paid_in_part → returned
";

const PART: &str = "
    held → processing, released
    processing → paid, held, released
    released → paid
    paid → returned
    returned → paid
";

const ATTEMPT: &str = "
    prepared → in_flight, cancelled
    in_flight → accepted, succeeded, declined, not_sent, unknown, abandoned
    unknown → accepted, succeeded, declined, not_sent
    accepted → succeeded, declined, expired, cancelled
    abandoned → succeeded
    declined → succeeded
    expired → succeeded
    cancelled → succeeded
    not_sent → succeeded
    succeeded → returned, reversed
";

/// The steps of a list as pairs of words, those of the given sign left out.
fn steps(list: &'static str, leave_out: char) -> BTreeSet<(&'static str, &'static str)> {
    let mut found = BTreeSet::new();
    for line in list.lines().filter(|line| !line.trim().is_empty()) {
        let (from, targets) = line.trim().split_once(" → ").expect("a line has an arrow");
        for to in targets.split(", ") {
            if !to.starts_with(leave_out) {
                found.insert((from, to.trim_start_matches(['+', '-'])));
            }
        }
    }
    found
}

/// Every pair of words is possible exactly when the list says so.
#[track_caller]
fn check<S: FromStr + Copy + Debug + 'static>(
    all: &[S],
    listed: &BTreeSet<(&'static str, &'static str)>,
    word: impl Fn(S) -> &'static str,
    start: impl Fn(S) -> Result<S, IllegalTransition>,
    next: impl Fn(S, S) -> Result<S, IllegalTransition>,
) {
    for (from, to) in listed {
        assert!(to.parse::<S>().is_ok(), "{to} is no word of this machine");
        let known = *from == "new" || from.parse::<S>().is_ok();
        assert!(known, "{from} is no word of this machine");
    }
    for to in all {
        let expected = listed.contains(&("new", word(*to)));
        assert_eq!(start(*to).is_ok(), expected, "new to {}", word(*to));
        for from in all {
            let expected = listed.contains(&(word(*from), word(*to)));
            let (from_word, to_word) = (word(*from), word(*to));
            let found = next(*from, *to).is_ok();
            assert_eq!(found, expected, "{from_word} to {to_word}");
        }
    }
}

#[test]
fn a_deposit_takes_the_steps_of_the_contract_and_no_other() {
    for (money_is_in, leave_out) in [(false, '+'), (true, '-')] {
        check(
            DepositStatus::ALL,
            &steps(DEPOSIT, leave_out),
            DepositStatus::as_str,
            |to| deposit_machine::start(to, Origin::Request),
            |from, to| deposit_machine::next(from, to, money_is_in),
        );
    }
    let unsolicited = steps(UNSOLICITED_DEPOSIT, '+');
    for to in DepositStatus::ALL {
        let expected = unsolicited.contains(&("new", to.as_str()));
        let found = deposit_machine::start(*to, Origin::Unsolicited).is_ok();
        assert_eq!(found, expected, "new to {to}");
    }
}

#[test]
fn a_withdrawal_takes_the_steps_of_the_contract_and_no_other() {
    for origin in [Origin::Request, Origin::Return] {
        check(
            WithdrawalStatus::ALL,
            &steps(WITHDRAWAL, '+'),
            WithdrawalStatus::as_str,
            |to| withdrawal_machine::start(to, origin),
            withdrawal_machine::next,
        );
    }
}

/// Parts and attempts begin in the state that the flow records; they have no "new". (Steps of parts are our own.)
fn begins_elsewhere<S>(_: S) -> Result<S, IllegalTransition> {
    Err(IllegalTransition { machine: "none", from: "new", to: "none" })
}

#[test]
fn a_part_takes_its_steps_and_no_other() {
    check(
        PartStatus::ALL,
        &steps(PART, '+'),
        PartStatus::as_str,
        begins_elsewhere,
        part_machine::next,
    );
}

#[test]
fn an_attempt_takes_the_steps_of_the_contract_and_no_other() {
    check(
        AttemptStatus::ALL,
        &steps(ATTEMPT, '+'),
        AttemptStatus::as_str,
        begins_elsewhere,
        attempt_machine::next,
    );
}

fn capabilities(needs_our_answer: bool) -> Capabilities {
    Capabilities {
        deposit: Some(DepositCapability {
            needs_our_answer,
            needs_completion: true,
            payer_brings: None,
            can_cancel: false,
            any_amount: false,
            wins_like_success: false,
            session_life: Duration::from_secs(1800),
        }),
        payout: None,
        return_deposit: false,
        unsolicited_deposits: false,
        deposit_inquiry: InquiryCapability::NONE,
        payout_inquiry: InquiryCapability::NONE,
        return_inquiry: InquiryCapability::NONE,
        idempotency: IdempotencyCapability {
            reference: ReferenceRule { len_min: 1, len_max: 64, charset: Charset::Alphanumeric },
            replay: KeyReplay::DuplicateError,
            key_life: Duration::ZERO,
            margin: Duration::ZERO,
        },
        webhook: WebhookCapability {
            authenticity: WebhookAuthenticity::Unsigned,
            proof: WebhookProof::Hint,
            ..WebhookCapability::SIGNED
        },
    }
}

fn outcomes() -> impl Strategy<Value = Outcome> {
    let money = any::<i64>().prop_map(|minor| Money::new(minor, Currency::EUR));
    let decline = (any::<bool>(), any::<bool>()).prop_map(|(retry_elsewhere, irreversible)| {
        Status::Declined(Decline {
            class: DeclineClass::PspFault,
            code: "code".to_owned(),
            retry_elsewhere,
            irreversible,
        })
    });
    let status = prop_oneof![
        Just(Status::Accepted { next_action: None, expires_at: None }),
        Just(Status::Pending),
        Just(Status::AwaitsCompletion),
        Just(Status::Expired),
        Just(Status::Cancelled),
        decline,
        money.clone().prop_map(|money| Status::Succeeded { money }),
        money.clone().prop_map(|money| Status::Won { money }),
        money.clone().prop_map(|money| Status::Returned { money }),
        money.prop_map(|money| Status::Reversed { money }),
    ];
    let report = status.prop_map(|status| Outcome::Reported(Report::new(None, status)));
    let not_sent = prop::sample::select(vec![
        NotSent::Dns,
        NotSent::RefusedStream,
        NotSent::PreparationFailed,
    ]);
    prop_oneof![
        3 => report,
        1 => not_sent.prop_map(Outcome::NotSent),
        3 => unknowns().prop_map(Outcome::Unknown),
        1 => Just(Outcome::NotFound),
    ]
}

fn unknowns() -> impl Strategy<Value = Unknown> {
    prop::sample::select(vec![
        Unknown::ReadTimeout,
        Unknown::ConnectionLost,
        Unknown::ServerError,
        Unknown::Throttled,
        Unknown::Unreadable,
        Unknown::Mismatch,
        Unknown::PspUndecided,
        Unknown::DuplicateReference,
        Unknown::UnlistedCode,
        Unknown::LeaseExpired,
    ])
}

fn judge(outcome: &Outcome, subject: Subject, told: bool, flags: (bool, bool, bool)) -> Verdict {
    judge_answer(outcome, subject, told, flags, false)
}

fn judge_answer(
    outcome: &Outcome,
    subject: Subject,
    told: bool,
    (was_accepted, needs_our_answer, from_inquiry): (bool, bool, bool),
    from_replay: bool,
) -> Verdict {
    let capabilities = capabilities(needs_our_answer);
    let facts = Facts {
        subject,
        asked: Money::new(100, Currency::EUR),
        action_told: told,
        was_accepted,
        capabilities: Some(&capabilities),
        from_inquiry,
        from_replay,
    };
    verdict(outcome, &facts)
}

proptest! {
    #[test]
    fn a_payout_of_unknown_outcome_never_moves_on(
        unknown in unknowns(),
        told in any::<bool>(),
        flags in any::<(bool, bool, bool)>(),
        subject in prop::sample::select(vec![Subject::Payout, Subject::Return]),
    ) {
        let found = judge(&Outcome::Unknown(unknown), subject, told, flags);
        prop_assert!(!found.moves_on(), "{found:?}");
    }

    /// None of these outcomes names the PSP's own payment, so none is an answer about the first sending.
    #[test]
    fn a_payout_never_moves_on_because_its_replay_was_refused(
        outcome in outcomes(),
        subject in prop::sample::select(vec![Subject::Payout, Subject::Return]),
        was_accepted in any::<bool>(),
    ) {
        let flags = (was_accepted, false, true);
        let found = judge_answer(&outcome, subject, false, flags, true);
        prop_assert!(!found.moves_on(), "{found:?}");
    }

    #[test]
    fn a_deposit_never_moves_on_after_an_action_was_told(
        outcome in outcomes(),
        flags in any::<(bool, bool, bool)>(),
    ) {
        let found = judge(&outcome, Subject::Deposit, true, flags);
        prop_assert!(!found.moves_on(), "{found:?}");
    }

    #[test]
    fn a_message_that_was_lost_on_the_way_to_an_inquiry_changes_nothing(
        outcome in outcomes(),
        subject in prop::sample::select(vec![Subject::Deposit, Subject::Payout, Subject::Return]),
        was_accepted in any::<bool>(),
        needs_our_answer in any::<bool>(),
    ) {
        let flags = (was_accepted, needs_our_answer, true);
        let found = judge(&outcome, subject, false, flags);
        if !matches!(outcome, Outcome::Reported(_)) {
            prop_assert_eq!(found, Verdict::Nothing);
        }
    }

    /// Any news in any order: an attempt leaves its live states once, and what is over revives only
    /// as a late success; every step that the news implies is one of the machine's own.
    #[test]
    fn no_final_attempt_revives_except_by_a_late_success(
        news in prop::collection::vec((outcomes(), any::<bool>()), 1..40),
        subject in prop::sample::select(vec![Subject::Deposit, Subject::Payout]),
        needs_our_answer in any::<bool>(),
    ) {
        let mut at = AttemptStatus::InFlight;
        let (mut accepted, mut successes) = (false, 0);
        for (outcome, from_inquiry) in news {
            let flags = (accepted, needs_our_answer, from_inquiry);
            let Some(wanted) = judge(&outcome, subject, false, flags).status() else {
                continue;
            };
            let Ok(taken) = attempt_machine::steps(at, wanted) else {
                continue;
            };
            for to in taken {
                prop_assert_eq!(attempt_machine::next(at, *to), Ok(*to));
                if attempt_machine::is_final(at) && at != AttemptStatus::Succeeded {
                    prop_assert!(attempt_machine::is_late_success(at, *to), "{} to {}", at, to);
                }
                successes += u32::from(*to == AttemptStatus::Succeeded);
                accepted |= *to == AttemptStatus::Accepted;
                at = *to;
            }
        }
        prop_assert!(successes <= 1, "one attempt succeeded {} times", successes);
    }

    /// Random wishes, most of them nonsense: a deposit that is over comes back by a late success or
    /// a dispute won, and by nothing else.
    #[test]
    fn no_final_deposit_revives_except_by_the_named_steps(
        wishes in prop::collection::vec(
            (prop::sample::select(DepositStatus::ALL.to_vec()), any::<bool>()), 1..60),
    ) {
        use DepositStatus::{Cancelled, Expired, Failed, InReview, Returned, Reversed, Succeeded};
        let mut at = DepositStatus::Processing;
        for (to, money_is_in) in wishes {
            if deposit_machine::next(at, to, money_is_in).is_err() {
                continue;
            }
            if deposit_machine::is_final(at) {
                let named = matches!(
                    (at, to),
                    (Failed | Expired | Cancelled, Succeeded | InReview)
                        | (Succeeded, Returned | Reversed)
                        | (Reversed, Succeeded)
                );
                prop_assert!(named, "{} revived as {}", at, to);
            }
            at = to;
        }
    }

    #[test]
    fn no_final_withdrawal_revives_except_by_the_named_steps(
        wishes in prop::collection::vec(
            prop::sample::select(WithdrawalStatus::ALL.to_vec()), 1..60),
    ) {
        use WithdrawalStatus::{Failed, Paid, PaidInPart, Returned};
        let mut at = WithdrawalStatus::Approved;
        let mut payouts = 0;
        for to in wishes {
            if withdrawal_machine::next(at, to).is_err() {
                continue;
            }
            if withdrawal_machine::is_final(at) {
                let named = matches!((at, to), (Failed, Paid) | (Paid | PaidInPart, Returned));
                prop_assert!(named, "{} revived as {}", at, to);
            }
            payouts += u32::from(matches!(to, Paid | PaidInPart));
            at = to;
        }
        prop_assert!(payouts <= 1, "paid {} times", payouts);
    }
}
