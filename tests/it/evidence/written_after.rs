//! What is written of a player beside an erasure, or after it, does not stay.

use super::super::harness::{SOON, Setup, World, eventually};
use interlock::clock::Clock;
use interlock::domain::{IncidentId, PersonId, PlayerKey, Timestamp};
use interlock::screening::signals::{Hook, Signal, VendorResult, VendorState};
use interlock::store::erase::purge;
use interlock::store::erasures::{Due, claim};
use interlock::store::incidents;
use interlock::store::player_results::{self, NewResult};
use uuid::Uuid;

/// An answer of a matcher about a player, with something in it that names them.
fn answer(player: &PlayerKey, now: Timestamp) -> NewResult {
    let told = Signal {
        code: "Quastenflosser".to_owned(),
        category: "list".to_owned(),
        direct: None,
        amount: None,
        rule_ref: None,
    };
    let result = VendorResult {
        vendor: "yente".to_owned(),
        hook: Hook::Names,
        place: None,
        request_id: "r".to_owned(),
        state: VendorState::Final,
        risk: None,
        score: None,
        signals: vec![told],
        raw_sha256: [1; 32],
        version: "1".to_owned(),
        received_at: now,
    };
    let (player, id) = (player.clone(), Uuid::now_v7());
    NewResult { id, player, player_version: 1, result, asked_at: now, told_at: None }
}

const NAMED: &str = "select count(*) from vendor_result where signals::text like '%Quasten%'";
const DUE: &str = "select count(*) from erasure_work where due_at is not null and done_at is null";
const WAITS: &str = "select count(*) from pg_locks l join pg_stat_activity a using (pid)
                     where a.datname = current_database() and not l.granted";

/// A player whose record is empty already, and whose data is to be taken out.
async fn erased(world: &World) -> PlayerKey {
    let player = world.player("DE").await;
    let sql = "update player set status = 'erased';
               update lane_slot set seq = seq + 1 where is_register;
               insert into record (slot, seq, kind, operator_id, player_id, recorded_at)
               select slot, seq, 'decide_case', operator_id, player_id, now()
                 from player, lane_slot where is_register;
               insert into erasure (slot, seq, erasure_id, operator_id, player_id, review_id, basis,
                 erased_at)
               select slot, seq, gen_random_uuid(), operator_id, player_id, gen_random_uuid(),
                 'never_moved', now() from player, lane_slot where is_register;
               insert into erasure_work (operator_id, player_id, review_id, due_at)
               select operator_id, player_id, gen_random_uuid(), now() from player";
    sqlx::raw_sql(sql).execute(&world.rows).await.unwrap();
    player
}

async fn erase(world: &World, now: Timestamp) {
    let pool = world.one().flows.db.pool().clone();
    let erasing = async move {
        let due = claim(&pool, now).await.unwrap().expect("it is due");
        purge(&pool, &due, now).await.unwrap()
    };
    world.one().run(erasing).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_comes_after_an_erasure_is_taken_out_an_hour_later() {
    let world = World::with(Setup { workers: false, ..Setup::default() }).await;
    let player = erased(&world).await;
    let now = world.clock.now();
    erase(&world, now).await;
    assert_eq!(world.number(DUE).await, 0, "it is done");
    let (pool, late) = (world.one().flows.db.pool().clone(), answer(&player, now));
    world.one().run(async move { player_results::keep_one(&pool, late).await.unwrap() }).await;
    assert_eq!(world.number(NAMED).await, 1);
    assert_eq!(world.number(DUE).await, 1, "it is to be done again");
    erase(&world, now + time::Duration::HOUR).await;
    assert_eq!(world.number(NAMED).await, 0);
    // What people say of an incident of theirs.
    let id = Uuid::now_v7();
    sqlx::query(
        "insert into incident (incident_id, slot, seq, operator_id, player_id, kind, detail, raised_at)
         select $1, slot, seq, $2, $3, 'x', 'y', now() from erasure",
    )
    .bind(id)
    .bind(player.operator.as_str())
    .bind(player.player.as_str())
    .execute(&world.rows)
    .await
    .unwrap();
    let pool = world.one().flows.db.pool().clone();
    let closing = async move {
        let ann = PersonId::trusted("ann");
        incidents::close(&pool, IncidentId(id), &ann, "Quastenflosser again", now).await.unwrap()
    };
    assert!(world.one().run(closing).await);
    let noted = "select count(*) from incident_close where note like '%Quasten%'";
    assert_eq!(world.number(noted).await, 1);
    erase(&world, now + time::Duration::HOUR * 2).await;
    assert_eq!(world.number(noted).await, 0);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_waits_for_who_is_writing_of_the_player_and_takes_it_out() {
    let world = World::with(Setup { workers: false, ..Setup::default() }).await;
    let player = erased(&world).await;
    let now = world.clock.now();
    let pool = world.one().flows.db.pool().clone();
    let due = {
        let pool = pool.clone();
        world.one().run(async move { claim(&pool, now).await.unwrap() }).await
    };
    let due: Due = due.expect("it is due");
    // Whoever writes is held in the middle of it, and nobody else.
    let held = "create function hold() returns trigger language plpgsql as $$
                begin perform pg_advisory_xact_lock(1); return new; end $$;
                create trigger hold before insert on vendor_result
                for each row execute function hold()";
    sqlx::raw_sql(held).execute(&world.rows).await.unwrap();
    let mut holder = world.rows.begin().await.unwrap();
    sqlx::query("select pg_advisory_xact_lock(1)").execute(&mut *holder).await.unwrap();
    let waiting = async |most: i64| {
        eventually("it waits", SOON, async || (most <= world.number(WAITS).await).then_some(()))
            .await;
    };
    let writing = {
        let (pool, late) = (pool.clone(), answer(&player, now));
        let keeping = async move { player_results::keep_one(&pool, late).await.unwrap() };
        world.one().handle().spawn(keeping)
    };
    waiting(1).await;
    let erasing = world.one().handle().spawn(async move { purge(&pool, &due, now).await.unwrap() });
    waiting(2).await;
    holder.rollback().await.unwrap();
    writing.await.unwrap();
    erasing.await.unwrap();
    assert_eq!(world.number(NAMED).await, 0, "it was written, and taken out");
    assert_eq!(world.number("select count(*) from vendor_result").await, 1);
    world.close().await;
}
