//! Work for two people, as compliance sees it.

use super::time::Time;
use crate::book::{Proposal, Review};
use crate::domain::PaymentId;
use serde::Serialize;
use utoipa::ToSchema;

/// A payment that waits for people.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Review)]
pub struct ReviewView {
    #[schema(example = "rev_0198f3c2a1b27c3d8e4f5a6b7c8d9e0f")]
    pub id: String,
    pub payment_id: String,
    /// The attempt that is to be resolved, for an unknown payout.
    #[schema(required)]
    pub attempt_id: Option<String>,
    /// Why it was opened.
    #[schema(example = "dual_approval")]
    pub kind: String,
    pub open: bool,
    pub opened_at: Time,
    #[schema(required)]
    pub closed_at: Option<Time>,
    pub proposals: Vec<ProposalView>,
}

/// One person's proposal; only another person can approve it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Proposal)]
pub struct ProposalView {
    #[schema(example = "prp_0198f3c2a1b27c3d8e4f5a6b7c8d9e0f")]
    pub id: String,
    /// `approve`, `reject`, `return`, `resolve_paid` or `resolve_unpaid`.
    #[schema(example = "approve")]
    pub outcome: String,
    pub note: String,
    pub proposed_by: String,
    pub proposed_at: Time,
    /// `open`, `approved` or `refused`.
    #[schema(example = "open")]
    pub state: &'static str,
    #[schema(required)]
    pub decided_by: Option<String>,
    #[schema(required)]
    pub decided_at: Option<Time>,
    #[schema(required)]
    pub decided_note: Option<String>,
}

impl ReviewView {
    pub fn of(review: &Review, payment: PaymentId) -> Self {
        Self {
            id: review.id.to_string(),
            payment_id: payment.to_string(),
            attempt_id: review.attempt.map(|id| id.to_string()),
            kind: review.kind.clone(),
            open: review.open,
            opened_at: review.opened_at.into(),
            closed_at: review.closed_at.map(Time),
            proposals: review.proposals.iter().map(ProposalView::from).collect(),
        }
    }
}

impl From<&Proposal> for ProposalView {
    fn from(proposal: &Proposal) -> Self {
        Self {
            id: proposal.id.to_string(),
            outcome: proposal.outcome.clone(),
            note: proposal.note.clone(),
            proposed_by: proposal.proposed_by.to_string(),
            proposed_at: proposal.proposed_at.into(),
            state: proposal.state.as_str(),
            decided_by: proposal.decided_by.as_ref().map(ToString::to_string),
            decided_at: proposal.decided_at.map(Time),
            decided_note: proposal.decided_note.clone(),
        }
    }
}
