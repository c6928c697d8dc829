//! Calls PSPs for a deposit that has just begun, until one has it, nobody is left, or the caller
//! has waited long enough.

use super::run_attempts::run_attempts;
use crate::book::{KeyId, Payment};
use crate::decide::Command;
use crate::flows::Flows;
use crate::lane::SubmitError;
use std::time::{Duration, Instant};

/// Runs the first round of calls. When it is not settled within `patience`, the answer is fixed as
/// it stands and the calls go on in the background. Either way the answer is stored under `key` when
/// this returns. Tells how long PSPs were waited for.
///
/// # Errors
/// When the answer could not be fixed: the worker that settles the attempt stores it.
pub async fn run_first_round(
    flows: &Flows,
    payment: &Payment,
    key: &KeyId,
    patience: Duration,
) -> Result<Duration, SubmitError> {
    let started_at = Instant::now();
    let first = payment.live_attempt(None).map(|attempt| attempt.id);
    let (Some(first), Some(_)) = (first, payment.answer_owed) else {
        return Ok(Duration::ZERO);
    };
    let (work, begun) = (flows.clone(), payment.clone());
    // A task of its own: a caller that leaves must not leave the attempt's outcome unknown.
    let calls = flows.detach(async move { run_attempts(&work, begun, first).await });
    let ended = tokio::time::timeout(patience, calls).await;
    let is_told = matches!(&ended, Ok(Ok(Some(after))) if after.answer_owed.is_none());
    let rest = patience.saturating_sub(started_at.elapsed());
    if !is_told && !is_told_elsewhere(flows, key, rest).await {
        let command = Command::AnswerNow { payment: payment.id.uuid };
        flows.submit_persistently(&payment.player, command).await?;
    }
    Ok(started_at.elapsed())
}

/// Whether somebody else stores the answer in time. A PSP's message that overtook its own answer may have
/// asked the next PSP: then this round goes on elsewhere, and our calls came to nothing.
async fn is_told_elsewhere(flows: &Flows, key: &KeyId, within: Duration) -> bool {
    let asked_at = Instant::now();
    let mut pause = Duration::from_millis(20);
    while asked_at.elapsed() < within {
        tokio::time::sleep(pause.min(within.saturating_sub(asked_at.elapsed()))).await;
        pause = (pause * 2).min(Duration::from_millis(200));
        let known = flows.desks.keys.ask(key.clone()).await;
        if matches!(known, Ok(Some(known)) if known.answer.is_some()) {
            return true;
        }
    }
    false
}
