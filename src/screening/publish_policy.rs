//! Another person approves a proposed policy: it is published in the same moment, and comes into force at
//! its time on every instance.

use super::load_policies::refresh_policies;
use super::propose_policy::newest;
use super::shelf::KNOWN_BEFORE;
use crate::book::Review;
use crate::decide::Refusal;
use crate::decide::service_case::{PolicyEnd, ServiceAct, act_on_policy};
use crate::domain::{PersonId, ProposalId, Timestamp};
use crate::flows::Flows;
use crate::store::cases::{self, Worked};
use crate::store::policy_versions::{self, ProposalLine};
use crate::store::{Pool, StoreError};
use uuid::Uuid;

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
    #[error(transparent)]
    Case(Refusal),
    #[error("ending the proposal")]
    Store(StoreError),
}

impl From<Refusal> for EndError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::SamePerson => Self::SamePerson,
            other => Self::Case(other),
        }
    }
}

impl From<StoreError> for EndError {
    /// The database holds all of it too: two people at once must not both be right.
    fn from(error: StoreError) -> Self {
        if matches!(error, StoreError::Raced) {
            return Self::Ended;
        }
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
    let act = ServiceAct::Approve(ProposalId(line.proposed.id));
    decide_policy(flows, (line.proposed.id, version), act, person, note).await?;
    newest(pool, version).await?.ok_or(EndError::NotFound)
}

/// One person's act on a proposed policy, at whichever door: in its case, under the lock of that, and with
/// the version that it makes in the same commit.
pub async fn decide_policy(
    flows: &Flows,
    (proposal, version): (Uuid, &str),
    act: ServiceAct,
    person: &PersonId,
    note: &str,
) -> Result<(), EndError> {
    let (pool, now) = (flows.db.pool(), flows.clock.now());
    let ended = match cases::of_policy(pool, proposal).await? {
        Some((operator, case)) => {
            let terms = &flows.reviews.terms;
            let decide = |review: &mut Review| {
                let end = act_on_policy(review, act, person, (terms, note), now)?;
                let policy = end.clone().map(|end| (proposal, end));
                Ok::<_, Refusal>(Worked { policy, ..Worked::plain(end) })
            };
            let done = cases::work(pool, &operator, case, decide).await?;
            done.ok_or(EndError::NotFound)??.0
        }
        // Proposed before policies were cases.
        None => Some(without_case(pool, proposal, act, (person, note), now).await?),
    };
    if ended.is_some_and(|end| end.published) {
        tracing::warn!(policy.version = version, person.id = %person, "a policy was published");
        metrics::counter!("policies_published_total").increment(1);
        // The row stands: should this fail, the worker reads it.
        if let Err(error) = refresh_policies(flows).await {
            tracing::warn!(%error, "a published policy will be known here a moment later");
        }
        flows.nudges.policies.notify_one();
    }
    Ok(())
}

async fn without_case(
    pool: &Pool,
    proposal: Uuid,
    act: ServiceAct,
    (person, note): (&PersonId, &str),
    at: Timestamp,
) -> Result<PolicyEnd, EndError> {
    let (published, note) = match act {
        ServiceAct::Refuse(note) => (false, note),
        ServiceAct::Approve(_) | ServiceAct::Propose(_) => (true, note.to_owned()),
    };
    let end = PolicyEnd { published, by: person.clone(), at, note };
    let mut tx = pool.begin().await.map_err(StoreError::from)?;
    policy_versions::end(&mut tx, proposal, &end).await?;
    tx.commit().await.map_err(StoreError::from)?;
    Ok(end)
}
