//! Two people decide about a payment.

use crate::book::Review;
use crate::decide::{Answer, Command, Refusal};
use crate::domain::{PersonId, PlayerKey, ProposalId, ReviewId};
use crate::flows::Flows;
use crate::lane::SubmitError;
use crate::payments::know_before_taking::{TakeError, know_before_taking};
use crate::payments::start_deposit::SCREENINGS_MAX;
use crate::routing::learn::learn;
use uuid::Uuid;

/// Why a deposit that two people approve is not let go.
const FOUND_SINCE: Refusal = Refusal::ReviewConflict(
    "by now something is known against the deposit that nobody had seen when it came: read its newest decision. \
     What is not sent yet is rejected, or approved once that is over; for money that is in, propose anew what is \
     to become of it",
);

/// Submits what a person decided. An approval that lets a deposit go on to a PSP is decided with what is known
/// of it by now.
///
/// # Errors
/// Refused, or not recorded.
pub async fn decided(
    flows: &Flows,
    player: &PlayerKey,
    mut command: Command,
) -> Result<Answer, SubmitError> {
    let mut answer = flows.lanes.submit(player, command.clone()).await?;
    for _ in 0..SCREENINGS_MAX {
        let Answer::AnswersWanted(deposit) = &answer else { break };
        let gathered = know_before_taking(flows, deposit).await.map_err(|error| match error {
            TakeError::Submit(error) => error,
            // Nothing was recorded: the same approval may be sent again.
            TakeError::Store(_) => SubmitError::Busy,
        })?;
        if let Command::Approve { known, .. } = &mut command {
            *known = Some(Box::new(gathered));
        }
        answer = flows.lanes.submit(player, command.clone()).await?;
    }
    if let Answer::Review { review, paid: Some(payment), .. } = &answer
        && let Some(attempt) = review.attempt
    {
        // People read what it did on its own pages: that it paid counts, and how it answers is another matter.
        learn(flows, payment, attempt, None, true);
    }
    match answer {
        Answer::FoundSince => Err(FOUND_SINCE.into()),
        // The player's record changes all the time: nothing was recorded, the same approval may be sent again.
        Answer::AnswersWanted(_) => Err(SubmitError::Busy),
        answer => Ok(answer),
    }
}

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
            let (payload, proposal) = (None, flows.ids.next());
            Command::Propose { review, payment, proposal, outcome, note, payload, person }
        }
        ReviewAct::Approve { proposal } => {
            Command::Approve { review, payment, proposal: proposal.0, person, known: None }
        }
        ReviewAct::Refuse { note } => Command::Refuse { review, payment, note, person },
    };
    match decided(flows, player, command).await? {
        Answer::Review { review, .. } => {
            flows.nudges.payouts.notify_one();
            flows.nudges.attempts.notify_one();
            Ok(*review)
        }
        _ => Err(SubmitError::Failed),
    }
}
