use super::*;
use time::macros::datetime;

fn stockholm() -> Calendar {
    Calendar::new("Europe/Stockholm", WeekStart::Monday).expect("it is a time zone")
}

fn sao_paulo() -> Calendar {
    Calendar::new("America/Sao_Paulo", WeekStart::Sunday).expect("it is a time zone")
}

#[track_caller]
fn check(calendar: &Calendar, period: Period, at: Timestamp, from: Timestamp, to: Timestamp) {
    let found = calendar.period(period, at);
    assert_eq!((found.from, found.to), (from, to));
    assert!(found.contains(from) && !found.contains(to), "the first moment, and not the last");
}

#[test]
fn a_day_begins_at_the_markets_midnight_and_not_at_that_of_utc() {
    let late = datetime!(2026-11-20 23:30 UTC);
    let (from, to) = (datetime!(2026-11-20 23:00 UTC), datetime!(2026-11-21 23:00 UTC));
    check(&stockholm(), Period::Day, late, from, to);
    let (from, to) = (datetime!(2026-11-20 03:00 UTC), datetime!(2026-11-21 03:00 UTC));
    check(&sao_paulo(), Period::Day, late, from, to);
    let (from, to) = (datetime!(2026-11-20 0:00 UTC), datetime!(2026-11-21 0:00 UTC));
    check(&Calendar::utc(), Period::Day, late, from, to);
}

/// tzdata, Europe: summer time begins at 01:00 UTC of the last Sunday of March and ends at 01:00
/// UTC of the last Sunday of October.
#[test]
fn the_days_when_clocks_change_have_23_and_25_hours() {
    for (at, from, to, hours) in [
        (
            datetime!(2026-03-29 12:00 UTC),
            datetime!(2026-03-28 23:00 UTC),
            datetime!(2026-03-29 22:00 UTC),
            23,
        ),
        (
            datetime!(2026-10-25 12:00 UTC),
            datetime!(2026-10-24 22:00 UTC),
            datetime!(2026-10-25 23:00 UTC),
            25,
        ),
    ] {
        check(&stockholm(), Period::Day, at, from, to);
        assert_eq!((to - from).whole_hours(), hours);
    }
}

/// tzdata, Brazil: until 2019 summer time began by skipping the first hour of a Sunday, so that the
/// day began at 01:00, and ended by repeating the last hour of a Saturday.
#[test]
fn a_day_without_a_midnight_begins_at_its_first_moment() {
    let (from, to) = (datetime!(2018-11-04 03:00 UTC), datetime!(2018-11-05 02:00 UTC));
    check(&sao_paulo(), Period::Day, datetime!(2018-11-04 12:00 UTC), from, to);
    assert_eq!(sao_paulo().text(from), "2018-11-04 01:00 America/Sao_Paulo");
    let (from, to) = (datetime!(2018-02-17 02:00 UTC), datetime!(2018-02-18 03:00 UTC));
    check(&sao_paulo(), Period::Day, datetime!(2018-02-18 02:30 UTC), from, to);
    assert_eq!((to - from).whole_hours(), 25);
}

#[test]
fn a_month_ends_where_it_ends_in_leap_years_too() {
    for (at, from, to) in [
        (
            datetime!(2026-01-31 12:00 UTC),
            datetime!(2025-12-31 23:00 UTC),
            datetime!(2026-01-31 23:00 UTC),
        ),
        (
            datetime!(2028-02-29 12:00 UTC),
            datetime!(2028-01-31 23:00 UTC),
            datetime!(2028-02-29 23:00 UTC),
        ),
        (
            datetime!(2027-02-28 22:59:59 UTC),
            datetime!(2027-01-31 23:00 UTC),
            datetime!(2027-02-28 23:00 UTC),
        ),
        // March has both: it begins in winter and ends in summer time.
        (
            datetime!(2026-03-10 12:00 UTC),
            datetime!(2026-02-28 23:00 UTC),
            datetime!(2026-03-31 22:00 UTC),
        ),
    ] {
        check(&stockholm(), Period::Month, at, from, to);
    }
}

