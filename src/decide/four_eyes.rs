//! One person proposes, others approve: what that means for a case, whatever the case is about.
//!
//! A newer proposal voids the open one with all of its approvals, so that nobody has approved anything but
//! what stands. Whoever proposed cannot approve, and nobody approves twice: people are counted, not keys.

use super::erasure::Retention;
use super::refusal::Refusal;
use crate::book::{
    Approval, CaseAct, CaseNews, CasePayload, Desk, Proposal, ProposalState, Review,
};
use crate::domain::{PersonId, ProposalId, Timestamp};
use std::time::Duration;

/// What the configuration says of cases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviewTerms {
    /// How many people beside the proposer.
    pub approvals_needed: i16,
    /// How long one person keeps a case to themselves.
    pub lock: Duration,
    /// Within what time a case is to be decided.
    pub due: Duration,
    /// How long asked-for information may take.
    pub info: Duration,
    /// How long a proposal waits for its approval.
    pub proposal_life: Duration,
    /// How long after one reminder the next goes out.
    pub escalate_every: Duration,
    /// How long the data of players is kept.
    pub retention: Retention,
}

impl ReviewTerms {
    /// The desk of a case that is opened now.
    pub fn new_desk(&self, now: Timestamp) -> Desk {
        let due_at = Some(now + self.due);
        Desk { priority: 2, due_at, escalate_at: due_at, ..Desk::default() }
    }
}

/// A proposal to be made.
#[derive(Debug, Clone)]
pub struct Draft {
    pub id: ProposalId,
    pub outcome: String,
    pub note: String,
    pub payload: Option<CasePayload>,
    pub person: PersonId,
}

/// What an approval came to.
#[derive(Debug, Clone)]
pub enum Approved {
    /// This many more people are needed.
    Waits(usize),
    /// It is approved: carry it out.
    Enough(Box<Proposal>),
}

/// A case that is closed takes nothing more, and one that somebody else works on waits for them.
pub fn may_act(review: &Review, person: &PersonId, now: Timestamp) -> Result<(), Refusal> {
    if !review.open {
        return Err(Refusal::ReviewConflict("the review is closed"));
    }
    match &review.desk.lock {
        Some(lock) if lock.by != *person && now < lock.until => {
            Err(Refusal::ReviewLocked { by: lock.by.clone(), until: lock.until })
        }
        _ => Ok(()),
    }
}

/// Proposes. Who had the case to themselves gives it free, since others must approve.
pub fn propose(review: &mut Review, draft: Draft, now: Timestamp) -> Result<Proposal, Refusal> {
    may_act(review, &draft.person, now)?;
    void_open(review, CaseAct::Voided, Some(&draft.person), "replaced by a newer proposal", now);
    let proposal = Proposal {
        id: draft.id,
        outcome: draft.outcome,
        note: draft.note,
        payload: draft.payload,
        payload_sha256: None,
        proposed_by: draft.person,
        proposed_at: now,
        state: ProposalState::Open,
        approvals: Vec::new(),
        decided_by: None,
        decided_at: None,
        decided_note: None,
    };
    tell(review, CaseAct::Proposed, &proposal, Some(&proposal.proposed_by), None, now);
    review.proposals.push(proposal.clone());
    release(review, &proposal.proposed_by, now);
    Ok(proposal)
}

/// Counts a person's approval of the open proposal that they name.
pub fn approve(
    review: &mut Review,
    proposal: ProposalId,
    person: &PersonId,
    terms: &ReviewTerms,
    now: Timestamp,
) -> Result<Approved, Refusal> {
    may_act(review, person, now)?;
    let needed = usize::try_from(review.approvals_needed).unwrap_or(1).max(1);
    let open = review.open_proposal_mut().filter(|open| open.id == proposal);
    let open = open.ok_or(Refusal::ReviewConflict("the proposal is not open any more"))?;
    if open.proposed_at + terms.proposal_life <= now {
        return Err(Refusal::ReviewConflict("the proposal has expired; propose again"));
    }
    if open.proposed_by == *person {
        return Err(Refusal::SamePerson);
    }
    if open.approvals.iter().any(|approval| approval.by == *person) {
        return Err(Refusal::ReviewConflict("this person has approved already; another must"));
    }
    open.approvals.push(Approval { by: person.clone(), at: now });
    let missing = needed.saturating_sub(open.approvals.len());
    if missing == 0 {
        decide(open, ProposalState::Approved, Some(person), None, now);
    }
    let told = open.clone();
    tell(review, CaseAct::Approved, &told, Some(person), None, now);
    Ok(if missing == 0 { Approved::Enough(Box::new(told)) } else { Approved::Waits(missing) })
}

/// Refuses the open proposal; the case stays open. Whoever proposed may take it back so.
pub fn refuse(
    review: &mut Review,
    note: &str,
    person: &PersonId,
    now: Timestamp,
) -> Result<(), Refusal> {
    may_act(review, person, now)?;
    let open = review.open_proposal_mut().ok_or(Refusal::ReviewConflict("no proposal is open"))?;
    decide(open, ProposalState::Refused, Some(person), Some(note), now);
    let told = open.clone();
    tell(review, CaseAct::Refused, &told, Some(person), Some(note), now);
    Ok(())
}

/// Voids the open proposal, where there is one, and every approval that it had.
pub fn void_open(
    review: &mut Review,
    act: CaseAct,
    person: Option<&PersonId>,
    why: &str,
    now: Timestamp,
) {
    let Some(open) = review.open_proposal_mut() else { return };
    decide(open, ProposalState::Voided, person, Some(why), now);
    let told = open.clone();
    tell(review, act, &told, person, Some(why), now);
}

/// Gives free what this person had locked.
pub fn release(review: &mut Review, person: &PersonId, now: Timestamp) {
    if review.desk.lock.as_ref().is_some_and(|lock| lock.by == *person) {
        review.desk.lock = None;
        review.tell(CaseAct::Released, Some(person), None, now);
    }
}

fn decide(
    proposal: &mut Proposal,
    state: ProposalState,
    person: Option<&PersonId>,
    note: Option<&str>,
    now: Timestamp,
) {
    proposal.state = state;
    proposal.decided_by = person.cloned();
    proposal.decided_at = Some(now);
    proposal.decided_note = note.map(str::to_owned);
}

fn tell(
    review: &mut Review,
    act: CaseAct,
    proposal: &Proposal,
    person: Option<&PersonId>,
    text: Option<&str>,
    at: Timestamp,
) {
    let (person, text) = (person.cloned(), text.map(str::to_owned));
    review.news.push(CaseNews { act, person, proposal: Some(proposal.id), text, at });
}
