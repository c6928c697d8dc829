//! The Netherlands, since 1 October 2024 (Stcrt 2024, 19648): what counts is deposits less
//! withdrawals of the calendar month.

use super::{Story, calendar};
use crate::domain::Currency;
use crate::screening::calendar::{Period, Window};
use crate::screening::limit_terms::{Basis, LimitTerms};
use crate::screening::movement::UseState::{Counted, Released, Reserved};
use time::macros::datetime;

fn terms() -> LimitTerms {
    LimitTerms {
        calendar: calendar("Europe/Amsterdam"),
        basis: Basis::Net,
        day: Window::Running(Period::Day),
        week: Window::Running(Period::Week),
        month: Window::Running(Period::Month),
        ..LimitTerms::default()
    }
}

#[test]
fn a_paid_withdrawal_makes_room_and_one_that_may_still_fail_does_not() {
    let story = Story::new(
        Currency::EUR,
        &[
            (500, datetime!(2026-11-02 12:00 UTC), Counted),
            (300, datetime!(2026-11-03 12:00 UTC), Reserved),
            (-100, datetime!(2026-11-04 12:00 UTC), Counted),
            (-200, datetime!(2026-11-05 12:00 UTC), Reserved),
            (-400, datetime!(2026-11-06 12:00 UTC), Released),
        ],
    );
    story.check(&terms(), Period::Month, datetime!(2026-11-30 12:00 UTC), 700);
}

#[test]
fn the_month_begins_at_the_midnight_of_amsterdam() {
    let story = Story::new(
        Currency::EUR,
        &[
            // 23:59 of 31 October, and midnight of 1 November, in winter time.
            (10, datetime!(2026-10-31 22:59 UTC), Counted),
            (20, datetime!(2026-10-31 23:00 UTC), Counted),
            (-5, datetime!(2026-10-31 22:00 UTC), Counted),
        ],
    );
    story.check(&terms(), Period::Month, datetime!(2026-10-31 22:59:59 UTC), 5);
    story.check(&terms(), Period::Month, datetime!(2026-11-15 12:00 UTC), 20);
}

#[test]
fn who_won_and_took_it_out_has_a_sum_below_zero() {
    let story = Story::new(
        Currency::EUR,
        &[
            (100, datetime!(2026-11-02 12:00 UTC), Counted),
            (-900, datetime!(2026-11-04 12:00 UTC), Counted),
        ],
    );
    story.check(&terms(), Period::Month, datetime!(2026-11-30 12:00 UTC), -800);
}
