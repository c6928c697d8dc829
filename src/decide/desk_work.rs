//! How people work on a case before it is decided: they take it, hand it on, note, ask for information;
//! and what happens to it when nobody does.

use super::four_eyes::{ReviewTerms, may_act, release, void_open};
use super::refusal::Refusal;
use crate::book::{CaseAct, Lock, Review};
use crate::domain::{PersonId, Timestamp};

/// One person's act that decides nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeskAct {
    /// Has it to themselves for a while.
    Lock,
    Unlock,
    /// None: to nobody.
    Assign(Option<PersonId>),
    Note(String),
    /// What is asked for, and by when it must have come.
    RequestInfo {
        text: String,
        until: Option<Timestamp>,
    },
    /// What came.
    Info(String),
}

/// Does it.
pub fn work(
    review: &mut Review,
    act: &DeskAct,
    person: &PersonId,
    terms: &ReviewTerms,
    now: Timestamp,
) -> Result<(), Refusal> {
    may_act(review, person, now)?;
    match act {
        DeskAct::Lock => {
            let by = person.clone();
            review.desk.lock = Some(Lock { by, until: now + terms.lock });
            review.tell(CaseAct::Locked, Some(person), None, now);
        }
        DeskAct::Unlock => release(review, person, now),
        DeskAct::Assign(to) => {
            review.desk.assigned_to.clone_from(to);
            let told = to.as_ref().map_or("nobody", PersonId::as_str).to_owned();
            review.tell(CaseAct::Assigned, Some(person), Some(&told), now);
        }
        DeskAct::Note(text) => review.tell(CaseAct::Note, Some(person), Some(text), now),
        DeskAct::RequestInfo { text, until } => {
            let until = until.unwrap_or(now + terms.info);
            if until <= now {
                return Err(Refusal::ReviewConflict("information is awaited until a time to come"));
            }
            review.desk.waiting_since.get_or_insert(now);
            wait_until(review, until);
            review.tell(CaseAct::InfoRequested, Some(person), Some(text), now);
        }
        DeskAct::Info(text) => {
            if review.desk.waiting_since.take().is_none() {
                return Err(Refusal::ReviewConflict("no information is awaited"));
            }
            wait_until(review, now + terms.due);
            review.tell(CaseAct::InfoReceived, Some(person), Some(text), now);
        }
    }
    Ok(())
}

fn wait_until(review: &mut Review, until: Timestamp) {
    review.desk.due_at = Some(until);
    review.desk.escalate_at = Some(until);
}

/// Looks at a case whose time may have come: an old proposal expires, and a case that is not decided is
/// put before somebody. Tells the number of the reminder that is due.
pub fn sweep(review: &mut Review, terms: &ReviewTerms, now: Timestamp) -> Option<i16> {
    if !review.open {
        return None;
    }
    let old = |life| review.open_proposal().is_some_and(|open| open.proposed_at + life <= now);
    if old(terms.proposal_life) {
        void_open(review, CaseAct::Expired, None, "nobody approved it in time", now);
    }
    let desk = &mut review.desk;
    let due_at = *desk.due_at.get_or_insert(review.opened_at + terms.due);
    let escalate_at = *desk.escalate_at.get_or_insert(due_at);
    if now < escalate_at {
        return None;
    }
    desk.escalations = desk.escalations.saturating_add(1);
    // One reminder however long nobody looked.
    desk.escalate_at = Some(now + terms.escalate_every);
    let step = desk.escalations;
    review.tell(CaseAct::Escalated, None, Some(&format!("reminder {step}")), now);
    Some(step)
}

/// The switch that a case is about has ended when it was said to: nothing is left to confirm or to lift.
pub fn end_with_switch(review: &mut Review, now: Timestamp) {
    if !review.open {
        return;
    }
    let why = "the switch ended when it was said to";
    void_open(review, CaseAct::Voided, None, why, now);
    review.tell(CaseAct::Note, None, Some(why), now);
    review.close(now);
}
