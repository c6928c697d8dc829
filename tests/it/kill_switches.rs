//! A kill switch holds everywhere, at once, and for as long as nobody lifts it: whatever other clocks say, whatever
//! other work waits for, and however many switches came after it.

use super::harness::{SOON, Setup, World, eventually, key};
use super::routing::{knows_within_a_second, off, set};
use interlock::domain::{Direction, Method};
use interlock::flows::Flows;
use interlock::routing::load_switches::load_switches;
use interlock::routing::set_switch::{PLANNED_MAX, SetError, SwitchOrder, set_switch};
use interlock::routing::switches::{SwitchKind, Use};
use interlock::store::switches::{SwitchFilter, list};
use sqlx::AssertSqlSafe;
use std::time::Duration;

const PSP: &str = "trustly-de";

fn is_forbidden(flows: &Flows) -> bool {
    let operator = off(PSP).operator;
    let (direction, method) = (Direction::Deposit, Method::BankTransfer);
    let asked = Use { operator: &operator, psp: PSP, country: "DE", direction, method };
    flows.switches.forbids(&asked, flows.clock.now()).is_some()
}

/// So many windows of maintenance of an operator, each newer than whatever people set. They begin and end so many
/// hours from now.
async fn windows(world: &World, operator: &str, many: i64, (from, until): (i32, i32)) {
    let now = world.one().flows.clock.now();
    let hours = |hours: i32| format!("'{now}'::timestamptz + interval '{hours} hours'");
    let (from, until) = (hours(from), hours(until));
    let insert = format!(
        "insert into routing_switch (switch_id, operator_id, kind, psp, reason, set_by, set_at,
           begins_at, ends_at, created_by_key)
         select ('ffffffff-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, '{operator}',
           'maintenance', 'swish-se', 'their notice', 'person_operator',
           '{now}'::timestamptz - interval '9 days', {from}, {until}, 'key-' || n
         from generate_series(1, {many}) n"
    );
    sqlx::raw_sql(AssertSqlSafe(insert)).execute(&world.rows).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_switch_holds_within_a_second_where_the_sums_of_the_day_wait() {
    let mut world = World::new().await;
    world.start_instance().await;
    let mut lock = world.rows.begin().await.unwrap();
    let held = "lock table psp_day_volume in access exclusive mode";
    sqlx::raw_sql(held).execute(&mut *lock).await.unwrap();
    let other = &world.instances[1].flows;
    let money = super::harness::eur(700);
    other.volumes.add(PSP, Direction::Deposit, money, other.clock.now());
    let waits = "select count(*) from pg_locks l join pg_database d on d.oid = l.database
                 where not l.granted and d.datname = current_database()";
    eventually("its sums wait", SOON, async || (1 <= world.number(waits).await).then_some(()))
        .await;
    let switch = set(&world, 0, off(PSP)).await;
    assert!(knows_within_a_second(other, &switch, true).await);
    lock.rollback().await.unwrap();
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_switch_of_a_clock_that_is_ahead_holds_at_once() {
    let mut world = World::new().await;
    world.start_instance().await;
    let ahead = Duration::from_secs(30);
    world.clock.advance(ahead);
    let switch = set(&world, 0, off(PSP)).await;
    world.clock.set_back(ahead);
    assert!(knows_within_a_second(&world.instances[1].flows, &switch, true).await);
    assert!(world.instances.iter().all(|instance| is_forbidden(&instance.flows)));
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_switch_is_loaded_however_many_windows_were_planned_after_it() {
    let world = World::with(Setup { workers: false, ..Setup::default() }).await;
    set(&world, 0, off(PSP)).await;
    windows(&world, "op_other", 10_001, (24, 48)).await;
    let flows = &world.one().flows;
    load_switches(flows, flows.clock.now()).await.unwrap();
    assert!(is_forbidden(flows));
    world.close().await;
}

/// Two releases run side by side, and people use the newer one.
#[tokio::test(flavor = "multi_thread")]
async fn a_switch_of_a_kind_that_is_not_known_here_holds_too() {
    let world = World::with(Setup { workers: false, ..Setup::default() }).await;
    let flows = &world.one().flows;
    let newer = format!(
        "alter table routing_switch drop constraint routing_switch_kind_is_known;
         insert into routing_switch (switch_id, operator_id, kind, psp, reason, set_by, set_at, begins_at,
             created_by_key)
           values (gen_random_uuid(), 'op_demo', 'quarantine', '{PSP}', 'its notice', 'person_operator',
             '{now}', '{now}', 'key')",
        now = flows.clock.now()
    );
    sqlx::raw_sql(AssertSqlSafe(newer)).execute(&world.rows).await.unwrap();
    assert!(!is_forbidden(flows));
    load_switches(flows, flows.clock.now()).await.unwrap();
    assert!(is_forbidden(flows));
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_planned_has_a_ceiling_and_what_is_for_now_has_none() {
    let world = World::with(Setup { workers: false, ..Setup::default() }).await;
    windows(&world, "op_demo", PLANNED_MAX - 1, (24, 48)).await;
    let from = world.one().flows.clock.now() + Duration::from_secs(3_600);
    let until = from + Duration::from_secs(3_600);
    let window =
        |from| SwitchOrder { kind: SwitchKind::Maintenance, from, until: Some(until), ..off(PSP) };
    let ask = async |order: SwitchOrder| {
        let flows = world.one().flows.clone();
        world.one().run(async move { set_switch(&flows, order, &key()).await }).await
    };
    ask(window(Some(from))).await.unwrap();
    let refused = ask(window(Some(from))).await;
    assert!(matches!(refused, Err(SetError::TooManyPlanned)), "{refused:?}");
    ask(window(None)).await.unwrap();
    ask(off(PSP)).await.unwrap();
    assert!(is_forbidden(&world.one().flows));
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_on_stands_before_what_is_newer_and_over() {
    let world = World::with(Setup { workers: false, ..Setup::default() }).await;
    let kill = set(&world, 0, off(PSP)).await;
    windows(&world, "op_demo", 60, (-48, -24)).await;
    let flows = &world.one().flows;
    let operator = off(PSP).operator;
    let first = async |on_first| {
        let limit = Some(50);
        let (operator, id) = (Some(&operator), None);
        let filter = SwitchFilter { operator, id, before: None, limit, on_at: None, on_first };
        let all = list(flows.db.pool(), &filter).await.unwrap();
        (all.len(), all[0].id == kill.id, all.iter().any(|it| it.id == kill.id))
    };
    assert_eq!(first(Some(flows.clock.now())).await, (50, true, true));
    assert_eq!(first(None).await, (50, false, false), "the control: the newest first");
    world.close().await;
}
