//! Makes the evidence pack of a payment or a decision.

use super::checkpoint::{Heads, Place, Range, ranges};
use super::folder::hashes;
use super::note::VerifierKey;
use super::pack::{FORMAT, Pack, PolicyText, Proven, policies_of, read_me};
use super::tree::{Frontier, Span};
use crate::domain::{DecisionId, PaymentId};
use crate::screening::file::{Library, canonical};
use crate::store::checkpoints::{self, Kept};
use crate::store::{Pool, StoreError, policy_versions, read_lines};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use thiserror::Error;

/// What a pack is about.
#[derive(Debug, Clone, Copy)]
pub enum Subject {
    /// All records of a payment.
    Payment(PaymentId),
    /// The one record that holds a decision.
    Decision(DecisionId),
}

#[derive(Debug, Error)]
pub enum ExportError {
    #[error("reading the log")]
    Store(#[from] StoreError),
    #[error("there is nothing of this id")]
    Unknown,
    #[error("{0} of its records are not sealed yet: try again after the next checkpoint")]
    Unsealed(usize),
    #[error("the log is damaged at {0}: run `interlock audit verify`")]
    Damaged(Place),
}

/// A sealed batch, as proofs need it.
struct Batch {
    span: Span,
    ranges: Vec<Range>,
    after: u64,
    note: String,
}

impl Subject {
    async fn places(self, pool: &Pool) -> Result<Vec<Place>, StoreError> {
        match self {
            Subject::Payment(id) => read_lines::of_payment(pool, id.uuid).await,
            Subject::Decision(id) => {
                Ok(read_lines::of_decision(pool, id.0).await?.into_iter().collect())
            }
        }
    }
}

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Subject::Payment(id) => id.fmt(f),
            Subject::Decision(id) => id.fmt(f),
        }
    }
}

/// The pack. The database has the text of every version that was published; `policy` finds by its hash one
/// that it does not have.
pub async fn export_pack(
    pool: &Pool,
    subject: Subject,
    key: &VerifierKey,
    policy: impl Fn(&str) -> Option<String>,
) -> Result<Pack, ExportError> {
    let places = subject.places(pool).await?;
    if places.is_empty() {
        return Err(ExportError::Unknown);
    }
    let mut batches: BTreeMap<u64, Batch> = BTreeMap::new();
    let (mut records, mut unsealed) = (Vec::new(), 0);
    for place in places {
        let Some(kept) = checkpoints::covering(pool, place).await? else {
            unsealed += 1;
            continue;
        };
        let size = u64::try_from(kept.size).unwrap_or(0);
        let batch = match batches.entry(size) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(batch(pool, kept, place).await?),
        };
        records.push(proven(pool, batch, size, place).await?);
    }
    if unsealed > 0 {
        return Err(ExportError::Unsealed(unsealed));
    }
    let named: BTreeMap<_, _> = records.iter().flat_map(|it| policies_of(&it.line)).collect();
    let published = policy_versions::published(pool).await?;
    let stored: Vec<&str> = published.iter().map(|one| one.text.as_str()).collect();
    let library =
        Library::new(published.iter().map(|one| (one.version.as_str(), one.text.as_str())));
    let text = |(version, sha256): (String, String)| {
        let text = canonical::text_of(&sha256, stored.iter().copied(), &library);
        text.or_else(|| policy(&sha256)).map(|text| PolicyText { version, text })
    };
    Ok(Pack {
        format: FORMAT.to_owned(),
        read_me: read_me(&subject.to_string()),
        about: subject.to_string(),
        key: key.to_string(),
        checkpoints: batches.into_values().map(|batch| batch.note).collect(),
        records,
        policies: named.into_iter().filter_map(text).collect(),
    })
}

async fn batch(pool: &Pool, kept: Kept, place: Place) -> Result<Batch, ExportError> {
    let (mut frontier, mut heads) = (Frontier::default(), Heads::new());
    if kept.number > 1 {
        let before = checkpoints::after(pool, kept.number - 2, 1).await?.pop();
        let before = before.ok_or(ExportError::Damaged(place))?;
        let size = u64::try_from(before.size).unwrap_or(0);
        let restored = Frontier::restore(size, &before.frontier);
        frontier = restored.ok_or(ExportError::Damaged(place))?;
        heads = before.heads;
    }
    let leaves = hashes(&kept.leaves).ok_or(ExportError::Damaged(place))?;
    let (after, ranges) = (frontier.size(), ranges(&heads, &kept.heads));
    Ok(Batch { span: Span::new(frontier, leaves), ranges, after, note: kept.note })
}

async fn proven(
    pool: &Pool,
    batch: &Batch,
    size: u64,
    place: Place,
) -> Result<Proven, ExportError> {
    let damaged = || ExportError::Damaged(place);
    let mut places = batch.ranges.iter().copied().flat_map(Range::places);
    let offset = places.position(|other| other == place).ok_or_else(damaged)?;
    let leaf = batch.after + offset as u64;
    let Place { slot, seq } = place;
    let lines = read_lines::lines(pool, Range { slot, first: seq, last: seq }).await?;
    let line = lines.into_iter().flatten().next().ok_or_else(damaged)?;
    let proof = batch.span.inclusion(leaf).ok_or_else(damaged)?;
    Ok(Proven { leaf, checkpoint: size, line, proof: proof.iter().map(hex::encode).collect() })
}
