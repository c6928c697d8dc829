//! Versions of the markets' policies: what the law and the licence of a country ask for.
//!
//! One file a version, `policies/<market>/<version>.toml`, never changed once it was in force: a
//! decision is replayed at the version that it was made with. Each rule names its source and the day
//! when somebody read it.

use super::ConfigFault;
use super::layers::Layers;
use super::psps::{METHODS, Range, is_country, money, ranges};
use super::reader::{Reader, Section};
use super::sections::day;
use psp_contract::{Currency, Money, Timestamp};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use time::format_description::well_known::Rfc3339;
use time::{Date, OffsetDateTime};

macro_rules! built_in {
    ($($path:literal),+ $(,)?) => {
        &[$((concat!("config/policies/", $path), include_str!(concat!("../../config/policies/", $path)))),+]
    };
}

/// The policies that come with the program, by file.
const BUILT_IN: &[(&str, &str)] = built_in![
    "BR/BR-2026-11-20.toml",
    "CA/CA-2026-11-20.toml",
    "DE/DE-2026-11-01.toml",
    "DE/DE-2026-11-20.toml",
    "GB/GB-2026-11-01.toml",
    "GB/GB-2026-11-20.toml",
    "MT/MT-2026-11-20.toml",
    "SE/SE-2026-11-20.toml",
];

/// One version of one market's policy.
#[derive(Debug, Clone)]
pub struct MarketPolicy {
    /// The country, `DE`.
    pub market: String,
    /// Unique over all markets, and the file's name: `DE-2026-11-01`.
    pub version: String,
    pub effective_from: Timestamp,
    /// The wallets that a player of this market may have.
    pub currencies: Vec<Currency>,
    pub methods: Ruled<Vec<String>>,
    pub kyc: Ruled<KycLevels>,
    /// Per payment, by currency; a currency that is missing has no bound.
    pub amounts: Ruled<Amounts>,
    /// How long a player's wish for a higher limit waits.
    pub player_limit_delay: Ruled<Duration>,
    /// Withdrawals worth this much or more go to two people. In euro.
    pub dual_approval_from: Ruled<Money>,
    pub player_may_cancel_withdrawal: Ruled<bool>,
    /// Of the file's bytes: what a decision names.
    pub sha256: [u8; 32],
}

/// A rule with where it comes from.
#[derive(Debug, Clone)]
pub struct Ruled<T> {
    pub rule: T,
    pub source: String,
    /// When the source was read last.
    pub source_date: Date,
}

/// The least level of verification, 0 to 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KycLevels {
    pub deposit_min_level: u8,
    pub withdrawal_min_level: u8,
}

#[derive(Debug, Clone)]
pub struct Amounts {
    pub deposit: BTreeMap<Currency, Range>,
    pub withdrawal: BTreeMap<Currency, Range>,
}

/// The built-in versions, or those of a folder; sorted by market and the day they come into force.
pub(super) fn load(folder: Option<&Path>) -> (Vec<MarketPolicy>, Vec<ConfigFault>) {
    let mut faults = Vec::new();
    let files = match folder {
        None => BUILT_IN.iter().map(|(n, t)| ((*n).to_owned(), (*t).to_owned())).collect(),
        Some(folder) => read_folder(folder, &mut faults),
    };
    let mut policies: Vec<MarketPolicy> = Vec::new();
    for (name, text) in &files {
        match parse(name, text) {
            Ok(policy) => policies.push(policy),
            Err(found) => faults.extend(found),
        }
    }
    policies.sort_by(|a, b| {
        let by = |policy: &MarketPolicy| (policy.market.clone(), policy.effective_from);
        by(a).cmp(&by(b))
    });
    for pair in policies.windows(2) {
        if let [a, b] = pair
            && a.market == b.market
            && a.effective_from == b.effective_from
        {
            faults.push(ConfigFault {
                source: format!("policy {}", b.version),
                key: "effective_from".to_owned(),
                message: format!("is the same as that of {}", a.version),
            });
        }
    }
    (policies, faults)
}

/// Reads one version; `name` is its file.
///
/// # Errors
/// Everything that is wrong with it.
pub fn parse(name: &str, text: &str) -> Result<MarketPolicy, Vec<ConfigFault>> {
    let mut layers = Layers::default();
    layers.add(name, text);
    let reader = Reader::new(&layers);
    let policy = {
        let root = reader.root();
        let mut policy = MarketPolicy::read(&root);
        policy.sha256 = Sha256::digest(text).into();
        let stem = Path::new(name).file_stem().unwrap_or_default();
        if stem.to_string_lossy() != policy.version {
            root.fault("version", "must be the file's name");
        }
        policy
    };
    let faults = reader.finish();
    if faults.is_empty() { Ok(policy) } else { Err(faults) }
}

