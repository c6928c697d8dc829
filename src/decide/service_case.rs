//! Cases of the service itself. An emergency's *off* is set by one person at once, and others look at it:
//! approved, it stays and its case is closed; rejected, which takes two people as well, it is lifted.

use super::command::Refusal;
use super::four_eyes::{self, Approved, Draft, ReviewTerms};
use crate::book::{CaseAct, CaseKind, Review};
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
    let mut review = Review {
        id,
        payment: None,
        player: None,
        attempt: None,
        switch: Some(switch),
        kind: CaseKind::KillSwitch.as_str().to_owned(),
        open: true,
        opened_at: now,
        opened_by: Some(person.clone()),
        closed_at: None,
        approvals_needed: terms.approvals_needed,
        desk: terms.new_desk(now),
        proposals: Vec::new(),
        news: Vec::new(),
    };
    review.desk.priority = 1;
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
