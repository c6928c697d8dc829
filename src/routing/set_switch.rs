//! A person switches something off, now or for a time to come.

use super::load_switches::load_switches;
use super::switches::{Scope, Switch, SwitchKind};
use crate::book::Review;
use crate::decide::four_eyes::{Draft, propose};
use crate::decide::{Refusal, service_case};
use crate::domain::{OperatorId, PersonId, ProposalId, ReviewId, Timestamp};
use crate::flows::Flows;
use crate::store::StoreError;
use crate::store::switches::{self, Set};

/// What a person asks for.
#[derive(Debug, Clone)]
pub struct SwitchOrder {
    pub operator: OperatorId,
    pub person: PersonId,
    pub kind: SwitchKind,
    pub scope: Scope,
    pub reason: String,
    /// None: now.
    pub from: Option<Timestamp>,
    pub until: Option<Timestamp>,
}

/// So many switches of one operator may be planned for a time to come. What is for now is never refused for
/// their number.
pub const PLANNED_MAX: i64 = 500;

/// Why nothing was switched off.
#[derive(Debug, thiserror::Error)]
pub enum SetError {
    #[error("the switch names nothing: it would stop everything")]
    Everything,
    #[error("the operator has no such PSP account")]
    UnknownPsp,
    #[error("it ends before it begins, or has ended already")]
    EndsTooSoon,
    #[error("maintenance has an end")]
    NoEnd,
    #[error("the operator has planned {PLANNED_MAX} switches already: lift some of them first")]
    TooManyPlanned,
    #[error("the idempotency key set another switch before")]
    KeyReused,
    #[error("opening its case")]
    Case(#[from] Refusal),
    #[error("keeping the switch")]
    Store(#[from] StoreError),
}

/// Sets the switch; it holds here at once, and on every instance within a second. True: it is a repeat of
/// one that was set before.
pub async fn set_switch(
    flows: &Flows,
    order: SwitchOrder,
    idempotency_key: &str,
) -> Result<(Switch, bool), SetError> {
    // Before anything is checked: a repeat is told what was first told, whatever has become of it since.
    let before = switches::by_key(flows.db.pool(), &order.operator, idempotency_key).await?;
    if let Some(before) = before {
        return repeated(before, &order);
    }
    let now = flows.clock.now();
    let switch = checked(flows, order.clone(), now)?;
    if now < switch.from {
        let planned = switches::to_come(flows.db.pool(), &switch.operator, now).await?;
        if PLANNED_MAX <= planned {
            return Err(SetError::TooManyPlanned);
        }
    }
    let case =
        (switch.kind == SwitchKind::Kill).then(|| look_at(flows, &switch, now)).transpose()?;
    let switch = Switch { review: case.as_ref().map(|case| case.id), ..switch };
    let set = switches::set(flows.db.pool(), &switch, case.as_ref(), idempotency_key).await?;
    if let Set::Before(before) = set {
        return repeated(*before, &order);
    }
    tracing::warn!(switch.id = %switch.id, operator.id = %switch.operator, kind = switch.kind.as_str(),
        psp.id = switch.scope.psp.as_deref().unwrap_or("all"), person.id = %switch.set_by,
        "a person switched payments off");
    metrics::counter!("routing_switches_total", "act" => "set").increment(1);
    hold_here(flows, now).await;
    Ok((switch, false))
}

/// What was set before under the key, if it is what is asked for now.
fn repeated(before: Switch, order: &SwitchOrder) -> Result<(Switch, bool), SetError> {
    let same = before.kind == order.kind
        && before.scope == order.scope
        && before.reason == order.reason
        && before.from == order.from.unwrap_or(before.set_at)
        && before.until == order.until;
    if same { Ok((before, true)) } else { Err(SetError::KeyReused) }
}

/// The case in which others look at what one person switched off in an emergency: they confirm it, or lift it
/// together.
fn look_at(flows: &Flows, switch: &Switch, now: Timestamp) -> Result<Review, SetError> {
    let terms = &flows.reviews.terms;
    let id = ReviewId(flows.ids.next());
    let mut case = service_case::of_switch(id, switch.id, &switch.set_by, terms, now);
    let draft = Draft {
        id: ProposalId(flows.ids.next()),
        outcome: "approve".to_owned(),
        note: switch.reason.clone(),
        payload: None,
        person: switch.set_by.clone(),
    };
    propose(&mut case, draft, now)?;
    Ok(case)
}

/// The row stands: should this fail, the worker loads it.
pub(crate) async fn hold_here(flows: &Flows, now: Timestamp) {
    if let Err(error) = load_switches(flows, now).await {
        tracing::warn!(%error, "a change of switches will hold here a moment later");
    }
    flows.nudges.switches.notify_one();
}

fn checked(flows: &Flows, order: SwitchOrder, now: Timestamp) -> Result<Switch, SetError> {
    if order.scope.is_everything() {
        return Err(SetError::Everything);
    }
    if let Some(psp) = &order.scope.psp {
        let known = |account: &&super::PspAccount| {
            account.id == *psp && account.serves_operator(&order.operator)
        };
        flows.accounts.iter().find(known).ok_or(SetError::UnknownPsp)?;
    }
    let from = order.from.unwrap_or(now);
    match order.until {
        Some(until) if until <= from.max(now) => return Err(SetError::EndsTooSoon),
        None if order.kind == SwitchKind::Maintenance => return Err(SetError::NoEnd),
        _ => {}
    }
    Ok(Switch {
        id: flows.ids.next(),
        operator: order.operator,
        kind: order.kind,
        scope: order.scope,
        reason: order.reason,
        set_by: order.person,
        set_at: now,
        from,
        until: order.until,
        review: None,
        lift_proposed: None,
        lifted: None,
    })
}
