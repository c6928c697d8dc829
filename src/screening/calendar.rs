//! A market's calendar: where its days, weeks and months begin and end.
//!
//! The law of a market speaks of its own days. In Stockholm one of them has 23 hours and another
//! 25, and a day there begins while it is still yesterday in UTC. The rules of the world's time
//! zones are compiled in: the machine's own files and clock are never asked, so that the same
//! moment falls into the same period on every machine, and on the day of a replay.
//!
//! Times are the `time` crate's everywhere else; they become `jiff`'s, and come back, in this file
//! only.

use crate::domain::Timestamp;
use jiff::civil::{Date, Weekday};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Span, Zoned};
use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;
use std::time::Duration;
use time::{OffsetDateTime, PrimitiveDateTime};

const HOUR_S: u64 = 60 * 60;
const DAY_S: u64 = 24 * HOUR_S;

/// The world's time zones, as of the version that is compiled in.
static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Period {
    Day,
    Week,
    Month,
}

impl Period {
    pub const ALL: [Period; 3] = [Period::Day, Period::Week, Period::Month];

    pub const fn as_str(self) -> &'static str {
        match self {
            Period::Day => "day",
            Period::Week => "week",
            Period::Month => "month",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|period| period.as_str() == text)
    }
}

/// The first day of a week, which countries do not agree about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WeekStart {
    #[default]
    Monday,
    Sunday,
}

impl WeekStart {
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "monday" => Some(WeekStart::Monday),
            "sunday" => Some(WeekStart::Sunday),
            _ => None,
        }
    }

    const fn weekday(self) -> Weekday {
        match self {
            WeekStart::Monday => Weekday::Monday,
            WeekStart::Sunday => Weekday::Sunday,
        }
    }
}

/// No time zone has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no time zone: give its IANA name, as Europe/Stockholm")]
pub struct UnknownZone(pub String);

/// A time zone and the first day of the week.
#[derive(Clone, PartialEq, Eq)]
pub struct Calendar {
    zone: TimeZone,
    week_start: WeekStart,
}

impl Calendar {
    /// # Errors
    /// [`UnknownZone`].
    pub fn new(zone: &str, week_start: WeekStart) -> Result<Self, UnknownZone> {
        let zone = ZONES.get(zone).map_err(|_| UnknownZone(zone.to_owned()))?;
        Ok(Self { zone, week_start })
    }

    /// The calendar of who says nothing of theirs: UTC, weeks from Monday on.
    pub const fn utc() -> Self {
        Self { zone: TimeZone::UTC, week_start: WeekStart::Monday }
    }

    /// The zone's IANA name.
    pub fn zone(&self) -> &str {
        self.zone.iana_name().unwrap_or("UTC")
    }

    /// The day that a moment falls into.
    pub fn day(&self, at: Timestamp) -> time::Date {
        let day = |zoned: Zoned| {
            let month = time::Month::try_from(u8::try_from(zoned.month()).ok()?).ok()?;
            let number = u8::try_from(zoned.day()).ok()?;
            time::Date::from_calendar_date(i32::from(zoned.year()), month, number).ok()
        };
        self.local(at).and_then(day).unwrap_or_else(|| at.date())
    }

    /// The day, week or month that a moment falls into.
    ///
    /// A day begins at its first moment: where clocks skip midnight that is not midnight.
    pub fn period(&self, period: Period, at: Timestamp) -> Bounds {
        self.try_period(period, at).unwrap_or(Bounds::ALL_TIME)
    }

    /// When the next day, week or month begins.
    pub fn next_start(&self, period: Period, at: Timestamp) -> Timestamp {
        self.period(period, at).to
    }

    fn try_period(&self, period: Period, at: Timestamp) -> Option<Bounds> {
        let today = self.local(at)?.date();
        let (first, length) = match period {
            Period::Day => (today, Span::new().days(1)),
            Period::Week => {
                let passed = today.weekday().since(self.week_start.weekday());
                (today.checked_sub(Span::new().days(passed)).ok()?, Span::new().weeks(1))
            }
            Period::Month => (today.first_of_month(), Span::new().months(1)),
        };
        let next = first.checked_add(length).ok()?;
        let (from, to) = (self.start_of(first)?, self.start_of(next)?);
        Some(Bounds { from, to, rolls: false })
    }

    /// The same time of the day so many months before, or the last day of a month that is shorter:
    /// a month before 31 March is 28 February.
    fn months_before(&self, at: Timestamp, months: u16) -> Option<Timestamp> {
        let before = self.local(at)?.checked_sub(Span::new().months(i64::from(months))).ok()?;
        timestamp(&before)
    }

    fn local(&self, at: Timestamp) -> Option<Zoned> {
        let instant = jiff::Timestamp::from_nanosecond(at.unix_timestamp_nanos()).ok()?;
        Some(instant.to_zoned(self.zone.clone()))
    }

    /// The first moment of a day.
    fn start_of(&self, day: Date) -> Option<Timestamp> {
        timestamp(&day.to_zoned(self.zone.clone()).ok()?)
    }

