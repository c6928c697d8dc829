//! Which incidents nobody has closed: the database keeps it, with each that is raised and each that is closed.

use super::harness::{Setup, World};
use interlock::clock::Clock;
use interlock::domain::{IncidentId, PersonId};
use interlock::store::incidents::{self, ServiceIncident};
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

const OF_A_PAYMENT: &str =
    "insert into incident (incident_id, slot, seq, operator_id, player_id, kind, detail, raised_at)
     select gen_random_uuid(), 0, n, 'op_demo', 'p', 'x', 'd', now() from generate_series(1, 2) n";

async fn open(world: &World) -> Vec<(String, i64)> {
    let mut open = incidents::count_open(&world.rows).await.unwrap();
    open.sort();
    open
}

async fn is_raised(world: &World, detail: &str) -> bool {
    let incident = ServiceIncident { kind: "y", detail, psp: None };
    let now = world.clock.now();
    incidents::raise_unless_open(&world.rows, Uuid::now_v7(), &incident, now).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_raised_is_open_until_it_is_closed_and_a_database_of_before_is_counted_whole() {
    let world = World::with(Setup { workers: false, ..Setup::default() }).await;
    sqlx::raw_sql(OF_A_PAYMENT).execute(&world.rows).await.unwrap();
    assert!(is_raised(&world, "one").await && is_raised(&world, "two").await);
    assert!(!is_raised(&world, "one").await, "it is open");
    let count = |x: i64, y: i64| [("x".to_owned(), x), ("y".to_owned(), y)];
    assert_eq!(open(&world).await, count(2, 2));
    for (table, detail) in [("incident", "d"), ("service_incident", "one")] {
        let id = format!("select min(incident_id::text) from {table} where detail = '{detail}'");
        let id: Uuid = world.texts(&id).await[0].parse().unwrap();
        let (ann, now) = (PersonId::trusted("ann"), world.clock.now());
        assert!(incidents::close(&world.rows, IncidentId(id), &ann, "looked", now).await.unwrap());
        assert!(!incidents::close(&world.rows, IncidentId(id), &ann, "again", now).await.unwrap());
    }
    assert_eq!(open(&world).await, count(1, 1));

    let mut owner = PgConnection::connect(&world.house.owner_url(&world.database)).await.unwrap();
    let before = "drop function incident_opens cascade; drop function incident_closes cascade;
                  drop table incident_open";
    sqlx::raw_sql(before).execute(&mut owner).await.unwrap();
    let migration = include_str!("../../migrations/0033_open_incidents.sql");
    sqlx::raw_sql(migration).execute(&mut owner).await.unwrap();
    assert_eq!(open(&world).await, count(1, 1));
    assert!(is_raised(&world, "one").await, "it was closed");
    assert_eq!(open(&world).await, count(1, 2));
    owner.close().await.unwrap();
    world.leave_open();
}
