//! What a production configuration needs and may not have.

use super::*;
use std::collections::BTreeSet;

const EVIDENCE: &str = "keys/interlock/evidence.private.pem";

/// The example with every secret given, as an operator would; `changed` is laid over it.
fn production(changed: &[(&str, &str)], pairs: &[(&str, &str)]) -> Result<Config, Vec<String>> {
    let folder = Folder::new();
    let secret = folder.write("secret", "0123456789abcdef0123456789abcdef");
    let secret = secret.display().to_string();
    let mut text = include_str!("../../../config/production.example.toml")
        .replace("/run/secrets/anna", &secret)
        .replace("/run/secrets/bo", &secret)
        .replace("/run/secrets/carl", &secret)
        .replace("/run/secrets/dana", &secret)
        .replace("/run/secrets/player-token.pem", "keys/interlock/player-token.private.pem")
        .replace("/run/secrets/smtp-password", &secret)
        .replace("/run/secrets/console-key", &secret)
        .replace("/run/secrets/evidence.pem", EVIDENCE);
    for (old, new) in changed {
        let old = old.replace("/run/secrets/evidence.pem", EVIDENCE);
        assert!(text.contains(&old), "{old}");
        text = text.replace(&old, new);
    }
    let file = folder.write("production.toml", &text);
    with_keys(&folder);
    folder.write("psps.toml", ACCOUNT);
    folder.write(
        "routing.toml",
        "[routing]\nversion = '1'\nhealth = { faults_to_trip = 3, silent_calls = 3 }\n",
    );
    let mut all = variables(&[
        ("DATABASE_URL", "postgres://app@db/interlock"),
        ("BACKEND_SECRET", "0123456789abcdef0123456789abcdef"),
    ]);
    all.extend(variables(pairs));
    let profile = Profile::Production { file: Some(file) };
    told(&folder, Config::load_with(&profile, &all))
}

#[test]
fn the_production_example_is_sound() {
    let config = production(&[], &[]).unwrap();
    assert!(!config.plain_bearer);
    assert_eq!(config.server.public_url, "https://pay.casino.example");
    // What two people decide can be decided from the first day on.
    for scope in Scope::ALL.into_iter().filter(|scope| scope.needs_person()) {
        let able = config.api_keys.iter().filter(|key| key.scopes.contains(&scope));
        let people: BTreeSet<_> = able.filter_map(|key| key.person_id.as_deref()).collect();
        assert_eq!(people.len(), 2, "{}: {people:?}", scope.as_str());
    }
}

