//! People lift a switch: what it stopped may begin again. Maintenance is lifted by one person, an
//! emergency's *off* by two: the first one's call proposes it in the switch's case, another one's approves.

use super::set_switch::hold_here;
use super::switches::{Lifted, Switch, SwitchKind};
use crate::book::{CaseAct, Review};
use crate::decide::Refusal;
use crate::decide::four_eyes::Draft;
use crate::decide::service_case::{self, ServiceAct, act};
use crate::domain::{OperatorId, PersonId, ProposalId, ReviewId, Timestamp};
use crate::flows::Flows;
use crate::store::cases::{self, CaseKey, Worked};
use crate::store::{StoreError, switches};
use uuid::Uuid;

/// What became of it.
#[derive(Debug)]
pub enum Lift {
    /// As it is now.
    Now(Box<Switch>),
    /// It is still on: another person must approve, in this case.
    Proposed(Box<Switch>, ReviewId),
    /// Somebody lifted it before, or it had ended; that stands.
    Before,
    /// There is none of this id that the operator may see.
    NotFound,
}

/// Why it was not lifted.
#[derive(Debug, thiserror::Error)]
pub enum LiftError {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("lifting the switch")]
    Store(#[from] StoreError),
}

/// Lifts a switch of this operator, once; here at once, and on every instance within a second.
pub async fn lift_switch(
    flows: &Flows,
    operator: &OperatorId,
    id: Uuid,
    person: &PersonId,
    reason: &str,
) -> Result<Lift, LiftError> {
    let (pool, now) = (flows.db.pool(), flows.clock.now());
    let Some(switch) = switches::one(pool, operator, id).await? else {
        return Ok(Lift::NotFound);
    };
    if switch.lifted.is_some() || switch.until.is_some_and(|until| until <= now) {
        return Ok(Lift::Before);
    }
    let lifted = Lifted { by: person.clone(), at: now, reason: reason.to_owned() };
    match switch.kind {
        SwitchKind::Maintenance => {
            if !switches::lift(pool, id, &lifted).await? {
                return Ok(Lift::Before);
            }
        }
        SwitchKind::Kill => {
            let case = case_of(flows, &switch, person, now).await?;
            if !lift_together(flows, operator, case, person, reason).await? {
                let now = switches::one(pool, operator, id).await?.unwrap_or(switch);
                return Ok(Lift::Proposed(Box::new(now), case));
            }
        }
    }
    tracing::warn!(switch.id = %id, operator.id = %operator, person.id = %person,
        "a switch was lifted");
    metrics::counter!("routing_switches_total", "act" => "lifted").increment(1);
    hold_here(flows, now).await;
    let now = switches::one(pool, operator, id).await?;
    Ok(Lift::Now(Box::new(now.unwrap_or(Switch { lifted: Some(lifted), ..switch }))))
}

/// The open case of the switch; a new one, where the last was closed because people confirmed it.
async fn case_of(
    flows: &Flows,
    switch: &Switch,
    person: &PersonId,
    now: Timestamp,
) -> Result<ReviewId, StoreError> {
    let pool = flows.db.pool();
    if let Some(open) = cases::of_switch(pool, switch.id).await? {
        return Ok(ReviewId(open));
    }
    let id = ReviewId(flows.ids.next());
    let case = service_case::of_switch(id, switch.id, person, &flows.reviews.terms, now);
    // Nobody else has this key: what makes the case one is the index of open cases of a switch.
    let key = format!("lift-{}", id.0.simple());
    let key = CaseKey { key: &key, fingerprint: [0; 32] };
    match cases::open(pool, &switch.operator, &case, &key).await {
        Err(StoreError::Constraint { .. }) => {
            let open = cases::of_switch(pool, switch.id).await?;
            Ok(open.map_or(id, ReviewId))
        }
        opened => opened.map(|_| id),
    }
}

/// True: this was the approval that was missing.
async fn lift_together(
    flows: &Flows,
    operator: &OperatorId,
    case: ReviewId,
    person: &PersonId,
    reason: &str,
) -> Result<bool, LiftError> {
    let (terms, now) = (flows.reviews.terms.clone(), flows.clock.now());
    let draft = Draft {
        id: ProposalId(flows.ids.next()),
        outcome: "reject".to_owned(),
        note: reason.to_owned(),
        payload: None,
        person: person.clone(),
    };
    let done = cases::work(flows.db.pool(), operator, case.0, |review| {
        let next = match liftable_by(review, person) {
            Some(proposal) => {
                // An approval has no words of its own: theirs stand in the case's history.
                review.tell(CaseAct::Note, Some(person), Some(reason), now);
                ServiceAct::Approve(proposal)
            }
            None => ServiceAct::Propose(draft),
        };
        let lifted = act(review, next, person, &terms, now)?;
        // The proposal keeps its own reason; whoever lifts it gave this one.
        let lifted = lifted.map(|lifted| Lifted { reason: reason.to_owned(), ..lifted });
        let lift = review.switch.zip(lifted);
        Ok::<_, Refusal>(Worked { lift: lift.clone(), ..Worked::plain(lift.is_some()) })
    });
    match done.await? {
        Some(Ok((is_lifted, _))) => Ok(is_lifted),
        Some(Err(refusal)) => Err(refusal.into()),
        None => Ok(false),
    }
}

/// The proposal to lift that another person made.
fn liftable_by(review: &Review, person: &PersonId) -> Option<ProposalId> {
    let open = review.open_proposal().filter(|open| open.outcome == "reject")?;
    (open.proposed_by != *person).then_some(open.id)
}
