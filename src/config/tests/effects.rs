//! Nothing that can be set is without effect, or it is told.

use super::*;

/// A sandbox whose `[files]` are named by variables alone.
fn with_file(key: &str, text: &str) -> Result<Config, Vec<String>> {
    let folder = Folder::new();
    let named = folder.write(&format!("{key}.toml"), text);
    let profile = Profile::Sandbox { home: with_keys(&folder), file: None };
    let variable = variable_of(&format!("files.{key}"));
    let pairs = variables(&[(&variable, named.to_str().unwrap())]);
    told(&folder, Config::load_with(&profile, &pairs))
}

#[test]
fn a_variable_names_the_file_of_the_accounts() {
    let fewer = SANDBOX_PSPS.replacen("id = \"trustly-de\"", "id = \"trustly-other\"", 1);
    let faults = with_file("psps", &fewer).unwrap_err();
    let told = "config/routing.toml: routing.routes[0].order: `trustly-de` is no PSP account";
    assert!(faults.iter().any(|fault| fault == told), "{faults:#?}");
}

#[test]
fn a_variable_names_the_file_of_the_routes() {
    let text = SANDBOX_ROUTING.replacen("version = \"", "version = \"of-a-variable-", 1);
    let config = with_file("routing", &text).unwrap();
    assert!(config.routing.version.starts_with("of-a-variable-"), "{}", config.routing.version);
}

#[test]
fn a_variable_names_the_file_of_the_vendors_that_know_people() {
    let text = SANDBOX_CHECKS.replace("id = \"yente\"", "id = \"yente-of-a-variable\"");
    let config = with_file("checks", &text).unwrap();
    assert!(config.checks.iter().any(|vendor| vendor.id == "yente-of-a-variable"));
}

#[test]
fn a_list_of_sanctions_is_there_with_its_key_or_not_at_all() {
    let vendor = |settings: &str, secrets: &str| {
        let text = format!(
            "[vendors.mine]\nadapter = 'chainalysis'\nhooks = []\nbase_url = 'http://127.0.0.1:1'\n\
             call_timeout_ms = 5000\npoll_ms = 250\n{settings}\n\
             secrets.api_key = {{ value = 'sandbox-x' }}\n{secrets}"
        );
        sandbox(&text, &[]).map(drop)
    };
    let (url, key) =
        ("settings = { sanctions_url = '{base_url}' }", "secrets.sanctions_key = { value = 'x' }");
    assert_eq!(vendor(url, key), Ok(()));
    assert_eq!(vendor("", ""), Ok(()));
    let without =
        |fault: &str| Err(vec![format!("my.toml: vendors.mine.{fault}: it is never asked")]);
    let lonely = "settings: has sanctions_url without secrets.sanctions_key";
    assert_eq!(vendor(url, ""), without(lonely));
    let lonely = "secrets: has sanctions_key without settings.sanctions_url";
    assert_eq!(vendor("", key), without(lonely));
}

#[test]
fn names_that_nobody_asks_for_are_faults_with_every_kind_of_vendor() {
    let psps = SANDBOX_PSPS.replacen("[psps.settings]", "[psps.settings]\nusernam = 'x'", 1);
    let faults = with_file("psps", &psps).unwrap_err();
    let is_told = |faults: &[String], end: &str| faults.iter().any(|fault| fault.ends_with(end));
    let told = "psps[0].settings.usernam: is nothing that this account's adapter asks for";
    assert!(is_told(&faults, told), "{faults:#?}");
    let checks = SANDBOX_CHECKS.replacen(
        "secrets = { token =",
        "settings = { deadline = '1' }\nsecrets = { tokn = { value = 'x' }, token =",
        1,
    );
    let faults = with_file("checks", &checks).unwrap_err();
    for told in [
        "checks[0].settings.deadline: is nothing that this vendor is asked with",
        "checks[0].secrets.tokn: is nothing that this vendor is asked with",
    ] {
        assert!(is_told(&faults, told), "{faults:#?}");
    }
    check(
        "[vendors.trm]\nsettings.key = 'x'\nsecrets.secret = { value = 'x' }",
        &[
            "my.toml: vendors.trm.secrets.secret: is nothing that this adapter asks for",
            "my.toml: vendors.trm.settings.key: is nothing that this adapter asks for",
        ],
    );
}

#[test]
fn what_belongs_to_a_listener_that_is_not_there_is_told() {
    let text = "[server]\nwebhooks_tls_listen = ''\nwebhooks_tls_public_url = 'https://x.example'\n\
        webhooks_tls_key = { file = 'password' }";
    check(
        text,
        &[
            "my.toml: server.webhooks_tls_key: has no effect without server.webhooks_tls_listen",
            "my.toml: server.webhooks_tls_public_url: has no effect without server.webhooks_tls_listen",
        ],
    );
    assert!(
        sandbox("[server]\nwebhooks_tls_listen = ''", &[]).is_ok(),
        "what is built in is let be"
    );
}

#[test]
fn the_sandboxs_folder_is_named_by_the_variable_alone() {
    let told = "my.toml: sandbox.dir: cannot be set by a file: set INTERLOCK__SANDBOX__DIR";
    check("[sandbox]\ndir = 'elsewhere'", &[told]);
    assert!(sandbox("", &[("INTERLOCK__SANDBOX__DIR", "elsewhere")]).is_ok());
}

#[test]
fn a_delivery_may_take_no_longer_than_lets_it_begin() {
    check("[webhooks_out]\ntimeout_ms = 20000", &[]);
    let told = "my.toml: webhooks_out.timeout_ms: must be from 1 to 20000";
    check("[webhooks_out]\ntimeout_ms = 20001", &[told]);
}

#[test]
fn a_sandbox_is_reached_where_it_listens() {
    let reached = |pairs: &[(&str, &str)]| {
        let server = sandbox("", pairs).unwrap().server;
        (server.public_url, server.webhooks_tls.unwrap().public_url)
    };
    let both = |api: &str, tls: &str| (api.to_owned(), tls.to_owned());
    assert_eq!(reached(&[]), both("http://127.0.0.1:8080", "https://127.0.0.1:8443"));
    let moved = [
        ("INTERLOCK__SERVER__LISTEN", "0.0.0.0:9001"),
        ("INTERLOCK__SERVER__WEBHOOKS_TLS_LISTEN", "127.0.0.1:9002"),
    ];
    assert_eq!(reached(&moved), both("http://127.0.0.1:9001", "https://127.0.0.1:9002"));
    let pages = [("INTERLOCK__PSPS__SWISH_SE__SANDBOX__SETTINGS__PAGES_PORT", "9003")];
    let config = sandbox("", &pages).unwrap();
    let swish = config.psps.iter().find(|psp| psp.id == "swish-se").unwrap();
    assert_eq!(swish.settings["app_url"], "http://127.0.0.1:9003/paymentrequest");
    let said = [moved[0], ("INTERLOCK__SERVER__PUBLIC_URL", "https://x.example/")];
    assert_eq!(reached(&said), both("https://x.example", "https://127.0.0.1:8443"));
}
