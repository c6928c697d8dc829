//! An erasure that takes long is one instance's for as long as it takes.

use super::super::harness::{SOON, Setup, World, eventually};
use interlock::clock::Clock;
use interlock::store::erase::purge;
use interlock::store::erasures::{Due, claim};

#[tokio::test(flavor = "multi_thread")]
async fn whoever_erases_for_long_is_not_joined_by_another() {
    let world = World::with(Setup { workers: false, ..Setup::default() }).await;
    let player = world.player("DE").await;
    let sql = "insert into erasure_work (operator_id, player_id, review_id, due_at)
               select operator_id, player_id, gen_random_uuid(), now() from player";
    sqlx::raw_sql(sql).execute(&world.rows).await.unwrap();
    // Something that goes.
    let sql = "insert into name_screening_due (operator_id, player_id, due_at)
               select operator_id, player_id, now() from player on conflict do nothing";
    sqlx::raw_sql(sql).execute(&world.rows).await.unwrap();
    let (pool, now) = (world.one().flows.db.pool().clone(), world.clock.now());
    let claiming = async |seconds: i64| {
        let (pool, at) = (pool.clone(), now + time::Duration::seconds(seconds));
        world.one().run(async move { claim(&pool, at).await.unwrap() }).await
    };
    let due = claiming(0).await.expect("it is due");
    assert_eq!(due.player, player);
    assert_eq!(claiming(60).await, None, "whoever claimed it has a moment to begin");
    // It waits for a lane of somebody else, at its first step.
    let mut lane = world.rows.begin().await.unwrap();
    sqlx::query("select from player for update").execute(&mut *lane).await.unwrap();
    let erasing = |due: Due| {
        let pool = pool.clone();
        world.one().handle().spawn(async move { purge(&pool, &due, now).await.unwrap() })
    };
    let first = erasing(due.clone());
    let waits = "select count(*) from pg_locks l join pg_stat_activity a using (pid)
                 where a.datname = current_database() and not l.granted";
    eventually("it has begun", SOON, async || (0 < world.number(waits).await).then_some(())).await;
    assert_eq!(claiming(3_600).await, None, "it is in hand");
    // Somebody had claimed it as well, and was slow to begin.
    let second = erasing(due);
    lane.rollback().await.unwrap();
    let emptied = (first.await.unwrap(), second.await.unwrap());
    let done = "select emptied from erasure_work where due_at is null and done_at is not null";
    let kept = world.number(done).await;
    assert!(0 < kept, "{emptied:?}");
    assert_eq!(emptied, (u64::try_from(kept).unwrap(), 0));
    world.close().await;
}
