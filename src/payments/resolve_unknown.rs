//! An attempt whose time has come: it is asked about, replayed, or left waiting.
//!
//! Always the same attempt: an unknown payout is never sent to anybody else, and no timer fails
//! one. What the ladder and the PSP's capabilities allow was decided in the lane, which also gave
//! the lease; here it is only carried out.

use crate::book::{Payment, Wire};
use crate::decide::command::{News, Source, Task};
use crate::decide::{Answer, Command};
use crate::domain::{AttemptId, Direction, PlayerKey};
use crate::flows::Flows;
use crate::lane::SubmitError;
use crate::payments::facts::{completion_of, inquiry_of, operation_of};
use crate::payments::know_before_taking::{TakeError, know_before_taking};
use crate::payments::run_attempts::{has_time_for_a_call, perform, run_attempts, wires};
use crate::payments::start_deposit::SCREENINGS_MAX;
use crate::payments::tell_news::{Tries, tell_news};
use crate::routing::faults::is_approved;
use crate::routing::learn::learn;
use psp_contract::{AttemptRef, InquiryBy, Operation, Outcome, Report, Status};
use std::sync::Arc;
use uuid::Uuid;

/// Takes the attempt, if it is due and free, and does what is to be done about it. True: something
/// was done.
pub async fn resolve_unknown(
    flows: &Flows,
    player: &PlayerKey,
    payment: Uuid,
    attempt: AttemptId,
) -> Result<bool, TakeError> {
    let take = |known| Command::TakeAttempt { payment, attempt, known };
    let mut taken = flows.lanes.submit(player, take(None)).await?;
    for _ in 0..SCREENINGS_MAX {
        // Asked for once more where the player's record changed meanwhile; after that it stays due.
        let Answer::AnswersWanted(deposit) = &taken else { break };
        let known = know_before_taking(flows, deposit).await?;
        taken = flows.lanes.submit(player, take(Some(Box::new(known)))).await?;
    }
    match taken {
        Answer::Taken { payment, attempt, task: Task::Send } => {
            run_attempts(flows, Arc::unwrap_or_clone(payment), attempt).await;
            Ok(true)
        }
        Answer::Taken { payment, attempt, task } => {
            carry_out(flows, &payment, attempt, &task).await?;
            Ok(true)
        }
        Answer::Applied { .. } => Ok(true),
        _ => Ok(false),
    }
}

async fn carry_out(
    flows: &Flows,
    payment: &Payment,
    id: AttemptId,
    task: &Task,
) -> Result<(), SubmitError> {
    let Some(attempt) = payment.attempt(id) else { return Ok(()) };
    let (operation, source, purpose) = match task {
        Task::Inquire(by) => {
            (Some(inquiry_of(payment, attempt, by.clone())), Source::Inquiry, "inquiry")
        }
        Task::Replay => (operation_of(payment, attempt), Source::Replay, "replay"),
        Task::Complete => {
            (Some(completion_of(payment, attempt, None)), Source::Completion, "completion")
        }
        Task::CancelAtPsp => (cancellation(attempt), Source::Inquiry, "cancel"),
        Task::Send | Task::Wait | Task::AskPeople => (None, Source::Inquiry, "none"),
    };
    let Some(operation) = operation else { return Ok(()) };
    ask(flows, payment, id, Question { operation, source, purpose }).await.map(drop)
}

/// What is asked of a PSP about an attempt that it may have, and what the answer is taken for.
#[derive(Debug)]
pub struct Question {
    pub operation: Operation,
    pub source: Source,
    pub purpose: &'static str,
}

/// Asks, and records the answer; what it leads to is done. The payment as the answer left it, unless its
/// attempt is nobody's any more.
pub async fn ask(
    flows: &Flows,
    payment: &Payment,
    id: AttemptId,
    Question { operation, source, purpose }: Question,
) -> Result<Option<Payment>, SubmitError> {
    let Some(attempt) = payment.attempt(id) else { return Ok(None) };
    let Some(psp) = flows.psps.get(&attempt.psp) else { return Ok(None) };
    if !has_time_for_a_call(flows, attempt) {
        // Its key may have ended at the PSP by now, and then the same request pays a second time. Whoever
        // takes the attempt next does what is right at that time.
        return Ok(None);
    }
    let performed = perform(flows, &psp, &operation).await;
    let mut all = wires(id, purpose, &performed.wire);
    let (mut source, mut outcome) = (source, performed.outcome);
    if let (Source::Replay, Some(by)) = (source, replay_says_little(&outcome)) {
        // A replay answers what was answered first; what became of it since, the PSP's id tells.
        let asked = perform(flows, &psp, &inquiry_of(payment, attempt, by)).await;
        let more = wires(id, "inquiry", &asked.wire);
        if is_refusal(&asked.outcome) && payment.direction() == Direction::Withdrawal {
            // A payout that was refused after it was taken is another thing than one refused at once.
            let taken = (source, std::mem::replace(&mut outcome, asked.outcome), all);
            let applied = tell(flows, payment, id, taken).await?;
            let Answer::Applied { .. } = applied else { return Ok(None) };
            (source, all) = (Source::Inquiry, more);
        } else {
            all.extend(more);
            if let Outcome::Reported(_) = &asked.outcome {
                outcome = asked.outcome;
            }
        }
    }
    let approved = is_approved(&outcome);
    let applied = tell(flows, payment, id, (source, outcome, all)).await?;
    let Answer::Applied { payment, next, ended } = applied else { return Ok(None) };
    learn(flows, &payment, id, approved, ended);
    if payment.is_due(flows.clock.now()) {
        // What was learnt asks for another call: the worker makes it at once.
        flows.nudges.attempts.notify_one();
    }
    Ok(Some(match next {
        Some(next) => run_attempts(flows, Arc::unwrap_or_clone(payment), next).await,
        None => Arc::unwrap_or_clone(payment),
    }))
}

async fn tell(
    flows: &Flows,
    payment: &Payment,
    attempt: AttemptId,
    (source, outcome, wires): (Source, Outcome, Vec<Wire>),
) -> Result<Answer, SubmitError> {
    let (payment_id, direction) = (payment.id.uuid, payment.direction());
    let news = News { payment: payment_id, direction, attempt, source, outcome, wires };
    tell_news(flows, &payment.player, news, Tries::Persistent).await
}

fn cancellation(attempt: &crate::book::Attempt) -> Option<Operation> {
    let psp_reference = attempt.psp_reference.clone()?;
    Some(Operation::CancelDeposit { attempt: AttemptRef::new(attempt.id.0), psp_reference })
}

const fn is_refusal(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Reported(Report { status: Status::Declined(_), .. }))
}

fn replay_says_little(outcome: &Outcome) -> Option<InquiryBy> {
    match outcome {
        Outcome::Reported(report)
            if matches!(
                report.status,
                Status::Accepted { .. } | Status::Pending | Status::AwaitsCompletion
            ) =>
        {
            report.psp_reference.clone().map(InquiryBy::PspReference)
        }
        _ => None,
    }
}
