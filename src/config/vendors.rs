//! Screening vendors: where each is, what proves who we are, and which hooks it answers.

use super::psps::settings;
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
    /// What the adapter needs beside: `key`, `sanctions_url`. `{base_url}` in a value stands for the account's.
    pub settings: BTreeMap<String, String>,
    pub secrets: BTreeMap<String, SecretString>,
}

/// What an adapter reads. What is in the file beside it would have no effect.
struct Known {
    adapter: &'static str,
    /// The settings and the secrets that it cannot do without.
    settings: &'static [&'static str],
    secrets: &'static [&'static str],
    /// A setting and a secret that it has both of or neither: where a list is, and the key to it.
    pair: Option<(&'static str, &'static str)>,
}

/// The adapters.
const ADAPTERS: [Known; 3] = [
    Known {
        adapter: "chainalysis",
        settings: &[],
        secrets: &["api_key"],
        pair: Some(("sanctions_url", "sanctions_key")),
    },
    Known { adapter: "elliptic", settings: &["key"], secrets: &["secret"], pair: None },
    Known { adapter: "trm", settings: &[], secrets: &["api_key"], pair: None },
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
    let known = ADAPTERS.iter().find(|known| known.adapter == adapter);
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
    let settings = settings(section, &base_url);
    let named: BTreeMap<String, SecretString> = table("secrets")
        .map(|table| {
            let read = |key: String| (key.clone(), secrets.table(&table, &key).0);
            table.keys().into_iter().map(read).collect()
        })
        .unwrap_or_default();
    if let Some(known) = known {
        known.check(section, &settings, &named);
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

impl Known {
    fn check(
        &self,
        section: &Section<'_>,
        settings: &BTreeMap<String, String>,
        secrets: &BTreeMap<String, SecretString>,
    ) {
        for key in self.settings.iter().filter(|key| !settings.contains_key(**key)) {
            section.fault("settings", format!("lacks {key}"));
        }
        for key in self.secrets.iter().filter(|key| !secrets.contains_key(**key)) {
            section.fault("secrets", format!("lacks {key}: nothing is asked without it"));
        }
        let (setting, secret) = self.pair.unzip();
        let unread = |key: &&String, known: &[&str], more: Option<&str>| {
            !known.contains(&key.as_str()) && more != Some(key.as_str())
        };
        for key in settings.keys().filter(|key| unread(key, self.settings, setting)) {
            section.fault(&format!("settings.{key}"), "is nothing that this adapter asks for");
        }
        for key in secrets.keys().filter(|key| unread(key, self.secrets, secret)) {
            section.fault(&format!("secrets.{key}"), "is nothing that this adapter asks for");
        }
        let Some((setting, secret)) = self.pair else { return };
        match (settings.contains_key(setting), secrets.contains_key(secret)) {
            (true, false) => {
                let message = format!("has {setting} without secrets.{secret}: it is never asked");
                section.fault("settings", message);
            }
            (false, true) => {
                let message = format!("has {secret} without settings.{setting}: it is never asked");
                section.fault("secrets", message);
            }
            _ => {}
        }
    }
}
