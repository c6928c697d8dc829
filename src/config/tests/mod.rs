//! Every fault, by the text that a person reads.

mod effects;
mod identity;
mod market_case;
mod market_facts;
mod packs;
mod production;
mod routing;

use super::*;
use crate::sandbox::keys::SandboxKeys;
use secrecy::ExposeSecret;
use std::fs;
use std::sync::OnceLock;

/// A folder that is removed with the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let template = std::env::temp_dir().join("interlock-config-XXXXXX");
        Self(nix::unistd::mkdtemp(&template).unwrap())
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A sandbox's folder with the keys that the built-in accounts name. They are made once a run: the
/// adapters look into them.
fn with_keys(folder: &Folder) -> PathBuf {
    static MADE: OnceLock<Folder> = OnceLock::new();
    let made = MADE.get_or_init(|| {
        let made = Folder::new();
        SandboxKeys::ensure(&made.0, &sandbox_keys()).unwrap();
        made
    });
    for account in fs::read_dir(made.0.join("keys")).unwrap() {
        for file in fs::read_dir(account.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            let name = path.strip_prefix(&made.0).unwrap().to_str().unwrap();
            folder.write(name, &fs::read_to_string(&path).unwrap());
        }
    }
    folder.write("password", "0123456789abcdef");
    folder.0.clone()
}

fn variables(pairs: &[(&str, &str)]) -> Variables {
    let owned = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
    owned.collect()
}

fn sandbox(text: &str, pairs: &[(&str, &str)]) -> Result<Config, Vec<String>> {
    let folder = Folder::new();
    let file = folder.write("my.toml", text);
    let profile = Profile::Sandbox { home: with_keys(&folder), file: Some(file) };
    told(&folder, Config::load_with(&profile, &variables(pairs)))
}

fn told(folder: &Folder, loaded: Result<Config, Vec<ConfigFault>>) -> Result<Config, Vec<String>> {
    let here = format!("{}/", folder.0.display());
    let plain = |fault: &ConfigFault| fault.to_string().replace(&here, "");
    loaded.map_err(|faults| {
        let mut texts: Vec<String> = faults.iter().map(plain).collect();
        texts.sort();
        texts
    })
}

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    match sandbox(text, &[]) {
        Ok(_) => assert!(expected.is_empty(), "no fault was told"),
        Err(faults) => assert_eq!(faults, expected),
    }
}

#[test]
fn the_sandbox_is_sound() {
    let config = sandbox("", &[]).unwrap();
    let keys: Vec<&str> = config.api_keys.iter().map(|key| &*key.id).collect();
    assert_eq!(
        keys,
        [
            "sk_sandbox",
            "sk_sandbox_other",
            "sk_officer_a",
            "sk_officer_a2",
            "sk_officer_b",
            "sk_operator"
        ]
    );
    assert_eq!(config.api_keys[2].person_id, config.api_keys[3].person_id);
    assert!(config.plain_bearer);
    assert!((1..=8).contains(&config.database.lanes));
    let truelayer = config.psps.iter().find(|psp| psp.id == "truelayer-gb").unwrap();
    assert_eq!(truelayer.settings["webhook_jku"], "http://127.0.0.1:8104/.well-known/jwks");
    for account in &config.psps {
        let routes = config.routing.routes.iter().filter(|route| route.order.contains(&account.id));
        let directions: Vec<Direction> = routes.map(|route| route.direction).collect();
        for direction in [Direction::Deposit, Direction::Withdrawal] {
            assert!(directions.contains(&direction), "{}: {direction:?}", account.id);
        }
    }
}

#[test]
fn the_keys_that_are_made_are_those_that_are_named() {
    let folder = Folder::new();
    SandboxKeys::ensure(&folder.0, &sandbox_keys()).unwrap();
    let profile = Profile::Sandbox { home: folder.0.clone(), file: None };
    let config = Config::load_with(&profile, &Variables::new()).unwrap();
    let named = SANDBOX_PSPS.lines().filter(|line| line.starts_with("[[psps]]")).count();
    assert!(0 < named && config.psps.len() == named);
    let efi = config.psps.iter().find(|psp| psp.adapter == "pix_efi").unwrap();
    let ca = fs::read_to_string(folder.0.join("keys/interlock/ca.certificate.pem")).unwrap();
    assert_eq!(efi.secrets["tls_ca_pem"].expose_secret(), ca.trim());
}

#[test]
fn debug_shows_no_secret() {
    let config = sandbox("", &[("DATABASE_URL", "postgres://u:hunter2@db/x")]).unwrap();
    let text = format!("{config:?}");
    for secret in ["hunter2", "sandbox-password", "PRIVATE KEY", "sandbox-client-secret"] {
        assert!(!text.contains(secret), "{secret} is shown");
    }
}

