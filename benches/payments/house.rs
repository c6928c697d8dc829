//! The service's rooms as the sandbox wires them, on a database of ours and on free ports.

use anyhow::{Result, anyhow};
use interlock::api::render::ApiRender;
use interlock::app::parts::{Patience, World, flows};
use interlock::app::psps::registry;
use interlock::clock::SystemClock;
use interlock::config::{Config, ConfigFault, Profile, Variables, sandbox_keys};
use interlock::domain::ids::SystemIds;
use interlock::flows::Flows;
use interlock::routing::registry::PspRegistry;
use interlock::sandbox::keys::SandboxKeys;
use interlock::store::Db;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use tokio_util::task::TaskTracker;

/// The accounts that are measured, their country and currency.
pub const MEASURED: [(&str, &str, &str); 2] =
    [("truelayer-gb", "GB", "GBP"), ("trustly-de", "DE", "EUR")];

/// Where everything listens: by account, and the service itself under `service`.
pub type Ports = BTreeMap<String, u16>;

/// Ports that are free now, a different one for each.
pub fn free_ports() -> Result<Ports> {
    let names: BTreeSet<String> = sandbox_keys().into_iter().map(|key| key.account).collect();
    let bound: Vec<_> = names
        .into_iter()
        .chain(["service".to_owned(), "control".to_owned()])
        .map(|name| Ok((name, std::net::TcpListener::bind("127.0.0.1:0")?)))
        .collect::<Result<_>>()?;
    bound.into_iter().map(|(name, listener)| Ok((name, listener.local_addr()?.port()))).collect()
}

/// The sandbox's configuration with these ports; its keys are made where they are missing.
pub fn config(home: &Path, ports: &Ports) -> Result<Config> {
    SandboxKeys::ensure(home, &sandbox_keys())?;
    let mut variables = Variables::new();
    for (name, port) in ports {
        let key = name.replace('-', "_").to_uppercase();
        if name == "service" {
            let listen = format!("127.0.0.1:{port}");
            variables.insert("INTERLOCK__SERVER__LISTEN".to_owned(), listen);
        }
        let (key, value) = match name.as_str() {
            "service" => ("SERVER__PUBLIC_URL".to_owned(), format!("http://127.0.0.1:{port}")),
            "control" => ("SANDBOX__CONTROL_LISTEN".to_owned(), format!("127.0.0.1:{port}")),
            _ => (format!("PSPS__{key}__BASE_URL"), format!("http://127.0.0.1:{port}")),
        };
        variables.insert(format!("INTERLOCK__{key}"), value);
    }
    let mut set = |key: &str, value: &str| {
        variables.insert(format!("INTERLOCK__{key}"), value.to_owned());
    };
    set("INSTANCE__NAME", "bench");
    set("DATABASE__LANES", "2");
    // One key and one address ask for everything here.
    set("LIMITS__KEY_PER_SECOND", "1000000");
    set("LIMITS__ADDRESS_PER_SECOND", "1000000");
    let profile = Profile::Sandbox { home: home.to_owned(), file: None };
    Config::load_with(&profile, &variables).map_err(|faults| all_of(&faults))
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
