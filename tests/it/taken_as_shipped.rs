//! Deposits that their PSP takes only at our word, under the policies that come with the program: before the
//! word the registers and matchers that let the deposit begin are heard once more.

use super::harness::markets::{CANADA, GERMAN_CARDS, Market};
use super::harness::{CHECKS, Setup, World};
use super::payer_returns::{decides, hand_on, opened};
use interlock::book::Payment;
use interlock::domain::{AttemptStatus, Audience, Player, PlayerKey};
use serde_json::Value;

const INTERAC: Market = Market { accounts: &["paysafe-ca"], ..CANADA };
const CARDS: Market = Market { accounts: &["adyen-de"], ..GERMAN_CARDS };

async fn world_of(market: Market) -> World {
    let setup = Setup { accounts: market.accounts, vendors: CHECKS, ..Setup::default() };
    World::with(Setup { shipped: true, first: Some(market.accounts[0]), ..setup }).await
}

async fn call(world: &World, key: &PlayerKey, name: &str) {
    let known = world.read_player(key).await;
    world.change_player(Player { full_name: name.to_owned(), ..known }).await;
}

/// What each screening before the money came was made from and came to, in order.
async fn screenings(world: &World, payment: &Payment) -> Vec<(String, Value)> {
    let id = payment.id.uuid;
    let of = |column: &str| {
        format!(
            "select {column}::text from decision
             where payment_id = '{id}' and checkpoint = 'deposit.pre' order by decision_id"
        )
    };
    let (outcomes, inputs) = (world.texts(&of("outcome")).await, world.texts(&of("inputs")).await);
    let inputs = inputs.iter().map(|text| serde_json::from_str(text).unwrap());
    outcomes.into_iter().zip(inputs).collect()
}

fn outcomes(screenings: &[(String, Value)]) -> Vec<&str> {
    screenings.iter().map(|(outcome, _)| outcome.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canadian_pays_at_a_psp_that_takes_money_at_our_word() {
    let world = world_of(INTERAC).await;
    let player = world.player_of(INTERAC).await;
    let deposit = world.one().deposit(INTERAC.deposit(&player)).await;
    assert_eq!(deposit.status.as_str(), "action_required", "{deposit:#?}");
    world.complete(&deposit, "succeeded").await;
    world.settled(deposit.id, "succeeded").await;
    assert_eq!(world.wallet(&player).await.cash, INTERAC.minor);
    let screened = screenings(&world, &deposit).await;
    assert_eq!(outcomes(&screened), ["approve", "approve"]);
    for (_, facts) in &screened {
        let names = facts["checks"]["names"].as_array().unwrap();
        assert_eq!(names.len(), 2);
        assert!(names.iter().all(|told| told["found"]["version"].is_string()), "{names:?}");
    }
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stored_card_whose_issuer_asked_its_holder_is_credited_though_the_register_is_away_by_then()
 {
    let world = world_of(CARDS).await;
    let player = world.player_of(CARDS).await;
    let deposit = opened(&world, &player).await;
    let query = decides(&deposit, "approve").await;
    let another = opened(&world, &player).await;
    let words = decides(&another, "approve").await;
    world.mocks.vendor_listener("register-de", false).await;
    let taken = hand_on(&world, &deposit, &query).await;
    assert_eq!(taken.status.as_str(), "succeeded", "{:?}", taken.reasons);
    assert_eq!(world.wallet(&player).await.cash, CARDS.minor);
    let screened = screenings(&world, &deposit).await;
    assert_eq!(outcomes(&screened), ["approve", "approve"]);
    let (began, later) = (&screened[0].1["checks"], &screened[1].1["checks"]);
    assert_eq!(began["register"], later["register"], "believed as long as the policy says");
    assert_eq!(began["file"], later["file"], "the room is the deposit's own");
    // Control: of another name the register has said nothing, and it is silent.
    call(&world, &player, "Erika M. Mustermann").await;
    let refused = hand_on(&world, &another, &words).await;
    assert_eq!(refused.status.as_str(), "failed", "{:?}", refused.reasons);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_two_people_let_go_is_not_refused_for_what_they_had_seen() {
    let world = world_of(INTERAC).await;
    let player = world.player_of(INTERAC).await;
    call(&world, &player, "Erika Exposed").await;
    let deposit = world.one().deposit(INTERAC.deposit(&player)).await;
    assert_eq!(deposit.status.as_str(), "in_review");
    world.two_people(&deposit, "approve").await;
    let sent = world.settled(deposit.id, "action_required").await;
    world.complete(&sent, "succeeded").await;
    world.settled(deposit.id, "succeeded").await;
    assert_eq!(world.wallet(&player).await.cash, INTERAC.minor);
    // Asked for, let go by two people, and taken.
    assert_eq!(outcomes(&screenings(&world, &deposit).await), ["review", "review", "review"]);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_found_on_a_list_meanwhile_keeps_the_money_and_only_compliance_reads_why() {
    let world = world_of(INTERAC).await;
    let player = world.player_of(INTERAC).await;
    let deposit = world.one().deposit(INTERAC.deposit(&player)).await;
    assert_eq!(deposit.status.as_str(), "action_required", "{deposit:#?}");
    call(&world, &player, "Erika Sanctioned").await;
    world.complete(&deposit, "succeeded").await;
    let over = world.settled(deposit.id, "failed").await;
    assert_eq!(over.attempts[0].status, AttemptStatus::Cancelled, "{over:#?}");
    assert!(over.reasons.iter().any(|reason| reason.code == "names.sanctions"));
    assert!(over.reasons.iter().all(|reason| reason.audience == Audience::Compliance));
    assert_eq!(world.movement(&deposit.attempts[0]).await.status, "pending", "nothing was taken");
    assert_eq!(outcomes(&screenings(&world, &deposit).await), ["approve", "hold"]);
    world.close().await;
}
