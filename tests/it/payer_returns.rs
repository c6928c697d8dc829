//! Payers who come back from their card's issuer: what they bring is told to the PSP, once it matters, and
//! proves nothing by itself.

use super::bounced_payouts::submit;
use super::harness::markets::{GERMAN_CARDS, Market};
use super::harness::{Setup, World, deposit_order, eur, eventually};
use interlock::book::Payment;
use interlock::decide::command::PlayerChecks;
use interlock::decide::completion::KnownBefore;
use interlock::decide::{Answer, Command};
use interlock::domain::{Exclusion, Player, PlayerKey};
use interlock::payments::continue_deposit::continue_deposit;
use interlock::payments::start_deposit::DepositOrder;
use psp_contract::{Instrument, NextAction};
use serde_json::json;
use std::time::Duration;

const PSP: &str = "adyen-de";
const MARKET: Market = Market { accounts: &[PSP, "trustly-de"], ..GERMAN_CARDS };
const SOON: Duration = Duration::from_secs(20);

async fn world() -> World {
    World::with(Setup { accounts: MARKET.accounts, ..Setup::default() }).await
}

/// A deposit by a stored card whose issuer wants to see its holder.
pub async fn opened(world: &World, player: &PlayerKey) -> Payment {
    let instrument = Some(Instrument::CardToken("CHALLENGE1PFWR50".to_owned()));
    let order = DepositOrder { instrument, ..MARKET.deposit(player) };
    let deposit = world.one().deposit(order).await;
    assert_eq!(deposit.status.as_str(), "action_required", "{deposit:#?}");
    deposit
}

/// The payer decides on the issuer's page: the query that they come back to the casino with.
pub async fn decides(deposit: &Payment, choice: &str) -> String {
    let Some(NextAction::Redirect { url }) = &deposit.next_action else {
        panic!("no page: {deposit:#?}");
    };
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    let left = client.build().unwrap().post(format!("{url}/{choice}")).send().await.unwrap();
    let back = url::Url::parse(left.headers()["location"].to_str().unwrap()).unwrap();
    assert_eq!(back.host_str(), Some("casino.example"));
    back.query().unwrap().to_owned()
}

/// The casino hands on what the payer came back with.
pub async fn hand_on(world: &World, deposit: &Payment, query: &str) -> Payment {
    let (flows, query) = (world.one().flows.clone(), query.to_owned());
    let deposit = world.payment(deposit.id).await;
    let work = async move { continue_deposit(&flows, &deposit, &query).await };
    world.one().run(work).await.unwrap()
}

/// How often the PSP was told what a payer brought.
async fn told(world: &World) -> i64 {
    let sql = "select count(*) from wire where purpose = 'completion'";
    world.number(sql).await
}

