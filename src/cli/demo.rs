//! `demo`: the story of the sandbox, played against the one that runs.

use super::audit::own_keys;
use super::database::running;
use crate::demo::{self, Audit, DemoOptions};
use crate::evidence::note::Keys;
use crate::sandbox;
use crate::store::Db;
use anyhow::Context;
use std::process::ExitCode;

/// Plays it. Exit code 1 when a step did not come out as told.
pub async fn demo() -> anyhow::Result<ExitCode> {
    let sandbox = running()?.context("no sandbox is running: start one with `make run`")?;
    let db = Db::connect(&sandbox.app_url, 2).await.context("connecting to the sandbox's log")?;
    let keys = Keys::new(own_keys(&db).await?).context("the sandbox has no public key yet")?;
    let folder = sandbox::home().context("finding the sandbox's folder")?;
    let audit = Audit { db, keys, folder };
    let options = DemoOptions::of_sandbox(sandbox.api_url, sandbox.control_url, audit);
    let as_told = demo::run(options).await?;
    Ok(if as_told { ExitCode::SUCCESS } else { ExitCode::from(1) })
}
