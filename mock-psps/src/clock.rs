//! The mocks' only look at the wall clock, and the two ways in which the PSPs write a time.

use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{Duration, OffsetDateTime};

const RFC3339_MILLIS: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
const RFC3339_SECONDS: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
const TRUSTLY: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day] [hour]:[minute]:[second].[subsecond digits:6]+00");
const DAY: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");

pub(crate) fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

/// `now`, seen from `age_s` seconds ago: a message that pretends to be older than it is.
pub(crate) fn aged(age_s: i64) -> OffsetDateTime {
    let now = now();
    now.checked_sub(Duration::seconds(age_s)).unwrap_or(now)
}

/// `2026-01-02T03:04:05.678Z`, as TrueLayer writes times in bodies.
pub(crate) fn millis(at: OffsetDateTime) -> String {
    at.format(RFC3339_MILLIS).unwrap_or_default()
}

/// `2026-01-02T03:04:05Z`, as TrueLayer writes `X-Tl-Webhook-Timestamp`.
pub(crate) fn seconds(at: OffsetDateTime) -> String {
    at.format(RFC3339_SECONDS).unwrap_or_default()
}

/// `2026-01-02 03:04:05.678901+00`, as Trustly writes times.
pub(crate) fn trustly(at: OffsetDateTime) -> String {
    at.format(TRUSTLY).unwrap_or_default()
}

/// `2026-01-02`.
pub(crate) fn day(at: OffsetDateTime) -> String {
    at.format(DAY).unwrap_or_default()
}
