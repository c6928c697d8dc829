//! What signing in to the console needs besides the database.

use sha2::{Digest, Sha256};
use std::sync::Arc;
use time::Duration;
use tokio::sync::Semaphore;

/// Passwords that are hashed at a time; each takes 19 MiB and a processor.
const HASHES_AT_A_TIME: usize = 2;

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
}

impl ConsoleDesk {
    pub fn new(key: ConsoleKey, totp_required: bool, idle: Duration, whole: Duration) -> Self {
        let hashing = Arc::new(Semaphore::new(HASHES_AT_A_TIME));
        Self { key, totp_required, idle, whole, hashing }
    }

    /// Does the work of a password, of which only a few run at a time: more would let anybody who knows the
    /// sign-in page take all processors and all memory.
    pub(super) async fn hashing<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let _permit = self.hashing.acquire().await.ok()?;
        tokio::task::spawn_blocking(work).await.ok()
    }
}
