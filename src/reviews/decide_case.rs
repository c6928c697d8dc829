//! A person proposes, approves or refuses, in whichever kind of case.

use crate::book::{CaseKind, CasePayload, ProposedPolicy, Review};
use crate::decide::four_eyes::Draft;
use crate::decide::service_case::{self, ServiceAct};
use crate::decide::{Command, Refusal};
use crate::domain::{OperatorId, PersonId, PlayerKey, ProposalId, ReviewId};
use crate::flows::Flows;
use crate::lane::SubmitError;
use crate::payments::review_payment::decided;
use crate::players::put_player::want_name_matched;
use crate::routing::set_switch::hold_here;
use crate::routing::switches::Lifted;
use crate::screening::publish_policy::{EndError, decide_policy};
use crate::store::StoreError;
use crate::store::cases::{self, Worked};

/// One person's act.
#[derive(Debug, Clone)]
pub enum CaseDecision {
    Propose { id: ProposalId, outcome: String, note: String, payload: Option<CasePayload> },
    Approve { proposal: ProposalId },
    Refuse { note: String },
}

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub enum CaseError {
    #[error("there is no such case")]
    NotFound,
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("this was sent before with other words: load the page anew")]
    KeyReused,
    #[error("recording it")]
    Submit(#[from] SubmitError),
    #[error("keeping it")]
    Store(#[from] StoreError),
}

/// Does it; what the last approval allows is done in the same commit, and goes on at once.
pub async fn decide_case(
    flows: &Flows,
    operator: &OperatorId,
    review: &Review,
    act: CaseDecision,
    person: PersonId,
) -> Result<(), CaseError> {
    match &review.player {
        Some(player) => {
            let player = PlayerKey { operator: operator.clone(), player: player.clone() };
            let approves = matches!(act, CaseDecision::Approve { .. });
            decided(flows, &player, command(review, act, person)).await?;
            // A birth date is part of what matchers are asked.
            if approves && review.kind == CaseKind::PlayerFields.as_str() {
                want_name_matched(flows, &player).await;
            }
            flows.nudges.payouts.notify_one();
            flows.nudges.attempts.notify_one();
            flows.nudges.erasures.notify_one();
            Ok(())
        }
        None => match &review.policy {
            Some(policy) => decide_policy_case(flows, policy, review.id, act, &person).await,
            None => decide_service_case(flows, operator, review, act, person).await,
        },
    }
}

fn command(review: &Review, act: CaseDecision, person: PersonId) -> Command {
    let (review, payment) = (review.id.0, review.payment);
    match act {
        CaseDecision::Propose { id, outcome, note, payload } => {
            let proposal = id.0;
            Command::Propose { review, payment, proposal, outcome, note, payload, person }
        }
        CaseDecision::Approve { proposal } => {
            Command::Approve { review, payment, proposal: proposal.0, person, known: None }
        }
        CaseDecision::Refuse { note } => Command::Refuse { review, payment, note, person },
    }
}

/// The same as at the door of policies, whichever was taken.
async fn decide_policy_case(
    flows: &Flows,
    policy: &ProposedPolicy,
    review: ReviewId,
    act: CaseDecision,
    person: &PersonId,
) -> Result<(), CaseError> {
    let act = service_act(act, person);
    let note = format!("approved in the review {review}");
    let which = (policy.proposal, policy.version.as_str());
    decide_policy(flows, which, act, person, &note).await.map_err(|error| match error {
        EndError::NotFound => CaseError::NotFound,
        EndError::Case(refusal) => refusal.into(),
        EndError::SamePerson => Refusal::SamePerson.into(),
        EndError::Ended | EndError::OtherText => {
            Refusal::ReviewConflict("the policy was published, refused or replaced before").into()
        }
        EndError::TooSoon => Refusal::ReviewConflict(
            "the policy would come into force too soon: propose it again with a later effective_from",
        )
        .into(),
        EndError::MomentTaken => Refusal::ReviewConflict(
            "another version of this market comes into force at the same moment",
        )
        .into(),
        EndError::Store(error) => error.into(),
    })
}

fn service_act(act: CaseDecision, person: &PersonId) -> ServiceAct {
    match act {
        CaseDecision::Propose { id, outcome, note, payload } => {
            let person = person.clone();
            ServiceAct::Propose(Draft { id, outcome, note, payload, person })
        }
        CaseDecision::Approve { proposal } => ServiceAct::Approve(proposal),
        CaseDecision::Refuse { note } => ServiceAct::Refuse(note),
    }
}

async fn decide_service_case(
    flows: &Flows,
    operator: &OperatorId,
    review: &Review,
    act: CaseDecision,
    person: PersonId,
) -> Result<(), CaseError> {
    let (terms, now) = (flows.reviews.terms.clone(), flows.clock.now());
    let act = service_act(act, &person);
    let done = cases::work(flows.db.pool(), operator, review.id.0, |review| {
        if let ServiceAct::Propose(draft) = &act
            && review.proposal(draft.id).is_some()
        {
            return Ok(Worked::plain(false));
        }
        let lifted = service_case::act(review, act, &person, &terms, now)?;
        // An approval has no words; those of the proposal are its proposer's, and stand with it.
        let reason = format!("approved in {}", review.id);
        let lifted = lifted.map(|lifted| Lifted { reason, ..lifted });
        let lift = review.switch.zip(lifted);
        Ok::<_, Refusal>(Worked { lift: lift.clone(), ..Worked::plain(lift.is_some()) })
    });
    match done.await? {
        Some(Ok((is_lifted, _))) => {
            if is_lifted {
                metrics::counter!("routing_switches_total", "act" => "lifted").increment(1);
                hold_here(flows, now).await;
            }
            Ok(())
        }
        Some(Err(refusal)) => Err(CaseError::Refused(refusal)),
        None => Err(CaseError::NotFound),
    }
}
