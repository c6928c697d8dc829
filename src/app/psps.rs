//! PSP accounts become clients.

use crate::config::{Config, ConfigFault, clients};
use crate::routing::registry::PspRegistry;

/// Builds a client for every account.
///
/// # Errors
/// All faults of all accounts.
pub fn registry(config: &Config, sandbox: bool) -> Result<PspRegistry, Vec<ConfigFault>> {
    Ok(PspRegistry::new(clients::psps(config, sandbox)?))
}
