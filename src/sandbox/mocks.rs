//! The sandbox's mock PSPs and vendors: one for each configured account, at its own address.

use super::keys::SandboxKeys;
use super::ports::{self, Setting, Wanted};
use crate::config::{Config, PspAccount};
use anyhow::Context;
use mock_psps::{MockAccount, MockConfig, MockVendor, Running};
use secrecy::ExposeSecret;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use url::Url;

/// Starts the mocks; their books survive a restart.
///
/// # Errors
/// An account without a mock, or a port that is taken.
pub async fn start(config: &Config, home: &Path) -> anyhow::Result<Running> {
    let mocks = mock_config(config, home)?;
    ports::check_free(ports(config)?)?;
    mock_psps::start(mocks).await
}

/// Where the mocks listen, each with the setting that chooses another port.
///
/// # Errors
/// An address that is none.
pub fn ports(config: &Config) -> anyhow::Result<Vec<Wanted>> {
    let mut wanted = vec![Wanted {
        purpose: "the mocks' control API".to_owned(),
        address: config.sandbox.control_listen,
        setting: Setting::Address { key: "sandbox.control_listen".to_owned() },
    }];
    for account in &config.psps {
        wanted.push(port_of(&account.id, "psps", &account.base_url)?);
        let pages = account.sandbox.settings.get("pages_port").and_then(|port| port.parse().ok());
        if let Some(port) = pages {
            let id = account.id.replace('-', "_");
            let key = format!("psps.{id}.sandbox.settings.pages_port");
            let purpose = format!("the pages of {}'s mock", account.id);
            wanted.push(Wanted { purpose, address: here(port), setting: Setting::Port { key } });
        }
    }
    // Vendors that know people are a list of their own; the name of the variable is alike.
    for account in &config.vendors {
        wanted.push(port_of(&account.id, "vendors", &account.base_url)?);
    }
    for account in &config.checks {
        wanted.push(port_of(&account.id, "checks", &account.base_url)?);
    }
    Ok(wanted)
}

fn port_of(id: &str, list: &str, base_url: &str) -> anyhow::Result<Wanted> {
    let key = format!("{list}.{}.base_url", id.replace('-', "_"));
    let url = Url::parse(base_url).with_context(|| format!("{key} is no URL"))?;
    let port = url.port_or_known_default().context("a mock's base_url needs a port")?;
    let setting = Setting::Url { key, url: Box::new(url) };
    Ok(Wanted { purpose: format!("the mock of {id}"), address: here(port), setting })
}

fn here(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

/// The mocks' configuration, for whoever runs them as a process of their own.
///
/// # Errors
/// An account that no mock can play.
pub fn mock_config(config: &Config, home: &Path) -> anyhow::Result<MockConfig> {
    let keys = SandboxKeys::at(home);
    let mut accounts = Vec::new();
    for account in &config.psps {
        let url = Url::parse(&account.base_url)
            .with_context(|| format!("psps.{}.base_url is no URL", account.id))?;
        let port = url.port_or_known_default().context("a mock's base_url needs a port")?;
        accounts.push(MockAccount {
            id: account.id.clone(),
            port,
            psp: account.adapter.clone(),
            currency: account.currencies.first().map_or("EUR", |code| code.code()).to_owned(),
            webhook_url: config.webhook_url(account),
            settings: known_to_the_mock(account, &keys)?,
        });
    }
    Ok(MockConfig {
        control_addr: config.sandbox.control_listen,
        seed: 1,
        books_dir: Some(home.join("mock-books")),
        accounts,
        vendors: vendors(config)?,
    })
}

/// The vendors at the addresses and with the secrets that the service has.
fn vendors(config: &Config) -> anyhow::Result<Vec<MockVendor>> {
    let mut vendors = Vec::new();
    for account in &config.vendors {
        let url = Url::parse(&account.base_url)
            .with_context(|| format!("vendors.{}.base_url is no URL", account.id))?;
        let port = url.port_or_known_default().context("a mock's base_url needs a port")?;
        let mut settings = account.settings.clone();
        let secrets = account.secrets.iter();
        settings.extend(secrets.map(|(key, it)| (key.clone(), it.expose_secret().to_owned())));
        let vendor = account.adapter.clone();
        vendors.push(MockVendor { id: account.id.clone(), port, vendor, settings });
    }
    for account in &config.checks {
        let url = Url::parse(&account.base_url)
            .with_context(|| format!("checks.{}.base_url is no URL", account.id))?;
        let port = url.port_or_known_default().context("a mock's base_url needs a port")?;
        let mut settings = account.settings.clone();
        let secrets = account.secrets.iter();
        settings.extend(secrets.map(|(key, it)| (key.clone(), it.expose_secret().to_owned())));
        if let Some(terms) = &account.identity {
            // The mock sends what the vendor would send, of the level that comes first.
            settings.insert("webhook_url".to_owned(), config.vendor_webhook_url(&account.id));
            settings.extend(terms.levels.keys().next().map(|it| ("level".to_owned(), it.clone())));
        }
        let vendor = account.vendor.clone();
        vendors.push(MockVendor { id: account.id.clone(), port, vendor, settings });
    }
    Ok(vendors)
}

/// What the mock knows: the settings, the shared secrets, and both halves of every pair of keys, of which
/// it takes the ones that a PSP would hold.
fn known_to_the_mock(
    account: &PspAccount,
    keys: &SandboxKeys,
) -> anyhow::Result<BTreeMap<String, String>> {
    let mut known = account.settings.clone();
    let secrets = account.secrets.iter();
    known.extend(secrets.map(|(key, value)| (key.clone(), value.expose_secret().to_owned())));
    for (name, kind) in &account.sandbox.keys {
        for (half, path) in [
            ("private", keys.private(&account.id, name)),
            ("public", keys.public(&account.id, name)),
        ] {
            known.insert(format!("{name}_{half}_key_pem"), read(&path)?);
        }
        let certificate = keys.certificate(&account.id, name);
        if kind.has_certificate() {
            known.insert(format!("{name}_certificate_pem"), read(&certificate)?);
            known.insert("client_ca_pem".to_owned(), read(&keys.ca_certificate())?);
        }
    }
    known.extend(account.sandbox.settings.clone());
    Ok(known)
}

fn read(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))
}
