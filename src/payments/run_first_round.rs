//! Calls PSPs for a deposit that has just begun, until one has it, nobody is left, or the caller
//! has waited long enough.

use super::run_attempts::run_attempts;
use crate::book::Payment;
use crate::decide::Command;
use crate::flows::Flows;
use crate::lane::SubmitError;
use std::time::{Duration, Instant};

/// Runs the first round of calls. When it is not settled within `patience`, the answer is fixed as
/// it stands and the calls go on in the background. Either way the answer is stored when this
/// returns. Tells how long PSPs were waited for.
///
/// # Errors
/// When the answer could not be fixed: the worker that settles the attempt stores it.
pub async fn run_first_round(
    flows: &Flows,
    payment: &Payment,
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
    if tokio::time::timeout(patience, calls).await.is_err() {
        let command = Command::AnswerNow { payment: payment.id.uuid };
        flows.submit_persistently(&payment.player, command).await?;
    }
    Ok(started_at.elapsed())
}
