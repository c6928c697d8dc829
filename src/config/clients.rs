//! The accounts as adapters take them: what an adapter finds wrong with one is a fault of the
//! configuration like any other, told with all the rest.

use super::reader::Reader;
use super::{Config, ConfigFault, PspAccount};
use psp_adapters::{Psp, Transport, TransportConfig, build};

/// Builds a client for every account.
///
/// # Errors
/// All faults of all accounts: a missing key, a PEM that cannot be read, a plain-http address
/// outside the sandbox.
pub fn psps(config: &Config, sandbox: bool) -> Result<Vec<Psp>, Vec<ConfigFault>> {
    let transport = transport(sandbox).map_err(|error| vec![told("psps", error)])?;
    let (mut built, mut faults) = (Vec::new(), Vec::new());
    for account in &config.psps {
        match build(adapters_view(account, config), &transport) {
            Ok(psp) => built.push(psp),
            Err(found) => faults.extend(found.iter().map(|found| {
                let key = format!("psps.{}.{}", found.account_id, found.key);
                told(&key, found.reason.to_owned())
            })),
        }
    }
    if faults.is_empty() { Ok(built) } else { Err(faults) }
}

/// Tells what the adapters find wrong, but for keys of which a fault was told already.
pub(super) fn check(config: &Config, reader: &Reader<'_>, sandbox: bool) {
    let transport = match transport(sandbox) {
        Ok(transport) => transport,
        Err(error) => return reader.fault("psps", error),
    };
    for (index, account) in config.psps.iter().enumerate() {
        let built = build(adapters_view(account, config), &transport);
        for found in built.err().unwrap_or_default() {
            let key = format!("psps[{index}].{}", found.key);
            if !reader.has_fault(&key) {
                reader.fault(&key, found.reason);
            }
        }
    }
}

/// The HTTP client; plain http only to this machine, and only in a sandbox.
///
/// # Errors
/// It could not be built.
pub fn transport(sandbox: bool) -> Result<Transport, String> {
    let settings =
        TransportConfig { allow_plain_http_loopback: sandbox, ..TransportConfig::default() };
    Transport::new(&settings).map_err(|error| format!("the HTTP client cannot be built: {error}"))
}

fn adapters_view(account: &PspAccount, config: &Config) -> psp_adapters::PspAccount {
    psp_adapters::PspAccount {
        id: account.id.clone(),
        adapter: account.adapter.clone(),
        method: account.method.clone(),
        base_url: account.base_url.clone(),
        notify_url: config.webhook_url(account),
        settings: account.settings.clone(),
        secrets: account.secrets.clone(),
    }
}

fn told(key: &str, message: String) -> ConfigFault {
    ConfigFault { source: "psps".to_owned(), key: key.to_owned(), message }
}
