//! Another person approves a proposed policy: it is published in the same moment, and comes into force at
//! its time on every instance.

use super::load_policies::refresh_policies;
use super::propose_policy::newest;
use super::shelf::KNOWN_BEFORE;
use crate::domain::PersonId;
use crate::flows::Flows;
use crate::store::StoreError;
use crate::store::policy_versions::{self, ProposalLine};

/// Why a proposal did not end as it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum EndError {
    #[error("there is no such proposal")]
    NotFound,
    #[error("it was published, refused or replaced before")]
    Ended,
    /// An approval is of one text, not of a name.
    #[error("the open proposal is another text than the one that was approved")]
    OtherText,
    #[error("who proposed cannot approve")]
    SamePerson,
    #[error("it would come into force too soon")]
    TooSoon,
    #[error("another version of this market comes into force at the same moment")]
    MomentTaken,
    #[error("ending the proposal")]
    Store(StoreError),
}

impl From<StoreError> for EndError {
    /// The database holds all of it too: two people at once must not both be right.
    fn from(error: StoreError) -> Self {
        let StoreError::Constraint { constraint, .. } = &error else { return Self::Store(error) };
        match constraint.as_str() {
            "policy_proposal_end_pkey" | "policy_version_pkey" => Self::Ended,
            "policy_is_published_by_two_people" => Self::SamePerson,
            "policy_is_known_before_it_holds" => Self::TooSoon,
            "policy_moment_is_taken" => Self::MomentTaken,
            _ => Self::Store(error),
        }
    }
}

/// Publishes the open proposal of a version, when its text is the one that was read: `sha256` says which.
pub async fn publish_policy(
    flows: &Flows,
    version: &str,
    sha256: &[u8; 32],
    person: &PersonId,
    note: &str,
) -> Result<ProposalLine, EndError> {
    let (pool, now) = (flows.db.pool(), flows.clock.now());
    let line = newest(pool, version).await?.ok_or(EndError::NotFound)?;
    if line.ended.is_some() {
        return Err(EndError::Ended);
    }
    if line.proposed.sha256 != *sha256 {
        return Err(EndError::OtherText);
    }
    if line.proposed.by == *person {
        return Err(EndError::SamePerson);
    }
    if line.proposed.effective_from < now + KNOWN_BEFORE {
        return Err(EndError::TooSoon);
    }
    policy_versions::publish(pool, line.proposed.id, person, now, note).await?;
    tracing::warn!(policy.version = version, person.id = %person, "a policy was published");
    metrics::counter!("policies_published_total").increment(1);
    // The row stands: should this fail, the worker reads it.
    if let Err(error) = refresh_policies(flows).await {
        tracing::warn!(%error, "a published policy will be known here a moment later");
    }
    flows.nudges.policies.notify_one();
    newest(pool, version).await?.ok_or(EndError::NotFound)
}
