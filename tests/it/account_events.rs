//! Changes of an account are decided in the commit that makes them, where a rule of the market asks.

use super::harness::{SOON, Setup, World, eur, eventually};
use super::rules::{NAMES, all_replay, all_replay_today, rule, vouch, world};
use interlock::domain::{Player, PlayerKey};
use interlock::players::set_limits::{Change, set_limits};
use interlock::screening::attestation::AttestationKind;
use interlock::screening::limits::Period;
use time::macros::date;

const GROWN_UP: &str = "id = \"grown_up\"\nkind = \"age.min\"\neffect = \"review\"\nyears = 21\n\
                        at = [\"account.event\"]";

/// What was decided about events of a player's account: outcome and version, the oldest first.
async fn events(world: &World, player: &PlayerKey) -> Vec<(String, i64)> {
    let sql = format!(
        "select outcome || ' ' || player_version from decision
         where checkpoint = 'account.event' and player_id = '{}' order by decision_id",
        player.player.as_str()
    );
    let read = |row: String| {
        let (outcome, version) = row.split_once(' ').unwrap();
        (outcome.to_owned(), version.parse().unwrap())
    };
    world.texts(&sql).await.into_iter().map(read).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_change_of_an_account_is_decided_with_its_version() {
    let world = world(&[GROWN_UP]).await;
    let player = world.player("DE").await;
    let record = world.read_player(&player).await;
    assert_eq!(events(&world, &player).await, [("approve".to_owned(), 1)]);
    // The same again is no change.
    world.change_player(record.clone()).await;
    let date_of_birth = date!(2006 - 12 - 01);
    world.change_player(Player { date_of_birth, ..record }).await;
    let (flows, key) = (world.one().flows.clone(), player.clone());
    let change = Change::Replace(vec![(Period::Month, eur(2_000))]);
    world.one().run(async move { set_limits(&flows, &key, change).await.unwrap() }).await;
    vouch(&world, &player, AttestationKind::SourceOfFunds, ("file 7", None)).await;
    let decided = |outcome: &str, version| (outcome.to_owned(), version);
    assert_eq!(
        events(&world, &player).await,
        [decided("approve", 1), decided("review", 2), decided("review", 3), decided("review", 4)]
    );
    let kept = "select count(*) from decision d join player_version v
                  on (v.slot, v.seq) = (d.slot, d.seq) and v.version = d.player_version
                where d.checkpoint = 'account.event'";
    assert_eq!(world.number(kept).await, 4, "in one record with the version that it is about");
    all_replay_today(&world).await;
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_rule_for_it_a_change_of_an_account_records_no_decision() {
    let world = World::new().await;
    let player = world.player("DE").await;
    let record = world.read_player(&player).await;
    let date_of_birth = date!(2006 - 12 - 01);
    world.change_player(Player { date_of_birth, ..record }).await;
    assert_eq!(events(&world, &player).await, []);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_matchers_answer_about_an_account_is_a_decision_of_its_own() {
    let rules = rule(NAMES);
    let world = World::with(Setup { rules, vendors: &["yente"], ..Setup::default() }).await;
    let player = world.player("DE").await;
    let record = world.read_player(&player).await;
    world.change_player(Player { full_name: "Erika Exposed".to_owned(), ..record }).await;
    eventually("the new name is matched", SOON, || async {
        let events = events(&world, &player).await;
        (events.last() == Some(&("review".to_owned(), 2))).then_some(())
    })
    .await;
    all_replay(&world).await;
    world.close().await;
}
