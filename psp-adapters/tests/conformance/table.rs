//! The table: every act against every answer.

use crate::fixture::{Act, Case, Fixture, perform};
use crate::fixtures;
use crate::support::{drive, now, response};
use psp_contract::{
    Currency, Money, NextAction, NotSent, Outcome, Status, TransportFailure, Unknown,
};

/// What every act of a fixture asks for, but for the UK account's.
const ASKED: Money = Money::new(1050, Currency::EUR);

/// What must come out, as a word.
fn expected(act: Act, case: Case) -> &'static str {
    match (act, case) {
        (_, Case::ServerError) => "unknown server_error",
        (_, Case::Throttled) => "unknown throttled",
        (Act::Cancel, Case::Accepted) => "cancelled",
        (Act::Cancel, _) => "*",
        (_, Case::Html | Case::Empty | Case::CutShort | Case::Forged) => "unknown unreadable",
        // What arrived is told as it arrived; what was paid out otherwise than asked is no answer.
        (Act::AskDeposit, Case::OtherAmount) => "succeeded with other money",
        (_, Case::OtherAmount) => "unknown mismatch",
        (_, Case::Unlisted) => "unknown unlisted_code",
        (Act::Deposit, Case::Accepted) => "accepted with redirect",
        (_, Case::Accepted) => "accepted",
        (_, Case::Refused | Case::Duplicate) if act.asks() => "unknown *",
        (_, Case::Refused) => "declined",
        (_, Case::Duplicate) => "unknown duplicate_reference",
        (_, Case::NotFound) => "not found",
        (_, Case::Pending) => "pending",
        (_, Case::Succeeded) => "succeeded",
        (_, Case::Failed) => "declined",
        (_, Case::CameBack) => "returned",
    }
}

fn word(outcome: &Outcome) -> String {
    match outcome {
        Outcome::NotSent(why) => format!("not sent {}", why.code()),
        Outcome::Unknown(why) => format!("unknown {}", why.code()),
        Outcome::NotFound => "not found".to_owned(),
        Outcome::Reported(report) => match &report.status {
            Status::Accepted { next_action: Some(NextAction::Redirect { .. }), .. } => {
                "accepted with redirect".to_owned()
            }
            Status::Accepted { .. } => "accepted".to_owned(),
            Status::Pending => "pending".to_owned(),
            Status::Succeeded { money } if *money == ASKED => "succeeded".to_owned(),
            Status::Succeeded { .. } => "succeeded with other money".to_owned(),
            Status::Declined(_) => "declined".to_owned(),
            Status::Cancelled => "cancelled".to_owned(),
            Status::Returned { .. } => "returned".to_owned(),
            other => format!("{other:?}"),
        },
    }
}

#[test]
fn every_answer_means_what_the_table_says() {
    for fixture in fixtures() {
        let mut cases = 0;
        for act in Act::ALL {
            for case in Case::ALL {
                let Some(driven) = perform(fixture.as_ref(), act, case) else {
                    continue;
                };
                cases += 1;
                let (told, expected) = (word(&driven.outcome), expected(act, case));
                let fits = match expected.strip_suffix('*') {
                    Some(prefix) => told.starts_with(prefix),
                    None => told == expected,
                };
                let name = fixture.psp().adapter_name();
                assert!(fits, "{name} {act:?} {case:?}: {told} instead of {expected}");
            }
        }
        assert!(60 < cases, "{} has only {cases} cases", fixture.psp().adapter_name());
    }
}

/// Loses the answer of the request number `lost`.
fn lose(
    fixture: &dyn Fixture,
    act: Act,
    lost: usize,
    failure: TransportFailure,
) -> Option<(Outcome, bool)> {
    let operation = fixture.operation(act)?;
    let mut number = 0;
    let driven = drive(fixture.psp().adapter(), &operation, now(), None, |step, request| {
        number += 1;
        if number == lost + 1 {
            return Err(failure);
        }
        Ok(fixture.answer(act, Case::Accepted, step, request).unwrap_or_else(|| response(500, "")))
    });
    let (_, request) = driven.requests.get(lost)?;
    Some((driven.outcome, request.moves_money))
}

