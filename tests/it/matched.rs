//! Whose name a matcher is told, and that a record which two people change is matched anew. Nobody works here.

use super::cases::{approve, open};
use super::harness::{Setup, World};
use super::names::{deposit, except, hit, named};
use super::rules::rule;
use interlock::book::{CasePayload, PlayerFields};
use interlock::domain::{Player, PlayerKey};
use interlock::vendors::people::rescreen::rescreen;
use interlock::vendors::people::sweep_names::sweep_names;
use serde_json::json;
use std::time::Duration;

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

/// At the next name nobody has looked, whatever entry they said it of.
#[tokio::test(flavor = "multi_thread")]
async fn what_two_people_said_of_a_name_ends_with_the_name() {
    let world = world(Vec::new()).await;
    let player = named(&world, "Erika Sanctioned").await;
    let held = deposit(&world, &player).await;
    assert_eq!(held.status.as_str(), "in_review");
    let (entry, _, _) = hit(&world, &held).await;
    let other = named(&world, "Erica Sanctioned").await;
    let (next, _, _) = hit(&world, &deposit(&world, &other).await).await;
    for entry in [&entry, &next] {
        except(&world, &player, entry, Duration::from_secs(86_400)).await;
    }
    world.move_on(Duration::from_secs(1)).await;
    let known = world.read_player(&player).await;
    let phone = Some("+49 30 1234".to_owned());
    world.change_player(Player { phone, ..known }).await;
    let open = deposit(&world, &player).await;
    assert_eq!(open.status.as_str(), "action_required", "the control: the name is the same");
    let known = world.read_player(&player).await;
    let full_name = "Erica Sanctioned".to_owned();
    world.change_player(Player { full_name, ..known }).await;
    let held = deposit(&world, &player).await;
    assert_eq!(held.status.as_str(), "in_review");
    let (same, excepted, _) = hit(&world, &held).await;
    assert_eq!((same, excepted), (next, false), "it was said of another name");
    world.leave_open();
}

/// The matcher is there, and has no answer for one name. While it is away itself nobody is passed over.
#[tokio::test(flavor = "multi_thread")]
async fn a_player_whom_a_matcher_refuses_stops_the_walk_for_nobody_else() {
    let world = world(Vec::new()).await;
    for name in ["Erika Mustermann", "Erika Refused", "Erika Musterfrau"] {
        named(&world, name).await;
    }
    let forget = "delete from name_screening_due";
    let look = async || {
        sqlx::raw_sql(forget).execute(&world.rows).await.unwrap();
        let flows = world.one().flows.clone();
        let looking = async move { sweep_names(&flows, flows.clock.now()).await.unwrap() };
        world.one().run(looking).await
    };
    let finished = "select count(finished_at) from name_sweep";
    let refused = json!({"fault": "http_429", "operation": "ask", "subject": "Erika Refused"});
    world.mocks.vendor_fault("watchman", refused).await;
    let swept = look().await;
    assert_eq!((swept.screened, swept.failed), (2, 1));
    assert_eq!(world.number(finished).await, 1, "the walk is over");
    assert_eq!(world.number("select count(*) from name_screening_due").await, 1);
    // The control: it is away itself, so the walk waits.
    let again = "update name_sweep set finished_at = null, after_operator = '', after_player = '',
                   lease_until = null";
    sqlx::raw_sql(again).execute(&world.rows).await.unwrap();
    world.mocks.vendor_listener("watchman", false).await;
    let swept = look().await;
    assert_eq!((swept.screened, swept.failed), (0, 1));
    assert_eq!(world.number(finished).await, 0);
    world.mocks.vendor_listener("watchman", true).await;
    world.close().await;
}
