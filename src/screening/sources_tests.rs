//! Which deposits are of one source, and what counts against it.

use super::*;
use std::collections::BTreeMap;
use time::macros::datetime;

const DAY_ONE: Timestamp = datetime!(2026-11-01 0:00 UTC);

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn account(iban: &str) -> Instrument {
    let holder_name = "Erika Mustermann".to_owned();
    Instrument {
        portable: Some(Portable::Iban { iban: iban.to_owned(), holder_name }),
        ..Instrument::default()
    }
}

fn token(psp: &str, token: &str) -> Instrument {
    let tokens = BTreeMap::from([(psp.to_owned(), token.to_owned())]);
    Instrument { tokens, ..Instrument::default() }
}

fn paid_in(number: u8, minor: i64, from: Option<Instrument>) -> PaidIn {
    let at = DAY_ONE + time::Duration::days(i64::from(number));
    PaidIn { deposit: id(number.into()), minor, method: Method::BankTransfer, at, from }
}

fn paid_out(number: u8, minor: i64, to: Instrument, fate: Fate) -> PaidOut {
    let at = DAY_ONE + time::Duration::days(i64::from(number));
    PaidOut { payment: id(number.into()), minor, method: Method::BankTransfer, at, to, fate }
}

fn nets(history: &History) -> Vec<i64> {
    sources(history).iter().map(Source::net_minor).collect()
}

#[test]
fn an_account_is_one_source_however_it_is_written_and_whoever_carried_it() {
    let one =
        Instrument { tokens: token("trustly-de", "7").tokens, ..account("DE89 3704 0044 05") };
    let history = History {
        paid_in: vec![
            paid_in(1, 100, Some(one)),
            paid_in(2, 50, Some(account("de8937040044 05"))),
            paid_in(3, 30, Some(token("trustly-de", "7"))),
            paid_in(4, 20, Some(token("truelayer-de", "7"))),
        ],
        paid_out: Vec::new(),
    };
    let found = sources(&history);
    let seen: Vec<(usize, i64)> =
        found.iter().map(|source| (source.deposits.len(), source.net_minor())).collect();
    assert_eq!(seen, [(3, 180), (1, 20)], "another PSP's token says nothing of this one's");
    assert!(found[0].instrument.portable.is_some(), "the newest did not name it, an older one did");
    assert_eq!(found[0].instrument.source_deposit, Some(id(3)));
}

#[test]
fn a_deposit_that_names_both_shows_that_two_sources_are_one() {
    let both = Instrument { tokens: token("trustly-de", "7").tokens, ..account("DE1") };
    let history = History {
        paid_in: vec![
            paid_in(1, 100, Some(account("DE1"))),
            paid_in(2, 50, Some(token("trustly-de", "7"))),
            paid_in(3, 25, Some(both)),
        ],
        paid_out: vec![paid_out(4, 60, token("trustly-de", "7"), Fate::Paid)],
    };
    assert_eq!(nets(&history), [115]);
}

#[test]
fn what_is_paid_or_under_way_counts_and_what_was_refused_does_not() {
    let mut history = History {
        paid_in: vec![paid_in(1, 100, Some(account("DE1"))), paid_in(2, 70, Some(account("DE2")))],
        paid_out: vec![
            paid_out(3, 30, account("DE1"), Fate::Paid),
            paid_out(4, 20, account("DE1"), Fate::UnderWay),
            paid_out(5, 40, account("DE1"), Fate::Refused),
            paid_out(6, 900, account("DE3"), Fate::Paid),
        ],
    };
    assert_eq!(nets(&history), [50, 70], "an account that paid nothing in is no source");
    assert_eq!(sources(&history).iter().map(|s| s.refused).collect::<Vec<_>>(), [true, false]);
    history.paid_out.push(paid_out(7, 60, account("DE1"), Fate::Paid));
    assert_eq!(nets(&history), [0, 70], "more than came from it leaves nothing, and never less");
    assert!(!sources(&history)[0].refused, "it could be paid since");
}

#[test]
fn deposits_that_nobody_is_named_for_are_sources_of_their_own() {
    let named = Instrument { source_deposit: Some(id(2)), ..token("adyen-de", "t") };
    let history = History {
        paid_in: vec![paid_in(1, 100, None), paid_in(2, 50, None)],
        paid_out: vec![paid_out(3, 50, named, Fate::Paid)],
    };
    assert_eq!(
        nets(&history),
        [100, 0],
        "a part that names its deposit is of that deposit's source"
    );
    assert!(sources(&history).iter().all(|source| !source.is_named()));
}
