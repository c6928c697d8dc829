//! The small sections: what the process itself needs.

use super::layers::Variables;
use super::reader::Section;
use super::secret::Secrets;
use crate::sandbox::DIR_VARIABLE;
use crate::telemetry::{LogFormat, check_filter};
use ipnet::IpNet;
use secrecy::SecretString;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;
use time::Date;
use time::macros::format_description;
use url::Url;

const ADDRESS: &str = "an address and a port, `127.0.0.1:8080`";
const DAY_MS: i64 = 86_400_000;

#[derive(Debug, Clone)]
pub struct Server {
    /// API, webhooks and console.
    pub listen: SocketAddr,
    /// How the world reaches us, without a slash at the end.
    pub public_url: String,
    /// An address of its own for `/metrics`; without one it is on `listen`, in the sandbox only.
    pub metrics_listen: Option<SocketAddr>,
    /// For PSPs that authenticate their webhooks by a client certificate; without it they reach us on
    /// `listen` as all others, and what they say is a hint.
    pub webhooks_tls: Option<WebhooksTls>,
    /// `X-Forwarded-*` counts only from these.
    pub trusted_proxies: Vec<IpNet>,
    /// Exact origins, `https://casino.example`; never `*`.
    pub cors_origins: Vec<String>,
    pub body_bytes_max: usize,
    pub request_timeout: Duration,
}

/// A listener that serves nobody without a client certificate.
#[derive(Debug, Clone)]
pub struct WebhooksTls {
    pub listen: SocketAddr,
    /// How PSPs reach it, without a slash at the end.
    pub public_url: String,
    pub certificate_pem: SecretString,
    pub key_pem: SecretString,
    /// The authorities of the PSPs' certificates, one after the other.
    pub client_ca_pem: SecretString,
}

impl WebhooksTls {
    fn read(section: &Section<'_>, secrets: &Secrets<'_>) -> Option<Self> {
        let listen = section.opt_parsed("webhooks_tls_listen", ADDRESS);
        let public_url = section.opt_text("webhooks_tls_public_url");
        let secret = |key| section.has(key).then(|| secrets.table(section, key).0);
        let certificate_pem = secret("webhooks_tls_certificate");
        let key_pem = secret("webhooks_tls_key");
        let client_ca_pem = secret("webhooks_tls_client_ca");
        let Some(listen) = listen else {
            // A listen that cannot be read was told of where it was read.
            if !section.has("webhooks_tls_listen") || section.is_blank("webhooks_tls_listen") {
                for (key, there) in [
                    ("webhooks_tls_public_url", public_url.is_some()),
                    ("webhooks_tls_certificate", certificate_pem.is_some()),
                    ("webhooks_tls_key", key_pem.is_some()),
                    ("webhooks_tls_client_ca", client_ca_pem.is_some()),
                ] {
                    if there && !section.is_built_in(key) {
                        section.fault(key, "has no effect without server.webhooks_tls_listen");
                    }
                }
            }
            return None;
        };
        let needed = |key, there: bool| {
            if !there {
                section.fault(key, "is missing: server.webhooks_tls_listen needs it");
            }
        };
        needed("webhooks_tls_public_url", public_url.is_some());
        needed("webhooks_tls_certificate", certificate_pem.is_some());
        needed("webhooks_tls_key", key_pem.is_some());
        needed("webhooks_tls_client_ca", client_ca_pem.is_some());
        let public_url = at_home("https", listen, section, "webhooks_tls_public_url", secrets)
            .unwrap_or_else(|| public_url.unwrap_or_default().trim_end_matches('/').to_owned());
        if !public_url.is_empty() && !public_url.starts_with("https://") {
            section.fault("webhooks_tls_public_url", "must begin with https://");
        }
        let (certificate_pem, key_pem) = (certificate_pem?, key_pem?);
        Some(Self { listen, public_url, certificate_pem, key_pem, client_ca_pem: client_ca_pem? })
    }
}

