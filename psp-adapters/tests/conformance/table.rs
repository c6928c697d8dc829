//! The table: every act against every answer.

use crate::conformance::fixture::{Act, Case, Fixture, perform};
use crate::conformance::fixtures;
use crate::support::{attempt, deposit, drive, inquiry, now, payout, portable, response, to};
use psp_contract::{
    Currency, DepositCapability, InquiryBy, Money, NextAction, NotSent, Operation, Outcome, Status,
    Subject, TransportFailure, Unknown,
};

/// Whether the answer's own amount is handed up. Of what was paid out otherwise than asked that is the
/// exception.
pub fn tells_as_it_is(fixture: &dyn Fixture, act: Act) -> bool {
    act.asks_about_a_deposit() || (act.asks() && fixture.tells_other_amounts())
}

/// What must come out, as a word; `*` stands for any end.
fn expected(fixture: &dyn Fixture, act: Act, case: Case) -> String {
    if let Some((expected, reason)) = fixture.differs(act, case) {
        assert!(20 < reason.len(), "{act:?} {case:?}: what does the documentation say?");
        return expected.to_owned();
    }
    let word = match (act, case) {
        (_, Case::ServerError) => "unknown server_error",
        (_, Case::Throttled) => "unknown throttled",
        (Act::Cancel, Case::Accepted) => "cancelled",
        (Act::Cancel, _) => "*",
        (_, Case::Html | Case::Empty | Case::CutShort | Case::Forged) => "unknown unreadable",
        // What arrived is told as it arrived, for the core to decide.
        (_, Case::OtherAmount) if tells_as_it_is(fixture, act) => "succeeded with another amount",
        (_, Case::OtherAmount) => "unknown mismatch",
        (_, Case::Unlisted) => "unknown unlisted_code",
        (Act::Deposit, Case::Accepted) => match fixture.next_action() {
            "nothing" => "accepted",
            action => return format!("accepted with {action}"),
        },
        (_, Case::Accepted) => "accepted",
        (_, Case::Refused | Case::Duplicate) if act.asks() => "unknown *",
        (_, Case::Refused) => "declined",
        (_, Case::Duplicate) => "unknown duplicate_reference",
        (_, Case::NotFound) => "not found",
        (_, Case::Pending) => "pending",
        (_, Case::Approved) => "awaits completion",
        (_, Case::Succeeded) => "succeeded",
        (_, Case::Failed) => "declined",
        (_, Case::CameBack) => "returned",
    };
    word.to_owned()
}

const fn action(action: &NextAction) -> &'static str {
    match action {
        NextAction::Redirect { .. } => "redirect",
        NextAction::QrCode { .. } => "qr code",
        NextAction::AppLink { .. } => "app link",
        NextAction::CryptoTransfer { .. } => "crypto transfer",
    }
}

fn word(outcome: &Outcome, asked: Money) -> String {
    let report = match outcome {
        Outcome::NotSent(why) => return format!("not sent {}", why.code()),
        Outcome::Unknown(why) => return format!("unknown {}", why.code()),
        Outcome::NotFound => return "not found".to_owned(),
        Outcome::Reported(report) => report,
    };
    let moved = |word: &str, money: &Money| {
        let other = if *money == asked { "" } else { " with another amount" };
        format!("{word}{other}")
    };
    match &report.status {
        Status::Accepted { next_action: Some(next), .. } => {
            format!("accepted with {}", action(next))
        }
        Status::Accepted { .. } => "accepted".to_owned(),
        Status::Pending => "pending".to_owned(),
        Status::AwaitsCompletion => "awaits completion".to_owned(),
        Status::Succeeded { money } => moved("succeeded", money),
        Status::Won { money } => moved("won", money),
        Status::Declined(_) => "declined".to_owned(),
        Status::Cancelled => "cancelled".to_owned(),
        Status::Expired => "expired".to_owned(),
        Status::Returned { money } => moved("returned", money),
        Status::Reversed { money } => moved("reversed", money),
    }
}

