//! What a production configuration may not have, although a sandbox may.

use super::reader::Reader;
use super::{Config, MailTransport, Operators, SmtpSecurity};
use crate::domain::Currency;
use secrecy::{ExposeSecret, SecretString};
use url::{Host, Url};

/// The prefix of every secret and key that a sandbox prints: publicly known.
const SANDBOX_MARK: &str = "sandbox";
/// The shortest secret that a backend may sign with.
const SECRET_BYTES_MIN: usize = 32;
/// The shortest secret that second factors may be sealed under.
const CONSOLE_KEY_MIN: usize = 32;

pub(super) fn check(config: &Config, reader: &Reader<'_>) {
    check_server(config, reader);
    check_keys(config, reader);
    check_evidence(config, reader);
    check_console(config, reader);
    check_psps(config, reader);
    check_vendors(config, reader);
    check_checks(config, reader);
    check_mail(config, reader);
    check_rates(config, reader);
}

/// Vendors that know people are real ones.
fn check_checks(config: &Config, reader: &Reader<'_>) {
    for (index, vendor) in config.checks.iter().enumerate() {
        let path = format!("checks[{index}]");
        check_other_side(reader, &format!("{path}.base_url"), &vendor.base_url);
        for (name, secret) in &vendor.secrets {
            if secret.expose_secret().contains(SANDBOX_MARK) {
                let message = "is a secret of the sandbox, which everybody knows";
                reader.fault(&format!("{path}.secrets.{name}"), message);
            }
        }
        if vendor.identity.as_ref().is_some_and(|terms| terms.sandbox) {
            let message = "would let verifications of the vendor's sandbox count";
            reader.fault(&format!("{path}.sandbox"), message);
        }
    }
}

fn check_server(config: &Config, reader: &Reader<'_>) {
    if config.database.url.is_none() {
        reader.fault("database", "DATABASE_URL is not set");
    }
    if config.plain_bearer {
        reader.fault("auth.plain_bearer", "keys in plain are for the sandbox");
    }
    check_url(reader, "server.public_url", &config.server.public_url);
    if config.server.metrics_listen.is_none() {
        let message = "is missing: /metrics is not for the public listener";
        reader.fault("server.metrics_listen", message);
    }
    if config.server.trusted_proxies.iter().any(|network| network.prefix_len() == 0) {
        let message = "names every address: whoever calls could say where they call from";
        reader.fault("server.trusted_proxies", message);
    }
    for origin in &config.server.cors_origins {
        check_url(reader, "server.cors_origins", origin);
    }
    if config.webhooks_out.allow_loopback {
        let message = "deliveries to this machine are for the sandbox";
        reader.fault("webhooks_out.allow_loopback", message);
    }
    if !config.webhooks_out.production_https_only {
        let message = "deliveries without TLS are for the sandbox";
        reader.fault("webhooks_out.production_https_only", message);
    }
    if config.limits.loopback_exempt {
        let message = "behind a proxy on this machine nobody would be limited";
        reader.fault("limits.loopback_exempt", message);
    }
}

/// Whoever knows the console's key can make second factors.
fn check_console(config: &Config, reader: &Reader<'_>) {
    let Some(key) = &config.console.key else {
        return;
    };
    let key = key.expose_secret();
    if key.contains(SANDBOX_MARK) {
        reader.fault("console.key", "is the sandbox's, which everybody knows");
    } else if !key.is_empty() && key.len() < CONSOLE_KEY_MIN {
        // One that could not be read is told where it was read.
        let message = format!("is too short to be a secret: at least {CONSOLE_KEY_MIN} characters");
        reader.fault("console.key", message);
    }
    if !config.console.totp_required {
        reader.fault("console.totp_required", "a password alone is for the sandbox");
    }
}

/// A log that nobody can verify proves nothing.
fn check_evidence(config: &Config, reader: &Reader<'_>) {
    if config.evidence.key_pem.is_none() {
        let message =
            "is missing: the key that signs the log's checkpoints, { file = … } or { env = … }";
        reader.fault("evidence.key", message);
    }
    if config.evidence.folder.is_none() {
        let message = "is missing: where the log's checkpoints go, out of the database's reach";
        reader.fault("evidence.folder", message);
    }
}

fn check_keys(config: &Config, reader: &Reader<'_>) {
    for (index, operator) in config.operators.iter().enumerate() {
        let loopback = |host: &&String| is_loopback(&format!("https://{host}"));
        if let Some(host) = operator.return_hosts.iter().find(loopback) {
            let key = format!("operators[{index}].return_hosts");
            reader.fault(&key, format!("`{host}` is this machine"));
        }
    }
    for (index, key) in config.api_keys.iter().enumerate() {
        let path = format!("api_keys[{index}]");
        if key.id.contains(SANDBOX_MARK) {
            reader.fault(&format!("{path}.id"), "is a key of the sandbox");
        }
        let secrets = [Some(&key.secret), key.second_secret.as_ref()];
        for secret in secrets.into_iter().flatten() {
            if let Some(message) = weakness(secret, &key.id) {
                reader.fault(&format!("{path}.secret"), message);
            }
        }
    }
}

fn weakness(secret: &SecretString, key_id: &str) -> Option<&'static str> {
    let text = secret.expose_secret();
    if text.is_empty() {
        // Missing, which was told where it was read.
        None
    } else if text == key_id || text.contains(SANDBOX_MARK) {
        Some("is a secret of the sandbox, which everybody knows")
    } else if text.len() < SECRET_BYTES_MIN {
        Some("is shorter than 32 bytes")
    } else {
        None
    }
}

