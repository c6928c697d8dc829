//! Vendors become clients.

use crate::config::{Config, VendorAccount, clients};
use crate::vendors::kyt::Wire;
use crate::vendors::kyt::chainalysis::Chainalysis;
use crate::vendors::kyt::elliptic::Elliptic;
use crate::vendors::kyt::look::Vendor;
use crate::vendors::kyt::trm::Trm;
use crate::vendors::registry::{Listed, Vendors};
use secrecy::SecretString;
use std::sync::Arc;

/// Builds a client for every vendor.
///
/// # Errors
/// The HTTP client could not be built.
pub fn vendors(config: &Config) -> Result<Vendors, String> {
    let transport = clients::transport(config.in_sandbox)?;
    let mut vendors = Vendors::default();
    for account in &config.vendors {
        let Some(wire) = wire(account) else { continue };
        let vendor =
            Vendor { wire, transport: transport.clone(), call_timeout: account.call_timeout };
        for hook in &account.hooks {
            vendors.add(*hook, Listed { vendor: vendor.clone(), poll: account.poll });
        }
    }
    Ok(vendors)
}

fn wire(account: &VendorAccount) -> Option<Arc<dyn Wire>> {
    let secret = |key: &str| account.secrets.get(key).cloned();
    let needed = |key: &str| secret(key).unwrap_or_else(|| SecretString::from(String::new()));
    let base_url = account.base_url.clone();
    Some(match account.adapter.as_str() {
        "chainalysis" => {
            let url = account.settings.get("sanctions_url").cloned();
            let sanctions = url.zip(secret("sanctions_key"));
            Arc::new(Chainalysis { base_url, api_key: needed("api_key"), sanctions })
        }
        "elliptic" => {
            let key = account.settings.get("key").cloned().unwrap_or_default();
            Arc::new(Elliptic { base_url, key, secret: needed("secret") })
        }
        "trm" => Arc::new(Trm { base_url, api_key: needed("api_key") }),
        _ => return None,
    })
}
