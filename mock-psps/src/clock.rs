//! The mocks' only look at the wall clock, and the two ways in which the PSPs write a time.
//!
//! The control API can set the clock of all mocks of a run forward, so that what takes a PSP days can be
//! played in seconds. Everything a mock does happens [`Offset::in_time`]; two runs in one process each have
//! a time of their own.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
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

tokio::task_local! {
    static OFFSET: Offset;
}

/// How far the mocks of one run are ahead of the machine's clock.
#[derive(Clone, Debug, Default)]
pub(crate) struct Offset(Arc<AtomicI64>);

impl Offset {
    /// Runs work to which it is so much later.
    pub(crate) async fn in_time<W: Future>(self, work: W) -> W::Output {
        OFFSET.scope(self, work).await
    }

    /// The same routes, to which it is so much later.
    pub(crate) fn around(&self, routes: Router) -> Router {
        let offset = self.clone();
        routes.layer(middleware::from_fn(move |request: Request, next: Next| {
            offset.clone().in_time(next.run(request))
        }))
    }

    fn duration(&self) -> Duration {
        Duration::seconds(self.0.load(Ordering::Relaxed))
    }
}

/// Sets the clock of all mocks of this run.
pub(crate) fn set_ahead(ahead_s: i64) {
    // Nothing of a run happens outside its time, so there is one to be set.
    let _ = OFFSET.try_with(|offset| offset.0.store(ahead_s, Ordering::Relaxed));
}

pub(crate) fn now() -> OffsetDateTime {
    let ahead = OFFSET.try_with(Offset::duration).unwrap_or(Duration::ZERO);
    let now = OffsetDateTime::now_utc();
    now.checked_add(ahead).unwrap_or(now)
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
