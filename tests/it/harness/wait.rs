//! Waiting for a condition, never for luck.

use super::pace::stretched;
use std::future::Future;
use std::time::Duration;

/// How often a condition is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Looks until there is something, and fails the test when the deadline passes first, which is that of
/// an unhurried machine.
pub async fn eventually<T, F, L>(what: &str, within: Duration, look: L) -> T
where
    F: Future<Output = Option<T>>,
    L: FnMut() -> F,
{
    let found = try_eventually(within, look).await;
    found.unwrap_or_else(|| panic!("not within {within:?}: {what}"))
}

/// Looks until there is something or the deadline passes, which is that of an unhurried machine.
pub async fn try_eventually<T, F, L>(within: Duration, look: L) -> Option<T>
where
    F: Future<Output = Option<T>>,
    L: FnMut() -> F,
{
    for_a_moment(stretched(within), look).await
}

/// As [`try_eventually`], where mostly nothing happens and nothing hangs on it: as long everywhere.
pub async fn for_a_moment<T, F, L>(moment: Duration, mut look: L) -> Option<T>
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
    tokio::time::timeout(moment, looking).await.ok()
}
