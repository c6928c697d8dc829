//! Calls PSPs for a payment, one attempt after another, until one has it or nobody is left.
//!
//! Every attempt that is called here was committed before, in flight and leased to this instance.
//! No transaction is open while a PSP thinks. Whatever comes back is submitted as news, and the
//! lane says whether another PSP is next.

use crate::book::{Attempt, Part, Payment, Wire};
use crate::decide::Answer;
use crate::decide::command::{News, Source};
use crate::domain::{AttemptId, PartId, Timestamp};
use crate::flows::Flows;
use crate::payments::facts::{inquiry_of, operation_of};
use crate::payments::tell_news::{Tries, tell_news};
use crate::payments::tell_unreachable::tell_unreachable;
use crate::routing::faults::is_approved;
use crate::routing::learn::{counts, learn};
use crate::routing::observe::bucket_of;
use crate::routing::questions::Question;
use crate::routing::switches::Use;
use crate::store::places::AttemptPlace;
use psp_adapters::{Performed, WireRecord};
use psp_contract::{InquiryBy, NotSent, Operation, Outcome};
use std::sync::Arc;

/// Runs the attempt and all that follow from it. Returns the payment as it stands afterwards.
pub async fn run_attempts(flows: &Flows, mut payment: Payment, first: AttemptId) -> Payment {
    let mut next = Some(first);
    while let Some(id) = next.take() {
        let Some(attempt) = payment.attempt(id).cloned() else { break };
        // Its webhooks come soon, and the first of them perhaps before the call's own answer.
        let (player, is_return) = (payment.player.clone(), payment.returns.is_some());
        let place = AttemptPlace { player, payment: payment.id, is_return, attempt: id };
        flows.desks.known.remember(&attempt.psp, place);
        let (outcome, wires) = call(flows, &payment, &attempt).await;
        let approved = is_approved(&outcome);
        let news = News {
            payment: payment.id.uuid,
            direction: payment.direction(),
            attempt: id,
            source: Source::Call,
            outcome,
            wires,
        };
        match tell_news(flows, &payment.player, news, Tries::Persistent).await {
            Ok(Answer::Applied { payment: after, next: following, ended }) => {
                payment = Arc::unwrap_or_clone(after);
                learn(flows, &payment, id, approved, ended);
                next = following;
                if next.is_none() {
                    tell_unreachable(flows, &payment, id).await;
                }
                if next.is_none() && payment.is_due(flows.clock.now()) {
                    flows.nudges.attempts.notify_one();
                }
            }
            Ok(_) => break,
            Err(error) => {
                // The attempt stays in flight; when its lease ends it is unknown and inquired.
                tracing::error!(payment.id = %payment.id, attempt.id = %id, %error,
                    "the outcome of a call could not be recorded");
                break;
            }
        }
    }
    payment
}

/// One call, unless it must not be made now.
async fn call(flows: &Flows, payment: &Payment, attempt: &Attempt) -> (Outcome, Vec<Wire>) {
    let (Some(psp), Some(operation)) =
        (flows.psps.get(&attempt.psp), operation_of(payment, attempt))
    else {
        return (Outcome::NotSent(NotSent::NotExpressible), Vec::new());
    };
    let now = flows.clock.now();
    if !has_time_for_a_call(flows, attempt) {
        tracing::warn!(payment.id = %payment.id, attempt.id = %attempt.id, psp.id = attempt.psp,
            "not sent: this instance paused after it was recorded, and its lease is over or nearly so");
        return (Outcome::NotSent(NotSent::DeadlineBeforeSend), Vec::new());
    }
    if let Some(why) = keep_away(flows, payment, attempt, now) {
        return (Outcome::NotSent(why), Vec::new());
    }
    let bucket = bucket_of(payment, attempt.part);
    let call = counts(payment).then(|| flows.health.sent(&bucket, &attempt.psp, now));
    let performed = perform(flows, &psp, &operation).await;
    if let Some(call) = call {
        call.answered(&performed.outcome, flows.clock.now());
        remember_question(flows, payment, attempt, &performed.outcome);
    }
    (performed.outcome, wires(attempt.id, "create", &performed.wire))
}

/// Whether a call that begins now is over before somebody else may take the attempt. Between the commit that
/// gave the lease and this moment the process may have stood still for hours, as with a machine that was
/// frozen: meanwhile people may have called the payout unpaid, and another PSP may have paid it.
pub fn has_time_for_a_call(flows: &Flows, attempt: &Attempt) -> bool {
    let over_by = flows.clock.now() + flows.psp_deadline;
    attempt.lease.as_ref().is_some_and(|lease| over_by <= lease.until)
}