#[test]
fn variables_win_over_files() {
    let config = sandbox(
        "[server]\nlisten = '127.0.0.1:1'",
        &[
            ("INTERLOCK__SERVER__LISTEN", "127.0.0.1:9"),
            ("INTERLOCK__PSPS__TRUELAYER_DE__BASE_URL", "http://127.0.0.1:9202"),
        ],
    )
    .unwrap();
    assert_eq!(config.server.listen.port(), 9);
    let psp = config.psps.iter().find(|psp| psp.id == "truelayer-de").unwrap();
    assert_eq!(psp.settings["hosted_page_url"], "http://127.0.0.1:9202/payments");
}

#[test]
fn every_fault_is_told_at_once() {
    check(
        "[server]\nlisten = 'here'\nlisen = 'x'\nbody_bytes_max = 1\n\
         [limits]\nkey_per_second = '9'\n\
         [telemetry]\nformat = 'xml'\nfilter = 'interlock=loudly'\n\
         [fx]\ndate = 'today'\n[fx.eur_per_unit]\nGBP = '0'\nXXX = '1'\n\
         [sandbox]\ncontrol_listen = '0.0.0.0:8090'",
        &[
            "my.toml: fx.date: must be a day, \"2026-11-20\"",
            "my.toml: fx.eur_per_unit.GBP: must be greater than zero",
            "my.toml: fx.eur_per_unit.XXX: is no currency",
            "my.toml: limits.key_per_second: must be a whole number without quotes",
            "my.toml: sandbox.control_listen: must be on this machine, `127.0.0.1:…`",
            "my.toml: server.body_bytes_max: must be from 1024 to 16777216",
            "my.toml: server.lisen: is no setting that exists",
            "my.toml: server.listen: must be an address and a port, `127.0.0.1:8080`",
            "my.toml: telemetry.filter: must read like `info,interlock::lane=debug`",
            "my.toml: telemetry.format: must be `human` or `json`",
        ],
    );
}

#[test]
fn a_file_that_is_no_toml_is_named() {
    let faults = sandbox("[server", &[]).unwrap_err();
    assert!(faults[0].starts_with("my.toml: TOML parse error at line 1"), "{faults:?}");
}

#[test]
fn operators_and_keys_are_checked() {
    check(
        "[[operators]]\nid = 'demo'\nname = 'x'\n[[operators]]\nid = 'demo'\nname = 'x'\n\
         [[api_keys]]\nid = 'mine'\noperator = 'op_x'\nscopes = ['operate', 'all']\n\
         secret = 'x'\nsecret_env = 'Y'\n\
         [[api_keys]]\nid = 'sk_b'\noperator = 'demo'\nscopes = []\nsecret_env = 'MISSING'",
        &[
            "my.toml: api_keys[0].id: must be `sk_` and then a-z, 0-9 or _",
            "my.toml: api_keys[0].operator: names no operator",
            "my.toml: api_keys[0].person_id: is missing: `operate` takes a person",
            "my.toml: api_keys[0].scopes: `all` must be one of players, payments, wallet, webhooks, decisions, compliance, operate",
            "my.toml: api_keys[0].secret: give one of secret, secret_env, secret_file, not several",
            "my.toml: api_keys[0].secret: is missing: give secret_env or secret_file",
            "my.toml: api_keys[1].scopes: is empty: this key could do nothing",
            "my.toml: api_keys[1].secret_env: the variable MISSING is not set",
            "my.toml: operators[0].id: must be `op_` and then a-z, 0-9 or _",
            "my.toml: operators[1].id: `demo` is there twice",
            "my.toml: operators[1].id: must be `op_` and then a-z, 0-9 or _",
        ],
    );
}

const ACCOUNT: &str = "[[psps]]\nid = 'trustly-de'\nadapter = 'trustly'\noperators = ['*']\n\
    base_url = 'https://x.example'\ncountries = ['DE']\ncurrencies = ['EUR']\n\
    method = 'bank_transfer'\ndeposit.EUR = { min = '1', max = '2' }\n\
    settings.username = 'x'\nsecrets.password = { file = 'password' }\n\
    secrets.merchant_private_key_pem = { file = 'keys/trustly-de/merchant.private.pem' }\n\
    secrets.trustly_public_key_pem = { file = 'keys/trustly-de/trustly.public.pem' }\n";

