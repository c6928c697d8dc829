//! A payment that cannot be recorded is tried ever less often, and people are told of it.

use super::harness::{SOON, Setup, World, eur, eventually};
use interlock::book::Payment;
use interlock::store::incidents::{self, IncidentFilter};
use interlock::workers::attempts::AttemptWorker;
use interlock::workers::driver::Worker;
use interlock::workers::payouts::PayoutWorker;
use sqlx::AssertSqlSafe;
use std::sync::Arc;

/// From now on the database refuses whatever is written of this payment's row in this table, and counts how often.
async fn poison(world: &World, table: &str, payment: &Payment) {
    let sql = format!(
        "create sequence tries minvalue 0 start 0;
         create function refuse() returns trigger language plpgsql security definer as $$
           begin perform nextval('tries'); raise exception 'poisoned'; end $$;
         create trigger poison before insert or update on {table} for each row
         when (new.payment_id = '{}') execute function refuse()",
        payment.id.uuid
    );
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&world.rows).await.unwrap();
}

/// Has it look until people are told, and for a while longer.
async fn told(world: &World, worker: impl Worker) {
    let worker = Arc::new(worker);
    let look = async || {
        let (worker, now) = (worker.clone(), world.one().flows.clock.now());
        world.one().run(async move { worker.activate(now).await.unwrap() }).await;
        (world.incidents("row_unreadable").await == 1).then_some(())
    };
    eventually("people are told", SOON, look).await;
    for _ in 0..10 {
        look().await.unwrap();
    }
}

/// What the incident says to the payment's operator.
async fn said(world: &World, payment: &Payment) -> String {
    let filter = IncidentFilter {
        operator: &payment.player.operator,
        accounts: &[],
        vendors: &[],
        kind: None,
        open: Some(true),
        id: None,
        before: None,
        limit: 10,
    };
    let mut listed = incidents::list(&world.rows, &filter).await.unwrap();
    listed.retain(|line| line.kind == "row_unreadable");
    assert_eq!(listed.len(), 1, "{listed:?}");
    listed.remove(0).detail
}

/// A command that fails alone is tried four times by its lane, and people are told when it has failed thrice; a
/// machine may be so slow that it has failed once more.
async fn was_tried_seldom(world: &World) {
    let tries = world.number("select last_value + 1 from tries").await;
    assert!((12..=16).contains(&tries), "{tries}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_that_cannot_be_recorded_rests_and_people_are_told_once() {
    let world = World::with(Setup { workers: false, ..Setup::default() }).await;
    let player = world.player("DE").await;
    let deposit = world.deposit(&player, eur(700)).await;
    let due = "update attempt set due_at = now() - interval '1 second'";
    sqlx::raw_sql(due).execute(&world.rows).await.unwrap();
    poison(&world, "attempt", &deposit).await;
    told(&world, AttemptWorker::new(world.one().flows.clone())).await;
    was_tried_seldom(&world).await;
    let named = format!("an attempt of the payment {}: ", deposit.id.uuid.simple());
    let said = said(&world, &deposit).await;
    assert!(said.starts_with(&named), "{said}");
    world.leave_open();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payout_that_cannot_be_recorded_rests_and_people_are_told_once() {
    let world = World::with(Setup { workers: false, ..Setup::default() }).await;
    let player = world.rich_player("DE", 1_000).await;
    let payout = world.withdraw(&player, eur(900)).await;
    assert_eq!(payout.status.as_str(), "approved");
    poison(&world, "attempt", &payout).await;
    told(&world, PayoutWorker::new(world.one().flows.clone())).await;
    was_tried_seldom(&world).await;
    let named = format!("the sending of the payment {}: ", payout.id.uuid.simple());
    let said = said(&world, &payout).await;
    assert!(said.starts_with(&named), "{said}");
    world.leave_open();
}
