//! Looks at the records between two checkpoints, and names the first that is not as it was sealed.
//!
//! The root proves all of them or none. Which one is bad is told by the list of leaf hashes that was
//! sealed with them: a list that leads to the signed root is itself proven, and the first record that
//! differs from it is the first bad one. Where the list was forged too, only the number that a line
//! bears can still name the place, and else the whole range is told, honestly.

use super::checkpoint::{Checkpoint, Place};
use super::line::{place_of, renumbered};
use super::tree::{Frontier, Hash, leaf_hash};
use std::fmt;

/// What is wrong with a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Its content is not what was sealed.
    Edited,
    /// It is not there.
    Missing,
    /// Another record that was sealed stands in its place.
    OutOfOrder(Place),
    /// Something that was never sealed stands before it.
    Inserted,
    /// It is the first of a range in which something is wrong; what, can no longer be told.
    InRange(Place),
    /// The record is proven; the list of leaf hashes differs from it.
    ListEdited,
}

/// The first bad record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bad {
    pub leaf: u64,
    pub place: Place,
    pub fault: Fault,
}

impl fmt::Display for Bad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { leaf, place, fault } = self;
        match fault {
            Fault::Edited => write!(f, "{place} (leaf {leaf}) was edited after it was sealed"),
            Fault::Missing => {
                write!(f, "{place} (leaf {leaf}) is missing: it was deleted after it was sealed")
            }
            Fault::OutOfOrder(other) => {
                write!(
                    f,
                    "{place} (leaf {leaf}) is out of order: the record of {other} stands there"
                )
            }
            Fault::Inserted => {
                write!(
                    f,
                    "{place} (leaf {leaf}): something that was never sealed was put in before it"
                )
            }
            Fault::InRange(last) => write!(
                f,
                "a record from {place} (leaf {leaf}) to {last} is not as it was sealed; the list of \
                 leaf hashes was changed too, so that it cannot be told which"
            ),
            Fault::ListEdited => write!(
                f,
                "the list of leaf hashes was changed at {place} (leaf {leaf}); the record itself is proven"
            ),
        }
    }
}

/// The records from one checkpoint to the next.
#[derive(Debug)]
pub struct Batch<'a> {
    pub checkpoint: &'a Checkpoint,
    /// Which records these are, in the order of the leaves.
    pub places: &'a [Place],
    /// The leaf hashes as they were sealed, where they are in reach.
    pub list: Option<&'a [Hash]>,
    /// What is there now; none where nothing is.
    pub lines: &'a [Option<Vec<u8>>],
}

impl Batch<'_> {
    fn line(&self, index: usize) -> Option<&[u8]> {
        self.lines.get(index)?.as_deref()
    }

    fn hash(&self, index: usize) -> Option<Hash> {
        self.line(index).map(leaf_hash)
    }

    fn bad(&self, before: &Frontier, index: usize, fault: Fault) -> Option<Bad> {
        let leaf = before.size() + index as u64;
        Some(Bad { leaf, place: *self.places.get(index)?, fault })
    }
}

/// The tree after the batch, and what is wrong with it.
#[derive(Debug)]
pub struct Examined {
    /// The tree as it was sealed; none where no leaf hashes lead to the signed root.
    pub frontier: Option<Frontier>,
    pub bad: Option<Bad>,
}

/// Compares a batch with its checkpoint.
pub fn examine(before: &Frontier, batch: &Batch<'_>) -> Examined {
    let count = batch.places.len();
    // A line more than there are records is only looked at to see what was put in before it.
    let all = count.max(batch.lines.len());
    let hashes: Vec<Option<Hash>> = (0..all).map(|n| batch.hash(n)).collect();
    let leads = |leaves: &[Hash]| {
        let frontier = before.clone().with(leaves);
        let fits =
            frontier.size() == batch.checkpoint.size && frontier.root() == batch.checkpoint.root;
        fits.then_some(frontier)
    };
    let differs = |list: &[Hash]| {
        (0..count).find(|n| hashes.get(*n).copied().flatten().as_ref() != list.get(*n))
    };
    let whole: Option<Vec<Hash>> = hashes.iter().take(count).copied().collect();
    if let Some(frontier) = whole.and_then(|leaves| leads(&leaves)) {
        let listed = batch.list.and_then(differs);
        let bad = listed.and_then(|index| batch.bad(before, index, Fault::ListEdited));
        return Examined { frontier: Some(frontier), bad };
    }
    let proven = batch.list.and_then(|list| Some((list, leads(list)?)));
    if let Some((list, frontier)) = proven {
        let index = differs(list).unwrap_or(0);
        let fault = cause(batch, list, &hashes, index);
        return Examined { frontier: Some(frontier), bad: batch.bad(before, index, fault) };
    }
    Examined { frontier: None, bad: by_number(before, batch) }
}

/// What happened at the first record that differs from a proven list.
fn cause(batch: &Batch<'_>, list: &[Hash], hashes: &[Option<Hash>], index: usize) -> Fault {
    let (Some(line), Some(sealed)) = (batch.line(index), list.get(index)) else {
        return Fault::Missing;
    };
    let follows = |offset: usize| hashes.get(index + offset).copied().flatten() == Some(*sealed);
    let own = leaf_hash(line);
    let place_in = |hash: &Hash| {
        let at = list.iter().position(|listed| listed == hash)?;
        batch.places.get(at).copied()
    };
    if let Some(other) = place_in(&own) {
        // A sealed record, but another one: either its own place changed, or this one's went away.
        let still_there = hashes.contains(&Some(*sealed));
        return if still_there { Fault::OutOfOrder(other) } else { Fault::Missing };
    }
    if follows(1) {
        return Fault::Inserted;
    }
    let is_of = |place: &Place| {
        let told = std::str::from_utf8(line).ok().and_then(|line| renumbered(line, *place));
        told.is_some_and(|told| place_in(&leaf_hash(told.as_bytes())) == Some(*place))
    };
    let own_place = batch.places.get(index);
    if let Some(other) = batch.places.iter().find(|it| Some(*it) != own_place && is_of(it)) {
        return Fault::OutOfOrder(*other);
    }
    let told = std::str::from_utf8(line).ok().and_then(place_of);
    let is_foreign = told.is_some() && told.as_ref() != own_place;
    if is_foreign && !own_place.is_some_and(is_of) { Fault::Missing } else { Fault::Edited }
}

/// Without a proven list: the first line that is not where its number says, else the whole range.
fn by_number(before: &Frontier, batch: &Batch<'_>) -> Option<Bad> {
    for (index, place) in batch.places.iter().enumerate() {
        let Some(line) = batch.line(index) else {
            return batch.bad(before, index, Fault::Missing);
        };
        match std::str::from_utf8(line).ok().and_then(place_of) {
            Some(other) if other == *place => (),
            Some(other) if batch.places.contains(&other) => {
                return batch.bad(before, index, Fault::OutOfOrder(other));
            }
            _ => return batch.bad(before, index, Fault::Edited),
        }
    }
    let last = *batch.places.last()?;
    batch.bad(before, 0, Fault::InRange(last))
}

#[cfg(test)]
#[path = "examine_tests.rs"]
mod tests;
