//! PSP accounts: which there are, whom and what they serve, how they are reached.

use super::reader::Section;
use super::secret::{Origin, Secrets};
use super::sections::url_text;
use crate::sandbox::keys::KeyKind;
use psp_contract::{Currency, Money};
use secrecy::SecretString;
use std::collections::BTreeMap;

/// One account at one PSP.
#[derive(Debug, Clone)]
pub struct PspAccount {
    /// `trustly-de`: in `attempts[].psp` and in the path of its webhooks.
    pub id: String,
    /// Which adapter speaks for it.
    pub adapter: String,
    pub operators: Operators,
    pub base_url: String,
    /// ISO 3166-1 alpha-2.
    pub countries: Vec<String>,
    pub currencies: Vec<Currency>,
    /// `bank_transfer`
    pub method: String,
    /// What it takes in, by currency. A currency that is not here it does not take.
    pub deposit: BTreeMap<Currency, Range>,
    /// What it pays out, by currency.
    pub payout: BTreeMap<Currency, Range>,
    pub fee: Fee,
    /// What the adapter needs to know; `{base_url}` in a value stands for the account's.
    pub settings: BTreeMap<String, String>,
    pub secrets: BTreeMap<String, SecretString>,
    /// Where each secret came from: when it changes, and how old it is.
    pub origins: BTreeMap<String, Origin>,
    pub sandbox: SandboxSide,
}

/// What only a sandbox needs: what the account's mock knows beside the settings.
#[derive(Debug, Clone, Default)]
pub struct SandboxSide {
    /// Pairs of keys that the first start makes: name and kind.
    pub keys: Vec<(String, KeyKind)>,
    pub settings: BTreeMap<String, String>,
}

/// Whose payments an account may carry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operators {
    All,
    Only(Vec<String>),
}

/// From `min` to `max`, both included, of the same currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    pub min: Money,
    pub max: Money,
}

/// What the PSP charges us, by direction.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fee {
    pub deposit: DirectionFee,
    pub payout: DirectionFee,
}

/// A fixed amount for each payment and a share of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DirectionFee {
    /// By currency; a currency that is not here costs nothing fixed.
    pub fixed: BTreeMap<Currency, Money>,
    /// In hundredths of a percent.
    pub bps: u32,
}

/// The methods that there are.
pub(super) const METHODS: &[&str] =
    &["bank_transfer", "card", "e_wallet", "interac", "pix", "crypto"];

pub(super) fn read(root: &Section<'_>, secrets: &Secrets<'_>) -> Vec<PspAccount> {
    let mut accounts: Vec<PspAccount> = Vec::new();
    for section in root.sections("psps") {
        let account = PspAccount::read(&section, secrets);
        if accounts.iter().any(|other| other.id == account.id) {
            section.fault("id", format!("`{}` is there twice", account.id));
        }
        accounts.push(account);
    }
    if accounts.is_empty() {
        root.fault("psps", "is empty: no payment could go anywhere");
    }
    accounts
}

impl PspAccount {
    fn read(section: &Section<'_>, secrets: &Secrets<'_>) -> Self {
        let id = section.text("id");
        let plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        if !id.bytes().all(plain) {
            section.fault("id", "must be of a-z, 0-9 and dashes");
        }
        let base_url = url_text(section, "base_url");
        let currencies: Vec<Currency> = section.parsed_texts("currencies", "a currency, `EUR`");
        if currencies.is_empty() {
            section.fault("currencies", "is empty");
        }
        let adapter = section.text("adapter");
        if !adapter.is_empty() && !psp_adapters::adapters().any(|known| known == adapter) {
            section.fault("adapter", "is none that this service has");
        }
        let named = named_secrets(section, secrets);
        let sandbox = SandboxSide::read(section, secrets.in_sandbox());
        let mut settings = settings(section, &base_url);
        if let Some(port) = sandbox.settings.get("pages_port") {
            for value in settings.values_mut() {
                *value = value.replace("{pages_port}", port);
            }
        }
        Self {
            id,
            adapter,
            operators: Operators::read(section),
            countries: countries(section, "countries"),
            method: method(section, "method"),
            deposit: ranges(section, "deposit", &currencies),
            payout: ranges(section, "payout", &currencies),
            fee: Fee::read(section, &currencies),
            settings,
            secrets: named.iter().map(|(key, (secret, _))| (key.clone(), secret.clone())).collect(),
            origins: named.into_iter().map(|(key, (_, origin))| (key, origin)).collect(),
            sandbox,
            base_url,
            currencies,
        }
    }

    /// Whether a payment of this kind could go here at all.
    pub fn serves(&self, country: &str, method: &str, currency: Currency) -> bool {
        self.countries.iter().any(|own| own == country)
            && self.method == method
            && self.currencies.contains(&currency)
    }
}

