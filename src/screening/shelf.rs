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
pub struct PolicyShelf {
    shelved: RwLock<Shelved>,
    /// The versions of the files that this installation brings along, published or not, with their hashes.
    shipped: Vec<(String, [u8; 32])>,
}

#[derive(Debug, Clone)]
struct Shelved {
    policies: Arc<Policies>,
    read_at: Timestamp,
}

impl PolicyShelf {
    pub fn new(policies: Policies, read_at: Timestamp, shipped: Vec<(String, [u8; 32])>) -> Self {
        Self { shelved: RwLock::new(Shelved { policies: Arc::new(policies), read_at }), shipped }
    }

    /// Whether a file of this installation says something else under this name. Once that is published, no
    /// instance starts any more.
    pub fn ships_otherwise(&self, version: &str, sha256: [u8; 32]) -> bool {
        self.shipped.iter().any(|(name, of_file)| name == version && *of_file != sha256)
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
        self.shelved.write().unwrap_or_else(PoisonError::into_inner).read_at = read_at;
    }

    pub fn set(&self, policies: Policies, read_at: Timestamp) {
        let shelved = Shelved { policies: Arc::new(policies), read_at };
        *self.shelved.write().unwrap_or_else(PoisonError::into_inner) = shelved;
    }

    fn shelved(&self) -> Shelved {
        self.shelved.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screening::MarketPolicy;
    use crate::screening::test_data::{NOW, policy};
    use proptest::prelude::*;

    /// Seconds at which a version is published, and how long after that it holds.
    fn timeline(lead: std::ops::Range<i64>) -> impl Strategy<Value = Vec<(i64, i64)>> {
        proptest::collection::vec((0..600_i64, lead), 1..8)
    }

    fn known(versions: &[(i64, i64)], read_at: i64) -> Policies {
        let read = versions.iter().enumerate().filter(|(_, (published, _))| *published <= read_at);
        let versions = read.map(|(number, (published, lead))| MarketPolicy {
            version: format!("{number}"),
            effective_from: NOW + time::Duration::seconds(published + lead),
            ..policy()
        });
        Policies::new(versions.collect())
    }

    fn in_force(versions: &[(i64, i64)], read_at: i64, at: i64) -> Option<String> {
        let at = NOW + time::Duration::seconds(at);
        known(versions, read_at).in_force("SE", at).map(|found| found.version.clone())
    }

    proptest! {
        /// An instance that read less than a minute ago, and one that knows all that ever was published,
        /// name the same version.
        #[test]
        fn the_version_in_force_is_the_same_for_whoever_asks(
            versions in timeline(60..300), at in 0..1_000_i64, age in 0..60_i64,
        ) {
            prop_assert_eq!(in_force(&versions, at - age, at), in_force(&versions, i64::MAX, at));
        }
    }

    /// The control: published a second before it holds, and read two seconds ago.
    #[test]
    fn a_version_that_holds_too_soon_would_be_missed() {
        let versions = [(0, 60), (100, 1)];
        assert_eq!(in_force(&versions, 99, 101).as_deref(), Some("0"));
        assert_eq!(in_force(&versions, i64::MAX, 101).as_deref(), Some("1"));
    }

    #[test]
    fn a_file_of_another_text_keeps_its_name() {
        let shipped = vec![("SE-1".to_owned(), [1; 32])];
        let shelf = PolicyShelf::new(Policies::new(vec![policy()]), NOW, shipped);
        let told = [("SE-1", 1), ("SE-1", 2), ("SE-2", 2)];
        let told = told.map(|(version, hash)| shelf.ships_otherwise(version, [hash; 32]));
        assert_eq!(told, [false, true, false]);
    }

    #[test]
    fn who_has_taken_the_policies_keeps_them_while_they_are_exchanged() {
        let shelf = PolicyShelf::new(Policies::new(vec![policy()]), NOW, Vec::new());
        let taken = shelf.current();
        shelf.set(Policies::default(), NOW + KNOWN_BEFORE);
        assert_eq!((taken.all().len(), shelf.current().all().len()), (1, 0));
        assert_eq!(shelf.read_at(), NOW + KNOWN_BEFORE);
    }
}
