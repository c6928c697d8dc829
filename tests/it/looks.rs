//! Attempts that nobody can be asked about: they are looked at when there is something to do, and not in
//! between. Every look is an entry in the log, and would make its payment look new.

use super::harness::markets::GERMAN_CARDS;
use super::harness::{Setup, World, eventually, try_eventually};
use super::taken_back::{approve, open_return};
use interlock::domain::{AttemptStatus, PlayerKey};
use serde_json::json;
use std::time::Duration;

const PSP: &str = "adyen-de";
const HOUR: Duration = Duration::from_secs(3_600);
const SOON: Duration = Duration::from_secs(20);
/// Long enough for some looks of a worker that has no end of them.
const A_FEW_LOOKS: Duration = Duration::from_secs(6);

async fn looks(world: &World, player: &PlayerKey) -> i64 {
    let player = &player.player;
    let sql = format!(
        "select count(*) from record where kind = 'take_attempt' and player_id = '{player}'"
    );
    world.number(&sql).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_that_waits_for_its_webhook_is_looked_at_once_an_hour() {
    let accounts = GERMAN_CARDS.accounts;
    let world = World::with(Setup { accounts, first: Some(PSP), ..Setup::default() }).await;
    let player = world.player_of(GERMAN_CARDS).await;
    let deposit = world.one().deposit(GERMAN_CARDS.deposit(&player)).await;
    world.complete(&deposit, "succeeded").await;
    let deposit = world.settled(deposit.id, "succeeded").await;
    let back = open_return(&world, &deposit, None).await;
    world.mocks.fault(PSP, "webhook", "webhook_drop", None).await;
    approve(&world, &back).await;
    world.attempt_is(back.id, 1, AttemptStatus::Accepted).await;

    let before = looks(&world, &player).await;
    world.move_on(HOUR + HOUR / 60).await;
    let once = || async { (before < looks(&world, &player).await).then_some(()) };
    eventually("it is looked at", SOON, once).await;
    let again = || async { (before + 1 < looks(&world, &player).await).then_some(()) };
    assert_eq!(try_eventually(A_FEW_LOOKS, again).await, None, "there is nothing to do");
    let (after, now) = (world.payment(back.id).await, world.one().flows.clock.now());
    assert!(after.updated_at + HOUR < now, "a look is no news of the payment: {after:?}");
    let due = after.attempts[0].due_at.unwrap();
    assert!(now + HOUR / 2 < due, "{due}");

    world.mocks.clear_faults(PSP).await;
    let movements = world.mocks.movements(PSP).await;
    let refund = movements.iter().find(|it| it.kind == "refund").unwrap();
    let resend = json!({"reference": refund.reference, "times": 1});
    assert_eq!(world.mocks.resend(PSP, resend).await, [200]);
    world.settled(back.id, "paid").await;
    world.close().await;
}
