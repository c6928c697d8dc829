//! News about a deposit's attempt: the payer must act, the money is in, or another PSP is asked.

use super::attempt::{leave_to_worker, move_on_or_fail};
use super::command::{Ctx, Source};
use super::deposit::{fail_at_psps, mark_limit_use};
use super::dispute;
use super::kept::keep;
use super::later_round;
use super::money_in::succeed;
use super::news::{self, absence_is_proven, verdict};
use super::people::{close_found_out, close_reviews};
use super::taken_back::take_back;
use crate::book::{Attempt, Book, GivenAddress};
use crate::domain::{
    AttemptId, AttemptStatus, DepositStatus, Money, PaymentId, PaymentStatus, Timestamp,
};
use crate::payments::failover::Verdict;
use crate::screening::movement::UseState;
use psp_contract::{NextAction, Outcome, Report, Status};
use uuid::Uuid;

/// Applies one outcome; returns the attempt that is to be sent next, if the deposit moves on.
pub fn apply(
    book: &mut Book,
    id: Uuid,
    attempt_id: AttemptId,
    outcome: &Outcome,
    source: Source,
    ctx: &Ctx<'_>,
) -> Option<AttemptId> {
    let payment = &book.payments[&id];
    let attempt = payment.attempt(attempt_id)?.clone();
    let verdict = match outcome {
        Outcome::NotFound if absence_is_proven(payment, &attempt, ctx) => Verdict::NotSent,
        outcome => verdict(payment, &attempt, outcome, source, ctx),
    };
    if matches!(source, Source::Webhook { hint: true }) && verdict != Verdict::Nothing {
        return None;
    }
    let cause = source.as_str();
    if let (Verdict::Succeeded, Some(money)) = (verdict, moved(outcome)) {
        let apply = if is_won(outcome) { dispute::win } else { succeed };
        apply(book, id, attempt_id, money, source, ctx);
        return None;
    }
    if matches!(verdict, Verdict::Returned | Verdict::Reversed) {
        if let (Some(to), Some(money)) = (verdict.status(), moved(outcome)) {
            take_back(book, id, attempt_id, (to, money), source, ctx);
        }
        return None;
    }
    let to = verdict.status()?;
    if attempt.status == to && to != AttemptStatus::Accepted {
        return None;
    }
    if attempt.status != to && book.move_attempt(id, attempt_id, to, cause).is_err() {
        keep(book, id, attempt_id, to.as_str());
        return None;
    }
    if !to.is_live() {
        // Before anything is said about the deposit: who reads its event learns why it stops.
        news::note_error(book.attempt_mut(id, attempt_id), outcome);
    }
    match verdict {
        Verdict::Accepted => {
            accept(book, id, attempt_id, outcome, ctx);
            None
        }
        verdict if verdict.moves_on() => after_failure(book, id, attempt_id, true, ctx),
        Verdict::Declined { .. } => after_failure(book, id, attempt_id, false, ctx),
        Verdict::Expired => {
            end(book, id, attempt_id, DepositStatus::Expired, cause, ctx);
            None
        }
        Verdict::Cancelled => {
            end(book, id, attempt_id, DepositStatus::Cancelled, cause, ctx);
            None
        }
        _ => None,
    }
}

const fn is_won(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Reported(Report { status: Status::Won { .. }, .. }))
}

fn moved(outcome: &Outcome) -> Option<Money> {
    match outcome {
        Outcome::Reported(Report {
            status:
                Status::Succeeded { money }
                | Status::Won { money }
                | Status::Returned { money }
                | Status::Reversed { money },
            ..
        }) => Some(*money),
        _ => None,
    }
}

