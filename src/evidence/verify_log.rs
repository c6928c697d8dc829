//! Verifies the log against its checkpoints: from the database, or from a copied file with nothing else
//! in reach than a public key.

use super::audit::{Chain, Stretch, Walk};
use super::checkpoint::Checkpoint;
use super::examine::{Bad, Batch, examine};
use super::folder::{Folder, FolderError, hashes};
use super::line::place_of;
use super::log_file::{Entry, LogError, read_log};
use super::note::Keys;
use super::tree::{Frontier, Hash};
use crate::store::checkpoints;
use crate::store::{Pool, StoreError, read_lines};
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::path::Path;
use std::sync::mpsc::{Receiver, sync_channel};
use thiserror::Error;

const NOTES_AT_ONCE: i64 = 1_000;
/// Lines of a file that are read ahead.
const AHEAD: usize = 1_024;

/// What a verifier holds from outside: a folder of checkpoints, or single ones.
#[derive(Debug, Default)]
pub struct Outside {
    /// Signed notes, each with where it comes from.
    notes: Vec<(String, String)>,
    folder: Option<Folder>,
}

#[derive(Debug, Error)]
pub enum VerifyError {
    #[error("reading the database")]
    Store(#[from] StoreError),
    #[error("reading {path}")]
    File {
        path: String,
        #[source]
        source: io::Error,
    },
    #[error("reading the folder of checkpoints")]
    Folder(#[from] FolderError),
    #[error("reading the log")]
    Log(#[from] LogError),
}

impl Outside {
    /// A file with one signed note, or a folder of them.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(path: &Path) -> Result<Self, VerifyError> {
        if path.is_dir() {
            let folder = Folder::at(path);
            let mut notes = Vec::new();
            for size in folder.sizes()? {
                notes.push((format!("of size {size} in the folder"), folder.note(size)?));
            }
            return Ok(Self { notes, folder: Some(folder) });
        }
        let path_text = path.display().to_string();
        let bytes = std::fs::read(path)
            .map_err(|source| VerifyError::File { path: path_text.clone(), source })?;
        let note = String::from_utf8_lossy(&bytes).into_owned();
        Ok(Self { notes: vec![(format!("in {path_text}"), note)], folder: None })
    }

    fn chain(&self, keys: &Keys) -> Chain {
        let mut chain = Chain::new(keys.clone());
        for (source, note) in &self.notes {
            chain.add(note, source);
        }
        chain
    }

    fn leaves(&self, size: u64) -> Option<Vec<Hash>> {
        self.folder.as_ref()?.leaves(size)
    }
}

/// What came out.
#[derive(Debug)]
pub struct Verdict {
    /// The newest checkpoint up to which every record is proven.
    pub proven: Option<Checkpoint>,
    /// The first bad record.
    pub bad: Option<Bad>,
    /// What is wrong with the checkpoints, a sentence each.
    pub faults: Vec<String>,
    /// Records that no checkpoint covers yet.
    pub unsealed: u64,
}

impl Verdict {
    pub fn is_sound(&self) -> bool {
        self.bad.is_none() && self.faults.is_empty()
    }
}

/// Where the lines of a stretch come from.
struct Walker {
    frontier: Frontier,
    verdict: Verdict,
}

impl Walker {
    fn new(faults: Vec<String>) -> Self {
        let verdict = Verdict { proven: None, bad: None, faults, unsealed: 0 };
        Self { frontier: Frontier::default(), verdict }
    }

    /// One stretch; false: go no further.
    fn step(
        &mut self,
        stretch: &Stretch,
        lists: &[Option<Vec<Hash>>],
        lines: &[Option<Vec<u8>>],
    ) -> bool {
        let places = stretch.places();
        let checkpoint = &stretch.checkpoint;
        let mut last = None;
        // The list of any source may be the one that was not touched.
        for list in lists.iter().map(Option::as_deref).chain([None]) {
            let batch = Batch { checkpoint, places: &places, list, lines };
            let examined = examine(&self.frontier, &batch);
            let is_proven = examined.frontier.is_some();
            if last.is_none() || is_proven {
                last = Some(examined);
            }
            if is_proven {
                break;
            }
        }
        let Some(examined) = last else { return false };
        self.verdict.bad = examined.bad;
        let (Some(frontier), None) = (examined.frontier, &self.verdict.bad) else { return false };
        self.frontier = frontier;
        self.verdict.proven = Some(checkpoint.clone());
        true
    }
}

/// Verifies what the database holds.
pub async fn verify_database(
    pool: &Pool,
    keys: &Keys,
    outside: &Outside,
) -> Result<Verdict, VerifyError> {
    let mut chain = outside.chain(keys);
    let mut number = 0;
    loop {
        let notes = checkpoints::notes(pool, number, NOTES_AT_ONCE).await?;
        let Some((last, _)) = notes.last() else { break };
        number = *last;
        for (number, note) in &notes {
            chain.add(note, &format!("number {number} in the database"));
        }
    }
    let Walk { stretches, faults } = chain.walk();
    let mut walker = Walker::new(faults);
    for stretch in &stretches {
        let mut lines = Vec::new();
        for range in &stretch.ranges {
            let found = read_lines::lines(pool, *range).await?;
            lines.extend(found.into_iter().map(|line| line.map(String::into_bytes)));
        }
        let stored = stored_leaves(pool, &stretch.sizes).await?;
        let kept = together(&stretch.sizes, |size| outside.leaves(size));
        if !walker.step(stretch, &[stored, kept], &lines) {
            break;
        }
    }
    let committed: i64 = checkpoints::lane_heads(pool).await?.values().sum();
    let sealed = stretches.last().map_or(0, |stretch| stretch.checkpoint.size);
    walker.verdict.unsealed = u64::try_from(committed).unwrap_or(0).saturating_sub(sealed);
    Ok(walker.verdict)
}

async fn stored_leaves(pool: &Pool, sizes: &[u64]) -> Result<Option<Vec<Hash>>, StoreError> {
    let mut leaves = BTreeMap::new();
    for size in sizes {
        let stored = checkpoints::leaves_of(pool, i64::try_from(*size).unwrap_or(i64::MAX)).await?;
        leaves.extend(stored.and_then(|bytes| hashes(&bytes)).map(|hashes| (*size, hashes)));
    }
    Ok(together(sizes, |size| leaves.remove(&size)))
}

/// The lists of all steps one after the other, where all are there.
fn together(sizes: &[u64], mut of: impl FnMut(u64) -> Option<Vec<Hash>>) -> Option<Vec<Hash>> {
    let lists: Option<Vec<Vec<Hash>>> = sizes.iter().map(|size| of(*size)).collect();
    lists.map(|lists| lists.concat())
}

/// Verifies a log that was copied to a file. It touches nothing else.
///
/// # Errors
/// When the file cannot be read.
pub fn verify_file(path: &Path, keys: &Keys, outside: &Outside) -> Result<Verdict, VerifyError> {
    let (chain, mut lists) = checkpoints_of(path, keys, outside)?;
    let Walk { stretches, faults } = chain.walk();
    let mut walker = Walker::new(faults);
    std::thread::scope(|scope| {
        let (send, records) = sync_channel(AHEAD);
        let reading = scope.spawn(move || {
            read_log(path, |_, entry| match entry {
                Entry::Record(line) => send.send(line).map_err(io::Error::other),
                Entry::Checkpoint { .. } | Entry::Broken => Ok(()),
            })
        });
        let went = walk_file(&mut walker, &stretches, &records, &mut lists, outside);
        drop(records);
        // A reader that was told to stop has nothing to complain about.
        let read = reading.join().unwrap_or(Ok(()));
        if went { read.map_err(LogError::from).map_err(VerifyError::from) } else { Ok(()) }
    })?;
    Ok(walker.verdict)
}

/// True: to the end of the file.
fn walk_file(
    walker: &mut Walker,
    stretches: &[Stretch],
    records: &Receiver<Vec<u8>>,
    lists: &mut BTreeMap<u64, Vec<Hash>>,
    outside: &Outside,
) -> bool {
    let mut ahead: VecDeque<Vec<u8>> = VecDeque::new();
    for stretch in stretches {
        let places = stretch.places().len();
        // One more than the stretch has: it tells a line that was put in from one that was changed.
        while ahead.len() <= places {
            let Ok(line) = records.recv() else { break };
            ahead.push_back(line);
        }
        let lines: Vec<Option<Vec<u8>>> = ahead.iter().cloned().map(Some).collect();
        let own = together(&stretch.sizes, |size| lists.remove(&size));
        let kept = together(&stretch.sizes, |size| outside.leaves(size));
        if !walker.step(stretch, &[own, kept], &lines) {
            return false;
        }
        ahead.drain(..places.min(ahead.len()));
    }
    // Behind the last checkpoint there may be newer records, and nothing else.
    for line in ahead.into_iter().chain(records.iter()) {
        if std::str::from_utf8(&line).ok().and_then(place_of).is_some() {
            walker.verdict.unsealed += 1;
        } else {
            let fault = "what stands behind the last checkpoint is no record";
            walker.verdict.faults.push(fault.to_owned());
        }
    }
    true
}

/// The file's checkpoints and the lists of leaf hashes with them, by size.
fn checkpoints_of(
    path: &Path,
    keys: &Keys,
    outside: &Outside,
) -> Result<(Chain, BTreeMap<u64, Vec<Hash>>), VerifyError> {
    let mut chain = outside.chain(keys);
    let mut lists = BTreeMap::new();
    let read = read_log(path, |line, entry| {
        let source = format!("on line {line} of the log");
        match entry {
            Entry::Record(_) => (),
            Entry::Broken => chain.add_unreadable(&source),
            Entry::Checkpoint { note, leaves } => {
                chain.add(&note, &source);
                // The records may be proven by their root without it, and the copy is damaged all the same.
                if leaves.is_none() {
                    chain.add_unreadable(&format!("with its list of leaf hashes {source}"));
                }
                let size = note.lines().nth(1).and_then(|size| size.parse::<u64>().ok());
                lists.extend(size.zip(leaves));
            }
        }
        Ok(())
    });
    let path = path.display().to_string();
    read.map_err(|source| VerifyError::File { path, source })?;
    Ok((chain, lists))
}
