//! Germany: GlüStV 2021 §6c, 1,000 euros of deposits in a calendar month, over all operators. What
//! other operators took, the limit file knows; this is our own share of it.

use super::{Story, calendar, check_rise};
use crate::domain::Currency;
use crate::screening::calendar::{Period, Window};
use crate::screening::limit_terms::{Basis, LimitTerms};
use crate::screening::movement::UseState::{Counted, Released, Reserved};
use std::time::Duration;
use time::macros::datetime;

fn terms() -> LimitTerms {
    LimitTerms {
        calendar: calendar("Europe/Berlin"),
        basis: Basis::Gross,
        month: Window::Running(Period::Month),
        rise_delay: Duration::from_secs(7 * 24 * 3_600),
        ..LimitTerms::default()
    }
}

#[test]
fn a_month_is_the_calendars_and_counts_what_is_under_way() {
    let story = Story::new(
        Currency::EUR,
        &[
            (300, datetime!(2026-02-28 22:59 UTC), Counted),
            (400, datetime!(2026-02-28 23:00 UTC), Counted),
            (500, datetime!(2026-03-31 21:59 UTC), Reserved),
            (900, datetime!(2026-03-31 21:59 UTC), Released),
            (100, datetime!(2026-03-31 22:00 UTC), Counted),
        ],
    );
    story.check(&terms(), Period::Month, datetime!(2026-02-28 22:59:30 UTC), 300);
    story.check(&terms(), Period::Month, datetime!(2026-03-31 21:59:30 UTC), 900);
    story.check(&terms(), Period::Month, datetime!(2026-04-15 12:00 UTC), 100);
}

#[test]
fn a_rise_waits_for_seven_days() {
    for (asked, holds) in [
        (datetime!(2026-03-25 12:00 UTC), datetime!(2026-04-01 12:00 UTC)),
        (datetime!(2028-02-24 12:00 UTC), datetime!(2028-03-02 12:00 UTC)),
    ] {
        check_rise(&terms(), Period::Month, asked, holds);
    }
}
