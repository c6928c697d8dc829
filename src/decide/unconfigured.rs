//! An attempt at an account that this instance does not know. Another one may, while a release rolls out;
//! else people see to it.

use super::attempt::{call_off, lease_expired, leave_to_worker, look_again, move_on_or_fail};
use super::command::{Answer, Ctx};
use super::people::{ask_people, page_people};
use super::{deposit_news, payout};
use crate::book::{Attempt, Book};
use crate::domain::{AttemptStatus, Timestamp};
use crate::payments::resolution;
use psp_contract::Subject;
use uuid::Uuid;

/// By then every instance knows the accounts of the newest release.
const ROLLED_OUT_WITHIN: time::Duration = time::Duration::DAY;

/// Nobody here can ask its PSP, or send it. A deposit ends in time by our own clock; what is over only waits
/// for a late word, which nobody must be shown.
pub fn leave(book: &mut Book, id: Uuid, attempt: &Attempt, ctx: &Ctx<'_>) -> Answer {
    let subject = book.payments[&id].subject();
    if attempt.status == AttemptStatus::InFlight {
        return lease_expired(book, id, attempt.id, ctx);
    }
    if subject == Subject::Deposit && end_deposit(book, id, attempt, ctx) {
        return Answer::applied(&book.payments[&id]);
    }
    let is_old = attempt.first_sent_at + ROLLED_OUT_WITHIN <= ctx.now;
    if subject != Subject::Deposit && attempt.status == AttemptStatus::Prepared && is_old {
        payout::go_on_without(book, id, attempt, ctx);
        return Answer::applied(&book.payments[&id]);
    }
    if attempt.status.is_live() {
        ask_people(book, id, Some(attempt.id), "psp_unconfigured", ctx);
        let is_late = resolution::page_is_due(&super::attempt::facts(attempt, subject), ctx.now);
        if is_late && !attempt.paged {
            page_people(book, id, attempt, subject, ctx);
        }
    }
    let over_for = attempt.ended_at.map_or(time::Duration::ZERO, |at| ctx.now - at);
    let again = ctx.now + resolution::PAGE_PEOPLE_AFTER_PAYOUT;
    let is_waited_for = over_for < resolution::WATCHED_AFTER_REFUSAL;
    look_again(book, id, attempt.id, is_waited_for.then_some(again));
    Answer::Nothing
}

/// Ends a session that has been over for long, and goes on with what was never sent. A payment that comes all
/// the same is late money.
fn end_deposit(book: &mut Book, id: Uuid, attempt: &Attempt, ctx: &Ctx<'_>) -> bool {
    let is_long_ago = |at: Timestamp| at + ROLLED_OUT_WITHIN <= ctx.now;
    match attempt.status {
        AttemptStatus::Accepted if attempt.expires_at.is_some_and(is_long_ago) => {
            deposit_news::expire(book, id, attempt.id, ctx);
            true
        }
        AttemptStatus::Prepared if is_long_ago(attempt.first_sent_at) => {
            call_off(book, id, attempt.id, "its PSP is not configured any more");
            if let Some(next) = move_on_or_fail(book, id, "no PSP can take it", ctx) {
                leave_to_worker(book, id, next, ctx);
            }
            true
        }
        _ => false,
    }
}