    /// A moment as the market's people write it, `"2026-11-01 00:00 Europe/Stockholm"`.
    pub fn text(&self, at: Timestamp) -> String {
        let local = self.local(at).map(|local| local.strftime("%Y-%m-%d %H:%M").to_string());
        format!("{} {}", local.unwrap_or_else(|| at.to_string()), self.zone())
    }
}

impl fmt::Debug for Calendar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { week_start, .. } = self;
        f.debug_struct("Calendar")
            .field("zone", &self.zone())
            .field("week_start", week_start)
            .finish()
    }
}

fn timestamp(zoned: &Zoned) -> Option<Timestamp> {
    OffsetDateTime::from_unix_timestamp_nanos(zoned.timestamp().as_nanosecond()).ok()
}

/// From when to when something is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    pub from: Timestamp,
    /// Of a period of the calendar its end, which is the beginning of the next; of a rolling window
    /// the moment that was asked about.
    pub to: Timestamp,
    rolls: bool,
}

impl Bounds {
    /// What stands for a period at the ends of what can be told at all: nothing is left out.
    const ALL_TIME: Bounds = Bounds {
        from: PrimitiveDateTime::MIN.assume_utc(),
        to: PrimitiveDateTime::MAX.assume_utc(),
        rolls: false,
    };

    /// A period includes its first moment and not its last. A rolling window does not include the
    /// moment exactly its length ago, and has no end: what another instance, whose clock is a little
    /// ahead, has written is counted and not overlooked.
    pub fn contains(&self, at: Timestamp) -> bool {
        if self.rolls { self.from < at } else { self.from <= at && at < self.to }
    }
}

/// A stretch of time that amounts are counted over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Window {
    /// So many hours back from now.
    Hours(u16),
    /// So many times 24 hours back from now, whatever clocks did meanwhile.
    Days(u16),
    /// Back to the same day and time of an earlier month.
    Months(u16),
    /// The running day, week or month of the market.
    Running(Period),
}

impl Window {
    /// Its bounds as seen at a moment.
    pub fn bounds(self, calendar: &Calendar, at: Timestamp) -> Bounds {
        let from = match self {
            Window::Running(period) => return calendar.period(period, at),
            Window::Months(months) => calendar.months_before(at, months),
            Window::Hours(_) | Window::Days(_) => at.checked_sub(self.reach_signed()),
        };
        from.map_or(Bounds::ALL_TIME, |from| Bounds { from, to: at, rolls: true })
    }

    /// How far back it can reach at most, in any time zone.
    pub fn reach(self) -> Duration {
        let days = match self {
            Window::Hours(hours) => return Duration::from_secs(u64::from(hours) * HOUR_S),
            Window::Days(days) => u64::from(days),
            Window::Months(months) => u64::from(months) * 31 + 1,
            // Clocks were once moved on by a whole day, and are moved back by an hour each year.
            Window::Running(Period::Day) => 2,
            Window::Running(Period::Week) => 8,
            Window::Running(Period::Month) => 32,
        };
        Duration::from_secs(days * DAY_S)
    }

    fn reach_signed(self) -> time::Duration {
        time::Duration::try_from(self.reach()).unwrap_or(time::Duration::MAX)
    }

    /// The window after "deposits": `of the last 24 hours`, `since 2026-11-01 00:00
    /// Europe/Stockholm`.
    pub fn words(self, calendar: &Calendar, at: Timestamp) -> String {
        let last = |count: u16, one: &str, many: &str| match count {
            1 => format!("of the last {one}"),
            _ => format!("of the last {count} {many}"),
        };
        match self {
            Window::Hours(hours) => last(hours, "hour", "hours"),
            Window::Days(days) => last(days, "24 hours", "days"),
            Window::Months(months) => last(months, "month", "months"),
            Window::Running(_) => {
                format!("since {}", calendar.text(self.bounds(calendar, at).from))
            }
        }
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Window::Hours(count) => write!(f, "{count} hours"),
            Window::Days(count) => write!(f, "{count} days"),
            Window::Months(count) => write!(f, "{count} months"),
            Window::Running(period) => write!(f, "calendar {}", period.as_str()),
        }
    }
}

/// What a text must be to name a window.
pub const WINDOW_FORM: &str = "\"24 hours\", \"7 days\", \"1 month\" (back from now), or \"calendar day\", \"calendar week\", \
     \"calendar month\" (the market's own)";

impl FromStr for Window {
    type Err = UnknownWindow;

    fn from_str(text: &str) -> Result<Self, UnknownWindow> {
        let unknown = || UnknownWindow(text.to_owned());
        let (first, unit) = text.split_once(' ').ok_or_else(unknown)?;
        if first == "calendar" {
            return Period::parse(unit).map(Window::Running).ok_or_else(unknown);
        }
        let count = first.parse().ok().filter(|count| (1..=9_999).contains(count));
        let count: u16 = count.ok_or_else(unknown)?;
        match unit.trim_end_matches('s') {
            "hour" => Ok(Window::Hours(count)),
            "day" => Ok(Window::Days(count)),
            "month" => Ok(Window::Months(count)),
            _ => Err(unknown()),
        }
    }
}

/// No window is named so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no window: it must be {WINDOW_FORM}")]
pub struct UnknownWindow(pub String);

#[cfg(test)]
#[path = "calendar_tests.rs"]
mod tests;