#[test]
fn production_refuses_what_is_for_the_sandbox() {
    let faults = production(
        &[
            ("https://pay.casino.example\"\nmetrics", "http://localhost:8080\"\nmetrics"),
            ("metrics_listen = \"10.0.0.5:9464\"", ""),
            ("sk_backend_1", "sk_sandbox"),
            ("secret_env = \"BACKEND_SECRET\"\n", "secret = \"sk_sandbox\"\n"),
            ("[\"casino.example\"]", "[\"localhost\"]"),
            ("{ file = \"", "{ generated = \""),
        ],
        &[
            ("INTERLOCK__AUTH__PLAIN_BEARER", "true"),
            ("INTERLOCK__WEBHOOKS_OUT__ALLOW_LOOPBACK", "true"),
            ("INTERLOCK__WEBHOOKS_OUT__PRODUCTION_HTTPS_ONLY", "false"),
            ("INTERLOCK__LIMITS__LOOPBACK_EXEMPT", "true"),
            ("INTERLOCK__PSPS__TRUSTLY_DE__BASE_URL", "http://127.0.0.1:8101"),
            ("DATABASE_URL", ""),
        ],
    );
    assert_eq!(
        faults.unwrap_err(),
        [
            "INTERLOCK__AUTH__PLAIN_BEARER: auth.plain_bearer: keys in plain are for the sandbox",
            "INTERLOCK__LIMITS__LOOPBACK_EXEMPT: limits.loopback_exempt: behind a proxy on this machine nobody would be limited",
            "INTERLOCK__PSPS__TRUSTLY_DE__BASE_URL: psps[0].base_url: must be https in production",
            "INTERLOCK__PSPS__TRUSTLY_DE__BASE_URL: psps[0].base_url: names this machine: that is for the sandbox",
            "INTERLOCK__WEBHOOKS_OUT__ALLOW_LOOPBACK: webhooks_out.allow_loopback: deliveries to this machine are for the sandbox",
            "INTERLOCK__WEBHOOKS_OUT__PRODUCTION_HTTPS_ONLY: webhooks_out.production_https_only: deliveries without TLS are for the sandbox",
            "config/default.toml: database: DATABASE_URL is not set",
            "config/default.toml: server.metrics_listen: is missing: /metrics is not for the public listener",
            "production.toml: api_keys[0].id: is a key of the sandbox",
            "production.toml: api_keys[0].secret: a secret in the file itself is for the sandbox: use a variable or a file",
            "production.toml: api_keys[0].secret: is a secret of the sandbox, which everybody knows",
            "production.toml: console.key.generated: generated keys are for the sandbox: use a file",
            "production.toml: evidence.key.generated: generated keys are for the sandbox: use a file",
            "production.toml: operators[0].return_hosts: `localhost` is this machine",
            "production.toml: player_tokens.key.generated: generated keys are for the sandbox: use a file",
            "production.toml: server.public_url: must be https in production",
            "production.toml: server.public_url: names this machine: that is for the sandbox",
        ]
    );
}

#[test]
fn nobody_is_two_people_by_two_names_or_says_where_they_call_from() {
    let changed = [("\"10.0.0.0/8\"", "\"0.0.0.0/0\""), ("person_anna", "Anna Berg")];
    let faults = production(&changed, &[]).unwrap_err();
    let told = |words: &str| faults.iter().any(|fault| fault.contains(words));
    assert!(told("server.trusted_proxies: names every address"), "{faults:?}");
    assert!(told("person_id: must be 1 to 64 visible ASCII characters"), "{faults:?}");
    assert_eq!(faults.len(), 2, "{faults:?}");
}

#[test]
fn production_asks_no_test_environment() {
    let at = |variable: &str, url: &str| {
        let told = production(&[], &[(variable, url)]).err().unwrap_or_default();
        let told = told.iter().any(|fault| fault.contains("is a test environment: payments there"));
        (url.to_owned(), told)
    };
    let psp = "INTERLOCK__PSPS__TRUSTLY_DE__BASE_URL";
    for url in [
        "https://test.trustly.com",
        "https://api.truelayer-sandbox.com",
        "https://pix-h.api.efipay.com.br",
        "https://ppp-test.nuvei.com",
        "https://checkout-test.adyen.com/v71",
        "https://api.test.paysafe.com",
        "https://mss.cpc.getswish.net",
        "https://sandbox-api.fireblocks.io",
        "https://app.sandbox.cryptoprocessing.com/api",
        "https://STAGING.psp.example",
        "https://test2.psp.example",
    ] {
        assert_eq!(at(psp, url), (url.to_owned(), true));
    }
    for url in [
        "https://api.trustly.com",
        "https://api.truelayer.com",
        "https://pix.api.efipay.com.br",
        "https://cpc.getswish.net",
        "https://api.fireblocks.io",
        // A word inside of another, and what stands behind the host, say nothing.
        "https://latest.contest.attestation.example/test",
    ] {
        assert_eq!(at(psp, url), (url.to_owned(), false));
    }
}

