//! Vendors of the configuration become clients.

use crate::config::{CheckVendor, Config};
use crate::vendors::identity::vendor::{self, IdentityVendor};
use crate::vendors::identity::verify::Keys;
use crate::vendors::identity::wire::onfido::Onfido;
use crate::vendors::identity::wire::sumsub::Sumsub;
use crate::vendors::identity::wire::veriff::Veriff;
use crate::vendors::people::checks::Checks;
use crate::vendors::people::limit_file::LimitFile;
use crate::vendors::people::link::Link;
use crate::vendors::people::matcher::{Matcher, Wire};
use crate::vendors::people::register::Register;
use psp_adapters::{Transport, TransportConfig};
use secrecy::SecretString;
use url::Url;

/// Clients of all vendors that know people.
pub fn checks(config: &Config) -> Checks {
    // Production refuses addresses on this machine; whoever has one is a sandbox or a test.
    let plain = config.checks.iter().any(|vendor| is_loopback(&vendor.base_url));
    let settings =
        TransportConfig { allow_plain_http_loopback: plain, ..TransportConfig::default() };
    let transport = match Transport::new(&settings) {
        Ok(transport) => transport,
        Err(error) => {
            // The PSPs' clients, built before of the same pieces, would have said so. Without vendors
            // every rule that asks one finds a failure, and none approves.
            tracing::error!(%error, "no vendor can be asked");
            return Checks::default();
        }
    };
    let link =
        |vendor: &CheckVendor| Link::new(transport.clone(), &vendor.base_url, vendor.deadline);
    let mut checks = Checks::default();
    for vendor in &config.checks {
        let (id, countries, link) = (vendor.id.clone(), vendor.countries.clone(), link(vendor));
        match vendor.vendor.as_str() {
            "register" => {
                let token = secret(vendor, "token");
                checks.registers.push(Register { id, countries, link, token });
            }
            "limit_file" => {
                let token = secret(vendor, "token");
                checks.files.push(LimitFile { id, countries, link, token });
            }
            "watchman" => {
                let (wire, least) = (Wire::Watchman, least(vendor));
                checks.matchers.push(Matcher { id, countries, link, wire, least });
            }
            "yente" => {
                let (dataset, algorithm) =
                    (setting(vendor, "dataset"), setting(vendor, "algorithm"));
                let (wire, least) = (Wire::Yente { dataset, algorithm }, least(vendor));
                checks.matchers.push(Matcher { id, countries, link, wire, least });
            }
            _ => checks.identities.extend(identity(vendor, link)),
        }
    }
    checks
}

/// A vendor of identity.
fn identity(of: &CheckVendor, link: Link) -> Option<IdentityVendor> {
    let terms = of.identity.clone()?;
    let wire = match of.vendor.as_str() {
        "sumsub" => vendor::Wire::Sumsub(Sumsub {
            app_token: secret(of, "app_token"),
            secret_key: secret(of, "secret_key"),
        }),
        "onfido" => vendor::Wire::Onfido(Onfido { api_token: secret(of, "api_token") }),
        _ => vendor::Wire::Veriff(Veriff { api_key: secret(of, "api_key") }),
    };
    let next = of.secrets.get("webhook_secret_next").cloned();
    Some(IdentityVendor {
        id: of.id.clone(),
        operator: terms.operator,
        countries: of.countries.clone(),
        link,
        wire,
        keys: Keys { current: secret(of, "webhook_secret"), next },
        levels: terms.levels,
        sandbox: terms.sandbox,
        patience: terms.patience.try_into().unwrap_or(time::Duration::DAY),
    })
}

/// A setting that the configuration has been checked for.
fn setting(vendor: &CheckVendor, name: &str) -> String {
    vendor.settings.get(name).cloned().unwrap_or_default()
}

/// The lowest score that is told at all.
fn least(vendor: &CheckVendor) -> String {
    vendor.settings.get("least_score").cloned().unwrap_or_else(|| "0.70".to_owned())
}

/// A secret that the configuration has been checked for.
fn secret(vendor: &CheckVendor, name: &str) -> SecretString {
    vendor.secrets.get(name).cloned().unwrap_or_else(|| SecretString::from(""))
}

fn is_loopback(url: &str) -> bool {
    let url = Url::parse(url).ok();
    let host = url.as_ref().and_then(Url::host_str);
    host.is_some_and(|host| host == "127.0.0.1" || host == "[::1]" || host == "localhost")
}
