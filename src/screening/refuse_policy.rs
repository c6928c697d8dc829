//! A person refuses a proposed policy, or takes their own back.

use super::propose_policy::newest;
use super::publish_policy::EndError;
use crate::domain::PersonId;
use crate::flows::Flows;
use crate::store::policy_versions::{self, ProposalLine};

/// Ends the open proposal of a version; the note says why.
pub async fn refuse_policy(
    flows: &Flows,
    version: &str,
    person: &PersonId,
    note: &str,
) -> Result<ProposalLine, EndError> {
    let (pool, now) = (flows.db.pool(), flows.clock.now());
    let line = newest(pool, version).await?.ok_or(EndError::NotFound)?;
    if line.ended.is_some() {
        return Err(EndError::Ended);
    }
    policy_versions::refuse(pool, line.proposed.id, person, now, note).await?;
    tracing::info!(policy.version = version, person.id = %person, "a proposed policy was refused");
    newest(pool, version).await?.ok_or(EndError::NotFound)
}
