//! `mocks`: the mock PSPs alone, for whoever tests a client of their own against them.

use super::runtime;
use crate::config::{self, Config, Profile};
use crate::sandbox::keys::SandboxKeys;
use crate::sandbox::{self, mocks};
use crate::shutdown::Shutdown;
use anyhow::Context;
use std::path::PathBuf;
use std::process::ExitCode;

/// Runs the mocks of all configured accounts, the sandbox's unless a file says otherwise, until
/// Ctrl-C or SIGTERM. Keys and books are the sandbox's own, in its folder.
pub async fn mocks(file: Option<PathBuf>) -> anyhow::Result<ExitCode> {
    let home = sandbox::home().context("finding the sandbox's folder")?;
    SandboxKeys::ensure(&home, &config::sandbox_keys()).context("making the sandbox's keys")?;
    let config = match Config::load(&Profile::Sandbox { home: home.clone(), file }) {
        Ok(config) => config,
        Err(faults) => return Ok(runtime::faults(&faults)),
    };
    crate::telemetry::start_logging(config.telemetry.format, &config.telemetry.filter)?;
    let shutdown = Shutdown::new();
    shutdown.on_signal().context("handling signals")?;
    let running = mocks::start(&config, &home).await.context("starting the mock PSPs")?;
    println!("The mock PSPs are running. Ctrl-C stops them; their books stay.\n");
    println!("  {:<15}{}/psps", "Control", running.control_url);
    for psp in &running.psps {
        println!("  {:<15}{}", psp.id, psp.base_url);
        if let Some(pages) = &psp.pages_url {
            println!("  {:<15}{pages} (its pages for people)", "");
        }
    }
    let webhooks = config.server.public_url.trim_end_matches('/');
    println!("\n  Webhooks go to {webhooks}/webhooks/{{account}}");
    println!("  Keys of both sides are in {}", SandboxKeys::at(&home).folder().display());
    println!("  docs/mocks.md tells how to script them with curl\n");
    shutdown.requested().await;
    running.stop().await;
    println!("stopped; the books stay in {}", home.join("mock-books").display());
    Ok(ExitCode::SUCCESS)
}
