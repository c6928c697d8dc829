//! The other processes of this program: the service and the mock PSPs, so that what each uses is
//! its own.
//!
//! Each says "ready" in one line and ends when its standard input does: none outlives the program.

use crate::house;
use anyhow::{Context, Result, bail, ensure};
use interlock::app::service::Service;
use interlock::config::{Config, PspAccount};
use interlock::sandbox::keys::SandboxKeys;
use interlock::store::Db;
use mock_psps::{MockAccount, MockConfig, MockKind};
use secrecy::ExposeSecret;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// What a role is started with: its name, the folder of keys, its ports, the database.
#[derive(Debug, Clone)]
pub struct Part {
    pub home: PathBuf,
    pub ports: house::Ports,
    pub url: String,
}

/// A process of ours; killed when dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    pub pid: u32,
}

impl Process {
    pub async fn spawn(role: &str, part: &Part) -> Result<Self> {
        let program = std::env::current_exe()?;
        let mut child = Command::new(program)
            .args(["--role", role, "--home"])
            .arg(&part.home)
            .args(["--url", &part.url, "--ports", &serde_json::to_string(&part.ports)?])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let pid = child.id().context("a process has an id")?;
        let out = child.stdout.take().context("its output is ours")?;
        let line = BufReader::new(out).lines().next_line().await?;
        ensure!(line.as_deref() == Some("ready"), "the {role} did not start");
        Ok(Self { child, pid })
    }

    pub async fn end(mut self) -> Result<()> {
        drop(self.child.stdin.take());
        self.child.wait().await?;
        Ok(())
    }
}

pub async fn run(role: &str, part: &Part) -> Result<()> {
    let config = house::config(&part.home, &part.ports)?;
    match role {
        "mocks" => {
            let mocks = mock_psps::start(mock_config(&config, &part.home)?).await?;
            until_told().await;
            mocks.stop().await;
            Ok(())
        }
        "service" => serve(config, part).await,
        other => bail!("there is no role {other}"),
    }
}

async fn until_told() {
    println!("ready");
    // Its end is the sign: whether it was closed or broke makes no difference.
    let _ = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await;
}

async fn serve(config: Config, part: &Part) -> Result<()> {
    let db = Db::connect(&part.url, config.database.pool_max).await?;
    let psps = Arc::new(house::psps(&config)?);
    let service = Service::start(&config, db, psps, &[]).await?;
    until_told().await;
    service.stop().await;
    Ok(())
}

/// The other side of each account: the halves of the keys that the PSP holds.
fn mock_config(config: &Config, home: &Path) -> Result<MockConfig> {
    let keys = SandboxKeys::at(home);
    let accounts: Result<Vec<_>> =
        config.psps.iter().map(|account| mock_account(config, &keys, account)).collect();
    Ok(MockConfig {
        control_addr: config.sandbox.control_listen,
        seed: 1,
        books_dir: None,
        accounts: accounts?,
    })
}

fn mock_account(config: &Config, keys: &SandboxKeys, account: &PspAccount) -> Result<MockAccount> {
    let id = account.id.clone();
    let secret = |name: &str| account.secrets.get(name).map(|one| one.expose_secret().to_owned());
    let setting = |name: &str| account.settings.get(name).cloned().context("a setting is missing");
    let currency = account.currencies.first().context("an account has a currency")?;
    let currency = currency.code().to_owned();
    let public = |name: &str| std::fs::read_to_string(keys.public(&id, name));
    let private = |name: &str| std::fs::read_to_string(keys.private(&id, name));
    let kind = match account.adapter.as_str() {
        "trustly" => MockKind::Trustly {
            username: setting("username")?,
            password: secret("password").context("a password")?,
            merchant_public_key_pem: public("merchant")?,
            trustly_private_key_pem: private("trustly")?,
            currency,
        },
        "truelayer" => MockKind::TrueLayer {
            client_id: setting("client_id")?,
            client_secret: secret("client_secret").context("a client's secret")?,
            merchant_account_id: setting("merchant_account_id")?,
            signing_kid: setting("signing_kid")?,
            signing_public_key_pem: public("signing")?,
            webhook_kid: "bench-webhook".to_owned(),
            webhook_private_key_pem: private("webhook")?,
            webhook_url: format!("{}/webhooks/{id}", config.server.public_url),
            currency,
        },
        other => bail!("no mock speaks {other}"),
    };
    let port = account.base_url.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
    Ok(MockAccount { id: id.clone(), port: port.context("a port")?, kind })
}
