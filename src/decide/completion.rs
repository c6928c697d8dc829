//! Deposits that a PSP completes only at our word: when that word is due, and when it is given.
//!
//! The payer approves at the PSP, which then waits. The word is given under the attempt's own
//! reference, of which the PSP takes one; so it may be given again after an inquiry has shown that
//! the PSP still waits, and never while another call about the attempt may be under way (its lease).
//!
//! Other PSPs want to hear what the payer's browser brought back from them ([`hear`]): then the word comes
//! from the casino's page, and it may be given again because the PSP answers the same.
//!
//! Before every word the deposit is screened once more, with what registers and matchers say by then: who has
//! been excluded, or has reached a limit, since the deposit began keeps the money. The word is then never
//! given, and the PSP lets the approval run out by itself. What was found when the deposit was let go, by
//! people where need was, is no news and stops nothing.

use super::command::{Answer, Ctx, PlayerChecks, Source, Task};
use super::money_in::{self, Told};
use super::refusal::Refusal;
use super::{attempt, deposit};
use crate::book::{Attempt, Book, Completion, Payment};
use crate::domain::{AttemptId, AttemptStatus, Reason, Timestamp};
use crate::payments::resolution;
use crate::screening::decision::Decision;
use crate::screening::engine::{self, Screening};
use crate::screening::movement::UseState;
use crate::screening::{Checkpoint, Facts, Outcome as Screened, RuleResult};
use psp_contract::{Capabilities, Outcome, Report, Status, Subject};
use std::sync::Arc;
use uuid::Uuid;

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

/// The payer has come back with what the PSP wants to hear: the lease of who tells it. Nothing where it does
/// not wait for that, or is being told already. It may be told again after an answer was lost, each time
/// screened once more: the PSP takes the money once.
pub fn hear(
    book: &mut Book,
    id: Uuid,
    attempt_id: AttemptId,
    known: &KnownBefore,
    ctx: &Ctx<'_>,
) -> Result<Answer, Refusal> {
    let payment = book.payments.get(&id).ok_or(Refusal::NotFound)?;
    let attempt = payment.attempt(attempt_id).ok_or(Refusal::NotFound)?;
    let capabilities = ctx.psps.capabilities(&attempt.psp);
    let deposit = capabilities.and_then(|capabilities| capabilities.deposit.as_ref());
    let listens = deposit.is_some_and(|deposit| deposit.payer_brings.is_some());
    let leased = attempt.lease.as_ref().is_some_and(|lease| ctx.now < lease.until);
    let open = attempt.status == AttemptStatus::Accepted && payment.received.is_none();
    if !listens || leased || !open || payment.subject() != Subject::Deposit {
        return Ok(Answer::Nothing);
    }
    if !known.checks.are_of(book) {
        return Ok(Answer::AnswersWanted(Arc::clone(payment)));
    }
    Ok(take(book, id, attempt_id, known, ctx))
}

/// What is known of a deposit before its money is taken, or of money in suspense before it is credited; gathered outside
/// the lane.
#[derive(Debug, Clone, Default)]
pub struct KnownBefore {
    /// The facts that the deposit was let go by, or its money was last decided by. None: of a release that kept none.
    pub began: Option<Facts>,
    /// What registers, matchers and the market's file of limits say now, or said then where now they say
    /// nothing.
    pub checks: PlayerChecks,
}

/// The lease of who gives the word, if the player may still deposit; the decision is recorded either way. If
/// not, the deposit is over and no money is taken: only we could have said so. (Should it come all the same,
/// it is late money.)
pub fn take(
    book: &mut Book,
    id: Uuid,
    attempt_id: AttemptId,
    known: &KnownBefore,
    ctx: &Ctx<'_>,
) -> Answer {
    if book.payments[&id].received.is_some() {
        // Another PSP was paid meanwhile: this one is not told to take the money too.
        give_up(book, id, attempt_id, "its deposit is paid already");
        return Answer::applied(&book.payments[&id]);
    }
    let (allowed, reasons) = screen_again(book, id, known, ctx);
    if allowed {
        attempt::lease_for(book, id, attempt_id, &Task::Complete, ctx);
        let payment = book.payments[&id].clone();
        return Answer::Taken { payment, attempt: attempt_id, task: Task::Complete };
    }
    let cause = "approved by its payer, and not taken";
    if give_up(book, id, attempt_id, cause) {
        book.payment_mut(id).reasons.extend(reasons);
        deposit::fail(book, id, cause, ctx);
    }
    Answer::applied(&book.payments[&id])
}

/// The word is never given.
fn give_up(book: &mut Book, id: Uuid, attempt_id: AttemptId, cause: &str) -> bool {
    let moved = book.move_attempt(id, attempt_id, AttemptStatus::Cancelled, cause).is_ok();
    if moved {
        let attempt = book.attempt_mut(id, attempt_id);
        (attempt.completion, attempt.due_at, attempt.lease) = (None, None, None);
    }
    moved
}

/// Screens a deposit that was let go before once more, and keeps the decision: whether it still may go on, and
/// what was found.
pub fn screen_again(
    book: &mut Book,
    id: Uuid,
    known: &KnownBefore,
    ctx: &Ctx<'_>,
) -> (bool, Vec<Reason>) {
    let decision = decision(book, &book.payments[&id], known, ctx);
    let allowed = finds_nothing_new(&decision, known.began.as_ref(), ctx);
    let reasons = decision.reasons().to_vec();
    book.record.decisions.push(decision);
    if allowed {
        // Its room was measured in the window of now: there it counts, and not where it was first asked for.
        book.change_movement(id, |own| {
            if own.state == UseState::Reserved {
                own.at = ctx.now;
            }
        });
    }
    (allowed, reasons)
}

fn decision(book: &Book, payment: &Payment, known: &KnownBefore, ctx: &Ctx<'_>) -> Decision {
    let told = Told { checks: known.checks.facts.clone(), ..Told::default() };
    money_in::decided(Checkpoint::DepositPre, book, (payment, payment.money), told, ctx)
}

/// Whether nothing speaks against the deposit that did not when it was let go. That is the decision made
/// again from the facts of then: a deposit for people was let go by two of them, who had seen it.
fn finds_nothing_new(decision: &Decision, began: Option<&Facts>, ctx: &Ctx<'_>) -> bool {
    let then = began.map(|facts| engine::screen(ctx.policies, facts));
    let seen: Vec<_> = then.iter().flat_map(Screening::hits).collect();
    decision.screening.hits().all(|(hit, why)| {
        let same = |(then, because): &(&RuleResult, &Reason)| {
            then.rule == hit.rule
                && because.code == why.code
                && hit.effect <= then.effect
                && (!names_an_entry(why) || entry_of(then) == entry_of(hit))
        };
        match hit.effect {
            Screened::Approve => true,
            Screened::Deny => false,
            Screened::Review | Screened::Hold => seen.iter().any(same),
        }
    })
}

/// Whether a hit is one of many entries that a list may hold: who has looked at one has not looked at another.
fn names_an_entry(why: &Reason) -> bool {
    matches!(why.code.as_str(), "names.sanctions" | "names.pep")
}

/// The list and the entry, without how near it is and which edition of the list said so.
fn entry_of(hit: &RuleResult) -> Option<&str> {
    hit.observed.split(" at ").next()
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
    if capabilities.deposit_inquiry.any() {
        return Some(resolution::next_due(&facts, capabilities, ctx.now).max(soon));
    }
    // Its webhook tells; till then the session runs on.
    attempt::due_after(attempt, Subject::Deposit, capabilities, ctx.now)
}
