//! Under which id a request proposes, so that its repeat proposes nothing anew.

use crate::domain::ProposalId;
use crate::flows::Flows;
use crate::store::once_keys::Once;
use crate::store::{StoreError, proposal_keys};

/// A new id for a key's first request; the same one for each repeat of it. None: the key proposed something else
/// before.
pub async fn name_proposal(flows: &Flows, once: &Once) -> Result<Option<ProposalId>, StoreError> {
    let (pool, now) = (flows.db.pool(), flows.clock.now());
    let fresh = ProposalId(flows.ids.next());
    proposal_keys::claim(pool, &once.key, once.fingerprint, fresh, now).await
}
