//! The chain of checkpoints that a verifier has gathered, from wherever: the database, a copied log, the
//! folder, a file that somebody kept.
//!
//! A checkpoint counts when its signature does. One whose signature is broken only helps to guess the
//! order of the leaves, and whatever it covers is proven by the next sound one. The walk over the chain
//! ends where nothing sound goes on; a newer sound checkpoint beyond that end proves that something was
//! cut off, and one that the walk went past proves that the key has signed another history too.

use super::canonical::time_text;
use super::checkpoint::{Checkpoint, Heads, Place, Range, ranges};
use super::note::{Keys, split};
use std::collections::{BTreeMap, BTreeSet};

/// Checkpoints by the size of the one before them.
#[derive(Debug)]
pub struct Chain {
    keys: Keys,
    sound: BTreeMap<u64, Checkpoint>,
    hints: BTreeMap<u64, Checkpoint>,
    faults: Vec<String>,
}

/// What lies between two sound checkpoints: mostly one step, more where a checkpoint is damaged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stretch {
    /// The sound one at its end.
    pub checkpoint: Checkpoint,
    /// The size after each step.
    pub sizes: Vec<u64>,
    /// What each step added.
    pub ranges: Vec<Range>,
}

impl Stretch {
    /// Its records, in the order of the leaves.
    pub fn places(&self) -> Vec<Place> {
        self.ranges.iter().copied().flat_map(Range::places).collect()
    }
}

/// The way from the first record to where the chain ends.
#[derive(Debug, Default)]
pub struct Walk {
    pub stretches: Vec<Stretch>,
    /// What is wrong with the checkpoints themselves, a sentence each.
    pub faults: Vec<String>,
}

impl Chain {
    pub const fn new(keys: Keys) -> Self {
        Self { keys, sound: BTreeMap::new(), hints: BTreeMap::new(), faults: Vec::new() }
    }

    /// Adds a note; `source` completes "the checkpoint … is damaged".
    pub fn add(&mut self, note: &str, source: &str) {
        match self.keys.open(note) {
            Ok(text) => match Checkpoint::parse(text) {
                Some(checkpoint) => self.add_sound(checkpoint, source),
                None => self.faults.push(format!("the signed note {source} is no checkpoint")),
            },
            Err(error) => {
                self.faults.push(format!("the checkpoint {source} is damaged: {error}"));
                let hint = split(note).and_then(|(text, _)| Checkpoint::parse(text));
                if let Some(hint) = hint {
                    self.hints.insert(hint.after, hint);
                }
            }
        }
    }

    fn add_sound(&mut self, checkpoint: Checkpoint, source: &str) {
        let first = self.sound.values().next();
        if let Some(other) = first.filter(|known| known.origin != checkpoint.origin) {
            let (origin, other) = (&checkpoint.origin, &other.origin);
            self.faults.push(format!(
                "the checkpoint {source} belongs to another log: {origin}, not {other}"
            ));
            return;
        }
        match self.sound.get(&checkpoint.after) {
            Some(known) if *known != checkpoint => self.faults.push(format!(
                "two signed checkpoints contradict each other after size {}: of size {} and, {source}, \
                 of size {}; the key has signed two histories",
                checkpoint.after, known.size, checkpoint.size
            )),
            _ => drop(self.sound.insert(checkpoint.after, checkpoint)),
        }
    }

    /// A place where a checkpoint should be holds none that can be read.
    pub fn add_unreadable(&mut self, source: &str) {
        self.faults.push(format!("the checkpoint {source} is damaged: it cannot be read"));
    }

    /// The newest sound one.
    pub fn newest(&self) -> Option<&Checkpoint> {
        self.sound.values().max_by_key(|checkpoint| checkpoint.size)
    }

    /// The way through the chain.
    pub fn walk(mut self) -> Walk {
        let mut walk = Walk::default();
        let (mut size, mut heads) = (0, Heads::new());
        let (mut sizes, mut added) = (Vec::new(), Vec::new());
        // Hints that lead to no sound checkpoint prove nothing: the walk ends before them.
        let mut sound_end = (0, Heads::new());
        let (mut taken, mut hinted) = (BTreeSet::new(), Vec::new());
        loop {
            let sound = self.sound.get(&size);
            let Some(step) = sound.or_else(|| self.hints.get(&size)) else { break };
            if !goes_on(&heads, step) {
                let (size, to) = (step.after, step.size);
                self.faults.push(format!("the checkpoint of size {to} does not go on from {size}"));
                break;
            }
            added.extend(ranges(&heads, &step.heads));
            sizes.push(step.size);
            (size, heads) = (step.size, step.heads.clone());
            if sound.is_some() {
                let (sizes, ranges) = (std::mem::take(&mut sizes), std::mem::take(&mut added));
                let checkpoint = step.clone();
                walk.stretches.push(Stretch { checkpoint, sizes, ranges });
                sound_end = (size, heads.clone());
                taken.insert(step.after);
            } else {
                hinted.push((step.after, step.size));
            }
        }
        let (size, heads) = sound_end;
        let passed = self.sound.values().filter(|it| it.size <= size && !taken.contains(&it.after));
        self.faults.extend(passed.map(|it| beside(it, &hinted)));
        if let Some(newest) = self.newest().filter(|newest| newest.size > size) {
            self.faults.insert(0, cut_off(size, &heads, newest));
        } else if !added.is_empty() {
            let first = added.iter().map(|it| place_text(it.slot, it.first));
            self.faults.insert(
                0,
                format!(
                    "nothing sound covers the records after size {size}, which begin with {}",
                    first.collect::<Vec<_>>().join(", ")
                ),
            );
        }
        walk.faults = self.faults;
        walk
    }
}

/// Whether a step only adds to what was there.
fn goes_on(heads: &Heads, step: &Checkpoint) -> bool {
    heads.iter().all(|(slot, head)| step.heads.get(slot).is_some_and(|later| head <= later))
}

/// One that lies within the chain, and that no step of it is. `hinted`: from where to where only damaged
/// ones lead.
fn beside(checkpoint: &Checkpoint, hinted: &[(u64, u64)]) -> String {
    let Checkpoint { after, size, .. } = checkpoint;
    let damaged = hinted.iter().any(|(from, to)| after < to && from < size);
    let why = match damaged {
        true => "cannot be placed, for one beside it is damaged",
        false => "is not on this chain: the key has signed two histories",
    };
    format!("the signed checkpoint of size {size} after {after} {why}")
}

fn place_text(slot: i16, seq: i64) -> String {
    Place { slot, seq }.to_string()
}

fn cut_off(size: u64, heads: &Heads, newest: &Checkpoint) -> String {
    let missing = ranges(heads, &newest.heads);
    let first: Vec<String> = missing.iter().map(|it| place_text(it.slot, it.first)).collect();
    format!(
        "truncated: nothing goes on from leaf {size}, but a signed checkpoint of {} counts {} leaves; \
         the first of each slot that cannot be proven: {}",
        time_text(newest.at),
        newest.size,
        first.join(", ")
    )
}

#[cfg(test)]
#[path = "audit_tests.rs"]
mod tests;
