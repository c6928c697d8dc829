//! `serve` and `check-config`.

use super::runtime;
use crate::app::psps;
use crate::app::secrets::{self, Hangup, Secrets};
use crate::app::service::{Environment, Role, Service};
use crate::clock::SystemClock;
use crate::config::{Config, Profile};
use crate::shutdown::Shutdown;
use crate::store::{Db, migrate};
use anyhow::Context;
use secrecy::ExposeSecret;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

pub fn check_config(file: Option<PathBuf>) -> ExitCode {
    match Config::load(&Profile::Production { file }) {
        Ok(config) => {
            println!(
                "the configuration is sound: {} operators, {} PSP accounts, {} policies",
                config.operators.len(),
                config.psps.len(),
                config.markets.versions.len()
            );
            ExitCode::SUCCESS
        }
        Err(faults) => runtime::faults(&faults),
    }
}

/// Runs the service until it is told to stop.
pub async fn serve(file: Option<PathBuf>, roles: Vec<Role>) -> anyhow::Result<ExitCode> {
    let profile = Profile::Production { file };
    let config = match Config::load(&profile) {
        Ok(config) => config,
        Err(faults) => return Ok(runtime::faults(&faults)),
    };
    let psps = match psps::registry(&config, false) {
        Ok(psps) => Arc::new(psps),
        Err(faults) => return Ok(runtime::faults(&faults)),
    };
    let url = config.database.url.as_ref().context("set DATABASE_URL to the application's role")?;
    crate::telemetry::start_logging(config.telemetry.format, &config.telemetry.filter)?;
    if crate::config::variable("NATS_URL").is_some() {
        tracing::warn!(
            "NATS_URL is set, and this release publishes no events to NATS: use webhooks, or the streams of events"
        );
    }
    let db = Db::connect(url.expose_secret(), config.database.pool_max)
        .await
        .context("connecting to the database")?;
    migrate::check(db.pool(), Environment::Production.as_str()).await?;
    let shutdown = Shutdown::new();
    shutdown.on_signal().context("handling signals")?;
    let secrets = Secrets::new(profile, Config::variables(), &config, psps.clone());
    let service = Service::start(&config, db, psps, &roles).await?;
    secrets::watch(secrets, Arc::new(SystemClock), Hangup::Reloads, &shutdown)
        .context("handling signals")?;
    tracing::info!(listen = %service.address(), "serving");
    shutdown.requested().await;
    service.stop().await;
    Ok(ExitCode::SUCCESS)
}
