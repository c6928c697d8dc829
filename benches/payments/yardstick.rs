//! The yardstick: pgbench's TPC-B-like transactions, 32 clients, prepared, in the same cluster.

use crate::stand::{Stand, YARDSTICK};
use anyhow::{Context, Result, ensure};
use interlock::sandbox::cluster::OWNER_ROLE;
use std::time::Duration;
use tokio::process::Command;

const SCALE: &str = "50";
const CLIENTS: &str = "32";

/// Fills its database.
pub async fn prepare(stand: &Stand) -> Result<()> {
    pgbench(stand, &["--initialize", "--quiet", "--scale", SCALE]).await?;
    Ok(())
}

/// Transactions a second.
pub async fn run(stand: &Stand, time: Duration) -> Result<f64> {
    let seconds = time.as_secs().max(1).to_string();
    let options =
        ["--client", CLIENTS, "--jobs", "2", "--protocol", "prepared", "--no-vacuum", "--time"];
    let text = pgbench(stand, &[&options[..], &[&seconds]].concat()).await?;
    let line = text.lines().find(|line| line.starts_with("tps = "));
    let number = line.and_then(|line| line.split_whitespace().nth(2));
    number.context("pgbench tells its tps")?.parse().context("pgbench's tps")
}

async fn pgbench(stand: &Stand, arguments: &[&str]) -> Result<String> {
    let output = Command::new("pgbench")
        .args(["--host", &stand.socket_folder()?, "--username", OWNER_ROLE])
        .args(arguments)
        .arg(YARDSTICK)
        .env_remove("PGPASSWORD")
        .kill_on_drop(true)
        .output()
        .await
        .context("running pgbench: scripts/setup.sh bench installs it")?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "pgbench failed: {errors}");
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
