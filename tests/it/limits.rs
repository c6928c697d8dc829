//! A player's own limits hold to the cent, whatever arrives at once.

use super::harness::{World, deposit_order, eur, gbp};
use interlock::book::Payment;
use interlock::decide::Answer;
use interlock::domain::{Money, PlayerKey};
use interlock::players::set_limits::{Change, set_limits};
use interlock::screening::limits::Period;

async fn limit(world: &World, player: &PlayerKey, money: Money) {
    let (flows, player) = (world.one().flows.clone(), player.clone());
    let change = Change::Replace(vec![(Period::Day, money)]);
    world.one().run(async move { set_limits(&flows, &player, change).await.unwrap() }).await;
}

/// So many deposits at once over both instances; those that were let through.
async fn deposits(world: &World, orders: Vec<(PlayerKey, Money)>) -> Vec<Payment> {
    let trying = orders.iter().enumerate().map(|(n, (player, money))| {
        world.instances[n % 2].try_deposit(deposit_order(player, *money))
    });
    let answers = futures_util::future::join_all(trying).await;
    let payments = answers.into_iter().map(|answer| match answer.unwrap() {
        Answer::Payment(payment) => *payment,
        other => panic!("{other:?}"),
    });
    payments.filter(|payment| payment.status.as_str() != "blocked").collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_deposits_at_once_never_exceed_the_limit_and_failure_frees_it() {
    let mut world = World::new().await;
    world.start_instance().await;
    let (erika, alice) = (world.player("DE").await, world.player("GB").await);
    limit(&world, &erika, eur(10_000)).await;
    limit(&world, &alice, gbp(5_000)).await;
    let both = || {
        let orders = (0..100).map(|n| {
            if n % 2 == 0 { (erika.clone(), eur(1_000)) } else { (alice.clone(), gbp(1_000)) }
        });
        orders.collect::<Vec<_>>()
    };
    let open = deposits(&world, both()).await;
    let count = |payments: &[Payment], key: &PlayerKey| {
        payments.iter().filter(|payment| payment.player == *key).count()
    };
    assert_eq!((count(&open, &erika), count(&open, &alice)), (10, 5));
    assert!(deposits(&world, both()).await.is_empty(), "nothing is left");
    for payment in open.iter().take(4) {
        world.one().cancel(payment).await.unwrap();
    }
    let freed = (count(&open[..4], &erika), count(&open[..4], &alice));
    let again = deposits(&world, both()).await;
    assert_eq!((count(&again, &erika), count(&again, &alice)), freed);
    for payment in open.iter().skip(4) {
        world.complete(payment, "succeeded").await;
        world.settled(payment.id, "succeeded").await;
    }
    assert!(deposits(&world, both()).await.is_empty(), "what came in counts");
    world.close().await;
}
