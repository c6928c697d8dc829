//! Who is asked about players: registers, files of limits, matchers of names; and who tells of their
//! identity.
//!
//! What a market asks them, and what an answer or the lack of one leads to, is its policy's to say.

use super::identity::IdentityTerms;
use super::psps::{is_country, settings};
use super::reader::Section;
use super::secret::Secrets;
use super::sections::{millis, url_text};
use crate::screening::signals::Hook;
use rust_decimal::Decimal;
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::time::Duration;

/// Whether a vendor's wire is one of those that know people.
pub fn knows_people(kind: &str) -> bool {
    KINDS.iter().any(|known| known.name == kind)
}

/// What the wire of a vendor needs and what it may have. What is in the file beside it would have no
/// effect.
struct Kind {
    name: &'static str,
    /// The secrets that it cannot do without.
    secrets: &'static [&'static str],
    /// The secrets that it may have beside.
    more_secrets: &'static [&'static str],
    settings: &'static [&'static str],
}

const fn kind(
    name: &'static str,
    secrets: &'static [&'static str],
    settings: &'static [&'static str],
) -> Kind {
    Kind { name, secrets, more_secrets: &[], settings }
}

const fn of_identity(name: &'static str, secrets: &'static [&'static str]) -> Kind {
    Kind { name, secrets, more_secrets: &["webhook_secret_next"], settings: &[] }
}

/// The vendors that this service can speak with.
const KINDS: &[Kind] = &[
    kind("register", &["token"], &[]),
    kind("limit_file", &["token"], &[]),
    kind("watchman", &[], &["least_score"]),
    kind("yente", &[], &["dataset", "algorithm", "least_score"]),
    of_identity("sumsub", &["app_token", "secret_key", "webhook_secret"]),
    of_identity("onfido", &["api_token", "webhook_secret"]),
    of_identity("veriff", &["api_key", "webhook_secret"]),
];

const OF_IDENTITY: &[&str] = &["sumsub", "onfido", "veriff"];

/// Whether a vendor's wire is one of those that verify identities.
pub fn verifies_identity(kind: &str) -> bool {
    OF_IDENTITY.contains(&kind)
}

/// One account at one vendor.
#[derive(Debug, Clone)]
pub struct CheckVendor {
    /// `register-se`.
    pub id: String,
    /// Which wire it speaks, one of the kinds.
    pub vendor: String,
    pub base_url: String,
    /// Whose players it is asked about. Empty: all, for a matcher of names.
    pub countries: Vec<String>,
    /// How long one question may take, all its requests together.
    pub deadline: Duration,
    pub settings: BTreeMap<String, String>,
    pub secrets: BTreeMap<String, SecretString>,
    /// Of a vendor of identity.
    pub identity: Option<IdentityTerms>,
}

pub(super) fn read(root: &Section<'_>, secrets: &Secrets<'_>) -> Vec<CheckVendor> {
    let mut vendors: Vec<CheckVendor> = Vec::new();
    for section in root.sections("checks") {
        let vendor = CheckVendor::read(&section, secrets);
        if vendors.iter().any(|other| other.id == vendor.id) {
            section.fault("id", format!("`{}` is there twice", vendor.id));
        }
        vendors.push(vendor);
    }
    vendors
}

impl CheckVendor {
    /// Whether this one is asked with a hook about players of a country.
    pub fn answers(&self, hook: Hook, country: &str) -> bool {
        let by_hook = match self.vendor.as_str() {
            "register" => hook == Hook::Register,
            "limit_file" => hook == Hook::CrossOperatorLimit,
            "watchman" | "yente" => hook == Hook::Names,
            kind => hook == Hook::Kyc && verifies_identity(kind),
        };
        let everywhere = matches!(hook, Hook::Names | Hook::Kyc) && self.countries.is_empty();
        by_hook && (everywhere || self.countries.iter().any(|own| own == country))
    }

    fn read(section: &Section<'_>, secrets: &Secrets<'_>) -> Self {
        let id = section.text("id");
        let plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        if !id.bytes().all(plain) {
            section.fault("id", "must be of a-z, 0-9 and dashes");
        }
        let vendor = section.text("vendor");
        let kind = KINDS.iter().find(|kind| kind.name == vendor);
        if kind.is_none() && !vendor.is_empty() {
            section.fault("vendor", "is none that this service has");
        }
        let base_url = url_text(section, "base_url");
        let countries = section.texts("countries");
        for country in countries.iter().filter(|code| !is_country(code)) {
            section.fault("countries", format!("`{country}` is no country, `DE`"));
        }
        if countries.is_empty() && matches!(vendor.as_str(), "register" | "limit_file") {
            section.fault("countries", "is empty: whose players does it know?");
        }
        let named = named_secrets(section, secrets);
        let settings = settings(section, &base_url);
        if let Some(kind) = kind {
            kind.check(section, &settings, &named);
        }
        // What an alias stands for changes under its users, and a decision could not be made again.
        if settings.get("algorithm").is_some_and(|algorithm| algorithm == "best") {
            section.fault("settings.algorithm", "is an alias: name the algorithm, `logic-v2`");
        }
        let is_score = |text: &String| {
            let score: Option<Decimal> = text.parse().ok();
            score.is_some_and(|score| Decimal::ZERO < score && score < Decimal::ONE)
        };
        if settings.get("least_score").is_some_and(|text| !is_score(text)) {
            section.fault("settings.least_score", "must be a score from 0 to 1, \"0.70\"");
        }
        if vendor == "yente" {
            for needed in
                ["dataset", "algorithm"].iter().filter(|key| !settings.contains_key(**key))
            {
                section.fault(&format!("settings.{needed}"), "is missing");
            }
        }
        let deadline = millis(section, "deadline_ms", 30_000);
        let identity =
            verifies_identity(&vendor).then(|| IdentityTerms::read(section, &vendor, &named));
        Self { id, vendor, base_url, countries, deadline, settings, secrets: named, identity }
    }
}

impl Kind {
    fn check(
        &self,
        section: &Section<'_>,
        settings: &BTreeMap<String, String>,
        secrets: &BTreeMap<String, SecretString>,
    ) {
        for needed in self.secrets.iter().filter(|needed| !secrets.contains_key(**needed)) {
            section.fault(&format!("secrets.{needed}"), "is missing");
        }
        for key in settings.keys().filter(|key| !self.settings.contains(&key.as_str())) {
            section.fault(&format!("settings.{key}"), "is nothing that this vendor is asked with");
        }
        let known = [self.secrets, self.more_secrets].concat();
        for key in secrets.keys().filter(|key| !known.contains(&key.as_str())) {
            section.fault(&format!("secrets.{key}"), "is nothing that this vendor is asked with");
        }
    }
}

fn named_secrets(section: &Section<'_>, secrets: &Secrets<'_>) -> BTreeMap<String, SecretString> {
    let Some(table) = section.opt_section("secrets") else {
        return BTreeMap::new();
    };
    table.keys().into_iter().map(|key| (key.clone(), secrets.table(&table, &key).0)).collect()
}
