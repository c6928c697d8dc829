//! A bank, a scheme or a PSP takes a deposit's money back. That cannot be refused: it is booked once,
//! against what the money became.
//!
//! What was credited is debited from the wallet, cash first, and the rest is owed. What was never credited
//! leaves suspense, though it be on its way back already: the wallet is no part of that.
//!
//! The same news again changes nothing. A deposit that stands once more (its dispute was won), or of
//! which only a part had gone back, can be taken back again. What else differs from what was booked is
//! put before people: a PSP that tells of sums and one that tells of steps look the same from here.

use super::command::{Ctx, Source};
use super::deposit::mark_limit_use;
use super::dispute::UNTOLD_SUCCESS;
use super::goes_back::in_suspense;
use super::kept::{self, OTHER_MONEY, forget_takings_back, keep, keep_booked};
use super::late_payout;
use super::money_in::{PROVEN_WEBHOOK, succeed};
use super::people::{ask_people, close_about_money, raise};
use super::returns;
use crate::book::{Attempt, Book, Payment};
use crate::domain::{AttemptId, AttemptStatus, DepositStatus, Money, PaymentStatus, Timestamp};
use crate::ledger::templates::{self, Debit};
use crate::screening::movement::UseState;
use uuid::Uuid;

/// Applies the news that an attempt's money was taken back: `to` is `returned` or `reversed`.
pub fn take_back(
    book: &mut Book,
    id: Uuid,
    attempt_id: AttemptId,
    (to, money): (AttemptStatus, Money),
    source: Source,
    ctx: &Ctx<'_>,
) {
    let payment = book.payments[&id].clone();
    let Some(attempt) = payment.attempt(attempt_id).cloned() else { return };
    if attempt.status.is_taken_back() {
        return again(book, id, &attempt, (to, money), source, ctx);
    }
    if to == AttemptStatus::Returned
        && source == Source::Inquiry
        && returns::is_on_its_way(book, id, attempt_id)
    {
        // A PSP whose deposits show their refunds: it may be telling of the return that we are sending.
        return keep(book, id, attempt_id, RETURN_ON_ITS_WAY);
    }
    if to == AttemptStatus::Returned
        && source == Source::Inquiry
        && asked_of_a_return(book, id, &attempt, ctx)
    {
        return keep(book, id, attempt_id, RETURN_ON_ITS_WAY);
    }
    // A second payment may have been of another currency than the first.
    let surplus = is_surplus(&payment, attempt_id);
    let known = payment.credited.or(payment.suspended).or(payment.received).filter(|_| !surplus);
    if known.is_some_and(|known| known.currency != money.currency) {
        keep(book, id, attempt_id, OTHER_MONEY);
        let detail = "money of another currency than arrived was taken back: nothing is booked";
        return raise(book, "deposit.other_amount", id, Some(attempt_id), detail, ctx);
    }
    if attempt.status != AttemptStatus::Succeeded {
        // A return or reversal vouches for the success that it takes back, and for no more than it takes: that is
        // booked first. Where it is not what was asked for, nobody knows yet what arrived.
        succeed(book, id, attempt_id, money, Source::Inquiry, ctx);
        kept::keep_too(book, id, attempt_id, UNTOLD_SUCCESS);
        if money != attempt.asked {
            // Nobody may ever tell of the rest: some PSPs answer from then on with what was taken alone.
            let detail = format!(
                "{money} was taken back of a deposit of {} of which its PSP has not told that it was paid: what was \
                 taken is booked as arrived, and nothing else. Ask the PSP what arrived, and adjust the wallet",
                attempt.asked
            );
            raise(book, "deposit.other_amount", id, Some(attempt_id), &detail, ctx);
        }
    }
    if book.move_attempt(id, attempt_id, to, "taken back").is_err() {
        return keep(book, id, attempt_id, to.as_str());
    }
    let payment = book.payments[&id].clone();
    note_booked(book, id, &Attempt { status: to, ..attempt.clone() }, (to, money));
    if is_surplus(&payment, attempt_id) {
        return take_surplus_back(book, id, &attempt, money, ctx);
    }
    let money = all_that_arrived(book, id, &attempt, money, ctx);
    if payment.credited.is_none() {
        take_from_suspense(book, id, &attempt, money, ctx);
    } else {
        debit(book, id, &attempt, (to, money), ctx);
    }
}

/// What of this had arrived. A player owes no more than that: what is beyond it (the issuer's rate, a fee) is the
/// PSP's charge, and people are told of it.
fn all_that_arrived(
    book: &mut Book,
    id: Uuid,
    attempt: &Attempt,
    money: Money,
    ctx: &Ctx<'_>,
) -> Money {
    let received = book.payments[&id].received.filter(|it| it.currency == money.currency);
    bounded_by(book, id, attempt, (money, received), ctx)
}

