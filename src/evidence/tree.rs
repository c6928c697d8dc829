//! The Merkle tree of RFC 6962 §2.1: a leaf is SHA-256(0x00 ‖ bytes), a node SHA-256(0x01 ‖ left ‖ right).
//!
//! Two views of one tree. A [`Frontier`] is all that is needed to go on: the roots of the full subtrees,
//! largest first, as many as the size has ones in binary. A [`Span`] is a frontier and the leaves after
//! it: enough for the root, and for the proof of any leaf of the span. So a proof of a record needs the
//! leaves of its own checkpoint and nothing older.

use sha2::{Digest, Sha256};

/// The hash of a leaf, a node or a tree.
pub type Hash = [u8; 32];

/// Of the tree without leaves.
pub fn empty_root() -> Hash {
    Sha256::digest([]).into()
}

pub fn leaf_hash(bytes: &[u8]) -> Hash {
    Sha256::new().chain_update([0]).chain_update(bytes).finalize().into()
}

pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// The full subtrees of a tree, largest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    peaks: Vec<Hash>,
}

impl Frontier {
    /// One that was kept. None: these are no peaks of a tree of that size.
    pub fn restore(size: u64, bytes: &[u8]) -> Option<Self> {
        let peaks: Option<Vec<Hash>> = bytes.chunks(32).map(|peak| peak.try_into().ok()).collect();
        let peaks = peaks?;
        let fits = peaks.len() == usize::try_from(size.count_ones()).ok()?;
        fits.then_some(Self { size, peaks })
    }

    /// What [`Frontier::restore`] reads.
    pub fn bytes(&self) -> Vec<u8> {
        self.peaks.concat()
    }

    pub const fn size(&self) -> u64 {
        self.size
    }

    /// One more leaf: every pair of equal subtrees at the right edge becomes one, as when one adds to a
    /// binary number.
    pub fn push(&mut self, leaf: Hash) {
        let mut node = leaf;
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                node = node_hash(&left, &node);
            }
        }
        self.peaks.push(node);
        self.size += 1;
    }

    #[must_use]
    pub fn with(mut self, leaves: &[Hash]) -> Self {
        for leaf in leaves {
            self.push(*leaf);
        }
        self
    }

    pub fn root(&self) -> Hash {
        let mut from_right = self.peaks.iter().rev();
        let Some(last) = from_right.next() else { return empty_root() };
        from_right.fold(*last, |right, left| node_hash(left, &right))
    }
}

/// A frontier and the leaves after it.
#[derive(Debug, Clone)]
pub struct Span {
    before: Frontier,
    leaves: Vec<Hash>,
}

impl Span {
    pub const fn new(before: Frontier, leaves: Vec<Hash>) -> Self {
        Self { before, leaves }
    }

    /// The whole tree over these leaves.
    pub fn whole(leaves: Vec<Hash>) -> Self {
        Self::new(Frontier::default(), leaves)
    }

    pub fn size(&self) -> u64 {
        self.before.size + self.leaves.len() as u64
    }

    /// The hash of the subtree over `from..to`, which one of the tree's own splits made. None: it lies
    /// before the span and is none of its full subtrees.
    fn subtree(&self, from: u64, to: u64) -> Option<Hash> {
        if to <= self.before.size {
            return self.peak(from, to);
        }
        if to - from == 1 {
            return self.leaf(from);
        }
        let middle = from + split(to - from);
        Some(node_hash(&self.subtree(from, middle)?, &self.subtree(middle, to)?))
    }

    fn peak(&self, from: u64, to: u64) -> Option<Hash> {
        let mut start = 0;
        for (index, bit) in ones(self.before.size).enumerate() {
            if (start, start + bit) == (from, to) {
                return self.before.peaks.get(index).copied();
            }
            start += bit;
        }
        None
    }

    fn leaf(&self, index: u64) -> Option<Hash> {
        let offset = index.checked_sub(self.before.size)?;
        self.leaves.get(usize::try_from(offset).ok()?).copied()
    }

