//! Sweden: Spelinspektionen, 2021-12-13, on raising deposit limits. A higher limit holds 72 hours after
//! it was asked for at the earliest, and not before the running day, week or month is over. The
//! regulator's own example: with 24 hours of the period left, the new limit holds 48 hours after
//! its end.

use super::{Story, calendar, check_rise};
use crate::domain::Currency;
use crate::screening::calendar::{Period, Window};
use crate::screening::limit_terms::{Basis, LimitTerms};
use crate::screening::movement::UseState::Counted;
use std::time::Duration;
use time::macros::datetime;

fn terms() -> LimitTerms {
    LimitTerms {
        calendar: calendar("Europe/Stockholm"),
        basis: Basis::Gross,
        day: Window::Running(Period::Day),
        week: Window::Running(Period::Week),
        month: Window::Running(Period::Month),
        rise_delay: Duration::from_secs(72 * 3_600),
        rise_after_period: true,
        ..LimitTerms::default()
    }
}

#[test]
fn with_24_hours_of_the_period_left_a_rise_holds_48_hours_after_its_end() {
    // The week ends on Sunday 22 November, the month on Monday 30 November, at 23:00 UTC.
    let (week_end, month_end) = (datetime!(2026-11-22 23:00 UTC), datetime!(2026-11-30 23:00 UTC));
    let hours = |count: u64| Duration::from_secs(count * 3_600);
    check_rise(&terms(), Period::Week, week_end - hours(24), week_end + hours(48));
    check_rise(&terms(), Period::Month, month_end - hours(24), month_end + hours(48));
}

#[test]
fn with_more_than_72_hours_left_a_rise_holds_at_the_end_of_the_period() {
    // Monday 16 November, 12:00 in Stockholm.
    let asked = datetime!(2026-11-16 11:00 UTC);
    check_rise(&terms(), Period::Day, asked, datetime!(2026-11-19 11:00 UTC));
    check_rise(&terms(), Period::Week, asked, datetime!(2026-11-22 23:00 UTC));
    check_rise(&terms(), Period::Month, asked, datetime!(2026-11-30 23:00 UTC));
    // Exactly 72 hours before the end both come to the same.
    let asked = datetime!(2026-11-19 23:00 UTC);
    check_rise(&terms(), Period::Week, asked, datetime!(2026-11-22 23:00 UTC));
}

#[test]
fn the_end_of_a_period_is_that_of_the_markets_clocks() {
    // The week of 25 October 2026 has an hour more, that of 29 March an hour less.
    let asked = datetime!(2026-10-19 10:00 UTC);
    check_rise(&terms(), Period::Week, asked, datetime!(2026-10-25 23:00 UTC));
    let asked = datetime!(2026-03-23 11:00 UTC);
    check_rise(&terms(), Period::Week, asked, datetime!(2026-03-29 22:00 UTC));
    // March begins in winter time and ends in summer time; February of a leap year has 29 days.
    let asked = datetime!(2026-03-02 11:00 UTC);
    check_rise(&terms(), Period::Month, asked, datetime!(2026-03-31 22:00 UTC));
    let asked = datetime!(2028-02-02 11:00 UTC);
    check_rise(&terms(), Period::Month, asked, datetime!(2028-02-29 23:00 UTC));
}

#[test]
fn a_new_day_week_and_month_begin_with_nothing_used() {
    let mut told = vec![
        (1_000, datetime!(2026-10-31 12:00 UTC), Counted),
        (2_000, datetime!(2026-11-01 12:00 UTC), Counted),
    ];
    // 1 November 2026 is a Sunday: the last day of its week and the first of its month.
    let (story, sunday) = (Story::new(Currency::SEK, &told), datetime!(2026-11-01 22:59 UTC));
    story.check(&terms(), Period::Day, sunday, 2_000);
    story.check(&terms(), Period::Week, sunday, 3_000);
    story.check(&terms(), Period::Month, sunday, 2_000);
    told.push((4_000, datetime!(2026-11-01 23:00 UTC), Counted));
    let (story, monday) = (Story::new(Currency::SEK, &told), datetime!(2026-11-01 23:30 UTC));
    story.check(&terms(), Period::Day, monday, 4_000);
    story.check(&terms(), Period::Week, monday, 4_000);
    story.check(&terms(), Period::Month, monday, 6_000);
}
