//! A person opens a case about a player, and proposes what is to be done.

use crate::book::{CaseAct, CasePayload, Review};
use crate::decide::Refusal;
use crate::decide::case::credits;
use crate::decide::erasure::may_erase;
use crate::decide::four_eyes::{Draft, propose};
use crate::decide::wallet::market_allows;
use crate::domain::{OperatorId, PersonId, PlayerId, PlayerKey, ProposalId, ReviewId};
use crate::flows::Flows;
use crate::store::cases::{self, CaseKey, Opened};
use crate::store::{StoreError, erasures, read_models};

/// What a person asks for.
#[derive(Debug, Clone)]
pub struct CaseOrder {
    pub operator: OperatorId,
    pub player: PlayerId,
    pub payload: CasePayload,
    pub note: String,
    pub priority: i16,
    pub person: PersonId,
}

/// Why no case was opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the player is not known")]
    PlayerUnknown,
    #[error("the idempotency key opened another case before")]
    KeyReused,
    #[error("the case cannot begin so")]
    Refused(#[from] Refusal),
    #[error("keeping the case")]
    Store(#[from] StoreError),
}

/// Opens it. True: it is a repeat of one that was opened before.
pub async fn open_case(
    flows: &Flows,
    order: CaseOrder,
    key: &str,
    fingerprint: [u8; 32],
) -> Result<(ReviewId, bool), OpenError> {
    let (pool, now) = (flows.db.pool(), flows.clock.now());
    let of = PlayerKey { operator: order.operator.clone(), player: order.player.clone() };
    let known = read_models::player(pool, &of).await?;
    let (player, _) =
        known.filter(|_| !of.player.is_unclaimed()).ok_or(OpenError::PlayerUnknown)?;
    if player.is_erased() {
        return Err(Refusal::PlayerErased.into());
    }
    if order.payload == CasePayload::Erasure {
        // Whoever proposes what cannot be learns it now; the approval looks again, under the lock.
        let facts = erasures::facts(pool, &of, None).await?;
        may_erase(&player, &facts, &flows.reviews.terms.retention, now)?;
    }
    if let Some(currency) = credits(&order.payload) {
        // A wallet that is there is kept; none is opened that the market does not allow.
        let wallets = read_models::wallets(pool, &of).await?;
        if !wallets.iter().any(|wallet| wallet.currency == currency) {
            market_allows(&flows.policies.current(), &player, currency, now)?;
        }
    }
    let terms = &flows.reviews.terms;
    let mut review = Review {
        id: ReviewId(flows.ids.next()),
        payment: None,
        player: Some(order.player),
        attempt: None,
        switch: None,
        policy: None,
        kind: order.payload.kind().as_str().to_owned(),
        open: true,
        opened_at: now,
        opened_by: Some(order.person.clone()),
        closed_at: None,
        approvals_needed: terms.approvals_needed,
        desk: terms.new_desk(now),
        proposals: Vec::new(),
        news: Vec::new(),
    };
    review.desk.priority = order.priority;
    review.tell(CaseAct::Opened, Some(&order.person), None, now);
    let payload = crate::decide::case::completed(Some(order.payload), Some(&player));
    crate::decide::case::check(&review, payload.as_ref(), now)?;
    let draft = Draft {
        id: ProposalId(flows.ids.next()),
        outcome: "approve".to_owned(),
        note: order.note,
        payload,
        person: order.person,
    };
    propose(&mut review, draft, now)?;
    match cases::open(pool, &order.operator, &review, &CaseKey { key, fingerprint }).await? {
        Opened::New => {
            metrics::counter!("reviews_opened_total", "kind" => review.kind.clone()).increment(1);
            Ok((review.id, false))
        }
        Opened::Before(id) => Ok((ReviewId(id), true)),
        Opened::KeyReused => Err(OpenError::KeyReused),
    }
}
