//! What is agreed of an account for a day is known before a payment is planned: to what is offered to a player,
//! and to the closed loop that shares a withdrawal out.

use super::all_ill::offers;
use super::closed_loop::{
    ACCOUNTS, amounts, back, bank_and_card, card_is_paid, decided_the_same_again,
};
use super::harness::markets::GERMANY;
use super::harness::{Setup, World, eur};
use interlock::domain::{Currency, Direction, Method};
use interlock::routing::rules::Terms;
use std::sync::Arc;

const BANKS: [&str; 2] = ["trustly-de", "truelayer-de"];
const CAP: i64 = 100_000;

/// No look brings other volumes than a test's own: nobody works besides it.
async fn still() -> World {
    World::with(Setup { workers: false, ..Setup::default() }).await
}

/// The accounts that pay by bank have a cap, of which so much is left.
fn leave(world: &mut World, direction: Direction, minor: i64) {
    let flows = &mut world.instances[0].flows;
    let mut rules = (*flows.routing).clone();
    rules.terms = Vec::new();
    for psp in BANKS {
        let currency = Currency::EUR;
        let (psp, cap_minor) = (psp.to_owned(), Some(CAP));
        rules.terms.push(Terms { psp, direction, currency, cap_minor, commitment_minor: None });
    }
    flows.routing = Arc::new(rules);
    let now = flows.clock.now();
    for psp in BANKS {
        let key = (psp.to_owned(), direction, Currency::EUR);
        let carried = flows.volumes.today(now).get(&key).copied().unwrap_or(0);
        flows.volumes.add(psp, direction, eur(CAP - minor - carried), now);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_method_is_offered_within_what_is_left_of_its_accounts_caps() {
    let mut world = still().await;
    let player = world.player("DE").await;
    for direction in [Direction::Deposit, Direction::Withdrawal] {
        let by_bank = async |world: &World| {
            let offers = offers(world, &player, direction).await;
            offers.into_iter().find(|offer| offer.method == Method::BankTransfer)
        };
        let before = by_bank(&world).await.expect("it is offered");
        assert!(7_000 < before.most.minor, "{before:?}");
        leave(&mut world, direction, 7_000);
        let narrowed = by_bank(&world).await.expect("it is offered for less");
        assert_eq!((narrowed.least, narrowed.most), (before.least, eur(7_000)));
        leave(&mut world, direction, 0);
        assert_eq!(by_bank(&world).await, None, "it would only fail");
    }
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_whose_accounts_reached_their_caps_does_not_refuse_the_withdrawal() {
    let mut world = World::with(Setup { accounts: ACCOUNTS, ..Setup::default() }).await;
    let player = bank_and_card(&world).await;
    // The bank's own 100.00 come first, of which 40.00 can be paid today.
    leave(&mut world, Direction::Withdrawal, 4_000);
    let shared = world.one().withdraw(back(&player, GERMANY.money(6_000))).await;
    assert_eq!(shared.status.as_str(), "approved", "{:?}", shared.reasons);
    assert_eq!(amounts(&shared), [4_000, 2_000]);
    leave(&mut world, Direction::Withdrawal, 0);
    let by_card = world.one().withdraw(back(&player, GERMANY.money(3_000))).await;
    assert_eq!(by_card.status.as_str(), "approved", "{:?}", by_card.reasons);
    assert_eq!(amounts(&by_card), [3_000]);
    // Beyond what the card paid in would go what is the bank's own.
    let beyond = world.one().withdraw(back(&player, GERMANY.money(8_000))).await;
    assert_eq!(beyond.status.as_str(), "in_review", "{:?}", beyond.reasons);
    let told = beyond.reasons.iter().map(|reason| reason.message.as_str()).collect::<String>();
    assert!(told.contains("the PSPs that pay it have reached the day's cap"), "{told}");
    decided_the_same_again(&world).await;
    world.two_people(&beyond, "reject").await;
    for (withdrawal, number) in [(&shared, 1), (&by_card, 0)] {
        card_is_paid(&world, withdrawal, number).await;
        world.settled(withdrawal.id, "paid").await;
    }
    world.close().await;
}
