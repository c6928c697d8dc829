//! Every market: a deposit and a payout by each of its PSPs, and the second one where the first is
//! down.

use super::harness::markets::{
    BRAZIL, BRITAIN, BRITISH_CARDS, CANADA, GERMAN_CARDS, GERMANY, MALTA, Market, SWEDEN,
    wallet_address,
};
use super::harness::{SOON, Setup, World, eventually};
use interlock::book::Payment;
use interlock::domain::{AttemptStatus, Method};
use interlock::payments::request_withdrawal::DestinationOrder;
use interlock::payments::start_deposit::DepositOrder;
use psp_contract::{Instrument, NextAction};
use serde_json::json;
use std::time::Duration;

async fn world_of(market: Market) -> World {
    World::with(Setup { accounts: market.accounts, ..Setup::default() }).await
}

/// One deposit and one payout by the market's PSP of this place; the one before it is down.
async fn there_and_back(market: Market, place: usize) {
    let world = world_of(market).await;
    let psp = market.accounts[place];
    let player = world.player_of(market).await;
    for down in &market.accounts[..place] {
        world.mocks.listener(down, false).await;
    }

    let deposit = world.one().deposit(market.deposit(&player)).await;
    let asked: Vec<&str> = deposit.attempts.iter().map(|attempt| attempt.psp.as_str()).collect();
    assert_eq!(asked, market.accounts[..=place], "the first that is up takes it: {deposit:#?}");
    assert_eq!(deposit.status.as_str(), "action_required", "{deposit:#?}");
    shown(market, deposit.next_action.as_ref());
    pay(&world, &deposit).await;
    let deposit = world.settled(deposit.id, "succeeded").await;
    assert_eq!(deposit.credited, Some(market.money(market.minor)));
    for passed_over in &deposit.attempts[..place] {
        assert_eq!(passed_over.status, AttemptStatus::NotSent);
    }

    for down in &market.accounts[..place] {
        world.mocks.listener(down, true).await;
    }
    let destination = match (market.network, market.method) {
        (Some(network), _) => wallet_address(network),
        // Adyen's page that took the card gave its token to the casino, and to nobody else.
        (None, Method::Card) if psp.starts_with("adyen") => {
            DestinationOrder::Card { token: "8415718415478572".to_owned() }
        }
        (None, _) => {
            source_of(&world, &deposit).await;
            DestinationOrder::Source(deposit.id)
        }
    };
    // Whoever could pay it too is down, so that this one does.
    for other in market.accounts.iter().filter(|other| **other != psp) {
        world.mocks.listener(other, false).await;
    }
    let withdrawal = world.one().withdraw(market.withdrawal(&player, destination)).await;
    let taken = world
        .later("the payout is with its PSP", std::time::Duration::from_secs(1), || async {
            let payment = world.payment(withdrawal.id).await;
            let with = |status| payment.attempts.iter().any(|a| a.psp == psp && a.status == status);
            let there = with(AttemptStatus::Accepted) || with(AttemptStatus::Succeeded);
            there.then_some(payment)
        })
        .await;
    if taken.status.as_str() != "paid" {
        world.complete(&taken, "succeeded").await;
    }
    let paid = world.settled(withdrawal.id, "paid").await;
    assert_eq!(paid.attempts.last().unwrap().psp, psp);
    let wallet = world.wallet(&player).await;
    assert_eq!((wallet.cash, wallet.held), (market.minor - market.minor / 2, 0));
    for other in market.accounts {
        world.mocks.listener(other, true).await;
    }
    world.close().await;
}

/// Some PSPs tell who paid only when they are asked, right after the money came.
async fn source_of(world: &World, deposit: &Payment) {
    let look = || async {
        let source = world.payment(deposit.id).await.source?;
        (source.portable.is_some() || !source.tokens.is_empty()).then_some(())
    };
    eventually("the PSP has told who paid", SOON, look).await;
}

/// The payer pays what they were shown: coins to the address, or at the PSP's own page.
async fn pay(world: &World, deposit: &Payment) {
    if let Some(NextAction::CryptoTransfer { address, asset_amount, .. }) = &deposit.next_action {
        let psp = &deposit.attempts.last().unwrap().psp;
        world.mocks.payin(psp, json!({"address": address, "amount": asset_amount})).await;
    } else {
        world.complete(deposit, "succeeded").await;
    }
}

/// The payer is shown what a person can act on.
fn shown(market: Market, action: Option<&NextAction>) {
    let fits = match action {
        Some(NextAction::CryptoTransfer { asset, network, .. }) => {
            asset == market.currency.code() && Some(network.as_str()) == market.network
        }
        Some(NextAction::QrCode { payload, .. }) => !payload.is_empty(),
        Some(NextAction::AppLink { url, .. } | NextAction::Redirect { url }) => url.contains("://"),
        None => false,
    };
    assert!(fits, "{action:?}");
}

macro_rules! markets {
    ($($first:ident, $second:ident: $market:ident;)+) => {$(
        #[tokio::test(flavor = "multi_thread")]
        async fn $first() {
            there_and_back($market, 0).await;
        }

        #[tokio::test(flavor = "multi_thread")]
        async fn $second() {
            there_and_back($market, 1).await;
        }
    )+};
}

