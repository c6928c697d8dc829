//! Two people decide about a payment.

use crate::book::Review;
use crate::decide::{Answer, Command};
use crate::domain::{PersonId, PlayerKey, ProposalId, ReviewId};
use crate::flows::Flows;
use crate::lane::SubmitError;
use uuid::Uuid;

/// One person's act in a review.
#[derive(Debug, Clone)]
pub enum ReviewAct {
    Propose { outcome: String, note: String },
    Approve { proposal: ProposalId },
    Refuse { note: String },
}

/// Carries the act out; what an approval allows begins at once.
pub async fn review_payment(
    flows: &Flows,
    player: &PlayerKey,
    review: ReviewId,
    payment: Uuid,
    act: ReviewAct,
    person: PersonId,
) -> Result<Review, SubmitError> {
    let (review, payment) = (review.0, Some(payment));
    let command = match act {
        ReviewAct::Propose { outcome, note } => {
            let payload = None;
            Command::Propose { review, payment, outcome, note, payload, person }
        }
        ReviewAct::Approve { proposal } => {
            Command::Approve { review, payment, proposal: proposal.0, person }
        }
        ReviewAct::Refuse { note } => Command::Refuse { review, payment, note, person },
    };
    match flows.lanes.submit(player, command).await? {
        Answer::Review { review, .. } => {
            flows.nudges.payouts.notify_one();
            flows.nudges.attempts.notify_one();
            Ok(*review)
        }
        _ => Err(SubmitError::Failed),
    }
}
