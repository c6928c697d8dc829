//! How a database that knows no numbers yet carries out each statement of the service.
//!
//! A lane learns its statements once. What the planner thinks of them while all tables are new holds
//! until somebody analyses the tables, and in a table that it believes to be empty it would rather
//! read everything than look anything up: a new service would then read, for each batch, all payments
//! that there ever were.

use super::harness::house;
use interlock::store::Db;
use interlock::store::erase::Step;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::collections::BTreeSet;
use std::path::Path;

/// Tables that grow with payments, and those out of which an erasure takes a player. Each row of them is
/// looked for by something that was asked for.
const GROWING: [&str; 33] = [
    "attempt",
    "decision",
    "deposit_address",
    "entry",
    "game_entry",
    "hold_move",
    "idempotency_key",
    "identity_taken",
    "inbox",
    "incident_close",
    "limit_reservation",
    "limit_use",
    "name_screening_due",
    "outbox_event",
    "part",
    "payin",
    "payment",
    "player",
    "player_session",
    "player_version",
    "record",
    "review",
    "review_event",
    "review_proposal",
    "transition",
    "vendor_check",
    "vendor_raw",
    "vendor_result",
    "wallet",
    "webhook_delivery",
    "webhook_delivery_try",
    "wire",
    "witness",
];

/// Beginnings of statements that may read more, and why.
const MAY: [(&str, &str); 9] = [
    ("select kind, count(*) as \"open!\"", "counts what is open, by an index of open reviews"),
    (
        "select r.review_id, r.operator_id from",
        "a worker's, now and then: cases of switches that ended",
    ),
    ("select u.payment_id, u.direction", "what a replay reads, beside the service"),
    ("select o.source as \"source!\"", "what a proof of the evidence reads, beside the service"),
    (
        "select min(o.written_at) from outside_row",
        "whoever seals, once an hour: what was written beside lanes and never taken into the log",
    ),
    (
        "update inbox i set raw = '' from (select distinct own.psp",
        "an erasure of whom a message names that came with others' events: an account that sends such",
    ),
    ("(select review_id, operator_id from review where is_open", "a worker's: open proposals"),
    ("select written_at from witness where written_at <= now()", "the newest, by its time"),
    (
        "update limit_reservation set reference = null",
        "an erasure: room that was taken for a deposit which was then not recorded hangs on nothing",
    ),
];

/// The statements as they were checked at compile time, and how many parameters they take.
fn statements() -> Vec<(String, usize)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(".sqlx");
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let read = |path| serde_json::from_slice::<Value>(&std::fs::read(path).unwrap()).unwrap();
    let told = |file: Value| {
        let parameters = file["describe"]["parameters"]["Left"].as_array().map_or(0, Vec::len);
        (file["query"].as_str().unwrap().to_owned(), parameters)
    };
    files.map(read).map(told).collect()
}

async fn plan(lane: &mut PgConnection, statement: &str, parameters: usize) -> Option<Value> {
    let prepare = AssertSqlSafe(format!("prepare it as {statement}"));
    // Some are no statements that have a plan.
    sqlx::raw_sql(prepare).execute(&mut *lane).await.ok()?;
    let nulls = vec!["null"; parameters].join(", ");
    let given = if nulls.is_empty() { String::new() } else { format!("({nulls})") };
    let explain = AssertSqlSafe(format!("explain (format json) execute it{given}"));
    let plan = sqlx::query_scalar(explain).fetch_one(&mut *lane).await.unwrap();
    sqlx::raw_sql("deallocate it").execute(lane).await.unwrap();
    Some(plan)
}

/// Whether a condition names a parameter or a column of another row; what stands in quotes does not.
fn asks_for_something(condition: &str) -> bool {
    condition.split('\'').step_by(2).any(|words| words.contains(['$', '.']))
}

/// Columns of which one value stands in more and more rows: whoever asks for these alone reads them all.
const WIDE: [&str; 7] = ["operator_id", "direction", "slot", "psp", "scope", "state", "status"];

/// Whether one of the conditions, as `((p.operator_id = w.operator_id) AND (p.payment_id = w.payment_id))`, is
/// about a column that few rows have alike.
fn narrows(conditions: &str) -> bool {
    let column = |one: &str| {
        let left = one.trim_start_matches('(').split(' ').next().unwrap_or_default();
        left.rsplit('.').next().unwrap_or_default().to_owned()
    };
    conditions.split(" AND ").any(|one| !WIDE.contains(&column(one).as_str()))
}