/// This sum, or what of it had arrived.
fn bounded_by(
    book: &mut Book,
    id: Uuid,
    attempt: &Attempt,
    (money, arrived): (Money, Option<Money>),
    ctx: &Ctx<'_>,
) -> Money {
    let Some(arrived) = arrived.filter(|it| it.minor < money.minor) else { return money };
    let beyond = Money::new(money.minor - arrived.minor, money.currency);
    book.post_covered(&templates::taken_beyond(&attempt.psp, beyond), id);
    let detail = format!(
        "{money} was taken back of a deposit of which {arrived} had arrived: {beyond} is booked as a charge \
         of the PSP's. Where it is the player's to bear, two people adjust the wallet"
    );
    raise(book, "deposit.other_amount", id, Some(attempt.id), &detail, ctx);
    arrived
}

/// It was taken back already, and is told of again.
fn again(
    book: &mut Book,
    id: Uuid,
    attempt: &Attempt,
    (to, money): (AttemptStatus, Money),
    source: Source,
    ctx: &Ctx<'_>,
) {
    let payment = book.payments[&id].clone();
    let is_succeeded = payment.deposit_status() == Some(DepositStatus::Succeeded);
    let stands = is_succeeded && !is_surplus(&payment, attempt.id);
    if !stands && is_booked(&payment, attempt, (to, money)) {
        return;
    }
    let in_wallet = payment.credited.is_some_and(|credited| credited.currency == money.currency);
    let is_proven = source == PROVEN_WEBHOOK && to == AttemptStatus::Reversed;
    if stands && in_wallet && is_proven {
        note_booked(book, id, attempt, (to, money));
        let money = all_that_arrived(book, id, attempt, money, ctx);
        return debit(book, id, attempt, (to, money), ctx);
    }
    let told = words(to, money);
    if kept::says(attempt, &told) {
        return;
    }
    kept::keep_too(book, id, attempt.id, &told);
    let detail = format!(
        "{money} was taken back of a deposit of which money was taken back before, and nothing is \
         booked for it: ask the PSP whether it is besides, and adjust the wallet"
    );
    raise(book, "deposit.taken_back_again", id, Some(attempt.id), &detail, ctx);
}

/// Kept on an attempt whose money went back, as its PSP says, while a return of ours is on its way.
const RETURN_ON_ITS_WAY: &str = "a return is on its way";
/// How long such a return is given before the PSP is asked about the deposit again.
const NEXT_LOOK: time::Duration = time::Duration::minutes(5);

/// Asks people once about a return of this attempt's money that is over and may be paid all the same: the PSP says that
/// the money went back, and may be telling of that one. False: there is none, or they have answered.
fn asked_of_a_return(book: &mut Book, id: Uuid, attempt: &Attempt, ctx: &Ctx<'_>) -> bool {
    if kept::says(attempt, kept::RETURN_ASKED_ABOUT) {
        return false;
    }
    let found = late_payout::return_that_may_be_paid(book, id, attempt.id, ctx.now);
    let Some((back, sent, part)) = found else { return false };
    late_payout::taken_after_all(book, back, &sent, &part, ctx);
    kept::keep_too(book, id, attempt.id, kept::RETURN_ASKED_ABOUT);
    true
}

/// When to ask again whether money went back that is not ours to send. None: nothing waits for that.
pub fn looked_at_again(attempt: &Attempt, ctx: &Ctx<'_>) -> Option<Timestamp> {
    let waits = kept::says(attempt, RETURN_ON_ITS_WAY);
    (waits && attempt.status == AttemptStatus::Succeeded).then(|| ctx.now + NEXT_LOOK)
}

/// What is kept of a taking-back.
fn words(to: AttemptStatus, money: Money) -> String {
    format!("{} {money}", to.as_str())
}

/// Keeps what is booked last, so that the same news is known again. Where the attempt's status says it
/// all, nothing need be kept.
fn note_booked(book: &mut Book, id: Uuid, attempt: &Attempt, (to, money): (AttemptStatus, Money)) {
    let is_all = attempt.status == to && is_whole(&book.payments[&id], attempt, money);
    forget_takings_back(book, id, attempt.id);
    if !is_all {
        keep_booked(book, id, attempt.id, &words(to, money));
    }
}

/// Whether exactly this was booked last.
fn is_booked(payment: &Payment, attempt: &Attempt, (to, money): (AttemptStatus, Money)) -> bool {
    match kept::booked(attempt) {
        Some(booked) => booked == words(to, money),
        None => attempt.status == to && is_whole(payment, attempt, money),
    }
}

