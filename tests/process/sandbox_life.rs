//! The sandbox as a process: it starts, stops, is killed, and finds its data again.

use super::api::{Api, Control};
use super::place::Place;
use super::program::{Program, gone, interlock, run};
use super::wait::PATIENCE;
use super::world::database;
use nix::sys::signal::Signal;
use sha2::{Digest, Sha256};
use std::net::TcpListener;
use tokio::io::{AsyncBufReadExt, BufReader};

/// SHA-256 of the rules of `sandbox-1`: every sandbox that was started before knows them.
const SHIPPED: &str = "b5a50013001f3148d2c8dfc0bd8b95c949142bba12cdf693e14d44e80b849f53";

pub async fn started(place: &Place) -> Program {
    let mut program = Program::start(interlock(place.home(), &place.variables(), &["sandbox"]));
    program.says("Interlock sandbox is running").await;
    program
}

async fn refused(place: &Place, words: &[&str]) {
    run(place.home(), &place.variables(), &["sandbox"]).await.refused_with(words);
}

/// Ends it with the signal and sees that nothing is left.
pub async fn stopped(mut program: Program, place: &Place, signal: Signal) {
    let postgres = place.postgres().expect("its own PostgreSQL runs");
    let status = program.stop(signal).await;
    assert_eq!(status.code(), Some(0), "{}", program.said());
    assert!(program.said().contains("stopped; the data stays"), "{}", program.said());
    gone(postgres).await;
    assert!(!place.home().join("run.json").exists());
    for port in [place.api, place.control] {
        TcpListener::bind(("127.0.0.1", port)).expect("its ports are free again");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_true_before_a_stop_a_signal_or_a_kill_is_true_after_it() {
    let place = Place::new();
    let (api, control) = (Api::at(place.api_url()), Control::at(place.control_url()));
    let hundred = ("100.00".to_owned(), "0.00".to_owned());

    let house = started(&place).await;
    api.player("p-life").await;
    let deposit = api.deposit("p-life", "100.00").await;
    let id = deposit["id"].as_str().unwrap();
    let attempt = deposit["attempts"][0]["id"].as_str().unwrap();
    control.complete("trustly-de", attempt, "succeeded").await;
    api.until_status(id, &["succeeded"]).await;
    let books = control.movements("trustly-de").await;
    assert_eq!(books.len(), 1);
    stopped(house, &place, Signal::SIGINT).await;

    let house = started(&place).await;
    assert_eq!(api.wallet("p-life").await, hundred);
    assert_eq!(control.movements("trustly-de").await, books);
    stopped(house, &place, Signal::SIGTERM).await;

    let mut house = started(&place).await;
    let open = api.deposit("p-life", "20.00").await;
    let postgres = place.postgres().unwrap();
    house.kill().await;
    gone(postgres).await;

    let house = started(&place).await;
    assert_eq!(api.wallet("p-life").await, hundred);
    let attempt = open["attempts"][0]["id"].as_str().unwrap();
    control.complete("trustly-de", attempt, "succeeded").await;
    api.until_status(open["id"].as_str().unwrap(), &["succeeded"]).await;
    assert_eq!(api.wallet("p-life").await.0, "120.00");
    let proof = run(place.home(), &place.variables(), &["prove"]).await;
    assert_eq!(proof.code, Some(0), "{proof:?}");
    stopped(house, &place, Signal::SIGINT).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sandbox_whose_postgresql_was_killed_says_so_and_ends() {
    let place = Place::new();
    let mut house = started(&place).await;
    let postgres = place.postgres().unwrap();
    nix::sys::signal::kill(postgres, Signal::SIGKILL).unwrap();
    let status = house.ended().await;
    assert_eq!(status.code(), Some(2), "{}", house.said());
    assert!(house.said().contains("PostgreSQL ended by itself"), "{}", house.said());
    assert!(!place.home().join("run.json").exists());
    stopped(started(&place).await, &place, Signal::SIGINT).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_sandbox_in_the_folder_is_told_who_runs() {
    let place = Place::new();
    let house = started(&place).await;
    let pid = house.pid().to_string();
    refused(&place, &["a sandbox runs here already", &pid, "stop it first"]).await;
    // The first one is none the worse for it.
    Api::at(place.api_url()).player("p-still").await;
    stopped(house, &place, Signal::SIGTERM).await;
}

/// A terminal that was closed takes its readers along: nothing that is printed may keep the house from its
/// orderly end. And the note of one that was killed is no bar to the next, although a process of its number
/// lives.
#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_its_terminal_is_an_orderly_end() {
    let place = Place::new();
    let note = format!(
        r#"{{"pid": {}, "api_url": "", "control_url": "", "app_url": "", "owner_url": ""}}"#,
        std::process::id()
    );
    std::fs::write(place.home().join("run.json"), note).unwrap();
    let mut command = interlock(place.home(), &place.variables(), &["sandbox"]);
    let mut house = command.spawn().unwrap();
    let mut said = BufReader::new(house.stdout.take().unwrap()).lines();
    while !said.next_line().await.unwrap().expect("it goes on").contains("Next: `make demo`") {}

    // A command whose reader has gone does its work all the same, and says by its exit code what it found.
    let mut prove = interlock(place.home(), &place.variables(), &["prove"]).spawn().unwrap();
    drop((prove.stdout.take(), prove.stderr.take()));
    assert_eq!(prove.wait().await.unwrap().code(), Some(0));

    let postgres = place.postgres().expect("its own PostgreSQL runs");
    drop((said, house.stderr.take()));
    let pid = nix::unistd::Pid::from_raw(house.id().unwrap().try_into().unwrap());
    nix::sys::signal::kill(pid, Signal::SIGHUP).unwrap();
    let ended = tokio::time::timeout(PATIENCE, house.wait()).await.expect("it ends").unwrap();
    assert_eq!(ended.code(), Some(0));
    gone(postgres).await;
    assert!(!place.home().join("run.json").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn taken_ports_are_one_clear_message_and_nothing_is_left_running() {
    let place = Place::new();
    let taken = TcpListener::bind(("127.0.0.1", place.api)).unwrap();
    let port = format!("port {}", place.api);
    refused(&place, &[&port, "is taken", "INTERLOCK__SERVER__LISTEN="]).await;
    assert_eq!(place.postgres(), None, "it stopped its PostgreSQL");
    drop(taken);
    let taken = TcpListener::bind(("127.0.0.1", place.control)).unwrap();
    refused(&place, &[&place.control.to_string(), "INTERLOCK__SANDBOX__CONTROL_LISTEN="]).await;
    drop(taken);
    let url = place.variables()["INTERLOCK__PSPS__TRUELAYER_GB__BASE_URL"].clone();
    let address = url.strip_prefix("http://").unwrap().to_owned();
    let taken = TcpListener::bind(&address).unwrap();
    let variable = "INTERLOCK__PSPS__TRUELAYER_GB__BASE_URL=";
    refused(&place, &[address.rsplit(':').next().unwrap(), "taken", variable]).await;
    assert_eq!(place.postgres(), None, "it stopped its PostgreSQL");
    drop(taken);
    let variable = "INTERLOCK__PSPS__SWISH_SE__SANDBOX__SETTINGS__PAGES_PORT";
    let port: u16 = place.variables()[variable].parse().unwrap();
    let taken = TcpListener::bind(("127.0.0.1", port)).unwrap();
    refused(&place, &[&port.to_string(), "taken", &format!("{variable}=")]).await;
    drop(taken);
    // Beside another sandbox all are taken, and told at once.
    let variables = place.variables();
    let taken = [place.api, place.control, place.webhooks_tls, port];
    let taken = taken.map(|port| TcpListener::bind(("127.0.0.1", port)).unwrap());
    let (api, control) = ("INTERLOCK__SERVER__LISTEN=", "INTERLOCK__SANDBOX__CONTROL_LISTEN=");
    let tls = "INTERLOCK__SERVER__WEBHOOKS_TLS_LISTEN=";
    let said = run(place.home(), &variables, &["sandbox"]).await;
    said.refused_with(&["4 ports are taken", api, control, tls, &format!("{variable}=")]);
    assert!(!place.home().join("pg").exists() || place.postgres().is_none(), "{said:?}");
    drop(taken);
    stopped(started(&place).await, &place, Signal::SIGINT).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_configuration_is_told_with_every_fault() {
    let place = Place::new();
    let file = place.home().join("mine.toml");
    std::fs::write(&file, "[server]\nbody_bytes_max = 7\nmisspelt = true\n").unwrap();
    let arguments = ["sandbox", "--config", file.to_str().unwrap()];
    let said = run(place.home(), &place.variables(), &arguments).await;
    said.refused_with(&["2 fault(s)", "server.body_bytes_max", "server.misspelt", "mine.toml"]);
    std::fs::write(&file, "[server\n").unwrap();
    run(place.home(), &place.variables(), &arguments).await.refused_with(&["mine.toml"]);
    let mut variables = place.variables();
    variables.insert("INTERLOCK__SERVER__LISTENN".to_owned(), "127.0.0.1:1".to_owned());
    let said = run(place.home(), &variables, &["sandbox"]).await;
    said.refused_with(&["INTERLOCK__SERVER__LISTENN", "names no setting"]);
    assert_eq!(place.postgres(), None);
}

/// Payments name the version of the rules that planned them: it says the same for ever.
#[tokio::test(flavor = "multi_thread")]
async fn routing_rules_change_under_a_version_of_their_own_alone() {
    let place = Place::new();
    stopped(started(&place).await, &place, Signal::SIGTERM).await;
    let file = place.home().join("mine.toml");
    let terms = "[[routing.terms]]\npsp = 'trustly-de'\ndirection = 'deposit'\ncurrency = 'EUR'\n\
                 daily_cap = '100000.00'\n";
    std::fs::write(&file, terms).unwrap();
    let arguments = ["sandbox", "--config", file.to_str().unwrap()];
    let said = run(place.home(), &place.variables(), &arguments).await;
    let line = "terms of trustly-de, deposit EUR; daily cap 10000000 in minor units";
    said.refused_with(&["`sandbox-1`", "`nothing`", line, "a version of their own"]);
    assert_eq!(place.postgres(), None, "it stopped its PostgreSQL");
    let mut variables = place.variables();
    variables.insert("INTERLOCK__ROUTING__VERSION".to_owned(), "mine-1".to_owned());
    let mut house = Program::start(interlock(place.home(), &variables, &arguments));
    house.says("Interlock sandbox is running").await;
    let rules = |version: &'static str| {
        let (home, variables) = (place.home().to_owned(), place.variables());
        async move { run(&home, &variables, &["routing", "rules", version]).await }
    };
    let (mine, shipped, none) = (rules("mine-1").await, rules("sandbox-1").await, rules("x").await);
    assert!(mine.code == Some(0) && mine.out.contains(line), "{mine:?}");
    let told: String =
        shipped.out.lines().skip(1).map(|line| format!("{}\n", line.trim())).collect();
    assert!(told.contains("deposit DE bank_transfer EUR: trustly-de, truelayer-de; ranked\n"));
    let said = hex::encode(Sha256::digest(&told));
    assert_eq!(
        said, SHIPPED,
        "these are other rules: give config/routing.toml a new version\n{told}"
    );
    assert!(none.code == Some(1) && none.err.contains("`x`"), "{none:?}");
    stopped(house, &place, Signal::SIGTERM).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_not_there_or_not_ours_is_refused() {
    let place = Place::new();
    let mut variables = place.variables();
    let nowhere = format!("postgres://127.0.0.1:{}/none?user=nobody", place.api);
    variables.insert("DATABASE_URL".to_owned(), nowhere.clone());
    let said = run(place.home(), &variables, &["sandbox"]).await;
    said.refused_with(&["DATABASE_URL is set", "DATABASE_OWNER_URL"]);
    variables.insert("DATABASE_OWNER_URL".to_owned(), nowhere);
    let said = run(place.home(), &variables, &["sandbox"]).await;
    said.refused_with(&["cannot connect to the database", "onnection refused"]);

    let (app, owner) = tokio::task::spawn_blocking(database).await.unwrap();
    variables.insert("DATABASE_URL".to_owned(), app);
    variables.insert("DATABASE_OWNER_URL".to_owned(), owner);
    let migrated = run(place.home(), &variables, &["migrate"]).await;
    assert_eq!(migrated.code, Some(0), "{migrated:?}");
    let said = run(place.home(), &variables, &["sandbox"]).await;
    said.refused_with(&["belongs to the production environment, not to sandbox"]);
}
