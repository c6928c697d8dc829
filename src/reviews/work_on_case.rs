//! A person works on a case: takes it, hands it on, notes, asks for information.

use super::decide_case::CaseError;
use crate::decide::desk_work::{DeskAct, work};
use crate::domain::{OperatorId, PersonId, ReviewId};
use crate::flows::Flows;
use crate::store::cases::{self, Worked};

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
