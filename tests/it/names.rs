//! Names against lists of sanctions and of politically exposed people: asked with the record, pinned in
//! the decision, and asked anew when a list changes.

use super::cases;
use super::harness::{SOON, Setup, World, deposit_order, eur, eventually, withdrawal_to};
use interlock::book::{CasePayload, Payment, Review};
use interlock::domain::{Audience, Player, PlayerKey, ReviewId};
use interlock::screening::attestation::{AttestationKind, AttestationTerms};
use interlock::store::name_screenings;
use interlock::vendors::people::ask_checks::match_name;
use interlock::vendors::people::rescreen::rescreen;
use interlock::vendors::people::sweep_names::sweep_names;
use serde_json::{Value, json};
use std::time::Duration;

pub const NAMES: &str = r#"
[[rules]]
id = "sanctions_pep"
effect = "hold"
block_score = "0.95"
review_score = "0.80"
max_age_s = 86400
on_failure = "review"
source = "the tests"
source_date = "2026-11-21"
"#;
const DAY: Duration = Duration::from_secs(86_400);
const BOTH: &[&str] = &["watchman", "yente"];

async fn world(vendors: &'static [&'static str]) -> World {
    World::with(Setup { rules: NAMES.to_owned(), vendors, ..Setup::default() }).await
}

pub async fn named(world: &World, name: &str) -> PlayerKey {
    let key = world.rich_player("DE", 10_000).await;
    let known = world.read_player(&key).await;
    world.change_player(Player { full_name: name.to_owned(), ..known }).await;
    key
}

pub async fn deposit(world: &World, player: &PlayerKey) -> Payment {
    world.one().deposit(deposit_order(player, eur(1_000))).await
}

