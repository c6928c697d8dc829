//! What stands beside lanes: each row of each such table is in the log, and an attack on any of its columns
//! is named at the record that took it in.

use super::super::harness::key;
use super::attacks::changed;
use super::{Log, named, sound};
use interlock::store::witness::{Look, take_in};
use std::collections::BTreeSet;

/// The tables, how their rows are named in the log, and what of them changes by right.
const OUTSIDE: [(&str, &str, &[&str]); 14] = [
    ("vendor_raw", "encode(sha256, 'hex')", &[]),
    ("vendor_result", "vendor_result_id::text", &[]),
    ("policy_proposal", "proposal_id::text", &[]),
    ("policy_proposal_end", "proposal_id::text", &[]),
    ("policy_version", "version", &[]),
    ("routing_switch", "switch_id::text", &[]),
    ("routing_switch_lift", "switch_id::text", &[]),
    ("routing_version", "version", &[]),
    ("review_event", "review_id || ':' || n", &[]),
    ("review_approval", "proposal_id || ':' || approved_by", &[]),
    (
        "review_proposal",
        "proposal_id::text",
        &["state", "decided_by", "decided_at", "decided_note"],
    ),
    ("incident_close", "incident_id::text", &[]),
    ("service_incident", "incident_id::text", &[]),
    ("decision_read", "read_id::text", &[]),
];

/// A row in each table; those that only other tests' worlds write come as their doors would write them.
pub(super) async fn fill(log: &Log) {
    let review = key();
    log.owner(&format!(
        "insert into vendor_raw (sha256, body, kept_at) values (sha256('a'), 'a', now());
         insert into vendor_result (vendor_result_id, operator_id, player_id, hook, vendor, request_id,
             state, signals, version, raw_sha256, asked_at, received_at)
           values (gen_random_uuid(), 'op_demo', 'p', 'names', 'v', 'r', 'pending', '[]', '1',
             sha256('a'), now(), now());
         insert into routing_switch (switch_id, operator_id, kind, psp, reason, set_by, set_at, begins_at,
             created_by_key)
           values (gen_random_uuid(), 'op_demo', 'kill', 'x', 'y', 'ann', now(), now(), 'k');
         insert into routing_switch_lift select switch_id, 'bob', 'z', now() from routing_switch;
         insert into review (review_id, operator_id, player_id, kind, subject, is_open, opened_at)
           values ('{review}', 'op_demo', 'p', 'attestation', 'player', false, now());
         insert into review_event (review_id, n, act, person_id, text, at)
           values ('{review}', 1, 'note', 'ann', 'a note', now()),
             ('{review}', 2, 'locked', 'ann', null, now());
         insert into review_proposal (proposal_id, review_id, outcome, note, payload, payload_sha256,
             proposed_by, proposed_at, state)
           values (gen_random_uuid(), '{review}', 'approve', 'n', '{{\"a\":1}}', sha256('x'), 'ann', now(),
             'open');
         insert into review_approval (proposal_id, proposed_by, approved_by, approved_at)
           select proposal_id, 'ann', 'bob', now() from review_proposal where review_id = '{review}';
         insert into incident_close select incident_id, 'ann', 'seen', now() from incident limit 1;
         insert into service_incident (incident_id, kind, detail, raised_at)
           values (gen_random_uuid(), 'x', 'y', now());
         insert into decision_read (read_id, operator_id, person_id, door, act, subject, at)
           values (gen_random_uuid(), 'op_demo', 'ann', 'api', 'read', 'dec_1', now())"
    ))
    .await;
}

impl Log {
    /// Sealed with all of it, and every guard taken away.
    async fn of_outsiders() -> Self {
        let log = Self::sealed().await;
        fill(&log).await;
        log.seal().await;
        for (table, _, _) in OUTSIDE {
            log.owner(&format!("alter table {table} disable trigger user")).await;
        }
        let constraints = "select conrelid::regclass || ' drop constraint ' || quote_ident(conname)
                           from pg_constraint where contype = 'f' or (contype = 'c' and conrelid::regclass
                             in (select format('%I', source)::regclass from witness))";
        for constraint in log.world.texts(constraints).await {
            log.owner(&format!("alter table {constraint}")).await;
        }
        for (table, _, _) in OUTSIDE {
            log.owner(&format!("create table copy_of_{table} as table {table}")).await;
        }
        log
    }

