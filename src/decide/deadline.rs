//! A withdrawal is to be at its end by a time: people are warned before, and told when it is late.
//!
//! Nothing here moves money or changes what was decided about it: who is late is paid, refused or asked
//! about as before, and people know of it.

use super::command::{Answer, Ctx};
use super::people::raise;
use super::refusal::Refusal;
use crate::book::{Book, Deadline};
use crate::domain::Timestamp;
use crate::payments::withdrawal_machine;
use crate::screening::decision::Decision;
use crate::screening::engine;
use std::sync::Arc;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

/// People were warned.
pub const DUE_SOON: &str = "withdrawal.due_soon";
/// It was not at its end in time.
pub const OVERDUE: &str = "withdrawal.overdue";

/// Keeps what the policy that decided a request promises of it, where it promises something.
pub fn open(book: &mut Book, id: Uuid, decision: &Decision, ctx: &Ctx<'_>) {
    let named = decision.screening.policy.as_ref();
    let policy = named.and_then(|(market, version, _)| ctx.policies.version(market, version));
    let Some(promise) = engine::pay_by(policy, &decision.facts) else { return };
    let pay_by = promise.pay_by;
    let deadline = Deadline {
        payment: book.payments[&id].id,
        version: promise.version,
        rule: promise.rule.to_string(),
        asked_at: pay_by.asked_at,
        warn_at: pay_by.warn_at,
        deadline_at: pay_by.deadline_at,
        due_at: Some(pay_by.warn_at),
        warned_at: None,
        passed_at: None,
    };
    book.deadlines.insert(id, deadline);
    book.dirty.deadlines.insert(id);
}

/// Looks at a withdrawal whose time is near or over. `ended_at`: when it came to its end, as far as the
/// caller has read; where it has ended since, the caller reads again.
pub fn watch(
    book: &mut Book,
    id: Uuid,
    ended_at: Option<Timestamp>,
    ctx: &Ctx<'_>,
) -> Result<Answer, Refusal> {
    let payment = Arc::clone(book.payments.get(&id).ok_or(Refusal::NotFound)?);
    let mut deadline = book.deadlines.get(&id).ok_or(Refusal::NotFound)?.clone();
    let is_over = payment.withdrawal_status().is_some_and(withdrawal_machine::is_final);
    if deadline.due_at.is_none() || (is_over && ended_at.is_none()) {
        return Ok(Answer::Nothing);
    }
    // Under the player's lock nothing ends before now any more.
    let is_late = match ended_at.filter(|_| is_over) {
        Some(ended_at) => deadline.deadline_at < ended_at,
        None => deadline.deadline_at <= ctx.now,
    };
    book.record.payment = Some(payment.id);
    if is_late {
        let stands = if is_over { "ended late, as" } else { "stands at" };
        let detail = detail(&deadline, &format!("it {stands} {}", payment.status));
        raise(book, OVERDUE, id, None, &detail, ctx);
        (deadline.passed_at, deadline.due_at) = (Some(ctx.now), None);
    } else if is_over {
        deadline.due_at = None;
    } else {
        if deadline.warned_at.is_none() && deadline.warn_at <= ctx.now {
            let detail = detail(&deadline, &format!("it stands at {}", payment.status));
            raise(book, DUE_SOON, id, None, &detail, ctx);
            deadline.warned_at = Some(ctx.now);
        }
        let next =
            if deadline.warned_at.is_some() { deadline.deadline_at } else { deadline.warn_at };
        deadline.due_at = Some(next);
    }
    book.deadlines.insert(id, deadline);
    book.dirty.deadlines.insert(id);
    Ok(Answer::Payment(payment))
}

fn detail(deadline: &Deadline, stands: &str) -> String {
    let text = |at: Timestamp| at.format(&Rfc3339).unwrap_or_default();
    let Deadline { version, rule, asked_at, deadline_at, .. } = deadline;
    format!(
        "asked for at {}, to be paid by {} ({rule} of {version}); {stands}",
        text(*asked_at),
        text(*deadline_at)
    )
}
