//! The service opens a case: a list of names has an entry near a player that was not there before.
//!
//! Nobody has proposed anything yet. Two people say that it is the player, who is then excluded, or that
//! it is not, and vouch for that; or they close the case with a reason and nothing is done. Only the
//! compliance desk sees it: it is no incident, no event and no reason of a payment.

use crate::book::{CaseAct, CaseKind, Review};
use crate::domain::{PlayerKey, ReviewId};
use crate::flows::Flows;
use crate::store::StoreError;
use crate::store::cases::{self, CaseKey, Opened};
use sha2::{Digest, Sha256};

/// Opens it with what was found: entries, scores and versions, and nobody's name. The same finding opens
/// one case, however often it is told.
pub async fn open_name_case(
    flows: &Flows,
    of: &PlayerKey,
    found: &str,
) -> Result<ReviewId, StoreError> {
    let (terms, now) = (&flows.reviews.terms, flows.clock.now());
    let kind = CaseKind::NameMatch.as_str();
    let mut review = Review {
        id: ReviewId(flows.ids.next()),
        payment: None,
        player: Some(of.player.clone()),
        attempt: None,
        switch: None,
        policy: None,
        kind: kind.to_owned(),
        open: true,
        opened_at: now,
        opened_by: None,
        closed_at: None,
        approvals_needed: terms.approvals_needed,
        desk: terms.new_desk(now),
        proposals: Vec::new(),
        news: Vec::new(),
    };
    review.desk.priority = 1;
    review.tell(CaseAct::Opened, None, Some(found), now);
    let fingerprint: [u8; 32] = Sha256::new()
        .chain_update(of.player.as_str())
        .chain_update(b"\0")
        .chain_update(found)
        .finalize()
        .into();
    let key = format!("{kind}-{}", hex::encode(fingerprint));
    let key = CaseKey { key: &key, fingerprint };
    match cases::open(flows.db.pool(), &of.operator, &review, &key).await? {
        Opened::Before(id) => Ok(ReviewId(id)),
        Opened::New | Opened::KeyReused => {
            metrics::counter!("reviews_opened_total", "kind" => kind).increment(1);
            flows.nudges.reviews.notify_one();
            Ok(review.id)
        }
    }
}
