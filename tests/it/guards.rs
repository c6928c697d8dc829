//! What the database refuses, whoever asks.

use super::harness::{Setup, World, eur};
use interlock::store::migrate::{self, APPEND_ONLY};
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};
use std::collections::BTreeSet;

async fn refused(connection: &mut PgConnection, sql: &str, why: &str) {
    let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(connection).await;
    let error = done.expect_err(sql).to_string();
    assert!(error.contains(why), "{sql}: {error}");
}

/// A world with a deposit and a payout in it, and connections as the service and as the owner.
async fn seeded() -> (World, PgConnection, PgConnection) {
    let world = World::new().await;
    let player = world.rich_player("DE", 10_000).await;
    let withdrawal = world.withdraw(&player, eur(1_000)).await;
    world.settled(withdrawal.id, "paid").await;
    let deposit = world.deposit(&player, eur(1_000)).await;
    world.complete(&deposit, "succeeded").await;
    world.settled(deposit.id, "succeeded").await;
    let app = PgConnection::connect(&world.house.app_url(&world.database)).await.unwrap();
    let owner = PgConnection::connect(&world.house.owner_url(&world.database)).await.unwrap();
    (world, app, owner)
}

/// A row for each guard that looks at rows and finds none in a world without cases and vendors.
const ROWS_FOR_GUARDS: &str = "
    insert into incident (incident_id, slot, seq, operator_id, player_id, kind, detail, raised_at)
      select gen_random_uuid(), slot, seq, operator_id, player_id, 'x', 'y', now()
      from record limit 1;
    insert into incident_close (incident_id, closed_by, note, closed_at)
      select incident_id, 'ann', 'n', now() from incident limit 1;
    insert into review_event (review_id, n, act, text, at)
      values (gen_random_uuid(), 1, 'note', 'n', now());
    insert into vendor_raw (sha256, body, kept_at) values (sha256('b'), 'b', now());
    insert into vendor_result (vendor_result_id, payment_id, operator_id, player_id, hook, vendor,
        request_id, state, signals, version, raw_sha256, asked_at, received_at)
      values (gen_random_uuid(), gen_random_uuid(), 'o', 'p', 'kyc', 'v', 'r', 'final', '[]', '1',
        sha256('b'), now(), now());
    insert into witness (slot, seq, source, key, written_at, content_sha256, salt, commitment)
      values (0, 9999, 'vendor_raw', 'k', now(), sha256('c'), sha256('s'), sha256('t'))";