    /// A row of a table: where it stands in the log, and how it is found.
    async fn outside(&self, table: &str, row: &str) -> (String, String) {
        let sql = format!(
            "select 'slot ' || slot || ' seq ' || seq || '|' || key from witness
             where source = '{table}' order by seq limit 1"
        );
        let found = self.world.texts(&sql).await.pop();
        let found = found.unwrap_or_else(|| panic!("no row of {table} is in the log"));
        let (place, key) = found.split_once('|').unwrap();
        (place.to_owned(), format!("{row} = '{key}'"))
    }

    async fn put_back(&self, table: &str) {
        let sql = format!("delete from {table}; insert into {table} select * from copy_of_{table}");
        self.owner(&sql).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_any_column_of_any_row_beside_lanes_is_named() {
    let log = Log::of_outsiders().await;
    sound(&log.verified().await);
    let sources = log.world.texts("select distinct source from outside_row").await;
    let listed: BTreeSet<String> = OUTSIDE.iter().map(|(table, ..)| (*table).to_owned()).collect();
    assert_eq!(sources.into_iter().collect::<BTreeSet<_>>(), listed, "each has a row to try");
    let mut tried = 0;
    for (table, row, by_right) in OUTSIDE {
        let columns = log
            .world
            .texts(&format!(
                "select attname || ' ' || format_type(atttypid, null) from pg_attribute
                 where attrelid = '{table}'::regclass and attnum > 0 and not attisdropped"
            ))
            .await;
        for column in columns {
            let (column, kind) = column.split_once(' ').unwrap();
            if by_right.contains(&column) {
                continue;
            }
            let (place, one) = log.outside(table, row).await;
            let value = changed(column, kind);
            log.owner(&format!("update {table} set {column} = {value} where {one}")).await;
            let verdict = log.verified().await;
            let bad = verdict.bad.as_ref().map(|bad| bad.place.to_string());
            assert_eq!(bad.as_ref(), Some(&place), "{table}.{column}: {verdict:?}");
            log.put_back(table).await;
            tried += 1;
        }
    }
    assert!(tried > 80, "{tried} columns");
    sound(&log.verified().await);
    log.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_beside_lanes_that_is_deleted_or_cut_off_is_named() {
    let log = Log::of_outsiders().await;
    for (table, row, _) in OUTSIDE {
        let (place, one) = log.outside(table, row).await;
        log.owner(&format!("delete from {table} where {one}")).await;
        let verdict = log.verified().await;
        assert_eq!(named(&verdict).0, place, "{table}: {verdict:?}");
        log.put_back(table).await;
    }
    sound(&log.verified().await);
    // The newest of all, with everything that tells of it.
    let last = log.world.number("select seq from lane_slot where is_register").await;
    for table in ["witness", "record"] {
        log.owner(&format!("alter table {table} disable trigger user")).await;
        log.owner(&format!("delete from {table} where slot = 8 and seq = {last}")).await;
    }
    log.owner("update lane_slot set seq = seq - 1 where is_register").await;
    let (place, told) = named(&log.verified().await);
    assert_eq!(place, format!("slot 8 seq {last}"));
    assert!(told.contains("is missing"), "{told}");
    log.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_take_in_at_once_take_each_row_once() {
    // Without players: workers that look at them would write rows of their own meanwhile.
    let log = Log::new().await;
    log.owner("insert into service_incident values (gen_random_uuid(), 'x', 'y', now())").await;
    let (pool, now) = (log.db.pool(), interlock::clock::Clock::now(&*log.world.clock));
    let (a, b) =
        tokio::join!(take_in(pool, now, Look::Everything), take_in(pool, now, Look::Everything));
    // Whoever finds the other at it leaves it to that one.
    let taken: u64 = [a.unwrap(), b.unwrap()].into_iter().flatten().sum();
    assert_eq!(
        i64::try_from(taken).unwrap(),
        log.world.number("select count(*) from witness").await
    );
    let left = "select count(*) from outside_row o where not exists (
                  select 1 from witness w where w.source = o.source and w.key = o.key)";
    assert_eq!(log.world.number(left).await, 0);
    // What comes later is found by what is new alone.
    log.owner("insert into service_incident values (gen_random_uuid(), 'x', 'late', now())").await;
    assert_eq!(take_in(pool, now, Look::Narrow).await.unwrap(), Some(1));
    assert_eq!(take_in(pool, now, Look::Narrow).await.unwrap(), Some(0));
    // What was written before that, in a transaction that was committed after it, by a look further back.
    log.owner(
        "insert into service_incident
         values (gen_random_uuid(), 'x', 'later', now(), null, now() - interval '29 s')",
    )
    .await;
    assert_eq!(take_in(pool, now, Look::Narrow).await.unwrap(), Some(0));
    assert_eq!(take_in(pool, now, Look::Wide).await.unwrap(), Some(1));
    log.end().await;
}
