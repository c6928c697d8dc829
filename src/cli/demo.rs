//! `demo`: the story of the sandbox, played against the one that runs.

use super::database::running;
use crate::demo::{self, DemoOptions};
use anyhow::Context;
use std::process::ExitCode;

/// Plays it. Exit code 1 when a step did not come out as told.
pub async fn demo() -> anyhow::Result<ExitCode> {
    let sandbox = running()?.context("no sandbox is running: start one with `make run`")?;
    let options = DemoOptions::of_sandbox(sandbox.api_url, sandbox.control_url);
    let as_told = demo::run(options).await?;
    Ok(if as_told { ExitCode::SUCCESS } else { ExitCode::from(1) })
}
