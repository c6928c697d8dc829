//! What a vendor of identity needs beside an address and secrets: whose players it tells of, and what its
//! own levels are worth here.

use super::access::Operator;
use super::checks::CheckVendor;
use super::reader::Reader;
use super::reader::Section;
use crate::domain::OperatorId;
use secrecy::{ExposeSecret, SecretString};
use std::collections::BTreeMap;
use std::time::Duration;

/// The shortest secret that messages may be signed with.
const SECRET_BYTES_MIN: usize = 16;
const PATIENCE_S_MAX: i64 = 30 * 86_400;
const SECRETS: [&str; 2] = ["webhook_secret", "webhook_secret_next"];

/// An account whose operator is nobody here would tell of players that nobody has. A sandbox may have
/// operators of its own beside the built-in accounts.
pub(super) fn check(vendors: &[CheckVendor], operators: &[Operator], reader: &Reader<'_>) {
    for (index, terms) in
        vendors.iter().enumerate().filter_map(|(at, it)| Some((at, it.identity.as_ref()?)))
    {
        if !operators.iter().any(|operator| operator.id == terms.operator.as_str()) {
            reader.fault(&format!("checks[{index}].operator"), "is no operator of this file");
        }
    }
}

/// The terms of one account at a vendor of identity.
#[derive(Debug, Clone)]
pub struct IdentityTerms {
    /// Whose players it tells of: an account belongs to one casino.
    pub operator: OperatorId,
    /// Whether verifications of the vendor's sandbox count.
    pub sandbox: bool,
    /// How long the vendor may take, from a message on, before people are told.
    pub patience: Duration,
    /// What a level, a workflow or a session of the vendor's is worth, 1 to 3.
    pub levels: BTreeMap<String, i16>,
}

impl IdentityTerms {
    pub(super) fn read(
        section: &Section<'_>,
        vendor: &str,
        secrets: &BTreeMap<String, SecretString>,
    ) -> Self {
        let operator = section.text("operator");
        let parsed = OperatorId::parse(&operator);
        if parsed.is_none() && !operator.is_empty() {
            section.fault("operator", "is no id of an operator");
        }
        let table = section.section("levels");
        let levels: BTreeMap<String, i16> =
            table.keys().into_iter().map(|key| (key.clone(), table.number(&key, 1, 3))).collect();
        if levels.is_empty() {
            let example = match vendor {
                "sumsub" => "levels = { basic-kyc-level = 2 }",
                "onfido" => "levels = { check = 1, <workflow id> = 2 }",
                _ => "levels = { session = 2 }",
            };
            section.fault("levels", format!("says of nothing what it is worth: {example}"));
        }
        for name in SECRETS {
            let short = |secret: &&SecretString| secret.expose_secret().len() < SECRET_BYTES_MIN;
            if secrets.get(name).filter(short).is_some() {
                section.fault(&format!("secrets.{name}"), "is shorter than 16 bytes");
            }
        }
        Self {
            operator: parsed.unwrap_or_else(|| OperatorId::trusted("")),
            sandbox: section.has("sandbox") && section.flag("sandbox"),
            patience: Duration::from_secs(section.number("patience_s", 1, PATIENCE_S_MAX)),
            levels,
        }
    }
}