#[test]
fn a_week_begins_on_monday_or_on_sunday() {
    // 15 November 2026 is a Sunday.
    let sunday = datetime!(2026-11-15 12:00 UTC);
    let from_sunday = Calendar::new("UTC", WeekStart::Sunday).expect("it is a time zone");
    let (from, to) = (datetime!(2026-11-09 0:00 UTC), datetime!(2026-11-16 0:00 UTC));
    check(&Calendar::utc(), Period::Week, sunday, from, to);
    let (from, to) = (datetime!(2026-11-15 0:00 UTC), datetime!(2026-11-22 0:00 UTC));
    check(&from_sunday, Period::Week, sunday, from, to);
    // The week in which Stockholm's clocks go back has an hour more.
    let (from, to) = (datetime!(2026-10-18 22:00 UTC), datetime!(2026-10-25 23:00 UTC));
    check(&stockholm(), Period::Week, datetime!(2026-10-25 12:00 UTC), from, to);
}

#[test]
fn a_rolling_month_goes_back_to_the_same_day_or_to_the_end_of_a_shorter_month() {
    for (at, from) in [
        (datetime!(2026-02-28 12:00 UTC), datetime!(2026-01-28 12:00 UTC)),
        (datetime!(2026-03-31 12:00 UTC), datetime!(2026-02-28 12:00 UTC)),
        (datetime!(2028-03-31 12:00 UTC), datetime!(2028-02-29 12:00 UTC)),
        (datetime!(2026-03-01 12:00 UTC), datetime!(2026-02-01 12:00 UTC)),
    ] {
        assert_eq!(Window::Months(1).bounds(&Calendar::utc(), at).from, from, "{at}");
    }
    // At noon of Stockholm, whatever its clocks did in between.
    let found = Window::Months(1).bounds(&stockholm(), datetime!(2026-04-15 10:00 UTC));
    assert_eq!(found.from, datetime!(2026-03-15 11:00 UTC));
}

#[test]
fn a_rolling_window_does_not_reach_the_moment_its_length_ago_and_overlooks_no_clock_ahead() {
    let now = datetime!(2026-03-29 12:00 UTC);
    let second = Duration::from_secs(1);
    for (window, length) in [
        (Window::Hours(24), Duration::from_secs(24 * HOUR_S)),
        (Window::Days(7), Duration::from_secs(7 * DAY_S)),
        (Window::Days(180), Duration::from_secs(180 * DAY_S)),
    ] {
        let bounds = window.bounds(&stockholm(), now);
        assert!(!bounds.contains(now - length), "{window}");
        assert!(bounds.contains(now - length + second), "{window}");
        assert!(bounds.contains(now + second), "{window}");
    }
}

#[test]
fn a_windows_text_names_it_and_nothing_else_does() {
    for (text, window) in [
        ("24 hours", Window::Hours(24)),
        ("7 days", Window::Days(7)),
        ("1 month", Window::Months(1)),
        ("calendar week", Window::Running(Period::Week)),
    ] {
        assert_eq!(text.parse(), Ok(window));
        assert_eq!(window.to_string().parse(), Ok(window));
    }
    for text in ["", "day", "0 days", "-1 days", "10000 days", "2 weeks", "calendar year"] {
        assert_eq!(text.parse::<Window>(), Err(UnknownWindow(text.to_owned())));
    }
}

#[test]
fn a_window_in_words_says_since_when_in_the_markets_time() {
    let now = datetime!(2026-11-20 12:00 UTC);
    for (window, words) in [
        (Window::Hours(24), "of the last 24 hours"),
        (Window::Days(30), "of the last 30 days"),
        (Window::Months(1), "of the last month"),
        (Window::Running(Period::Month), "since 2026-11-01 00:00 Europe/Stockholm"),
        (Window::Running(Period::Week), "since 2026-11-16 00:00 Europe/Stockholm"),
    ] {
        assert_eq!(window.words(&stockholm(), now), words);
    }
}

#[test]
fn a_zone_that_does_not_exist_is_refused() {
    let refused = Calendar::new("Europe/Stokholm", WeekStart::Monday);
    assert_eq!(refused, Err(UnknownZone("Europe/Stokholm".to_owned())));
}

#[test]
fn no_window_reaches_back_further_than_it_says() {
    let calendars = [stockholm(), sao_paulo(), Calendar::utc()];
    let windows = [
        Window::Hours(24),
        Window::Days(180),
        Window::Months(1),
        Window::Months(12),
        Window::Running(Period::Day),
        Window::Running(Period::Week),
        Window::Running(Period::Month),
    ];
    for day in 0..800 {
        let at = datetime!(2026-01-01 0:30 UTC) + Duration::from_secs(day * DAY_S);
        for (calendar, window) in calendars.iter().zip([windows; 3]) {
            for window in window {
                assert!(at - window.reach() <= window.bounds(calendar, at).from, "{window} {at}");
            }
        }
    }
}