#[test]
fn productions_vendors_and_settings_are_no_test_environments_either() {
    let text = "[vendors.trm]\nadapter = 'trm'\nhooks = []\nbase_url = 'https://sandbox.trmlabs.com'\n\
        call_timeout_ms = 5000\npoll_ms = 250\nsecrets.api_key = { env = 'BACKEND_SECRET' }\n\
        [[operators]]";
    let faults = production(&[("[[operators]]", text)], &[]).unwrap_err();
    let message = "is a test environment: payments there move no money, and would be credited here";
    assert_eq!(faults, [format!("production.toml: vendors.trm.base_url: {message}")]);
}

#[test]
fn keys_that_the_service_could_not_start_with_are_told() {
    let faults = production(
        &[
            ("\"keys/interlock/player-token.private.pem\"", "\"secret\""),
            (&format!("\"{EVIDENCE}\""), "\"secret\""),
            (
                "metrics_listen = ",
                "webhooks_tls_listen = \"0.0.0.0:8443\"\n\
                 webhooks_tls_public_url = \"https://hooks.casino.example\"\n\
                 webhooks_tls_certificate = { file = \"keys/interlock/webhooks.certificate.pem\" }\n\
                 webhooks_tls_key = { file = \"keys/interlock/ca.private.pem\" }\n\
                 webhooks_tls_client_ca = { file = \"keys/interlock/ca.certificate.pem\" }\n\
                 metrics_listen = ",
            ),
        ],
        &[],
    );
    assert_eq!(
        faults.unwrap_err(),
        [
            "production.toml: evidence.key: is no Ed25519 private key in PEM (PKCS #8)",
            "production.toml: player_tokens.key: is no Ed25519 private key in PEM (PKCS #8)",
            "production.toml: server.webhooks_tls_key: does not belong to the certificate",
        ]
    );
}

#[test]
fn production_says_how_people_are_reminded_of_reviews() {
    let smtp = "transport = \"smtp\"\n";
    let nobody =
        "escalate_to = [\"compliance@casino.example\", \"head-of-compliance@casino.example\"]";
    let unsaid = production(&[(smtp, "")], &[]).unwrap_err();
    let told = "config/default.toml: mail.transport: is missing: say smtp, or off if nobody is to be reminded of reviews";
    assert_eq!(unsaid, [told]);
    assert!(production(&[(smtp, "transport = \"off\"\n")], &[]).is_ok());
    let folder = production(&[(smtp, "transport = \"folder\"\n")], &[]).unwrap_err();
    assert_eq!(
        folder,
        ["production.toml: mail.transport: a folder is for the sandbox: say smtp or off"]
    );
    let plain = [("smtp_user", "smtp_security = \"plain\"\nsmtp_user")];
    let plain = production(&plain, &[]).unwrap_err();
    assert_eq!(plain.len(), 1, "{plain:?}");
    assert!(plain[0].contains("mail.smtp_security: plain is for a server on this machine"));
    let nobody = production(&[(nobody, "escalate_to = []")], &[]).unwrap_err();
    let told = "production.toml: reviews.escalate_to: names nobody: reminders of reviews would reach no one";
    assert_eq!(nobody, [told]);
}

#[test]
fn production_seals_its_log() {
    let faults = production(
        &[
            ("/log\"\nkey = { file = \"/run/secrets/evidence.pem\" }", "/log\""),
            ("folder = \"/var/lib/interlock/evidence\"\n", ""),
        ],
        &[],
    );
    assert_eq!(
        faults.unwrap_err(),
        [
            "config/default.toml: evidence.folder: is missing: where the log's checkpoints go, out of the database's reach",
            "production.toml: evidence.key: is missing: the key that signs the log's checkpoints, { file = … } or { env = … }",
        ]
    );
}