    /// The audit path of a leaf in the tree over all of the span (RFC 6962 §2.1.1), from the leaf up.
    /// None: the leaf is not in the span.
    pub fn inclusion(&self, leaf: u64) -> Option<Vec<Hash>> {
        if leaf < self.before.size || self.size() <= leaf {
            return None;
        }
        let (mut from, mut to, mut path) = (0, self.size(), Vec::new());
        while to - from > 1 {
            let middle = from + split(to - from);
            if leaf < middle {
                path.push(self.subtree(middle, to)?);
                to = middle;
            } else {
                path.push(self.subtree(from, middle)?);
                from = middle;
            }
        }
        path.reverse();
        Some(path)
    }

    /// That the tree over the first `old` leaves is the beginning of this one (RFC 6962 §2.1.2).
    /// None: there is no such tree, or its nodes lie before the span.
    pub fn consistency(&self, old: u64) -> Option<Vec<Hash>> {
        if old == 0 || self.size() < old {
            return None;
        }
        let (mut from, mut to, mut whole, mut path) = (0, self.size(), true, Vec::new());
        while old != to {
            let middle = from + split(to - from);
            if old <= middle {
                path.push(self.subtree(middle, to)?);
                to = middle;
            } else {
                path.push(self.subtree(from, middle)?);
                from = middle;
                whole = false;
            }
        }
        if !whole {
            path.push(self.subtree(from, to)?);
        }
        path.reverse();
        Some(path)
    }
}

/// The largest power of two that is less than a length of two or more.
fn split(length: u64) -> u64 {
    1 << (length - 1).ilog2()
}

/// The powers of two of a number, largest first.
fn ones(number: u64) -> impl Iterator<Item = u64> {
    (0..u64::BITS).rev().map(|bit| 1 << bit).filter(move |bit| number & bit != 0)
}

/// The root that an audit path leads to (RFC 9162 §2.1.3.2). None: the path fits no such leaf.
pub fn root_of_path(leaf: u64, size: u64, hash: Hash, path: &[Hash]) -> Option<Hash> {
    if size <= leaf {
        return None;
    }
    let (mut index, mut last, mut node) = (leaf, size - 1, hash);
    for sibling in path {
        if last == 0 {
            return None;
        }
        if index & 1 == 1 || index == last {
            node = node_hash(sibling, &node);
            while index & 1 == 0 && index != 0 {
                index >>= 1;
                last >>= 1;
            }
        } else {
            node = node_hash(&node, sibling);
        }
        index >>= 1;
        last >>= 1;
    }
    (last == 0).then_some(node)
}

/// Whether a proof shows that an older tree is the beginning of a newer one (RFC 9162 §2.1.4.2).
pub fn is_consistent(old: (u64, Hash), new: (u64, Hash), path: &[Hash]) -> bool {
    let ((old_size, old_root), (new_size, new_root)) = (old, new);
    if old_size == 0 || new_size < old_size {
        return false;
    }
    if old_size == new_size {
        return path.is_empty() && old_root == new_root;
    }
    let (mut index, mut last) = (old_size - 1, new_size - 1);
    let shift = index.trailing_ones();
    (index, last) = (index >> shift, last >> shift);
    let mut path = path.iter();
    let start = if old_size.is_power_of_two() { Some(&old_root) } else { path.next() };
    let Some(start) = start else { return false };
    let (mut old_node, mut new_node) = (*start, *start);
    for sibling in path {
        if last == 0 {
            return false;
        }
        if index & 1 == 1 || index == last {
            old_node = node_hash(sibling, &old_node);
            new_node = node_hash(sibling, &new_node);
            while index & 1 == 0 && index != 0 {
                index >>= 1;
                last >>= 1;
            }
        } else {
            new_node = node_hash(&new_node, sibling);
        }
        index >>= 1;
        last >>= 1;
    }
    last == 0 && old_node == old_root && new_node == new_root
}

#[cfg(test)]
#[path = "tree_tests.rs"]
mod tests;
