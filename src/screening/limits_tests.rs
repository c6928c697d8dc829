use super::*;
use crate::domain::{Direction, Method, Origin};
use crate::screening::Checkpoint;
use crate::screening::Policies;
use crate::screening::background::Background;
use crate::screening::calendar::{Calendar, WeekStart, Window};
use crate::screening::gather::{self, Deposit, Setting};
use crate::screening::limit_terms::Basis;
use crate::screening::movement::UseState;
use crate::screening::rule::{Check, State};
use crate::screening::rules::LimitPlayer;
use crate::screening::test_data::{NOW, deposited, fx, limit};
use std::time::Duration;
use time::macros::datetime;

const EUR: Currency = Currency::EUR;

fn hours(count: u64) -> Duration {
    Duration::from_secs(count * 3_600)
}

fn delay(count: u64) -> LimitTerms {
    LimitTerms { rise_delay: hours(count), ..LimitTerms::default() }
}

fn eur(minor: i64) -> Money {
    Money::new(minor, EUR)
}

#[track_caller]
fn check(
    limits: &[Limit],
    movements: &[Movement],
    request: Money,
    expected: &[(bool, &str, &str)],
) {
    let records = Deposit {
        checkpoint: Checkpoint::DepositPre,
        player: None,
        payment: None,
        origin: Origin::Request,
        money: request,
        method: Method::BankTransfer,
        limits,
        movements,
        background: Background::NOTHING,
        source: None,
    };
    let table = fx();
    let policies = Policies::default();
    let facts = gather::deposit(&records, &Setting::new(&policies, &table, NOW));
    let results = LimitPlayer.find(&facts);
    let found: Vec<(bool, &str, &str)> = results
        .iter()
        .map(|found| (found.state == State::Hit, &*found.observed, &*found.threshold))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn a_deposit_up_to_the_limit_passes_and_one_cent_more_does_not() {
    let day = [limit(Period::Day, 10_000, EUR)];
    let uses = [deposited(1, 7_000, NOW - hours(1), UseState::Counted)];
    let text = "deposits of the last 24 hours with this one: 100.00 EUR";
    check(&day, &uses, eur(3_000), &[(false, text, "100.00 EUR")]);
    let text = "deposits of the last 24 hours with this one: 100.01 EUR";
    check(&day, &uses, eur(3_001), &[(true, text, "100.00 EUR")]);
}

#[test]
fn reserved_and_counted_deposits_count_and_released_ones_do_not() {
    let day = [limit(Period::Day, 10_000, EUR)];
    let uses = [
        deposited(1, 4_000, NOW - hours(1), UseState::Counted),
        deposited(2, 4_000, NOW - hours(1), UseState::Reserved),
        deposited(3, 4_000, NOW - hours(1), UseState::Released),
    ];
    let text = "deposits of the last 24 hours with this one: 120.00 EUR";
    check(&day, &uses, eur(4_000), &[(true, text, "100.00 EUR")]);
}

#[test]
fn each_window_reaches_back_exactly_its_length() {
    for (period, length, words) in [
        (Period::Day, hours(24), "the last 24 hours"),
        (Period::Week, hours(7 * 24), "the last 7 days"),
        (Period::Month, hours(30 * 24), "the last 30 days"),
    ] {
        let limits = [limit(period, 100, EUR)];
        let use_at = |at| [deposited(1, 100, at, UseState::Counted)];
        let over = format!("deposits of {words} with this one: 1.01 EUR");
        let within = format!("deposits of {words} with this one: 0.01 EUR");
        let second = Duration::from_secs(1);
        let inside = use_at(NOW - length + second);
        check(&limits, &inside, eur(1), &[(true, &over, "1.00 EUR")]);
        let outside = use_at(NOW - length);
        check(&limits, &outside, eur(1), &[(false, &within, "1.00 EUR")]);
    }
}

#[test]
fn other_currencies_are_converted_up_and_without_a_rate_nothing_passes() {
    let day = [limit(Period::Day, 1_000, EUR)];
    let sek = Money::new(10_001, Currency::SEK);
    let text = "deposits of the last 24 hours with this one: 9.01 EUR";
    check(&day, &[], sek, &[(false, text, "10.00 EUR")]);
    let gbp = Money::new(1, Currency::GBP);
    let text = "deposits of the last 24 hours with this one: \
                cannot be added up, no exchange rate from GBP to EUR";
    check(&day, &[], gbp, &[(true, text, "10.00 EUR")]);
    let huge = [deposited(1, i64::MAX, NOW, UseState::Counted)];
    let text = "deposits of the last 24 hours with this one: more than can be counted";
    check(&day, &huge, eur(1), &[(true, text, "10.00 EUR")]);
}

#[test]
fn without_limits_there_is_nothing_to_exceed() {
    check(&[], &[deposited(1, 1, NOW, UseState::Counted)], eur(1), &[]);
}

#[test]
fn a_new_or_lower_limit_holds_at_once() {
    let held = [limit(Period::Day, 10_000, EUR)];
    let wanted = [(Period::Day, eur(9_000)), (Period::Week, eur(20_000))];
    let limits = replace(&held, &wanted, &delay(72), NOW).expect("lower and new are welcome");
    assert_eq!(limits.len(), 2);
    assert!(limits.iter().all(|limit| limit.pending.is_none()));
    assert!(limits.iter().all(|limit| limit.effective_at == NOW));
    assert_eq!(in_force(&limits[0], NOW), Some(eur(9_000)));
}

#[test]
fn a_higher_limit_waits_for_the_delay_and_for_the_players_second_word() {
    let held = [limit(Period::Day, 10_000, EUR)];
    let wanted = [(Period::Day, eur(50_000))];
    let rising = replace(&held, &wanted, &delay(72), NOW).expect("a rise may be asked for");
    let later = NOW + hours(72);
    let allowed = |limits: &[Limit], at| limits.iter().find_map(|limit| in_force(limit, at));
    assert_eq!(allowed(&rising, later), Some(eur(10_000)), "unconfirmed");

    let too_early = confirm(&rising, &delay(72), later - hours(1));
    assert_eq!(too_early, Err(LimitError::TooEarly { effective_at: later }));
    let confirmed = confirm(&rising, &delay(72), later).expect("the delay is over");
    assert_eq!(allowed(&confirmed, later), Some(eur(50_000)));

    let any_time = LimitTerms { rise_confirm: ConfirmRise::AnyTime, ..delay(72) };
    let early = confirm(&rising, &any_time, NOW).expect("this market does not mind");
    assert_eq!(allowed(&early, later - hours(1)), Some(eur(10_000)));
    assert_eq!(allowed(&early, later), Some(eur(50_000)));
    let nothing = confirm(&held, &any_time, NOW);
    assert_eq!(nothing, Err(LimitError::NothingPending));
}

#[test]
fn leaving_a_limit_out_is_a_rise() {
    let held = [limit(Period::Month, 10_000, EUR)];
    let removing = replace(&held, &[], &delay(24), NOW).expect("a removal may be asked for");
    let later = NOW + hours(24);
    assert_eq!(in_force(&removing[0], later), Some(eur(10_000)));
    let removed = confirm(&removing, &delay(24), later);
    assert_eq!(removed, Ok(Vec::new()));
}

#[test]
fn the_same_wish_again_does_not_wait_anew_and_a_lower_one_withdraws_it() {
    let held = [limit(Period::Day, 10_000, EUR)];
    let wanted = [(Period::Day, eur(50_000))];
    let rising = replace(&held, &wanted, &delay(72), NOW).expect("a rise may be asked for");
    let again = replace(&rising, &wanted, &delay(72), NOW + hours(10));
    assert_eq!(again, Ok(rising.clone()));
    let same_as_now = [(Period::Day, eur(10_000))];
    let withdrawn = replace(&rising, &same_as_now, &delay(72), NOW + hours(10));
    assert_eq!(withdrawn, Ok(held.to_vec()));
}

#[test]
fn lists_that_make_no_sense_are_refused() {
    let held = [limit(Period::Day, 10_000, EUR)];
    let check = |wanted: &[(Period, Money)], expected: LimitError| {
        assert_eq!(replace(&held, wanted, &delay(1), NOW), Err(expected));
    };
    let day = (Period::Day, eur(1));
    check(&[day, day], LimitError::Twice(Period::Day));
    check(&[(Period::Day, eur(0))], LimitError::NotPositive);
    let other = LimitError::OtherCurrency { period: Period::Day, current: EUR };
    check(&[(Period::Day, Money::new(1, Currency::SEK))], other);
}

/// The terms of a market whose month is its own and where withdrawals count.
fn net_in_amsterdam() -> LimitTerms {
    let calendar = Calendar::new("Europe/Amsterdam", WeekStart::Monday).expect("it is a time zone");
    let month = Window::Running(Period::Month);
    LimitTerms { calendar, basis: Basis::Net, month, ..LimitTerms::default() }
}

#[test]
fn a_net_limit_names_what_it_counts_since_when_in_the_markets_time_and_until_when() {
    let month = [limit(Period::Month, 10_000, EUR)];
    let withdrawn = Movement {
        direction: Direction::Withdrawal,
        ..deposited(3, 3_000, NOW - hours(1), UseState::Counted)
    };
    let movements = [
        deposited(1, 50_000, datetime!(2026-02-28 22:59 UTC), UseState::Counted),
        deposited(2, 8_000, datetime!(2026-02-28 23:00 UTC), UseState::Counted),
        withdrawn,
    ];
    let measure = |movements: &[Movement]| {
        let all = measure(&month, (movements, None), &net_in_amsterdam(), NOW, &fx());
        all.into_iter().next().expect("one limit is in force")
    };
    let used = measure(&movements);
    assert_eq!(used.counted, "net deposits since 2026-03-01 00:00 Europe/Amsterdam");
    assert_eq!(used.since, datetime!(2026-02-28 23:00 UTC));
    assert_eq!(used.until, datetime!(2026-03-31 22:00 UTC));
    assert_eq!((used.used.clone(), used.count), (Ok(eur(5_000)), 2));
    assert_eq!(used.with(eur(5_000), &fx()), Ok(eur(10_000)));
    let under_way = Movement { state: UseState::Reserved, ..withdrawn };
    let used = measure(&[movements[1], under_way]);
    assert_eq!(used.used, Ok(eur(8_000)), "a payout that may still fail makes no room");
}

#[test]
fn a_deposit_that_is_screened_again_does_not_count_twice() {
    let day = [limit(Period::Day, 10_000, EUR)];
    let own = deposited(1, 7_000, NOW, UseState::Reserved);
    let terms = LimitTerms::default();
    let without = measure(&day, (&[own], Some(own.payment)), &terms, NOW, &fx());
    assert_eq!(without[0].used, Ok(eur(0)));
    let with = measure(&day, (&[own], None), &terms, NOW, &fx());
    assert_eq!(with[0].used, Ok(eur(7_000)));
}

#[test]
fn a_rise_that_also_waits_for_the_period_names_the_later_of_both() {
    let held = [limit(Period::Day, 1_000, EUR), limit(Period::Month, 10_000, EUR)];
    let wanted = [(Period::Day, eur(2_000)), (Period::Month, eur(20_000))];
    let terms = LimitTerms { rise_after_period: true, rise_delay: hours(72), ..net_in_amsterdam() };
    let rising = replace(&held, &wanted, &terms, NOW).expect("a rise may be asked for");
    let when: Vec<Option<Timestamp>> = rising
        .iter()
        .map(|limit| limit.pending.as_ref().map(|pending| pending.effective_at))
        .collect();
    let month_end = datetime!(2026-03-31 22:00 UTC);
    assert_eq!(when, [Some(NOW + hours(72)), Some(month_end)]);
    let confirmed = confirm(&rising, &terms, NOW + hours(72)).expect("that of the day is over");
    let allowed: Vec<Option<Money>> =
        confirmed.iter().map(|limit| in_force(limit, month_end)).collect();
    assert_eq!(allowed, [Some(eur(2_000)), Some(eur(10_000))], "that of the month was not");
}
