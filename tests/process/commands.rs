//! The commands beside the sandbox: what they say, and with which exit code.

use super::place::{Place, Variables, free_port};
use super::program::{Program, Said, interlock, run};
use super::wait::until;
use super::world::{World, database};
use interlock::config::sandbox_keys;
use interlock::sandbox::keys::SandboxKeys;
use nix::sys::signal::Signal;
use serde_json::Value;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// A production configuration as an operator would write it, in a folder of its own.
struct Production {
    place: Place,
    file: String,
    variables: Variables,
}

impl Production {
    fn new() -> Self {
        let place = Place::new();
        let home = place.home();
        let keys = SandboxKeys::ensure(home, &sandbox_keys()).unwrap();
        let secret = home.join("secret");
        std::fs::write(&secret, SECRET).unwrap();
        let text = include_str!("../../config/production.example.toml")
            .replace("/run/secrets/anna", secret.to_str().unwrap())
            .replace("/run/secrets/bo", secret.to_str().unwrap())
            .replace("/run/secrets/carl", secret.to_str().unwrap())
            .replace("/run/secrets/dana", secret.to_str().unwrap())
            .replace("/run/secrets/smtp-password", secret.to_str().unwrap())
            .replace("/run/secrets/console-key", secret.to_str().unwrap())
            .replace("/run/secrets/player-token.pem", keys.player_token_key().to_str().unwrap())
            .replace(
                "/run/secrets/evidence.pem",
                keys.private("interlock", "evidence").to_str().unwrap(),
            )
            .replace("/var/lib/interlock/evidence", home.join("evidence").to_str().unwrap())
            .replace("0.0.0.0:8080", &format!("127.0.0.1:{}", place.api))
            .replace("10.0.0.5:9464", &format!("127.0.0.1:{}", place.control));
        let psps = include_str!("../../config/psps.toml");
        let (first, _) = psps.split_at(psps.rfind("[[psps]]").unwrap());
        let (_, first) = first.split_at(first.find("[[psps]]").unwrap());
        let end = first.match_indices("[[psps]]").nth(1).unwrap().0;
        // What only a sandbox has ends the account.
        let (account, _) = first[..end].split_once("[psps.sandbox]").unwrap();
        let psps = account
            .replace("http://127.0.0.1:8101", "https://psp.example")
            .replace("sandbox_de", "casino_de")
            .replace("{ value = \"sandbox-password-de\" }", "{ file = \"secret\" }")
            .replace("{ generated = \"", "{ file = \"keys/");
        std::fs::write(home.join("psps.toml"), psps).unwrap();
        let routing = "[routing]\nversion = '1'\n\
                       health = { faults_to_trip = 3, silent_calls = 3 }\n";
        std::fs::write(home.join("routing.toml"), routing).unwrap();
        let file = home.join("production.toml");
        std::fs::write(&file, text).unwrap();
        let variables = Variables::from([
            ("BACKEND_SECRET".to_owned(), SECRET.to_owned()),
            ("DATABASE_URL".to_owned(), "postgres://127.0.0.1:1/none?user=none".to_owned()),
        ]);
        Self { file: file.to_str().unwrap().to_owned(), place, variables }
    }

    async fn run(&self, command: &str) -> Said {
        run(self.place.home(), &self.variables, &[command, "--config", &self.file]).await
    }

    async fn run_plain(&self, arguments: &[&str]) -> Said {
        run(self.place.home(), &self.variables, arguments).await
    }

