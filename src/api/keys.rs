//! The API keys of the casinos' backends: who a key speaks for and what it may do.

use crate::domain::{OperatorId, PersonId};
use secrecy::{ExposeSecret, SecretString};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use thiserror::Error;

/// What a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    Players,
    Payments,
    /// The game platform's: stakes and wins.
    Wallet,
    Webhooks,
    /// Decisions, without what only compliance may know.
    Decisions,
    /// Wants a person's key.
    Compliance,
    /// Wants a person's key.
    Operate,
}

impl Scope {
    pub const ALL: [Scope; 7] = [
        Scope::Players,
        Scope::Payments,
        Scope::Wallet,
        Scope::Webhooks,
        Scope::Decisions,
        Scope::Compliance,
        Scope::Operate,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Scope::Players => "players",
            Scope::Payments => "payments",
            Scope::Wallet => "wallet",
            Scope::Webhooks => "webhooks",
            Scope::Decisions => "decisions",
            Scope::Compliance => "compliance",
            Scope::Operate => "operate",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == text)
    }

    /// Whether only a human being may hold it.
    pub const fn needs_person(self) -> bool {
        matches!(self, Scope::Compliance | Scope::Operate)
    }
}

/// One key, as configuration gives it.
#[derive(Debug, Clone)]
pub struct ApiKey {
    /// What `x-api-key` says: `sk_sandbox`. No secret.
    pub id: String,
    pub operator: OperatorId,
    /// One secret, or two while the old one is being replaced.
    pub secrets: Vec<SecretString>,
    pub scopes: Vec<Scope>,
    /// The human being whose key this is.
    pub person: Option<PersonId>,
}

/// Why a set of keys cannot be used.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum KeyFault {
    #[error("API key `{0}` is listed twice")]
    Twice(String),
    #[error("API key `{0}` needs one secret, or two during rotation; it has {1}")]
    Secrets(String, usize),
    #[error("a secret of API key `{0}` is empty")]
    EmptySecret(String),
}

/// All keys, found by id.
#[derive(Debug, Clone, Default)]
pub struct ApiKeys(HashMap<String, Arc<ApiKey>>);

impl ApiKeys {
    /// # Errors
    /// When a key is listed twice, or its secrets are too few, too many or empty. How long a secret must be is
    /// for configuration to say: the sandbox prints short ones.
    pub fn new(keys: impl IntoIterator<Item = ApiKey>) -> Result<Self, KeyFault> {
        let mut known = HashMap::new();
        for key in keys {
            let id = key.id.clone();
            if !(1..=2).contains(&key.secrets.len()) {
                return Err(KeyFault::Secrets(id, key.secrets.len()));
            }
            if key.secrets.iter().any(|secret| secret.expose_secret().is_empty()) {
                return Err(KeyFault::EmptySecret(id));
            }
            if known.insert(id.clone(), Arc::new(key)).is_some() {
                return Err(KeyFault::Twice(id));
            }
        }
        Ok(Self(known))
    }

    /// The human beings whose keys these are.
    pub fn people(&self) -> BTreeSet<(OperatorId, PersonId)> {
        let keys = self.0.values();
        keys.filter_map(|key| Some((key.operator.clone(), key.person.clone()?))).collect()
    }

    pub fn find(&self, id: &str) -> Option<&Arc<ApiKey>> {
        self.0.get(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: &str, secrets: &[&str]) -> ApiKey {
        ApiKey {
            id: id.to_owned(),
            operator: OperatorId::trusted("op_demo"),
            secrets: secrets.iter().map(|s| SecretString::from(*s)).collect(),
            scopes: vec![Scope::Payments],
            person: None,
        }
    }

    #[test]
    fn a_key_has_one_or_two_secrets() {
        let long = "0123456789abcdef0123456789abcdef";
        assert!(ApiKeys::new([key("a", &[long]), key("b", &[long, long])]).is_ok());
        let faults = [
            (vec![key("a", &[])], KeyFault::Secrets("a".into(), 0)),
            (vec![key("a", &[long; 3])], KeyFault::Secrets("a".into(), 3)),
            (vec![key("a", &[""])], KeyFault::EmptySecret("a".into())),
            (vec![key("a", &[long]), key("a", &[long])], KeyFault::Twice("a".into())),
        ];
        for (keys, fault) in faults {
            assert_eq!(ApiKeys::new(keys).err(), Some(fault));
        }
    }

    #[test]
    fn every_scope_survives_a_round_trip() {
        for scope in Scope::ALL {
            assert_eq!(Scope::parse(scope.as_str()), Some(scope));
        }
        assert_eq!(Scope::parse("all"), None);
    }
}
