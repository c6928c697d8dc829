//! Great Britain: RTS 12B of the Gambling Commission. Gross deposits over 24 hours, 7 days and one
//! month; a higher limit holds 24 hours after it was asked for, and is confirmed then.

use super::{Story, calendar, check_rise};
use crate::domain::Currency;
use crate::screening::calendar::{Period, Window};
use crate::screening::limit_terms::{Basis, LimitTerms};
use crate::screening::limits::ConfirmRise;
use crate::screening::movement::UseState::{Counted, Released, Reserved};
use std::time::Duration;
use time::macros::datetime;

fn terms() -> LimitTerms {
    LimitTerms {
        calendar: calendar("Europe/London"),
        basis: Basis::Gross,
        day: Window::Hours(24),
        week: Window::Days(7),
        month: Window::Months(1),
        rise_delay: Duration::from_secs(24 * 3_600),
        rise_confirm: ConfirmRise::AfterDelay,
        ..LimitTerms::default()
    }
}

#[test]
fn withdrawals_make_no_room_in_a_gross_limit() {
    let story = Story::new(
        Currency::GBP,
        &[
            (100, datetime!(2026-10-01 12:00 UTC), Counted),
            (-100, datetime!(2026-10-01 13:00 UTC), Counted),
            (50, datetime!(2026-10-01 14:00 UTC), Reserved),
            (70, datetime!(2026-10-01 15:00 UTC), Released),
        ],
    );
    for period in Period::ALL {
        story.check(&terms(), period, datetime!(2026-10-01 16:00 UTC), 150);
    }
}

#[test]
fn each_window_rolls_and_the_month_goes_back_to_the_same_day() {
    let story = Story::new(
        Currency::GBP,
        &[
            (1, datetime!(2026-09-30 12:00 UTC), Counted),
            (2, datetime!(2026-10-23 12:00 UTC), Counted),
            (4, datetime!(2026-10-30 11:00 UTC), Counted),
            (8, datetime!(2026-10-30 12:00 UTC), Counted),
        ],
    );
    // British clocks went back on 25 October: noon of September there is 11:00 UTC.
    let at = datetime!(2026-10-30 11:30 UTC);
    story.check(&terms(), Period::Day, at, 12);
    story.check(&terms(), Period::Week, at, 14);
    story.check(&terms(), Period::Month, at, 15);
    let at = datetime!(2026-10-30 13:00 UTC);
    story.check(&terms(), Period::Month, at, 14);
    let at = datetime!(2026-10-31 11:00 UTC);
    story.check(&terms(), Period::Day, at, 8);
}

#[test]
fn a_rise_waits_for_24_hours_also_when_clocks_change() {
    for (asked, holds) in [
        (datetime!(2026-10-01 12:00 UTC), datetime!(2026-10-02 12:00 UTC)),
        (datetime!(2026-10-24 23:30 UTC), datetime!(2026-10-25 23:30 UTC)),
        (datetime!(2026-12-31 18:00 UTC), datetime!(2027-01-01 18:00 UTC)),
    ] {
        for period in Period::ALL {
            check_rise(&terms(), period, asked, holds);
        }
    }
}
