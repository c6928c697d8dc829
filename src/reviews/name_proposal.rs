//! Under which id a request proposes, so that its repeat proposes nothing anew.

use crate::book::KeyId;
use crate::domain::ProposalId;
use crate::flows::Flows;
use crate::store::{StoreError, proposal_keys};

/// A new id where no key came, or a key's first request; the same one for each repeat of a request. None: the
/// key proposed something else before.
pub async fn name_proposal(
    flows: &Flows,
    key: Option<(KeyId, [u8; 32])>,
) -> Result<Option<ProposalId>, StoreError> {
    let fresh = ProposalId(flows.ids.next());
    match key {
        Some((key, fingerprint)) => {
            let (pool, now) = (flows.db.pool(), flows.clock.now());
            proposal_keys::claim(pool, &key, fingerprint, fresh, now).await
        }
        None => Ok(Some(fresh)),
    }
}
