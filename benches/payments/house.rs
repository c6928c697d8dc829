//! The service's rooms as the sandbox wires them, on a database of ours and on free ports.

use anyhow::{Context, Result, anyhow};
use interlock::api::render::ApiRender;
use interlock::app::parts::{Patience, World, flows};
use interlock::app::psps::registry;
use interlock::clock::SystemClock;
use interlock::config::{Config, ConfigFault, Profile, Variables, sandbox_keys};
use interlock::domain::ids::SystemIds;
use interlock::flows::Flows;
use interlock::routing::registry::PspRegistry;
use interlock::sandbox::keys::SandboxKeys;
use interlock::sandbox::mocks;
use interlock::sandbox::ports::Setting;
use interlock::store::Db;
use serde::{Deserialize, Serialize};
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use tokio_util::task::TaskTracker;

/// The accounts that are measured, their country and currency.
pub const MEASURED: [(&str, &str, &str); 2] =
    [("truelayer-gb", "GB", "GBP"), ("trustly-de", "DE", "EUR")];

/// Where everything listens, beside a sandbox of somebody else's: ports that were free.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Ports {
    pub service: u16,
    pub control: u16,
    /// What tells the configuration so.
    variables: Variables,
}

/// Ports that are free now, a different one for each.
pub fn free_ports(home: &Path) -> Result<Ports> {
    let wanted = mocks::ports(&load(home, &Variables::new())?)?;
    // All are kept until the last is known, so that none is given twice.
    let listeners = (0..=wanted.len()).map(|_| TcpListener::bind("127.0.0.1:0"));
    let listeners = listeners.collect::<Result<Vec<_>, _>>()?;
    let addresses = listeners.iter().map(TcpListener::local_addr).collect::<Result<Vec<_>, _>>()?;
    let (of_service, of_mocks) = addresses.split_first().context("there is a service")?;
    let pairs = wanted.iter().zip(of_mocks);
    let mut variables: Variables =
        pairs.clone().map(|(one, free)| one.setting.variable(*free, free.port())).collect();
    variables.insert("INTERLOCK__SERVER__LISTEN".to_owned(), of_service.to_string());
    variables.insert("INTERLOCK__SERVER__PUBLIC_URL".to_owned(), format!("http://{of_service}"));
    let mut control = pairs.filter(|(one, _)| matches!(one.setting, Setting::Address { .. }));
    let (_, control) = control.next().context("the mocks have a control API")?;
    Ok(Ports { service: of_service.port(), control: control.port(), variables })
}

/// The sandbox's configuration with these ports.
pub fn config(home: &Path, ports: &Ports) -> Result<Config> {
    let mut variables = ports.variables.clone();
    let mut set = |key: &str, value: &str| {
        variables.insert(format!("INTERLOCK__{key}"), value.to_owned());
    };
    set("INSTANCE__NAME", "bench");
    set("DATABASE__LANES", "2");
    // One key and one address ask for everything here.
    set("LIMITS__KEY_PER_SECOND", "1000000");
    set("LIMITS__ADDRESS_PER_SECOND", "1000000");
    load(home, &variables)
}

/// The sandbox's keys are made where they are missing.
fn load(home: &Path, variables: &Variables) -> Result<Config> {
    SandboxKeys::ensure(home, &sandbox_keys())?;
    let profile = Profile::Sandbox { home: home.to_owned(), file: None };
    Config::load_with(&profile, variables).map_err(|faults| all_of(&faults))
}

fn all_of(faults: &[ConfigFault]) -> anyhow::Error {
    let texts = faults.iter().map(|fault| format!("{}: {}", fault.key, fault.message));
    anyhow!(texts.collect::<Vec<_>>().join("; "))
}

pub fn psps(config: &Config) -> Result<PspRegistry> {
    registry(config, true).map_err(|faults| all_of(&faults))
}

/// Lanes and flows with `lanes` lanes.
pub async fn open(
    mut config: Config,
    url: &str,
    lanes: usize,
    tasks: &TaskTracker,
) -> Result<Flows> {
    config.database.lanes = lanes;
    let psps = psps(&config)?;
    let world = World {
        db: Db::connect(url, config.database.pool_max).await?,
        psps: Arc::new(psps),
        clock: Arc::new(SystemClock),
        ids: Arc::new(SystemIds),
        render: Arc::new(ApiRender),
    };
    Ok(flows(&config, world, Patience::default(), tasks).await?)
}
