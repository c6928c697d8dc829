//! A stop has an end, whatever the workers are at.

use super::harness::{SOON, Setup, World, eventually, sandbox};
use interlock::app::psps;
use interlock::app::service::{Role, Service};
use interlock::config::{Variables, variable_of};
use interlock::store::Db;
use std::sync::Arc;
use std::time::Duration;

/// What each part of the instance is given here.
const GRACE: Duration = Duration::from_secs(2);
const NAME: &str = "stops";

/// A whole service with the workers alone, on the database of this world.
async fn workers_of(world: &World) -> Service {
    let variables = Variables::from([
        (variable_of("server.listen"), "127.0.0.1:0".to_owned()),
        (variable_of("instance.name"), NAME.to_owned()),
        (variable_of("database.lanes"), "2".to_owned()),
    ]);
    let config = sandbox(world.house, &variables);
    let url = world.house.app_url(&world.database);
    let db = Db::connect(&url, config.database.pool_max).await.unwrap();
    let psps = Arc::new(psps::registry(&config, true).unwrap());
    Service::start(&config, db, psps, &[Role::Worker]).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proof_that_takes_hours_keeps_no_instance_from_its_stop() {
    let world = World::with(Setup { workers: false, shipped: true, ..Setup::default() }).await;
    // Last night's proof is due, and waits in the server for as long as we like.
    let due = "update books_proof_lease set since = now() - interval '2 days'";
    sqlx::raw_sql(due).execute(&world.rows).await.unwrap();
    let mut gate = world.rows.begin().await.unwrap();
    let lock = "lock table house_balance in access exclusive mode";
    sqlx::query(lock).execute(&mut *gate).await.unwrap();
    let service = workers_of(&world).await;
    let held =
        format!("select count(*) from lane_slot where holder = '{NAME}' and lease_until > now()");
    assert_eq!(world.number(&held).await, 2);
    let waits = "select count(*) from pg_locks l join pg_stat_activity a using (pid)
                 where a.datname = current_database() and l.locktype = 'relation' and not l.granted";
    let proving = async || (world.number(waits).await > 0).then_some(());
    eventually("the proof has begun", SOON, proving).await;

    let stopped = tokio::time::timeout(SOON, service.stop_within(GRACE)).await;
    stopped.expect("a stop has an end");
    assert_eq!(world.number(&held).await, 0, "its slots are given back");
    gate.rollback().await.unwrap();
    world.close().await;
}
