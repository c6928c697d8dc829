//! Commands that need a database: the one that is named, else the running sandbox's.

use super::runtime;
use crate::config::{Config, Profile};
use crate::sandbox::{self, runfile};
use crate::store::{Db, migrate as migrations, prove as proof};
use crate::telemetry::LogFormat;
use anyhow::{Context, bail};
use std::path::PathBuf;
use std::process::ExitCode;

/// The running sandbox.
pub fn running() -> anyhow::Result<Option<runfile::Running>> {
    let home = sandbox::home().context("finding the sandbox's folder")?;
    runfile::find(&home).context("reading the sandbox's run.json")
}

/// The application's address of the database: `DATABASE_URL`, else the running sandbox's.
pub fn app_url() -> anyhow::Result<String> {
    if let Some(url) = crate::config::variable("DATABASE_URL") {
        return Ok(url);
    }
    match running()? {
        Some(sandbox) => Ok(sandbox.app_url),
        None => bail!(
            "no database: set DATABASE_URL, or start a sandbox with `make run` and call this in the folder in which \
             it was started"
        ),
    }
}

/// Re-checks the books. Exit code 1 when anything is broken.
pub async fn prove() -> anyhow::Result<ExitCode> {
    let db = Db::connect(&app_url()?, 2).await.context("connecting to the database")?;
    let found = proof::prove(db.pool()).await.context("reading the books")?;
    for check in &found.checks {
        let broken: Vec<_> = found.findings.iter().filter(|f| f.check == *check).collect();
        println!("{} {check}", if broken.is_empty() { "ok    " } else { "BROKEN" });
        for finding in broken {
            println!("         {}", finding.detail);
        }
    }
    println!(
        "{} entries, {} checks, {} findings",
        found.entries,
        found.checks.len(),
        found.findings.len()
    );
    Ok(if found.findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Migrates the database of `DATABASE_OWNER_URL` for production, unless a configuration that was named has
/// faults: the instances would not start on it.
pub async fn migrate(config: Option<PathBuf>) -> anyhow::Result<ExitCode> {
    if config.is_some()
        && let Err(faults) = Config::load(&Profile::Production { file: config })
    {
        return Ok(runtime::faults(&faults));
    }
    let url = crate::config::variable("DATABASE_OWNER_URL");
    let url = url.context("set DATABASE_OWNER_URL to the owner's address of the database")?;
    // Whoever waits for locks sees who has them.
    crate::telemetry::start_logging(LogFormat::Human, "interlock=warn")?;
    migrations::migrate(&url, "production").await.context("migrating the database")?;
    println!("the database is up to date");
    Ok(ExitCode::SUCCESS)
}
