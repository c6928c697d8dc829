//! Deposits whose first PSP provably has nothing, long after they began: what is known by then decides whether
//! another PSP is asked.

use super::bounced_payouts::{submit, tell};
use super::gone_accounts::{account_is_gone, begun, cases, go_on, look};
use super::harness::{Setup, World};
use super::routing::tried;
use interlock::book::Payment;
use interlock::decide::command::Source;
use interlock::decide::{Answer, Command};
use interlock::domain::{Player, PlayerStatus};
use interlock::payments::know_before_taking::know_before_taking;
use psp_contract::Outcome;
use serde_json::json;
use std::time::Duration;

const RULES: &str = r#"
[[rules]]
id = "excluded.register_answer"
effect = "deny"
max_age_s = 3600
source = "the tests"
source_date = "2026-11-21"
"#;
const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);

/// The outcomes of what was decided before the deposit's PSPs were asked.
async fn decided(world: &World, deposit: &Payment) -> Vec<String> {
    let of = deposit.id.uuid;
    let sql = format!(
        "select outcome from decision where payment_id = '{of}' and checkpoint = 'deposit.pre'
         order by decision_id"
    );
    world.texts(&sql).await
}

/// A deposit of which nobody knows whether its first PSP has it; the register knows nothing against its player.
async fn unknown() -> (World, Payment) {
    let (vendors, rules) = (&["register-de"], RULES.to_owned());
    let world = World::with(Setup { workers: false, vendors, rules, ..Setup::default() }).await;
    let player = world.player("DE").await;
    let known = world.read_player(&player).await;
    let full_name = "Erika Mustermann".to_owned();
    world.change_player(Player { full_name, ..known }).await;
    let deposit = begun(&world, &player).await;
    account_is_gone(&world, &deposit).await;
    world.move_on(2 * MINUTE).await;
    let unknown = look(&world, &deposit).await;
    assert_eq!(tried(&unknown), ["gone-de unknown"]);
    (world, unknown)
}

