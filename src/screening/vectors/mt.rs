//! Malta: the duties of the FIAU's Implementing Procedures, Part II, begin at 2,000 euros over a
//! rolling 180 days; a limit's rise waits for 24 hours.

use super::{Story, calendar, check_rise};
use crate::domain::{Currency, Money, Timestamp};
use crate::screening::aggregate::{Flow, Query, States, aggregate};
use crate::screening::calendar::{Period, Window};
use crate::screening::limit_terms::LimitTerms;
use crate::screening::movement::UseState::Counted;
use crate::screening::test_data::fx;
use std::time::Duration;
use time::macros::datetime;

const ACCRUED: Query = Query {
    flow: Flow::Deposits,
    window: Window::Days(180),
    states: States::LIVE,
    currency: Currency::EUR,
    band: None,
};

#[track_caller]
fn check(story: &Story, at: Timestamp, units: i64) {
    let malta = calendar("Europe/Malta");
    let found = aggregate(&story.movements, &ACCRUED, None, (&malta, at), &fx());
    assert_eq!(found.sum, Ok(Money::new(units * 100, Currency::EUR)));
}

#[test]
fn deposits_add_up_over_180_days_and_then_leave_one_by_one() {
    let story = Story::new(
        Currency::EUR,
        &[
            (900, datetime!(2026-01-10 12:00 UTC), Counted),
            (700, datetime!(2026-03-01 12:00 UTC), Counted),
            (400, datetime!(2026-07-09 11:59 UTC), Counted),
        ],
    );
    // 180 days after 10 January 12:00 is 9 July 12:00.
    check(&story, datetime!(2026-07-09 11:59 UTC), 2_000);
    check(&story, datetime!(2026-07-09 12:00 UTC), 1_100);
    check(&story, datetime!(2026-08-28 12:00 UTC), 400);
}

#[test]
fn a_rise_waits_for_24_hours() {
    let terms = LimitTerms {
        calendar: calendar("Europe/Malta"),
        rise_delay: Duration::from_secs(24 * 3_600),
        ..LimitTerms::default()
    };
    for period in Period::ALL {
        let asked = datetime!(2026-03-28 23:30 UTC);
        check_rise(&terms, period, asked, datetime!(2026-03-29 23:30 UTC));
    }
}
