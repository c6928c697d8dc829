//! The sandbox's mock PSPs: one for each configured account, at the account's own address.

use super::keys::SandboxKeys;
use super::ports;
use crate::config::{Config, PspAccount, variable_of};
use anyhow::{Context, bail};
use mock_psps::{MockAccount, MockConfig, MockKind, Running};
use secrecy::ExposeSecret;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use url::Url;

/// Starts the mocks; their books survive a restart.
///
/// # Errors
/// An account without a mock, or a port that is taken.
pub async fn start(config: &Config, home: &Path) -> anyhow::Result<Running> {
    let mocks = mock_config(config, home)?;
    check_ports(&mocks)?;
    mock_psps::start(mocks).await
}

/// A port that somebody else has is told with the setting that chooses another.
fn check_ports(mocks: &MockConfig) -> anyhow::Result<()> {
    let control = format!("{}=", variable_of("sandbox.control_listen"));
    ports::check_free("the mocks' control API", mocks.control_addr, control)?;
    for account in &mocks.accounts {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, account.port));
        let key = format!("psps.{}.base_url", account.id.replace('-', "_"));
        let setting = format!("{}=http://", variable_of(&key));
        ports::check_free(&format!("the mock of {}", account.id), address, setting)?;
    }
    Ok(())
}

/// The mocks' configuration, for whoever runs them as a process of their own.
///
/// # Errors
/// An account that no mock can play.
pub fn mock_config(config: &Config, home: &Path) -> anyhow::Result<MockConfig> {
    let keys = SandboxKeys::at(home);
    let public = config.server.public_url.trim_end_matches('/');
    let mut accounts = Vec::new();
    for account in &config.psps {
        let url = Url::parse(&account.base_url)
            .with_context(|| format!("psps.{}.base_url is no URL", account.id))?;
        let port = url.port_or_known_default().context("a mock's base_url needs a port")?;
        let kind = kind(account, &keys, public)?;
        accounts.push(MockAccount { id: account.id.clone(), port, kind });
    }
    Ok(MockConfig {
        control_addr: config.sandbox.control_listen,
        seed: 1,
        books_dir: Some(home.join("mock-books")),
        accounts,
    })
}

fn kind(account: &PspAccount, keys: &SandboxKeys, public: &str) -> anyhow::Result<MockKind> {
    let id = account.id.as_str();
    let setting = |key: &str| account.settings.get(key).cloned().unwrap_or_default();
    let secret = |key: &str| {
        account.secrets.get(key).map(|s| s.expose_secret().to_owned()).unwrap_or_default()
    };
    let file = |path: std::path::PathBuf| {
        std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))
    };
    let currency = account.currencies.first().map_or("EUR", |code| code.code()).to_owned();
    match account.adapter.as_str() {
        "trustly" => Ok(MockKind::Trustly {
            username: setting("username"),
            password: secret("password"),
            merchant_public_key_pem: file(keys.public(id, "merchant"))?,
            trustly_private_key_pem: file(keys.private(id, "trustly"))?,
            currency,
        }),
        "truelayer" => Ok(MockKind::TrueLayer {
            client_id: setting("client_id"),
            client_secret: secret("client_secret"),
            merchant_account_id: setting("merchant_account_id"),
            signing_kid: setting("signing_kid"),
            signing_public_key_pem: file(keys.public(id, "signing"))?,
            webhook_kid: format!("sandbox-webhook-{id}"),
            webhook_private_key_pem: file(keys.private(id, "webhook"))?,
            webhook_url: format!("{public}/webhooks/{id}"),
            currency,
        }),
        other => bail!("there is no mock of {other} for account {id}"),
    }
}
