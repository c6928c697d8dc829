//! Configured accounts: what they need, what is wrong with them, and which adapter speaks for them.

use crate::adapter::Adapter;
use crate::identity;
use crate::psp::Psp;
use crate::signature::{HmacKeys, RsaKeys};
use crate::transport::Transport;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// One account at one PSP, as configuration gives it.
#[derive(Debug, Clone)]
pub struct PspAccount {
    /// `"trustly-de"`: the id in `attempts[].psp` and in the path of its webhooks.
    pub id: String,
    /// One of [`adapters`].
    pub adapter: String,
    /// `bank_transfer`, `card`, `e_wallet`, `interac`, `pix` or `crypto`: what this account is for.
    pub method: String,
    pub base_url: String,
    /// Where this account's webhooks reach us: `{public}/webhooks/{id}`.
    pub notify_url: String,
    pub settings: BTreeMap<String, String>,
    pub secrets: BTreeMap<String, SecretString>,
}

/// Reads an account's settings and secrets; none when one of them is unusable, which the reader notes.
type Read = fn(&mut Reader<'_>) -> Option<Box<dyn Adapter>>;

/// The adapters that there are, one line each.
const READERS: &[(&str, Read)] = &[
    ("adyen", crate::adyen::Adyen::read),
    ("coinspaid", crate::coinspaid::CoinsPaid::read),
    ("fireblocks", crate::fireblocks::Fireblocks::read),
    ("mercadopago", crate::mercadopago::MercadoPago::read),
    ("nuvei", crate::nuvei::Nuvei::read),
    ("paysafe", crate::paysafe::Paysafe::read),
    ("pix_efi", crate::pix_efi::PixEfi::read),
    ("swish", crate::swish::Swish::read),
    ("truelayer", crate::truelayer::TrueLayer::read),
    ("trustly", crate::trustly::Trustly::read),
];

/// The names of the adapters that there are.
pub fn adapters() -> impl Iterator<Item = &'static str> {
    READERS.iter().map(|(name, _)| *name)
}

/// One thing that is wrong with an account. Never shows a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFault {
    pub account_id: String,
    /// `"secrets.password"`.
    pub key: String,
    pub reason: &'static str,
}

impl fmt::Display for ConfigFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PSP account {}: {} {}", self.account_id, self.key, self.reason)
    }
}

impl std::error::Error for ConfigFault {}

/// Makes an account usable, or tells everything that is wrong with it.
pub fn build(account: PspAccount, transport: &Transport) -> Result<Psp, Vec<ConfigFault>> {
    let mut reader = Reader::new(&account, transport);
    let plain_id = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if account.id.is_empty() || !account.id.bytes().all(plain_id) {
        reader.fault("id", "must be lower-case letters, digits and dashes");
    }
    reader.reachable("base_url", &account.base_url);
    let read = READERS.iter().find(|(name, _)| *name == account.adapter);
    let adapter = match read {
        Some((name, read)) => read(&mut reader).map(|adapter| (*name, adapter)),
        None => {
            reader.fault("adapter", "is none that this service has");
            None
        }
    };
    let transport = match identity::read(&mut reader) {
        None => Some(transport.clone()),
        Some(identity) => transport
            .with_identity(&identity)
            .map_err(|_| reader.fault("secrets.tls_client_certificate_pem", "cannot be used"))
            .ok(),
    };
    // Who could not be read to the end has not asked for everything yet.
    if adapter.is_some() {
        reader.tell_what_nobody_asked_for();
    }
    match (adapter, transport, reader.faults.is_empty()) {
        (Some(adapter), Some(transport), true) => Ok(Psp::new(account.id, adapter, transport)),
        _ => Err(reader.faults),
    }
}

/// What a PSP means by the text of a key that it shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Written {
    /// The text is the key.
    Plainly,
    Hex,
    Base64,
}

/// Reads an account and collects its faults, so that all are told at once.
pub(crate) struct Reader<'a> {
    account: &'a PspAccount,
    transport: &'a Transport,
    faults: Vec<ConfigFault>,
    /// The settings and secrets that were asked for, `settings.username`: a name that is none of them is
    /// misspelt, or of another adapter, and would have no effect.
    asked: RefCell<BTreeSet<String>>,
}

impl<'a> Reader<'a> {
    fn new(account: &'a PspAccount, transport: &'a Transport) -> Self {
        Self { account, transport, faults: Vec::new(), asked: RefCell::default() }
    }

    fn tell_what_nobody_asked_for(&mut self) {
        let settings = self.account.settings.keys().map(|key| format!("settings.{key}"));
        let secrets = self.account.secrets.keys().map(|key| format!("secrets.{key}"));
        let asked = self.asked.take();
        for key in settings.chain(secrets).filter(|key| !asked.contains(key)) {
            self.fault(key, "is nothing that this account's adapter asks for");
        }
    }

