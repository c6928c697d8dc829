//! What two people decide about a deposit's money in suspense, beside crediting all of it or opening its return: the
//! rest of what was credited in part, what somebody has sent back by hand, and what suspense is short of.
//!
//! Nothing of it is decided while a return is under way: what becomes of that one changes what is there.

use super::command::Ctx;
use super::deposit::recount_limit;
use super::goes_back::{
    a_return_is_open, a_return_may_be_paid, of_attempt, paid_in_suspense, rest_of_first,
};
use super::people::{ask_people, awaits_vendor, close_reviews};
use super::refusal::Refusal;
use super::review::is_foreign;
use super::{kept, money_in, returns};
use crate::book::{Book, Payment};
use crate::domain::{AttemptStatus, DepositStatus, Money};
use crate::ledger::templates;
use uuid::Uuid;

const CREDIT_OR_BACK: &[&str] = &["approve", "return", "sent_by_hand"];
const BACK: &[&str] = &["return", "sent_by_hand"];
const WRITE_OFF: &[&str] = &["write_off"];

/// What two people may choose of a deposit's money in suspense.
pub fn possible(book: &Book, payment: &Payment) -> &'static [&'static str] {
    if awaits_vendor(book, payment.id.uuid) {
        // People come after it: beside its money a second payment's may wait already.
        return &[];
    }
    if is_written_off(payment) {
        return WRITE_OFF;
    }
    let is_whole = payment.credited.is_none()
        && payment.deposit_status() == Some(DepositStatus::InReview)
        // There is no implicit exchange: money of another currency can only go back.
        && !is_foreign(payment)
        // Nobody's money has no wallet to go to.
        && !payment.player.player.is_unclaimed();
    // A second payment is never the wallet's: it can only go back.
    if is_whole || 0 < rest_of_first(book, payment) { CREDIT_OR_BACK } else { BACK }
}

/// Whether suspense is short of what went back twice, or has again what was written off for that.
fn is_written_off(payment: &Payment) -> bool {
    let there = payment.suspended.map_or(0, |money| money.minor);
    let lost = kept::written_off(payment);
    there < 0 || (0 < there && there <= lost)
}

/// What is decided about when a deposit's money in suspense is to be credited: all that is credited then.
pub fn to_be_credited(book: &Book, payment: &Payment, suspended: Money) -> Money {
    let Some(credited) = payment.credited else {
        return money_in::creditable_of(payment, suspended);
    };
    Money::new(credited.minor + rest_of_first(book, payment), credited.currency)
}

/// The rest of a payment of which a part was credited before is the wallet's too: its return came to nothing.
pub fn credit_rest(book: &mut Book, id: Uuid, ctx: &Ctx<'_>) -> Result<(), Refusal> {
    let payment = &book.payments[&id];
    let rest = rest_of_first(book, payment);
    let Some(credited) = payment.credited.filter(|_| 0 < rest) else { return Err(moved_on()) };
    let rest = Money::new(rest, credited.currency);
    let in_all = Money::new(credited.minor + rest.minor, credited.currency);
    book.post_covered(&templates::suspense_credited(rest, 0), id);
    book.payment_mut(id).credited = Some(in_all);
    returns::change_suspended(book, id, Money::new(-rest.minor, rest.currency), ctx);
    recount_limit(book, id, in_all);
    // Its status stays, and whoever listens learns that more is credited.
    book.emit(id, ctx.ids);
    ask_about_more(book, id, ctx);
    Ok(())
}

/// Somebody has sent it back on the PSP's own pages, and no word of the PSP's books that.
pub fn sent_by_hand(book: &mut Book, id: Uuid, ctx: &Ctx<'_>) -> Result<(), Refusal> {
    nothing_under_way(book, id)?;
    let deposit = book.payments[&id].clone();
    let suspended = deposit.suspended.filter(|money| 0 < money.minor).ok_or_else(moved_on)?;
    let paid = paid_in_suspense(book, &deposit).ok_or_else(moved_on)?;
    let money = of_attempt(book, &deposit, paid, suspended);
    book.post_covered(&templates::suspense_sent_by_hand(&paid.psp, money), id);
    returns::change_suspended(book, id, Money::new(-money.minor, money.currency), ctx);
    // What its PSP tells of that afterwards is no news.
    let cause = "sent back by hand";
    let _ = book.move_attempt(id, paid.id, AttemptStatus::Returned, cause);
    if kept::booked(paid).is_none() {
        kept::keep_returned(book, id, paid.id, money);
    }
    if book.payments[&id].suspended.is_none() {
        returns::close_emptied(book, id, cause, ctx);
    }
    ask_about_more(book, id, ctx);
    Ok(())
}

/// What went back twice is not in suspense: the house bears it. What of that comes in after all is the house's.
pub fn write_off(book: &mut Book, id: Uuid, ctx: &Ctx<'_>) -> Result<(), Refusal> {
    nothing_under_way(book, id)?;
    let deposit = book.payments[&id].clone();
    let suspended = deposit.suspended.filter(|_| is_written_off(&deposit)).ok_or_else(moved_on)?;
    let first = deposit.first_success().ok_or_else(moved_on)?.id;
    let change = Money::new(-suspended.minor, suspended.currency);
    book.post_covered(&templates::suspense_written_off(change), id);
    let lost = Money::new(kept::written_off(&deposit) + change.minor, change.currency);
    kept::keep_written_off(book, id, first, lost);
    returns::change_suspended(book, id, change, ctx);
    returns::close_emptied(book, id, "written off", ctx);
    Ok(())
}

fn nothing_under_way(book: &Book, id: Uuid) -> Result<(), Refusal> {
    if a_return_is_open(book, id) || a_return_may_be_paid(book, id) {
        return Err(Refusal::ReviewConflict(
            "a return of it is open, or may be paid by what its PSP says: reject it, wait for its end, or say first \
             what became of it",
        ));
    }
    Ok(())
}

const fn moved_on() -> Refusal {
    Refusal::ReviewConflict("the payment has moved on meanwhile")
}

/// Another payment of the deposit waits there still: that is another case.
pub fn ask_about_more(book: &mut Book, id: Uuid, ctx: &Ctx<'_>) {
    if book.payment(id).is_some_and(|deposit| deposit.suspended.is_some()) {
        close_reviews(book, id, ctx);
        ask_people(book, id, None, "money_in", ctx);
    }
}
