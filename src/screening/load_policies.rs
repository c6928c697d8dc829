//! Reads the published versions. What is in force stands in the database and nowhere else: a file is only
//! where a text came from.

use super::file::{self, Library};
use super::policy::{MarketPolicy, Policies};
use crate::flows::Flows;
use crate::store::{Pool, StoreError, policy_versions};

/// Why the published versions cannot be decided by.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("reading the published policies")]
    Store(#[from] StoreError),
    #[error(
        "the published policy {version} cannot be read by this program: {fault}; a program that is as \
         new as the policy must run"
    )]
    Unreadable { version: String, fault: String },
    #[error(
        "the published policy {0} is not the text that two people published: its hash is another one; \
         somebody has changed the table policy_version"
    )]
    Altered(String),
}

/// All published versions, each as it comes into force.
///
/// # Errors
/// When the database fails, or one of them cannot be read or was changed: then nothing is decided.
pub async fn load_policies(pool: &Pool, recorded_only: &[String]) -> Result<Policies, LoadError> {
    let published = policy_versions::published(pool).await?;
    let texts = published.iter().map(|one| (one.version.as_str(), one.text.as_str()));
    let library = Library::new(texts);
    let mut versions = Vec::with_capacity(published.len());
    for one in &published {
        let read = file::read_with(&one.version, &one.text, &library).map_err(|faults| {
            let fault = faults.first().map(ToString::to_string).unwrap_or_default();
            LoadError::Unreadable { version: one.version.clone(), fault }
        })?;
        if read.sha256 != one.sha256 || read.market != one.market {
            return Err(LoadError::Altered(one.version.clone()));
        }
        versions.push(MarketPolicy { effective_from: one.effective_from, ..read });
    }
    Ok(Policies::new(versions).with_recorded_only(recorded_only.to_vec()))
}

/// Looks whether versions were published since, and exchanges the shelf when there are any. True: there
/// were.
///
/// # Errors
/// As [`load_policies`]; the shelf is as before, and [`super::shelf::PolicyShelf::read_at`] too.
pub async fn refresh_policies(flows: &Flows) -> Result<bool, LoadError> {
    let (now, pool, current) = (flows.clock.now(), flows.db.pool(), flows.policies.current());
    let known: Vec<String> = current.all().iter().map(|one| one.version.clone()).collect();
    let any_new = policy_versions::any_beside(pool, &known).await?;
    if any_new {
        let policies = load_policies(pool, current.recorded_only()).await?;
        for one in policies.all().iter().filter(|one| !known.contains(&one.version)) {
            tracing::info!(policy.version = one.version, policy.market = one.market,
                policy.effective_from = %one.effective_from, "a policy version is known from now on");
        }
        flows.policies.set(policies, now);
    } else {
        flows.policies.confirm(now);
    }
    Ok(any_new)
}
