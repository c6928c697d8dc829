//! Two instances work on one database, and one of them is killed in the middle.

use super::harness::{Setup, World, deposit_order, eur, eventually, withdrawal_order};
use std::time::Duration;

const MANY: usize = 40;

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_instance_had_begun_the_other_one_finishes() {
    let mut world = World::with(Setup::default()).await;
    world.start_instance().await;
    world.mocks.auto("trustly-de", Some(50), "succeeded").await;
    world.mocks.auto("truelayer-de", Some(50), "succeeded").await;
    // Slow answers, so that the kill comes in the middle of calls.
    for psp in ["trustly-de", "truelayer-de"] {
        let slow = serde_json::json!({"operation": "any", "fault": "slow", "delay_ms": 400,
            "rate": 0.5});
        world.mocks.fault_with(psp, slow).await;
    }
    let player = world.rich_player("DE", 1_000_000).await;
    let asking = (0..MANY).map(|n| {
        let instance = &world.instances[n % 2];
        instance.try_withdraw(withdrawal_order(&player, eur(1_000)))
    });
    futures_util::future::join_all(asking).await;
    let depositing =
        (0..10).map(|n| world.instances[n % 2].try_deposit(deposit_order(&player, eur(700))));
    let killed = tokio::select! {
        done = futures_util::future::join_all(depositing) => done.len(),
        () = in_flight(&world) => 0,
    };
    let _ = killed;
    world.kill(0);
    let (taken, step) = ("the dead instance's work is done", Duration::from_secs(8));
    world
        .later(taken, step, || async {
            let sql = "select count(*) from payment where status in
                ('approved', 'processing') or exists (select from attempt a
                 where a.payment_id = payment.payment_id and a.status in ('in_flight', 'unknown'))";
            (world.number(sql).await == 0).then_some(())
        })
        .await;
    assert_eq!(world.number("select count(*) from payment where status = 'paid'").await, 40);
    world.close().await;
}

/// Until something is in flight.
async fn in_flight(world: &World) {
    eventually("something is in flight", Duration::from_secs(20), || async {
        let sql = "select count(*) from attempt where status = 'in_flight'";
        (world.number(sql).await > 3).then_some(())
    })
    .await;
}