/// A stored card is charged at once, without a page, and its token is the source that is paid again;
/// nobody keeps it with the payment afterwards.
#[tokio::test(flavor = "multi_thread")]
async fn a_stored_card_is_charged_and_paid_by_its_token() {
    let world = world_of(GERMAN_CARDS).await;
    let player = world.player_of(GERMAN_CARDS).await;
    let token = "8415718415478572".to_owned();
    let order = DepositOrder {
        instrument: Some(Instrument::CardToken(token.clone())),
        ..GERMAN_CARDS.deposit(&player)
    };
    let deposit = world.one().deposit(order).await;
    let deposit = world.settled(deposit.id, "succeeded").await;
    assert_eq!(deposit.instrument, None, "the token is forgotten with the need of it");
    let events = world.texts("select data::text from outbox_event").await;
    assert!(!events.is_empty() && !events.iter().any(|event| event.contains(&token)));

    // From here on its PSP pays when the test says so.
    world.mocks.auto(&deposit.attempts[0].psp, None, "succeeded").await;
    let source = DestinationOrder::Card { token };
    let withdrawal = world.one().withdraw(GERMAN_CARDS.withdrawal(&player, source)).await;
    let part = &withdrawal.parts[0].instrument;
    assert_eq!(part.source_deposit, Some(deposit.id.uuid), "the token names the deposit's card");
    let paid = world.attempt_is(withdrawal.id, 1, AttemptStatus::Accepted).await;
    world.complete(&paid, "succeeded").await;
    world.settled(withdrawal.id, "paid").await;
    world.close().await;
}

/// A stored card is its PSP's alone: the other one, which asks for cards on its page, is not asked to
/// charge it, and the reason is told.
#[tokio::test(flavor = "multi_thread")]
async fn a_stored_card_is_not_tried_at_another_psp() {
    let world = world_of(GERMAN_CARDS).await;
    let player = world.player_of(GERMAN_CARDS).await;
    world.mocks.listener("adyen-de", false).await;
    let card = Some(Instrument::CardToken("8415718415478572".to_owned()));
    let order = DepositOrder { instrument: card, ..GERMAN_CARDS.deposit(&player) };
    let deposit = world.one().deposit(order).await;
    assert_eq!(deposit.status.as_str(), "failed", "{deposit:#?}");
    let tried: Vec<_> = deposit.attempts.iter().map(|a| (a.psp.as_str(), a.status)).collect();
    assert_eq!(tried, [("adyen-de", AttemptStatus::NotSent)]);
    let passed_over = deposit.route.candidates.iter().find(|out| out.psp == "nuvei-de").unwrap();
    assert_eq!((passed_over.rank, &*passed_over.reason), (None, "cannot take this instrument"));
    world.close().await;
}

/// While a card's payer is with its issuer, Nuvei shows a transaction of the amount that is approved, and no
/// sale yet.
#[tokio::test(flavor = "multi_thread")]
async fn a_card_whose_payer_is_with_the_issuer_is_not_credited_when_nuvei_is_asked() {
    let first = Some("nuvei-de");
    let world =
        World::with(Setup { accounts: GERMAN_CARDS.accounts, first, ..Setup::default() }).await;
    let player = world.player_of(GERMAN_CARDS).await;
    let deposit = world.one().deposit(GERMAN_CARDS.deposit(&player)).await;
    let Some(NextAction::Redirect { url }) = &deposit.next_action else { panic!("{deposit:#?}") };
    world.mocks.visit(url).await;
    let before = world.payment(deposit.id).await.attempts[0].inquiries;
    let asked = || async {
        let attempt = world.payment(deposit.id).await.attempts[0].clone();
        (before + 1 < attempt.inquiries && attempt.lease.is_none()).then_some(())
    };
    world.later("Nuvei was asked", Duration::from_secs(70), asked).await;
    assert_eq!(world.payment(deposit.id).await.status.as_str(), "action_required");
    assert_eq!(world.wallet(&player).await.cash, 0);
    world.complete(&deposit, "succeeded").await;
    world.settled(deposit.id, "succeeded").await;
    assert_eq!(world.wallet(&player).await.cash, GERMAN_CARDS.minor);
    world.close().await;
}

markets! {
    germany_by_its_first_psp, germany_by_its_second_when_the_first_is_down: GERMANY;
    britain_by_its_first_psp, britain_by_its_second_when_the_first_is_down: BRITAIN;
    sweden_by_its_first_psp, sweden_by_its_second_when_the_first_is_down: SWEDEN;
    brazil_by_its_first_psp, brazil_by_its_second_when_the_first_is_down: BRAZIL;
    canada_by_its_first_psp, canada_by_its_second_when_the_first_is_down: CANADA;
    german_cards_by_their_first_psp, german_cards_by_their_second_when_the_first_is_down: GERMAN_CARDS;
    british_cards_by_their_first_psp, british_cards_by_their_second_when_the_first_is_down: BRITISH_CARDS;
    crypto_by_its_first_psp, crypto_by_its_second_when_the_first_is_down: MALTA;
}
