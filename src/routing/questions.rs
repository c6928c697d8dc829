//! What a PSP that fails can be asked to see whether it answers, and when it may be asked that again.
//!
//! Each question is about one attempt, and about that attempt a PSP is asked no more often than its adapter
//! says, however often it is looked whether the PSP is well.

use crate::domain::{AttemptId, Direction, Timestamp};
use psp_contract::Operation;
use std::collections::BTreeMap;
use std::time::Duration;

/// Where the books know nothing to ask a PSP about, or nothing that may be asked yet, it is looked again after
/// so long.
const SEEK_EVERY: Duration = Duration::from_secs(30);

/// One that moves no money.
#[derive(Debug, Clone)]
pub struct Question {
    pub attempt: AttemptId,
    pub operation: Operation,
    /// The PSP's own least time between two questions about one attempt.
    pub pause: Duration,
}

/// What this instance knows to ask.
#[derive(Debug, Default)]
pub struct Questions {
    /// For each PSP one, about the last attempt that it has taken.
    known: BTreeMap<(Direction, String), Question>,
    /// Until when attempts may not be asked about.
    not_before: BTreeMap<AttemptId, Timestamp>,
    /// When a question about payouts was last looked for in the books.
    sought: BTreeMap<String, Timestamp>,
}

impl Questions {
    pub fn remember(&mut self, psp: &str, direction: Direction, question: Question) {
        self.known.insert((direction, psp.to_owned()), question);
    }

    /// This question leads nowhere.
    pub fn forget(&mut self, psp: &str, direction: Direction) {
        self.known.remove(&(direction, psp.to_owned()));
    }

    /// The question that may be put now, if there is one.
    pub fn ready(&self, psp: &str, direction: Direction, now: Timestamp) -> Option<&Question> {
        let known = self.known.get(&(direction, psp.to_owned()))?;
        let may_ask = self.not_before.get(&known.attempt).is_none_or(|until| *until <= now);
        may_ask.then_some(known)
    }

    /// The same, as put now: nobody else puts it before its PSP allows it again.
    pub fn take(&mut self, psp: &str, direction: Direction, now: Timestamp) -> Option<Question> {
        let question = self.ready(psp, direction, now).cloned()?;
        self.asked(&question, now, now);
        Some(question)
    }

    /// It was put then, by whomever.
    pub fn asked(&mut self, question: &Question, at: Timestamp, now: Timestamp) {
        self.not_before.retain(|_, until| now < *until);
        self.not_before.insert(question.attempt, at + question.pause);
    }

    /// Whether a question about payouts may be looked for now. A clock that went back leaves times ahead of it.
    pub fn may_seek(&self, psp: &str, now: Timestamp) -> bool {
        self.sought.get(psp).is_none_or(|at| *at + SEEK_EVERY <= now || now < *at)
    }

    /// A question about payouts is looked for in the books, if the time has come: the attempts that it may not
    /// be about.
    pub fn seek(&mut self, psp: &str, now: Timestamp) -> Option<Vec<AttemptId>> {
        if !self.may_seek(psp, now) {
            return None;
        }
        self.sought.insert(psp.to_owned(), now);
        let too_early = self.not_before.iter().filter(|(_, until)| now < **until);
        Some(too_early.map(|(attempt, _)| *attempt).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use psp_contract::{Lookup, Subject};
    use time::macros::datetime;
    use uuid::Uuid;

    const PSP: &str = "psp";
    const OUT: Direction = Direction::Withdrawal;
    const NOW: Timestamp = datetime!(2026-03-01 12:00 UTC);
    const QUARTER: Duration = Duration::from_secs(900);

    fn about(attempt: u128) -> Question {
        let psp_reference = attempt.to_string();
        let operation = Operation::Lookup(Lookup { subject: Some(Subject::Payout), psp_reference });
        Question { attempt: AttemptId(Uuid::from_u128(attempt)), operation, pause: QUARTER }
    }

    #[test]
    fn an_attempt_is_not_asked_about_more_often_than_its_psp_allows() {
        let mut questions = Questions::default();
        let ready = |questions: &Questions, at| {
            questions.ready(PSP, OUT, at).map(|question| question.attempt.0.as_u128())
        };
        assert_eq!(ready(&questions, NOW), None);
        questions.remember(PSP, OUT, about(1));
        assert_eq!(ready(&questions, NOW), Some(1));
        assert!(questions.take(PSP, OUT, NOW).is_some());
        questions.remember(PSP, OUT, about(1));
        let early = NOW + QUARTER - Duration::from_secs(1);
        assert_eq!(ready(&questions, early), None);
        assert_eq!(questions.seek(PSP, early), Some(vec![about(1).attempt]));
        assert_eq!(questions.seek(PSP, early), None, "it was looked for a moment ago");
        assert_eq!(ready(&questions, NOW + QUARTER), Some(1));
        assert_eq!(questions.seek(PSP, early + SEEK_EVERY), Some(vec![]));
        // Another attempt of that PSP may be asked about at once.
        questions.remember(PSP, OUT, about(2));
        assert_eq!(ready(&questions, early), Some(2));
    }
}
