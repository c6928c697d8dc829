//! Answers broken at random: never a panic, never a success that the whole answer did not tell.

use crate::conformance::fixture::{Act, Case, Fixture, Signed, calls};
use crate::conformance::fixtures;
use crate::conformance::table::tells_as_it_is;
use crate::support::{drive, now, response};
use proptest::prelude::*;
use psp_contract::{HttpResponse, Money, Operation, Outcome, Status};

/// One way to break some bytes.
#[derive(Debug, Clone)]
enum Break {
    Flip(prop::sample::Index, u8),
    Cut(prop::sample::Index),
    Drop(prop::sample::Index),
    DropAt(usize),
    Insert(prop::sample::Index, u8),
    Status(u16),
}

fn breaking() -> impl Strategy<Value = Break> {
    prop_oneof![
        (any::<prop::sample::Index>(), 1..=255_u8).prop_map(|(at, bits)| Break::Flip(at, bits)),
        any::<prop::sample::Index>().prop_map(Break::Cut),
        any::<prop::sample::Index>().prop_map(Break::Drop),
        (any::<prop::sample::Index>(), any::<u8>()).prop_map(|(at, byte)| Break::Insert(at, byte)),
        (100..600_u16).prop_map(Break::Status),
    ]
}

fn broken(mut answer: HttpResponse, breaks: &[Break]) -> HttpResponse {
    for one in breaks {
        let body = &mut answer.body;
        match one {
            Break::Status(status) => answer.status = *status,
            Break::Insert(at, byte) => body.insert(at.index(body.len() + 1), *byte),
            _ if body.is_empty() => {}
            Break::Flip(at, bits) => {
                let at = at.index(body.len());
                body[at] ^= bits;
            }
            Break::Cut(at) => body.truncate(at.index(body.len())),
            Break::Drop(at) => {
                body.remove(at.index(body.len()));
            }
            Break::DropAt(at) if *at < body.len() => {
                body.remove(*at);
            }
            Break::DropAt(_) => {}
        }
    }
    answer
}

/// What the operation itself is about; a look-up names no money.
fn asked_for(operation: &Operation) -> Option<Money> {
    match operation {
        Operation::CreateDeposit(it) => Some(it.money),
        Operation::CompleteDeposit(it) => Some(it.money),
        Operation::CreatePayout(it) => Some(it.money),
        Operation::ReturnDeposit(it) => Some(it.money),
        Operation::Inquire(it) => Some(it.money),
        Operation::Lookup(_) | Operation::CancelDeposit { .. } => None,
    }
}

/// Whether a text has an amount in it as a whole number, in major or in minor units: `10.5` does not stand
/// in `10.51`.
fn writes(text: &str, money: Money) -> bool {
    let is_of_number = |c: char| c.is_ascii_digit() || c == '.';
    let minor = money.minor.to_string();
    let mut numbers = text.split(|c: char| !is_of_number(c));
    let major = money.major();
    let plain = |number: &str| number.trim_end_matches('0').trim_end_matches('.').to_owned();
    numbers
        .any(|number| number == minor || (number.contains('.') && plain(number) == plain(&major)))
}

fn run(fixture: &dyn Fixture, act: Act, case: Case, breaks: &[Break]) {
    let Some(operation) = fixture.operation(act) else {
        return;
    };
    let (mut missing, mut heard) = (false, String::new());
    let driven = drive(fixture.psp().adapter(), &operation, now(), None, |step, request| {
        let answer = fixture.answer(act, case, step, request);
        missing |= answer.is_none();
        let answer = broken(answer.unwrap_or_else(|| response(500, "")), breaks);
        heard = String::from_utf8_lossy(&answer.body).into_owned();
        Ok(answer)
    });
    let Outcome::Reported(report) = driven.outcome else {
        return;
    };
    match report.status {
        Status::Succeeded { money }
        | Status::Won { money }
        | Status::Returned { money }
        | Status::Reversed { money } => {
            // An inquiry's amount is told as it arrived where the core decides about another one.
            let as_told = tells_as_it_is(fixture, act);
            let told = matches!(case, Case::Succeeded | Case::CameBack);
            // The damage itself may have written the amount that was asked for; what names no amount at all
            // must never be taken for it.
            let other = case == Case::OtherAmount && (as_told || writes(&heard, money));
            assert!(
                !missing && (told || other),
                "{} {act:?} {heard}",
                fixture.psp().adapter_name()
            );
            // A British account is paid in pounds whatever the account's own currency is.
            assert!(as_told || money == asked_for(&operation).unwrap_or(fixture.money()));
        }
        Status::Accepted { .. } => {
            let paid = driven.requests.last().unwrap().1.moves_money;
            let asked = act.asks() || !fixture.moves_money(act);
            assert!(asked || paid, "accepted without having asked");
        }
        _ => {}
    }
}

/// Every answer about other money, with each of its bytes left out in turn: its amount's name too.
#[test]
fn an_answer_without_its_amount_is_no_success() {
    for fixture in fixtures() {
        for act in Act::ALL {
            let Some(operation) = fixture.operation(act) else { continue };
            let mut longest = 0;
            drive(fixture.psp().adapter(), &operation, now(), None, |step, request| {
                let answer = fixture.answer(act, Case::OtherAmount, step, request);
                let answer = answer.unwrap_or_else(|| response(500, ""));
                longest = longest.max(answer.body.len());
                Ok(answer)
            });
            for at in 0..longest {
                run(fixture.as_ref(), act, Case::OtherAmount, &[Break::DropAt(at)]);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn a_broken_answer_is_never_a_success(
        act in prop::sample::select(&Act::ALL[..]),
        case in prop::sample::select(&Case::ALL[..]),
        breaks in prop::collection::vec(breaking(), 1..4),
    ) {
        for fixture in fixtures() {
            run(fixture.as_ref(), act, case, &breaks);
        }
    }

    #[test]
    fn any_bytes_at_all_are_an_answer_that_says_nothing(
        act in prop::sample::select(&Act::ALL[..]),
        status in 100..600_u16,
        body in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        for fixture in fixtures() {
            let Some(operation) = fixture.operation(act) else { continue };
            let driven = drive(fixture.psp().adapter(), &operation, now(), None, |_, _| {
                Ok(response(status, body.clone()))
            });
            // Closing a session is the one thing that an empty answer may confirm.
            let said = matches!(driven.outcome, Outcome::Reported(_));
            prop_assert!(!said || act == Act::Cancel, "{:?}", driven.outcome);
        }
    }

    #[test]
    fn any_bytes_at_all_are_no_webhook(
        header in "\\PC{0,80}",
        body in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        for fixture in fixtures() {
            for mut call in calls(fixture.as_ref()) {
                // What is signed over its query says nothing by its body.
                if call.signed != Signed::Query {
                    call.body.clone_from(&body);
                }
                for (_, value) in &mut call.headers {
                    value.clone_from(&header);
                }
                let keys = fixture.keys();
                prop_assert!(fixture.psp().adapter().verify_webhook(&call.raw(), &keys).is_err());
            }
        }
    }
}
