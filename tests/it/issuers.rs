//! Payers who are sent to their card's issuer from Nuvei's page: a step that is approved and moves nothing, with
//! an id and a card of its own.

use super::harness::markets::{BRITISH_CARDS, GERMAN_CARDS, Market};
use super::harness::{Setup, World, eventually};
use super::rules::{CARDS, rule};
use interlock::book::Payment;
use interlock::domain::PaymentId;
use psp_contract::{CardFunding, NextAction};
use serde_json::json;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(20);

async fn world(market: Market, psp: &'static str, rules: String) -> World {
    let accounts = market.accounts;
    World::with(Setup { accounts, first: Some(psp), rules, ..Setup::default() }).await
}

/// A deposit whose payer is at the issuer of the card that they tried first.
async fn at_the_issuer(world: &World, market: Market) -> Payment {
    let player = world.player_of(market).await;
    let deposit = world.one().deposit(market.deposit(&player)).await;
    let Some(NextAction::Redirect { url }) = &deposit.next_action else { panic!("{deposit:#?}") };
    world.mocks.visit(url).await;
    deposit
}

/// Nuvei is asked meanwhile, and tells of the step.
async fn asked(world: &World, deposit: &Payment) {
    let before = world.payment(deposit.id).await.attempts[0].inquiries;
    let asked = || async {
        let attempt = world.payment(deposit.id).await.attempts[0].clone();
        (before + 1 < attempt.inquiries && attempt.lease.is_none()).then_some(())
    };
    world.later("Nuvei was asked", Duration::from_secs(70), asked).await;
}

/// Who begins with a debit card and pays with a credit card has paid with a credit card, and gets that payment
/// back.
#[tokio::test(flavor = "multi_thread")]
async fn a_card_that_did_not_pay_decides_nothing_and_is_paid_nothing() {
    let world = world(BRITISH_CARDS, "nuvei-gb", rule(CARDS)).await;
    let deposit = at_the_issuer(&world, BRITISH_CARDS).await;
    asked(&world, &deposit).await;
    let open = world.payment(deposit.id).await;
    assert_eq!(open.status.as_str(), "action_required");
    assert!(open.source.is_none(), "nobody has paid: {:?}", open.source);
    assert!(open.attempts[0].psp_reference.is_none(), "and there is no sale");
    let payer = json!({"outcome": "succeeded", "payer": {"name": "Erika Credit"}});
    world.complete_with(&deposit, payer).await;
    let paid = world.settled(deposit.id, "in_review").await;
    assert_eq!((paid.credited, paid.suspended), (None, Some(paid.money)));
    assert_eq!(paid.source.clone().unwrap().funding, Some(CardFunding::Credit));
    world.two_people(&paid, "return").await;
    let opened = sqlx::query_scalar("select payment_id from payment where of_deposit = $1")
        .bind(deposit.id.uuid)
        .fetch_one(&world.rows);
    let back = PaymentId::withdrawal(opened.await.unwrap());
    // Nuvei takes back nothing but the sale.
    world.settled_within(back, "paid", SOON).await;
    world.settled(deposit.id, "returned").await;
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deposit_that_its_payer_left_at_the_issuer_ends_and_frees_its_limit() {
    let world = world(GERMAN_CARDS, "nuvei-de", String::new()).await;
    let deposit = at_the_issuer(&world, GERMAN_CARDS).await;
    let reserved = "select count(*) from limit_use where state = 'reserved'";
    assert_eq!(world.number(reserved).await, 1);
    asked(&world, &deposit).await;
    assert_eq!(world.payment(deposit.id).await.status.as_str(), "action_required");
    let ended = || async {
        let now = world.payment(deposit.id).await;
        (now.status.as_str() == "expired").then_some(())
    };
    world.later("the session is over", Duration::from_secs(30 * 60), ended).await;
    assert_eq!(world.number(reserved).await, 0);
    // Money that comes all the same is the player's.
    world.complete(&deposit, "succeeded").await;
    world.settled(deposit.id, "succeeded").await;
    assert_eq!(world.wallet(&deposit.player).await.cash, GERMAN_CARDS.minor);
    world.close().await;
}

/// Nuvei's message of it proves nothing; asked, it tells.
#[tokio::test(flavor = "multi_thread")]
async fn a_sale_that_is_voided_on_nuveis_pages_leaves_the_wallet() {
    let world = world(GERMAN_CARDS, "nuvei-de", String::new()).await;
    let deposit = at_the_issuer(&world, GERMAN_CARDS).await;
    world.complete(&deposit, "succeeded").await;
    world.settled(deposit.id, "succeeded").await;
    let at_rest = || async {
        let attempt = world.payment(deposit.id).await.attempts[0].clone();
        (attempt.due_at.is_none() && attempt.lease.is_none()).then_some(())
    };
    eventually("nothing is left to ask", SOON, at_rest).await;
    // Nuvei stamps its messages by the second, and two that say the same are one.
    world.move_on(Duration::from_secs(5)).await;
    world.complete(&deposit, "returned").await;
    world.settled(deposit.id, "reversed").await;
    let wallet = world.wallet(&deposit.player).await;
    assert_eq!((wallet.cash, wallet.owed), (0, 0));
    world.close().await;
}
