//! Runs a worker until it is told to stop.
//!
//! To add a worker: a struct that holds what a look needs, `impl Worker` for it, and one
//! [`drive`] where the service is wired. The driver looks
//!
//! * after each period, jittered by a tenth so that instances do not march in step,
//! * at once when somebody nudges ([`Drive::nudge`]),
//! * at once again when a look did something, since more may be waiting ([`Worker::rest`] first),
//! * and after a growing pause, up to [`Worker::failure_pause_max`], when a look failed or panicked: a
//!   panic costs one look, never the worker.
//!
//! The token is only heard between looks; a stop that has waited long enough drops the driver with its look,
//! which is as good as a kill. A look that lasts longer than it ever
//! should ([`Worker::look_max`]) waits for something that is gone, a database host above all, and is cut
//! off: what it held is free when its lease ends, as after a kill, and the pool throws its connection
//! away. Each look's end is written to `worker_heartbeat` (at most
//! every few seconds, unless something changed) with the time by which the next must have come, and so is a
//! look that lasts for some seconds, with the time by which it is over or cut off: what takes long is not
//! stuck. `/readyz` needs no more than that.

use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::domain::Timestamp;
use crate::store::Pool;
use crate::store::db::within;
use crate::store::heartbeats::{self, Heartbeat};

/// The longest pause after failed looks.
pub const FAILURE_PAUSE_MAX: Duration = Duration::from_secs(30);
const FAILURE_PAUSE: Duration = Duration::from_millis(250);
/// A quiet worker's heartbeat is written at most this often.
const HEARTBEAT_EVERY: Duration = Duration::from_secs(5);
/// A look that lasts longer says so, and by when it will be over.
const LONG: Duration = Duration::from_secs(5);
/// What a worker may take beyond its period, or beyond its longest look, before it counts as stuck.
const HEARTBEAT_GRACE: Duration = Duration::from_secs(60);
/// After so long a look is cut off.
const LOOK_MAX: Duration = Duration::from_secs(60);
/// For looks that walk over much, or wait for one outsider after another, and keep what they have done so far.
pub const LONG_LOOK_MAX: Duration = Duration::from_secs(600);
/// For looks that do one thing as a whole, however much it is.
pub const HEAVY_LOOK_MAX: Duration = Duration::from_secs(3_600);

/// What one look did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Report {
    /// Rows that it took on.
    pub claimed: u64,
    /// Of these, brought to an end.
    pub done: u64,
    /// Of these, to be tried again or given up.
    pub failed: u64,
}

/// Something that is told to look.
pub trait Worker: Send + Sync + 'static {
    /// A short word for logs, metrics and heartbeats: `outbox`.
    fn name(&self) -> &'static str;

    /// How long nothing happens when nobody nudges.
    fn period(&self) -> Duration;

    /// How long it rests after a look that did something, whoever nudges: what comes meanwhile is
    /// done together.
    fn rest(&self) -> Duration {
        Duration::ZERO
    }

    /// The longest pause after failed looks, [`FAILURE_PAUSE_MAX`] at most: less where what it brings must
    /// hold at once when the database is back.
    fn failure_pause_max(&self) -> Duration {
        FAILURE_PAUSE_MAX
    }

    /// How long a look may last: [`LOOK_MAX`], [`LONG_LOOK_MAX`], [`HEAVY_LOOK_MAX`], or less where what it brings must hold soon.
    fn look_max(&self) -> Duration {
        LOOK_MAX
    }

    /// One look. It claims what is there, does it, and reports; it must stand being run by two
    /// instances at once and being killed at any point.
    fn activate(&self, now: Timestamp) -> impl Future<Output = anyhow::Result<Report>> + Send;

    /// Called once after the last look: waits for what a look has left running.
    fn drain(&self) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }
}

/// What the driver needs beside the worker.
#[derive(Debug, Clone)]
pub struct Drive {
    pub pool: Pool,
    /// The instance's stable name.
    pub instance: Arc<str>,
    pub clock: Arc<dyn Clock>,
    /// Anybody may call `notify_one` on it when there is something to look at.
    pub nudge: Arc<Notify>,
    pub shutdown: CancellationToken,
}

/// The state between two looks.
#[derive(Debug, Default)]
struct Pulse {
    looks: u64,
    failures: u32,
    beat_at: Option<Timestamp>,
    beat_failures: u32,
    /// The newest heartbeat speaks of a look that has only begun.
    told_long: bool,
}