#[test]
fn every_answer_means_what_the_table_says() {
    for fixture in fixtures() {
        let fixture = fixture.as_ref();
        let mut cases = 0;
        for act in Act::ALL {
            let asked = fixture.operation(act).and_then(|operation| money(&operation));
            for case in Case::ALL {
                let Some(driven) = perform(fixture, act, case) else {
                    continue;
                };
                cases += 1;
                let told = word(&driven.outcome, asked.unwrap_or(fixture.money()));
                let expected = expected(fixture, act, case);
                let fits = match expected.strip_suffix('*') {
                    Some(prefix) => told.starts_with(prefix),
                    None => told == expected,
                };
                let name = fixture.psp().adapter_name();
                assert!(fits, "{name} {act:?} {case:?}: {told} instead of {expected}");
                if let (Act::Lookup, Outcome::Reported(report)) = (act, &driven.outcome) {
                    assert_eq!(report.attempt, Some(attempt(1)), "{name} {case:?}");
                }
            }
        }
        assert!(40 < cases, "{} has only {cases} cases", fixture.psp().adapter_name());
    }
}

const fn money(operation: &Operation) -> Option<Money> {
    match operation {
        Operation::CreateDeposit(it) => Some(it.money),
        Operation::CompleteDeposit(it) => Some(it.money),
        Operation::CreatePayout(it) => Some(it.money),
        Operation::ReturnDeposit(it) => Some(it.money),
        Operation::Inquire(it) => Some(it.money),
        Operation::Lookup(_) | Operation::CancelDeposit { .. } => None,
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
                let question = !fixture.moves_money(act);
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
            let good = [Case::Accepted, Case::Pending, Case::Succeeded];
            let first = good.iter().find_map(|case| perform(fixture.as_ref(), act, *case));
            let Some(first) = first else {
                continue;
            };
            let moving: Vec<_> = first.requests.iter().map(|(_, it)| it.moves_money).collect();
            let expected = fixture.moves_money(act);
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
                let same = one.body == other.body && one.url == other.url;
                assert!(!act.moves_money() || same, "{act:?} {step}");
            }
        }
    }
}

/// The payouts to accounts that any PSP could know, with the kind of account.
const PORTABLES: [(Act, &str); 6] = [
    (Act::PayoutToIban, "iban"),
    (Act::PayoutToUkAccount, "uk_account"),
    (Act::PayoutToPixKey, "pix_key"),
    (Act::PayoutToCrypto, "crypto_address"),
    (Act::PayoutToPhone, "phone"),
    (Act::PayoutToEmail, "email"),
];

#[test]
fn what_a_psp_cannot_do_is_not_sent() {
    for fixture in fixtures() {
        let fixture = fixture.as_ref();
        // No account here moves yen.
        let mut refused = vec![deposit(attempt(9), Money::new(100, Currency::JPY))];
        for (act, kind) in PORTABLES {
            let (account, currency) = portable(kind);
            let destination = to(account);
            let money = Money::new(1050, currency);
            assert!(!fixture.psp().can_pay(&destination, Currency::JPY), "{act:?}");
            if fixture.operation(act).is_none() {
                let name = fixture.psp().adapter_name();
                assert!(!fixture.psp().can_pay(&destination, currency), "{name} {act:?}");
                refused.push(payout(attempt(9), money, destination));
            }
        }
        for operation in refused {
            let driven = drive(fixture.psp().adapter(), &operation, now(), None, |_, _| {
                panic!("nothing may be sent")
            });
            assert_eq!(driven.outcome, Outcome::NotSent(NotSent::NotExpressible));
        }
    }
}

