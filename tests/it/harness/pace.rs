//! How slow this machine is just now. Real time passes for PSPs, leases and workers; on a machine that
//! others use too, everything that is given a time is given more of it.

use sqlx::PgPool;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// What one [`sample`] takes where nothing else runs.
const UNHURRIED: Duration = Duration::from_millis(60);
/// In thousandths: never faster than that machine, and a test that waits in vain still ends.
const LEAST: u32 = 1_000;
const MOST: u32 = 8_000;

const LOOKS: u32 = 200;
const COMMITS: u32 = 5;

/// The newest reading, in thousandths. One for all tests of a run: they share the machine.
static PACE: AtomicU32 = AtomicU32::new(LEAST);

/// A duration on an unhurried machine, on this one.
pub fn stretched(unhurried: Duration) -> Duration {
    unhurried * PACE.load(Ordering::Relaxed) / LEAST
}

/// Reads the pace anew: at once where it got slower, by half where it got faster.
pub async fn take(rows: &PgPool) {
    let took = sample(rows).await;
    let read = took.as_micros() * u128::from(LEAST) / UNHURRIED.as_micros();
    let read = u32::try_from(read).unwrap_or(MOST).clamp(LEAST, MOST);
    let before = PACE.load(Ordering::Relaxed);
    let now = read.max(before.midpoint(read));
    println!("pace {now} of {LEAST}: the sample took {took:?}");
    PACE.store(now, Ordering::Relaxed);
}

/// Round trips to the database and a few commits that reach the disk: what payments are made of.
async fn sample(rows: &PgPool) -> Duration {
    let began = Instant::now();
    for _ in 0..LOOKS {
        sqlx::query("select 1").execute(rows).await.unwrap();
    }
    for _ in 0..COMMITS {
        let commit = "select pg_logical_emit_message(true, 'pace', '')";
        sqlx::query(commit).execute(rows).await.unwrap();
    }
    began.elapsed()
}
