//! Recorded decisions, made again by processes that know nothing but the database.

use super::drawn::{MARKETS, files};
use super::place::{Place, Variables};
use super::program::{Said, run};
use super::recorded;
use super::world::{World, copy_of, database};
use interlock::screening::{Checkpoint, Outcome};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::collections::BTreeSet;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

const GERMAN: &str = include_str!("../../config/policies/DE/DE-2026-11-21e.toml");
const DRAWN: u32 = 10_000;

/// The decisions that a command has named, each with its line.
fn named(said: &Said) -> BTreeSet<&str> {
    let lines = said.out.lines().filter(|line| line.starts_with("dec_"));
    lines.map(|line| line.split([' ', ':']).next().unwrap()).collect()
}

async fn replay_all(place: &Place, url: &str) -> Said {
    let variables = Variables::from([("DATABASE_URL".to_owned(), url.to_owned())]);
    run(place.home(), &variables, &["decisions", "replay", "--all"]).await
}

/// What a deposit of more than this would be under a lower bound, said without the engine: denied, where
/// it was not before.
const LOWERED_MINOR: i64 = 2_000;

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_decisions_come_out_to_the_byte_in_a_fresh_process_and_one_altered_fact_is_named()
 {
    let (app, owner) = tokio::task::spawn_blocking(database).await.unwrap();
    let db = recorded::open(&app, &owner).await;
    let (mut flips, mut german, mut verified) = (BTreeSet::new(), 0, None);
    recorded::record(&db, (DRAWN, &MARKETS), |decision| {
        let facts = &decision.facts;
        if facts.player.as_ref().is_none_or(|player| player.country != "DE") {
            return;
        }
        german += 1;
        let money = facts.payment.as_ref().map_or(0, |payment| payment.money.minor);
        if facts.checkpoint == Checkpoint::DepositPre {
            let is_higher = LOWERED_MINOR < money && decision.outcome() != Outcome::Deny;
            flips.extend(is_higher.then(|| decision.id.to_string()));
            verified = verified.or(facts
                .player
                .as_ref()
                .is_some_and(|player| player.kyc.level == 3)
                .then_some(decision.id));
        }
    })
    .await;
    db.pool().close().await;
    let place = Place::new();
    let said = replay_all(&place, &app).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    let all = "10000 decisions, 10000 identical, 0 different, 0 cannot be made again";
    assert_eq!(said.out.trim(), all);

    // The control: one fact of one decision, in a copy.
    let verified = verified.expect("a verified German");
    let source = app.clone();
    let (copy, owner) = tokio::task::spawn_blocking(move || copy_of(&source)).await.unwrap();
    let mut rows = PgConnection::connect(&owner).await.unwrap();
    let alter = format!(
        "alter table decision disable trigger user;
         update decision set inputs = replace(inputs::text, '\"level\":3', '\"level\":0')::json
         where decision_id = '{}'",
        verified.0
    );
    sqlx::raw_sql(AssertSqlSafe(alter)).execute(&mut rows).await.unwrap();
    rows.close().await.unwrap();
    let said = replay_all(&place, &copy).await;
    assert_eq!(said.code, Some(1), "{said:?}");
    assert_eq!(named(&said), BTreeSet::from([&*verified.to_string()]), "{said:?}");
    assert!(said.out.contains("rule kyc.level: "), "{said:?}");
    assert!(
        said.out
            .ends_with("10000 decisions, 9999 identical, 1 different, 0 cannot be made again\n"),
        "{said:?}"
    );

    backtest(&place, &app, (&flips, german)).await;
    who_read_was_noted(&app).await;
}