fn check_psps(config: &Config, reader: &Reader<'_>) {
    for (index, account) in config.psps.iter().enumerate() {
        let path = format!("psps[{index}]");
        check_other_side(reader, &format!("{path}.base_url"), &account.base_url);
        for (name, value) in &account.settings {
            if value.starts_with("http:") || value.starts_with("https:") {
                check_other_side(reader, &format!("{path}.settings.{name}"), value);
            }
        }
        for (name, secret) in &account.secrets {
            if secret.expose_secret().contains(SANDBOX_MARK) {
                let message = "is a secret of the sandbox, which everybody knows";
                reader.fault(&format!("{path}.secrets.{name}"), message);
            }
        }
        let unused = |id: &&String| !config.operators.iter().any(|known| known.id == **id);
        if let Operators::Only(named) = &account.operators
            && let Some(id) = named.iter().find(unused)
        {
            reader.fault(&format!("{path}.operators"), format!("`{id}` is no operator"));
        }
    }
}

/// Who screens must be the real one. Whether a policy asks somebody who is not there is looked at when
/// it is proposed.
fn check_vendors(config: &Config, reader: &Reader<'_>) {
    for account in &config.vendors {
        let path = format!("vendors.{}", account.id);
        check_other_side(reader, &format!("{path}.base_url"), &account.base_url);
        for (name, value) in &account.settings {
            check_other_side(reader, &format!("{path}.settings.{name}"), value);
        }
        for (name, secret) in &account.secrets {
            if secret.expose_secret().contains(SANDBOX_MARK) {
                let message = "is a secret of the sandbox, which everybody knows";
                reader.fault(&format!("{path}.secrets.{name}"), message);
            }
        }
    }
}

/// Amounts are compared by rates that somebody vouches for, with their day. Where all money is euro none are needed.
fn check_rates(config: &Config, reader: &Reader<'_>) {
    let mut foreign = config.currencies();
    foreign.remove(&Currency::EUR);
    if foreign.is_empty() {
        return;
    }
    if reader.is_built_in("fx.date") {
        let message = "is missing: the rates that come with the program are for the sandbox; say your own source, date \
                       and eur_per_unit";
        return reader.fault("fx.date", message);
    }
    let rates = foreign.iter().map(|it| format!("fx.eur_per_unit.{}", it.code()));
    for key in std::iter::once("fx.source".to_owned()).chain(rates) {
        if reader.is_built_in(&key) {
            reader.fault(&key, "is the one that comes with the program, and not of your date");
        }
    }
}

/// Reviews that nobody decides must reach somebody, or it must be said that they need not.
fn check_mail(config: &Config, reader: &Reader<'_>) {
    match &config.mail.transport {
        MailTransport::Off => {}
        MailTransport::Unsaid => {
            let message = "is missing: say smtp, or off if nobody is to be reminded of reviews";
            reader.fault("mail.transport", message);
        }
        MailTransport::Folder(_) => {
            reader.fault("mail.transport", "a folder is for the sandbox: say smtp or off");
        }
        MailTransport::Smtp(smtp) => {
            let here = ["localhost", "127.0.0.1", "::1"].contains(&smtp.host.as_str());
            if smtp.security == SmtpSecurity::Plain && !here {
                let message = "plain is for a server on this machine: say tls or starttls";
                reader.fault("mail.smtp_security", message);
            }
            if config.reviews.escalate_to.is_empty() {
                let message = "names nobody: reminders of reviews would reach no one";
                reader.fault("reviews.escalate_to", message);
            }
        }
    }
}

/// The address of a PSP or vendor: what is told there about money or people must be real.
fn check_other_side(reader: &Reader<'_>, key: &str, text: &str) {
    check_url(reader, key, text);
    if is_for_tests(text) {
        let message =
            "is a test environment: payments there move no money, and would be credited here";
        reader.fault(key, message);
    }
}

fn check_url(reader: &Reader<'_>, key: &str, text: &str) {
    if text.starts_with("http:") {
        reader.fault(key, "must be https in production");
    }
    if is_loopback(text) {
        reader.fault(key, "names this machine: that is for the sandbox");
    }
}

/// Words that PSPs and vendors name their test environments with, as labels of the host or parts of one:
/// `api.test.paysafe.com`, `checkout-test.adyen.com`. Not inside of other words, such as `latest`.
const TEST_WORDS: &[&str] = &["test", "tests", "testing", "staging"];
/// Test environments of other names: the end of the host, and how the label before it ends.
const TEST_HOSTS: &[(&str, &str)] = &[
    // Efí's homologation, `pix-h.api.efipay.com.br`.
    (".api.efipay.com.br", "-h"),
    (".gerencianet.com.br", "-h"),
    // Swish's simulator.
    (".cpc.getswish.net", "mss"),
];

fn is_for_tests(text: &str) -> bool {
    let url = Url::parse(text).ok();
    let Some(host) = url.as_ref().and_then(Url::domain).map(str::to_ascii_lowercase) else {
        return false;
    };
    let is_word = |part: &str| {
        let word = part.trim_end_matches(|c: char| c.is_ascii_digit());
        TEST_WORDS.contains(&word) || word.contains(SANDBOX_MARK)
    };
    let named = |(end, label): &(&str, &str)| {
        host.strip_suffix(end).is_some_and(|before| before.ends_with(label))
    };
    host.split(['.', '-']).any(is_word) || TEST_HOSTS.iter().any(named)
}

fn is_loopback(text: &str) -> bool {
    let Ok(url) = Url::parse(text) else {
        return false;
    };
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback() || ip.is_unspecified(),
        Some(Host::Ipv6(ip)) => ip.is_loopback() || ip.is_unspecified(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}
