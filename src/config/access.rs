//! Operators, and the keys of those who call us.

use super::reader::Section;
use super::secret::{Secrets, is_empty};
use crate::domain::PersonId;
use secrecy::SecretString;
use std::collections::BTreeSet;
use std::str::FromStr;

/// A casino brand: players, payments, keys and PSP accounts are its own.
#[derive(Debug, Clone)]
pub struct Operator {
    /// `op_demo`
    pub id: String,
    pub name: String,
    /// Hosts that a `return_url` may name.
    pub return_hosts: Vec<String>,
}

impl Operator {
    fn read(section: &Section<'_>) -> Self {
        let id = section.text("id");
        if !id.is_empty() && !is_id(&id, "op_") {
            section.fault("id", "must be `op_` and then a-z, 0-9 or _");
        }
        Self { id, name: section.text("name"), return_hosts: section.texts("return_hosts") }
    }
}

/// What a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    Players,
    Payments,
    Wallet,
    Webhooks,
    Decisions,
    Compliance,
    Operate,
}

impl Scope {
    pub const ALL: [Scope; 7] = [
        Self::Players,
        Self::Payments,
        Self::Wallet,
        Self::Webhooks,
        Self::Decisions,
        Self::Compliance,
        Self::Operate,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Players => "players",
            Self::Payments => "payments",
            Self::Wallet => "wallet",
            Self::Webhooks => "webhooks",
            Self::Decisions => "decisions",
            Self::Compliance => "compliance",
            Self::Operate => "operate",
        }
    }

    /// Whether a person must stand behind the key.
    pub const fn needs_person(self) -> bool {
        matches!(self, Self::Compliance | Self::Operate)
    }
}

impl FromStr for Scope {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let named = |scope: &Scope| scope.as_str() == text;
        Self::ALL.into_iter().find(named).ok_or(())
    }
}

#[derive(Debug, Clone)]
pub struct ApiKey {
    /// What is sent in `x-api-key`; no secret.
    pub id: String,
    pub operator_id: String,
    pub scopes: BTreeSet<Scope>,
    /// The human behind it: all keys and accounts of one human carry the same.
    pub person_id: Option<String>,
    pub secret: SecretString,
    /// Live too, during a rotation.
    pub second_secret: Option<SecretString>,
}

impl ApiKey {
    fn read(section: &Section<'_>, secrets: &Secrets<'_>) -> Self {
        let id = section.text("id");
        if !id.is_empty() && !is_id(&id, "sk_") {
            section.fault("id", "must be `sk_` and then a-z, 0-9 or _");
        }
        let one_of = "one of players, payments, wallet, webhooks, decisions, compliance, operate";
        let scopes: BTreeSet<Scope> = section.parsed_texts("scopes", one_of).into_iter().collect();
        if scopes.is_empty() {
            section.fault("scopes", "is empty: this key could do nothing");
        }
        let person_id = section.opt_text("person_id");
        if let (Some(scope), None) = (scopes.iter().find(|one| one.needs_person()), &person_id) {
            let scope = scope.as_str();
            section.fault("person_id", format!("is missing: `{scope}` takes a person"));
        }
        if person_id.as_deref().is_some_and(|id| PersonId::parse(id).is_none()) {
            // The console's accounts name people so: another name would be another person, and two people decide.
            section.fault("person_id", "must be 1 to 64 visible ASCII characters");
        }
        let secret = secrets.flat(section, "secret");
        if secret.is_none() {
            section.fault("secret", "is missing: give secret_env or secret_file");
        }
        Self {
            id,
            operator_id: section.text("operator"),
            scopes,
            person_id,
            secret: secret.unwrap_or_else(|| SecretString::from("")),
            second_secret: secrets
                .flat(section, "second_secret")
                .filter(|secret| !is_empty(secret)),
        }
    }
}

pub(super) fn read(root: &Section<'_>, secrets: &Secrets<'_>) -> (Vec<Operator>, Vec<ApiKey>) {
    let mut operators: Vec<Operator> = Vec::new();
    for section in root.sections("operators") {
        let operator = Operator::read(&section);
        if operators.iter().any(|other| other.id == operator.id) {
            section.fault("id", format!("`{}` is there twice", operator.id));
        }
        operators.push(operator);
    }
    if operators.is_empty() {
        root.fault("operators", "is empty: nobody could use this service");
    }
    let mut keys: Vec<ApiKey> = Vec::new();
    for section in root.sections("api_keys") {
        let key = ApiKey::read(&section, secrets);
        if keys.iter().any(|other| other.id == key.id) {
            section.fault("id", format!("`{}` is there twice", key.id));
        }
        if !operators.iter().any(|known| known.id == key.operator_id) {
            section.fault("operator", "names no operator");
        }
        keys.push(key);
    }
    (operators, keys)
}

fn is_id(id: &str, prefix: &str) -> bool {
    let rest = id.strip_prefix(prefix).unwrap_or_default();
    let plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_');
    !rest.is_empty() && rest.bytes().all(plain)
}
