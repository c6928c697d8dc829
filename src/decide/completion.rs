//! Deposits that a PSP completes only at our word: when that word is due, and when it is given.
//!
//! The payer approves at the PSP, which then waits. The word is given under the attempt's own
//! reference, of which the PSP takes one; so it may be given again after an inquiry has shown that
//! the PSP still waits, and never while another call about the attempt may be under way (its lease).

use super::attempt;
use super::command::{Ctx, Source};
use crate::book::{Attempt, Completion, Payment};
use crate::domain::{AttemptStatus, Timestamp};
use crate::payments::resolution;
use psp_contract::{Capabilities, Outcome, Report, Status, Subject};

/// Whether a report makes the word due. Once it was given, only an inquiry can make it due again:
/// neither the PSP's answer to that very word nor a webhook that repeats what was heard before.
pub fn is_wanted(
    payment: &Payment,
    attempt: &Attempt,
    outcome: &Outcome,
    source: Source,
    capabilities: &Capabilities,
) -> bool {
    let awaits =
        matches!(outcome, Outcome::Reported(Report { status: Status::AwaitsCompletion, .. }));
    let proven = match source {
        Source::Completion | Source::Webhook { hint: true } => false,
        Source::Webhook { hint: false } => attempt.completion.is_none(),
        _ => true,
    };
    let needed = capabilities.deposit.as_ref().is_some_and(|deposit| deposit.needs_completion);
    let open = attempt.status == AttemptStatus::Accepted && payment.received.is_none();
    awaits && proven && needed && open && payment.subject() == Subject::Deposit
}

/// Whether the word is to be given now.
pub fn is_due(attempt: &Attempt) -> bool {
    attempt.completion == Some(Completion::Wanted)
        && attempt.status == AttemptStatus::Accepted
        && attempt.psp_reference.is_some()
}

/// When to ask what came of a word whose answer is lost: soon, and then at the pace of an attempt
/// of which nobody knows anything.
pub fn asked_after(
    attempt: &Attempt,
    capabilities: &Capabilities,
    ctx: &Ctx<'_>,
) -> Option<Timestamp> {
    let mut facts = attempt::facts(attempt, Subject::Deposit);
    facts.status = AttemptStatus::Unknown;
    let soon = ctx.now + time::Duration::seconds(2);
    capabilities
        .deposit_inquiry
        .any()
        .then(|| resolution::next_due(&facts, capabilities, ctx.now).max(soon))
}
