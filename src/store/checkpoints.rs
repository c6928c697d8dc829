//! The checkpoints of the log, and how far lanes have come since.

use super::{Pool, StoreError};
use crate::domain::Timestamp;
use crate::evidence::checkpoint::{Heads, Place};
use std::time::Duration;

/// A checkpoint as it was signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// From 1 on, without a gap.
    pub number: i64,
    pub size: i64,
    pub note: String,
    /// The hashes of the leaves that it added, one after the other.
    pub leaves: Vec<u8>,
    pub frontier: Vec<u8>,
    pub heads: Heads,
    pub sealed_at: Timestamp,
}

/// Which log this database holds.
pub async fn log_id(pool: &Pool) -> Result<uuid::Uuid, StoreError> {
    Ok(sqlx::query_scalar!("select log_id from evidence_log").fetch_one(pool).await?)
}

/// The newest number of each slot that has one. What is below it is committed, and never changes.
pub async fn lane_heads(pool: &Pool) -> Result<Heads, StoreError> {
    let rows =
        sqlx::query!("select slot, seq from lane_slot where seq > 0").fetch_all(pool).await?;
    Ok(rows.into_iter().map(|row| (row.slot, row.seq)).collect())
}

/// Takes or keeps the lease of whoever seals.
pub async fn lease(pool: &Pool, holder: &str, lease: Duration) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "update evidence_lease set holder = $1, lease_until = now() + ($2 || ' seconds')::interval
         where holder = $1 or holder is null or lease_until < now()",
        holder,
        lease.as_secs().to_string()
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Keeps a checkpoint. False: another one of its number, or of its size, was there first.
pub async fn keep(pool: &Pool, kept: &Kept) -> Result<bool, StoreError> {
    let heads = heads_row(&kept.heads);
    let done = sqlx::query!(
        "insert into evidence_checkpoint (number, size, note, leaves, frontier, heads, sealed_at)
         values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing",
        kept.number,
        kept.size,
        kept.note,
        kept.leaves,
        kept.frontier,
        &heads,
        kept.sealed_at
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The newest checkpoint.
pub async fn newest(pool: &Pool) -> Result<Option<Kept>, StoreError> {
    let row = sqlx::query_as!(
        Row,
        "select number, size, note, leaves, frontier, heads, sealed_at
         from evidence_checkpoint order by number desc limit 1"
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(Kept::from))
}

/// Checkpoints after a number, at most `most`, in their order.
pub async fn after(pool: &Pool, number: i64, most: i64) -> Result<Vec<Kept>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        "select number, size, note, leaves, frontier, heads, sealed_at
         from evidence_checkpoint where number > $1 order by number limit $2",
        number,
        most
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(Kept::from).collect())
}

/// The number of the checkpoint of a size.
pub async fn number_of(pool: &Pool, size: i64) -> Result<Option<i64>, StoreError> {
    let number =
        sqlx::query_scalar!("select number from evidence_checkpoint where size = $1", size);
    Ok(number.fetch_optional(pool).await?)
}

/// The first checkpoint that covers a record; none: it is not sealed yet.
pub async fn covering(pool: &Pool, place: Place) -> Result<Option<Kept>, StoreError> {
    let row = sqlx::query_as!(
        Row,
        "select number, size, note, leaves, frontier, heads, sealed_at from evidence_checkpoint
         where heads[$1::int + 1] >= $2 order by number limit 1",
        i32::from(place.slot),
        place.seq
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(Kept::from))
}

/// The notes alone, after a number: as many as one wants at once.
pub async fn notes(pool: &Pool, number: i64, most: i64) -> Result<Vec<(i64, String)>, StoreError> {
    let rows = sqlx::query!(
        "select number, note from evidence_checkpoint where number > $1 order by number limit $2",
        number,
        most
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|row| (row.number, row.note)).collect())
}

/// The leaf hashes that the checkpoint of a size added, as the database has them.
pub async fn leaves_of(pool: &Pool, size: i64) -> Result<Option<Vec<u8>>, StoreError> {
    let leaves =
        sqlx::query_scalar!("select leaves from evidence_checkpoint where size = $1", size);
    Ok(leaves.fetch_optional(pool).await?)
}

struct Row {
    number: i64,
    size: i64,
    note: String,
    leaves: Vec<u8>,
    frontier: Vec<u8>,
    heads: Vec<i64>,
    sealed_at: Timestamp,
}

impl From<Row> for Kept {
    fn from(row: Row) -> Self {
        let Row { number, size, note, leaves, frontier, heads, sealed_at } = row;
        let heads = (0..).zip(heads).filter(|(_, head)| *head > 0).collect();
        Self { number, size, note, leaves, frontier, heads, sealed_at }
    }
}

/// As an array that begins with slot 0.
fn heads_row(heads: &Heads) -> Vec<i64> {
    let last = heads.keys().next_back().copied().unwrap_or(0);
    (0..=last).map(|slot| heads.get(&slot).copied().unwrap_or(0)).collect()
}
