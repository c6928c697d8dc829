//! Whose name a matcher is told, and that a record which two people change is matched anew. Nobody works here.

use super::cases::{approve, decide, open, proposal, read, refusal};
use super::harness::{Setup, World};
use super::names::{deposit, except, hit, named};
use super::rules::rule;
use interlock::book::{CasePayload, PlayerFields};
use interlock::domain::{Player, PlayerKey};
use interlock::screening::attestation::{AttestationKind, AttestationTerms};
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
    world.renamed(&player, "Erica Sanctioned").await;
    let held = deposit(&world, &player).await;
    assert_eq!(held.status.as_str(), "in_review");
    let (same, excepted, _) = hit(&world, &held).await;
    assert_eq!((same, excepted), (next, false), "it was said of another name");
    world.leave_open();
}

fn exception(entry: &str) -> CasePayload {
    let (kind, reference) = (AttestationKind::NameException, entry.to_owned());
    let terms = AttestationTerms { kind, reference, amount: None, valid_until: None };
    CasePayload::Attestation(terms, None)
}

impl World {
    async fn renamed(&self, player: &PlayerKey, full_name: &str) {
        let known = self.read_player(player).await;
        self.change_player(Player { full_name: full_name.to_owned(), ..known }).await;
    }

    /// As a release wrote it whose proposals did not say of which name they were.
    async fn forget_the_names_of_proposals(&self) {
        let older = "alter table review_proposal disable trigger user;
             update review_proposal set payload = (payload::jsonb - 'named')::text::json,
               payload_sha256 = sha256(convert_to((payload::jsonb - 'named')::text, 'UTF8'));
             alter table review_proposal enable trigger user;";
        sqlx::raw_sql(older).execute(&self.rows).await.unwrap();
    }
}

/// Ann compares one name with the entry, the casino writes the entry's own, and Bob approves.
#[tokio::test(flavor = "multi_thread")]
async fn two_people_except_the_name_that_was_proposed_and_no_name_that_came_between() {
    let world = world(Vec::new()).await;
    let player = named(&world, "Erica Sanctioned").await;
    let (entry, _, _) = hit(&world, &deposit(&world, &player).await).await;
    let case = open(&world, &player, exception(&entry), "ann").await;
    world.renamed(&player, "Erika Sanctioned").await;
    let refused = refusal(approve(&world, &case, "bob").await);
    assert!(refused.to_string().contains("propose again"), "{refused:?}");
    let still = read(&world, case.id).await;
    assert!(still.open && still.open_proposal().unwrap().approvals.is_empty(), "{still:?}");
    assert_eq!(deposit(&world, &player).await.status.as_str(), "in_review");
    // Proposed again it is of the name that is there, and of no other.
    let (entry, _, _) = hit(&world, &deposit(&world, &player).await).await;
    let payload = Some(exception(&entry));
    let again = proposal("approve", "and this is nobody either", payload);
    let case = decide(&world, &still, again, "ann").await.unwrap();
    world.renamed(&player, "Erica Sanctioned").await;
    refusal(approve(&world, &case, "bob").await);
    world.renamed(&player, "Erika Sanctioned").await;
    approve(&world, &case, "bob").await.unwrap();
    assert_eq!(deposit(&world, &player).await.status.as_str(), "action_required");
    world.leave_open();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exception_that_does_not_say_of_which_name_it_is_excepts_nobody() {
    let world = world(Vec::new()).await;
    let player = named(&world, "Erika Sanctioned").await;
    let (entry, _, _) = hit(&world, &deposit(&world, &player).await).await;
    let case = open(&world, &player, exception(&entry), "ann").await;
    world.forget_the_names_of_proposals().await;
    let refused = refusal(approve(&world, &case, "bob").await);
    assert!(refused.to_string().contains("propose again"), "{refused:?}");
    except(&world, &player, &entry, Duration::from_secs(86_400)).await;
    assert_eq!(deposit(&world, &player).await.status.as_str(), "action_required", "the control");
    world.forget_the_names_of_proposals().await;
    assert_eq!(deposit(&world, &player).await.status.as_str(), "in_review");
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
