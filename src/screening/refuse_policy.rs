//! A person refuses a proposed policy, or takes their own back.

use super::propose_policy::newest;
use super::publish_policy::{EndError, decide_policy};
use crate::decide::service_case::ServiceAct;
use crate::domain::PersonId;
use crate::flows::Flows;
use crate::store::policy_versions::ProposalLine;

/// Ends the open proposal of a version; the note says why.
pub async fn refuse_policy(
    flows: &Flows,
    version: &str,
    person: &PersonId,
    note: &str,
) -> Result<ProposalLine, EndError> {
    let pool = flows.db.pool();
    let line = newest(pool, version).await?.ok_or(EndError::NotFound)?;
    if line.ended.is_some() {
        return Err(EndError::Ended);
    }
    let act = ServiceAct::Refuse(note.to_owned());
    decide_policy(flows, (line.proposed.id, version), act, person, note).await?;
    tracing::info!(policy.version = version, person.id = %person, "a proposed policy was refused");
    newest(pool, version).await?.ok_or(EndError::NotFound)
}
