//! Waiting for a condition, never for luck.

use super::pace::stretched;
use std::future::Future;
use std::time::Duration;

/// How often a condition is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Looks until there is something, and fails the test when the deadline passes first. The deadline is that
/// of an unhurried machine.
pub async fn eventually<T, F, L>(what: &str, within: Duration, look: L) -> T
where
    F: Future<Output = Option<T>>,
    L: FnMut() -> F,
{
    let found = try_eventually(within, look).await;
    found.unwrap_or_else(|| panic!("not within {within:?}: {what}"))
}

/// Looks until there is something or the deadline passes.
pub async fn try_eventually<T, F, L>(within: Duration, mut look: L) -> Option<T>
where
    F: Future<Output = Option<T>>,
    L: FnMut() -> F,
{
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    let looking = async {
        loop {
            ticks.tick().await;
            if let Some(found) = look().await {
                return found;
            }
        }
    };
    tokio::time::timeout(stretched(within), looking).await.ok()
}
