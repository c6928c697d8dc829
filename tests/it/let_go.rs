//! Deposits that two people let go on to a PSP after a while: what is known by then decides.

use super::bounced_payouts::submit;
use super::harness::{Setup, World, deposit_order, eur, person};
use super::names::NAMES;
use interlock::book::{Payment, Review};
use interlock::decide::{Answer, Command, Refusal};
use interlock::domain::{Exclusion, Player, PlayerKey, PlayerStatus};
use interlock::lane::SubmitError;
use interlock::payments::know_before_taking::know_before_taking;
use interlock::payments::review_payment::ReviewAct;
use interlock::players::set_limits::{Change, set_limits};
use interlock::screening::limits::Period;
use serde_json::json;
use std::time::Duration;

const REGISTER: &str = r#"
[[rules]]
id = "excluded.register_answer"
effect = "deny"
max_age_s = 3600
source = "the tests"
source_date = "2026-11-21"
"#;

/// A player's second deposit within a month is people's.
pub const SECOND: &str = r#"
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
    let world =
        World::with(Setup { rules: [REGISTER, SECOND].concat(), vendors, ..Setup::default() })
            .await;
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
    outcomes(world, deposit, "deposit.pre").await
}

async fn posted(world: &World, deposit: &Payment) -> Vec<String> {
    outcomes(world, deposit, "deposit.post").await
}

