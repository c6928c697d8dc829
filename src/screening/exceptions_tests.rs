//! What an exception covers, and what it does not.

use super::super::attestation::AttestationTerms;
use super::super::sources::PaidOut;
use super::*;
use crate::domain::{Method, Money};
use time::macros::datetime;

const GIVEN: Timestamp = datetime!(2026-11-01 12:00 UTC);
const HOUR: time::Duration = time::Duration::HOUR;

fn vouched(number: u128, terms: AttestationTerms) -> Attestation {
    Attestation { id: Uuid::from_u128(number), terms, given_at: GIVEN, review: Uuid::nil() }
}

fn exception(reference: &str, amount: Option<Money>) -> AttestationTerms {
    AttestationTerms {
        kind: AttestationKind::ClosedLoopException,
        reference: reference.to_owned(),
        amount,
        valid_until: Some(GIVEN + HOUR),
    }
}

/// Two deposits, and what is left of them.
fn source(deposited_minor: i64, paid_out_minor: i64) -> Source {
    Source {
        deposits: vec![Uuid::from_u128(1), Uuid::from_u128(2)],
        instrument: Instrument::default(),
        method: Method::Card,
        deposited_minor,
        paid_out_minor,
        first_at: GIVEN,
        last_at: GIVEN,
        refused: false,
    }
}

fn deposit(number: u128) -> String {
    format!("dep_{}", Uuid::from_u128(number).simple())
}

fn euro(minor: i64) -> Option<Money> {
    Some(Money::new(minor, Currency::EUR))
}

#[track_caller]
fn check(terms: AttestationTerms, source: &Source, at: Timestamp, covers: bool) {
    let exceptions = Exceptions::of(Currency::EUR, &[vouched(7, terms)]);
    let found = exceptions.covering(source, at);
    assert_eq!(found, covers.then(|| Uuid::from_u128(7)));
}

#[test]
fn it_is_about_every_deposit_of_its_source_and_about_no_other() {
    for (reference, covers) in [
        (deposit(1), true),
        (format!(" {} ", deposit(2)), true),
        (deposit(3), false),
        (deposit(1).replace("dep_", "wd_"), false),
        (deposit(1).replace("dep_", ""), false),
        ("dep_".to_owned(), false),
        ("the card".to_owned(), false),
    ] {
        check(exception(&reference, None), &source(100, 0), GIVEN, covers);
    }
    let other =
        AttestationTerms { kind: AttestationKind::SourceOfFunds, ..exception(&deposit(1), None) };
    check(other, &source(100, 0), GIVEN, false);
}

#[test]
fn it_holds_from_its_approval_until_its_end() {
    for (at, covers) in [
        (GIVEN - HOUR, false),
        (GIVEN, true),
        (GIVEN + HOUR - time::Duration::NANOSECOND, true),
        (GIVEN + HOUR, false),
    ] {
        check(exception(&deposit(1), None), &source(100, 0), at, covers);
    }
}

#[test]
fn it_reaches_as_far_as_its_amount_in_its_own_currency() {
    for (amount, covers) in [
        (euro(100), true),
        (euro(99), false),
        (Some(Money::new(1_000_000, Currency::SEK)), false),
        (None, true),
    ] {
        check(exception(&deposit(1), amount), &source(150, 50), GIVEN, covers);
    }
}

#[test]
fn the_newest_of_several_is_the_one_that_is_told() {
    let ended = AttestationTerms { valid_until: Some(GIVEN), ..exception(&deposit(1), None) };
    let small = exception(&deposit(1), euro(1));
    let all = [
        vouched(1, exception(&deposit(1), None)),
        vouched(2, exception(&deposit(2), None)),
        vouched(3, ended),
        vouched(4, small),
    ];
    let found = Exceptions::of(Currency::EUR, &all).covering(&source(100, 0), GIVEN);
    assert_eq!(found, Some(Uuid::from_u128(2)));
}

fn coins(address: &str) -> Instrument {
    let portable = Some(Portable::CryptoAddress {
        network: "ethereum".to_owned(),
        asset: "USDT".to_owned(),
        address: address.to_owned(),
        tag: None,
    });
    Instrument { portable, ..Instrument::default() }
}

#[test]
fn the_players_own_is_what_paid_in_what_was_paid_and_what_they_proved() {
    let paid_in = Source { instrument: coins("0xin"), ..source(100, 0) };
    let out = |to: &str, fate| PaidOut {
        payment: Uuid::nil(),
        minor: 5,
        method: Method::Crypto,
        at: GIVEN,
        to: coins(to),
        fate,
    };
    let paid_out = vec![
        out("0xpaid", Fate::Paid),
        out("0xheld", Fate::UnderWay),
        out("0xrefused", Fate::Refused),
    ];
    let history = History { paid_out, ..History::default() };
    let proof = AttestationTerms {
        kind: AttestationKind::ProofOfControl,
        reference: " Tproven".to_owned(),
        ..exception("", None)
    };
    let exception_only = exception("Texcepted", None);
    let vouched = [vouched(1, proof), vouched(2, exception_only)];
    let known = |to: &Instrument, at| is_known(to, &history, &[&paid_in], &vouched, at);
    for (address, is_own) in [
        ("0xIN", true),
        ("0xpaid", true),
        ("0xheld", false),
        ("0xrefused", false),
        ("Tproven", true),
        ("tproven", false),
        ("Texcepted", false),
        ("0xother", false),
    ] {
        assert_eq!(known(&coins(address), GIVEN), is_own, "{address}");
    }
    assert!(!known(&coins("Tproven"), GIVEN + HOUR), "the proof has ended");
    let of_deposit = |number| {
        let source_deposit = Some(Uuid::from_u128(number));
        Instrument { source_deposit, ..Instrument::default() }
    };
    assert!(known(&of_deposit(2), GIVEN));
    assert!(!known(&of_deposit(3), GIVEN));
}