#[test]
fn a_capability_is_there_exactly_when_its_operation_is() {
    for fixture in fixtures() {
        let (capabilities, name) = (fixture.psp().capabilities(), fixture.psp().adapter_name());
        let has = |act| fixture.operation(act).is_some();
        let deposits = has(Act::Deposit) || has(Act::DepositByToken);
        assert_eq!(capabilities.deposit.is_some(), deposits, "{name}");
        let hears = |it: &DepositCapability| it.needs_completion || it.payer_brings.is_some();
        let completes = capabilities.deposit.as_ref().is_some_and(hears);
        assert_eq!(completes, has(Act::Complete), "{name}");
        let cancels = capabilities.deposit.as_ref().is_some_and(|it| it.can_cancel);
        assert_eq!(cancels, has(Act::Cancel), "{name}");
        assert_eq!(capabilities.return_deposit, has(Act::Return), "{name}");
        assert_eq!(capabilities.payout.is_some(), Act::PAYOUTS.into_iter().any(has), "{name}");
        if let Some(payout) = &capabilities.payout {
            for (flag, act) in [
                (payout.by_token, Act::PayoutByToken),
                (payout.portable_iban, Act::PayoutToIban),
                (payout.portable_uk_account, Act::PayoutToUkAccount),
                (payout.portable_pix_key, Act::PayoutToPixKey),
                (payout.portable_crypto, Act::PayoutToCrypto),
                (payout.portable_phone, Act::PayoutToPhone),
                (payout.portable_email, Act::PayoutToEmail),
            ] {
                assert_eq!(flag, has(act), "{name} {act:?}");
            }
        }
        let (deposit, payout) = (&capabilities.deposit_inquiry, &capabilities.payout_inquiry);
        assert_eq!(deposit.by_psp_reference, has(Act::AskDeposit), "{name}");
        assert_eq!(deposit.by_our_reference, has(Act::AskDepositByOurs), "{name}");
        assert_eq!(payout.by_psp_reference, has(Act::AskPayout), "{name}");
        assert_eq!(payout.by_our_reference, has(Act::AskPayoutByOurs), "{name}");
        assert_eq!(payout.by_ledger, has(Act::AskLedger), "{name}");
    }
}

/// What a capability offers and the adapter cannot ask would be asked for ever, in place of what can be done.
#[test]
fn a_return_can_be_asked_about_as_the_capabilities_say() {
    for fixture in fixtures().iter().filter(|it| it.psp().capabilities().return_deposit) {
        let (name, can) =
            (fixture.psp().adapter_name(), &fixture.psp().capabilities().return_inquiry);
        let by_id = InquiryBy::PspReference("2190971587".to_owned());
        for (by, offered) in [
            (InquiryBy::OurReference, can.by_our_reference),
            (by_id, can.by_psp_reference),
            (InquiryBy::Ledger, can.by_ledger),
        ] {
            let Operation::Inquire(question) =
                inquiry(Subject::Return, attempt(1), fixture.money(), by)
            else {
                panic!("a question")
            };
            let asked = fixture.psp().adapter().inquire(&question, now()).is_some();
            // What is not offered may be possible all the same.
            assert!(asked || !offered, "{name} {:?}", question.by);
        }
    }
}

#[test]
fn nothing_secret_or_personal_is_printed() {
    for fixture in fixtures() {
        let mut printed = format!("{:?}", fixture.psp());
        for act in Act::ALL {
            if let Some(driven) = perform(fixture.as_ref(), act, Case::Accepted) {
                printed.push_str(&format!("{:?}", driven.requests));
            }
        }
        let personal = ["Mustermann", "erika", "DE893704", "Bearer", "46701234567", "52998224725"];
        for word in personal.iter().chain(fixture.secrets()) {
            assert!(!printed.contains(word), "{word} in {printed}");
        }
    }
}

#[test]
fn money_that_arrived_is_told_as_it_arrived() {
    for fixture in fixtures() {
        for act in Act::ALL.into_iter().filter(|act| act.asks_about_a_deposit()) {
            let Some(driven) = perform(fixture.as_ref(), act, Case::OtherAmount) else {
                continue;
            };
            let Outcome::Reported(report) = driven.outcome else { panic!("{:?}", driven.outcome) };
            let other = Money::new(1051, fixture.money().currency);
            assert_eq!(report.status, Status::Succeeded { money: other });
        }
    }
}