async fn outcomes(world: &World, deposit: &Payment, checkpoint: &str) -> Vec<String> {
    let of = deposit.id.uuid;
    let sql = format!(
        "select outcome from decision where payment_id = '{of}' and checkpoint = '{checkpoint}'
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

/// Both were asked for on another day, and are let go on this one: together they are beyond the limit.
#[tokio::test(flavor = "multi_thread")]
async fn two_that_are_let_go_on_one_day_count_on_that_day() {
    let (world, player, first) = waiting().await;
    world.move_on(25 * HOUR).await;
    let second = world.one().deposit(deposit_order(&player, eur(1_000))).await;
    world.move_on(25 * HOUR).await;
    let flows = world.one().flows.clone();
    let limit = Change::Replace(vec![(Period::Day, eur(1_999))]);
    world.one().run(async move { set_limits(&flows, &player, limit).await.unwrap() }).await;
    let review = proposed(&world, &first).await;
    approve(&world, &first, &review).await.unwrap();
    is_not_let_go(&world, &second, "deny", "limit.player_exceeded").await;
    world.close().await;
}

/// The money came when its player was frozen, and people were asked. Meanwhile the player is excluded: who approves
/// knows that first.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_found_since_money_came_is_known_before_it_is_credited() {
    let world = World::new().await;
    let player = world.player("DE").await;
    let deposit = world.deposit(&player, eur(700)).await;
    let known = world.read_player(&player).await;
    world.change_player(Player { status: PlayerStatus::Frozen, ..known }).await;
    world.complete(&deposit, "succeeded").await;
    let deposit = world.settled(deposit.id, "in_review").await;
    let known = world.read_player(&player).await;
    let from = time::macros::datetime!(2026-01-01 0:00 UTC);
    let exclusion = Some(Exclusion { source: "register".to_owned(), from, until: None });
    world.change_player(Player { exclusion, ..known }).await;
    let refused = world.try_two_people(&deposit, "approve").await.unwrap_err();
    assert!(refused.to_string().contains("by now"), "{refused}");
    let waits = world.payment(deposit.id).await;
    assert_eq!((waits.status.as_str(), waits.credited), ("in_review", None));
    let codes: Vec<&str> = waits.reasons.iter().map(|reason| reason.code.as_str()).collect();
    assert!(codes.contains(&"player.excluded"), "{codes:?}");
    let open = world.reviews(&deposit).await.remove(0);
    assert!(open.open_proposal().is_none(), "it is proposed anew");
    // Control: who has read it may credit it; each time what was known is on record.
    world.two_people(&deposit, "approve").await;
    assert_eq!(world.wallet(&player).await.cash, 700);
    assert_eq!(posted(&world, &deposit).await.len(), 3);
    world.close().await;
}

/// What was asked for had its room; what came is forty times as much, and nobody has measured it.
#[tokio::test(flavor = "multi_thread")]
async fn other_money_than_was_asked_for_is_measured_before_it_is_credited() {
    let world = World::new().await;
    let player = world.player("DE").await;
    let flows = world.one().flows.clone();
    let (limit, whose) = (Change::Replace(vec![(Period::Day, eur(5_000))]), player.clone());
    world.one().run(async move { set_limits(&flows, &whose, limit).await.unwrap() }).await;
    let deposit = world.deposit(&player, eur(2_500)).await;
    world.complete_with(&deposit, json!({"outcome": "succeeded", "amount": "1000.00"})).await;
    let deposit = world.settled(deposit.id, "in_review").await;
    let told: Vec<&str> = deposit.reasons.iter().map(|it| &*it.code).collect();
    assert_eq!(told, ["deposit.other_amount", "limit.player_exceeded"]);
    assert_eq!(posted(&world, &deposit).await, ["review"]);
    // Who has read it may credit it, if no more is known by now.
    let lower = Change::Replace(vec![(Period::Day, eur(4_000)), (Period::Week, eur(50_000))]);
    let (flows, whose) = (world.one().flows.clone(), player.clone());
    world.one().run(async move { set_limits(&flows, &whose, lower).await.unwrap() }).await;
    world.two_people(&deposit, "approve").await;
    assert_eq!(world.wallet(&player).await.cash, 100_000);
    assert_eq!(posted(&world, &deposit).await, ["review", "review"]);
    world.close().await;
}

/// Nothing spoke against it when it came but that it was other money. Meanwhile the player set a limit, which only what
/// was asked for has room in.
#[tokio::test(flavor = "multi_thread")]
async fn other_money_is_measured_once_more_when_it_is_credited() {
    let world = World::new().await;
    let player = world.player("DE").await;
    let deposit = world.deposit(&player, eur(2_500)).await;
    world.complete_with(&deposit, json!({"outcome": "succeeded", "amount": "1000.00"})).await;
    let deposit = world.settled(deposit.id, "in_review").await;
    assert_eq!(posted(&world, &deposit).await, ["approve"]);
    let flows = world.one().flows.clone();
    let limit = Change::Replace(vec![(Period::Day, eur(5_000))]);
    world.one().run(async move { set_limits(&flows, &player, limit).await.unwrap() }).await;
    let refused = world.try_two_people(&deposit, "approve").await.unwrap_err();
    assert!(refused.to_string().contains("by now"), "{refused}");
    assert_eq!(posted(&world, &deposit).await, ["approve", "review"]);
    world.two_people(&deposit, "approve").await;
    assert_eq!(world.payment(deposit.id).await.status.as_str(), "succeeded");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_looked_at_one_entry_of_a_list_has_not_looked_at_another() {
    let vendors = &["watchman"];
    let world = World::with(Setup { rules: NAMES.to_owned(), vendors, ..Setup::default() }).await;
    let player = world.player("DE").await;
    let called = async |name: &str| {
        let known = world.read_player(&player).await;
        world.change_player(Player { full_name: name.to_owned(), ..known }).await;
    };
    called("Erika Similar").await;
    let deposit = world.one().deposit(deposit_order(&player, eur(1_000))).await;
    assert_eq!(deposit.status.as_str(), "in_review", "{:?}", deposit.reasons);
    // By another name the player is near another entry.
    called("Maria Similar").await;
    let refused = world.try_two_people(&deposit, "approve").await.unwrap_err();
    assert!(refused.to_string().contains("by now"), "{refused}");
    called("Erika Similar").await;
    world.two_people(&deposit, "approve").await;
    world.settled(deposit.id, "action_required").await;
    world.close().await;
}

/// The register is asked, and the record changes before its answer is used.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_said_of_another_name_lets_no_deposit_go() {
    let (world, player, deposit) = waiting().await;
    let review = proposed(&world, &deposit).await;
    let (flows, of) = (world.one().flows.clone(), deposit.clone());
    let asking = async move { know_before_taking(&flows, &of).await.unwrap() };
    let known = Some(Box::new(world.one().run(asking).await));
    let record = world.read_player(&player).await;
    let full_name = "Erika Excluded".to_owned();
    world.change_player(Player { full_name, ..record }).await;
    let proposal = review.open_proposal().unwrap().id.0;
    let (payment, person) = (Some(deposit.id.uuid), person("bob"));
    let approve = Command::Approve { review: review.id.0, payment, proposal, person, known };
    let answer = submit(&world, &deposit, approve).await;
    assert!(matches!(answer, Answer::AnswersWanted(_)), "{answer:?}");
    assert_eq!(decided(&world, &deposit).await, ["review"]);
    assert!(self::approve(&world, &deposit, &review).await.is_err());
    assert_eq!(decided(&world, &deposit).await, ["review", "deny"]);
    world.close().await;
}