async fn is_credited_once(world: &World, player: &PlayerKey, deposit: &Payment) {
    world.settled(deposit.id, "succeeded").await;
    assert_eq!(world.wallet(player).await.cash, MARKET.minor);
    assert_eq!(world.movement(&deposit.attempts[0]).await.status, "succeeded");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_payer_brings_from_the_issuer_is_told_and_credits_once() {
    let world = world().await;
    let player = world.player_of(MARKET).await;
    let deposit = opened(&world, &player).await;
    let query = decides(&deposit, "approve").await;
    // The payer's approval alone moves nothing, and nobody is told of it.
    assert_eq!(world.movement(&deposit.attempts[0]).await.status, "pending");
    let answered = hand_on(&world, &deposit, &query).await;
    assert_eq!(answered.status.as_str(), "succeeded");
    let card = answered.source.unwrap();
    assert!(
        card.tokens.contains_key(PSP) && card.funding.is_some(),
        "it can be paid back: {card:?}"
    );
    // The page is reloaded: nothing more is told to anybody.
    for _ in 0..2 {
        assert_eq!(hand_on(&world, &deposit, &query).await.status.as_str(), "succeeded");
    }
    assert_eq!(told(&world).await, 1);
    is_credited_once(&world, &player, &deposit).await;
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_declines_at_the_issuer_ends_the_deposit() {
    let world = world().await;
    let player = world.player_of(MARKET).await;
    let deposit = opened(&world, &player).await;
    let query = decides(&deposit, "decline").await;
    let over = hand_on(&world, &deposit, &query).await;
    assert_eq!(over.status.as_str(), "failed");
    assert_eq!(over.attempts.len(), 1, "the payer was told a page: nobody else is asked");
    assert_eq!(world.wallet(&player).await.cash, 0);
    world.close().await;
}

/// The PSP has taken the money and its answer is lost.
async fn lost(world: &World, deposit: &Payment) -> String {
    let query = decides(deposit, "approve").await;
    let fault = json!({"operation": "any", "fault": "timeout_after_accept", "times": 1});
    world.mocks.fault_with(PSP, fault).await;
    let open = hand_on(world, deposit, &query).await;
    let taken = || async {
        let movement = world.movement(&deposit.attempts[0]).await;
        (movement.status == "succeeded").then_some(())
    };
    eventually("the PSP has the money", SOON, taken).await;
    assert!(["action_required", "succeeded"].contains(&open.status.as_str()), "{open:#?}");
    query
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_answer_is_lost_the_webhook_decides() {
    let world = world().await;
    let player = world.player_of(MARKET).await;
    let deposit = opened(&world, &player).await;
    lost(&world, &deposit).await;
    is_credited_once(&world, &player, &deposit).await;
    assert_eq!(told(&world).await, 1);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_answer_and_webhook_are_lost_the_same_result_is_told_again_and_credits_once() {
    let world = world().await;
    let player = world.player_of(MARKET).await;
    let deposit = opened(&world, &player).await;
    world.mocks.fault(PSP, "webhook", "webhook_drop", None).await;
    let query = lost(&world, &deposit).await;
    let waiting = world.payment(deposit.id).await;
    assert_eq!(waiting.status.as_str(), "action_required", "nobody has told of the money");
    assert_eq!(world.wallet(&player).await.cash, 0);
    assert_eq!(hand_on(&world, &deposit, &query).await.status.as_str(), "succeeded");
    assert_eq!(told(&world).await, 2);
    is_credited_once(&world, &player, &deposit).await;
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rubbish_ends_nothing_and_the_true_result_is_heard_after_it() {
    let world = world().await;
    let player = world.player_of(MARKET).await;
    let deposit = opened(&world, &player).await;
    for query in ["redirectResult=rubbish", "?redirectResult=%00%FF", "redirectResult=%F0%9F%8E%B2"]
    {
        let open = hand_on(&world, &deposit, query).await;
        assert_eq!(open.status.as_str(), "action_required", "{query}");
        assert_eq!(open.attempts.len(), 1);
    }
    assert_eq!(told(&world).await, 3);
    let query = decides(&deposit, "approve").await;
    assert_eq!(hand_on(&world, &deposit, &query).await.status.as_str(), "succeeded");
    is_credited_once(&world, &player, &deposit).await;
    world.close().await;
}

/// One payer brings what another one's payment brought: it is that one's truth, and none about this.
#[tokio::test(flavor = "multi_thread")]
async fn another_payments_result_says_nothing_of_this_one() {
    let world = world().await;
    let (player, other) = (world.player_of(MARKET).await, world.player_of(MARKET).await);
    let (ours, theirs) = (opened(&world, &player).await, opened(&world, &other).await);
    let query = decides(&theirs, "approve").await;
    let open = hand_on(&world, &ours, &query).await;
    assert_eq!(open.status.as_str(), "action_required");
    assert_eq!(world.wallet(&player).await.cash, 0);
    assert_eq!(world.incidents("attempt.mismatch").await, 1);
    is_credited_once(&world, &other, &theirs).await;
    assert_eq!(world.payment(ours.id).await.status.as_str(), "action_required");
    let query = decides(&ours, "approve").await;
    assert_eq!(hand_on(&world, &ours, &query).await.status.as_str(), "succeeded");
    is_credited_once(&world, &player, &ours).await;
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn for_a_player_who_was_excluded_meanwhile_nothing_is_told() {
    let world = world().await;
    let player = world.player_of(MARKET).await;
    let deposit = opened(&world, &player).await;
    let query = decides(&deposit, "approve").await;
    let from = time::macros::datetime!(2026-01-01 0:00 UTC);
    let exclusion = Exclusion { source: "register".to_owned(), from, until: None };
    let known = world.read_player(&player).await;
    world.change_player(Player { exclusion: Some(exclusion), ..known }).await;
    let over = hand_on(&world, &deposit, &query).await;
    assert_eq!(over.status.as_str(), "failed");
    assert!(over.reasons.iter().any(|reason| reason.code == "player.excluded"));
    assert_eq!(told(&world).await, 0);
    assert_eq!(world.movement(&deposit.attempts[0]).await.status, "pending");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_nobody_waits_for_changes_nothing() {
    let world = world().await;
    let player = world.player_of(MARKET).await;
    let card = opened(&world, &player).await;
    let bank = world.one().deposit(deposit_order(&player, eur(2_000))).await;
    for (deposit, query) in
        [(&card, ""), (&card, "session=7"), (&card, "redirectResult="), (&bank, "redirectResult=x")]
    {
        let open = hand_on(&world, deposit, query).await;
        assert_eq!(open.status.as_str(), "action_required", "{query}");
    }
    assert_eq!(told(&world).await, 0);
    world.close().await;
}

/// Answer and webhook are lost, and nobody hands it on again: the session ends by itself, so that no deposit
/// waits for ever, and what the PSP took is adopted when it says so.
#[tokio::test(flavor = "multi_thread")]
async fn a_deposit_whose_answer_nobody_heard_ends_with_its_session_and_a_late_success_is_adopted() {
    let world = world().await;
    let player = world.player_of(MARKET).await;
    let deposit = opened(&world, &player).await;
    world.mocks.fault(PSP, "webhook", "webhook_drop", Some(1)).await;
    lost(&world, &deposit).await;
    let over = || async {
        let payment = world.payment(deposit.id).await;
        (payment.status.as_str() == "expired").then_some(payment)
    };
    world.later("its session ends", Duration::from_secs(30 * 60), over).await;
    let movement = world.movement(&deposit.attempts[0]).await;
    let again = json!({"reference": movement.reference, "times": 1});
    let sent = || async {
        let answers = world.mocks.resend(PSP, again.clone()).await;
        (answers == [200]).then_some(())
    };
    eventually("the webhook comes after all", SOON, sent).await;
    is_credited_once(&world, &player, &deposit).await;
    world.close().await;
}

/// What is known is of no record, or of one that has changed meanwhile: the word is not given by it.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_said_of_an_older_record_gives_no_word() {
    let world = world().await;
    let player = world.player_of(MARKET).await;
    let deposit = opened(&world, &player).await;
    let old = world.read_player(&player).await.version;
    let record = world.read_player(&player).await;
    world.change_player(Player { full_name: "Erika Musterfrau".to_owned(), ..record }).await;
    let checks = PlayerChecks { version: Some(old), ..PlayerChecks::default() };
    let known = Box::new(KnownBefore { began: None, checks });
    let attempt = deposit.attempts[0].id;
    let hear = Command::ContinueDeposit { payment: deposit.id.uuid, attempt, known };
    let answer = submit(&world, &deposit, hear).await;
    assert!(matches!(answer, Answer::AnswersWanted(_)), "{answer:?}");
    let query = decides(&deposit, "approve").await;
    hand_on(&world, &deposit, &query).await;
    is_credited_once(&world, &player, &deposit).await;
    world.close().await;
}
