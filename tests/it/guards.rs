//! What the database refuses, whoever asks.

use super::harness::{Setup, World, eur};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

const APPEND_ONLY: [&str; 15] = [
    "record",
    "entry",
    "hold_move",
    "transition",
    "outbox_event",
    "decision",
    "incident",
    "service_incident",
    "wire",
    "player_version",
    "incident_close",
    "deposit_address",
    "payin",
    "evidence_log",
    "evidence_checkpoint",
];

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

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_for_good_is_changed_by_nobody() {
    let (world, mut app, mut owner) = seeded().await;
    // A guard of each row needs one.
    let closed = "insert into incident (incident_id, slot, seq, operator_id, player_id, kind, detail, raised_at)
                    select gen_random_uuid(), slot, seq, operator_id, player_id, 'x', 'y', now()
                    from record limit 1;
                  insert into incident_close (incident_id, closed_by, note, closed_at)
                    select incident_id, 'ann', 'n', now() from incident limit 1";
    sqlx::raw_sql(closed).execute(&mut owner).await.unwrap();
    for table in APPEND_ONLY {
        let column = if table.ends_with("incident") { "kind" } else { "slot" };
        let column = match table {
            "incident_close" => "closed_by",
            "deposit_address" => "tag",
            "evidence_log" => "log_id",
            "evidence_checkpoint" => "note",
            _ => column,
        };
        for sql in [
            format!("update {table} set {column} = {column}"),
            format!("delete from {table}"),
            format!("truncate {table}"),
        ] {
            refused(&mut app, &sql, "permission denied").await;
            let is_event = table == "outbox_event" && sql.starts_with("update");
            let why = if is_event { "keeps the hash of its data" } else { "append-only" };
            refused(&mut owner, &sql, why).await;
        }
    }
    // What an erasure may take out stays too, where nobody was erased: also for the service's role.
    for sql in [
        "update player_version set body = null, salt = null",
        "update player_version set body = body",
        "update outbox_event set data = '{}', data_sha256 = sha256(convert_to(data::text, 'UTF8'))",
        "update incident_close set note = ''",
        "update incident_close set note = 'other'",
    ] {
        refused(&mut app, sql, "append-only").await;
        refused(&mut owner, sql, "append-only").await;
    }
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
