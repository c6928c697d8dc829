//! A checkpoint: the head of the tree at one size, as C2SP tlog-checkpoint writes it.
//!
//! ```text
//! interlock.casino.example/0f3c…       whose log it is
//! 1312                                 how many leaves
//! CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2…    the root over them
//! after 1200                           the checkpoint before it
//! at 2026-11-21T06:40:00.000000Z       when it was made
//! slot 0 700                           each slot's newest number that is in the tree
//! slot 1 612
//! ```
//!
//! The last lines are extension lines. They are signed with the rest, and they fix the order of the
//! leaves: between two checkpoints each slot's numbers stand in their order, slot after slot. So
//! whoever holds the checkpoints knows which record every leaf must be, without asking the database.

use super::canonical::time_text;
use super::tree::Hash;
use crate::domain::Timestamp;
use base64::{Engine, prelude::BASE64_STANDARD};
use std::collections::BTreeMap;
use std::fmt;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A record's number: which lane's slot wrote it, and as which of the slot's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub slot: i16,
    pub seq: i64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "slot {} seq {}", self.slot, self.seq)
    }
}

/// The newest number of each slot; a slot without any is not listed.
pub type Heads = BTreeMap<i16, i64>;

/// Records of one slot, `first..=last`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    pub slot: i16,
    pub first: i64,
    pub last: i64,
}

impl Range {
    pub fn places(self) -> impl Iterator<Item = Place> {
        (self.first..=self.last).map(move |seq| Place { slot: self.slot, seq })
    }
}

/// What lies between two heads, in the order of the leaves.
pub fn ranges(before: &Heads, after: &Heads) -> Vec<Range> {
    let added = after.iter().filter_map(|(slot, last)| {
        let first = before.get(slot).map_or(1, |head| head + 1);
        (first <= *last).then_some(Range { slot: *slot, first, last: *last })
    });
    added.collect()
}

/// How many records these heads stand for.
pub fn size_of(heads: &Heads) -> u64 {
    heads.values().map(|head| u64::try_from(*head).unwrap_or(0)).sum()
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    pub origin: String,
    pub size: u64,
    pub root: Hash,
    /// The size of the checkpoint before it.
    pub after: u64,
    pub at: Timestamp,
    pub heads: Heads,
}

impl Checkpoint {
    /// The text that is signed.
    pub fn text(&self) -> String {
        let root = BASE64_STANDARD.encode(self.root);
        let mut text = format!(
            "{}\n{}\n{root}\nafter {}\nat {}\n",
            self.origin,
            self.size,
            self.after,
            time_text(self.at)
        );
        for (slot, head) in &self.heads {
            text.push_str(&format!("slot {slot} {head}\n"));
        }
        text
    }

    /// Reads what [`Checkpoint::text`] writes, and nothing else: a text that means the same in other
    /// letters is none.
    pub fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let origin = lines.next()?.to_owned();
        let size = lines.next()?.parse().ok()?;
        let root = BASE64_STANDARD.decode(lines.next()?).ok()?.try_into().ok()?;
        let after = lines.next()?.strip_prefix("after ")?.parse().ok()?;
        let at = OffsetDateTime::parse(lines.next()?.strip_prefix("at ")?, &Rfc3339).ok()?;
        let mut heads = Heads::new();
        for line in lines {
            let (slot, head) = line.strip_prefix("slot ")?.split_once(' ')?;
            heads.insert(slot.parse().ok()?, head.parse().ok().filter(|head| *head > 0)?);
        }
        let read = Self { origin, size, root, after, at, heads };
        let whole = read.text() == text && size_of(&read.heads) == size && after < size;
        whole.then_some(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    fn checkpoint() -> Checkpoint {
        Checkpoint {
            origin: "log.example/one".to_owned(),
            size: 7,
            root: [7; 32],
            after: 3,
            at: datetime!(2026-11-21 06:40 UTC),
            heads: [(0, 5), (3, 2)].into(),
        }
    }

    #[test]
    fn a_checkpoint_reads_as_it_was_written() {
        let text = checkpoint().text();
        assert_eq!(Checkpoint::parse(&text), Some(checkpoint()));
        let told = "log.example/one\n7\nBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\nafter 3\n\
                    at 2026-11-21T06:40:00.000000Z\nslot 0 5\nslot 3 2\n";
        assert_eq!(text, told);
    }

    #[test]
    fn heads_that_are_not_the_size_are_no_checkpoint() {
        let text = checkpoint().text();
        assert_eq!(Checkpoint::parse(&text.replace("slot 3 2", "slot 3 3")), None);
        assert_eq!(Checkpoint::parse(&text.replace("after 3", "after 7")), None);
        assert_eq!(Checkpoint::parse(&text.replace("\n7\n", "\n07\n")), None);
    }

    #[test]
    fn between_two_heads_lie_each_slots_new_numbers_slot_after_slot() {
        let after = [(0, 4), (2, 2), (5, 9)].into();
        let told = ranges(&[(0, 2), (5, 9)].into(), &after);
        let places: Vec<Place> = told.into_iter().flat_map(Range::places).collect();
        let expected = [(0, 3), (0, 4), (2, 1), (2, 2)].map(|(slot, seq)| Place { slot, seq });
        assert_eq!(places, expected);
    }
}
