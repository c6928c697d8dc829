//! Everything that can be set, typed, with every fault told at once.
//!
//! Three layers, the later one wins: `config/default.toml` (every key, with its comment; built into
//! the program), the file of the environment (`config/sandbox.toml`, built in too, or the file of
//! `--config`), and variables `INTERLOCK__SECTION__KEY`. PSP accounts, routes and policies have
//! files of their own, named in `[files]`.
//!
//! Nothing else in the service reads the environment. Secrets are [`SecretString`]s from the moment
//! they are read: `Debug` of a whole [`Config`] shows none.
//!
//! Reading order: [`fault`], [`layers`], [`reader`], [`secret`], then the sections, [`reviews`], [`clients`],
//! `keys`, [`tls`], [`production`].
//!
//! [`SecretString`]: secrecy::SecretString

mod access;
mod checks;
pub mod clients;
mod fault;
mod identity;
mod keys;
mod layers;
mod markets;
mod production;
mod psps;
mod rates;
mod reader;
mod retention;
mod reviews;
mod routing;
mod secret;
mod sections;
#[cfg(test)]
mod tests;
pub mod tls;
mod vendors;

pub use access::{ApiKey, Operator, Scope};
pub use checks::{CheckVendor, knows_people, verifies_identity};
pub use fault::ConfigFault;
pub use identity::IdentityTerms;
pub use layers::Variables;
pub use markets::{Markets, built_in_policies, text_of as policy_text};
pub use psps::{DirectionFee, Fee, Operators, PspAccount, Range, SandboxSide};
pub use rates::Fx;
pub use reviews::{Mail, MailTransport, Reviews, Smtp, SmtpSecurity};
pub use routing::{Direction, Health, Route, Routing, Scoring, Terms};
pub use secret::{Origin as SecretOrigin, modified};
pub use sections::{
    Console, Database, Evidence, Instance, Limits, PlayerTokens, Sandbox, Server, Telemetry,
    WebhooksOut, WebhooksTls,
};
pub use vendors::VendorAccount;

use crate::decide::erasure::Term;
use crate::domain::Currency;
use crate::sandbox::keys::{KeyKind, KeyOf};
use layers::Layers;
use reader::Reader;
use secret::Secrets;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

const DEFAULT: &str = include_str!("../../config/default.toml");
const SANDBOX: &str = include_str!("../../config/sandbox.toml");
const SANDBOX_PSPS: &str = include_str!("../../config/psps.toml");
const SANDBOX_CHECKS: &str = include_str!("../../config/checks.toml");
const SANDBOX_ROUTING: &str = include_str!("../../config/routing.toml");

/// The sources that come with the program and are laid under everything else.
const BUILT_IN: [&str; 2] = ["config/default.toml", "config/sandbox.toml"];

/// Which configuration to load.
#[derive(Debug, Clone)]
pub enum Profile {
    /// The built-in one. `home` is the sandbox's folder, whose keys must have been made before
    /// ([`crate::sandbox::keys::SandboxKeys::ensure`] with [`sandbox_keys`]). A `file` may change
    /// single settings.
    Sandbox { home: PathBuf, file: Option<PathBuf> },
    /// A file of the operator's.
    Production { file: Option<PathBuf> },
}

/// The whole configuration, checked.
#[derive(Debug, Clone)]
pub struct Config {
    pub server: Server,
    pub database: Database,
    pub instance: Instance,
    pub telemetry: Telemetry,
    pub limits: Limits,
    /// Keys are taken as `Authorization: Bearer <key>` too, without a signature. Sandbox only.
    pub plain_bearer: bool,
    pub operators: Vec<Operator>,
    pub api_keys: Vec<ApiKey>,
    pub psps: Vec<PspAccount>,
    /// Who is asked about players.
    pub checks: Vec<CheckVendor>,
    /// Who screens outside the house.
    pub vendors: Vec<VendorAccount>,
    pub in_sandbox: bool,
    pub routing: Routing,
    pub markets: Markets,
    /// Rules, or the beginnings of their ids, that are recorded without effect.
    pub recorded_only: Vec<String>,
    pub fx: Fx,
    pub webhooks_out: WebhooksOut,
    pub player_tokens: PlayerTokens,
    pub reviews: Reviews,
    /// How long the data of players is kept, by country.
    pub retention: BTreeMap<String, Term>,
    pub mail: Mail,
    pub evidence: Evidence,
    pub console: Console,
    pub sandbox: Sandbox,
}

