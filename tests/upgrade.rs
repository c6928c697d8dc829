//! What is in the database when a migration comes is there afterwards, and as it was.

#![allow(clippy::unwrap_used, reason = "tests may")]

use interlock::sandbox::cluster::{APP_ROLE, OWNER_ROLE, PrivateCluster};
use interlock::store::Db;
use interlock::store::migrate::{self, MigrateError};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::path::Path;
use std::time::{Duration, Instant};

const DATABASE: &str = "upgraded";

/// A payment with every column filled, and one with every column empty that may be.
const PAYMENTS: &str = r#"
insert into payment (payment_id, operator_id, player_id, direction, status, origin, amount, currency,
  fee, country, method, reference, return_url, payer, received_amount, received_currency,
  credited_amount, suspended_amount, suspended_currency, next_action, action_told, reasons, route,
  metadata, decision_id, event_sequence, answer_owed, due_at, source, returns, of_deposit, created_at,
  updated_at)
values
  (gen_random_uuid(), 'op', 'p-1', 'withdrawal', 'in_review', 'return', 1, 'EUR', 2, 'DE',
   'bank_transfer', 'r-1', 'https://casino.example', '{"full_name": "E"}', 3, 'GBP', 4, 5, 'SEK',
   '{"type": "redirect"}', true, '[{"code": "x"}]', '{"version": "1"}', '{"a":  1}',
   gen_random_uuid(), 6, 'backend', now(), '{"masked": "*"}', '{"psp": "a"}', gen_random_uuid(),
   now() - interval '1 day', now()),
  (gen_random_uuid(), 'op', 'p-2', 'deposit', 'processing', 'request', 1, 'EUR', null, 'DE',
   'bank_transfer', null, null, '{}', null, null, null, null, null, null, false, '[]', '{}', '{}',
   gen_random_uuid(), 1, null, null, null, null, null, now(), now())"#;

const ROWS: &str = "select to_jsonb(p)::text || p.metadata::text from payment p order by player_id";
const INDEXES: &str =
    "select indexdef from pg_indexes where tablename = 'payment' order by indexname";
const RIGHTS: &str =
    "select string_agg(has_table_privilege('interlock_app', 'payment', r)::text, ' ')
  from unnest(array['select', 'insert', 'update', 'delete', 'truncate']) r";

async fn texts(owner: &mut PgConnection, query: &'static str) -> Vec<String> {
    sqlx::query_scalar(query).fetch_all(owner).await.unwrap()
}

async fn apply(owner: &mut PgConnection, file: &Path) {
    let text = std::fs::read_to_string(file).unwrap();
    // As the migrator does: a file is one transaction.
    let mut all = owner.begin().await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut *all).await.unwrap();
    all.commit().await.unwrap();
}

#[tokio::test]
async fn payments_are_the_same_after_their_table_was_made_anew() {
    let cluster = PrivateCluster::start_temporary().unwrap();
    cluster.create_database(DATABASE, None).unwrap();
    let mut owner = PgConnection::connect(&cluster.url(DATABASE, OWNER_ROLE)).await.unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    for name in ["0001_core.sql", "0002_outbound.sql", "0003_api.sql"] {
        apply(&mut owner, &folder.join(name)).await;
    }
    sqlx::raw_sql(PAYMENTS).execute(&mut owner).await.unwrap();
    let mut before = Vec::new();
    for query in [ROWS, INDEXES, RIGHTS] {
        before.push(texts(&mut owner, query).await);
    }
    assert_eq!(before[0].len(), 2);
    apply(&mut owner, &folder.join("0004_lean.sql")).await;
    for (query, before) in [ROWS, INDEXES, RIGHTS].into_iter().zip(before) {
        assert_eq!(texts(&mut owner, query).await, before, "{query}");
    }
    owner.close().await.unwrap();
    drop(cluster);
}

const NEWEST: &str = "select max(version) from _sqlx_migrations";

