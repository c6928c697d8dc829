//! Sessions of deposits whose payer never came: they end, and give back what they reserved.

use super::harness::markets::BRITISH_CARDS;
use super::harness::{Setup, World};
use std::time::Duration;

/// Nuvei knows nothing of a page on which nobody entered a card.
#[tokio::test(flavor = "multi_thread")]
async fn a_deposit_of_which_its_psp_never_heard_ends_with_its_session() {
    let accounts = BRITISH_CARDS.accounts;
    let world = World::with(Setup { first: Some("nuvei-gb"), accounts, ..Setup::default() }).await;
    let player = world.player_of(BRITISH_CARDS).await;
    let begun = world.one().deposit(BRITISH_CARDS.deposit(&player)).await;
    assert_eq!(begun.attempts[0].psp, "nuvei-gb");
    let reserved = "select count(*) from limit_use where state = 'reserved'";
    assert_eq!(world.number(reserved).await, 1);
    let ended = || async {
        let now = world.payment(begun.id).await;
        (now.status.as_str() == "expired").then_some(())
    };
    world.later("the session is over", Duration::from_secs(30 * 60), ended).await;
    assert_eq!(world.number(reserved).await, 0);
    world.close().await;
}