impl Config {
    /// Loads and checks a configuration with the variables of this process.
    ///
    /// # Errors
    /// Every fault there is, in the order of files and keys.
    pub fn load(profile: &Profile) -> Result<Self, Vec<ConfigFault>> {
        Self::load_with(profile, &Self::variables())
    }

    /// The ids of the operators that a configuration names, whatever else is wrong with it: who asks may not
    /// have its secrets.
    pub fn operators(profile: &Profile) -> Vec<String> {
        let variables = Self::variables();
        let (layers, _) = gather(profile, &variables);
        let reader = Reader::new(&layers);
        reader.root().sections("operators").iter().map(|operator| operator.text("id")).collect()
    }

    /// The variables of this process.
    pub fn variables() -> Variables {
        std::env::vars_os().filter_map(utf8).collect()
    }

    /// As [`Config::load`] with other variables.
    ///
    /// # Errors
    /// Every fault there is.
    pub fn load_with(profile: &Profile, variables: &Variables) -> Result<Self, Vec<ConfigFault>> {
        let (layers, secrets) = gather(profile, variables);
        let reader = Reader::new(&layers);
        let (config, policy_faults) = Self::read(&reader, &secrets);
        if let Profile::Production { .. } = profile {
            production::check(&config, &reader);
            identity::check(&config.checks, &config.operators, &reader);
        }
        clients::check(&config, &reader, secrets.in_sandbox());
        keys::check(&config, &reader);
        let mut faults = reader.finish();
        faults.extend(policy_faults);
        if faults.is_empty() { Ok(config) } else { Err(faults) }
    }

    fn read(reader: &Reader<'_>, secrets: &Secrets<'_>) -> (Self, Vec<ConfigFault>) {
        let root = reader.root();
        let (operators, api_keys) = access::read(&root, secrets);
        let psps = psps::read(&root, secrets);
        let files = root.section("files");
        let _ = (files.opt_text("psps"), files.opt_text("routing"), files.opt_text("checks"));
        let policies = files.opt_text("policies").map(|path| secrets.path(&path));
        let (markets, policy_faults) = markets::load(policies.as_deref());
        let config = Self {
            server: Server::read(&root.section("server"), secrets),
            database: Database::read(&root.section("database"), secrets.variables),
            instance: Instance::read(&root.section("instance")),
            telemetry: Telemetry::read(&root.section("telemetry")),
            limits: Limits::read(&root.section("limits")),
            plain_bearer: root.section("auth").flag("plain_bearer"),
            routing: Routing::read(&root.section("routing"), &psps, &markets.versions),
            fx: Fx::read(&root.section("fx")),
            webhooks_out: WebhooksOut::read(&root.section("webhooks_out")),
            player_tokens: PlayerTokens::read(&root.section("player_tokens"), secrets),
            reviews: Reviews::read(&root.section("reviews")),
            retention: retention::read(&root.section("retention")),
            mail: Mail::read(&root.section("mail"), secrets),
            evidence: Evidence::read(&root.section("evidence"), secrets),
            console: Console::read(&root.section("console"), secrets),
            recorded_only: root.section("screening").texts("recorded_only"),
            sandbox: Sandbox::read(&root.section("sandbox")),
            checks: checks::read(&root, secrets),
            vendors: vendors::read(&root, secrets),
            in_sandbox: secrets.in_sandbox(),
            operators,
            api_keys,
            psps,
            markets,
        };
        config.check_rates(reader);
        (config, policy_faults)
    }

    /// Where an account's webhooks reach us: over TLS with a client certificate where the account says
    /// whose certificate that is and there is a listener for it.
    pub fn webhook_url(&self, account: &PspAccount) -> String {
        let tls = self.server.webhooks_tls.as_ref().filter(|_| self.shows_certificate(account));
        let base = tls.map_or(&self.server.public_url, |tls| &tls.public_url);
        format!("{}/webhooks/{}", base.trim_end_matches('/'), account.id)
    }

    /// Whether the account's webhooks come over TLS with a client certificate, and in no other way.
    pub fn shows_certificate(&self, account: &PspAccount) -> bool {
        self.server.webhooks_tls.is_some() && account.secrets.contains_key("webhook_client_ca_pem")
    }

