//! What stands beside lanes comes into the log too: vendors' answers, policy texts, switches, what people
//! did in cases, who read decisions.
//!
//! Those rows bear no number of a lane, and no lane waits for them. Whoever seals takes in what is new,
//! one record of the log's own slot for each row: the hash of what is kept for good, and a salted
//! commitment to what may have to be erased. A line of the log tells both, and whether the row, as it is
//! now, still fits: so a row that was changed or deleted changes the line that was sealed.

use super::read_lines::Found;
use super::{Pool, StoreError, db};
use crate::domain::Timestamp;
use crate::evidence::canonical::Object;
use crate::evidence::checkpoint::Range;
use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use std::collections::HashMap;

/// Rows that are taken in at once.
const AT_ONCE: i64 = 1_000;
/// Nobody's transaction lasts so long: what was written before the newest row that was taken in, but
/// committed after it, is younger than that, and by how long there may have been no wide look.
const WIDE: time::Duration = time::Duration::seconds(45);
/// Most transactions last no longer than this: what they wrote is found by the next look.
const NARROW: time::Duration = time::Duration::seconds(2);

/// How far before the newest row that was taken in a look begins. It asks of each row from there on whether
/// it was taken in, so that how far it looks back is what it costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    Narrow,
    /// To be had at least every 10 s of looking: it finds what was committed late.
    Wide,
    /// To be had now and then: it finds what bears another time than that of its writing.
    Everything,
}

struct Row {
    source: String,
    key: String,
    written_at: Timestamp,
    operator_id: Option<String>,
    player_id: Option<String>,
    content: Vec<u8>,
    personal: Option<String>,
}

/// Takes in what is new. Tells how many rows there were; None: another instance is at it, and how far that one
/// looks back is not known.
pub async fn take_in(pool: &Pool, now: Timestamp, look: Look) -> Result<Option<u64>, StoreError> {
    let mut taken = 0;
    loop {
        let Some(more) = take_some(pool, now, look).await? else { return Ok(None) };
        taken += more;
        if more < AT_ONCE.unsigned_abs() {
            return Ok(Some(taken));
        }
    }
}