async fn facts(world: &World, payment: &Payment) -> Value {
    let sql = format!("select inputs::text from decision where payment_id = '{}'", payment.id.uuid);
    serde_json::from_str(&world.texts(&sql).await.remove(0)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_policys_thresholds_judge_what_matchers_measure() {
    let world = world(BOTH).await;
    for (name, deposits, withdrawals, code) in [
        ("Erika Sanctioned", "in_review", "in_review", "names.sanctions"),
        ("Erika Similar", "in_review", "in_review", "names.sanctions"),
        ("Erika Exposed", "in_review", "in_review", "names.pep"),
        ("Erika Unscored", "in_review", "in_review", "names.no_answer"),
        ("Erika Pending", "in_review", "in_review", "names.no_answer"),
    ] {
        let player = named(&world, name).await;
        let held = deposit(&world, &player).await;
        assert_eq!(held.status.as_str(), deposits, "{name}");
        let kept = world.one().withdraw(withdrawal_to(&player, eur(1_000), name)).await;
        assert_eq!(kept.status.as_str(), withdrawals, "{name}");
        for reason in held.reasons.iter().chain(&kept.reasons) {
            assert_eq!(reason.code, code, "{name}");
            assert_eq!(reason.audience, Audience::Compliance, "who is listed must not learn it");
        }
        assert_eq!(held.reasons.len(), 2, "{name}: one a matcher");
    }
    let clear = named(&world, "Erika Mustermann").await;
    let open = deposit(&world, &clear).await;
    assert_eq!(open.status.as_str(), "action_required");
    let facts = facts(&world, &open).await;
    let names = facts["checks"]["names"].as_array().unwrap();
    let version = |n: usize| names[n]["found"]["version"].as_str().unwrap();
    assert!(version(0).starts_with("watchman-v2;local_pep="), "{}", version(0));
    assert!(version(1).starts_with("logic-v2;default="), "{}", version(1));
    assert!(!facts.to_string().contains("Mustermann"), "a decision names nobody");
    world.leave_open();
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_wrong_with_a_matcher_the_policys_outcome_comes_in_time() {
    // Nothing is asked in the background: it would be asked before the fault.
    let setup = Setup { rules: NAMES.to_owned(), vendors: &["watchman"], ..Setup::default() };
    let world = World::with(Setup { workers: false, ..setup }).await;
    for fault in [
        "connection_reset_before",
        "timeout_before_accept",
        "http_429",
        "http_500",
        "malformed_body",
        "empty_body",
        "bad_signature",
        "late",
        "null_score",
        "pending",
    ] {
        let player = world.rich_player("DE", 10_000).await;
        world.mocks.vendor_fault("watchman", json!({"fault": fault})).await;
        let held = deposit(&world, &player).await;
        let codes: Vec<&str> = held.reasons.iter().map(|reason| reason.code.as_str()).collect();
        assert_eq!(
            (held.status.as_str(), codes),
            ("in_review", vec!["names.no_answer"]),
            "{fault}"
        );
        world.mocks.clear_vendor_faults("watchman").await;
    }
    world.leave_open();
}

/// Waits until the background has matched everybody.
async fn settled_names(world: &World) {
    eventually("names are matched", SOON, || async {
        let due = "select count(*) from name_screening_due";
        (world.number(due).await == 0).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_is_matched_in_the_background_and_its_answer_used_while_it_is_fresh() {
    let world = world(BOTH).await;
    let player = named(&world, "Erika Mustermann").await;
    settled_names(&world).await;
    let kept = "select count(*) from vendor_result where hook = 'names' and state = 'final'";
    let before = world.number(kept).await;
    assert!(2 <= before, "one a matcher");
    for vendor in BOTH {
        world.mocks.vendor_listener(vendor, false).await;
    }
    let open = deposit(&world, &player).await;
    assert_eq!(open.status.as_str(), "action_required", "nobody had to be asked again");
    world.one().cancel(&open).await.unwrap();
    world.move_on(std::time::Duration::from_secs(86_401)).await;
    let stale = deposit(&world, &player).await;
    assert_eq!(stale.status.as_str(), "in_review", "an old answer is none");
    world.leave_open();
}

#[tokio::test(flavor = "multi_thread")]
async fn when_a_list_changes_all_are_matched_anew_and_only_what_is_new_is_told() {
    let world = world(&["watchman"]).await;
    let old = named(&world, "Erika Sanctioned").await;
    named(&world, "Erika Mustermann").await;
    let new = named(&world, "Max Neulich").await;
    settled_names(&world).await;
    let swept = "select count(*) from name_sweep where finished_at is not null";
    eventually("everybody was matched once", SOON, || async {
        world.one().flows.nudges.names.notify_one();
        (world.number(swept).await == 1).then_some(())
    })
    .await;
    let told = "select e.text from review r join review_event e on e.review_id = r.review_id
                where r.kind = 'name_match' and e.act = 'opened' order by r.opened_at";
    let first = world.texts(told).await;
    assert_eq!(first.len(), 1, "{first:?}");
    assert!(first[0].contains(old.player.as_str()), "{}", first[0]);
    world.mocks.change_lists("watchman", &["Max Neulich"]).await;
    eventually("everybody was matched again", SOON, || async {
        world.one().flows.nudges.names.notify_one();
        (world.number(swept).await == 2).then_some(())
    })
    .await;
    let all = world.texts(told).await;
    assert_eq!(all.len(), 2, "{all:?}");
    let sql = "select old_version || '|' || new_version from name_sweep where number = 2";
    let versions = world.texts(sql).await.remove(0);
    let (before, now) = versions.split_once('|').unwrap();
    assert_ne!(before, now);
    assert!(all[1].contains(new.player.as_str()), "{}", all[1]);
    assert!(all[1].contains(before) && all[1].contains(now), "{}", all[1]);
    assert!(!all[1].contains("Neulich"), "a case names nobody");
    world.close().await;
}

/// Whoever asks may die after the answer is kept and before its case is open; a payment asks too, and opens
/// none. What was never told stays to be told.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_new_is_told_though_whoever_learned_it_died_before_telling() {
    let setup = Setup { rules: NAMES.to_owned(), vendors: &["watchman"], ..Setup::default() };
    let world = World::with(Setup { workers: false, ..setup }).await;
    let key = named(&world, "Erika Sanctioned").await;
    let told = "select count(*) from review where kind = 'name_match'";
    let finals = "select count(*) from vendor_result where hook = 'names' and state = 'final'";
    assert_eq!(deposit(&world, &key).await.status.as_str(), "in_review");
    let player = world.read_player(&key).await;
    world.matches(&player).await;
    assert_eq!((world.number(finals).await, world.number(told).await), (2, 0), "and it died here");
    world.sweeps().await;
    assert_eq!(world.number(told).await, 1, "who looks next tells of it");
    // The control: nothing is new after that, however often it is asked.
    world.change_player(Player { email: Some("new@example.com".to_owned()), ..player }).await;
    world.sweeps().await;
    assert_eq!((world.number(finals).await, world.number(told).await), (4, 1));
    world.leave_open();
}

impl World {
    /// Asks the first matcher and keeps its answer, and no more.
    async fn matches(&self, player: &Player) {
        let (flows, player) = (self.one().flows.clone(), player.clone());
        let asking = async move {
            match_name(&flows, &flows.checks.matchers[0], &player).await.unwrap().kept.unwrap()
        };
        self.one().run(asking).await;
    }

    /// One look at players whose record changed, without the walk over all.
    async fn sweeps(&self) {
        let flows = self.one().flows.clone();
        let looking = async move {
            let now = flows.clock.now();
            let due = name_screenings::claim(flows.db.pool(), now, now + DAY, 100).await.unwrap();
            for player in due {
                rescreen(&flows, &flows.checks.matchers[0], &player.player).await.unwrap();
            }
        };
        self.one().run(looking).await;
    }
}

/// The clock of an answer says nothing of which record was asked about: a question about the old record
/// that was on its way when the record changed is answered after the change.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_about_an_older_record_says_nothing_of_the_present_one() {
    let world = world(&["watchman"]).await;
    let player = named(&world, "Erika Mustermann").await;
    let old = world.read_player(&player).await;
    world.change_player(Player { full_name: "Erika Sanctioned".to_owned(), ..old.clone() }).await;
    let flows = world.one().flows.clone();
    let late = async move { match_name(&flows, &flows.checks.matchers[0], &old).await.unwrap() };
    let answer = world.one().run(late).await.answer;
    assert!(answer.hits.is_empty(), "nothing is known of the old name");
    let held = deposit(&world, &player).await;
    assert_eq!(held.status.as_str(), "in_review");
    world.leave_open();
}

/// The one hit that the newest decision about a payment was made with, and what its rule observed.
pub async fn hit(world: &World, payment: &Payment) -> (String, bool, String) {
    let facts = facts(world, payment).await;
    let hit = &facts["checks"]["names"][0]["found"]["hits"][0];
    let text = |key: &str| hit[key].as_str().unwrap();
    let sql = format!(
        "select string_agg(r->>2, '; ') from decision, json_array_elements(rules) r
         where payment_id = '{}'",
        payment.id.uuid
    );
    let observed = world.texts(&sql).await.remove(0);
    (format!("{}/{}", text("list"), text("entity")), hit["excepted"].as_bool().unwrap(), observed)
}

fn terms(kind: AttestationKind, reference: &str) -> AttestationTerms {
    AttestationTerms { kind, reference: reference.to_owned(), amount: None, valid_until: None }
}

pub async fn except(world: &World, player: &PlayerKey, entry: &str, lasts: Duration) {
    let valid_until = Some(world.one().flows.clock.now() + lasts);
    let terms = AttestationTerms { valid_until, ..terms(AttestationKind::NameException, entry) };
    let case = cases::open(world, player, CasePayload::Attestation(terms, None), "ann").await;
    cases::approve(world, &case, "ann").await.expect_err("one person is not two");
    cases::approve(world, &case, "bob").await.unwrap();
}

/// Two people said of one entry that it is somebody else: it counts no more and is on record all the
/// same, until what they said ends. Another entry, and another player, are not meant.
#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_two_people_excepted_does_not_count_until_the_exception_ends() {
    let world = world(&["watchman"]).await;
    let player = named(&world, "Erika Sanctioned").await;
    let held = deposit(&world, &player).await;
    assert_eq!(held.status.as_str(), "in_review");
    let (entry, excepted, _) = hit(&world, &held).await;
    assert!(!excepted);

    except(&world, &player, &format!("{entry}-other"), DAY).await;
    let held = deposit(&world, &player).await;
    assert_eq!(held.status.as_str(), "in_review", "another entry is not meant");

    except(&world, &player, &entry, DAY).await;
    let open = deposit(&world, &player).await;
    assert_eq!(open.status.as_str(), "action_required", "{:?}", open.reasons);
    let (same, excepted, observed) = hit(&world, &open).await;
    assert_eq!((same, excepted), (entry.clone(), true), "the decision still holds it");
    assert!(observed.contains("1 excepted"), "{observed}");
    let paid = world.one().withdraw(withdrawal_to(&player, eur(1_000), "Erika Sanctioned")).await;
    assert_eq!(paid.status.as_str(), "approved", "{:?}", paid.reasons);

    let other = named(&world, "Erika Sanctioned").await;
    let held = deposit(&world, &other).await;
    assert_eq!(held.status.as_str(), "in_review", "it is one player's");

    world.move_on(DAY).await;
    let held = deposit(&world, &player).await;
    assert_eq!(held.status.as_str(), "in_review", "it has ended");
    assert!(!hit(&world, &held).await.1);
    world.leave_open();
}

async fn name_cases(world: &World) -> Vec<String> {
    world.texts("select review_id::text from review where kind = 'name_match' and is_open").await
}

/// The case that the background opens about a player who is near an entry.
async fn name_case(world: &World) -> Review {
    let found = || async { name_cases(world).await.pop() };
    let id = eventually("people are asked who that is", SOON, found).await;
    cases::read(world, ReviewId(id.parse().unwrap())).await
}

async fn decided(world: &World, case: &Review, payload: CasePayload) -> Review {
    let propose = cases::proposal("approve", "we looked", Some(payload));
    let proposed = cases::decide(world, case, propose, "ann").await.unwrap();
    cases::approve(world, &proposed, "ann").await.expect_err("one person is not two");
    cases::approve(world, &proposed, "bob").await.unwrap()
}

/// A hit that people confirm excludes the player; one that is somebody else's is excepted, and the same
/// entry opens no case any more. Neither case leaves the compliance desk.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_entry_is_a_case_that_two_people_decide_either_way() {
    let world = world(&["watchman"]).await;
    let listed = named(&world, "Erika Sanctioned").await;
    let case = name_case(&world).await;
    assert_eq!((case.player.as_ref(), case.opened_by.as_ref()), (Some(&listed.player), None));
    assert_eq!(world.number("select count(*) from service_incident").await, 0);
    let other = CasePayload::Attestation(terms(AttestationKind::SourceOfFunds, "file 7"), None);
    let strange = cases::proposal("approve", "rich", Some(other));
    cases::decide(&world, &case, strange, "ann").await.expect_err("it is about a name");
    let done = decided(&world, &case, CasePayload::Exclusion).await;
    assert!(!done.open);
    let excluded = world.read_player(&listed).await;
    let exclusion = excluded.exclusion.clone().unwrap();
    assert_eq!(
        (exclusion.source.as_str(), exclusion.until),
        ("house", None),
        "it tells of no list"
    );
    let refused = deposit(&world, &listed).await;
    assert_eq!(refused.status.as_str(), "blocked");

    let namesake = named(&world, "Max Sanctioned").await;
    let case = name_case(&world).await;
    let sql = format!("select text from review_event where review_id = '{}' and n = 1", case.id.0);
    let found = world.texts(&sql).await.remove(0);
    let entry = found.split(" at ").next().unwrap().rsplit('(').next().unwrap().to_owned();
    let exception = CasePayload::Attestation(terms(AttestationKind::NameException, &entry), None);
    assert!(!decided(&world, &case, exception).await.open);
    let open = deposit(&world, &namesake).await;
    assert_eq!(open.status.as_str(), "action_required", "{entry}: {:?}", open.reasons);
    let record = world.read_player(&namesake).await;
    world.change_player(Player { locale: Some("de".to_owned()), ..record }).await;
    settled_names(&world).await;
    assert!(name_cases(&world).await.is_empty(), "nothing is new");
    world.leave_open();
}

/// One player's answer cannot be kept: everybody else is matched, and they are when it can.
#[tokio::test(flavor = "multi_thread")]
async fn one_player_that_cannot_be_matched_stops_nobody_else() {
    let setup = Setup { rules: NAMES.to_owned(), vendors: &["watchman"], ..Setup::default() };
    let world = World::with(Setup { workers: false, ..setup }).await;
    let bad = named(&world, "Erika Mustermann").await;
    for _ in 0..3 {
        named(&world, "Erika Mustermann").await;
    }
    let refuse = format!(
        "delete from name_screening_due;
         create function refuse_one() returns trigger language plpgsql as $$
         begin raise exception 'not this one'; end $$;
         create trigger one before insert on vendor_result
         for each row when (new.player_id = '{}') execute function refuse_one();",
        bad.player
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(refuse)).execute(&world.rows).await.unwrap();
    let look = async || {
        let flows = world.one().flows.clone();
        let looking = async move { sweep_names(&flows, flows.clock.now()).await.unwrap() };
        world.one().run(looking).await
    };
    let swept = look().await;
    assert_eq!((swept.screened, swept.failed), (3, 1), "the walk over all");
    assert_eq!(world.number("select count(finished_at) from name_sweep").await, 1);
    world.move_on(Duration::from_secs(3)).await;
    let swept = look().await;
    assert_eq!((swept.screened, swept.failed), (0, 1), "it is tried by itself");
    sqlx::raw_sql("drop trigger one on vendor_result").execute(&world.rows).await.unwrap();
    world.move_on(DAY).await;
    assert_eq!(look().await.screened, 1);
    world.leave_open();
}
