//! A person lifts a switch: what it stopped may begin again.

use super::set_switch::hold_here;
use super::switches::{Lifted, Switch};
use crate::domain::{OperatorId, PersonId};
use crate::flows::Flows;
use crate::store::{StoreError, switches};
use uuid::Uuid;

/// What became of it.
#[derive(Debug)]
pub enum Lift {
    /// As it is now.
    Now(Box<Switch>),
    /// Somebody lifted it before, or it had ended; that stands.
    Before,
    /// There is none of this id that the operator may see.
    NotFound,
}

/// Lifts a switch of this operator, once; here at once, and on every instance within a second.
pub async fn lift_switch(
    flows: &Flows,
    operator: &OperatorId,
    id: Uuid,
    person: &PersonId,
    reason: &str,
) -> Result<Lift, StoreError> {
    let (pool, now) = (flows.db.pool(), flows.clock.now());
    let Some(switch) = switches::one(pool, operator, id).await? else {
        return Ok(Lift::NotFound);
    };
    if switch.until.is_some_and(|until| until <= now) {
        return Ok(Lift::Before);
    }
    let lifted = Lifted { by: person.clone(), at: now, reason: reason.to_owned() };
    if !switches::lift(pool, id, &lifted).await? {
        return Ok(Lift::Before);
    }
    tracing::warn!(switch.id = %id, operator.id = %operator, person.id = %person,
        "a person lifted a switch");
    metrics::counter!("routing_switches_total", "act" => "lifted").increment(1);
    hold_here(flows, now).await;
    Ok(Lift::Now(Box::new(Switch { lifted: Some(lifted), ..switch })))
}
