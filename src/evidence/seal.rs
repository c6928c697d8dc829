//! Seals what lanes have committed: the next leaves, the next root, a signed checkpoint, its files.
//!
//! It only reads what is committed and never changes, so no lane waits for it. One checkpoint is one
//! row: of two instances that seal at once, one row is kept and the other's note is thrown away unseen.
//! The files come after the row. Whoever dies in between is caught up with by the next look of anybody.

use super::checkpoint::{Checkpoint, Heads, ranges};
use super::folder::{Folder, FolderError};
use super::note::Signer;
use super::tree::{Frontier, Hash, leaf_hash};
use crate::domain::Timestamp;
use crate::store::checkpoints::{self, Kept};
use crate::store::{Pool, StoreError, read_lines};
use std::path::PathBuf;
use std::time::Duration;
use thiserror::Error;

/// Leaves of one checkpoint: what is read and kept in memory at once.
const LEAVES_MAX: i64 = 4_096;
const LEASE: Duration = Duration::from_secs(60);
/// Checkpoints that are put into the folder at once.
const FILES_AT_ONCE: i64 = 64;

#[derive(Debug, Error)]
pub enum SealError {
    #[error("reading or keeping the log")]
    Store(#[from] StoreError),
    #[error("the folder of checkpoints")]
    Folder(#[from] FolderError),
    /// The database was set back, or it is another one under the same name.
    #[error(
        "the folder of checkpoints has size {folder}, the database only {database}: the database lost \
         records that were sealed; seal nothing until people have looked (docs/evidence.md)"
    )]
    FolderIsAhead { folder: u64, database: u64 },
    #[error("slot {slot} seq {seq} is below its slot's number, but is not there")]
    Missing { slot: i16, seq: i64 },
    #[error("the checkpoint number {0} in the database cannot be read")]
    Unreadable(i64),
}

/// How this instance seals.
#[derive(Debug)]
pub struct Sealing {
    pub signer: Signer,
    /// Where the checkpoints' files go.
    pub folder: PathBuf,
    /// The instance's stable name.
    pub holder: String,
    /// A checkpoint is made when so many records are not sealed,
    pub every_records: u64,
    /// or when the newest checkpoint is older than this and there is any.
    pub every: Duration,
}

/// How far the log is sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    pub size: u64,
    pub unsealed: u64,
    pub sealed_at: Option<Timestamp>,
    /// Whether this call made a checkpoint.
    pub sealed_now: bool,
}

/// Makes the next checkpoint if it is due. `now` decides, and stands in it.
pub async fn seal(pool: &Pool, sealing: &Sealing, now: Timestamp) -> Result<Progress, SealError> {
    let newest = checkpoints::newest(pool).await?;
    let committed = checkpoints::lane_heads(pool).await?;
    let (size, sealed_at) = match &newest {
        Some(kept) => (to_u64(kept.size), Some(kept.sealed_at)),
        None => (0, None),
    };
    let heads = newest.as_ref().map_or_else(Heads::new, |kept| kept.heads.clone());
    let unsealed = count(&heads, &committed);
    let is_old = sealed_at.is_none_or(|at| at + sealing.every <= now);
    let is_due = unsealed >= sealing.every_records || (unsealed > 0 && is_old);
    let idle = Progress { size, unsealed, sealed_at, sealed_now: false };
    if !is_due || !checkpoints::lease(pool, &sealing.holder, LEASE).await? {
        return Ok(idle);
    }
    let next = next_checkpoint(pool, sealing, newest, &bounded(&heads, &committed), now).await?;
    if !checkpoints::keep(pool, &next).await? {
        return Ok(idle);
    }
    let added = to_u64(next.size) - size;
    Ok(Progress {
        size: to_u64(next.size),
        unsealed: unsealed - added,
        sealed_at: Some(now),
        sealed_now: true,
    })
}