/// Runs the worker until the token is cancelled, then drains it.
pub async fn drive<W: Worker>(worker: Arc<W>, drive: Drive) {
    let mut pulse = Pulse::default();
    while !drive.shutdown.is_cancelled() {
        let report = look(&*worker, &drive, &mut pulse).await;
        beat(&*worker, &drive, &mut pulse).await;
        if report.done > 0 && !worker.rest().is_zero() {
            tokio::select! {
                () = drive.shutdown.cancelled() => break,
                () = tokio::time::sleep(worker.rest()) => (),
            }
        }
        let pause = pause(&*worker, &pulse, report, &drive.instance);
        // A nudge that came during the look is remembered by the `Notify`.
        tokio::select! {
            () = drive.shutdown.cancelled() => break,
            () = drive.nudge.notified(), if pulse.failures == 0 => (),
            () = tokio::time::sleep(pause) => (),
        }
    }
    worker.drain().await;
}

async fn look<W: Worker>(worker: &W, drive: &Drive, pulse: &mut Pulse) -> Report {
    pulse.looks = pulse.looks.wrapping_add(1);
    let name = worker.name();
    let most = worker.look_max();
    let began = drive.clock.now();
    let activation = AssertUnwindSafe(worker.activate(began)).catch_unwind();
    let mut looking = pin!(tokio::time::timeout(most, activation));
    let ended = match tokio::time::timeout(LONG, &mut looking).await {
        Ok(ended) => ended,
        // Both to their end: a beat that was left on its way could overtake the one after the look.
        Err(_) => tokio::join!(looking, tell_long(worker, drive, pulse, began + most)).0,
    };
    let failure = match ended {
        Ok(Ok(Ok(report))) => {
            pulse.failures = 0;
            count(name, report);
            return report;
        }
        Ok(Ok(Err(error))) => error,
        Ok(Err(panic)) => anyhow::anyhow!("the worker panicked: {}", panic_text(&*panic)),
        Err(_) => anyhow::anyhow!("it was not over after {most:?} and was cut off"),
    };
    pulse.failures = pulse.failures.saturating_add(1);
    metrics::counter!("worker_looks_failed_total", "worker" => name).increment(1);
    tracing::error!(
        worker = name,
        failures = pulse.failures,
        error = format!("{failure:#}"),
        "a worker's look failed and will be repeated"
    );
    Report::default()
}

fn count(name: &'static str, report: Report) {
    metrics::counter!("worker_rows_total", "worker" => name, "result" => "done")
        .increment(report.done);
    metrics::counter!("worker_rows_total", "worker" => name, "result" => "failed")
        .increment(report.failed);
}

/// The message of a `panic!`; our own messages hold no personal data.
fn panic_text(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a message")
}

fn pause<W: Worker>(worker: &W, pulse: &Pulse, report: Report, instance: &str) -> Duration {
    if let Some(more) = pulse.failures.checked_sub(1) {
        return (FAILURE_PAUSE * (1 << more.min(16))).min(worker.failure_pause_max());
    }
    if report.done > 0 {
        return Duration::ZERO;
    }
    let chance = spread(instance, worker.name(), pulse.looks);
    let period = worker.period();
    // From 90 to 110 % of the period.
    period * 9 / 10 + period / 5 * u32::from(chance) / u32::from(u16::MAX)
}

/// Different for each instance, worker and look, and needing no source of chance (FNV-1a).
fn spread(instance: &str, worker: &str, look: u64) -> u16 {
    let bytes = instance.bytes().chain(worker.bytes()).chain(look.to_le_bytes());
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let [.., high, higher] = hash.to_le_bytes();
    u16::from_le_bytes([high, higher])
}

async fn beat<W: Worker>(worker: &W, drive: &Drive, pulse: &mut Pulse) {
    let now = drive.clock.now();
    let fresh = pulse.beat_at.is_some_and(|at| now - at < HEARTBEAT_EVERY);
    if fresh && pulse.beat_failures == pulse.failures && !pulse.told_long {
        return;
    }
    let due_by = now + worker.period() * 2 + FAILURE_PAUSE_MAX + HEARTBEAT_GRACE;
    if write_beat(worker, drive, pulse, (now, due_by)).await {
        pulse.told_long = false;
    }
}

