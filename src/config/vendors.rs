//! Screening vendors: where each is, what proves who we are, and which hooks it answers.

use super::reader::Section;
use super::secret::Secrets;
use crate::screening::signals::Hook;
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::time::Duration;

/// A vendor of `[vendors.<id>]`.
#[derive(Debug, Clone)]
pub struct VendorAccount {
    pub id: String,
    /// Whose wire it speaks, one of [`ADAPTERS`].
    pub adapter: String,
    pub hooks: Vec<Hook>,
    pub base_url: String,
    /// How long one look may take, all its requests together.
    pub call_timeout: Duration,
    /// How often a vendor that is at work is asked again.
    pub poll: Duration,
    /// What the adapter needs beside: `key`, `sanctions_url`.
    pub settings: BTreeMap<String, String>,
    pub secrets: BTreeMap<String, SecretString>,
}

/// The adapters, each with the settings and the secrets that it cannot do without.
pub const ADAPTERS: [(&str, &[&str], &[&str]); 3] = [
    ("chainalysis", &[], &["api_key"]),
    ("elliptic", &["key"], &["secret"]),
    ("trm", &[], &["api_key"]),
];

const HOOKS: [Hook; 2] = [Hook::KytDeposit, Hook::KytWithdrawal];

pub(super) fn read(root: &Section<'_>, secrets: &Secrets<'_>) -> Vec<VendorAccount> {
    let Some(all) = root.opt_section("vendors") else {
        return Vec::new();
    };
    all.keys().into_iter().map(|id| one(&all.section(&id), id, secrets)).collect()
}

fn one(section: &Section<'_>, id: String, secrets: &Secrets<'_>) -> VendorAccount {
    let adapter = section.text("adapter");
    let known = ADAPTERS.iter().find(|(name, ..)| *name == adapter);
    if known.is_none() {
        section.fault("adapter", "must be chainalysis, elliptic or trm");
    }
    let parse = |text: &String| {
        let hook = HOOKS.into_iter().find(|hook| hook.as_str() == *text);
        if hook.is_none() {
            section.fault(
                "hooks",
                format!("has `{text}`, which must be kyt.deposit or kyt.withdrawal"),
            );
        }
        hook
    };
    let hooks = section.texts("hooks").iter().filter_map(parse).collect();
    let base_url = section.text("base_url").trim_end_matches('/').to_owned();
    if url::Url::parse(&base_url).is_err() {
        section.fault("base_url", "must be an address, `https://api.example.com`");
    }
    let table = |name: &str| section.opt_section(name);
    let settings: BTreeMap<String, String> = table("settings")
        .map(|table| table.keys().into_iter().map(|key| (key.clone(), table.text(&key))).collect())
        .unwrap_or_default();
    let named: BTreeMap<String, SecretString> = table("secrets")
        .map(|table| {
            let read = |key: String| (key.clone(), secrets.table(&table, &key).0);
            table.keys().into_iter().map(read).collect()
        })
        .unwrap_or_default();
    if let Some((_, settings_needed, secrets_needed)) = known {
        for key in settings_needed.iter().filter(|key| !settings.contains_key(**key)) {
            section.fault("settings", format!("lacks {key}"));
        }
        for key in secrets_needed.iter().filter(|key| !named.contains_key(**key)) {
            section.fault("secrets", format!("lacks {key}: nothing is asked without it"));
        }
    }
    VendorAccount {
        id,
        adapter,
        hooks,
        base_url,
        call_timeout: Duration::from_millis(section.number("call_timeout_ms", 100, 30_000)),
        poll: Duration::from_millis(section.number("poll_ms", 50, 60_000)),
        settings,
        secrets: named,
    }
}