async fn next_checkpoint(
    pool: &Pool,
    sealing: &Sealing,
    newest: Option<Kept>,
    to: &Heads,
    now: Timestamp,
) -> Result<Kept, SealError> {
    let (mut frontier, from, number) = match newest {
        Some(kept) => {
            let frontier = Frontier::restore(to_u64(kept.size), &kept.frontier);
            let frontier = frontier.ok_or(SealError::Unreadable(kept.number))?;
            (frontier, kept.heads, kept.number + 1)
        }
        None => (Frontier::default(), Heads::new(), 1),
    };
    let after = frontier.size();
    let mut leaves: Vec<Hash> = Vec::new();
    for range in ranges(&from, to) {
        let lines = read_lines::lines(pool, range).await?;
        for (place, line) in range.places().zip(lines) {
            let missing = SealError::Missing { slot: place.slot, seq: place.seq };
            let leaf = leaf_hash(line.ok_or(missing)?.as_bytes());
            frontier.push(leaf);
            leaves.push(leaf);
        }
    }
    let mut heads = from;
    heads.extend(to);
    let origin = origin(sealing, &log_id(pool).await?);
    let root = frontier.root();
    let checkpoint =
        Checkpoint { origin, size: frontier.size(), root, after, at: now, heads: heads.clone() };
    Ok(Kept {
        number,
        size: i64::try_from(frontier.size()).unwrap_or(i64::MAX),
        note: sealing.signer.sign(&checkpoint.text()),
        leaves: leaves.concat(),
        frontier: frontier.bytes(),
        heads,
        sealed_at: now,
    })
}

/// Puts the checkpoints that the folder does not have yet into it. Returns the newest size there.
pub async fn put_files(
    pool: &Pool,
    sealing: &Sealing,
    known: Option<u64>,
) -> Result<u64, SealError> {
    let folder = Folder::open(&sealing.folder, &log_id(pool).await?)?;
    folder.put_key(sealing.signer.verifier())?;
    let mut size = match known {
        Some(size) => size,
        None => folder.sizes()?.last().copied().unwrap_or(0),
    };
    let mut number = match size {
        0 => 0,
        size => {
            match checkpoints::number_of(pool, i64::try_from(size).unwrap_or(i64::MAX)).await? {
                // A first look compares the newest file with the database's own.
                Some(number) => number - i64::from(known.is_none()),
                None => {
                    let database =
                        checkpoints::newest(pool).await?.map_or(0, |kept| to_u64(kept.size));
                    return Err(SealError::FolderIsAhead { folder: size, database });
                }
            }
        }
    };
    loop {
        let more = checkpoints::after(pool, number, FILES_AT_ONCE).await?;
        let Some(last) = more.last() else { return Ok(size) };
        (number, size) = (last.number, to_u64(last.size));
        for kept in &more {
            folder.put(to_u64(kept.size), &kept.note, &kept.leaves)?;
        }
    }
}

async fn log_id(pool: &Pool) -> Result<String, StoreError> {
    Ok(checkpoints::log_id(pool).await?.to_string())
}

fn origin(sealing: &Sealing, log: &str) -> String {
    format!("{}/{log}", sealing.signer.verifier().name())
}

fn to_u64(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

fn count(from: &Heads, to: &Heads) -> u64 {
    ranges(from, to).iter().map(|range| to_u64(range.last - range.first + 1)).sum()
}

/// Heads that add no more than one checkpoint may.
fn bounded(from: &Heads, committed: &Heads) -> Heads {
    let mut room = LEAVES_MAX;
    let mut to = from.clone();
    for range in ranges(from, committed) {
        let added = room.min(range.last - range.first + 1);
        if added > 0 {
            to.insert(range.slot, range.first + added - 1);
            room -= added;
        }
    }
    to
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_takes_on_no_more_than_its_bound() {
        let from = [(0, 10), (2, 5)].into();
        let committed = [(0, 12), (1, 5_000), (2, 5), (3, 1)].into();
        let to = bounded(&from, &committed);
        assert_eq!(to, [(0, 12), (1, 4_094), (2, 5)].into());
        assert_eq!(count(&from, &to), 4_096);
        assert_eq!(bounded(&to, &committed), committed);
    }
}
