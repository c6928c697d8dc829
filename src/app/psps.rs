//! PSP accounts become clients, and everything that is wrong with any of them is told at once.

use crate::config::{Config, ConfigFault};
use crate::routing::registry::PspRegistry;
use psp_adapters::{PspAccount, Transport, TransportConfig, build};

/// Builds a client for every account.
///
/// # Errors
/// All faults of all accounts: a missing key, a PEM that cannot be read, a plain-http address
/// outside the sandbox.
pub fn registry(config: &Config, sandbox: bool) -> Result<PspRegistry, Vec<ConfigFault>> {
    let settings =
        TransportConfig { allow_plain_http_loopback: sandbox, ..TransportConfig::default() };
    let transport = Transport::new(&settings).map_err(|error| {
        vec![fault("psps", &format!("the HTTP client cannot be built: {error}"))]
    })?;
    let mut psps = Vec::new();
    let mut faults = Vec::new();
    for account in &config.psps {
        let built = build(
            PspAccount {
                id: account.id.clone(),
                adapter: account.adapter.clone(),
                method: account.method.clone(),
                base_url: account.base_url.clone(),
                notify_url: format!(
                    "{}/webhooks/{}",
                    config.server.public_url.trim_end_matches('/'),
                    account.id
                ),
                settings: account.settings.clone(),
                secrets: account.secrets.clone(),
            },
            &transport,
        );
        match built {
            Ok(psp) => psps.push(psp),
            Err(found) => faults.extend(found.iter().map(|found| {
                fault(&format!("psps.{}.{}", found.account_id, found.key), found.reason)
            })),
        }
    }
    if faults.is_empty() { Ok(PspRegistry::new(psps)) } else { Err(faults) }
}

fn fault(key: &str, message: &str) -> ConfigFault {
    ConfigFault { source: "psps".to_owned(), key: key.to_owned(), message: message.to_owned() }
}
