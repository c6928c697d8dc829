//! The books are proven every night, once, and people hear of it when they are not.

use super::harness::{SOON, Setup, World, eventually};
use interlock::clock::Clock;
use interlock::domain::Timestamp;
use interlock::store::prove::prove;
use interlock::workers::driver::{Report, Worker};
use interlock::workers::nightly::NightlyWorker;
use sqlx::{AssertSqlSafe, Postgres, Transaction};
use std::sync::Arc;
use std::time::Duration;
use time::macros::time;
use tokio::task::JoinHandle;

const HOUR: Duration = Duration::from_secs(3_600);
const MINUTE: Duration = Duration::from_secs(60);
const PROOFS: &str = "select count(*) from books_proof";
/// What a night has to do beside the proof.
const AN_OLD_KEY: &str =
    "insert into idempotency_key (operator_id, scope, key, fingerprint, viewer, created_at)
    values ('op_demo', 'deposits', 'old', 'x', 'backend', now() - interval '31 days')";
const KEYS: &str = "select count(*) from idempotency_key where key = 'old'";

/// A world where nothing runs at night but what the test starts. It is one minute before the night, and nights
/// are counted since an hour ago.
async fn before_the_night() -> World {
    let world = World::with(Setup { workers: false, ..Setup::default() }).await;
    let now = world.clock.now();
    let night = (now + time::Duration::DAY).replace_time(time!(03:00));
    world.clock.advance((night - now).unsigned_abs() - MINUTE);
    owner(&world, &format!("update books_proof_lease set since = '{}'", night - HOUR)).await;
    world
}

async fn owner(world: &World, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&world.rows).await.unwrap();
}

/// The night's worker of an instance.
fn worker(world: &World, index: usize) -> Arc<NightlyWorker> {
    Arc::new(NightlyWorker::new(world.instances[index].flows.clone()))
}

/// Has it look, on its own instance.
fn looking(world: &World, index: usize, worker: &Arc<NightlyWorker>) -> JoinHandle<Report> {
    let (worker, now): (_, Timestamp) = (worker.clone(), world.clock.now());
    world.instances[index].handle().spawn(async move { worker.activate(now).await.unwrap() })
}

/// Whether it did the night's work.
async fn did(world: &World, index: usize, worker: &Arc<NightlyWorker>) -> bool {
    let looking = looking(world, index, worker);
    let looked = tokio::time::timeout(SOON, looking).await.expect("its look has an end");
    looked.unwrap().claimed == 1
}

/// Lets no proof come to its end, until it is rolled back.
async fn closed_gate(world: &World) -> Transaction<'static, Postgres> {
    let mut gate = world.rows.begin().await.unwrap();
    let lock = "lock table house_balance in access exclusive mode";
    sqlx::query(lock).execute(&mut *gate).await.unwrap();
    gate
}