    fn set(&mut self, name: &str, value: &str) {
        self.variables.insert(name.to_owned(), value.to_owned());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_production_configuration_is_checked_without_being_started() {
    let mut production = Production::new();
    let said = production.run("check-config").await;
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(
        said.out.contains("the configuration is sound: 1 operators, 1 PSP accounts"),
        "{said:?}"
    );

    production.set("INTERLOCK__AUTH__PLAIN_BEARER", "true");
    production.set("BACKEND_SECRET", "short");
    let said = production.run("check-config").await;
    said.refused_with(&["2 fault(s)", "auth.plain_bearer", "api_keys[0].secret"]);
    assert!(!said.err.contains("short\n"), "no secret is told: {said:?}");
    let none = run(production.place.home(), &production.variables, &["check-config"]).await;
    none.refused_with(&["--config", "no configuration file was named"]);
    let other = run(production.place.home(), &production.variables, &["no-such-command"]).await;
    assert_eq!(other.code, Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_starts_on_its_own_kind_of_database_and_role_only() {
    let mut production = Production::new();
    production.run("serve").await.refused_with(&["connecting to the database"]);
    let (app, owner) = tokio::task::spawn_blocking(database).await.unwrap();
    production.set("DATABASE_URL", &app);
    production.run("serve").await.refused_with(&["not migrated", "interlock migrate"]);
    production.run("migrate").await.refused_with(&["set DATABASE_OWNER_URL"]);
    production.set("DATABASE_OWNER_URL", &owner);
    production.set("BACKEND_SECRET", "short");
    production.run("migrate").await.refused_with(&["1 fault(s)", "api_keys[0].secret"]);
    production.run("serve").await.refused_with(&["1 fault(s)"]);
    production.set("BACKEND_SECRET", SECRET);
    for _ in 0..2 {
        let said = production.run("migrate").await;
        assert_eq!(
            (said.code, said.out.trim()),
            (Some(0), "the database is up to date"),
            "{said:?}"
        );
    }
    let add = ["console", "add", "--role", "viewer", "--person", "p_ada", "--name", "Ada"];
    let add = [&add[..], &["--email", "ada@casino.example", "--operator"]].concat();
    let unnamed = production.run_plain(&[&add[..], &["op_casino"]].concat()).await;
    unnamed.refused_with(&["--config"]);
    let config = ["--config", &*production.file];
    let unknown = production.run_plain(&[&add[..], &["op_cassino"], &config].concat()).await;
    unknown.refused_with(&["op_cassino is none of the operators", "op_casino"]);
    let added = production.run_plain(&[&add[..], &["op_casino"], &config].concat()).await;
    assert_eq!(added.code, Some(0), "{added:?}");
    let call = production.run_plain(&["call", "GET", "deposits"]).await;
    call.refused_with(&["`deposits` is no path"]);
    production.set("DATABASE_URL", &owner);
    production.run("serve").await.refused_with(&["interlock_owner", "application's role"]);
    production.set("DATABASE_URL", &app);
    production.set("NATS_URL", "nats://127.0.0.1:4222");
    let arguments = ["serve", "--config", &production.file];
    let command = interlock(production.place.home(), &production.variables, &arguments);
    let mut service = Program::start(command);
    service.serves(production.place.api).await;
    assert!(service.said().contains("publishes no events to NATS"), "{}", service.said());
    let url = production.place.api_url();
    let bearer = reqwest::Client::builder().no_proxy().build().unwrap();
    let bearer = bearer.get(format!("{url}/v1/reviews"));
    let bearer = bearer.header("authorization", "Bearer sk_backend_1").send().await.unwrap();
    assert_eq!(bearer.status(), 401, "keys in plain are for the sandbox");
    let secret = ["call", "GET", "/v1/deposits?limit=1", "--key", "sk_backend_1"];
    let call = [secret.as_slice(), &["--secret", SECRET, "--url", &url]].concat();
    let said = run(production.place.home(), &production.variables, &call).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(service.stop(Signal::SIGTERM).await.code(), Some(0), "{}", service.said());
    let proof = production.run_plain(&["prove"]).await;
    assert_eq!(proof.code, Some(0), "{proof:?}");

    let world = World::new().await;
    world.serve().await.stop(Signal::SIGTERM).await;
    production.set("DATABASE_URL", &world.variables["DATABASE_URL"]);
    let said = production.run("serve").await;
    said.refused_with(&["belongs to the sandbox environment, not to production"]);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_cannot_have_a_port_has_begun_nothing() {
    let mut production = Production::new();
    let (app, owner) = tokio::task::spawn_blocking(database).await.unwrap();
    production.set("DATABASE_URL", &app);
    production.set("DATABASE_OWNER_URL", &owner);
    assert_eq!(production.run("migrate").await.code, Some(0));
    let taken = std::net::TcpListener::bind(("127.0.0.1", production.place.control)).unwrap();
    production.run("serve").await.refused_with(&["the metrics", "is taken", "METRICS_LISTEN="]);
    let rows = sqlx::PgPool::connect(&app).await.unwrap();
    let begun = "select (select count(*) from worker_heartbeat)
                      + (select count(*) from lane_slot where holder is not null)";
    let begun: i64 = sqlx::query_scalar(begun).fetch_one(&rows).await.unwrap();
    assert_eq!(begun, 0, "no worker has looked and no lane is held");
    rows.close().await;
    drop(taken);

    // And what is set holds: players' tokens live no longer than the configuration lets them.
    production.set("INTERLOCK__PLAYER_TOKENS__TTL_MAX_S", "60");
    let arguments = ["serve", "--config", &production.file];
    let command = interlock(production.place.home(), &production.variables, &arguments);
    let mut service = Program::start(command);
    service.serves(production.place.api).await;
    let url = production.place.api_url();
    let call = async |words: &[&str]| {
        let keys = ["--key", "sk_backend_1", "--secret", SECRET, "--url", &url];
        production.run_plain(&[&["call"], words, &keys].concat()).await
    };
    let player = r#"{"country": "DE", "currency": "EUR", "full_name": "Erika Mustermann",
                     "date_of_birth": "1980-08-12", "kyc": {"status": "verified", "level": 3}}"#;
    let said = call(&["PUT", "/v1/players/p-1", player]).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    let longer =
        call(&["POST", "/v1/player-sessions", r#"{"player_id": "p-1", "ttl_s": 61}"#]).await;
    assert_eq!(longer.code, Some(1), "{longer:?}");
    assert!(longer.out.contains("a whole number from 1 to 60 is expected"), "{longer:?}");
    let said = call(&["POST", "/v1/player-sessions", r#"{"player_id": "p-1", "ttl_s": 60}"#]).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(service.stop(Signal::SIGTERM).await.code(), Some(0), "{}", service.said());
}

/// Restarts as an operator who gives an instance less to do, under the same name.
#[tokio::test(flavor = "multi_thread")]
async fn every_role_tells_whether_it_is_well_and_is_asked_for_its_own_workers_only() {
    let mut production = Production::new();
    let (app, owner) = tokio::task::spawn_blocking(database).await.unwrap();
    production.set("DATABASE_URL", &app);
    production.set("DATABASE_OWNER_URL", &owner);
    production.set("INTERLOCK__INSTANCE__NAME", "one");
    assert_eq!(production.run("migrate").await.code, Some(0));
    let rows = sqlx::PgPool::connect(&app).await.unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let get = async |port: u16, path: &str| {
        let answer = client.get(format!("http://127.0.0.1:{port}{path}")).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let (api, metrics) = (production.place.api, production.place.control);
    for roles in ["worker", "api,webhooks"] {
        let arguments = ["serve", "--config", &production.file, "--role", roles];
        let command = interlock(production.place.home(), &production.variables, &arguments);
        let mut service = Program::start(command);
        service.serves(api).await;
        assert_eq!(get(api, "/livez").await, (200, "ok\n".to_owned()), "{roles}");
        let counted = until("something is counted", async || {
            let (status, text) = get(metrics, "/metrics").await;
            (status == 200 && !text.is_empty()).then_some(text)
        });
        assert!(counted.await.contains("# TYPE"), "{roles}");
        let expected = if roles == "worker" { 404 } else { 401 };
        assert_eq!(get(api, "/v1/deposits").await.0, expected, "{roles}");
        until("its workers have beaten", async || {
            let beaten =
                "select count(*) from worker_heartbeat where worker in ('attempts', 'routing')";
            let beaten: i64 = sqlx::query_scalar(beaten).fetch_one(&rows).await.unwrap();
            (beaten == 2).then_some(())
        })
        .await;
        assert_eq!(service.stop(Signal::SIGTERM).await.code(), Some(0), "{}", service.said());
        // A long time later.
        let past = "update worker_heartbeat set due_by = now() - interval '1 hour'";
        sqlx::query(past).execute(&rows).await.unwrap();
    }
    rows.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_that_find_no_sandbox_say_so() {
    let place = Place::new();
    for arguments in [&["prove"][..], &["call", "GET", "/v1/reviews"]] {
        let said = run(place.home(), &place.variables(), arguments).await;
        said.refused_with(&["start a sandbox with `make run`"]);
    }
    let url = format!("http://127.0.0.1:{}", free_port());
    let call = ["call", "GET", "/v1/deposits", "--url", &url];
    run(place.home(), &place.variables(), &call).await.refused_with(&["calling http://127.0.0.1"]);
}

/// A reader who has gone is nobody's loss; a disk that is full is.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_command_could_not_print_is_told_unless_nobody_reads_it() {
    let place = Place::new();
    let sign = ["sign", "GET", "/v1/reviews", "--url", "http://127.0.0.1:1"];
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let (reader, gone) = std::io::pipe().unwrap();
    drop(reader);
    for (out, code) in [(full.into(), 2), (std::process::Stdio::from(gone), 0)] {
        let mut command = interlock(place.home(), &place.variables(), &sign);
        let ended = command.stdout::<std::process::Stdio>(out).status().await.unwrap();
        assert_eq!(ended.code(), Some(code));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_call_reaches_the_sandbox_and_an_altered_one_does_not() {
    let world = World::new().await;
    let mut house = world.serve().await;
    let mut variables = world.variables.clone();
    for name in ["DATABASE_URL", "DATABASE_OWNER_URL"] {
        variables.remove(name);
    }
    // A proxy for what is elsewhere is not asked for what is here.
    for name in ["HTTP_PROXY", "http_proxy"] {
        variables.insert(name.to_owned(), format!("http://127.0.0.1:{}", free_port()));
    }
    // The note of the running sandbox, which is written once it serves.
    until("run.json", || async { world.place.home().join("run.json").exists().then_some(()) })
        .await;
    let call = async |arguments: &[&str]| {
        run(world.place.home(), &variables, &[&["call"], arguments].concat()).await
    };
    world.api.player("p-call").await;
    let body = world.api.deposit_body("p-call", "10.00").to_string();
    let said = call(&["POST", "/v1/deposits", &body, "--idempotency-key", "call-1"]).await;
    assert_eq!((said.code, said.err.trim()), (Some(0), "201 Created"), "{said:?}");
    let deposit: Value = serde_json::from_str(&said.out).unwrap();
    let again = call(&["POST", "/v1/deposits", &body, "--idempotency-key", "call-1"]).await;
    assert_eq!(again.out, said.out);
    let path = format!("/v1/deposits/{}", deposit["id"].as_str().unwrap());
    assert_eq!(call(&["get", &path]).await.code, Some(0));
    let foreign = call(&["GET", &path, "--key", "sk_sandbox_other"]).await;
    assert_eq!((foreign.code, foreign.err.trim()), (Some(1), "404 Not Found"));
    let wrong = call(&["GET", &path, "--secret", "another"]).await;
    assert_eq!(wrong.code, Some(1));
    assert!(wrong.out.contains("auth.signature_invalid"), "{wrong:?}");

    let signed = run(world.place.home(), &variables, &["sign", "GET", &path]).await;
    assert_eq!(signed.code, Some(0));
    let send = async |path: &str| {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut request = client.get(format!("{}{path}", world.api.url));
        for line in signed.out.lines() {
            let (name, value) = line.split_once(": ").unwrap();
            request = request.header(name, value);
        }
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(send(&path).await, 200);
    assert_eq!(send("/v1/deposits").await, 401);
    let proof = run(world.place.home(), &variables, &["prove"]).await;
    assert_eq!(proof.code, Some(0), "it finds the sandbox's database: {proof:?}");
    assert!(proof.out.contains("0 findings") && !proof.out.contains("BROKEN"), "{proof:?}");
    assert_eq!(house.stop(Signal::SIGINT).await.code(), Some(0));
    world.end().await;
}

/// What `prove` is for: books that do not close are named, with exit code 1.
#[tokio::test(flavor = "multi_thread")]
async fn books_that_do_not_close_are_named() {
    let world = World::new().await;
    let mut house = world.serve().await;
    world.api.player("p-books").await;
    world.control.auto("trustly-de", 0).await;
    let deposit = world.api.deposit("p-books", "10.00").await;
    world.api.until_status(deposit["id"].as_str().unwrap(), &["succeeded"]).await;
    world.proves().await;
    house.stop(Signal::SIGTERM).await;
    let owner = sqlx::PgPool::connect(&world.variables["DATABASE_OWNER_URL"]).await.unwrap();
    let altered = sqlx::query("update wallet set cash = cash + 1").execute(&owner).await;
    assert_eq!(altered.unwrap().rows_affected(), 1);
    owner.close().await;
    let said = run(world.place.home(), &world.variables, &["prove"]).await;
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.out.contains("BROKEN every wallet equals the sum of its entries"), "{said:?}");
    assert!(said.out.contains("p-books"), "{said:?}");
    world.end().await;
}
