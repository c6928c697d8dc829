//! The PSP accounts of this instance: clients to call, and what each can do.
//!
//! The clients can be exchanged for new ones while the service runs: secrets are changed without a
//! restart. All of them change at once, and a call that is under way keeps the client it began with.
//! Which accounts there are, and what they can do, stays as it was at the start.

use crate::decide::PspFacts;
use psp_adapters::Psp;
use psp_contract::Capabilities;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

type Clients = BTreeMap<String, Arc<Psp>>;

/// All configured PSP accounts by id.
#[derive(Debug, Default)]
pub struct PspRegistry {
    capabilities: BTreeMap<String, Capabilities>,
    clients: RwLock<Arc<Clients>>,
}

/// Why new clients are not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("accounts are added and removed by a restart only; these differ: {}", .0.join(", "))]
pub struct OtherAccounts(pub Vec<String>);

impl PspRegistry {
    pub fn new(accounts: impl IntoIterator<Item = Psp>) -> Self {
        let clients = by_id(accounts);
        let capabilities =
            clients.iter().map(|(id, psp)| (id.clone(), psp.capabilities().clone())).collect();
        Self { capabilities, clients: RwLock::new(Arc::new(clients)) }
    }

    pub fn get(&self, account: &str) -> Option<Arc<Psp>> {
        self.clients.read().unwrap_or_else(PoisonError::into_inner).get(account).cloned()
    }

    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.capabilities.keys().map(String::as_str)
    }

    pub fn knows(&self, account: &str) -> bool {
        self.capabilities.contains_key(account)
    }

    /// Where a deposit whose answer is lost may have been paid all the same, and so goes nowhere else.
    pub fn unanswered_is_unknown(&self) -> impl Iterator<Item = String> {
        let hangs =
            |can: &Capabilities| can.deposit.as_ref().is_some_and(|it| !it.needs_our_answer);
        self.capabilities.iter().filter(move |(_, can)| hangs(can)).map(|(id, _)| id.clone())
    }

    /// Puts new clients of the same accounts in the place of all old ones.
    ///
    /// # Errors
    /// When they are of other accounts; the old ones then stay.
    pub fn swap(&self, accounts: impl IntoIterator<Item = Psp>) -> Result<(), OtherAccounts> {
        let clients = by_id(accounts);
        let ours = self.capabilities.keys().filter(|id| !clients.contains_key(*id));
        let theirs = clients.keys().filter(|id| !self.capabilities.contains_key(*id));
        let differ: Vec<String> = ours.chain(theirs).cloned().collect();
        if !differ.is_empty() {
            return Err(OtherAccounts(differ));
        }
        *self.clients.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(clients);
        Ok(())
    }
}

fn by_id(accounts: impl IntoIterator<Item = Psp>) -> Clients {
    accounts.into_iter().map(|psp| (psp.account_id().to_owned(), Arc::new(psp))).collect()
}

impl PspFacts for PspRegistry {
    fn capabilities(&self, psp: &str) -> Option<&Capabilities> {
        self.capabilities.get(psp)
    }
}