async fn waits_at_the_gate(world: &World) {
    let waits = "select count(*) from pg_locks l join pg_stat_activity a using (pid)
                 where a.datname = current_database() and l.locktype = 'relation' and not l.granted";
    let waiting = async || (world.number(waits).await == 1).then_some(());
    eventually("the proof has begun", SOON, waiting).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_night_that_was_missed_is_made_up_for_once() {
    let world = before_the_night().await;
    let nightly = worker(&world, 0);
    assert!(!did(&world, 0, &nightly).await, "02:59");
    // There was nobody to look at 03:00.
    world.clock.advance(62 * MINUTE);
    assert!(did(&world, 0, &nightly).await, "04:01");
    assert!(!did(&world, 0, &nightly).await, "it was done");
    assert!(!did(&world, 0, &worker(&world, 0)).await, "a restart knows that it was done");
    world.clock.advance(12 * HOUR);
    assert!(!did(&world, 0, &nightly).await, "16:01");
    world.clock.advance(11 * HOUR);
    assert!(did(&world, 0, &nightly).await, "03:01");
    let entries = "select count(*) from books_proof where entries = 0 and findings = 0
                   and began_at <= ended_at";
    assert_eq!((world.number(PROOFS).await, world.number(entries).await), (2, 2));
    drop(nightly);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_instance_proves_and_another_only_when_it_is_gone() {
    let mut world = before_the_night().await;
    world.start_instance().await;
    world.clock.advance(2 * MINUTE);
    let (first, second) = (worker(&world, 0), worker(&world, 1));
    let gate = closed_gate(&world).await;
    let proving = looking(&world, 0, &first);
    waits_at_the_gate(&world).await;
    assert!(!did(&world, 1, &second).await, "somebody is at it");
    proving.abort();
    assert!(proving.await.unwrap_err().is_cancelled());
    assert!(!did(&world, 1, &second).await, "nobody knows yet that it is gone");
    gate.rollback().await.unwrap();
    world.clock.advance(3 * MINUTE);
    assert!(did(&world, 1, &second).await, "it was taken over");
    assert!(!did(&world, 0, &first).await);
    assert_eq!(world.number(PROOFS).await, 1);
    drop((first, second));
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn old_keys_go_before_a_proof_that_may_not_come_to_its_end() {
    let world = before_the_night().await;
    owner(&world, AN_OLD_KEY).await;
    let nightly = worker(&world, 0);
    assert!(!did(&world, 0, &nightly).await);
    assert_eq!(world.number(KEYS).await, 1);
    world.clock.advance(2 * MINUTE);
    let gate = closed_gate(&world).await;
    let proving = looking(&world, 0, &nightly);
    waits_at_the_gate(&world).await;
    assert_eq!(world.number(KEYS).await, 0);
    gate.rollback().await.unwrap();
    assert_eq!(proving.await.unwrap().claimed, 1);
    drop(nightly);
    world.close().await;
}

/// Callers still repeat what they sent yesterday, whatever the clock of the instance that has the night's work.
#[tokio::test(flavor = "multi_thread")]
async fn an_instance_whose_clock_is_ahead_forgets_no_key_too_early() {
    let world = before_the_night().await;
    owner(&world, &AN_OLD_KEY.replace("31 days", "29 days")).await;
    world.clock.advance(90 * 24 * HOUR);
    let nightly = worker(&world, 0);
    assert!(did(&world, 0, &nightly).await);
    assert_eq!(world.number(KEYS).await, 1);
    drop(nightly);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_hear_of_books_that_nobody_proves_for_two_days() {
    let world = before_the_night().await;
    // Somebody has taken the proof and never comes to its end.
    owner(
        &world,
        "update books_proof_lease set holder = gen_random_uuid(), lease_until = 'infinity'",
    )
    .await;
    let nightly = worker(&world, 0);
    let mut told = Vec::new();
    // Since nights are counted: 47 hours, 50, 96, 99, 123.
    for hours in [46, 3, 46, 3, 24] {
        world.clock.advance(hours * HOUR);
        for _ in 0..2 {
            assert!(!did(&world, 0, &nightly).await);
        }
        told.push(world.incidents("ledger.unproven").await);
    }
    assert_eq!(told, [0, 1, 1, 2, 2], "after 48 hours, and after 48 more");
    owner(&world, "update books_proof_lease set lease_until = '2000-01-01'").await;
    assert!(did(&world, 0, &nightly).await);
    world.clock.advance(47 * HOUR);
    assert!(did(&world, 0, &nightly).await);
    assert_eq!(world.incidents("ledger.unproven").await, 2, "it was proven since");
    drop(nightly);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_broken_is_told_once_until_somebody_closes_it() {
    let world = before_the_night().await;
    let undone = "insert into erasure_work (operator_id, player_id, review_id, due_at)
                  values ('op_demo', 'p', gen_random_uuid(), now() - interval '2 days')";
    owner(&world, undone).await;
    let (first, second) = (worker(&world, 0), worker(&world, 0));
    let mut told = Vec::new();
    for nightly in [&first, &second, &first] {
        world.clock.advance(24 * HOUR);
        assert!(did(&world, 0, nightly).await);
        told.push(world.incidents("ledger.broken").await);
    }
    assert_eq!(told, [1, 1, 1]);
    let close = "insert into incident_close (incident_id, closed_by, note, closed_at)
                 select incident_id, 'ann', 'n', now() from service_incident";
    owner(&world, close).await;
    world.clock.advance(24 * HOUR);
    assert!(did(&world, 0, &first).await);
    assert_eq!(world.incidents("ledger.broken").await, 2, "it is still so");
    let findings = "select sum(findings)::bigint from books_proof";
    assert_eq!(world.number(findings).await, 4);
    owner(&world, "delete from erasure_work").await;
    drop((first, second));
    world.close().await;
}

/// What the proof keeps from being cleared away is what is younger than this.
async fn keeps_since(world: &World) -> i64 {
    let oldest = "select backend_xmin::text::bigint from pg_locks l join pg_stat_activity a using (pid)
                  where a.datname = current_database() and l.locktype = 'relation' and not l.granted";
    world.number(oldest).await
}

/// Lanes write the same few rows thousands of times while a proof runs.
#[tokio::test(flavor = "multi_thread")]
async fn a_proof_keeps_old_rows_for_one_check_and_not_for_all() {
    let world = before_the_night().await;
    world.clock.advance(2 * MINUTE);
    let nightly = worker(&world, 0);
    let gate = closed_gate(&world).await;
    let proving = looking(&world, 0, &nightly);
    waits_at_the_gate(&world).await;
    let first = keeps_since(&world).await;
    // Somebody writes meanwhile; and another gate waits for a later check.
    owner(&world, "create table written (n int); insert into written values (1)").await;
    let mut later = world.rows.begin().await.unwrap();
    let lock = "lock table game_entry in access exclusive mode";
    sqlx::query(lock).execute(&mut *later).await.unwrap();
    gate.rollback().await.unwrap();
    let waits = "select count(*) from pg_locks l join pg_class c on c.oid = l.relation
                 where c.relname = 'game_entry' and not l.granted";
    let waiting = async || (world.number(waits).await == 1).then_some(());
    eventually("a later check has begun", SOON, waiting).await;
    let then = keeps_since(&world).await;
    assert!(first < then, "{first} {then}");
    later.rollback().await.unwrap();
    assert_eq!(proving.await.unwrap().claimed, 1);
    owner(&world, "drop table written").await;
    drop(nightly);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proof_may_read_tables_as_they_lie() {
    let world = before_the_night().await;
    // What a check reads tells with which setting it is read.
    owner(
        &world,
        "alter table erasure_work rename to kept;
         create view erasure_work as select current_setting('enable_seqscan') as operator_id,
           'scan' as player_id, now() - interval '2 days' as due_at, null::bigint as emptied;
         grant select on erasure_work to interlock_app",
    )
    .await;
    let pool = world.one().flows.db.pool().clone();
    let (found, after) = world
        .one()
        .run(async move {
            let found = prove(&pool).await.unwrap().findings;
            let shown = sqlx::query_scalar::<_, String>("show enable_seqscan");
            (found, shown.fetch_one(&pool).await.unwrap())
        })
        .await;
    let details: Vec<&str> = found.iter().map(|finding| finding.detail.as_str()).collect();
    assert_eq!(details, ["on scan"]);
    assert_eq!(after, "off", "for the proof alone");
    owner(&world, "drop view erasure_work; alter table kept rename to erasure_work").await;
    world.close().await;
}
