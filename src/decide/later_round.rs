//! Deposits that go on to another PSP long after the one before was asked: its attempt proved to be absent,
//! or two people called it unpaid.
//!
//! What the deposit was let go by may be days old by then. So nobody who brings such news sends the next
//! attempt: a worker does, and before that the deposit is screened once more, with what registers, lists and
//! limits say by now. So is one that waited so long for a worker.

use super::attempt::call_off;
use super::command::{Answer, Ctx};
use super::completion::{self, KnownBefore};
use super::deposit;
use crate::book::{Attempt, Book};
use crate::domain::{DepositStatus, Timestamp};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// Longer than any call, and shorter than anything by which an unknown deposit is given up.
const BEGINS_AFTER: Duration = Duration::from_secs(5 * 60);
const FOUND_SINCE: &str = "by now it would not be let go";

/// Whether what follows this attempt is no failover of one round of calls any more.
pub fn follows(attempt: &Attempt, now: Timestamp) -> bool {
    attempt.first_sent_at + BEGINS_AFTER <= now
}

/// What is done about a deposit's next attempt in the place of sending it. None: it may be sent.
pub fn instead_of_sending(
    book: &mut Book,
    id: Uuid,
    next: &Attempt,
    known: Option<&KnownBefore>,
    ctx: &Ctx<'_>,
) -> Option<Answer> {
    let payment = &book.payments[&id];
    let waits = payment.deposit_status() == Some(DepositStatus::Processing);
    let is_later = payment.attempts.iter().any(|it| it.id != next.id) || follows(next, ctx.now);
    if !waits || payment.received.is_some() || !is_later {
        return None;
    }
    let Some(known) = known else {
        return Some(Answer::AnswersWanted(Arc::clone(payment)));
    };
    let (allowed, reasons) = completion::screen_again(book, id, known, ctx);
    if allowed {
        return None;
    }
    call_off(book, id, next.id, FOUND_SINCE);
    book.payment_mut(id).reasons.extend(reasons);
    deposit::fail(book, id, FOUND_SINCE, ctx);
    Some(Answer::applied(&book.payments[&id]))
}