/// Who no longer serves such payments, and what people switched off, is not called, even when nobody else is
/// left. A PSP that fails is passed over
/// while the plan has somebody else who works; money that leaves does not even probe it then, and hardly a deposit
/// does that would hang when its answer is lost. When all that are left fail, they are asked in the plan's order.
fn keep_away(
    flows: &Flows,
    payment: &Payment,
    attempt: &Attempt,
    now: Timestamp,
) -> Option<NotSent> {
    let direction = payment.direction();
    if let Some((what, why)) = forbidden(flows, payment, (&attempt.psp, attempt.part), now) {
        tracing::info!(payment.id = %payment.id, psp.id = attempt.psp, "not called: {why}");
        return Some(what);
    }
    let is_avoided = flows.health.is_avoided(&attempt.psp, direction, now);
    (is_avoided && has_another(flows, payment, attempt, now)).then_some(NotSent::BreakerOpen)
}

/// Why this PSP must not be called for this payment now, or for this part of it.
fn forbidden(
    flows: &Flows,
    payment: &Payment,
    (psp, part): (&str, Option<PartId>),
    now: Timestamp,
) -> Option<(NotSent, String)> {
    if let Some(why) = unserved(flows, payment, (psp, part)) {
        return Some((NotSent::NotServed, why));
    }
    let asked = Use {
        operator: &payment.player.operator,
        psp,
        country: &payment.country,
        direction: payment.direction(),
        method: payment.method_of(part),
    };
    flows.switches.forbids(&asked, now).map(|why| (NotSent::SwitchedOff, why))
}

/// Why the account does not serve it as it is configured now: a plan may wait for days, and meanwhile the
/// operator, the market or the range was taken from the account. What goes back goes back there or nowhere.
fn unserved(
    flows: &Flows,
    payment: &Payment,
    (psp, part): (&str, Option<PartId>),
) -> Option<String> {
    if payment.returns.is_some() {
        return None;
    }
    let operator = &payment.player.operator;
    let mut accounts = flows.accounts.iter();
    let account = accounts.find(|account| account.id == psp && account.serves_operator(operator));
    let Some(account) = account else { return Some(format!("does not serve {operator}")) };
    let money = part.and_then(|part| payment.part(part)).map_or(payment.money, |part| part.money);
    account.refusal(payment.direction(), &payment.country, payment.method_of(part), money)
}

/// Keeps how this PSP can be asked about an attempt that it has: that shows whether it is well again.
fn remember_question(flows: &Flows, payment: &Payment, attempt: &Attempt, outcome: &Outcome) {
    let Outcome::Reported(report) = outcome else { return };
    let reference = report.psp_reference.as_deref();
    if let Some(question) = question_about(flows, payment, attempt, reference) {
        flows.health.questions(|known| {
            known.remember(&attempt.psp, payment.direction(), question);
        });
    }
}

/// The question about an attempt, where its PSP can be asked by the id that it gave it, or by ours.
pub fn question_about(
    flows: &Flows,
    payment: &Payment,
    attempt: &Attempt,
    psp_reference: Option<&str>,
) -> Option<Question> {
    let psp = flows.psps.get(&attempt.psp)?;
    let can = psp.capabilities().inquiry(payment.subject());
    let by = match psp_reference {
        Some(reference) if can.by_psp_reference => InquiryBy::PspReference(reference.to_owned()),
        _ if can.by_our_reference => InquiryBy::OurReference,
        _ => return None,
    };
    let operation = inquiry_of(payment, attempt, by);
    Some(Question { attempt: attempt.id, operation, pause: can.min_interval })
}

/// Performs an operation within the deadline of one call.
pub async fn perform(flows: &Flows, psp: &psp_adapters::Psp, operation: &Operation) -> Performed {
    psp.perform(operation, flows.psp_deadline, || flows.clock.now()).await
}

/// Whether the plan has somebody left who would be called, and works. Whoever fails as well is no reason to
/// pass anybody over: the payment would fail for want of a PSP that was never asked.
fn has_another(flows: &Flows, payment: &Payment, attempt: &Attempt, now: Timestamp) -> bool {
    let (part, direction) = (attempt.part, payment.direction());
    payment.route_of(part).candidates.iter().any(|candidate| {
        let psp = candidate.psp.as_str();
        let names = |part: &Part| payment.returns.is_some() || part.can_be_named_to(psp);
        candidate.rank.is_some()
            && !payment.was_tried(part, psp)
            && part.and_then(|part| payment.part(part)).is_none_or(names)
            && flows.psps.get(psp).is_some()
            && !flows.health.is_failing(psp, direction)
            && forbidden(flows, payment, (psp, part), now).is_none()
    })
}

/// What was put on the wire, for the record.
pub fn wires(attempt: AttemptId, purpose: &'static str, records: &[WireRecord]) -> Vec<Wire> {
    records
        .iter()
        .map(|record| Wire {
            attempt,
            purpose,
            step: record.step.to_owned(),
            status: record.status.map(i32::from),
            failure: record.failure,
            duration_ms: i32::try_from(record.duration_ms).unwrap_or(i32::MAX),
            request_sha256: record.request_sha256,
        })
        .collect()
}
