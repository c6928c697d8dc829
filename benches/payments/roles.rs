//! The other processes of this program: the service and the mock PSPs, so that what each uses is
//! its own.
//!
//! Each says "ready" in one line and ends when its standard input does: none outlives the program.

use crate::house;
use anyhow::{Context, Result, bail, ensure};
use interlock::app::service::Service;
use interlock::config::Config;
use interlock::sandbox::mocks;
use interlock::store::Db;
use mock_psps::MockConfig;
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

/// The sandbox's own mocks, with books in memory.
fn mock_config(config: &Config, home: &Path) -> Result<MockConfig> {
    Ok(MockConfig { books_dir: None, ..mocks::mock_config(config, home)? })
}