/// The PSP has it: the payer is told what to do, unless the deposit has moved on meanwhile.
fn accept(book: &mut Book, id: Uuid, attempt_id: AttemptId, outcome: &Outcome, ctx: &Ctx<'_>) {
    let (next_action, expires_at) = match outcome {
        Outcome::Reported(Report {
            status: Status::Accepted { next_action, expires_at }, ..
        }) => (next_action.clone(), *expires_at),
        _ => (None, None),
    };
    let attempt = book.payments[&id].attempt(attempt_id).cloned();
    let Some(attempt) = attempt else { return };
    let expires_at = expires_at.or_else(|| session_end(&attempt, ctx)).or(attempt.expires_at);
    if !attempt.was_accepted || attempt.expires_at != expires_at {
        let accepted = book.attempt_mut(id, attempt_id);
        accepted.was_accepted = true;
        accepted.expires_at = expires_at;
    }
    let payment = &book.payments[&id];
    let waiting = payment.status == PaymentStatus::Deposit(DepositStatus::Processing);
    if let (true, Some(action)) = (waiting, next_action) {
        remember_address(book, payment.id, &attempt.psp, &action);
        tell_action(book, id, action, ctx);
    }
}

/// Whoever is shown an address may pay there at any time, long after this deposit is over.
fn remember_address(book: &mut Book, payment: PaymentId, psp: &str, action: &NextAction) {
    if let NextAction::CryptoTransfer { address, network, asset, .. } = action.clone() {
        let psp = psp.to_owned();
        let given = GivenAddress { psp, network, asset, address, tag: None, payment };
        book.record.addresses.push(given);
    }
}

fn session_end(attempt: &Attempt, ctx: &Ctx<'_>) -> Option<Timestamp> {
    let capabilities = ctx.psps.capabilities(&attempt.psp)?;
    let life = capabilities.deposit.as_ref()?.session_life;
    Some(attempt.first_sent_at + life)
}

fn tell_action(book: &mut Book, id: Uuid, action: NextAction, ctx: &Ctx<'_>) {
    let payment = book.payment_mut(id);
    payment.next_action = Some(action);
    payment.action_told = true;
    let status = PaymentStatus::Deposit(DepositStatus::ActionRequired);
    let moved = book.move_payment(id, status, "the payer must act", ctx.ids);
    debug_assert!(moved.is_ok(), "a processing deposit may ask its payer");
}

/// One attempt is over without money. Another PSP is asked when it may be, and when nothing else
/// of this deposit is under way.
fn after_failure(
    book: &mut Book,
    id: Uuid,
    attempt_id: AttemptId,
    move_on: bool,
    ctx: &Ctx<'_>,
) -> Option<AttemptId> {
    let payment = &book.payments[&id];
    let open = matches!(
        payment.status,
        PaymentStatus::Deposit(DepositStatus::Processing | DepositStatus::ActionRequired)
    );
    let newest = payment.attempts.iter().map(|attempt| attempt.number).max();
    let is_newest = payment.attempt(attempt_id).map(|attempt| attempt.number) == newest;
    if !open || !is_newest || payment.live_attempt(None).is_some() {
        return None;
    }
    if move_on {
        let is_late =
            payment.attempt(attempt_id).is_some_and(|it| later_round::follows(it, ctx.now));
        let next = move_on_or_fail(book, id, "no PSP took it", ctx)?;
        if is_late {
            // Its payer may have been gone for days: whoever brings this news does not send it. What people
            // were asked about the attempt that is over they need not find out any more.
            close_found_out(book, id, ctx);
            leave_to_worker(book, id, next, ctx);
            return None;
        }
        Some(next)
    } else {
        fail_at_psps(book, id, "declined", ctx);
        None
    }
}

fn end(
    book: &mut Book,
    id: Uuid,
    attempt_id: AttemptId,
    to: DepositStatus,
    cause: &str,
    ctx: &Ctx<'_>,
) {
    let payment = &book.payments[&id];
    let psp_live = payment.live_attempt(None).is_some_and(|live| live.id != attempt_id);
    if psp_live || payment.received.is_some() {
        return;
    }
    if book.move_payment(id, PaymentStatus::Deposit(to), cause, ctx.ids).is_ok() {
        mark_limit_use(book, id, UseState::Released);
        close_reviews(book, id, ctx);
    }
}

/// The session is over by our own clock, and the PSP cannot be asked or knows of no payment.
pub fn expire(book: &mut Book, id: Uuid, attempt_id: AttemptId, ctx: &Ctx<'_>) {
    if book.move_attempt(id, attempt_id, AttemptStatus::Expired, "session over").is_ok() {
        book.attempt_mut(id, attempt_id).due_at = None;
        end(book, id, attempt_id, DepositStatus::Expired, "session over", ctx);
    }
}
