//! Whose name a matcher is told, and that a record which two people change is matched anew. Nobody works here.

use super::cases::{approve, open};
use super::harness::{Setup, World};
use super::rules::rule;
use interlock::book::{CasePayload, PlayerFields};
use interlock::domain::PlayerKey;
use interlock::vendors::people::rescreen::rescreen;

const NAMES: &str = "id = \"sanctions_pep\"\neffect = \"hold\"\nblock_score = \"0.95\"\nreview_score = \"0.80\"\n\
                     max_age_s = 86400\non_failure = \"review\"";

async fn world(settings: Vec<(&'static str, String)>) -> World {
    let rules = rule(NAMES);
    let setup = Setup { workers: false, vendors: &["watchman"], ..Setup::default() };
    World::with(Setup { rules, settings, ..setup }).await
}

impl World {
    async fn answers_about(&self, player: &PlayerKey) -> i64 {
        let id = &player.player;
        let of = format!("hook = 'names' and player_id = '{id}'");
        self.number(&format!("select count(*) from vendor_result where {of}")).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_matcher_is_told_no_name_of_a_country_that_it_does_not_serve() {
    let world = world(vec![("checks.watchman.countries", "DE".to_owned())]).await;
    for (country, answers) in [("DE", 1), ("GB", 0)] {
        let player = world.player(country).await;
        let (flows, key) = (world.one().flows.clone(), player.clone());
        let matching = async move { rescreen(&flows, &flows.checks.matchers[0], &key).await };
        world.one().run(matching).await.unwrap();
        assert_eq!(world.answers_about(&player).await, answers, "{country}");
    }
    world.close().await;
}

/// Nobody pays: without the wish the next payment would be the first to ask.
#[tokio::test(flavor = "multi_thread")]
async fn a_birth_date_that_two_people_correct_is_matched_anew() {
    let world = world(Vec::new()).await;
    let player = world.player("DE").await;
    let (of_player, due) = (format!("where player_id = '{}'", player.player), "name_screening_due");
    let forget = sqlx::AssertSqlSafe(format!("delete from {due} {of_player}"));
    sqlx::raw_sql(forget).execute(&world.rows).await.unwrap();
    let fields = PlayerFields {
        date_of_birth: Some(time::macros::date!(1980 - 02 - 03)),
        ..PlayerFields::default()
    };
    let wished = format!("select count(*) from {due} {of_player}");
    let case = open(&world, &player, CasePayload::PlayerFields(fields), "ann").await;
    assert_eq!(world.number(&wished).await, 0);
    approve(&world, &case, "bob").await.unwrap();
    assert_eq!(world.number(&wished).await, 1);
    world.close().await;
}