/// What the last dispute took of a deposit, arrived or not.
pub fn last_taken(payment: &Payment, attempt: &Attempt) -> Money {
    kept::booked_reversed(attempt).or(payment.received).unwrap_or(attempt.asked)
}

/// Whether this is all that the attempt brought.
fn is_whole(payment: &Payment, attempt: &Attempt, money: Money) -> bool {
    let surplus = is_surplus(payment, attempt.id);
    let whole = payment.received.filter(|_| !surplus).unwrap_or(attempt.asked);
    // Our own return of all that was credited leaves the player's fee, which was paid on top.
    let is_returned = attempt.status == AttemptStatus::Returned && !surplus;
    whole == money || (is_returned && payment.less_fee(whole) == Some(money))
}

/// What was credited is taken from the wallet: cash first, the rest is owed.
fn debit(
    book: &mut Book,
    id: Uuid,
    attempt: &Attempt,
    (to, money): (AttemptStatus, Money),
    ctx: &Ctx<'_>,
) {
    let debit = Debit::of(money.minor, book.wallet(money.currency).cash);
    book.post_covered(&templates::deposit_reversed(&attempt.psp, money.currency, debit), id);
    mark_limit_use(book, id, UseState::Counted);
    let status = match to {
        AttemptStatus::Returned => DepositStatus::Returned,
        _ => DepositStatus::Reversed,
    };
    if book.move_payment(id, PaymentStatus::Deposit(status), "taken back", ctx.ids).is_err() {
        let detail = "taken back against its status";
        raise(book, "deposit.status_conflict", id, None, detail, ctx);
    }
    returns::recall(book, id, attempt.id, ctx);
    // A dispute that is won pays this debt, and no other one.
    kept::keep_owed(book, id, attempt.id, Money::new(debit.owed, money.currency));
    if 0 < debit.owed {
        returns::hold_back_withdrawals(book, ctx);
    }
}

/// What never reached the wallet leaves suspense. Where its return has taken it from there, suspense is
/// short of it until people reject that return.
fn take_from_suspense(book: &mut Book, id: Uuid, attempt: &Attempt, money: Money, ctx: &Ctx<'_>) {
    book.post_covered(&templates::suspense_taken_back(&attempt.psp, money), id);
    returns::change_suspended(book, id, Money::new(-money.minor, money.currency), ctx);
    match book.payments[&id].suspended {
        None => returns::close_emptied(book, id, "taken back from suspense", ctx),
        Some(short) if short.minor < 0 => {
            let recalled = returns::recall(book, id, attempt.id, ctx);
            let which = recalled.map_or_else(|| "its return".to_owned(), |back| back.to_string());
            let detail = format!(
                "{money} that waited in suspense was taken back while a return of it is under way: \
                 reject {which}, or, once it is over, recover or write off in the case `money_in` what it has sent"
            );
            raise(book, "deposit.suspended_taken_back", id, Some(attempt.id), &detail, ctx);
            ask_people(book, id, None, "money_in", ctx);
        }
        Some(_) => {
            let detail = "not all of the suspended money was taken back";
            raise(book, "deposit.other_amount", id, Some(attempt.id), detail, ctx);
        }
    }
}

/// Whether another attempt's success was the deposit's: the first one is, all later are surplus.
pub fn is_surplus(payment: &Payment, attempt: AttemptId) -> bool {
    payment.first_success().is_some_and(|first| first.id != attempt)
}

/// A second payment is gone again. It never reached the wallet, so it leaves suspense; its return,
/// where one is still open, must not be sent any more.
fn take_surplus_back(book: &mut Book, id: Uuid, attempt: &Attempt, money: Money, ctx: &Ctx<'_>) {
    let payment = book.payments[&id].clone();
    let there = in_suspense(book, &payment, attempt, money.currency);
    let arrived = Some(Money::new(there, money.currency)).filter(|it| 0 < it.minor);
    let money = bounded_by(book, id, attempt, (money, arrived), ctx);
    book.post_covered(&templates::suspense_taken_back(&attempt.psp, money), id);
    returns::change_suspended(book, id, Money::new(-money.minor, money.currency), ctx);
    returns::recall(book, id, attempt.id, ctx);
    let detail = "the second payment of a deposit was taken back: reject its open return";
    raise(book, "deposit.surplus_taken_back", id, Some(attempt.id), detail, ctx);
    match book.payments[&id].suspended {
        // Where neither payment was credited, an open return holds what is the other's.
        None if payment.credited.is_some() => close_about_money(book, id, ctx),
        Some(short) if short.minor < 0 => ask_people(book, id, None, "money_in", ctx),
        _ => {}
    }
}