async fn take_some(pool: &Pool, now: Timestamp, look: Look) -> Result<Option<u64>, StoreError> {
    let mut tx = pool.begin().await?;
    let slot = sqlx::query!(
        "select slot, seq from lane_slot where is_register order by slot limit 1 for update skip locked"
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(slot) = slot else { return Ok(None) };
    let rows = new_rows(&mut tx, look).await?;
    if rows.is_empty() {
        // Dropped, it would keep the slot's row until its connection is back in the pool.
        tx.rollback().await?;
        return Ok(Some(0));
    }
    let count = i64::try_from(rows.len()).unwrap_or(i64::MAX);
    write(&mut tx, slot.slot, slot.seq, &rows, now).await?;
    sqlx::query!(
        "update lane_slot set seq = $2 where slot = $1 and seq = $3",
        slot.slot,
        slot.seq + count,
        slot.seq
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(Some(count.unsigned_abs()))
}

/// From when on a look asks of each row. None: there is nothing to ask.
async fn since(connection: &mut PgConnection, look: Look) -> Result<Option<Timestamp>, StoreError> {
    let back = match look {
        Look::Narrow => NARROW,
        Look::Wide => WIDE,
        // What is in the rows is read of those alone that may be new.
        Look::Everything => {
            let oldest = sqlx::query_scalar!(
                "select min(o.written_at) from outside_row o
                 where o.written_at >= '1970-01-01 00:00:00+00'
                   and o.written_at < '9999-01-01 00:00:00+00'
                   and not exists (select 1 from witness w where w.source = o.source and w.key = o.key)"
            );
            return Ok(oldest.fetch_one(connection).await?);
        }
    };
    // A row that says it was written tomorrow would hide all that is written until then.
    let newest = sqlx::query_scalar!(
        "select written_at from witness where written_at <= now() order by written_at desc limit 1"
    );
    let newest = newest.fetch_optional(connection).await?;
    Ok(Some(newest.map_or(Timestamp::UNIX_EPOCH, |at| at - back)))
}

/// What is new. A time before 1970 or after 9998 is nobody's clock: such a row is left out, so that it cannot
/// keep others out, and `interlock prove` names it.
async fn new_rows(connection: &mut PgConnection, look: Look) -> Result<Vec<Row>, StoreError> {
    let Some(since) = since(&mut *connection, look).await? else { return Ok(Vec::new()) };
    let rows = sqlx::query_as!(
        Row,
        r#"select o.source as "source!", o.key as "key!", o.written_at as "written_at!", o.operator_id,
             o.player_id, sha256(convert_to(o.content, 'UTF8')) as "content!", o.personal
           from outside_row o
           where o.written_at >= $1 and o.written_at < '9999-01-01 00:00:00+00'
             and not exists (select 1 from witness w where w.source = o.source and w.key = o.key)
           order by o.written_at, o.source, o.key limit $2"#,
        since,
        AT_ONCE
    )
    .fetch_all(connection)
    .await?;
    Ok(rows)
}

#[derive(Default)]
struct Columns {
    seq: Vec<i64>,
    source: Vec<String>,
    key: Vec<String>,
    written_at: Vec<Timestamp>,
    operator: Vec<Option<String>>,
    player: Vec<Option<String>>,
    content: Vec<Vec<u8>>,
    salt: Vec<Option<Vec<u8>>>,
    commitment: Vec<Option<Vec<u8>>>,
}

fn columns(after: i64, rows: &[Row]) -> Columns {
    let mut c = Columns::default();
    for (seq, row) in (after + 1..).zip(rows) {
        let (salt, commitment) = row.personal.as_deref().map(commit_to).unzip();
        c.seq.push(seq);
        c.source.push(row.source.clone());
        c.key.push(row.key.clone());
        c.written_at.push(row.written_at);
        c.operator.push(row.operator_id.clone());
        c.player.push(row.player_id.clone());
        c.content.push(row.content.clone());
        c.salt.push(salt);
        c.commitment.push(commitment);
    }
    c
}

/// A salt of chance and SHA-256(salt ‖ text).
fn commit_to(text: &str) -> (Vec<u8>, Vec<u8>) {
    let mut salt = vec![0; 32];
    aws_lc_rs::rand::fill(&mut salt).expect("the system gives randomness");
    let commitment = commitment_of(&salt, text);
    (salt, commitment)
}

fn commitment_of(salt: &[u8], text: &str) -> Vec<u8> {
    Sha256::new().chain_update(salt).chain_update(text).finalize().to_vec()
}

async fn write(
    connection: &mut PgConnection,
    slot: i16,
    after: i64,
    rows: &[Row],
    now: Timestamp,
) -> Result<(), StoreError> {
    let c = columns(after, rows);
    sqlx::query!(
        "with records as (
           insert into record (slot, seq, kind, operator_id, player_id, recorded_at)
           select $1, seq, 'witness', coalesce(operator, ''), coalesce(player, ''), $2
           from unnest($3::bigint[], $7::text[], $8::text[]) as r (seq, operator, player))
         insert into witness (slot, seq, source, key, written_at, operator_id, player_id,
           content_sha256, salt, commitment)
         select $1, * from unnest($3::bigint[], $4::text[], $5::text[], $6::timestamptz[], $7::text[],
           $8::text[], $9::bytea[], $10::bytea[], $11::bytea[])",
        slot,
        now,
        &c.seq,
        &c.source,
        &c.key,
        &c.written_at,
        &c.operator as &[Option<String>],
        &c.player as &[Option<String>],
        &c.content,
        &c.salt as &[Option<Vec<u8>>],
        &c.commitment as &[Option<Vec<u8>>]
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The lines' part of what was taken in, each compared with the row as it is now. Of who was erased the personal
/// part is what an erasure leaves of it ([`super::erase`]), and nothing else.
pub(super) async fn lines(pool: &Pool, range: Range, found: &mut Found) -> Result<(), StoreError> {
    let Range { slot, first, last } = range;
    let between = sqlx::query!(
        "select min(written_at) as first, max(written_at) as last
         from witness where slot = $1 and seq between $2 and $3",
        slot,
        first,
        last
    )
    .fetch_one(pool)
    .await?;
    let (Some(from), Some(to)) = (between.first, between.last) else { return Ok(()) };
    // By one snapshot: an erasure empties a row and its salt at once, and between the two nothing would fit.
    let mut snapshot = db::snapshot(pool).await?;
    let mut now = rows_now(&mut snapshot, from, to).await?;
    let taken = taken_in(&mut snapshot, range).await?;
    snapshot.rollback().await?;
    for row in taken {
        let key = (row.source, row.key, row.written_at);
        let is = now.remove(&key).unwrap_or_default();
        let content = content_now(&row.content_sha256, (&row.operator_id, &row.player_id), &is);
        let kept = Kept { commitment: row.commitment, salt: row.salt, is_erased: row.is_erased };
        let commitment = commitment_now(&kept, &key.0, is.personal.as_deref());
        let (source, key, written_at) = key;
        let object = Object::default()
            .with("source", source)
            .with("key", key)
            .with("written_at", written_at)
            .with("operator_id", row.operator_id)
            .with("player_id", row.player_id)
            .with("content_sha256", content)
            .with("commitment", commitment);
        found.entry(row.seq).or_default().witnesses.push(object);
    }
    Ok(())
}

struct TakenIn {
    seq: i64,
    source: String,
    key: String,
    written_at: Timestamp,
    operator_id: Option<String>,
    player_id: Option<String>,
    content_sha256: Vec<u8>,
    salt: Option<Vec<u8>>,
    commitment: Option<Vec<u8>>,
    /// Its player was erased, by an erasure that hangs on a record.
    is_erased: bool,
}

async fn taken_in(snapshot: &mut PgConnection, range: Range) -> Result<Vec<TakenIn>, StoreError> {
    let Range { slot, first, last } = range;
    let rows = sqlx::query_as!(
        TakenIn,
        r#"select w.seq, w.source, w.key, w.written_at, w.operator_id, w.player_id, w.content_sha256,
             w.salt, w.commitment,
             w.salt is null and w.commitment is not null and exists (
               select 1 from erasure e
               where e.seq between 1 and (select s.seq from lane_slot s where s.slot = e.slot)
                 and (select true from record r where r.slot = e.slot and r.seq = e.seq
                   and r.operator_id = e.operator_id and r.player_id = e.player_id)
                 and e.operator_id = w.operator_id and e.player_id = w.player_id) as "is_erased!"
           from witness w where w.slot = $1 and w.seq between $2 and $3 order by w.seq"#,
        slot,
        first,
        last
    )
    .fetch_all(snapshot)
    .await?;
    Ok(rows)
}

/// A row that stands beside lanes, as it is now.
#[derive(Default)]
struct Now {
    operator_id: Option<String>,
    player_id: Option<String>,
    content_sha256: Option<Vec<u8>>,
    personal: Option<String>,
}

/// By what names them. They are put beside what was taken in here: a server that believes a table to be new compares
/// each row with each.
async fn rows_now(
    snapshot: &mut PgConnection,
    from: Timestamp,
    to: Timestamp,
) -> Result<HashMap<(String, String, Timestamp), Now>, StoreError> {
    let rows = sqlx::query!(
        r#"select source as "source!", key as "key!", written_at as "written_at!", operator_id, player_id,
             sha256(convert_to(content, 'UTF8')) as content, personal
           from outside_row where written_at between $1 and $2"#,
        from,
        to
    )
    .fetch_all(snapshot)
    .await?;
    let named = rows.into_iter().map(|row| {
        let now = Now {
            operator_id: row.operator_id,
            player_id: row.player_id,
            content_sha256: row.content,
            personal: row.personal,
        };
        ((row.source, row.key, row.written_at), now)
    });
    Ok(named.collect())
}

type Whose<'a> = (&'a Option<String>, &'a Option<String>);

/// The hash that was kept, and whether the row still has that content and is still theirs.
fn content_now(kept: &[u8], whose: Whose<'_>, now: &Now) -> String {
    let fits = match &now.content_sha256 {
        None => " is missing",
        Some(content) if content == kept && (&now.operator_id, &now.player_id) == whose => "",
        Some(_) => " does not fit",
    };
    format!("{}{fits}", hex::encode(kept))
}

struct Kept {
    commitment: Option<Vec<u8>>,
    salt: Option<Vec<u8>>,
    is_erased: bool,
}

/// The commitment that was kept, and whether it is still to what the row tells of a person.
fn commitment_now(kept: &Kept, source: &str, personal: Option<&str>) -> Option<String> {
    let Some(commitment) = &kept.commitment else {
        let never = kept.salt.is_none() && personal.is_none();
        return (!never).then(|| "none does not fit".to_owned());
    };
    let fits = match &kept.salt {
        None => kept.is_erased && personal == left_of(source),
        Some(salt) => commitment_of(salt, personal.unwrap_or_default()) == *commitment,
    };
    Some(format!("{}{}", hex::encode(commitment), if fits { "" } else { " does not fit" }))
}

/// What an erasure leaves of a row's personal part.
fn left_of(source: &str) -> Option<&'static str> {
    match source {
        "vendor_result" => Some("[]"),
        "review_proposal" => Some(r#"["(erased)", null, null]"#),
        "incident_close" => Some("(erased)"),
        _ => None,
    }
}

/// The lines' part of erasures.
pub(super) async fn erasure_lines(
    pool: &Pool,
    range: Range,
    found: &mut Found,
) -> Result<(), StoreError> {
    let Range { slot, first, last } = range;
    let rows = sqlx::query!(
        "select seq, erasure_id, operator_id, player_id, review_id, basis, retained_until, erased_at
         from erasure where slot = $1 and seq between $2 and $3 order by seq",
        slot,
        first,
        last
    )
    .fetch_all(pool)
    .await?;
    for row in rows {
        let object = Object::default()
            .with("erasure_id", row.erasure_id)
            .with("operator_id", row.operator_id)
            .with("player_id", row.player_id)
            .with("review_id", row.review_id)
            .with("basis", row.basis)
            .with("retained_until", row.retained_until)
            .with("erased_at", row.erased_at);
        found.entry(row.seq).or_default().erasures.push(object);
    }
    Ok(())
}