#[test]
fn a_lost_answer_is_unknown_exactly_when_money_could_have_moved() {
    let gone = TransportFailure::Unknown(Unknown::ConnectionLost);
    let refused = TransportFailure::NotSent(NotSent::ConnectRefused);
    for fixture in fixtures() {
        for act in Act::ALL {
            for lost in 0..3 {
                let Some((outcome, moved)) = lose(fixture.as_ref(), act, lost, gone) else {
                    continue;
                };
                let question = !act.moves_money();
                match outcome {
                    Outcome::Unknown(Unknown::ConnectionLost) => assert!(moved || question),
                    Outcome::NotSent(NotSent::PreparationFailed) => assert!(!moved),
                    other => panic!("{act:?}, answer {lost} lost: {other:?}"),
                }
                let (outcome, _) = lose(fixture.as_ref(), act, lost, refused).unwrap();
                assert_eq!(outcome, Outcome::NotSent(NotSent::ConnectRefused), "{act:?} {lost}");
            }
        }
    }
}

#[test]
fn money_is_asked_for_once_and_last_and_with_the_same_bytes() {
    for fixture in fixtures() {
        for act in Act::ALL {
            let Some(first) = perform(fixture.as_ref(), act, Case::Accepted)
                .or_else(|| perform(fixture.as_ref(), act, Case::Pending))
            else {
                continue;
            };
            let moving: Vec<_> = first.requests.iter().map(|(_, it)| it.moves_money).collect();
            let expected = act.moves_money();
            assert_eq!(moving.last(), Some(&expected), "{act:?}");
            assert!(!moving[..moving.len() - 1].contains(&true), "{act:?}");
            // Hours later, as a replay.
            let operation = fixture.operation(act).unwrap();
            let later = now() + time::Duration::hours(4);
            let again = drive(fixture.psp().adapter(), &operation, later, None, |step, request| {
                Ok(fixture
                    .answer(act, Case::Accepted, step, request)
                    .unwrap_or_else(|| response(500, "")))
            });
            for ((step, one), (_, other)) in first.requests.iter().zip(&again.requests) {
                assert!(!act.moves_money() || one.body == other.body, "{act:?} {step}");
                assert_eq!(one.url, other.url);
            }
        }
    }
}

#[test]
fn what_a_psp_cannot_do_is_not_sent() {
    let crypto = crate::support::payout(
        crate::support::attempt(9),
        crate::support::eur(100),
        psp_contract::Destination {
            token: None,
            portable: Some(psp_contract::Portable::PixKey { key: "x".to_owned() }),
        },
    );
    let yen = psp_contract::Money::new(100, psp_contract::Currency::JPY);
    let yen = crate::support::deposit(crate::support::attempt(9), yen);
    for fixture in fixtures() {
        for operation in [&crypto, &yen] {
            let driven = drive(fixture.psp().adapter(), operation, now(), None, |_, _| {
                panic!("nothing may be sent")
            });
            assert_eq!(driven.outcome, Outcome::NotSent(NotSent::NotExpressible));
        }
    }
}

#[test]
fn a_capability_is_there_exactly_when_its_operation_is() {
    for fixture in fixtures() {
        let capabilities = fixture.psp().capabilities();
        let has = |act| fixture.operation(act).is_some();
        assert_eq!(capabilities.deposit.is_some(), has(Act::Deposit));
        assert_eq!(capabilities.payout.is_some(), has(Act::PayoutByToken));
        assert_eq!(capabilities.return_deposit, has(Act::Return));
        assert_eq!(capabilities.deposit_inquiry.any(), has(Act::AskDeposit));
        assert_eq!(capabilities.payout_inquiry.by_psp_reference, has(Act::AskPayout));
        assert_eq!(capabilities.payout_inquiry.by_ledger, has(Act::AskLedger));
        let cancel = capabilities.deposit.as_ref().is_some_and(|deposit| deposit.can_cancel);
        assert_eq!(cancel, has(Act::Cancel));
    }
}

#[test]
fn nothing_secret_or_personal_is_printed() {
    for fixture in fixtures() {
        let driven = perform(fixture.as_ref(), Act::PayoutToIban, Case::Accepted).unwrap();
        let printed = format!("{:?} {:?}", fixture.psp(), driven.requests);
        for word in ["Mustermann", "erika", "DE893704", "correct horse", "Bearer", "client secret"]
        {
            assert!(!printed.contains(word), "{word} in {printed}");
        }
    }
}

#[test]
fn money_that_arrived_is_told_as_it_arrived() {
    for fixture in fixtures() {
        let Some(driven) = perform(fixture.as_ref(), Act::AskDeposit, Case::OtherAmount) else {
            continue;
        };
        let Outcome::Reported(report) = driven.outcome else { panic!("{:?}", driven.outcome) };
        let other = Money::new(1051, Currency::EUR);
        assert_eq!(report.status, Status::Succeeded { money: other });
    }
}
