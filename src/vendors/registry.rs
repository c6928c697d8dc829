//! The vendors of each hook, as they are configured.

use super::kyt::look::Vendor;
use crate::screening::signals::Hook;
use std::collections::BTreeMap;
use std::time::Duration;

/// Who answers which hook. A hook may have several vendors: all of them are asked.
#[derive(Debug, Clone, Default)]
pub struct Vendors(BTreeMap<Hook, Vec<Listed>>);

/// A vendor, and how often one that is at work is asked again.
#[derive(Debug, Clone)]
pub struct Listed {
    pub vendor: Vendor,
    pub poll: Duration,
}

impl Vendors {
    pub fn add(&mut self, hook: Hook, listed: Listed) {
        self.0.entry(hook).or_default().push(listed);
    }

    pub fn of(&self, hook: Hook) -> &[Listed] {
        self.0.get(&hook).map(Vec::as_slice).unwrap_or_default()
    }
}
