//! How people work on a case before it is decided: they take it, hand it on, note, ask for information;
//! and what happens to it when nobody does.

use super::four_eyes::{ReviewTerms, may_act, release, void_open};
use super::refusal::Refusal;
use crate::book::{CaseAct, Lock, Review};
use crate::domain::{PersonId, Timestamp};
use std::time::Duration;

/// How long information is awaited, at most, unless the configuration lets it be awaited longer: one person alone
/// puts a case off by so much, and no more while no answer comes.
const INFO_LONGEST: Duration = Duration::from_secs(30 * 24 * 60 * 60);

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
            if until_latest(terms, now) < until {
                return Err(Refusal::ReviewConflict("information is not awaited for so long"));
            }
            let since = *review.desk.waiting_since.get_or_insert(now);
            let reminder = review.desk.escalate_at;
            wait_until(review, until);
            // Asking again does not put off the reminder further than asking once could have; one that is due
            // later than that already stays where it is.
            let latest = until_latest(terms, since).max(reminder.unwrap_or(since));
            review.desk.escalate_at = Some(until.min(latest));
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

/// Until when information that is asked for now may be awaited.
pub fn until_latest(terms: &ReviewTerms, now: Timestamp) -> Timestamp {
    now + INFO_LONGEST.max(terms.info)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::erasure::Retention;
    use crate::domain::ReviewId;
    use time::macros::datetime;
    use uuid::Uuid;

    const START: Timestamp = datetime!(2026-03-01 12:00 UTC);
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    fn terms(info: Duration) -> ReviewTerms {
        ReviewTerms {
            approvals_needed: 1,
            lock: DAY,
            due: 2 * DAY,
            info,
            proposal_life: DAY,
            escalate_every: DAY,
            retention: Retention::default(),
        }
    }

    fn case(terms: &ReviewTerms) -> Review {
        Review {
            id: ReviewId(Uuid::nil()),
            payment: None,
            player: None,
            attempt: None,
            switch: None,
            policy: None,
            kind: "attestation".to_owned(),
            open: true,
            opened_at: START,
            opened_by: None,
            closed_at: None,
            approvals_needed: 1,
            desk: terms.new_desk(START),
            proposals: Vec::new(),
            news: Vec::new(),
        }
    }

    fn ask(review: &mut Review, terms: &ReviewTerms, until: u32, on: u32) -> Result<(), Refusal> {
        let until = Some(START + until * DAY);
        let act = DeskAct::RequestInfo { text: "statements".to_owned(), until };
        work(review, &act, &PersonId::trusted("ann"), terms, START + on * DAY)
    }

    #[test]
    fn nobody_buries_a_case_by_waiting_for_something() {
        let terms = terms(3 * DAY);
        let mut case = case(&terms);
        assert!(ask(&mut case, &terms, 31, 0).is_err());
        assert_eq!(case.desk, terms.new_desk(START), "nothing was done");
        let reminded = |case: &Review| case.desk.escalate_at.map(|at| (at - START).whole_days());
        ask(&mut case, &terms, 20, 0).unwrap();
        assert_eq!(reminded(&case), Some(20));
        // Again and again, while no answer comes.
        ask(&mut case, &terms, 45, 15).unwrap();
        assert_eq!(reminded(&case), Some(30));
        ask(&mut case, &terms, 59, 29).unwrap();
        assert_eq!(reminded(&case), Some(30));
        assert_eq!(sweep(&mut case, &terms, START + 30 * DAY), Some(1));
        // What was asked for later stands, and the next reminder stays where it is.
        ask(&mut case, &terms, 60, 30).unwrap();
        assert_eq!(reminded(&case), Some(31));
        assert_eq!(case.desk.due_at, Some(START + 60 * DAY));
        // An answer begins anew.
        let come = DeskAct::Info("they came".to_owned());
        work(&mut case, &come, &PersonId::trusted("bob"), &terms, START + 31 * DAY).unwrap();
        ask(&mut case, &terms, 61, 31).unwrap();
        assert_eq!(reminded(&case), Some(61));
    }

    #[test]
    fn information_may_take_as_long_as_the_configuration_says() {
        let terms = terms(40 * DAY);
        let mut case = case(&terms);
        assert!(ask(&mut case, &terms, 41, 0).is_err());
        ask(&mut case, &terms, 40, 0).unwrap();
        assert_eq!(case.desk.escalate_at, Some(START + 40 * DAY));
    }
}
