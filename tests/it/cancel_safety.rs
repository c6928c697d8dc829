//! A cancelled `begin()` must not make the pool lose what others write later.
//!
//! sqlx 0.9.0 can put a connection back whose BEGIN was sent and never answered for; what is then
//! written on it is acknowledged, stands in a transaction that nobody commits, and is gone with the
//! connection.

use super::harness::World;
use interlock::store::db::pool_options;
use sqlx::PgPool;
use std::future::Future;
use std::pin::pin;
use std::task::Poll;

const ROUNDS: i64 = 200;

/// Polls a future so often and drops it.
async fn cancelled_after<F: Future>(polls: usize, future: F) {
    let mut future = pin!(future);
    let mut left = polls;
    std::future::poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(());
        }
        left -= 1;
        future.as_mut().poll(cx).map(|_| ())
    })
    .await;
}

/// Rows that were acknowledged and are gone.
async fn lost(world: &World, guarded: bool) -> i64 {
    let url = world.house.owner_url(&world.database);
    let pool: PgPool = pool_options(4, guarded).connect(&url).await.unwrap();
    sqlx::raw_sql("create table if not exists acked (n bigint)").execute(&pool).await.unwrap();
    sqlx::raw_sql("truncate acked").execute(&pool).await.unwrap();
    for n in 0..ROUNDS {
        let polls = usize::try_from(n % 6 + 1).unwrap();
        cancelled_after(polls, pool.begin()).await;
        let insert = sqlx::query("insert into acked values ($1)").bind(n);
        assert_eq!(insert.execute(&pool).await.unwrap().rows_affected(), 1);
    }
    pool.close().await;
    ROUNDS - world.number("select count(*) from acked").await
}

#[tokio::test(flavor = "multi_thread")]
async fn with_its_guard_the_pool_loses_nothing_to_cancelled_begins() {
    let world = World::new().await;
    assert_eq!(lost(&world, true).await, 0);
    world.close().await;
}

/// The control: should it lose nothing any more, sqlx is mended and the guard can go. Whether a begin is
/// dropped in the very moment is a race, which a busy machine may win some times in a row.
#[tokio::test(flavor = "multi_thread")]
async fn without_its_guard_the_pool_loses_acknowledged_rows() {
    let world = World::new().await;
    let mut tries = 0;
    while lost(&world, false).await == 0 {
        tries += 1;
        assert!(tries < 10, "nothing was lost in {tries} times {ROUNDS} rounds");
    }
    world.close().await;
}
