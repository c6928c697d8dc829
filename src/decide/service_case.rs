//! Cases of the service itself. An emergency's *off* is set by one person at once, and others look at it:
//! approved, it stays and its case is closed; rejected, which takes two people as well, it is lifted. A
//! policy that somebody proposed is published when others approve, and gone when anybody refuses.

use super::four_eyes::{self, Approved, Draft, ReviewTerms};
use super::refusal::Refusal;
use crate::book::{CaseAct, CaseKind, ProposedPolicy, Review};
use crate::domain::{PersonId, ProposalId, ReviewId, Timestamp};
use crate::routing::switches::Lifted;
use uuid::Uuid;

/// One person's act in such a case.
#[derive(Debug, Clone)]
pub enum ServiceAct {
    Propose(Draft),
    Approve(ProposalId),
    Refuse(String),
}

/// The case of a switch that `person` set or wants lifted. It begins with a proposal of theirs.
pub fn of_switch(
    id: ReviewId,
    switch: Uuid,
    person: &PersonId,
    terms: &ReviewTerms,
    now: Timestamp,
) -> Review {
    let mut review = opened(id, CaseKind::KillSwitch, person, terms, now);
    review.switch = Some(switch);
    review.desk.priority = 1;
    review
}

/// The case of a policy that `person` wants in force, with their proposal, which bears the same id.
///
/// # Errors
/// None that can happen: nobody else knows of the case.
pub fn of_policy(
    id: ReviewId,
    policy: ProposedPolicy,
    (person, note): (&PersonId, String),
    terms: &ReviewTerms,
    now: Timestamp,
) -> Result<Review, Refusal> {
    let mut review = opened(id, CaseKind::Policy, person, terms, now);
    let draft = Draft {
        id: ProposalId(policy.proposal),
        outcome: "approve".to_owned(),
        note,
        payload: None,
        person: person.clone(),
    };
    review.policy = Some(policy);
    four_eyes::propose(&mut review, draft, now)?;
    Ok(review)
}

fn opened(
    id: ReviewId,
    kind: CaseKind,
    person: &PersonId,
    terms: &ReviewTerms,
    now: Timestamp,
) -> Review {
    let mut review = Review {
        id,
        payment: None,
        player: None,
        attempt: None,
        switch: None,
        policy: None,
        kind: kind.as_str().to_owned(),
        open: true,
        opened_at: now,
        opened_by: Some(person.clone()),
        closed_at: None,
        approvals_needed: terms.approvals_needed,
        desk: terms.new_desk(now),
        proposals: Vec::new(),
        news: Vec::new(),
    };
    review.tell(CaseAct::Opened, Some(person), None, now);
    review
}

/// Does it. Some: the switch is lifted by it.
pub fn act(
    review: &mut Review,
    act: ServiceAct,
    person: &PersonId,
    terms: &ReviewTerms,
    now: Timestamp,
) -> Result<Option<Lifted>, Refusal> {
    match act {
        ServiceAct::Propose(draft) => {
            if !["approve", "reject"].contains(&draft.outcome.as_str()) || draft.payload.is_some() {
                return Err(Refusal::ReviewConflict(
                    "this outcome is not possible for this review",
                ));
            }
            four_eyes::propose(review, draft, now)?;
            Ok(None)
        }
        ServiceAct::Refuse(note) => {
            four_eyes::refuse(review, &note, person, now)?;
            Ok(None)
        }
        ServiceAct::Approve(proposal) => {
            match four_eyes::approve(review, proposal, person, terms, now)? {
                Approved::Waits(_) => Ok(None),
                Approved::Enough(approved) => {
                    review.close(now);
                    let lifted =
                        Lifted { by: person.clone(), at: now, reason: approved.note.clone() };
                    Ok((approved.outcome == "reject").then_some(lifted))
                }
            }
        }
    }
}

/// How a proposed policy ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyEnd {
    pub published: bool,
    pub by: PersonId,
    pub at: Timestamp,
    pub note: String,
}

/// One person's act in the case of a policy. Some: the proposal ended by it.
///
/// # Errors
/// As every case's; and another text is proposed where policies are.
pub fn act_on_policy(
    review: &mut Review,
    act: ServiceAct,
    person: &PersonId,
    (terms, note): (&ReviewTerms, &str),
    now: Timestamp,
) -> Result<Option<PolicyEnd>, Refusal> {
    let ended =
        |published, note: String| PolicyEnd { published, by: person.clone(), at: now, note };
    match act {
        ServiceAct::Propose(_) => Err(Refusal::ReviewConflict(
            "another text is proposed as a policy, POST /v1/policies, and takes the place of this one",
        )),
        ServiceAct::Refuse(note) => {
            four_eyes::refuse(review, &note, person, now)?;
            review.close(now);
            Ok(Some(ended(false, note)))
        }
        ServiceAct::Approve(proposal) => {
            match four_eyes::approve(review, proposal, person, terms, now)? {
                Approved::Waits(_) => Ok(None),
                Approved::Enough(_) => {
                    review.close(now);
                    Ok(Some(ended(true, note.to_owned())))
                }
            }
        }
    }
}

/// A newer text of the same version takes its place.
pub fn replaced(review: &mut Review, person: &PersonId, now: Timestamp) {
    if review.open {
        four_eyes::void_open(
            review,
            CaseAct::Voided,
            Some(person),
            "replaced by a newer text",
            now,
        );
        review.close(now);
    }
}

/// Ends the case of a policy whose proposal nobody approved in time.
pub fn expired(review: &mut Review, now: Timestamp) -> Option<PolicyEnd> {
    if review.policy.is_none() || !review.open || review.open_proposal().is_some() {
        return None;
    }
    review.close(now);
    let (by, note) = (PersonId::trusted("interlock"), "nobody approved it in time".to_owned());
    Some(PolicyEnd { published: false, by, at: now, note })
}