/// A look has begun that is not over soon: until it must be, nobody is to wait for a sign of it. Where the
/// look is shorter than what the last beat allows, that stands.
async fn tell_long<W: Worker>(worker: &W, drive: &Drive, pulse: &mut Pulse, over_by: Timestamp) {
    if worker.look_max() <= LOOK_MAX {
        return;
    }
    let now = drive.clock.now();
    pulse.told_long = true;
    write_beat(worker, drive, pulse, (now, over_by + HEARTBEAT_GRACE)).await;
}

/// Writes it; false when the database did not take it: the looks say so, and an overdue heartbeat is the right
/// sign.
async fn write_beat<W: Worker>(
    worker: &W,
    drive: &Drive,
    pulse: &mut Pulse,
    (now, due_by): (Timestamp, Timestamp),
) -> bool {
    let heartbeat = Heartbeat {
        instance: &drive.instance,
        worker: worker.name(),
        at: now,
        due_by,
        failures: pulse.failures,
    };
    match within(LOOK_MAX, heartbeats::beat(&drive.pool, &heartbeat)).await {
        Ok(()) => {
            pulse.beat_at = Some(now);
            pulse.beat_failures = pulse.failures;
            true
        }
        Err(error) => {
            tracing::debug!(worker = worker.name(), %error, "a heartbeat was not written");
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Idle;

    impl Worker for Idle {
        fn name(&self) -> &'static str {
            "idle"
        }

        fn period(&self) -> Duration {
            Duration::from_secs(10)
        }

        async fn activate(&self, _now: Timestamp) -> anyhow::Result<Report> {
            Ok(Report::default())
        }
    }

    fn pause_after(looks: u64, failures: u32, done: u64) -> Duration {
        let pulse = Pulse { looks, failures, ..Pulse::default() };
        let report = Report { done, ..Report::default() };
        pause(&Idle, &pulse, report, "one")
    }

    #[test]
    fn the_period_is_jittered_by_a_tenth_either_way() {
        let pauses: Vec<Duration> = (0..500).map(|look| pause_after(look, 0, 0)).collect();
        let (least, most) = (pauses.iter().min().unwrap(), pauses.iter().max().unwrap());
        assert!((9_000..9_200).contains(&least.as_millis()), "{least:?}");
        assert!((10_800..=11_000).contains(&most.as_millis()), "{most:?}");
    }

    #[test]
    fn a_look_that_did_something_is_followed_by_another_at_once() {
        assert_eq!(pause_after(1, 0, 1), Duration::ZERO);
    }

    #[test]
    fn failures_make_the_pause_grow_up_to_its_bound() {
        assert_eq!(pause_after(1, 1, 0), FAILURE_PAUSE);
        assert_eq!(pause_after(1, 3, 0), 4 * FAILURE_PAUSE);
        assert_eq!(pause_after(1, u32::MAX, 0), FAILURE_PAUSE_MAX);
    }

    struct Stuck;

    impl Worker for Stuck {
        fn name(&self) -> &'static str {
            "stuck"
        }

        fn period(&self) -> Duration {
            FAILURE_PAUSE
        }

        fn look_max(&self) -> Duration {
            Duration::from_millis(5)
        }

        async fn activate(&self, _now: Timestamp) -> anyhow::Result<Report> {
            std::future::pending().await
        }
    }

    #[tokio::test]
    async fn a_look_that_waits_for_ever_is_cut_off_and_has_failed() {
        let drive = Drive {
            pool: Pool::connect_lazy("postgres://127.0.0.1:1/nowhere").expect("an address"),
            instance: "one".into(),
            clock: Arc::new(crate::clock::SystemClock),
            nudge: Arc::default(),
            shutdown: CancellationToken::new(),
        };
        let mut pulse = Pulse::default();
        assert_eq!(look(&Stuck, &drive, &mut pulse).await, Report::default());
        assert_eq!(pulse.failures, 1);
    }

    struct Urgent;

    impl Worker for Urgent {
        fn name(&self) -> &'static str {
            "urgent"
        }

        fn period(&self) -> Duration {
            FAILURE_PAUSE
        }

        fn failure_pause_max(&self) -> Duration {
            2 * FAILURE_PAUSE
        }

        async fn activate(&self, _now: Timestamp) -> anyhow::Result<Report> {
            Ok(Report::default())
        }
    }

    #[test]
    fn a_worker_that_brings_what_must_hold_pauses_no_longer_than_it_says() {
        let pulse = Pulse { looks: 9, failures: 9, ..Pulse::default() };
        let pause = pause(&Urgent, &pulse, Report::default(), "one");
        assert_eq!(pause, 2 * FAILURE_PAUSE);
    }
}
