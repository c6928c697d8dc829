//! What signing in to the console needs besides the database.

use sha2::{Digest, Sha256};
use std::sync::Arc;
use time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Passwords that are hashed at a time; each takes 19 MiB and a processor, and the others' are the payments'.
const HASHES_AT_A_TIME: usize = 1;
/// People who wait for their turn meanwhile; the next one is sent away at once.
const WAITING_MAX: usize = 16;

/// The key under which secrets of the second factor are sealed.
#[derive(Clone)]
pub struct ConsoleKey([u8; 32]);

impl ConsoleKey {
    /// Of any text that is long enough to be a secret.
    pub fn of(secret: &[u8]) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"interlock console v1\0");
        hash.update(secret);
        Self(hash.finalize().into())
    }

    pub(super) const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl std::fmt::Debug for ConsoleKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ConsoleKey")
    }
}

/// How people sign in.
#[derive(Debug, Clone)]
pub struct ConsoleDesk {
    pub key: ConsoleKey,
    /// Whoever has no second factor yet must set one up before anything else.
    pub totp_required: bool,
    /// A session ends after so long without a request, and at the latest after so long.
    pub idle: Duration,
    pub whole: Duration,
    hashing: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

/// Leave to have one password hashed. It is given back when that is done, whoever still waits for it.
#[derive(Debug)]
pub struct Turn(OwnedSemaphorePermit);

/// As many wait for their turn as may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("as many people are signing in as may wait for it")]
pub struct Crowded;

impl ConsoleDesk {
    pub fn new(key: ConsoleKey, totp_required: bool, idle: Duration, whole: Duration) -> Self {
        let hashing = Arc::new(Semaphore::new(HASHES_AT_A_TIME));
        let waiting = Arc::new(Semaphore::new(WAITING_MAX));
        Self { key, totp_required, idle, whole, hashing, waiting }
    }

    /// Waits until a password may be hashed. Whoever goes away meanwhile frees their place: else anybody who knows
    /// the sign-in page could let a queue grow that nobody stands in.
    ///
    /// # Errors
    /// At once where enough people wait.
    pub async fn turn(&self) -> Result<Turn, Crowded> {
        let _place = self.waiting.try_acquire().map_err(|_| Crowded)?;
        self.hashing.clone().acquire_owned().await.map(Turn).map_err(|_| Crowded)
    }

    /// Does the work of a password, of which only few run at a time: more would let anybody who knows the
    /// sign-in page take all processors and all memory.
    pub(super) async fn hashing<T: Send + 'static>(
        turn: Turn,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let whole = move || {
            let Turn(_permit) = turn;
            work()
        };
        tokio::task::spawn_blocking(whole).await.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use std::pin::Pin;

    type Asking<'d> = Pin<Box<dyn Future<Output = Result<Turn, Crowded>> + 'd>>;

    fn desk() -> ConsoleDesk {
        let key = ConsoleKey::of(b"a key of the test");
        ConsoleDesk::new(key, true, Duration::minutes(30), Duration::hours(12))
    }

    /// Stands in the queue.
    fn waits(desk: &ConsoleDesk) -> Asking<'_> {
        let mut asking: Asking<'_> = Box::pin(desk.turn());
        assert!(asking.as_mut().now_or_never().is_none(), "somebody else has the turn");
        asking
    }

    #[tokio::test]
    async fn only_so_many_wait_for_their_turn_and_who_goes_away_frees_the_place() {
        let desk = desk();
        let first = desk.turn().await.unwrap();
        let mut queue: Vec<Asking<'_>> = (0..WAITING_MAX).map(|_| waits(&desk)).collect();
        let sent_away = || desk.turn().now_or_never().map(|turn| turn.err());
        assert_eq!(sent_away(), Some(Some(Crowded)), "and not kept waiting");
        drop(queue.pop());
        queue.push(waits(&desk));
        assert_eq!(sent_away(), Some(Some(Crowded)));
        drop(first);
        let next = queue.remove(0).now_or_never();
        assert!(matches!(next, Some(Ok(_))), "it is the turn of who waits the longest: {next:?}");
    }

    /// What is hashed is hashed to its end: the processor is taken until then.
    #[tokio::test]
    async fn a_turn_is_over_when_its_work_is() {
        let desk = desk();
        let (go, gone) = std::sync::mpsc::channel::<()>();
        let turn = desk.turn().await.unwrap();
        let mut work = Box::pin(ConsoleDesk::hashing(turn, move || gone.recv()));
        assert!(work.as_mut().now_or_never().is_none());
        drop(work);
        let next = waits(&desk);
        go.send(()).unwrap();
        assert!(next.await.is_ok());
    }
}