/// Whoever reads decisions at the machine is noted, by the account there, with what was asked for.
async fn who_read_was_noted(url: &str) {
    let mut rows = PgConnection::connect(url).await.unwrap();
    let noted = "select door || ': ' || act || ' ' || subject from decision_read order by at";
    let noted: Vec<String> = sqlx::query_scalar(noted).fetch_all(&mut rows).await.unwrap();
    rows.close().await.unwrap();
    assert_eq!(noted.len(), 4, "a replay and three back-tests: {noted:?}");
    assert!(noted.iter().all(|line| line.starts_with("cli:")), "{noted:?}");
    assert!(noted[0].ends_with(": read replay of all"), "{noted:?}");
    let span = "read back-test of DE-lower from 2026-11-25 0:00:00.0 +00:00:00 to 2026-11-26";
    assert!(noted[1].contains(span), "{noted:?}");
}

/// A lower bound flips exactly the decisions that it must, each with the rule that did it.
async fn backtest(place: &Place, url: &str, (flips, german): (&BTreeSet<String>, u64)) {
    let variables = Variables::from([("DATABASE_URL".to_owned(), url.to_owned())]);
    let file = place.home().join("DE-lower.toml");
    let (_, german_text) = files().into_iter().find(|(file, _)| file.contains("/DE-")).unwrap();
    let text = german_text
        .replace("DE-2026-11-21e", "DE-lower")
        .replace("deposit.EUR = \"10000.00\"", "deposit.EUR = \"20.00\"");
    std::fs::write(&file, text).unwrap();
    let file = file.to_str().unwrap();
    let backtest = async |from: &str, to: &str| {
        let span = ["policy", "backtest", file, "--from", from, "--to", to];
        run(place.home(), &variables, &span).await
    };
    let said = backtest("2026-11-25T00:00:00Z", "2026-11-26T00:00:00Z").await;
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(!flips.is_empty(), "nothing would be told");
    assert_eq!(named(&said), flips.iter().map(String::as_str).collect::<BTreeSet<_>>());
    let sum = format!("{german} decisions, {} flipped, 0 passed over", flips.len());
    assert!(
        said.out.lines().last().unwrap().starts_with(&sum),
        "{sum}: {:?}",
        said.out.lines().last()
    );
    for line in said.out.lines().filter(|line| line.starts_with("dec_")) {
        assert!(line.contains(" -> deny; ") && line.contains("rule amount.max: no_hit"), "{line}");
    }
    let said = backtest("2026-11-26T00:00:00Z", "2026-11-27T00:00:00Z").await;
    assert!(said.out.starts_with("0 decisions, 0 flipped"), "{said:?}");
    // As it is in force, it flips nothing.
    std::fs::write(file, german_text.replace("DE-2026-11-21e", "DE-lower")).unwrap();
    let said = backtest("2026-11-25T00:00:00Z", "2026-11-26T00:00:00Z").await;
    assert!(said.out.starts_with(&format!("{german} decisions, 0 flipped, 0 passed")), "{said:?}");
}

impl World {
    async fn replay(&self, arguments: &[&str]) -> Said {
        let arguments = [&["decisions", "replay"][..], arguments].concat();
        run(self.place.home(), &self.variables, &arguments).await
    }

    /// Publishes a policy in the names of two officers.
    async fn publish(&self, text: &str, version: &str) {
        let post = async |key: &str, path: &str, body: Value| {
            let url = format!("{}{path}", self.api.url);
            let request = super::api::client().post(url).bearer_auth(key).json(&body);
            let request = request.header("idempotency-key", super::api::fresh());
            let answer = request.send().await.unwrap();
            let status = answer.status();
            let told = answer.json::<Value>().await.unwrap();
            assert!(status.is_success(), "{path}: {told}");
            told
        };
        let proposed = post("sk_officer_a", "/v1/policies", json!({ "text": text })).await;
        let approval = json!({ "sha256": proposed["sha256"] });
        post("sk_officer_b", &format!("/v1/policies/{version}/approve"), approval).await;
    }
}