impl Server {
    pub(super) fn read(section: &Section<'_>, secrets: &Secrets<'_>) -> Self {
        let listen = section.parsed("listen", ADDRESS).unwrap_or(NOWHERE);
        let public_url = url_text(section, "public_url");
        let public_url = at_home("http", listen, section, "public_url", secrets)
            .unwrap_or_else(|| public_url.trim_end_matches('/').to_owned());
        let cors_origins = section.texts("cors_origins");
        for origin in &cors_origins {
            let own = Url::parse(origin).map(|url| url.origin().ascii_serialization());
            if own.ok().as_ref() != Some(origin) {
                section.fault("cors_origins", format!("`{origin}` is no origin"));
            }
        }
        Self {
            listen,
            public_url,
            metrics_listen: section.opt_parsed("metrics_listen", ADDRESS),
            webhooks_tls: WebhooksTls::read(section, secrets),
            trusted_proxies: section.parsed_texts("trusted_proxies", "a network, `10.0.0.0/8`"),
            cors_origins,
            body_bytes_max: section.number("body_bytes_max", 1_024, 16_777_216),
            request_timeout: millis(section, "request_timeout_ms", 60_000),
        }
    }
}

/// How a sandbox is reached when nobody says: where it listens. So whoever moves its port need set nothing
/// else.
fn at_home(
    scheme: &str,
    listen: SocketAddr,
    section: &Section<'_>,
    key: &str,
    secrets: &Secrets<'_>,
) -> Option<String> {
    if !secrets.in_sandbox() || !section.is_built_in(key) || listen.port() == 0 {
        return None;
    }
    let mut reached = listen;
    if listen.ip().is_unspecified() {
        reached.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    Some(format!("{scheme}://{reached}"))
}

#[derive(Debug, Clone)]
pub struct Database {
    /// From `DATABASE_URL`. The sandbox starts a cluster of its own when there is none.
    pub url: Option<SecretString>,
    /// From `DATABASE_OWNER_URL`, for `migrate`.
    pub owner_url: Option<SecretString>,
    pub pool_max: u32,
    /// Lanes of this instance, 1 to 8.
    pub lanes: usize,
}

impl Database {
    pub(super) fn read(section: &Section<'_>, variables: &Variables) -> Self {
        let of = |name: &str| variables.get(name).filter(|url| !url.is_empty());
        let lanes: usize = section.number("lanes", 0, 8);
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            url: of("DATABASE_URL").map(|url| SecretString::from(url.as_str())),
            owner_url: of("DATABASE_OWNER_URL").map(|url| SecretString::from(url.as_str())),
            pool_max: section.number("pool_max", 2, 1_000),
            lanes: if lanes == 0 { cores.min(8) } else { lanes },
        }
    }
}

#[derive(Debug, Clone)]
pub struct Instance {
    /// Stable over restarts: by it an instance takes its own lane slots again at once.
    pub name: String,
}

impl Instance {
    pub(super) fn read(section: &Section<'_>) -> Self {
        let host = || {
            let name = nix::unistd::gethostname().ok()?;
            Some(name.to_string_lossy().into_owned())
        };
        let name = section.opt_text("name").or_else(host);
        if name.is_none() {
            section.fault("name", "is missing, and this machine has no name");
        }
        Self { name: name.unwrap_or_default() }
    }
}

#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub key_per_second: u32,
    pub address_per_second: u32,
    pub loopback_exempt: bool,
}

impl Limits {
    pub(super) fn read(section: &Section<'_>) -> Self {
        Self {
            key_per_second: section.number("key_per_second", 1, 1_000_000),
            address_per_second: section.number("address_per_second", 1, 1_000_000),
            loopback_exempt: section.flag("loopback_exempt"),
        }
    }
}

#[derive(Debug, Clone)]
pub struct Telemetry {
    pub format: LogFormat,
    pub filter: String,
}

impl Telemetry {
    pub(super) fn read(section: &Section<'_>) -> Self {
        let format = match section.text("format").as_str() {
            "human" => LogFormat::Human,
            "json" => LogFormat::Json,
            _ => {
                section.fault("format", "must be `human` or `json`");
                LogFormat::Json
            }
        };
        let filter = section.text("filter");
        if check_filter(&filter).is_err() {
            section.fault("filter", "must read like `info,interlock::lane=debug`");
        }
        Self { format, filter }
    }
}

#[derive(Debug, Clone, Copy)]
pub struct WebhooksOut {
    pub production_https_only: bool,
    /// Deliveries to this machine: the sandbox only.
    pub allow_loopback: bool,
    pub timeout: Duration,
}

impl WebhooksOut {
    pub(super) fn read(section: &Section<'_>) -> Self {
        Self {
            production_https_only: section.flag("production_https_only"),
            allow_loopback: section.flag("allow_loopback"),
            // A try begins only while a whole timeout fits into the minute that a claim lasts.
            timeout: millis(section, "timeout_ms", 20_000),
        }
    }
}

