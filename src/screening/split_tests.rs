//! A split made again over another history.

use super::super::sources::{Fate, PaidIn, PaidOut};
use super::*;
use crate::domain::{Method, Timestamp};
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
    let split = Split::new(history, &[], Terms::default(), |_| Ok(WIDE));
    let wanted = Wanted::Back { beyond: Some(Beyond::Source(0)), elsewhere: None };
    Split { wanted, ..split }
}

#[test]
fn what_was_paid_out_meanwhile_makes_other_shares() {
    let (before, mut history) = (split(&two()), two());
    assert_eq!(before.renewed(&history).unwrap().shares(120), before.shares(120));
    history.paid_out.push(paid_out(1, 90, Fate::UnderWay));
    let after = before.renewed(&history).unwrap();
    let to = |split: &Split, minor, at| split.shares(minor).unwrap().minor_to(Place::Source(at));
    assert_eq!((to(&before, 40, 0), to(&before, 40, 1)), (40, 0));
    assert_eq!((to(&after, 40, 0), to(&after, 40, 1)), (10, 30));
    assert_eq!(before.shares(10), after.shares(10), "where both come to the same nothing is lost");
}

#[test]
fn new_sources_and_refused_ones_are_for_the_flow_to_find_out() {
    let (before, mut history) = (split(&two()), two());
    history.paid_in.push(paid_in(3, 70));
    assert!(before.renewed(&history).is_none(), "nobody knows who pays it");
    let mut history = two();
    history.paid_in.remove(0);
    assert!(before.renewed(&history).is_none(), "it was charged back");
    let mut history = two();
    history.paid_out.push(paid_out(1, 5, Fate::Refused));
    let after = before.renewed(&history).unwrap();
    assert_eq!(after.sources[0].payout, Err(Obstacle::Refused));
    history
        .paid_out
        .push(PaidOut { at: START + time::Duration::days(60), ..paid_out(1, 5, Fate::Paid) });
    assert!(after.renewed(&history).is_none(), "it can be paid again, nobody knows by whom");
}

#[test]
fn a_named_destination_is_judged_by_any_history() {
    let named =
        |number| Split { wanted: Wanted::Named(account(number)), ..split(&History::default()) };
    let found = named(2).renewed(&two()).unwrap().facts(80);
    let shares: Vec<i64> = found.sources.iter().map(|source| source.share_minor).collect();
    assert_eq!((shares, found.elsewhere.as_ref()), (vec![0, 80], None));
    assert_eq!((found.beyond_minor(), found.is_named), (30, true));
    let found = named(9).renewed(&two()).unwrap().facts(80);
    assert_eq!(found.elsewhere, Some(("iban".to_owned(), 80)));
}

#[test]
fn an_exception_is_about_every_deposit_of_its_source() {
    let mut history = two();
    history.paid_in.push(PaidIn { from: Some(account(1)), ..paid_in(3, 20) });
    let excepted = [Uuid::from_u128(3)];
    let split = Split::new(&history, &excepted, Terms::default(), |_| Err(Obstacle::NoProvider));
    let marked: Vec<bool> = split.sources.iter().map(|known| known.excepted).collect();
    assert_eq!(marked, [true, false]);
}
