//! What is known of policies when an instance starts: the published versions, and that the files it
//! brings along say the same.

use super::file;
use super::load_policies::{LoadError, load_policies};
use super::policy::{MarketPolicy, Policies};
use super::shelf::KNOWN_BEFORE;
use crate::domain::{Ids, PersonId, Timestamp};
use crate::store::policy_versions::{self, Proposed, Published};
use crate::store::{Pool, StoreError};
use std::collections::BTreeMap;

/// What an instance brings along.
#[derive(Debug, Clone, Copy)]
pub struct Shipped<'a> {
    pub versions: &'a [MarketPolicy],
    /// Every file with its text.
    pub files: &'a [(String, String)],
    /// Rules, or beginnings of their ids, that find and do nothing in this installation.
    pub recorded_only: &'a [String],
    /// Who publishes what a sandbox brings along. None: only people publish, over the API.
    pub officers: Option<&'a [PersonId; 2]>,
}

/// Why no instance may start on these.
#[derive(Debug, thiserror::Error)]
pub enum BeginError {
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error("keeping the sandbox's policies")]
    Store(#[from] StoreError),
    #[error(
        "the file {file} says something else than the version {version} that was published: a published \
         version never changes. Put the file back, or give the new text a name of its own and let two \
         people publish it"
    )]
    Changed { file: String, version: String },
}

/// Checks the files against what was published, publishes a sandbox's, and reads everything.
///
/// # Errors
/// When a file differs from the published text of its name, and as [`load_policies`].
pub async fn begin_screening(
    pool: &Pool,
    shipped: &Shipped<'_>,
    ids: &dyn Ids,
    now: Timestamp,
) -> Result<Policies, BeginError> {
    let published = policy_versions::published(pool).await?;
    let mut unpublished = Vec::new();
    for policy in shipped.versions {
        match published.iter().find(|one| one.version == policy.version) {
            Some(one) if one.sha256 == policy.sha256 => {}
            Some(_) => {
                let file = file_of(shipped.files, &policy.version).0.to_owned();
                return Err(BeginError::Changed { file, version: policy.version.clone() });
            }
            None => unpublished.push(policy),
        }
    }
    match shipped.officers {
        Some(officers) => {
            unpublished.sort_by_key(|policy| policy.effective_from);
            seed(pool, shipped.files, &unpublished, &published, officers, (ids, now)).await?;
        }
        None => {
            for policy in unpublished {
                tracing::warn!(
                    policy.version = policy.version,
                    "this file is not in force: two people must publish its text under a version and a time of its own \
                     (POST /v1/policies)"
                );
            }
        }
    }
    Ok(load_policies(pool, shipped.recorded_only).await?)
}

/// Publishes what is not yet. A market's first version is in force as its text says; a later one not
/// before every other instance knows it.
async fn seed(
    pool: &Pool,
    files: &[(String, String)],
    unpublished: &[&MarketPolicy],
    published: &[Published],
    [proposer, approver]: &[PersonId; 2],
    (ids, now): (&dyn Ids, Timestamp),
) -> Result<(), StoreError> {
    let mut newest: BTreeMap<&str, Timestamp> = BTreeMap::new();
    for one in published {
        let from = newest.entry(&one.market).or_insert(one.effective_from);
        *from = one.effective_from.max(*from);
    }
    for policy in unpublished {
        let last = newest.get(policy.market.as_str()).copied();
        let from = last.map_or(policy.effective_from, |last| {
            let after = last + time::Duration::MICROSECOND;
            policy.effective_from.max(now + KNOWN_BEFORE).max(after)
        });
        let proposed = Proposed {
            id: ids.next(),
            version: policy.version.clone(),
            market: policy.market.clone(),
            sha256: policy.sha256,
            effective_from: policy.effective_from,
            text: file_of(files, &policy.version).1.to_owned(),
            by: proposer.clone(),
            at: now,
        };
        policy_versions::seed(pool, &proposed, approver, from, last.is_none()).await?;
        newest.insert(&policy.market, from);
    }
    Ok(())
}

fn file_of<'a>(files: &'a [(String, String)], version: &str) -> (&'a str, &'a str) {
    let found = files.iter().find(|(file, _)| file::library::version_of(file) == version);
    found.map(|(file, text)| (file.as_str(), text.as_str())).unwrap_or_default()
}
