//! Attacks on the database by its owner, who can do anything but sign.

use super::{Log, named, sound};

/// The tables whose rows bear a number and are never changed.
const NUMBERED: &str = "select c.relname::text from pg_class c
  join pg_trigger t on t.tgrelid = c.oid join pg_proc p on p.oid = t.tgfoid
  where p.proname = 'refuse_change' and c.relkind = 'r' and (
    select count(*) from pg_attribute a where a.attrelid = c.oid and a.attname in ('slot', 'seq')
      and a.attnotnull) = 2
  order by 1";

/// The lane that wrote last; slot 8 is the log's own.
const NEWEST_LANE: &str =
    "select slot::bigint from record where slot < 8 order by recorded_at desc limit 1";

impl Log {
    /// Takes away every guard, and keeps a copy of every table.
    async fn unguarded() -> (Self, Vec<String>) {
        let log = Log::sealed().await;
        let tables = log.world.texts(NUMBERED).await;
        assert!(tables.len() >= 10, "{tables:?}");
        for table in &tables {
            log.owner(&format!("alter table {table} disable trigger user")).await;
            let checks = format!(
                "select conname::text from pg_constraint
                 where conrelid = '{table}'::regclass and contype = 'c'"
            );
            for check in log.world.texts(&checks).await {
                log.owner(&format!("alter table {table} drop constraint {check}")).await;
            }
            log.owner(&format!("create table copy_of_{table} as table {table}")).await;
        }
        log.owner("alter table evidence_checkpoint disable trigger user").await;
        (log, tables)
    }

    async fn restore(&self, table: &str) {
        self.owner(&format!(
            "delete from {table}; insert into {table} select * from copy_of_{table}"
        ))
        .await;
    }

    /// A row of a table, by its place: the middle one of all, so that good ones lie on both sides.
    async fn row_of(&self, table: &str) -> (String, String) {
        let sql = format!(
            "select ctid || ' slot ' || slot || ' seq ' || seq from {table} order by slot, seq
             offset (select count(*) / 2 from {table}) limit 1"
        );
        let text = self.world.texts(&sql).await;
        let text = text.first().unwrap_or_else(|| panic!("{table} has no row to try"));
        let (ctid, place) = text.split_once(' ').unwrap();
        (ctid.to_owned(), place.to_owned())
    }
}