/// Growing tables of which a plan reads rows that nobody asked for. What is under a limit may stop early.
fn read_at_large(node: &Value, (relation, limited): (&str, bool), found: &mut Vec<String>) {
    let relation = node["Relation Name"].as_str().unwrap_or(relation);
    let kind = node["Node Type"].as_str().unwrap_or_default();
    let limited = limited || kind == "Limit";
    let index = matches!(kind, "Index Scan" | "Index Only Scan" | "Bitmap Index Scan");
    let keyed = node["Index Cond"]
        .as_str()
        .is_some_and(|of| asks_for_something(of) && (limited || narrows(of)));
    if GROWING.contains(&relation) && (kind == "Seq Scan" || (index && !keyed)) {
        found.push(format!("{relation} by {kind} {}", node["Index Name"]));
    }
    for child in node["Plans"].as_array().into_iter().flatten() {
        read_at_large(child, (relation, limited), found);
    }
}

async fn faults(lane: &mut PgConnection, statement: &str, parameters: usize) -> Vec<String> {
    let Some(plan) = plan(lane, statement, parameters).await else { return Vec::new() };
    let mut found = Vec::new();
    read_at_large(&plan[0]["Plan"], ("", false), &mut found);
    found
}

async fn new_lane() -> PgConnection {
    let house = house().await;
    let database = house.database().await;
    // Some statements are the owner's.
    let db = Db::connect(&house.owner_url(&database), 1).await.unwrap();
    db.lane_connection().await.unwrap()
}

/// 200 more payments of one operator, of which the planner has no numbers but the tables' sizes.
async fn more_payments(lane: &mut PgConnection) {
    let rows = "alter table payment set (autovacuum_enabled = off);
        alter table attempt set (autovacuum_enabled = off);
        insert into payment (payment_id, operator_id, player_id, direction, origin, amount, currency, country,
          method, payer, route, metadata, decision_id, created_at, reasons, action_told, status,
          event_sequence, updated_at, reference)
        select gen_random_uuid(), 'op', 'p' || n % 50, 'deposit', 'request', 1, 'EUR', 'DE', 'card', '{}',
          json_build_object('candidates', repeat('x', 900)), '{}', gen_random_uuid(), now(), '[]', false,
          'processing', 1, now(), gen_random_uuid()::text
        from generate_series(1, 200) n;
        insert into attempt (attempt_id, payment_id, number, psp, status, asked, currency, was_accepted,
          first_sent_at, inquiries, misses, paged)
        select gen_random_uuid(), payment_id, 1, 'psp', 'accepted', 1, 'EUR', true, now(), 0, 0, false
        from payment where not exists (select from attempt a where a.payment_id = payment.payment_id)";
    sqlx::raw_sql(rows).execute(lane).await.unwrap();
}