impl MarketPolicy {
    fn read(root: &Section<'_>) -> Self {
        let market = root.text("market");
        if !is_country(&market) {
            root.fault("market", "must be a country, `DE`");
        }
        let currencies: Vec<Currency> = root.parsed_texts("currencies", "a currency, `EUR`");
        if currencies.is_empty() {
            root.fault("currencies", "is empty");
        }
        let ruled = |key: &str| root.section(key);
        let kyc_levels = |section: &Section<'_>| KycLevels {
            deposit_min_level: section.number("deposit_min_level", 0, 3),
            withdrawal_min_level: section.number("withdrawal_min_level", 0, 3),
        };
        let amounts = |section: &Section<'_>| Amounts {
            deposit: ranges(section, "deposit", &currencies),
            withdrawal: ranges(section, "withdrawal", &currencies),
        };
        let delay = |section: &Section<'_>| {
            let hours: u64 = section.number("delay_hours", 0, 24 * 365);
            Duration::from_secs(hours * 3_600)
        };
        Self {
            market,
            version: root.text("version"),
            effective_from: point(root, "effective_from"),
            methods: Ruled::read(&ruled("methods"), allowed_methods),
            kyc: Ruled::read(&ruled("kyc"), kyc_levels),
            amounts: Ruled::read(&ruled("amounts"), amounts),
            player_limit_delay: Ruled::read(&ruled("player_limits"), delay),
            dual_approval_from: Ruled::read(&ruled("dual_approval"), |section| {
                money(section, "from_eur", Currency::EUR)
            }),
            player_may_cancel_withdrawal: Ruled::read(&ruled("withdrawals"), |section| {
                section.flag("player_may_cancel")
            }),
            currencies,
            sha256: [0; 32],
        }
    }
}

impl<T> Ruled<T> {
    fn read(section: &Section<'_>, rule: impl FnOnce(&Section<'_>) -> T) -> Self {
        Self {
            rule: rule(section),
            source: section.text("source"),
            source_date: day(section, "source_date"),
        }
    }
}

fn allowed_methods(section: &Section<'_>) -> Vec<String> {
    let allowed = section.texts("allowed");
    for method in allowed.iter().filter(|one| !METHODS.contains(&one.as_str())) {
        section.fault("allowed", format!("`{method}` is no method"));
    }
    allowed
}

fn point(section: &Section<'_>, key: &str) -> Timestamp {
    let text = section.text(key);
    OffsetDateTime::parse(&text, &Rfc3339).unwrap_or_else(|_| {
        if !text.is_empty() {
            section.fault(key, "must be a time, \"2026-11-01T00:00:00Z\"");
        }
        OffsetDateTime::UNIX_EPOCH
    })
}

fn read_folder(folder: &Path, faults: &mut Vec<ConfigFault>) -> Vec<(String, String)> {
    let mut files = Vec::new();
    let mut unreadable = |path: &Path, error: &std::io::Error| {
        faults.push(ConfigFault {
            source: path.display().to_string(),
            key: String::new(),
            message: format!("cannot be read: {error}"),
        });
    };
    let markets = match std::fs::read_dir(folder) {
        Ok(entries) => entries.flatten().map(|entry| entry.path()),
        Err(error) => {
            unreadable(folder, &error);
            return files;
        }
    };
    for market in markets.filter(|path| path.is_dir()) {
        let versions = std::fs::read_dir(&market).into_iter().flatten().flatten();
        for path in versions.map(|entry| entry.path()) {
            if path.extension().is_none_or(|extension| extension != "toml") {
                continue;
            }
            match std::fs::read_to_string(&path) {
                Ok(text) => files.push((path.display().to_string(), text)),
                Err(error) => unreadable(&path, &error),
            }
        }
    }
    files.sort();
    files
}

/// The text of the policy version with this hash: one of the program's own, or of a folder.
pub fn text_of(folder: Option<&Path>, sha256: &str) -> Option<String> {
    let built_in = BUILT_IN.iter().map(|(_, text)| (*text).to_owned());
    let named = folder.map(|folder| read_folder(folder, &mut Vec::new())).unwrap_or_default();
    let mut texts = built_in.chain(named.into_iter().map(|(_, text)| text));
    texts.find(|text| hex::encode(Sha256::digest(text)) == sha256)
}
