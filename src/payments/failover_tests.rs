//! One row of the table a test row: O1 to O20, for deposits and for payouts.

use super::*;
use crate::payments::test_data::{capabilities, decline, report};
use psp_contract::{Currency, DeclineClass, NextAction, NotSent, Report, Unknown};

const MOVE_ON: Verdict = Verdict::Declined { move_on: true };
const STOP: Verdict = Verdict::Declined { move_on: false };

/// How far the attempt had come when the outcome arrived.
#[derive(Clone, Copy, PartialEq)]
enum At {
    /// The answer of the first sending, nothing told yet.
    First,
    /// The same, and the payer knows an action of this deposit.
    ActionTold,
    /// The PSP had confirmed it before.
    Accepted,
    /// The answer of an inquiry about an attempt of unknown outcome.
    Inquiry,
    /// The same request again, of unknown outcome the first time.
    Replay,
}

/// The four readers of a row: a deposit whose payer needs our answer, a deposit that moves by
/// itself, a payout, and a return.
const READERS: [(&str, Subject, bool); 4] = [
    ("redirect deposit", Subject::Deposit, true),
    ("push deposit", Subject::Deposit, false),
    ("payout", Subject::Payout, false),
    ("return", Subject::Return, false),
];

struct Row {
    name: &'static str,
    outcome: Outcome,
    at: At,
    /// In the order of [`READERS`].
    expected: [Verdict; 4],
}

fn row(name: &'static str, outcome: Outcome, at: At, expected: [Verdict; 4]) -> Row {
    Row { name, outcome, at, expected }
}

fn moved() -> Money {
    Money::new(10_000, Currency::SEK)
}

fn accepted() -> Outcome {
    let next_action = Some(NextAction::Redirect { url: "https://psp.example/pay".to_owned() });
    report(Status::Accepted { next_action, expires_at: None })
}

fn declined(class: DeclineClass, retry_elsewhere: bool, irreversible: bool) -> Outcome {
    report(Status::Declined(decline(class, retry_elsewhere, irreversible)))
}

fn lost(unknown: Unknown) -> Outcome {
    Outcome::Unknown(unknown)
}

#[track_caller]
fn check(rows: &[Row]) {
    for row in rows {
        for ((reader, subject, needs_our_answer), expected) in READERS.iter().zip(row.expected) {
            let capabilities = capabilities(*needs_our_answer);
            let facts = Facts {
                subject: *subject,
                asked: moved(),
                action_told: row.at == At::ActionTold,
                was_accepted: row.at == At::Accepted,
                capabilities: Some(&capabilities),
                from_inquiry: matches!(row.at, At::Inquiry | At::Replay),
                from_replay: row.at == At::Replay,
            };
            assert_eq!(verdict(&row.outcome, &facts), expected, "{} for a {reader}", row.name);
        }
    }
}

#[test]
fn o1_and_o2_what_was_never_sent_moves_on() {
    let sure = [Verdict::NotSent; 4];
    for why in [
        NotSent::BreakerOpen,
        NotSent::SwitchedOff,
        NotSent::NotServed,
        NotSent::Dns,
        NotSent::ConnectRefused,
        NotSent::ConnectTimeout,
        NotSent::Tls,
        NotSent::DeadlineBeforeSend,
        NotSent::PreparationFailed,
        NotSent::FoundUnpaid,
        NotSent::NotExpressible,
    ] {
        check(&[row("O1", Outcome::NotSent(why), At::First, sure)]);
    }
    let refused = Outcome::NotSent(NotSent::RefusedStream);
    check(&[
        row("O2", refused.clone(), At::First, sure),
        row("O2, of an inquiry", refused.clone(), At::Inquiry, [Verdict::Nothing; 4]),
        row("O2, after it was accepted", refused.clone(), At::Accepted, [Verdict::Nothing; 4]),
        row(
            "O2, after an action was told",
            refused,
            At::ActionTold,
            [Verdict::Nothing, Verdict::Nothing, Verdict::NotSent, Verdict::NotSent],
        ),
    ]);
}

#[test]
fn o3_to_o6_a_refusal_moves_on_only_where_it_may() {
    use DeclineClass::{AccountInvalid, Configuration, PlayerFixable, PspFault};
    let may = [MOVE_ON, MOVE_ON, MOVE_ON, STOP];
    let abandoned_or_unknown =
        [Verdict::Abandoned, Verdict::Unknown, Verdict::Unknown, Verdict::Unknown];
    check(&[
        row("O3, listed as definite", declined(Configuration, true, true), At::First, may),
        row("O3, not listed", lost(Unknown::UnlistedCode), At::First, abandoned_or_unknown),
        row("O4, documented as not processed", declined(PspFault, true, true), At::First, may),
        row("O4, not documented", lost(Unknown::Throttled), At::First, abandoned_or_unknown),
        row("O5", declined(AccountInvalid, false, true), At::First, [STOP; 4]),
        row("O6", declined(PlayerFixable, true, false), At::First, may),
        row(
            "O6, not listed for retry",
            declined(PlayerFixable, false, false),
            At::First,
            [STOP; 4],
        ),
    ]);
}

#[test]
fn o6_a_refusal_after_a_promise_moves_on_only_where_nothing_can_come_of_it() {
    use DeclineClass::{PlayerFixable, PspFault};
    let may = [MOVE_ON, MOVE_ON, MOVE_ON, STOP];
    check(&[
        row(
            "O6, after an action was told",
            declined(PlayerFixable, true, true),
            At::ActionTold,
            [STOP, STOP, MOVE_ON, STOP],
        ),
        row(
            "O6, after it was accepted",
            declined(PlayerFixable, true, false),
            At::Accepted,
            [MOVE_ON, MOVE_ON, STOP, STOP],
        ),
        row(
            "O6, irreversible after it was accepted",
            declined(PspFault, true, true),
            At::Accepted,
            may,
        ),
        row("O6, found by inquiry", declined(PspFault, true, false), At::Inquiry, may),
    ]);
}

