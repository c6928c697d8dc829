//! Erasures that are in no log: whoever can write a row of `erasure` has erased nobody.

use super::outside::fill;
use super::{Log, named, sound};
use interlock::clock::Clock;
use interlock::domain::{OperatorId, PlayerId, PlayerKey};
use interlock::store::erase::purge;
use interlock::store::erasures::Due;
use interlock::store::prove::prove;
use sqlx::AssertSqlSafe;

/// Whose rows [`fill`] writes, and somebody who has paid.
const PLAYERS: [&str; 2] = ["'p'", "(select min(player_id) from player)"];
/// What an erasure takes out of each table whose rows stay.
const EMPTIES: [(&str, &str); 8] = [
    (
        "player_version",
        "update player_version set body = 'null', salt = null
         where player_id = (select min(player_id) from player)",
    ),
    (
        "outbox_event",
        "update outbox_event set data_sha256 = sha256(convert_to(data::text, 'UTF8')), data = 'null'
         where player_id = (select min(player_id) from player)",
    ),
    ("vendor_raw", "update vendor_raw set body = null where sha256 = sha256('a')"),
    ("vendor_result", "update vendor_result set signals = '[]' where player_id = 'p'"),
    (
        "review_event",
        "update review_event set text = null
         where review_id in (select review_id from review where player_id = 'p')",
    ),
    (
        "review_proposal",
        "update review_proposal set note = '(erased)', payload = null, payload_sha256 = null
         where review_id in (select review_id from review where player_id = 'p')",
    ),
    ("incident_close", "update incident_close set note = '(erased)'"),
    ("witness", "update witness set salt = null where player_id = 'p'"),
];
/// What goes together, so that nothing is left that would tell of it but the erasure that never was.
const ATTACKS: [&[&str]; 4] = [
    &["player_version"],
    &["outbox_event"],
    &["vendor_raw"],
    &["vendor_result", "review_event", "review_proposal", "witness"],
];

/// Says that each of the players was erased, at a place of the log where nothing is.
fn lie(slot: i16, seq: i64) -> String {
    let one = |(n, player): (usize, &&str)| {
        format!(
            "insert into erasure (slot, seq, erasure_id, operator_id, player_id, review_id, basis, erased_at)
             values ({slot}, {seq} - {n}, gen_random_uuid(), 'op_demo', {player}, gen_random_uuid(),
               'never_moved', now());"
        )
    };
    PLAYERS.iter().enumerate().map(one).collect()
}

async fn filled() -> Log {
    let log = Log::sealed().await;
    log.without_references().await;
    fill(&log).await;
    log.seal().await;
    sound(&log.verified().await);
    log
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_that_is_in_no_log_lets_the_service_take_out_nothing() {
    let log = filled().await;
    for (slot, seq) in [(99, 5), (0, -5), (0, 1_000_000)] {
        for (table, empty) in EMPTIES {
            let mut tx = log.db.pool().begin().await.unwrap();
            sqlx::raw_sql(AssertSqlSafe(lie(slot, seq))).execute(&mut *tx).await.unwrap();
            let done = sqlx::raw_sql(AssertSqlSafe(empty)).execute(&mut *tx).await;
            let refused = done.unwrap_err().to_string();
            assert!(refused.contains("nobody was erased"), "{table} by {slot}/{seq}: {refused}");
            tx.rollback().await.unwrap();
        }
    }
    // Nor do tables of its own that bear the names of those that are asked.
    let mut tx = log.db.pool().begin().await.unwrap();
    let own = "create temp table erasure as select * from record; create temp table lane_slot as
                 select slot, 1000000::bigint as seq from record;
               update player_version set body = 'null', salt = null";
    let refused = sqlx::raw_sql(own).execute(&mut *tx).await.unwrap_err().to_string();
    assert!(refused.contains("nobody was erased"), "{refused}");
    tx.rollback().await.unwrap();
    sound(&log.verified().await);
    log.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_that_is_in_no_log_hides_nothing_and_is_found_by_the_proof_of_the_books() {
    let log = filled().await;
    let broken = |found: &interlock::store::prove::Proof| {
        let hanging = found.findings.iter().filter(|it| it.check.contains("bears a number"));
        hanging.map(|it| it.detail.clone()).collect::<Vec<_>>()
    };
    assert_eq!(broken(&prove(log.db.pool()).await.unwrap()), Vec::<String>::new());
    for (table, _) in EMPTIES {
        log.owner(&format!("alter table {table} disable trigger user")).await;
        log.owner(&format!("create table copy_of_{table} as table {table}")).await;
    }
    log.owner(&lie(99, 5)).await;
    let places = ["erasure of slot 99 seq 4", "erasure of slot 99 seq 5"];
    let mut found = broken(&prove(log.db.pool()).await.unwrap());
    found.sort();
    assert_eq!(found, places);
    sound(&log.verified().await);
    for tables in ATTACKS {
        for (_, empty) in EMPTIES.iter().filter(|(table, _)| tables.contains(table)) {
            log.owner(empty).await;
        }
        let verdict = log.verified().await;
        assert!(named(&verdict).1.contains("was edited"), "{tables:?}: {verdict:?}");
        for table in tables {
            log.owner(&format!(
                "delete from {table}; insert into {table} select * from copy_of_{table}"
            ))
            .await;
        }
        sound(&log.verified().await);
    }
    log.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_erasure_leaves_is_empty_and_is_nothing_else() {
    let log = filled().await;
    // As a lane would leave it, but on the log's own slot, which no lane holds.
    log.owner(
        "update lane_slot set seq = seq + 1 where is_register;
         insert into record (slot, seq, kind, operator_id, player_id, recorded_at)
           select slot, seq, 'decide_case', 'op_demo', 'p', now() from lane_slot where is_register;
         insert into erasure (slot, seq, erasure_id, operator_id, player_id, review_id, basis, erased_at)
           select slot, seq, gen_random_uuid(), 'op_demo', 'p', gen_random_uuid(), 'never_moved', now()
           from lane_slot where is_register",
    )
    .await;
    let player =
        PlayerKey { operator: OperatorId::trusted("op_demo"), player: PlayerId::trusted("p") };
    let due = Due { player, review: uuid::Uuid::nil() };
    let now = log.world.clock.now();
    assert!(purge(log.db.pool(), &due, now).await.unwrap() > 4);
    log.seal().await;
    sound(&log.verified().await);
    for (table, words) in [
        ("vendor_result", "signals = '[{}]'"),
        ("review_event", "text = 'never said'"),
        ("review_proposal", "note = 'never said'"),
        ("review_proposal", "payload = '{}', payload_sha256 = sha256('x')"),
    ] {
        log.owner(&format!("alter table {table} disable trigger user")).await;
        log.owner(&format!("create table kept as table {table}")).await;
        log.owner(&format!("update {table} set {words}")).await;
        let verdict = log.verified().await;
        assert!(named(&verdict).1.contains("was edited"), "{table}: {verdict:?}");
        log.owner(&format!(
            "delete from {table}; insert into {table} select * from kept; drop table kept"
        ))
        .await;
        sound(&log.verified().await);
    }
    log.leave().await;
}