#[test]
fn productions_console_wants_a_secret_key_and_a_second_factor() {
    let key = "[console]\nkey = { file";
    let variables = [
        ("CONSOLE_KEY", "sandbox-console-key-which-everybody-knows"),
        ("INTERLOCK__CONSOLE__TOTP_REQUIRED", "false"),
    ];
    let known = production(&[(key, "[console]\nkey = { env = \"CONSOLE_KEY\" }\n# {")], &variables);
    assert_eq!(
        known.unwrap_err(),
        [
            "INTERLOCK__CONSOLE__TOTP_REQUIRED: console.totp_required: a password alone is for the sandbox",
            "production.toml: console.key: is the sandbox's, which everybody knows",
        ]
    );
    let short = [("CONSOLE_KEY", "0123456789abcdef")];
    let short = production(&[(key, "[console]\nkey = { env = \"CONSOLE_KEY\" }\n# {")], &short);
    let told = "production.toml: console.key: is too short to be a secret: at least 32 characters";
    assert_eq!(short.unwrap_err(), [told]);
    let none = production(&[(key, "[console]\n# {")], &[]).unwrap();
    assert!(none.console.key.is_none(), "without a key there is no console");
}

#[test]
fn production_without_a_file_says_so() {
    let profile = Profile::Production { file: None };
    let faults = Config::load_with(&profile, &Variables::new()).unwrap_err();
    let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
    for expected in [
        "--config: no configuration file was named",
        "config/default.toml: files.psps: names no file",
        "configuration: operators: is empty: nobody could use this service",
    ] {
        assert!(faults.iter().any(|fault| fault == expected), "{expected} is not in {faults:#?}");
    }
}

#[test]
fn production_brings_rates_of_its_own() {
    let dated = "source = \"ECB reference rates and market prices\"\ndate = \"2026-11-23\"\n";
    let all = include_str!("../../../config/production.example.toml");
    let (from, to) = (all.find("[fx]").unwrap(), all.find("[player_tokens]").unwrap());
    let config = production(&[], &[]).unwrap();
    assert_eq!(config.fx.age_max_days, Some(7));
    let none = production(&[(&all[from..to], "")], &[]).unwrap_err();
    let told = "config/default.toml: fx.date: is missing: the rates that come with the program are for the sandbox; say \
                your own source, date and eur_per_unit";
    assert_eq!(none, [told]);
    let other = "is the one that comes with the program, and not of your date";
    let some = production(&[(dated, "date = \"2026-11-23\"\n"), ("SEK = \"0.0910\"\n", "")], &[]);
    let told = ["eur_per_unit.SEK", "source"];
    let told = told.map(|key| format!("config/default.toml: fx.{key}: {other}"));
    assert_eq!(some.unwrap_err(), told);
    // The sandbox has those that are built in, and nobody watches their age.
    let folder = Folder::new();
    let home = with_keys(&folder);
    let sandbox =
        Config::load_with(&Profile::Sandbox { home, file: None }, &variables(&[])).unwrap();
    assert_eq!(sandbox.fx.age_max_days, None);
}

/// The example, over a folder of the market's policies of this name alone.
fn over_policies(market: &str, from: &str, to: &str) -> Result<Config, Vec<String>> {
    let folder = Folder::new();
    let text = super::super::built_in_policies();
    let (path, text) = text.iter().find(|(path, _)| path.contains(market)).unwrap();
    let name = path.trim_start_matches("config/");
    folder.write(name, text);
    let policies = folder.0.join("policies").display().to_string();
    let all = include_str!("../../../config/production.example.toml");
    let (at, end) = (all.find(from).unwrap(), all.find(to).unwrap());
    production(&[(&all[at..end], "")], &[("INTERLOCK__FILES__POLICIES", &policies)])
}

/// What a market's money is compared by is asked for where the market has any: where all of it is euro nothing is.
#[test]
fn rates_are_asked_for_where_a_market_has_money_that_is_no_euro() {
    let (from, to) = ("[fx]", "[player_tokens]");
    over_policies("DE/", from, to).unwrap();
    let told = over_policies("SE/", from, to).unwrap_err();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("fx.date: is missing: the rates that come with"), "{told:?}");
}
