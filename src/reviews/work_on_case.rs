//! A person works on a case: takes it, hands it on, notes, asks for information.

use super::decide_case::CaseError;
use crate::book::Review;
use crate::decide::desk_work::{DeskAct, work};
use crate::domain::{OperatorId, PersonId, ReviewId};
use crate::flows::Flows;
use crate::store::cases::{self, OnceDone, Worked};
use crate::store::once_keys::Once;

/// Does what leaves words in the case, once for its request. True: it was done before, and nothing was done now.
pub async fn write_in_case(
    flows: &Flows,
    operator: &OperatorId,
    review: ReviewId,
    act: DeskAct,
    (person, once): (PersonId, Once),
) -> Result<bool, CaseError> {
    let (terms, now) = (flows.reviews.terms.clone(), flows.clock.now());
    let act = |review: &mut Review| work(review, &act, &person, &terms, now);
    let done = cases::work_once(flows.db.pool(), operator, review.0, (&once, now), act).await?;
    match done.ok_or(CaseError::NotFound)? {
        OnceDone::Done => Ok(false),
        OnceDone::Before => Ok(true),
        OnceDone::KeyReused => Err(CaseError::KeyReused),
        OnceDone::Refused(refusal) => Err(CaseError::Refused(refusal)),
    }
}

/// Does it, under the lock of the case.
pub async fn work_on_case(
    flows: &Flows,
    operator: &OperatorId,
    review: ReviewId,
    act: DeskAct,
    person: PersonId,
) -> Result<(), CaseError> {
    let (terms, now) = (flows.reviews.terms.clone(), flows.clock.now());
    let done = cases::work(flows.db.pool(), operator, review.0, |review| {
        work(review, &act, &person, &terms, now).map(Worked::plain)
    });
    match done.await? {
        Some(Ok(_)) => Ok(()),
        Some(Err(refusal)) => Err(CaseError::Refused(refusal)),
        None => Err(CaseError::NotFound),
    }
}
