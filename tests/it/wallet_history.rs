//! Wallets as they were at a time, where machines' clocks differ.

use super::harness::{Setup, World, eur};
use interlock::book::GameKind;
use interlock::clock::Clock;
use interlock::store::wallet_history::wallets_at;
use std::time::Duration;

/// A withdrawal is held by a machine whose clock is ahead, and a stake after it is booked by one whose clock
/// is not.
#[tokio::test(flavor = "multi_thread")]
async fn a_wallet_as_of_a_time_is_one_that_was_though_clocks_differ() {
    let world = World::with(Setup { workers: false, ..Setup::default() }).await;
    let player = world.rich_player("DE", 100_000).await;
    let began = world.clock.now();
    world.clock.advance(Duration::from_secs(60));
    world.withdraw(&player, eur(10_000)).await;
    world.clock.set_back(Duration::from_secs(50));
    world.play(&player, GameKind::Stake, eur(1_000)).await;
    let times = "select extract(epoch from recorded_at)::bigint::text from entry
                 where wallet_version > 1 and account = 'player_cash' order by wallet_version";
    let times: Vec<i64> = world.texts(times).await.iter().map(|it| it.parse().unwrap()).collect();
    assert!(times[1] + 40 < times[0], "the later version has the earlier time: {times:?}");
    let at = async |after: u64| {
        let told = wallets_at(&world.rows, &player, began + Duration::from_secs(after)).await;
        told.unwrap().iter().map(|it| (it.version, it.cash, it.held)).collect::<Vec<_>>()
    };
    assert_eq!(at(0).await, [(1, 100_000, 0)]);
    assert_eq!(at(30).await, [(3, 89_000, 10_000)], "between the two times");
    assert_eq!(at(90).await, [(3, 89_000, 10_000)]);
    let now = world.wallet(&player).await;
    let then = wallets_at(&world.rows, &player, began + Duration::from_secs(90)).await.unwrap();
    assert_eq!(then, [now], "the newest version, and its head");
    world.close().await;
}
