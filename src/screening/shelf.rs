//! The policies that this instance decides by, to be exchanged while it runs.

use super::Policies;
use crate::domain::Timestamp;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// How long before it comes into force a version must have been published. Every instance looks for new
/// ones much more often, so all of them know it by then.
pub const KNOWN_BEFORE: Duration = Duration::from_secs(60);

/// The published versions as they were read last. Whoever decides takes [`PolicyShelf::current`] once and
/// keeps it to the end of the decision.
#[derive(Debug)]
pub struct PolicyShelf(RwLock<Shelved>);

#[derive(Debug, Clone)]
struct Shelved {
    policies: Arc<Policies>,
    read_at: Timestamp,
}

impl PolicyShelf {
    pub fn new(policies: Policies, read_at: Timestamp) -> Self {
        Self(RwLock::new(Shelved { policies: Arc::new(policies), read_at }))
    }

    pub fn current(&self) -> Arc<Policies> {
        self.shelved().policies
    }

    /// When the versions were known to be all that there are.
    pub fn read_at(&self) -> Timestamp {
        self.shelved().read_at
    }

    /// There are no others than before.
    pub fn confirm(&self, read_at: Timestamp) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).read_at = read_at;
    }

    pub fn set(&self, policies: Policies, read_at: Timestamp) {
        let shelved = Shelved { policies: Arc::new(policies), read_at };
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = shelved;
    }

    fn shelved(&self) -> Shelved {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
