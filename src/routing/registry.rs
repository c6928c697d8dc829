//! The PSP accounts of this instance: clients to call, and what each can do.

use crate::decide::PspFacts;
use psp_adapters::Psp;
use psp_contract::Capabilities;
use std::collections::BTreeMap;
use std::sync::Arc;

/// All configured PSP accounts by id.
#[derive(Debug, Clone, Default)]
pub struct PspRegistry {
    accounts: BTreeMap<String, Arc<Psp>>,
}

impl PspRegistry {
    pub fn new(accounts: impl IntoIterator<Item = Psp>) -> Self {
        let by_id = |psp: Psp| (psp.account_id().to_owned(), Arc::new(psp));
        Self { accounts: accounts.into_iter().map(by_id).collect() }
    }

    pub fn get(&self, account: &str) -> Option<&Arc<Psp>> {
        self.accounts.get(account)
    }

    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.accounts.keys().map(String::as_str)
    }
}

impl PspFacts for PspRegistry {
    fn capabilities(&self, psp: &str) -> Option<&Capabilities> {
        self.accounts.get(psp).map(|psp| psp.capabilities())
    }
}