/// Two days later two people find that its PSP has nothing.
async fn given_up() -> (World, Payment) {
    let (world, deposit) = unknown().await;
    look(&world, &deposit).await;
    world.move_on(2 * DAY).await;
    look(&world, &deposit).await;
    assert_eq!(cases(&world, &deposit).await, ["psp_unconfigured", "outcome_unknown"]);
    world.two_people(&deposit, "resolve_unpaid").await;
    assert_eq!(cases(&world, &deposit).await, Vec::<String>::new(), "nothing is left to find out");
    assert_eq!(
        tried(&world.payment(deposit.id).await),
        ["gone-de not_sent", "trustly-de prepared"]
    );
    (world, deposit)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_player_whom_the_register_knows_by_now_is_sent_to_no_other_psp() {
    let (world, deposit) = given_up().await;
    let excluded = json!({"fault": "severe", "times": 1});
    world.mocks.vendor_fault("register-de", excluded).await;
    let over = go_on(&world, &deposit).await;
    assert_eq!(over.status.as_str(), "failed");
    assert_eq!(tried(&over), ["gone-de not_sent", "trustly-de cancelled"]);
    assert!(world.mocks.movements("trustly-de").await.is_empty(), "nobody is asked for the money");
    let codes: Vec<&str> = over.reasons.iter().map(|reason| reason.code.as_str()).collect();
    assert_eq!(codes, ["player.excluded"]);
    assert_eq!(decided(&world, &deposit).await, ["approve", "deny"], "why is on record");
    world.close().await;
}

/// The first request got no answer of ours either: whatever ends its round is what a repeat is told.
#[tokio::test(flavor = "multi_thread")]
async fn a_deposit_that_ends_before_its_next_attempt_tells_its_answer() {
    let world = World::with(Setup { workers: false, ..Setup::default() }).await;
    let player = world.player("DE").await;
    let deposit = begun(&world, &player).await;
    let owed = "select count(*) from payment where answer_owed is not null";
    world.move_on(6 * MINUTE).await;
    let later = look(&world, &deposit).await;
    assert_eq!(tried(&later), ["trustly-de abandoned", "truelayer-de prepared"]);
    assert_eq!(world.number(owed).await, 1);
    let known = world.read_player(&player).await;
    world.change_player(Player { status: PlayerStatus::Frozen, ..known }).await;
    let over = go_on(&world, &deposit).await;
    assert_eq!(over.status.as_str(), "failed");
    assert_eq!(world.number(owed).await, 0);
    let told = "select count(*) from idempotency_key where payment_id is not null and body is null";
    assert_eq!(world.number(told).await, 0);
    world.close().await;
}

/// The control: whom nobody excludes is sent to the next PSP.
#[tokio::test(flavor = "multi_thread")]
async fn a_player_of_whom_nothing_new_is_known_is_sent_to_the_next_psp() {
    let (world, deposit) = given_up().await;
    let open = go_on(&world, &deposit).await;
    assert_eq!(open.status.as_str(), "action_required");
    assert_eq!(tried(&open), ["gone-de not_sent", "trustly-de accepted"]);
    assert_eq!(decided(&world, &deposit).await, ["approve", "approve"]);
    world.complete(&open, "succeeded").await;
    world.settled(deposit.id, "succeeded").await;
    world.close().await;
}

/// Its absence is proven by misses: whoever asked does not send the next attempt.
#[tokio::test(flavor = "multi_thread")]
async fn what_follows_a_proven_absence_waits_to_be_screened() {
    let (world, deposit) = unknown().await;
    // It is at a PSP that can be asked by our reference.
    let elsewhere = "update attempt set psp = 'nuvei-de' where payment_id = $1";
    sqlx::query(elsewhere).bind(deposit.id.uuid).execute(&world.rows).await.unwrap();
    let mut after = deposit.clone();
    for _ in 0..4 {
        world.move_on(20 * MINUTE).await;
        after = tell(&world, &deposit, (1, Source::Inquiry), Outcome::NotFound).await;
    }
    assert_eq!(tried(&after), ["nuvei-de not_sent", "trustly-de prepared"]);
    let attempt = after.attempts[1].id;
    let take = Command::TakeAttempt { payment: deposit.id.uuid, attempt, known: None };
    let answer = submit(&world, &deposit, take).await;
    assert!(matches!(answer, Answer::AnswersWanted(_)), "{answer:?}");
    let open = go_on(&world, &deposit).await;
    assert_eq!(tried(&open), ["nuvei-de not_sent", "trustly-de accepted"]);
    assert_eq!(decided(&world, &deposit).await, ["approve", "approve"]);
    world.close().await;
}

/// The register is asked, and the record changes before its answer is used.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_said_of_another_name_sends_no_deposit_to_the_next_psp() {
    let (world, deposit) = given_up().await;
    let (flows, of) = (world.one().flows.clone(), deposit.clone());
    let asking = async move { know_before_taking(&flows, &of).await.unwrap() };
    let known = Some(Box::new(world.one().run(asking).await));
    let record = world.read_player(&deposit.player).await;
    let full_name = "Erika Excluded".to_owned();
    world.change_player(Player { full_name, ..record }).await;
    let attempt = world.payment(deposit.id).await.attempts[1].id;
    let take = Command::TakeAttempt { payment: deposit.id.uuid, attempt, known };
    let answer = submit(&world, &deposit, take).await;
    assert!(matches!(answer, Answer::AnswersWanted(_)), "{answer:?}");
    assert_eq!(decided(&world, &deposit).await, ["approve"]);
    let over = go_on(&world, &deposit).await;
    assert_eq!(over.status.as_str(), "failed");
    assert_eq!(decided(&world, &deposit).await, ["approve", "deny"]);
    world.close().await;
}
