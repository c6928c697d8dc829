//! Two instances work on one database, and one of them is killed in the middle.

use super::harness::{SOON, World, deposit_order, eventually, gbp, withdrawal_order};
use interlock::domain::Currency;
use std::time::Duration;

const MANY: usize = 40;

/// TrueLayer answers a repeated request as it answered the first, so that every payout ends without
/// people, also one whose request never left the instance that died.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_instance_had_begun_the_other_one_finishes() {
    let mut world = World::new().await;
    world.start_instance().await;
    for psp in ["trustly-gb", "truelayer-gb"] {
        // Slow answers, so that the kill comes in the middle of calls.
        let slow = serde_json::json!({"operation": "any", "fault": "slow", "delay_ms": 400});
        world.mocks.fault_with(psp, slow).await;
    }
    let player = world.rich_player("GB", 1_000_000).await;
    let asking = (0..MANY).map(|n| {
        let instance = &world.instances[n % 2];
        instance.try_withdraw(withdrawal_order(&player, gbp(1_000)))
    });
    futures_util::future::join_all(asking).await;
    let depositing =
        (0..10).map(|n| world.instances[n % 2].try_deposit(deposit_order(&player, gbp(700))));
    tokio::select! {
        _ = futures_util::future::join_all(depositing) => {}
        () = in_flight(&world) => {}
    }
    world.kill(0);
    let open = "select count(*) from payment p where status = 'approved' or exists (
        select from attempt a where a.payment_id = p.payment_id
          and (a.status in ('in_flight', 'unknown')
            or a.status = 'accepted' and p.direction = 'withdrawal'))";
    let what = "the dead instance's work is done";
    world
        .later(what, Duration::from_secs(20), || async {
            (world.number(open).await == 0).then_some(())
        })
        .await;
    let paid = world.number("select count(*) from payment where status = 'paid'").await;
    assert_eq!(usize::try_from(paid).unwrap(), MANY);
    world.close().await;
}

async fn in_flight(world: &World) {
    eventually("something is in flight", SOON, || async {
        let sql = "select count(*) from attempt where status = 'in_flight'";
        (world.number(sql).await > 3).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_comes_back_takes_its_own_slots_at_once() {
    let mut world = World::new().await;
    let player = world.rich_player("GB", 1_000).await;
    for _ in 0..5 {
        world.kill(0);
        world.start_named("instance-1".to_owned()).await;
        world.win(&player, Currency::GBP, 100).await;
    }
    assert_eq!(world.wallet(&player).await.cash, 1_500);
    let slots = "select count(*) from lane_slot where holder is not null";
    assert_eq!(world.number(slots).await, 2, "no slot but its own");
    world.close().await;
}