#[derive(Debug, Clone)]
pub struct PlayerTokens {
    pub issuer: String,
    pub audience: String,
    pub ttl_max: Duration,
    /// The Ed25519 private key in PEM.
    pub key_pem: SecretString,
}

impl PlayerTokens {
    pub(super) fn read(section: &Section<'_>, secrets: &Secrets<'_>) -> Self {
        Self {
            issuer: section.text("issuer"),
            audience: section.text("audience"),
            ttl_max: Duration::from_secs(section.number("ttl_max_s", 1, 900)),
            key_pem: secrets.table(section, "key").0,
        }
    }
}

/// How people sign in to the console.
#[derive(Debug, Clone)]
pub struct Console {
    /// Seals the secrets of second factors. Without it there is no console.
    pub key: Option<SecretString>,
    pub totp_required: bool,
    pub idle: Duration,
    pub whole: Duration,
}

impl Console {
    pub(super) fn read(section: &Section<'_>, secrets: &Secrets<'_>) -> Self {
        Self {
            key: section.has("key").then(|| secrets.table(section, "key").0),
            totp_required: section.flag("totp_required"),
            idle: Duration::from_secs(60 * section.number::<u64>("idle_minutes", 1, 480)),
            whole: Duration::from_secs(3_600 * section.number::<u64>("session_hours", 1, 24)),
        }
    }
}

/// How the log is sealed.
#[derive(Debug, Clone)]
pub struct Evidence {
    /// The name that checkpoints are signed under.
    pub name: String,
    /// The Ed25519 private key in PEM. Without one nothing is sealed.
    pub key_pem: Option<SecretString>,
    /// Where the checkpoints' files go.
    pub folder: Option<PathBuf>,
    pub every_records: u64,
    pub every: Duration,
}

impl Evidence {
    pub(super) fn read(section: &Section<'_>, secrets: &Secrets<'_>) -> Self {
        let name = section.text("name");
        if name.contains(|c: char| c.is_whitespace() || c == '+') {
            section.fault("name", "holds a space or a plus sign, which no key's name may");
        }
        let folder = section.opt_text("folder").map(|folder| secrets.path(&folder));
        let sandbox = || Some(secrets.generated.as_ref()?.parent()?.join("evidence"));
        Self {
            name,
            key_pem: section.has("key").then(|| secrets.table(section, "key").0),
            folder: folder.or_else(sandbox),
            every_records: section.number("every_records", 1, 1_000_000),
            every: Duration::from_secs(section.number("every_s", 1, 86_400)),
        }
    }
}

/// The sandbox's own; without meaning in production.
#[derive(Debug, Clone)]
pub struct Sandbox {
    /// Where the mocks' control API listens.
    pub control_listen: SocketAddr,
}

impl Sandbox {
    pub(super) fn read(section: &Section<'_>) -> Self {
        let control: Option<SocketAddr> = section.parsed("control_listen", ADDRESS);
        if control.is_some_and(|address| !address.ip().is_loopback()) {
            section.fault("control_listen", "must be on this machine, `127.0.0.1:…`");
        }
        if !section.is_built_in("dir") && section.origin("dir") != DIR_VARIABLE {
            // Commands that are started beside a sandbox look for it and read no file.
            section.fault("dir", format!("cannot be set by a file: set {DIR_VARIABLE}"));
        }
        section.forgive_one("dir");
        Self { control_listen: control.unwrap_or(NOWHERE) }
    }
}

/// Stands in after a fault; nobody ever listens there.
const NOWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

pub(super) fn millis(section: &Section<'_>, key: &str, most: i64) -> Duration {
    debug_assert!(most <= DAY_MS);
    Duration::from_millis(section.number(key, 1, most))
}

pub(super) fn day(section: &Section<'_>, key: &str) -> Date {
    let text = section.text(key);
    let format = format_description!("[year]-[month]-[day]");
    Date::parse(&text, format).unwrap_or_else(|_| {
        if !text.is_empty() {
            section.fault(key, "must be a day, \"2026-11-20\"");
        }
        Date::MIN
    })
}

/// A URL of http or https, as it was written.
pub(super) fn url_text(section: &Section<'_>, key: &str) -> String {
    let text = section.text(key);
    let fits = Url::parse(&text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https") && url.has_host() && url.query().is_none()
    });
    if !fits && !text.is_empty() {
        section.fault(key, "must be an http(s) URL without a query");
    }
    text
}
