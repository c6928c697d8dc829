//! Deposits that two people let go on to a PSP after a while: what is known by then decides.

use super::harness::{Setup, World, deposit_order, eur};
use interlock::book::{Payment, Review};
use interlock::decide::Refusal;
use interlock::domain::{Player, PlayerKey};
use interlock::lane::SubmitError;
use interlock::payments::review_payment::ReviewAct;
use interlock::players::set_limits::{Change, set_limits};
use interlock::screening::limits::Period;
use serde_json::json;
use std::time::Duration;

const RULES: &str = r#"
[[rules]]
id = "excluded.register_answer"
effect = "deny"
max_age_s = 3600
source = "the tests"
source_date = "2026-11-21"

[[rules]]
id = "some"
kind = "velocity.count"
effect = "review"
flow = "deposits"
window = "30 days"
states = ["reserved", "counted", "released"]
most = 1
source = "the tests"
source_date = "2026-11-21"
"#;
const HOUR: Duration = Duration::from_secs(3_600);

/// A deposit of which people are asked; the register knows nothing against its player.
async fn waiting() -> (World, PlayerKey, Payment) {
    let vendors = &["register-de"];
    let world = World::with(Setup { rules: RULES.to_owned(), vendors, ..Setup::default() }).await;
    let player = world.player("DE").await;
    let known = world.read_player(&player).await;
    let full_name = "Erika Mustermann".to_owned();
    world.change_player(Player { full_name, ..known }).await;
    world.one().deposit(deposit_order(&player, eur(1_000))).await;
    let deposit = world.one().deposit(deposit_order(&player, eur(1_000))).await;
    assert_eq!(deposit.status.as_str(), "in_review", "{:?}", deposit.reasons);
    (world, player, deposit)
}

async fn proposed(world: &World, deposit: &Payment) -> Review {
    let review = world.reviews(deposit).await.remove(0);
    let propose = ReviewAct::Propose { outcome: "approve".to_owned(), note: "known".to_owned() };
    world.one().review((&review, deposit), propose, "ann").await.unwrap()
}

async fn approve(world: &World, deposit: &Payment, review: &Review) -> Result<Review, SubmitError> {
    let approve = ReviewAct::Approve { proposal: review.open_proposal().unwrap().id };
    world.one().review((review, deposit), approve, "bob").await
}

async fn decided(world: &World, deposit: &Payment) -> Vec<String> {
    let of = deposit.id.uuid;
    let sql = format!(
        "select outcome from decision where payment_id = '{of}' and checkpoint = 'deposit.pre'
         order by decision_id"
    );
    world.texts(&sql).await
}

/// Two people would let it go: it is not, and why is on record.
async fn is_not_let_go(world: &World, deposit: &Payment, outcome: &str, code: &str) -> Review {
    let review = proposed(world, deposit).await;
    let refused = approve(world, deposit, &review).await.unwrap_err();
    let SubmitError::Refused(Refusal::ReviewConflict(why)) = refused else { panic!("{refused:?}") };
    assert!(why.contains("by now"), "{why}");
    assert_eq!(decided(world, deposit).await, ["review", outcome]);
    let noted = "select text from review_event where act = 'note'";
    let noted = world.texts(noted).await;
    assert!(noted[0].contains(code), "{noted:?}");
    let after = world.payment(deposit.id).await;
    assert_eq!((after.status.as_str(), after.attempts.len()), ("in_review", 0), "no PSP is asked");
    let open = world.reviews(deposit).await.remove(0);
    let proposal = open.open_proposal().unwrap();
    assert!(proposal.approvals.is_empty(), "it waits as it did: {proposal:?}");
    open
}

#[tokio::test(flavor = "multi_thread")]
async fn a_player_whom_the_register_knows_by_now_is_sent_to_no_psp() {
    let (world, _, deposit) = waiting().await;
    world.move_on(2 * HOUR).await;
    let excluded = json!({"fault": "severe", "times": 1});
    world.mocks.vendor_fault("register-de", excluded).await;
    let review = is_not_let_go(&world, &deposit, "deny", "player.excluded").await;
    // Once the register says so no more, the same proposal is approved.
    world.move_on(2 * HOUR).await;
    approve(&world, &deposit, &review).await.unwrap();
    world.settled(deposit.id, "action_required").await;
    assert_eq!(decided(&world, &deposit).await, ["review", "deny", "review"]);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_that_the_player_lowered_meanwhile_holds() {
    let (world, player, deposit) = waiting().await;
    let flows = world.one().flows.clone();
    let limit = Change::Replace(vec![(Period::Day, eur(999))]);
    world.one().run(async move { set_limits(&flows, &player, limit).await.unwrap() }).await;
    is_not_let_go(&world, &deposit, "deny", "limit.player_exceeded").await;
    world.close().await;
}

/// The control, and what people were asked about is no news.
#[tokio::test(flavor = "multi_thread")]
async fn what_people_had_seen_stops_nothing() {
    let (world, _, deposit) = waiting().await;
    world.move_on(2 * HOUR).await;
    let review = proposed(&world, &deposit).await;
    approve(&world, &deposit, &review).await.unwrap();
    world.settled(deposit.id, "action_required").await;
    assert_eq!(decided(&world, &deposit).await, ["review", "review"], "both are on record");
    world.close().await;
}