/// The smallest change of a column's value that its type allows.
pub(super) fn changed(column: &str, kind: &str) -> String {
    match kind {
        "text" => format!("coalesce({column}, '') || 'x'"),
        "smallint" | "integer" | "bigint" => format!("coalesce({column}, 0) + 10007"),
        "numeric" => format!("coalesce({column}, 0) + 0.000000000000000001"),
        "boolean" => format!("not coalesce({column}, false)"),
        "uuid" => "gen_random_uuid()".to_owned(),
        "bytea" => format!(
            "case when {column} is null then '\\x01' else
               set_byte({column}, 0, get_byte({column}, 0) # 1) end"
        ),
        "timestamp with time zone" => {
            format!("coalesce({column}, now()) + interval '1 microsecond'")
        }
        // The same value in other bytes.
        "json" => format!("(coalesce({column}::text, '1') || ' ')::json"),
        other => panic!("a column of type {other}: say how it is changed"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_any_column_of_any_record_is_named() {
    let (log, tables) = Log::unguarded().await;
    sound(&log.verified().await);
    let mut tried = 0;
    for table in &tables {
        let columns = log
            .world
            .texts(&format!(
                "select attname || ' ' || format_type(atttypid, null) from pg_attribute
                 where attrelid = '{table}'::regclass and attnum > 0 and not attisdropped
                   and attname not in ('slot', 'seq')"
            ))
            .await;
        for column in columns {
            let (column, kind) = column.split_once(' ').unwrap();
            let (ctid, place) = log.row_of(table).await;
            let value = changed(column, kind);
            let update = format!("update {table} set {column} = {value} where ctid = '{ctid}'");
            log.owner(&update).await;
            let verdict = log.verified().await;
            let bad = verdict.bad.as_ref().map(|bad| bad.place.to_string());
            assert_eq!(bad.as_ref(), Some(&place), "{table}.{column}: {verdict:?}");
            log.restore(table).await;
            tried += 1;
        }
    }
    assert!(tried > 80, "{tried} columns");
    sound(&log.verified().await);
    log.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_is_deleted_or_added_is_named() {
    let (log, tables) = Log::unguarded().await;
    for table in &tables {
        let (ctid, place) = log.row_of(table).await;
        log.owner(&format!("delete from {table} where ctid = '{ctid}'")).await;
        let verdict = log.verified().await;
        assert_eq!(named(&verdict).0, place, "{table}: {verdict:?}");
        let is_missing = named(&verdict).1.contains("is missing");
        assert_eq!(is_missing, table == "record", "{table}: {verdict:?}");
        log.restore(table).await;
    }
    let (ctid, place) = log.row_of("entry").await;
    log.owner(&format!(
        "insert into entry (slot, seq, leg, kind, operator_id, player_id, account, amount, currency,
           recorded_at)
         select slot, seq, 99, kind, operator_id, player_id, 'suspense', 1, currency, recorded_at
         from entry where ctid = '{ctid}'"
    ))
    .await;
    assert_eq!(named(&log.verified().await).0, place);
    log.restore("entry").await;
    sound(&log.verified().await);
    log.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_records_that_change_places_are_named() {
    let (log, tables) = Log::unguarded().await;
    let slot = "(select slot from record group by slot order by count(*) desc, slot limit 1)";
    // Both of the second checkpoint.
    let (first, second) = (3, 5);
    for table in &tables {
        for (from, to) in [(first, -1), (second, first), (-1, second)] {
            log.owner(&format!(
                "update {table} set seq = {to} where slot = {slot} and seq = {from}"
            ))
            .await;
        }
    }
    let slot = log.world.number(&format!("select {slot}::bigint")).await;
    let (place, told) = named(&log.verified().await);
    assert_eq!(place, format!("slot {slot} seq {first}"));
    let expected = format!("out of order: the record of slot {slot} seq {second}");
    assert!(told.contains(&expected), "{told}");
    log.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_was_cut_is_named_at_the_first_record_that_is_gone() {
    let (log, tables) = Log::unguarded().await;
    let slot = log.world.number(NEWEST_LANE).await;
    let last = log.world.number(&format!("select seq from lane_slot where slot = {slot}")).await;
    for table in &tables {
        log.owner(&format!("delete from {table} where slot = {slot} and seq >= {last} - 1")).await;
    }
    log.owner(&format!("update lane_slot set seq = seq - 2 where slot = {slot}")).await;
    let (place, told) = named(&log.verified().await);
    assert_eq!(place, format!("slot {slot} seq {}", last - 1));
    assert!(told.contains("is missing"), "{told}");

    // Whoever cuts the checkpoints too is not seen from inside, and is from outside.
    log.owner(
        "delete from evidence_checkpoint where number = (select max(number) from evidence_checkpoint)",
    )
    .await;
    sound(&log.verified().await);
    let verdict = log.verified_with_folder().await;
    assert_eq!(named(&verdict).0, format!("slot {slot} seq {}", last - 1));
    let newest = log.folder().await;
    let mut notes: Vec<_> =
        std::fs::read_dir(newest).unwrap().map(|it| it.unwrap().path()).collect();
    notes.retain(|path| path.extension().is_some_and(|kind| kind == "checkpoint"));
    notes.sort();
    // Two checkpoints are gone, and one holds nothing but the newest: that is enough to see it.
    log.owner(
        "delete from evidence_checkpoint where number = (select max(number) from evidence_checkpoint)",
    )
    .await;
    let outside = super::Outside::read(notes.last().unwrap()).unwrap();
    let verdict = super::verify_database(log.db.pool(), &log.keys(), &outside).await.unwrap();
    assert!(verdict.faults[0].starts_with("truncated: nothing goes on from leaf"), "{verdict:?}");
    log.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_that_was_changed_is_named_and_the_records_stay_proven() {
    let (log, _) = Log::unguarded().await;
    for (column, value) in [("note", "replace(note, 'after', 'After')"), ("note", "note || 'x'")] {
        log.owner("create table kept as table evidence_checkpoint").await;
        log.owner(&format!("update evidence_checkpoint set {column} = {value} where number = 2"))
            .await;
        let verdict = log.verified_with_folder().await;
        assert!(verdict.bad.is_none(), "{verdict:?}");
        assert!(verdict.faults[0].contains("number 2 in the database is damaged"), "{verdict:?}");
        log.owner(
            "delete from evidence_checkpoint; insert into evidence_checkpoint select * from kept;
             drop table kept",
        )
        .await;
    }
    log.owner(
        "update evidence_checkpoint set leaves = set_byte(leaves, 33, get_byte(leaves, 33) # 1)
         where number = 1",
    )
    .await;
    let verdict = log.verified().await;
    assert!(named(&verdict).1.contains("the record itself is proven"), "{verdict:?}");
    log.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_and_the_list_of_hashes_forged_together_are_still_found() {
    let (log, _) = Log::unguarded().await;
    log.owner("update entry set amount = amount * 2").await;
    log.owner(
        "update evidence_checkpoint set leaves = set_byte(leaves, 1, get_byte(leaves, 1) # 1)",
    )
    .await;
    let verdict = log.verified().await;
    assert!(named(&verdict).1.contains("it cannot be told which"), "{verdict:?}");
    // The list in the folder is out of the owner's reach, and names the record.
    let verdict = log.verified_with_folder().await;
    assert!(named(&verdict).1.contains("was edited after it was sealed"), "{verdict:?}");
    log.leave().await;
}