/// A column of the table that nobody may change, not even for an erasure.
async fn kept_column(owner: &mut PgConnection, table: &str, emptied: &[&str]) -> String {
    sqlx::query_scalar(
        "select attname::text from pg_attribute
         where attrelid = $1::regclass and 0 < attnum and not attisdropped and attname <> all($2)
         order by attnum limit 1",
    )
    .bind(table)
    .bind(emptied)
    .fetch_one(owner)
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_for_good_is_changed_by_nobody() {
    let (world, mut app, mut owner) = seeded().await;
    sqlx::raw_sql(ROWS_FOR_GUARDS).execute(&mut owner).await.unwrap();
    for (table, emptied) in APPEND_ONLY {
        let column = kept_column(&mut owner, table, emptied).await;
        for sql in [
            format!("update {table} set {column} = {column}"),
            format!("delete from {table}"),
            format!("truncate {table} cascade"),
        ] {
            refused(&mut app, &sql, "permission denied").await;
            let is_event = table == "outbox_event" && sql.starts_with("update");
            let why = if is_event { "keeps the hash of its data" } else { "append-only" };
            refused(&mut owner, &sql, why).await;
        }
        // What an erasure may take out stays too, where nobody was erased.
        for column in emptied.iter().filter(|_| table != "outbox_event") {
            let sql = format!("update {table} set {column} = null");
            refused(&mut app, &sql, "nobody was erased").await;
            refused(&mut owner, &sql, "nobody was erased").await;
        }
    }
    for sql in [
        "update player_version set body = body",
        "update outbox_event set data = '{}', data_sha256 = sha256(convert_to(data::text, 'UTF8'))",
        "update incident_close set note = ''",
        "update incident_close set note = 'other'",
    ] {
        refused(&mut app, sql, "append-only").await;
        refused(&mut owner, sql, "append-only").await;
    }
    // The rows that were put there for the guards belong to no commit.
    world.leave_open();
}

/// A table that a migration guards and the list lacks would be one that a role with too many rights is
/// let in to.
#[tokio::test(flavor = "multi_thread")]
async fn the_list_of_what_is_written_for_good_has_every_table_that_is_guarded_so() {
    let world = World::with(Setup { workers: false, ..Setup::default() }).await;
    let guarded =
        "select tgrelid::regclass::text from pg_trigger t join pg_proc p on p.oid = tgfoid
                   where proname = 'refuse_change' and not tgisinternal";
    let guarded: BTreeSet<String> = world.texts(guarded).await.into_iter().collect();
    assert_eq!(guarded, APPEND_ONLY.iter().map(|(table, _)| (*table).to_owned()).collect());
    // What the application may only add to is written for good, but for the proposals of a review, whose
    // state it changes.
    let added_to = "select c.oid::regclass::text from pg_class c
                    where relkind = 'r' and relnamespace = 'public'::regnamespace
                      and has_table_privilege('interlock_app', c.oid, 'INSERT')
                      and not has_table_privilege('interlock_app', c.oid, 'UPDATE')
                      and not has_table_privilege('interlock_app', c.oid, 'DELETE')";
    let added_to: BTreeSet<String> = world.texts(added_to).await.into_iter().collect();
    let unguarded: Vec<&String> = added_to.difference(&guarded).collect();
    assert_eq!(unguarded, ["review_proposal"]);
    world.close().await;
}

/// Whether the service would start as the role of this address, and else why not.
async fn starts_as(url: &str) -> Result<(), String> {
    let pool = PgPool::connect(url).await.unwrap();
    let checked = migrate::check(&pool, "sandbox").await.map_err(|refused| refused.to_string());
    pool.close().await;
    checked
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_may_change_what_is_written_for_good_is_refused() {
    let world = World::with(Setup { workers: false, ..Setup::default() }).await;
    let app = world.house.app_url(&world.database);
    assert_eq!(starts_as(&app).await, Ok(()));
    let mut owner = PgConnection::connect(&world.house.owner_url(&world.database)).await.unwrap();
    // Each in turn, with all that was granted before left as it is: the first one of the list is told.
    for (at, (table, emptied)) in APPEND_ONLY.into_iter().enumerate().rev() {
        let right = match at % 4 {
            0 => "update".to_owned(),
            1 => "delete".to_owned(),
            2 => "truncate".to_owned(),
            _ => format!("update ({})", kept_column(&mut owner, table, emptied).await),
        };
        let grant = format!("grant {right} on {table} to interlock_app");
        sqlx::raw_sql(AssertSqlSafe(grant)).execute(&mut owner).await.unwrap();
        let told = format!("interlock_app may change the append-only table {table}:");
        let refused = starts_as(&app).await.expect_err(table);
        assert!(refused.contains(&told), "{right} on {table}: {refused}");
    }
    world.leave_open();
}

/// Rights of somebody else that a role may take on are its own.
#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_is_the_owner_or_above_is_refused() {
    let world = World::with(Setup { workers: false, ..Setup::default() }).await;
    let refused = starts_as(&world.house.owner_url(&world.database)).await.unwrap_err();
    assert!(refused.contains("interlock_owner may change the append-only table"), "{refused}");
    let superuser = world.house.superuser_url(&world.database);
    let refused = starts_as(&superuser).await.unwrap_err();
    assert!(refused.contains("postgres may change any table"), "{refused}");
    let role = format!("member_{}", world.database);
    let member = format!(
        "create role {role} login noinherit in role interlock_owner;
         grant select on environment, _sqlx_migrations to {role}"
    );
    let mut above = PgConnection::connect(&superuser).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(member)).execute(&mut above).await.unwrap();
    let url = world.house.app_url(&world.database).replace("interlock_app", &role);
    let refused = starts_as(&url).await.unwrap_err();
    assert!(refused.contains(&format!("{role} may change the append-only table")), "{refused}");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn records_with_a_gap_are_refused() {
    let (world, mut app, mut owner) = seeded().await;
    let insert = "insert into record (slot, seq, kind, operator_id, player_id, recorded_at)
                  select slot, seq + 2, 'x', 'o', 'p', now() from lane_slot where seq > 0 limit 1";
    refused(&mut app, insert, "have a gap").await;
    refused(&mut owner, insert, "have a gap").await;
    let two = "insert into record (slot, seq, kind, operator_id, player_id, recorded_at)
               select slot, seq + n, 'x', 'o', 'p', now() from lane_slot, (values (1), (3)) v (n)
               where seq > 0";
    refused(&mut app, two, "have a gap").await;
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_that_do_not_balance_are_refused() {
    let (world, mut app, mut owner) = seeded().await;
    let insert = "insert into entry (slot, seq, leg, kind, operator_id, player_id, account, amount,
                    currency, recorded_at)
                  values (0, 9999, 0, 'x', 'o', 'p', 'suspense', 5, 'EUR', now()),
                         (0, 9999, 1, 'x', 'o', 'p', 'adjustments', -4, 'EUR', now())";
    refused(&mut app, insert, "do not balance").await;
    refused(&mut owner, insert, "do not balance").await;
    // Two currencies do not balance each other.
    let mixed = insert.replace("-4, 'EUR'", "-5, 'GBP'");
    refused(&mut app, &mixed, "do not balance").await;
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wallet_is_never_overdrawn() {
    let (world, mut app, mut owner) = seeded().await;
    for (column, why) in [
        ("cash", "wallet_cash_is_never_negative"),
        ("held", "wallet_held_is_never_negative"),
        ("bonus", "wallet_bonus_is_never_negative"),
        ("owed", "wallet_owed_is_never_negative"),
    ] {
        let sql = format!("update wallet set {column} = -1");
        refused(&mut app, &sql, why).await;
        refused(&mut owner, &sql, why).await;
    }
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_live_attempts_of_one_payment_are_refused() {
    let (world, mut app, _owner) = seeded().await;
    let again = "insert into attempt (attempt_id, payment_id, part_id, number, psp, status, asked,
          currency, was_accepted, first_sent_at, inquiries, misses, paged)
        select gen_random_uuid(), payment_id, part_id, 9, psp, 'unknown', asked, currency, false,
          now(), 0, 0, false from attempt a, generate_series(1, 2)";
    refused(&mut app, &format!("{again} where part_id is null"), "attempt_one_live_a_deposit")
        .await;
    refused(&mut app, &format!("{again} where part_id is not null"), "attempt_one_live_a_part")
        .await;
    let ends = "insert into hold_move (part_id, slot, seq, n, capture, amount, is_final)
                select part_id, slot, seq, 9, capture, amount, is_final from hold_move";
    refused(&mut app, ends, "hold_ends_once").await;
    world.close().await;
}

const TWO_LIVE: &str = "insert into attempt (attempt_id, payment_id, part_id, number, psp, status,
      asked, currency, was_accepted, first_sent_at, due_at, inquiries, misses, paged)
    select gen_random_uuid(), payment_id, part_id, 9, psp, 'unknown', asked, currency, false, now(),
      now() + interval '1 day', 0, 0, false from attempt where status = 'accepted'";

/// Whether the database takes a second live attempt of a deposit.
async fn takes_a_second_live_attempt(sabotage: Option<&'static str>) -> bool {
    let world = World::with(Setup { workers: false, sabotage, ..Setup::default() }).await;
    let player = world.player("DE").await;
    let deposit = world.deposit(&player, eur(1_000)).await;
    let mut app = PgConnection::connect(&world.house.app_url(&world.database)).await.unwrap();
    let taken = sqlx::raw_sql(TWO_LIVE).execute(&mut app).await.is_ok();
    let live = "select count(*) from attempt where status in ('accepted', 'unknown')";
    assert_eq!(world.number(live).await, 1 + i64::from(taken));
    let undo = "delete from attempt where number = 9";
    sqlx::raw_sql(undo).execute(&world.rows).await.unwrap();
    assert_eq!(world.payment(deposit.id).await.attempts.len(), 1);
    world.close().await;
    taken
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_live_attempt_of_a_deposit_is_refused() {
    assert!(!takes_a_second_live_attempt(None).await);
}

/// The control: what refuses it is the partial unique index and nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn without_its_index_a_second_live_attempt_is_taken() {
    let drop = "drop index attempt_one_live_a_deposit";
    assert!(takes_a_second_live_attempt(Some(drop)).await);
}
