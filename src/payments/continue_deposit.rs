//! Goes on with a deposit whose payer has come back from the PSP's or the issuer's page.
//!
//! Some PSPs send the payer's browser back with a result that they want to hear from us before they take
//! the money. The casino hands on the query of the page that the payer came back to, as it is; which
//! parameter of it counts says the PSP's capability, so neither the casino nor this flow knows whose it is.
//! What was brought went through the payer's hands: it proves nothing, only the PSP's answer does. It is
//! kept nowhere. Should its answer be lost, the webhook tells what became of it, and the casino may hand it
//! on again: the PSP gives the same answer to the same result.

use crate::book::Payment;
use crate::decide::command::Source;
use crate::decide::{Answer, Command};
use crate::domain::{AttemptId, AttemptStatus};
use crate::flows::Flows;
use crate::lane::SubmitError;
use crate::payments::facts::completion_of;
use crate::payments::know_before_taking::{TakeError, know_before_taking};
use crate::payments::resolve_unknown::{Question, ask};
use crate::payments::start_deposit::SCREENINGS_MAX;
use std::sync::Arc;

/// Tells the PSP what the payer brought back, if it waits for that, and says how the deposit stands. A
/// query without meaning, a deposit that waits for nothing and one that is being asked about change nothing.
pub async fn continue_deposit(
    flows: &Flows,
    deposit: &Payment,
    query: &str,
) -> Result<Payment, TakeError> {
    let Some((attempt, brought)) = brought(flows, deposit, query) else {
        return Ok(deposit.clone());
    };
    let taken = match take(flows, deposit, attempt).await? {
        Answer::Taken { payment, .. } => Arc::unwrap_or_clone(payment),
        Answer::Applied { payment, .. } => return Ok(Arc::unwrap_or_clone(payment)),
        // Its player's record changes all the time: the casino may hand it on again.
        Answer::AnswersWanted(_) => return Err(SubmitError::Busy.into()),
        _ => return Ok(deposit.clone()),
    };
    let Some(operation) = taken.attempt(attempt).map(|it| completion_of(&taken, it, Some(brought)))
    else {
        return Ok(taken);
    };
    let question = Question { operation, source: Source::Completion, purpose: "completion" };
    Ok(ask(flows, &taken, attempt, question).await?.unwrap_or(taken))
}

/// Takes it with what is known of its player by now: once more where the record changed meanwhile.
async fn take(flows: &Flows, deposit: &Payment, attempt: AttemptId) -> Result<Answer, TakeError> {
    let mut tries = SCREENINGS_MAX;
    loop {
        let known = Box::new(know_before_taking(flows, deposit).await?);
        let command = Command::ContinueDeposit { payment: deposit.id.uuid, attempt, known };
        let taken = flows.lanes.submit(&deposit.player, command).await?;
        tries -= 1;
        if tries == 0 || !matches!(taken, Answer::AnswersWanted(_)) {
            return Ok(taken);
        }
    }
}

/// The attempt that waits for its payer, and what of the query its PSP wants to hear.
fn brought(flows: &Flows, deposit: &Payment, query: &str) -> Option<(AttemptId, String)> {
    let attempt = deposit.live_attempt(None).filter(|it| it.status == AttemptStatus::Accepted)?;
    let psp = flows.psps.get(&attempt.psp)?;
    let parameter = psp.capabilities().deposit.as_ref()?.payer_brings?;
    let query = query.strip_prefix('?').unwrap_or(query);
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    let (_, value) = pairs.find(|(name, value)| name == parameter && !value.is_empty())?;
    Some((attempt.id, value.into_owned()))
}
