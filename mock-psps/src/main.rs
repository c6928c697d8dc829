//! `mock-psps --config FILE.json`: runs the mocks until SIGINT or SIGTERM.
//!
//! One JSON line on standard output says where everything listens once all ports are open.

use std::path::PathBuf;

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let path = config_path(std::env::args().skip(1))?;
    let text = std::fs::read_to_string(&path).with_context(|| format!("reading {path:?}"))?;
    let config = serde_json::from_str(&text).with_context(|| format!("parsing {path:?}"))?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let running = mock_psps::start(config).await?;
    let line = serde_json::json!({
        "control_url": running.control_url, "psps": running.psps, "vendors": running.vendors,
    });
    println!("{line}");
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    running.stop().await;
    Ok(())
}

fn config_path(mut arguments: impl Iterator<Item = String>) -> anyhow::Result<PathBuf> {
    let usage = "usage: mock-psps --config FILE.json";
    match (arguments.next().as_deref(), arguments.next(), arguments.next()) {
        (Some("--config"), Some(path), None) => Ok(PathBuf::from(path)),
        _ => anyhow::bail!(usage),
    }
}
