//! A taking-back that overtakes the success that it takes back, and disputes that are won: what looks like the
//! success told late credits nobody.

use super::harness::markets::{BRAZIL, GERMAN_CARDS, GERMANY, Market};
use super::harness::{SOON, Setup, World, eur, eventually};
use super::taken_back::{WEBHOOK, by_word, reversed, succeeded, told};
use interlock::book::Payment;
use interlock::decide::command::Source;
use interlock::domain::Money;
use psp_contract::Status;
use serde_json::json;
use std::time::Duration;

async fn world(market: Market) -> World {
    let first = Some(market.accounts[0]);
    World::with(Setup { accounts: market.accounts, first, ..Setup::default() }).await
}

/// Both are applied, and came in this order.
async fn applied(world: &World, [first, second]: [&str; 2]) {
    let sql = "select kind from inbox where state = 'done' order by received_at";
    let there = || async {
        let told = world.texts(sql).await;
        let place = |kind| told.iter().position(|it| it == kind);
        Some((place(first)?, place(second)?))
    };
    let (first, second) = eventually(&format!("{first} and {second}"), SOON, there).await;
    assert!(first < second, "not overtaken");
}

/// The deposit's money, and whether the books have it.
async fn stands(world: &World, deposit: &Payment, status: &str, cash: i64) {
    let known = world.settled(deposit.id, status).await;
    let wallet = world.wallet(&deposit.player).await;
    assert_eq!((wallet.cash, wallet.owed), (cash, 0), "{known:#?}");
}

/// The success is sent first, and heard last.
async fn overtaken(world: &World, market: Market, outcome: &str) -> Payment {
    let psp = market.accounts[0];
    let player = world.player_of(market).await;
    let deposit = world.one().deposit(market.deposit(&player)).await;
    assert_eq!(deposit.attempts[0].psp, psp);
    let reorder = json!({"operation": "webhook", "fault": "webhook_reorder", "times": 1});
    world.mocks.fault_with(psp, reorder).await;
    world.complete(&deposit, outcome).await;
    deposit
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authorisation_that_its_taking_back_overtook_credits_nobody() {
    for (outcome, taken_back) in [("returned", "CAPTURE_FAILED"), ("charged_back", "CHARGEBACK")] {
        let world = world(GERMAN_CARDS).await;
        let deposit = overtaken(&world, GERMAN_CARDS, outcome).await;
        applied(&world, [taken_back, "AUTHORISATION"]).await;
        stands(&world, &deposit, "reversed", 0).await;
        assert_eq!(world.incidents("deposit.dispute_won").await, 0, "it is no second payment");
        if outcome == "charged_back" {
            // A dispute that is won has a word of its own.
            world.complete(&deposit, "succeeded").await;
            stands(&world, &deposit, "succeeded", GERMAN_CARDS.minor).await;
            applied(&world, ["AUTHORISATION", "CHARGEBACK_REVERSED"]).await;
        }
        world.close().await;
    }
}

/// This PSP has no word of its own for a dispute that was won: the first credit is the deposit's, whenever it
/// is heard.
#[tokio::test(flavor = "multi_thread")]
async fn a_credit_that_its_debit_overtook_credits_nobody() {
    const TRUSTLY: Market = Market { accounts: &["trustly-de", "truelayer-de"], ..GERMANY };
    let world = world(TRUSTLY).await;
    let player = world.player_of(TRUSTLY).await;
    let deposit = world.one().deposit(TRUSTLY.deposit(&player)).await;
    // `account` and `pending` go before; the credit is held until its debit has gone.
    let slow =
        json!({"operation": "webhook", "fault": "webhook_delay", "times": 3, "delay_ms": 1_500});
    world.mocks.fault_with("trustly-de", slow).await;
    world.complete(&deposit, "charged_back").await;
    applied(&world, ["debit", "credit"]).await;
    stands(&world, &deposit, "reversed", 0).await;
    world.close().await;
}

/// At this PSP only asking tells, and what it answers may be older: people look.
#[tokio::test(flavor = "multi_thread")]
async fn a_dispute_won_that_only_an_inquiry_tells_is_for_people() {
    const PIX: Market = Market { accounts: &["mercadopago-br", "pix-efi-br"], ..BRAZIL };
    let world = world(PIX).await;
    let player = world.player_of(PIX).await;
    let deposit = world.one().deposit(PIX.deposit(&player)).await;
    world.complete(&deposit, "succeeded").await;
    world.settled(deposit.id, "succeeded").await;
    world.complete(&deposit, "charged_back").await;
    stands(&world, &deposit, "reversed", 0).await;
    world.complete(&deposit, "succeeded").await;
    let told = || async { (world.incidents("deposit.dispute_won").await == 1).then_some(()) };
    world.later("people are told", Duration::from_secs(20), told).await;
    stands(&world, &deposit, "reversed", 0).await;
    let detail = "select detail from incident where kind = 'deposit.dispute_won'";
    let money = Money::new(PIX.minor, PIX.currency);
    assert!(world.texts(detail).await[0].contains(&format!("{money} is paid")));
    // The books and the PSP differ until people have adjusted them, so they are not compared.
    world.leave_open();
}

/// Where a dispute that was won has a word of its own, another message of a success is none: somebody may have
/// paid once more.
#[tokio::test(flavor = "multi_thread")]
async fn a_success_told_again_after_a_reversal_is_put_before_people_where_a_win_has_its_own_word() {
    const PSP: &str = "truelayer-de";
    let liars = vec![PSP];
    let world = World::with(Setup { liars, first: Some(PSP), ..Setup::default() }).await;
    let player = world.player("DE").await;
    let deposit = world.deposit(&player, eur(700)).await;
    assert_eq!(deposit.attempts[0].psp, PSP);
    let say = async |status, source| told(&world, &deposit, status, source).await;
    assert_eq!(say(succeeded(700), WEBHOOK).await, ("succeeded", 700, 0));
    assert_eq!(say(reversed(700), WEBHOOK).await, ("reversed", 0, 0));
    for _ in 0..2 {
        assert_eq!(say(succeeded(700), WEBHOOK).await, ("reversed", 0, 0));
        assert_eq!(world.incidents("deposit.dispute_won").await, 1);
    }
    let won = || Status::Won { money: eur(700) };
    assert_eq!(say(won(), Source::Call).await, ("reversed", 0, 0), "it may be older");
    for _ in 0..2 {
        assert_eq!(say(won(), WEBHOOK).await, ("succeeded", 700, 0));
    }
    assert_eq!(world.incidents("deposit.dispute_won").await, 1);
    world.close().await;
}

/// A win vouches for the success that it brings back.
#[tokio::test(flavor = "multi_thread")]
async fn a_dispute_won_of_which_nothing_was_heard_before_is_the_deposits_success() {
    let world = by_word().await;
    let player = world.player("DE").await;
    let deposit = world.deposit(&player, eur(700)).await;
    let won = || Status::Won { money: eur(700) };
    for _ in 0..2 {
        assert_eq!(told(&world, &deposit, won(), WEBHOOK).await, ("succeeded", 700, 0));
    }
    world.close().await;
}