#[test]
fn accounts_and_routes_are_checked() {
    let routes = "[routing]\nroutes = [\n\
        { direction = 'deposit', country = 'DE', method = 'bank_transfer', currency = 'EUR', order = ['trustly-de', 'nobody'] },\n\
        { direction = 'deposit', country = 'DE', method = 'bank_transfer', currency = 'EUR', order = [] },\n\
        { direction = 'withdrawal', country = 'DE', method = 'bank_transfer', currency = 'EUR', order = ['trustly-de'] },\n\
        { direction = 'up', country = 'FR', method = 'cash', currency = 'EUR', order = ['trustly-de'] } ]\n";
    let broken = "[[psps]]\nid = 'B'\nadapter = 'trustly'\noperators = []\nbase_url = 'x'\n\
        countries = ['de']\ncurrencies = ['EUR', 'XXX']\nmethod = 'cash'\n\
        deposit.EUR = { min = '9', max = '1.001' }\npayout.EUR = { min = '9', max = '1' }\npayout.GBP = { min = '1', max = '2' }\n\
        secrets.password = { env = 'A', file = 'b' }\nfee.deposit_bps = 20000\n";
    let folder = Folder::new();
    folder.write("psps.toml", &format!("{ACCOUNT}{broken}"));
    let mine = "[files]\npsps = 'psps.toml'\nrouting = 'routing.toml'\n";
    folder.write(
        "routing.toml",
        &format!("{routes}version = '1'\n[routing.health]\nfaults_to_trip = 3\nsilent_calls = 3\n"),
    );
    let profile =
        Profile::Sandbox { home: with_keys(&folder), file: Some(folder.write("my.toml", mine)) };
    let faults = told(&folder, Config::load_with(&profile, &Variables::new())).unwrap_err();
    assert_eq!(
        faults,
        [
            "psps.toml: psps[1].base_url: must be an http(s) URL without a query",
            "psps.toml: psps[1].countries: `de` is no country, `DE`",
            "psps.toml: psps[1].currencies: `XXX` must be a currency, `EUR`",
            "psps.toml: psps[1].deposit.EUR.max: the amount has more decimals than the currency",
            "psps.toml: psps[1].fee.deposit_bps: must be from 0 to 10000",
            "psps.toml: psps[1].id: must be of a-z, 0-9 and dashes",
            "psps.toml: psps[1].method: must be one of bank_transfer, card, e_wallet, interac, pix, crypto",
            "psps.toml: psps[1].operators: is empty: list operators, or [\"*\"] for all",
            "psps.toml: psps[1].payout.EUR.max: is below min",
            "psps.toml: psps[1].payout.GBP: is not among the currencies",
            "psps.toml: psps[1].secrets.merchant_private_key_pem: is missing",
            "psps.toml: psps[1].secrets.password: must be one of { env = … }, { file = … }",
            "psps.toml: psps[1].secrets.trustly_public_key_pem: is missing",
            "psps.toml: psps[1].settings.username: is missing",
            "routing.toml: routing.routes[0].order: `nobody` is no PSP account",
            "routing.toml: routing.routes[1].order: is empty: this kind of payment could go nowhere",
            "routing.toml: routing.routes[1]: is a second route for the same kind of payment",
            "routing.toml: routing.routes[2].order: `trustly-de` does not serve such payments",
            "routing.toml: routing.routes[3].country: `FR` has no policy",
            "routing.toml: routing.routes[3].direction: must be `deposit` or `withdrawal`",
            "routing.toml: routing.routes[3].method: must be one of bank_transfer, card, e_wallet, interac, pix, crypto",
        ]
    );
}

#[test]
fn a_folder_of_policies_is_read_with_every_fault_and_its_line() {
    let folder = Folder::new();
    let sound = include_str!("../../../config/policies/DE/DE-2026-11-21e.toml");
    folder.write("policies/DE/DE-2026-11-21e.toml", sound);
    let (markets, faults) = markets::load(Some(&folder.0.join("policies")));
    assert_eq!((markets.versions.len(), markets.files.len(), faults.len()), (1, 1, 0));
    let broken = sound.replace("rise_delay_hours = 168", "rise_delay_hours = -1");
    folder.write("policies/DE/DE-2026-11-21e.toml", &broken);
    let (_, faults) = markets::load(Some(&folder.0.join("policies")));
    let line = 1 + sound.lines().position(|line| line.starts_with("rise_delay_hours")).unwrap();
    let told = faults[0].to_string();
    assert!(told.contains(&format!("DE-2026-11-21e.toml:{line}: ")), "{told}");
    assert!(told.ends_with("rise_delay_hours must be a whole number from 0 to 8760"), "{told}");
}