    fn found_setting(&self, key: &str) -> Option<&'a str> {
        self.asked.borrow_mut().insert(format!("settings.{key}"));
        self.account.settings.get(key).map(String::as_str)
    }

    fn found_secret(&self, key: &str) -> Option<&'a SecretString> {
        self.asked.borrow_mut().insert(format!("secrets.{key}"));
        self.account.secrets.get(key)
    }

    pub fn fault(&mut self, key: impl Into<String>, reason: &'static str) {
        self.faults.push(ConfigFault {
            account_id: self.account.id.clone(),
            key: key.into(),
            reason,
        });
    }

    pub fn reachable(&mut self, key: &str, url: &str) {
        if !self.transport.may_reach(url) {
            self.fault(
                key,
                "must be an https:// URL (http:// only to this machine, in the sandbox)",
            );
        }
    }

    /// What this account is for.
    pub fn method(&self) -> &'a str {
        &self.account.method
    }

    pub fn base_url(&self) -> String {
        self.account.base_url.trim_end_matches('/').to_owned()
    }

    /// A setting that must be there; empty when it is not, and then the account is refused anyway.
    pub fn setting(&mut self, key: &str) -> String {
        match self.found_setting(key).map(str::trim) {
            Some(value) if !value.is_empty() => value.to_owned(),
            _ => {
                self.fault(format!("settings.{key}"), "is missing");
                String::new()
            }
        }
    }

    pub fn setting_or(&self, key: &str, default: &str) -> String {
        self.opt_setting(key).unwrap_or_else(|| default.to_owned())
    }

    pub fn opt_setting(&self, key: &str) -> Option<String> {
        self.found_setting(key).map(str::to_owned)
    }

    /// A setting that knows these words only; without it the first is meant.
    pub fn word(&mut self, key: &str, words: &[&'static str], fault: &'static str) -> &'static str {
        let first = words.first().copied().unwrap_or_default();
        let told = self.setting_or(key, first);
        let known = words.iter().find(|word| **word == told).copied();
        if known.is_none() {
            self.fault(format!("settings.{key}"), fault);
        }
        known.unwrap_or(first)
    }

    /// A secret of at least `bytes_min` bytes.
    pub fn secret(&mut self, key: &str, bytes_min: usize) -> SecretString {
        match self.found_secret(key) {
            Some(value) if value.expose_secret().len() >= bytes_min => return value.clone(),
            Some(value) if value.expose_secret().is_empty() => {
                self.fault(format!("secrets.{key}"), "is empty");
            }
            Some(_) => self.fault(format!("secrets.{key}"), "is too short"),
            None => self.fault(format!("secrets.{key}"), "is missing"),
        }
        SecretString::from("")
    }

    /// A key in PEM; `read` says what is wrong with it.
    pub fn key<T>(
        &mut self,
        key: &str,
        read: impl FnOnce(&str) -> Result<T, &'static str>,
    ) -> Option<T> {
        let pem = self.secret(key, 1);
        if pem.expose_secret().is_empty() {
            return None;
        }
        match read(pem.expose_secret()) {
            Ok(value) => Some(value),
            Err(reason) => {
                self.fault(format!("secrets.{key}"), reason);
                None
            }
        }
    }

    /// The live secrets of a name, newest first: `key`, and `key_next` while they are being changed.
    /// What comes in may be signed with either; what goes out is signed with the first.
    pub fn live_secrets(&mut self, key: &str, bytes_min: usize) -> Vec<SecretString> {
        let next = format!("{key}_next");
        let mut live = vec![self.secret(key, bytes_min)];
        if self.has_secret(&next) {
            live.push(self.secret(&next, bytes_min));
        }
        live
    }

    /// The PSP's public RSA keys of a name: the live one, and the next while they are being changed.
    pub fn rsa_keys(&mut self, key: &str) -> RsaKeys {
        let next = format!("{key}_next");
        let mut keys = RsaKeys::none();
        self.key(key, |pem| keys.add_pem(pem));
        if self.has_secret(&next) {
            self.key(&next, |pem| keys.add_pem(pem));
        }
        keys
    }

    /// The live secrets of a name as keys, by what the PSP means by its text.
    pub fn hmac_keys(&mut self, key: &str, bytes_min: usize, written: Written) -> HmacKeys {
        let mut keys = Vec::new();
        for secret in self.live_secrets(key, bytes_min) {
            let text = secret.expose_secret();
            let bytes = match written {
                Written::Plainly => Ok(text.into()),
                Written::Hex => hex::decode(text).map_err(|_| "is no text of hex digits"),
                Written::Base64 => STANDARD.decode(text).map_err(|_| "is no base64"),
            };
            match bytes {
                Ok(bytes) => keys.push(bytes),
                Err(reason) => self.fault(format!("secrets.{key}"), reason),
            }
        }
        HmacKeys::new(keys)
    }

    /// Where webhooks go.
    pub fn notify_url(&self) -> String {
        self.account.notify_url.clone()
    }

    /// Where webhooks go, for PSPs that take an address without a query only.
    pub fn notify_url_without_query(&mut self) -> String {
        let url = self.account.notify_url.clone();
        if url.contains('?') || !url.starts_with("http") {
            self.fault("notify_url", "must be a URL without a question mark");
        }
        url
    }

    /// A setting that is the address of something else of the PSP's.
    pub fn url_setting(&mut self, key: &str, default: Option<&str>) -> String {
        let url = match default {
            Some(default) => self.setting_or(key, default),
            None => self.setting(key),
        };
        self.reachable(&format!("settings.{key}"), &url);
        url
    }

    pub fn has_secret(&self, key: &str) -> bool {
        self.found_secret(key).is_some()
    }
}
