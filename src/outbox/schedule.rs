//! L1: when a delivery is tried again, and what an endpoint's answers make of its health. Pure: the
//! time and the chance are arguments.
//!
//! A delivery climbs twelve steps over 75 hours. An endpoint has a breaker of its own: after
//! [`BREAKER_FAILURES`] failures in a row it is left alone for a while and then gets one probe at a
//! time, so that a dead receiver costs nothing. Five days of tries without a success disable it.

use psp_contract::Timestamp;
use std::time::Duration;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

/// The wait before each try, in seconds, counted from the try before it.
pub const STEPS_SECS: [u64; 12] = [
    0,
    1,
    5,
    30,
    5 * MINUTE,
    30 * MINUTE,
    2 * HOUR,
    5 * HOUR,
    10 * HOUR,
    14 * HOUR,
    20 * HOUR,
    24 * HOUR,
];

/// Failures in a row from which an endpoint is only probed.
pub const BREAKER_FAILURES: u32 = 5;
/// How long an endpoint may fail before it is disabled; days on which nothing was tried are none of it.
pub const DISABLE_AFTER: Duration = Duration::from_secs(5 * 24 * HOUR);

/// No ladder waits as long as this between two tries: whoever was not tried for longer had nothing to
/// be tried with, and begins to fail anew.
const LEFT_ALONE: Duration = Duration::from_secs(48 * HOUR);
const BREAKER_PAUSE: Duration = Duration::from_secs(5);
/// The pause doubles with each further failure, up to 64 times: five minutes and twenty seconds.
const BREAKER_DOUBLINGS_MAX: u32 = 6;
/// For a receiver that asks to be spared and does not say for how long.
const THROTTLE_PAUSE: Duration = Duration::from_secs(5);
/// No receiver can silence itself for longer than this by one header.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * HOUR);
/// Deliveries that one claim takes from a healthy endpoint.
const CLAIM_MAX: u32 = 32;
/// Deliveries that one claim takes from an endpoint whose last try failed.
const CLAIM_AFTER_FAILURE: u32 = 4;

/// A deviation of at most 20 % either way, so that receivers that fell together are not tried
/// together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Jitter(u64);

impl Jitter {
    pub const NONE: Self = Self(1_000);

    /// Any number becomes a factor from 0.800 to 1.200.
    pub const fn from_chance(chance: u64) -> Self {
        Self(800 + chance % 401)
    }

    fn stretch(self, wait_secs: u64) -> Duration {
        Duration::from_millis(wait_secs * self.0)
    }
}

/// The wait before the next try when `tries_made` have failed; `None` when the ladder has ended.
pub fn schedule(tries_made: u32, jitter: Jitter) -> Option<Duration> {
    let step = usize::try_from(tries_made).ok()?;
    STEPS_SECS.get(step).map(|secs| jitter.stretch(*secs))
}

/// What one try told about the endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    Delivered,
    Failed,
    /// 429, 502, 504, or 503 with a `Retry-After`.
    Throttled {
        retry_after: Option<Duration>,
    },
    /// 410: the receiver wants nothing more, ever.
    Gone,
}

/// How an endpoint is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Health {
    pub failing_since: Option<Timestamp>,
    pub failures_in_row: u32,
    pub paused_until: Option<Timestamp>,
}

/// Why an endpoint was disabled by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disabled {
    Gone,
    FailingTooLong,
}

impl Disabled {
    pub const fn as_str(self) -> &'static str {
        match self {
            Disabled::Gone => "the receiver answered 410 Gone",
            Disabled::FailingTooLong => "no delivery succeeded for five days",
        }
    }
}

impl Health {
    /// The health after one more try at `at`.
    pub fn after(self, signal: Signal, at: Timestamp) -> Result<Self, Disabled> {
        match signal {
            Signal::Delivered => Ok(self.succeeded(at)),
            Signal::Gone => Err(Disabled::Gone),
            Signal::Failed => self.failed(at, Duration::ZERO),
            Signal::Throttled { retry_after } => {
                let pause = retry_after.unwrap_or(THROTTLE_PAUSE).min(RETRY_AFTER_MAX);
                self.failed(at, pause)
            }
        }
    }

    /// A pause that is not over began while this try was under way: whoever asked for time is given it,
    /// whatever else it answers. A probe is sent after the pause, so that its success ends the breaker.
    fn succeeded(self, at: Timestamp) -> Self {
        let paused_until = self.paused_until.filter(|until| at < *until);
        Self { paused_until, ..Self::default() }
    }

    fn failed(self, at: Timestamp, asked_pause: Duration) -> Result<Self, Disabled> {
        let since = self.failing_since.filter(|_| !self.was_left_alone(at)).unwrap_or(at);
        if at - since >= DISABLE_AFTER {
            return Err(Disabled::FailingTooLong);
        }
        let failures = self.failures_in_row.saturating_add(1);
        let pause = breaker_pause(failures).max(asked_pause);
        let paused_until = (!pause.is_zero()).then(|| at + pause).max(self.paused_until);
        Ok(Self { failing_since: Some(since), failures_in_row: failures, paused_until })
    }

    /// Whether nothing was tried for so long that no ladder was under way. Every ladder's fifth failure
    /// opens the breaker, so that the end of its pause tells when the last try was; without a pause a
    /// ladder is at its beginning.
    fn was_left_alone(&self, at: Timestamp) -> bool {
        self.paused_until.is_some_and(|until| at - until > LEFT_ALONE)
    }

    /// How many deliveries may be claimed now: none while paused, one probe while the breaker is
    /// half open.
    pub fn allowance(&self, now: Timestamp) -> u32 {
        if self.paused_until.is_some_and(|until| now < until) {
            0
        } else if self.failures_in_row >= BREAKER_FAILURES {
            1
        } else if self.failures_in_row > 0 {
            CLAIM_AFTER_FAILURE
        } else {
            CLAIM_MAX
        }
    }
}