impl SandboxSide {
    fn read(section: &Section<'_>, in_sandbox: bool) -> Self {
        let Some(table) = section.opt_section("sandbox") else {
            return Self::default();
        };
        if !in_sandbox {
            section.fault("sandbox", "is for the sandbox: a real PSP keeps its own keys");
        }
        let texts = |key: &str| -> Vec<(String, String)> {
            let table = table.opt_section(key);
            let read = |table: Section<'_>| {
                table.keys().into_iter().map(|key| (key.clone(), table.text(&key))).collect()
            };
            table.map(read).unwrap_or_default()
        };
        let kind = |(name, word): (String, String)| match KeyKind::parse(&word) {
            Some(kind) => Some((name, kind)),
            None => {
                table.fault("keys", format!("`{word}` is no kind of key"));
                None
            }
        };
        Self {
            keys: texts("keys").into_iter().filter_map(kind).collect(),
            settings: texts("settings").into_iter().collect(),
        }
    }
}

impl Operators {
    fn read(section: &Section<'_>) -> Self {
        let named = section.texts("operators");
        match named.as_slice() {
            [] => {
                section.fault("operators", "is empty: list operators, or [\"*\"] for all");
                Self::Only(Vec::new())
            }
            [all] if all == "*" => Self::All,
            _ => Self::Only(named),
        }
    }

    pub fn include(&self, operator_id: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(named) => named.iter().any(|id| id == operator_id),
        }
    }
}

impl Fee {
    /// `fee = { deposit_bps = 120, deposit_fixed = { EUR = "0.10" }, payout_bps = … }`
    fn read(section: &Section<'_>, currencies: &[Currency]) -> Self {
        let Some(fee) = section.opt_section("fee") else {
            return Self::default();
        };
        let one = |direction: &str| {
            let key = format!("{direction}_bps");
            let bps = if fee.has(&key) { fee.number(&key, 0, 10_000) } else { 0 };
            DirectionFee { bps, fixed: fixed(&fee, &format!("{direction}_fixed"), currencies) }
        };
        Self { deposit: one("deposit"), payout: one("payout") }
    }
}

/// A table of amounts by currency.
fn fixed(section: &Section<'_>, key: &str, currencies: &[Currency]) -> BTreeMap<Currency, Money> {
    let Some(table) = section.opt_section(key) else {
        return BTreeMap::new();
    };
    let read = |code: String| match currencies.iter().find(|known| known.code() == code) {
        Some(currency) => Some((*currency, money(&table, &code, *currency))),
        None => {
            table.opt_text(&code);
            table.fault(&code, "is not among the currencies");
            None
        }
    };
    table.keys().into_iter().filter_map(read).collect()
}

/// A table by currency, each with `min` and `max`: what is missing is not served.
pub(super) fn ranges(
    section: &Section<'_>,
    key: &str,
    currencies: &[Currency],
) -> BTreeMap<Currency, Range> {
    let Some(table) = section.opt_section(key) else {
        return BTreeMap::new();
    };
    let mut ranges = BTreeMap::new();
    for code in table.keys() {
        let entry = table.section(&code);
        let Some(currency) = currencies.iter().find(|known| known.code() == code) else {
            entry.opt_text("min");
            entry.opt_text("max");
            table.fault(&code, "is not among the currencies");
            continue;
        };
        let (min, max) = (money(&entry, "min", *currency), money(&entry, "max", *currency));
        if 0 < max.minor && max.minor < min.minor {
            entry.fault("max", "is below min");
        }
        ranges.insert(*currency, Range { min, max });
    }
    ranges
}

pub(super) fn money(section: &Section<'_>, key: &str, currency: Currency) -> Money {
    let text = section.text(key);
    Money::parse(&text, currency).unwrap_or_else(|error| {
        if !text.is_empty() {
            section.fault(key, error.to_string());
        }
        Money::new(0, currency)
    })
}

pub(super) fn method(section: &Section<'_>, key: &str) -> String {
    let method = section.text(key);
    if !method.is_empty() && !METHODS.contains(&method.as_str()) {
        section.fault(key, format!("must be one of {}", METHODS.join(", ")));
    }
    method
}

pub(super) fn countries(section: &Section<'_>, key: &str) -> Vec<String> {
    let countries = section.texts(key);
    for country in countries.iter().filter(|code| !is_country(code)) {
        section.fault(key, format!("`{country}` is no country, `DE`"));
    }
    if countries.is_empty() {
        section.fault(key, "is empty");
    }
    countries
}

pub(super) fn is_country(code: &str) -> bool {
    code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase())
}

pub(super) fn settings(section: &Section<'_>, base_url: &str) -> BTreeMap<String, String> {
    let Some(table) = section.opt_section("settings") else {
        return BTreeMap::new();
    };
    let base_url = base_url.trim_end_matches('/');
    let read = |key: String| {
        let value = table.text(&key).replace("{base_url}", base_url);
        (key, value)
    };
    table.keys().into_iter().map(read).collect()
}

fn named_secrets(
    section: &Section<'_>,
    secrets: &Secrets<'_>,
) -> BTreeMap<String, (SecretString, Origin)> {
    let Some(table) = section.opt_section("secrets") else {
        return BTreeMap::new();
    };
    let read = |key: String| {
        let secret = secrets.table(&table, &key);
        (key, secret)
    };
    table.keys().into_iter().map(read).collect()
}
