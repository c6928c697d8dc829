//! Each thing that stands against an erasure, alone; and the days on which the law lets data go.

use super::*;
use crate::domain::{Exclusion, PlayerStatus};
use crate::screening::test_data::player;
use time::macros::datetime;

const NOW: Timestamp = datetime!(2031-06-15 12:00 UTC);

fn retention() -> Retention {
    let five = Term { years: 5, from_year_end: false };
    Retention([("SE".to_owned(), five)].into())
}

fn closed() -> ErasureFacts {
    ErasureFacts {
        last_moved_at: Some(datetime!(2026-02-01 09:00 UTC)),
        closed_at: Some(datetime!(2026-06-13 23:00 UTC)),
        ..ErasureFacts::default()
    }
}

fn told(player: &Player, facts: &ErasureFacts) -> String {
    may_erase(player, facts, &retention(), NOW).unwrap_err().to_string()
}

#[test]
fn data_goes_the_day_after_its_years_are_over() {
    let until = datetime!(2031-06-14 0:00 UTC);
    let over = ErasureBasis::RetentionOver { until };
    assert_eq!(may_erase(&player(), &closed(), &retention(), NOW), Ok(over));
    assert_eq!(may_erase(&player(), &closed(), &retention(), until), Ok(over));
    let before = until - Duration::MICROSECOND;
    let early = may_erase(&player(), &closed(), &retention(), before).unwrap_err();
    assert_eq!(early.to_string(), "it is to be kept until 2031-06-14");
    // Money that moved after the account was closed begins the years anew.
    let moved = ErasureFacts { last_moved_at: Some(datetime!(2026-07-01 0:00 UTC)), ..closed() };
    assert_eq!(told(&player(), &moved), "it is to be kept until 2031-07-02");
}

#[test]
fn years_end_as_each_country_counts_them() {
    let cases = [
        (5, false, datetime!(2026-03-01 23:59:59 UTC), datetime!(2031-03-02 0:00 UTC)),
        (5, false, datetime!(2028-02-29 12:00 UTC), datetime!(2033-03-02 0:00 UTC)),
        (4, false, datetime!(2028-02-29 12:00 UTC), datetime!(2032-03-01 0:00 UTC)),
        (5, true, datetime!(2026-01-01 0:00 UTC), datetime!(2032-01-02 0:00 UTC)),
        (5, true, datetime!(2026-12-31 23:59 UTC), datetime!(2032-01-02 0:00 UTC)),
    ];
    for (years, from_year_end, ended_at, until) in cases {
        assert_eq!(Term { years, from_year_end }.until(ended_at), until, "{ended_at}");
    }
}

#[test]
fn nobody_goes_while_something_is_open() {
    let money = ErasureFacts { money: 1, ..closed() };
    assert!(told(&player(), &money).contains("wallet"), "{}", told(&player(), &money));
    let payment = ErasureFacts { open_payments: 1, ..closed() };
    assert!(told(&player(), &payment).contains("payment"));
    let case = ErasureFacts { open_cases: 1, ..closed() };
    assert!(told(&player(), &case).contains("review"));
    let open = ErasureFacts { closed_at: None, ..closed() };
    assert!(told(&player(), &open).contains("not closed"));
    let mut excluded = player();
    excluded.exclusion = Some(Exclusion { source: "self".to_owned(), from: NOW, until: None });
    assert!(told(&excluded, &closed()).contains("excluded"));
    let from = NOW + time::Duration::days(1);
    excluded.exclusion = Some(Exclusion { source: "self".to_owned(), from, until: None });
    assert!(told(&excluded, &closed()).contains("excluded"), "from tomorrow on");
    let mut elsewhere = player();
    elsewhere.country = "XX".to_owned();
    assert!(told(&elsewhere, &closed()).contains("XX"));
    let mut gone = player();
    gone.erase();
    assert_eq!(may_erase(&gone, &closed(), &retention(), NOW), Err(Refusal::PlayerErased));
}

#[test]
fn who_never_moved_money_may_go_at_once() {
    let nothing = ErasureFacts::default();
    let never = Ok(ErasureBasis::NeverMoved);
    assert_eq!(may_erase(&player(), &nothing, &Retention::default(), NOW), never);
    let moved = ErasureFacts { last_moved_at: Some(NOW), ..nothing };
    assert!(may_erase(&player(), &moved, &Retention::default(), NOW).is_err());
}

#[test]
fn an_erased_record_tells_nobody() {
    let mut full = player();
    full.given_name = Some("A".to_owned());
    full.email = Some("a@example.com".to_owned());
    full.national_id = Some("19".to_owned());
    full.erase();
    assert_eq!(full.status, PlayerStatus::Erased);
    assert_eq!((full.full_name.as_str(), full.email, full.national_id), ("", None, None));
    assert_eq!((full.given_name, full.date_of_birth), (None, time::macros::date!(0001 - 01 - 01)));
    assert_eq!(full.country, "SE", "what was booked was booked under it");
}