fn now() -> String {
    OffsetDateTime::now_utc().format(&Rfc3339).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_is_made_again_as_of_a_time_and_under_another_version_after_the_service_is_gone()
{
    let world = World::new().await;
    let mut service = world.serve().await;
    world.api.player("p-then").await;
    let deposit = world.api.deposit("p-then", "50.00").await;
    let then = now();
    let list = format!("/v1/decisions?payment_id={}", deposit["id"].as_str().unwrap());
    let decisions = world.api.get(&list).await.fine();
    let id = decisions["data"][0]["id"].as_str().unwrap().to_owned();
    // Known late: the player is not who they said.
    world.api.player_with("p-then", json!({ "status": "rejected", "level": 0 })).await;
    let from = OffsetDateTime::now_utc() + time::Duration::HOUR;
    let text = GERMAN
        .replace("DE-2026-11-21e", "DE-lower")
        .replace("2026-11-21T00:00:00Z", &from.format(&Rfc3339).unwrap())
        .replace("deposit.EUR = \"10000.00\"", "deposit.EUR = \"20.00\"");
    world.publish(&text, "DE-lower").await;
    assert_eq!(service.stop(Signal::SIGTERM).await.code(), Some(0), "{}", service.said());

    let same = "1 decisions, 1 identical, 0 different, 0 cannot be made again\n";
    for arguments in [&[id.as_str()][..], &[&id, "--as-of", &then]] {
        let said = world.replay(arguments).await;
        assert_eq!((said.code, said.out.as_str()), (Some(0), same), "{arguments:?} {said:?}");
    }
    let said = world.replay(&[&id, "--as-of", &now()]).await;
    assert_eq!(said.code, Some(1), "{said:?}");
    let told = format!("{id}: outcome: approve -> deny; ");
    assert!(said.out.starts_with(&told) && said.out.contains("rule kyc.level: "), "{said:?}");
    let said = world.replay(&[&id, "--policy", "DE-lower"]).await;
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.out.starts_with(&told) && said.out.contains("rule amount.max: "), "{said:?}");
    assert!(said.out.contains("threshold 10000.00 EUR"), "{said:?}");
    let said = world.replay(&[&id, "--policy", "GB-2026-11-21f"]).await;
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(
        said.out.contains("1 cannot be made again (1: the policy version GB-2026-11-21f is of GB")
    );
    let unknown = "dec_00000000000000000000000000000001";
    world.replay(&[unknown]).await.refused_with(&["there is no decision", unknown]);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_faulty_policy_is_told_with_its_file_and_line() {
    let place = Place::new();
    let file = place.home().join("DE-faulty.toml");
    let text = GERMAN
        .replace("DE-2026-11-21e", "DE-faulty")
        .replace("deposit.EUR = \"10000.00\"", "deposit.EUR = \"ten thousand\"")
        .replace("id = \"dual_approval\"", "id = \"dual_approvall\"");
    std::fs::write(&file, &text).unwrap();
    let line_of = |part: &str| 1 + text.lines().position(|line| line.contains(part)).unwrap();
    let check =
        async |file: &str| run(place.home(), &Variables::new(), &["policy", "check", file]).await;
    let said = check(file.to_str().unwrap()).await;
    assert_eq!(said.code, Some(1), "{said:?}");
    for (part, word) in [("ten thousand", "ten thousand"), ("dual_approvall", "dual_approvall")] {
        let place = format!("{}:{}: ", file.display(), line_of(part));
        let told = said.out.lines().find(|line| line.starts_with(&place));
        assert!(told.is_some_and(|line| line.contains(word)), "{place}{word}: {}", said.out);
    }
    let sound = place.home().join("DE-sound.toml");
    std::fs::write(&sound, GERMAN.replace("DE-2026-11-21e", "DE-sound")).unwrap();
    let said = check(sound.to_str().unwrap()).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains("sound: DE-sound in DE"), "{said:?}");
    check("nowhere.toml").await.refused_with(&["reading nowhere.toml"]);
}