    /// Where the messages of a vendor of identity reach us.
    pub fn vendor_webhook_url(&self, id: &str) -> String {
        format!("{}/webhooks/vendors/{id}", self.server.public_url.trim_end_matches('/'))
    }

    /// The currencies of all markets: what is compared with a threshold is of one of them.
    fn currencies(&self) -> BTreeSet<Currency> {
        self.markets.versions.iter().flat_map(|one| &one.currencies).copied().collect()
    }

    fn check_rates(&self, reader: &Reader<'_>) {
        for currency in self.currencies() {
            if !self.fx.eur_per_unit.contains_key(&currency) {
                reader.fault("fx.eur_per_unit", format!("{currency} is missing"));
            }
        }
    }
}

/// The keys that the PSP accounts of the built-in sandbox need, to be made before it is read.
pub fn sandbox_keys() -> Vec<KeyOf> {
    let table: toml::Table = SANDBOX_PSPS.parse().unwrap_or_default();
    let mut needed = Vec::new();
    for account in table.get("psps").and_then(toml::Value::as_array).into_iter().flatten() {
        let id = account.get("id").and_then(toml::Value::as_str);
        let keys = account.get("sandbox").and_then(|side| side.get("keys")?.as_table());
        let (Some(id), Some(keys)) = (id, keys) else {
            continue;
        };
        for (name, kind) in keys {
            if let Some(kind) = kind.as_str().and_then(KeyKind::parse) {
                needed.push(KeyOf { account: id.to_owned(), name: name.clone(), kind });
            }
        }
    }
    needed
}

/// A variable of this process, when it is set and not empty.
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The environment variable that sets a key: `server.listen` is `INTERLOCK__SERVER__LISTEN`.
pub fn variable_of(key: &str) -> String {
    format!("INTERLOCK__{}", key.replace('.', "__").to_uppercase())
}

fn gather<'a>(profile: &Profile, variables: &'a Variables) -> (Layers, Secrets<'a>) {
    let mut layers = Layers::default();
    layers.add(BUILT_IN[0], DEFAULT);
    let (file, generated) = match profile {
        Profile::Sandbox { home, file } => {
            layers.add(BUILT_IN[1], SANDBOX);
            (file, Some(home.join("keys")))
        }
        Profile::Production { file } => {
            if file.is_none() {
                layers.fault("--config", "", "no configuration file was named");
            }
            (file, None)
        }
    };
    let mut folder = PathBuf::new();
    if let Some(file) = file {
        add_file(&mut layers, file);
        folder = file.parent().map(Path::to_owned).unwrap_or_default();
    }
    // Those that name files come before the files, and all once more after them: variables win.
    let names = variable_of("files.");
    layers.add_variables(variables.iter().filter(|(name, _)| name.starts_with(&names)));
    for (key, source, built_in) in [
        ("psps", "config/psps.toml", SANDBOX_PSPS),
        ("routing", "config/routing.toml", SANDBOX_ROUTING),
        ("checks", "config/checks.toml", SANDBOX_CHECKS),
    ] {
        match (named_file(&layers, key), profile) {
            (Some(name), _) => add_file(&mut layers, &folder.join(name)),
            (None, Profile::Sandbox { .. }) => layers.add(source, built_in),
            // Nobody need be asked where no policy asks.
            (None, Profile::Production { .. }) if key == "checks" => {}
            (None, Profile::Production { .. }) => {
                let origin = layers.origin("files");
                layers.fault(&origin, &format!("files.{key}"), "names no file");
            }
        }
    }
    layers.add_variables(variables);
    let secrets = Secrets { variables, folder, generated };
    (layers, secrets)
}

fn named_file(layers: &Layers, key: &str) -> Option<String> {
    let named = layers.tree.get("files")?.get(key)?.as_str()?;
    (!named.is_empty()).then(|| named.to_owned())
}

fn add_file(layers: &mut Layers, path: &Path) {
    let source = path.display().to_string();
    match std::fs::read_to_string(path) {
        Ok(text) => layers.add(&source, &text),
        Err(error) => layers.fault(&source, "", &format!("cannot be read: {error}")),
    }
}

/// Names and values that are no UTF-8 can be no settings of ours.
fn utf8((name, value): (std::ffi::OsString, std::ffi::OsString)) -> Option<(String, String)> {
    Some((name.into_string().ok()?, value.into_string().ok()?))
}
