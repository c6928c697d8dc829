//! Seals what lanes have committed: the next leaves, the next root, a signed checkpoint, its files.
//!
//! It only reads what is committed and never changes, so no lane waits for it. One checkpoint is one
//! row: of two instances that seal at once, one row is kept and the other's note is thrown away unseen.
//! The files come after the row. Whoever dies in between is caught up with by the next look of anybody.
//!
//! The database's rows are not believed: what is gone on from, and what goes into the folder, is opened with
//! the key first. Whoever can write rows and has no key can stop the sealing, and is told to people.

use super::checkpoint::{Checkpoint, Heads, ranges};
use super::folder::{Folder, FolderError};
use super::note::{Keys, Signer};
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
    /// Somebody else wrote it, or changed it.
    #[error(
        "the checkpoint number {number} in the database is not what this log's key has signed: {why}; \
         nothing is sealed until people have looked (docs/evidence.md)"
    )]
    NotAsSigned { number: i64, why: String },
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

/// A checkpoint of the database whose note was opened, and whose row says what the note says.
struct Opened {
    number: i64,
    checkpoint: Checkpoint,
    frontier: Frontier,
}

/// Opens rows with this instance's key, or with one of those that signed before it and left their verifier
/// keys in the folder.
struct Opener<'a> {
    sealing: &'a Sealing,
    log: &'a str,
}

impl Opener<'_> {
    fn open(&self, kept: &Kept) -> Result<Opened, SealError> {
        let number = kept.number;
        let wrong = |why: &str| SealError::NotAsSigned { number, why: why.to_owned() };
        let own = self.sealing.signer.verifier();
        let text = match own.open(&kept.note) {
            Ok(text) => text,
            Err(_) => self.keys()?.open(&kept.note).map_err(|error| wrong(&error.to_string()))?,
        };
        let checkpoint =
            Checkpoint::parse(text).ok_or_else(|| wrong("its note is no checkpoint"))?;
        let is_of_log = checkpoint.origin.rsplit_once('/').is_some_and(|(_, log)| log == self.log);
        if !is_of_log {
            return Err(wrong("its note is of another log"));
        }
        if checkpoint.size != to_u64(kept.size) || checkpoint.heads != kept.heads {
            return Err(wrong("its size or heads are not those of its note"));
        }
        let frontier = Frontier::restore(checkpoint.size, &kept.frontier);
        let frontier = frontier.filter(|frontier| frontier.root() == checkpoint.root);
        let frontier = frontier.ok_or_else(|| wrong("its frontier does not lead to its root"))?;
        Ok(Opened { number, checkpoint, frontier })
    }

    fn keys(&self) -> Result<Keys, FolderError> {
        let own = self.sealing.signer.verifier().clone();
        let folder = Folder::open(&self.sealing.folder, self.log)?;
        let keys = [vec![own.clone()], folder.keys()?].concat();
        Ok(Keys::new(keys).unwrap_or_else(|| own.into()))
    }
}

async fn newest(pool: &Pool, sealing: &Sealing) -> Result<Option<Opened>, SealError> {
    let Some(kept) = checkpoints::newest(pool).await? else { return Ok(None) };
    Opener { sealing, log: &log_id(pool).await? }.open(&kept).map(Some)
}

/// The newest checkpoint; none: nothing is sealed yet.
///
/// # Errors
/// When it cannot be read, or is not what the key has signed.
pub async fn newest_checkpoint(
    pool: &Pool,
    sealing: &Sealing,
) -> Result<Option<Checkpoint>, SealError> {
    Ok(newest(pool, sealing).await?.map(|opened| opened.checkpoint))
}

/// Makes the next checkpoint if it is due. `now` decides, and stands in it.
pub async fn seal(pool: &Pool, sealing: &Sealing, now: Timestamp) -> Result<Progress, SealError> {
    let newest = newest(pool, sealing).await?;
    let committed = checkpoints::lane_heads(pool).await?;
    let (size, sealed_at) = match &newest {
        Some(newest) => (newest.checkpoint.size, Some(newest.checkpoint.at)),
        None => (0, None),
    };
    let heads = newest.as_ref().map_or_else(Heads::new, |it| it.checkpoint.heads.clone());
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
    newest: Option<Opened>,
    to: &Heads,
    now: Timestamp,
) -> Result<Kept, SealError> {
    let (mut frontier, from, number) = match newest {
        Some(Opened { number, checkpoint, frontier }) => (frontier, checkpoint.heads, number + 1),
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
    let log = log_id(pool).await?;
    let folder = Folder::open(&sealing.folder, &log)?;
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
            // A file is never taken back: nothing that somebody else wrote becomes one.
            Opener { sealing, log: &log }.open(kept)?;
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
