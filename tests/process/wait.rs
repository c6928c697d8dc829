//! Waiting for a condition, never for luck.

use std::future::Future;
use std::time::Duration;
use tokio::time::{Instant, interval};

/// How long anything may take on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(25);

/// Looks again and again until there is something.
pub async fn until<T, F: Future<Output = Option<T>>>(what: &str, look: impl FnMut() -> F) -> T {
    match try_until(PATIENCE, look).await {
        Some(found) => found,
        None => panic!("waited {PATIENCE:?} in vain for {what}"),
    }
}

/// As [`until`], and tells when the time is over.
pub async fn try_until<T, F: Future<Output = Option<T>>>(
    patience: Duration,
    mut look: impl FnMut() -> F,
) -> Option<T> {
    let end = Instant::now() + patience;
    let mut looks = interval(LOOK_EVERY);
    loop {
        looks.tick().await;
        if let Some(found) = look().await {
            return Some(found);
        }
        if end < Instant::now() {
            return None;
        }
    }
}
