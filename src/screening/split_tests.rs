//! A split made again over another history.

use super::super::attestation::{Attestation, AttestationKind, AttestationTerms};
use super::super::sources::{Fate, PaidIn, PaidOut};
use super::*;
use crate::domain::{Currency, Method, Money};
use psp_contract::Portable;
use time::macros::datetime;

const START: Timestamp = datetime!(2026-11-01 0:00 UTC);
const WIDE: Bounds = Bounds { least: 1, most: 1_000_000 };

fn account(number: u8) -> Instrument {
    let (iban, holder_name) = (format!("DE{number}"), "Erika Mustermann".to_owned());
    let portable = Some(Portable::Iban { iban, holder_name });
    Instrument { portable, ..Instrument::default() }
}

fn paid_in(number: u8, minor: i64) -> PaidIn {
    PaidIn {
        deposit: Uuid::from_u128(number.into()),
        minor,
        method: Method::BankTransfer,
        at: START + time::Duration::days(number.into()),
        from: Some(account(number)),
    }
}

fn paid_out(number: u8, minor: i64, fate: Fate) -> PaidOut {
    PaidOut {
        payment: Uuid::from_u128(100 + u128::from(number)),
        minor,
        method: Method::BankTransfer,
        at: START + time::Duration::days(50),
        to: account(number),
        fate,
    }
}

fn two() -> History {
    History { paid_in: vec![paid_in(1, 100), paid_in(2, 50)], paid_out: Vec::new() }
}

fn split(history: &History) -> Split {
    let split = Split::new(history, Terms::default(), |_| Ok(WIDE));
    let wanted = Wanted::Back { beyond: Some(Beyond::Source(0)), elsewhere: None };
    Split { wanted, ..split }
}

#[test]
fn what_was_paid_out_meanwhile_makes_other_shares() {
    let (before, mut history) = (split(&two()), two());
    assert_eq!(before.renewed(&history, START).unwrap().shares(120), before.shares(120));
    history.paid_out.push(paid_out(1, 90, Fate::UnderWay));
    let after = before.renewed(&history, START).unwrap();
    let to = |split: &Split, minor, at| split.shares(minor).unwrap().minor_to(Place::Source(at));
    assert_eq!((to(&before, 40, 0), to(&before, 40, 1)), (40, 0));
    assert_eq!((to(&after, 40, 0), to(&after, 40, 1)), (10, 30));
    assert_eq!(before.shares(10), after.shares(10), "where both come to the same nothing is lost");
}

#[test]
fn new_sources_and_refused_ones_are_for_the_flow_to_find_out() {
    let (before, mut history) = (split(&two()), two());
    history.paid_in.push(paid_in(3, 70));
    assert!(before.renewed(&history, START).is_none(), "nobody knows who pays it");
    let mut history = two();
    history.paid_in.remove(0);
    assert!(before.renewed(&history, START).is_none(), "it was charged back");
    let mut history = two();
    history.paid_out.push(paid_out(1, 5, Fate::Refused));
    let after = before.renewed(&history, START).unwrap();
    assert_eq!(after.sources[0].payout, Err(Obstacle::Refused));
    history
        .paid_out
        .push(PaidOut { at: START + time::Duration::days(60), ..paid_out(1, 5, Fate::Paid) });
    assert!(after.renewed(&history, START).is_none(), "it can be paid again, nobody knows by whom");
}

#[test]
fn a_named_destination_is_judged_by_any_history() {
    let named = |number| {
        let wanted = Wanted::Named { to: account(number), is_known: false, whose: Match::Unknown };
        Split { wanted, ..split(&History::default()) }
    };
    let found = named(2).renewed(&two(), START).unwrap().facts(80);
    let shares: Vec<i64> = found.sources.iter().map(|source| source.share_minor).collect();
    assert_eq!((shares, found.elsewhere.as_ref()), (vec![0, 80], None));
    assert_eq!((found.beyond_minor(), found.is_named), (30, true));
    let found = named(9).renewed(&two(), START).unwrap().facts(80);
    assert_eq!(found.elsewhere, Some(("iban".to_owned(), 80)));
}

/// An exception for the first account, up to 100 and until a day after the start.
fn excepted(history: &History) -> Split {
    let mut split = Split::new(history, Terms::default(), |source| {
        let first = source.deposits.contains(&Uuid::from_u128(1));
        if first { Err(Obstacle::NoProvider) } else { Ok(WIDE) }
    });
    let terms = AttestationTerms {
        kind: AttestationKind::ClosedLoopException,
        reference: format!("dep_{}", Uuid::from_u128(1).simple()),
        amount: Some(Money::new(100, Currency::EUR)),
        valid_until: Some(START + time::Duration::DAY),
    };
    let id = Uuid::from_u128(7);
    let given = Attestation { id, terms, given_at: START, review: Uuid::nil() };
    split.except(Exceptions::of(Currency::EUR, &[given]), START);
    split.wanted = Wanted::Back { beyond: Some(Beyond::Source(1)), elsewhere: None };
    split
}

#[test]
fn with_an_exception_money_goes_beyond_while_its_source_cannot_be_paid() {
    let with = excepted(&two());
    let shared = with.shares(80).unwrap();
    assert_eq!((shared.minor_to(Place::Source(1)), shared.troubles), (80, Vec::new()));
    let told = &with.facts(80).sources[0];
    assert_eq!((told.is_excepted, told.exception), (true, Some(Uuid::from_u128(7))));
    let mut without = with;
    without.except(Exceptions::default(), START);
    let troubles = without.shares(80).unwrap().troubles;
    assert_eq!(troubles, [Trouble::NeedsException(0, Obstacle::NoProvider)]);
    assert!(!without.facts(80).sources[0].is_excepted);
}

#[test]
fn under_the_lock_an_exception_may_have_ended_or_been_outgrown() {
    let before = excepted(&two());
    let again = |history: &History, at| {
        let split = before.renewed(history, at).unwrap();
        (split.facts(80).sources[0].exception, split.shares(80) == before.shares(80))
    };
    assert_eq!(again(&two(), START), (Some(Uuid::from_u128(7)), true));
    assert_eq!(again(&two(), START + time::Duration::DAY), (None, false));
    let mut history = two();
    history.paid_in.push(PaidIn { from: Some(account(1)), ..paid_in(3, 1) });
    assert_eq!(again(&history, START), (None, false), "101 are the source's own by now");
}

#[test]
fn to_a_named_account_an_exception_lets_money_go_only_where_it_is_the_players() {
    let named = |is_known| {
        let mut split = excepted(&two());
        split.wanted = Wanted::Named { to: account(9), is_known, whose: Match::Unknown };
        split.facts(80).sources[0].is_excepted
    };
    assert_eq!([true, false].map(named), [true, false]);
}