async fn every_statement_finds_its_rows_by_key(lane: &mut PgConnection) {
    let (mut planned, mut excused, mut wrong) = (0, BTreeSet::new(), Vec::new());
    for (statement, parameters) in statements() {
        let words = statement.split_whitespace().collect::<Vec<_>>().join(" ");
        if let Some((beginning, _)) = MAY.iter().find(|(known, _)| words.starts_with(known)) {
            excused.insert(beginning);
            continue;
        }
        planned += 1;
        for fault in faults(lane, &statement, parameters).await {
            wrong.push(format!("{fault}: {words}"));
        }
    }
    assert!(150 < planned, "only {planned} statements were looked at");
    assert_eq!(excused.len(), MAY.len(), "each excuse is somebody's: {excused:?}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Their statements are among the others.
#[test]
fn the_tables_of_every_step_of_an_erasure_are_among_those_that_grow() {
    let not: Vec<Step> =
        Step::ALL.into_iter().filter(|step| !GROWING.contains(&step.told().0)).collect();
    assert_eq!(not, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_statement_finds_its_rows_by_key_while_all_tables_are_new() {
    every_statement_finds_its_rows_by_key(&mut new_lane().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_statement_finds_its_rows_by_key_among_payments_that_nobody_analysed() {
    let mut lane = new_lane().await;
    for _ in 0..8 {
        more_payments(&mut lane).await;
        every_statement_finds_its_rows_by_key(&mut lane).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_would_read_every_payment_of_a_new_table_is_seen() {
    let mut lane = new_lane().await;
    let deposits =
        "select p.payment_id from unnest($1::text[], $2::text[]) as w (operator_id, player_id)
        join payment p on p.operator_id = w.operator_id and p.player_id = w.player_id
        where p.direction = 'deposit' and p.status = 'succeeded'";
    let keys = "update idempotency_key k set status = a.status
        from unnest($1::uuid[], $2::smallint[]) as a (payment_id, status)
        where k.payment_id = a.payment_id and k.body is null";
    let reviewed = "select exists (select from review r where r.payment_id = p.payment_id)
        from payment p where payment_id = any($1::uuid[])";
    for (statement, parameters) in [(deposits, 2), (keys, 2), (reviewed, 1)] {
        assert_eq!(faults(&mut lane, statement, parameters).await.len(), 1, "{statement}");
    }
}

/// As references were looked for before, in the index that was there then.
#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_would_read_an_operators_payments_for_each_reference_is_seen() {
    let mut lane = new_lane().await;
    let old = "drop index payment_reference_is_taken_for_ever;
        create unique index payment_reference_is_taken_for_ever
          on payment (operator_id, direction, reference) where reference is not null";
    sqlx::raw_sql(old).execute(&mut lane).await.unwrap();
    let references = "select p.payment_id
        from unnest($1::text[], $2::text[], $3::text[]) as w (operator_id, direction, reference)
        join payment p on p.operator_id = w.operator_id and p.direction = w.direction
          and p.reference = w.reference";
    let mut seen = 0;
    for _ in 0..8 {
        more_payments(&mut lane).await;
        seen += faults(&mut lane, references, 3).await.len();
    }
    assert!(0 < seen);
}

/// How many incidents are open is asked every few seconds, and most that there ever were are closed.
#[tokio::test(flavor = "multi_thread")]
async fn counting_what_is_open_reads_no_incident_that_is_closed() {
    let counts =
        |(statement, _): &(String, usize)| statement.contains("from incident_open o group");
    let (statement, _) = statements().into_iter().find(counts).unwrap();
    let plan = plan(&mut new_lane().await, &statement, 0).await.unwrap().to_string();
    let tables: Vec<&str> = plan.split("\"Relation Name\":\"").skip(1).collect();
    assert!(matches!(&tables[..], [one] if one.starts_with("incident_open\"")), "{plan}");
}

/// Adds records of a slot, and counts the entries and rows of `record` that its guard read for that.
async fn read_by_the_guard(lane: &mut PgConnection, from: i64, to: i64) -> i64 {
    let read = "select pg_stat_get_xact_tuples_returned('record'::regclass)
         + pg_stat_get_xact_tuples_returned('record_pkey'::regclass)";
    let mut work = lane.begin().await.unwrap();
    let before: i64 = sqlx::query_scalar(read).fetch_one(&mut *work).await.unwrap();
    sqlx::query(
        "insert into record (slot, seq, kind, operator_id, player_id, recorded_at)
         select 0, n, 'test', 'op', 'p', now() from generate_series($1, $2) n",
    )
    .bind(from)
    .bind(to)
    .execute(&mut *work)
    .await
    .unwrap();
    let after: i64 = sqlx::query_scalar(read).fetch_one(&mut *work).await.unwrap();
    work.commit().await.unwrap();
    after - before
}

/// Of a session that learnt the guard from a large batch while the table was new.
async fn read_after_five_thousand(lane: &mut PgConnection) -> i64 {
    read_by_the_guard(lane, 1, 200).await;
    read_by_the_guard(lane, 201, 5_000).await;
    read_by_the_guard(lane, 5_001, 5_001).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guard_of_records_numbers_reads_no_more_of_them_the_more_there_are() {
    let read = read_after_five_thousand(&mut new_lane().await).await;
    assert!(read <= 1, "{read} entries were read to find one");
    // The guard as it was first written lists them all.
    let mut lane = new_lane().await;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/0001_core.sql");
    let schema = std::fs::read_to_string(path).unwrap();
    let from = schema.find("create function refuse_gaps_in_records()").unwrap();
    let first = schema[from..].split_inclusive("end $$;").next().unwrap();
    let first = first.replacen("create function", "create or replace function", 1);
    sqlx::raw_sql(AssertSqlSafe(first)).execute(&mut lane).await.unwrap();
    assert!(5_000 <= read_after_five_thousand(&mut lane).await);
}