fn breaker_pause(failures: u32) -> Duration {
    match failures.checked_sub(BREAKER_FAILURES) {
        None => Duration::ZERO,
        Some(more) => BREAKER_PAUSE * (1 << more.min(BREAKER_DOUBLINGS_MAX)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    const T0: Timestamp = datetime!(2026-03-01 12:00 UTC);

    #[test]
    fn the_ladder_has_twelve_steps_over_75_hours() {
        let waits: Vec<Duration> = (0..).map_while(|n| schedule(n, Jitter::NONE)).collect();
        assert_eq!(waits.len(), 12);
        assert_eq!(waits[0], Duration::ZERO);
        let hours = waits.iter().sum::<Duration>().as_secs() / HOUR;
        assert_eq!(hours, 75);
        assert_eq!(schedule(12, Jitter::NONE), None);
        assert_eq!(schedule(u32::MAX, Jitter::NONE), None);
    }

    #[test]
    fn the_jitter_stays_within_a_fifth_and_reaches_both_ends() {
        let waits: Vec<Duration> =
            (0..401).filter_map(|chance| schedule(3, Jitter::from_chance(chance))).collect();
        assert_eq!(waits.iter().min(), Some(&Duration::from_secs(24)));
        assert_eq!(waits.iter().max(), Some(&Duration::from_secs(36)));
    }

    #[test]
    fn five_failures_open_the_breaker_and_one_success_closes_it() {
        let mut health = Health::default();
        assert_eq!(health.allowance(T0), CLAIM_MAX);
        for _ in 0..4 {
            health = health.after(Signal::Failed, T0).unwrap();
            assert_eq!(health.allowance(T0), CLAIM_AFTER_FAILURE);
        }
        health = health.after(Signal::Failed, T0).unwrap();
        assert_eq!(health.allowance(T0), 0);
        assert_eq!(health.allowance(T0 + BREAKER_PAUSE), 1, "one probe");
        let later = T0 + BREAKER_PAUSE;
        health = health.after(Signal::Failed, later).unwrap();
        assert_eq!(health.paused_until, Some(later + 2 * BREAKER_PAUSE));
        health = health.after(Signal::Delivered, later + 2 * BREAKER_PAUSE).unwrap();
        assert_eq!(health, Health::default());
    }

    #[test]
    fn the_breakers_pause_is_bounded() {
        assert_eq!(breaker_pause(4), Duration::ZERO);
        assert_eq!(breaker_pause(u32::MAX), Duration::from_secs(320));
    }

    #[test]
    fn a_retry_after_is_honoured_within_a_day() {
        let ask = |secs| Signal::Throttled { retry_after: Some(Duration::from_secs(secs)) };
        let paused = |signal| Health::default().after(signal, T0).unwrap().paused_until;
        assert_eq!(paused(ask(120)), Some(T0 + Duration::from_secs(120)));
        assert_eq!(paused(ask(u64::MAX)), Some(T0 + RETRY_AFTER_MAX));
        let unsaid = Signal::Throttled { retry_after: None };
        assert_eq!(paused(unsaid), Some(T0 + THROTTLE_PAUSE));
    }

    #[test]
    fn a_success_that_was_under_way_ends_no_pause() {
        let hour = Duration::from_secs(HOUR);
        let busy = Signal::Throttled { retry_after: Some(hour) };
        let health = Health::default().after(busy, T0).unwrap();
        let health = health.after(Signal::Delivered, T0).unwrap();
        assert_eq!(health, Health { paused_until: Some(T0 + hour), ..Health::default() });
        assert_eq!(health.allowance(T0 + hour - Duration::from_secs(1)), 0);
        assert_eq!(health.allowance(T0 + hour), CLAIM_MAX);
        let health = health.after(Signal::Delivered, T0 + hour).unwrap();
        assert_eq!(health, Health::default());
    }

    #[test]
    fn five_days_of_failure_disable_and_a_success_between_starts_them_anew() {
        let day = Duration::from_secs(24 * HOUR);
        let first = Health::default().after(Signal::Failed, T0).unwrap();
        let fourth = first.after(Signal::Failed, T0 + 4 * day).unwrap();
        assert_eq!(fourth.after(Signal::Failed, T0 + 5 * day), Err(Disabled::FailingTooLong));
        let well = fourth.after(Signal::Delivered, T0 + 4 * day).unwrap();
        assert!(well.after(Signal::Failed, T0 + 5 * day).is_ok());
    }

    #[test]
    fn days_on_which_nothing_was_tried_disable_nobody() {
        let (mut health, mut at) = (Health::default(), T0);
        for wait in (0..).map_while(|n| schedule(n, Jitter::NONE)) {
            at += wait;
            health = health.after(Signal::Failed, at).unwrap();
        }
        let (week, day) = (Duration::from_secs(7 * 24 * HOUR), Duration::from_secs(24 * HOUR));
        let later = health.after(Signal::Failed, at + week).unwrap();
        assert_eq!(later.failing_since, Some(at + week), "a week without a try lies between");
        // The longest wait of the ladder is no such gap.
        let steady = health.after(Signal::Failed, at + day).unwrap();
        assert_eq!(steady.failing_since, Some(T0));
        assert_eq!(steady.after(Signal::Failed, at + 2 * day), Err(Disabled::FailingTooLong));
    }

    #[test]
    fn a_410_disables_at_once() {
        let gone = Health::default().after(Signal::Gone, T0);
        assert_eq!(gone, Err(Disabled::Gone));
    }
}
