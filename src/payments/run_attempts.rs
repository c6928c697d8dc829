//! Calls PSPs for a payment, one attempt after another, until one has it or nobody is left.
//!
//! Every attempt that is called here was committed before, in flight and leased to this instance.
//! No transaction is open while a PSP thinks. Whatever comes back is submitted as news, and the
//! lane says whether another PSP is next.

use crate::book::{Attempt, Payment, Wire};
use crate::decide::command::{News, Source};
use crate::decide::{Answer, Command};
use crate::domain::{AttemptId, Timestamp};
use crate::flows::Flows;
use crate::payments::facts::operation_of;
use crate::routing::breaker::Permit;
use crate::store::places::AttemptPlace;
use psp_adapters::{Performed, WireRecord};
use psp_contract::{NotSent, Operation, Outcome};

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
        let news = News {
            payment: payment.id.uuid,
            direction: payment.direction(),
            attempt: id,
            source: Source::Call,
            outcome,
            wires,
        };
        let command = Command::News(Box::new(news));
        match flows.submit_persistently(&payment.player, command).await {
            Ok(Answer::Applied { payment: after, next: following }) => {
                payment = *after;
                next = following;
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

/// One call, unless the breaker is open and the plan has somebody else to ask.
async fn call(flows: &Flows, payment: &Payment, attempt: &Attempt) -> (Outcome, Vec<Wire>) {
    let direction = payment.direction();
    let (Some(psp), Some(operation)) =
        (flows.psps.get(&attempt.psp), operation_of(payment, attempt))
    else {
        return (Outcome::NotSent(NotSent::NotExpressible), Vec::new());
    };
    let permit = flows.health.claim(&attempt.psp, direction, flows.clock.now());
    if permit == Permit::No && has_another(payment, attempt) {
        return (Outcome::NotSent(NotSent::BreakerOpen), Vec::new());
    }
    let performed = perform(flows, &psp, &operation).await;
    flows.health.observe(&attempt.psp, direction, &performed.outcome, flows.clock.now());
    (performed.outcome, wires(attempt.id, "create", &performed.wire))
}

/// Performs an operation within the deadline of one call.
pub async fn perform(flows: &Flows, psp: &psp_adapters::Psp, operation: &Operation) -> Performed {
    let now: Timestamp = flows.clock.now();
    psp.perform(operation, flows.psp_deadline, now).await
}

fn has_another(payment: &Payment, attempt: &Attempt) -> bool {
    payment.route.candidates.iter().any(|candidate| {
        let tried = payment
            .attempts
            .iter()
            .any(|other| other.part == attempt.part && other.psp == candidate.psp);
        candidate.rank.is_some() && !tried
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