/// A PSP checks credentials and limits before it looks up the key: what it turns away at its door may
/// have left the first time. Only an answer about the PSP's own payment is one about that.
#[test]
fn a_replay_that_is_turned_away_says_nothing_of_the_first_sending() {
    let refusal = |psp_reference: Option<&str>| {
        Outcome::Reported(Report {
            psp_reference: psp_reference.map(str::to_owned),
            status: Status::Declined(decline(DeclineClass::Configuration, true, true)),
            payer: None,
            attempt: None,
        })
    };
    // A deposit that moves money by itself (a stored card that is charged) may have moved it, as a payout.
    let nothing = [MOVE_ON, Verdict::Nothing, Verdict::Nothing, Verdict::Nothing];
    let definite = [MOVE_ON, MOVE_ON, MOVE_ON, STOP];
    check(&[
        row("turned away", refusal(None), At::Replay, nothing),
        row("the payment itself was refused", refusal(Some("psp-1")), At::Replay, definite),
        row("turned away the first time", refusal(None), At::First, definite),
    ]);
}

#[test]
fn o7_and_o8_what_the_psp_has_waits() {
    // Nothing has moved until we complete it, whoever tells.
    let awaits = report(Status::AwaitsCompletion);
    check(&[
        row("O7", accepted(), At::First, [Verdict::Accepted; 4]),
        row("O8", report(Status::Pending), At::First, [Verdict::Accepted; 4]),
        row("O8, approved by the payer", awaits.clone(), At::First, [Verdict::Accepted; 4]),
        row("O8, approval found by inquiry", awaits, At::Inquiry, [Verdict::Nothing; 4]),
        row("O8, found by inquiry", accepted(), At::Inquiry, [Verdict::Accepted; 4]),
        row("O8, still under way", report(Status::Pending), At::Inquiry, [Verdict::Nothing; 4]),
        row("O8, its session ended", report(Status::Expired), At::Accepted, [Verdict::Expired; 4]),
        row(
            "O8, it was called off",
            report(Status::Cancelled),
            At::Accepted,
            [Verdict::Cancelled; 4],
        ),
    ]);
}

#[test]
fn o9_to_o14_a_lost_answer_is_unknown_and_abandoned_only_where_nothing_can_move_without_it() {
    let rows = [
        ("O9", Unknown::ReadTimeout),
        ("O9", Unknown::ConnectionLost),
        ("O10", Unknown::ServerError),
        ("O11", Unknown::Unreadable),
        ("O11", Unknown::Mismatch),
        ("O12", Unknown::PspUndecided),
        ("O13", Unknown::DuplicateReference),
        ("O14", Unknown::LeaseExpired),
        // Our commit is in doubt: once it proves to be recorded, the attempt is an orphan.
        ("O16", Unknown::LeaseExpired),
    ];
    for (name, why) in rows {
        let first = [Verdict::Abandoned, Verdict::Unknown, Verdict::Unknown, Verdict::Unknown];
        check(&[
            row(name, lost(why), At::First, first),
            row(name, lost(why), At::ActionTold, [Verdict::Unknown; 4]),
            row(name, lost(why), At::Accepted, [Verdict::Nothing; 4]),
            row(name, lost(why), At::Inquiry, [Verdict::Nothing; 4]),
        ]);
    }
}

#[test]
fn o15_to_o18_what_comes_again_or_late_is_judged_by_what_it_says() {
    let success = report(Status::Succeeded { money: moved() });
    let other_money = report(Status::Succeeded { money: Money::new(1, Currency::EUR) });
    check(&[
        row("O15, the same answer again", accepted(), At::Accepted, [Verdict::Accepted; 4]),
        row("O17", Outcome::NotFound, At::Inquiry, [Verdict::Nothing; 4]),
        row("O17, after it was accepted", Outcome::NotFound, At::Accepted, [Verdict::Nothing; 4]),
        row("O18", success.clone(), At::First, [Verdict::Succeeded; 4]),
        row("O18, found by inquiry", success, At::Inquiry, [Verdict::Succeeded; 4]),
        row("O18, other money", other_money, At::Accepted, [Verdict::Succeeded; 4]),
    ]);
}

#[test]
fn o19_and_o20_what_comes_back_is_told_and_a_regression_changes_nothing() {
    check(&[
        row(
            "O19, returned",
            report(Status::Returned { money: moved() }),
            At::Accepted,
            [Verdict::Returned; 4],
        ),
        row(
            "O19, reversed",
            report(Status::Reversed { money: moved() }),
            At::Accepted,
            [Verdict::Reversed; 4],
        ),
        row(
            "O20, pending after it was accepted",
            report(Status::Pending),
            At::Accepted,
            [Verdict::Nothing; 4],
        ),
        row(
            "O20, an inquiry that finds nothing of what was accepted",
            Outcome::NotFound,
            At::Accepted,
            [Verdict::Nothing; 4],
        ),
    ]);
}

#[test]
fn only_the_very_money_that_was_asked_for_is_as_asked() {
    let capabilities = capabilities(true);
    let facts = Facts {
        subject: Subject::Deposit,
        asked: moved(),
        action_told: true,
        was_accepted: true,
        capabilities: Some(&capabilities),
        from_inquiry: false,
        from_replay: false,
    };
    assert!(facts.is_as_asked(moved()));
    assert!(!facts.is_as_asked(Money::new(9_999, Currency::SEK)));
    assert!(!facts.is_as_asked(Money::new(10_000, Currency::EUR)));
}