#[tokio::test]
async fn an_instance_runs_on_a_newer_schema_and_on_no_older_one() {
    let cluster = PrivateCluster::start_temporary().unwrap();
    cluster.create_database(DATABASE, None).unwrap();
    let owner_url = cluster.url(DATABASE, OWNER_ROLE);
    migrate::migrate(&owner_url, "production").await.unwrap();
    let db = Db::connect(&cluster.url(DATABASE, APP_ROLE), 2).await.unwrap();
    let mut owner = PgConnection::connect(&owner_url).await.unwrap();
    let newest: i64 = sqlx::query_scalar(NEWEST).fetch_one(&mut owner).await.unwrap();
    let mut run = async |statement: String| {
        sqlx::query(AssertSqlSafe(statement)).execute(&mut owner).await.unwrap();
    };
    assert!(migrate::is_current(db.pool()).await);

    // The next version's migration was applied: the instances of this one go on, and may start.
    let next = newest + 1;
    run(format!(
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
         values ({next}, 'of the next version', true, '', 0)"
    ))
    .await;
    assert!(migrate::is_current(db.pool()).await);
    migrate::check(db.pool(), "production").await.unwrap();
    let refused = migrate::migrate(&owner_url, "production").await.unwrap_err();
    assert!(matches!(refused, MigrateError::Newer(version) if version == next), "{refused}");

    // One of its own is not there, however new the newest is; or it failed.
    run(format!("update _sqlx_migrations set success = false where version = {newest}")).await;
    assert!(!migrate::is_current(db.pool()).await);
    run(format!("delete from _sqlx_migrations where version = {newest}")).await;
    let refused = migrate::check(db.pool(), "production").await.unwrap_err();
    assert!(matches!(refused, MigrateError::NotMigrated), "{refused}");
    db.close().await;
    owner.close().await.unwrap();
    drop(cluster);
}

#[tokio::test]
async fn a_database_of_another_environment_is_left_as_it_is() {
    let cluster = PrivateCluster::start_temporary().unwrap();
    cluster.create_database(DATABASE, None).unwrap();
    let owner_url = cluster.url(DATABASE, OWNER_ROLE);
    migrate::migrate(&owner_url, "production").await.unwrap();
    let mut owner = PgConnection::connect(&owner_url).await.unwrap();
    // As before the last migration: whoever runs the migrations now would try it, and fail at it.
    let last =
        "delete from _sqlx_migrations where version = (select max(version) from _sqlx_migrations)";
    sqlx::query(last).execute(&mut owner).await.unwrap();
    let before: i64 = sqlx::query_scalar(NEWEST).fetch_one(&mut owner).await.unwrap();
    let refused = migrate::migrate(&owner_url, "sandbox").await.unwrap_err();
    assert!(matches!(refused, MigrateError::OtherEnvironment { .. }), "{refused}");
    let after: i64 = sqlx::query_scalar(NEWEST).fetch_one(&mut owner).await.unwrap();
    assert_eq!(after, before);
    owner.close().await.unwrap();
    drop(cluster);
}

/// Of tables, as a proof of the books has it for hours.
const READS: &str = "lock table payment, identity_taken in access share mode";
/// The next changes one of the tables that are read.
const BEFORE_IT_LOCKS: i64 = 29;
const WAITS: &str = "select count(*) from pg_locks l join pg_stat_activity a using (pid)
   where a.datname = current_database() and l.locktype = 'relation' and not l.granted";

#[tokio::test]
async fn a_migration_that_meets_a_long_read_lets_everybody_by_and_is_done_after_it() {
    let cluster = PrivateCluster::start_temporary().unwrap();
    cluster.create_database(DATABASE, None).unwrap();
    let owner_url = cluster.url(DATABASE, OWNER_ROLE);
    let mut owner = PgConnection::connect(&owner_url).await.unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let known = sqlx::migrate::Migrator::new(folder).await.unwrap();
    known.run_to(BEFORE_IT_LOCKS, &mut owner).await.unwrap();
    let mut reader = PgConnection::connect(&owner_url).await.unwrap();
    let mut reading = reader.begin().await.unwrap();
    sqlx::query(READS).execute(&mut *reading).await.unwrap();
    let mut is_waited = async |expected: bool| {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let waits: i64 = sqlx::query_scalar(WAITS).fetch_one(&mut owner).await.unwrap();
            if (0 < waits) == expected {
                return;
            }
            assert!(Instant::now() < deadline, "in a minute: {waits} wait, expected {expected}");
            tokio::task::yield_now().await;
        }
    };
    let watching = async {
        // It waits, gives up so that nobody is queued behind it, and waits again; nothing of it is done.
        for expected in [true, false, true, false] {
            is_waited(expected).await;
        }
        let newest: i64 = sqlx::query_scalar(NEWEST).fetch_one(&mut *reading).await.unwrap();
        assert_eq!(newest, BEFORE_IT_LOCKS);
        reading.rollback().await.unwrap();
    };
    let (migrated, ()) = tokio::join!(migrate::migrate(&owner_url, "production"), watching);
    migrated.unwrap();
    let db = Db::connect(&cluster.url(DATABASE, APP_ROLE), 2).await.unwrap();
    assert!(migrate::is_current(db.pool()).await);
    db.close().await;
    drop((owner, reader));
    drop(cluster);
}
