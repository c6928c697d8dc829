//! What of a deposit's money can go back: by which of its attempts, and how much of it is left.

use super::kept;
use crate::book::{Attempt, Book, Part, Payment, Returns};
use crate::domain::{AttemptStatus, Currency, DepositStatus, Money, PartStatus};
use uuid::Uuid;

/// What returns of what was credited have sent back, are sending or hold for it.
pub fn going_back(book: &Book, deposit: &Payment) -> i64 {
    let returns = of_wallet(book, deposit);
    let of_credit: i64 =
        returns.flat_map(|it| it.parts.iter().map(|part| goes_back(it, part))).sum();
    of_credit + borne_by_wallet(book, deposit)
}

/// What the wallet bore of returns of suspended money that were paid after the credit, less what came back of it.
fn borne_by_wallet(book: &Book, deposit: &Payment) -> i64 {
    let Some(first) = deposit.first_success() else { return 0 };
    let returns = returns_of_suspense(book, deposit, first).into_iter();
    returns.flat_map(|it| it.parts.iter().map(move |part| wallets_share(it, part))).sum()
}

/// What the wallet bears of one part of such a return.
fn wallets_share(payment: &Payment, part: &Part) -> i64 {
    let of_part = || payment.attempts.iter().filter(|it| it.part == Some(part.id));
    let bore = of_part().map(kept::booked_of_wallet).max().unwrap_or(0);
    let came_back = of_part().filter(|it| it.status == AttemptStatus::Returned);
    match part.status {
        PartStatus::Paid => bore,
        PartStatus::Returned => {
            let came_back = came_back.map(|it| kept::booked_back(it).minor).max().unwrap_or(0);
            (bore - came_back).max(0)
        }
        _ => 0,
    }
}

/// What one part takes or has taken to its payer: of one that bounced, what did not come back.
fn goes_back(payment: &Payment, part: &Part) -> i64 {
    match part.status {
        PartStatus::Held | PartStatus::Processing | PartStatus::Paid => part.money.minor,
        PartStatus::Returned => {
            let of_part = payment.attempts.iter().filter(|attempt| {
                attempt.part == Some(part.id) && attempt.status == AttemptStatus::Returned
            });
            let came_back: i64 = of_part.map(|attempt| kept::booked_back(attempt).minor).sum();
            (part.money.minor - came_back).max(0)
        }
        // It was held to be unpaid, and its PSP said since that it has it.
        _ if may_be_paid(payment, part) => part.money.minor,
        _ => 0,
    }
}

fn may_be_paid(payment: &Payment, part: &Part) -> bool {
    payment.attempts.iter().any(|it| it.part == Some(part.id) && kept::may_be_paid(it))
}

/// Whether more would go back than arrived if this return were sent, beside the other ones that were sent, or that
/// may be paid although they are over.
pub fn is_too_much(book: &Book, id: Uuid) -> bool {
    let Some(returns) = book.payment(id).and_then(|it| it.returns.as_ref()) else { return false };
    let Some(deposit) = book.payment(returns.deposit) else { return false };
    if !returns.from_suspense {
        let whole = deposit.credited.map_or(0, |money| money.minor);
        return whole < going_back(book, deposit);
    }
    // What went back may have come again, and then be sent once more: only what is open is counted against it.
    let Some(paid) = deposit.attempts.iter().find(|it| names(returns, it)) else { return false };
    let of_attempt = returns_of_suspense(book, deposit, paid);
    let is_open = |it: &Payment| it.parts.iter().any(|part| may_be_paid(it, part));
    of_attempt.into_iter().any(is_open) && left_of(book, deposit, paid) < 0
}

/// The attempt that is to go back: the credited one's money is the wallet's, surplus is in suspense.
pub fn paid_attempt<'a>(
    book: &Book,
    deposit: &'a Payment,
    from_suspense: bool,
) -> Option<&'a Attempt> {
    let first = deposit.first_success()?;
    // A part of it may have gone back before, or all of it, and come again: what is in suspense is there. So
    // is what is left of a credit that stands: a taking-back that is not ours ends the deposit with it.
    let stands = deposit.deposit_status() == Some(DepositStatus::Succeeded);
    let is_in = |attempt: &Attempt| match attempt.status {
        AttemptStatus::Succeeded => true,
        AttemptStatus::Returned => from_suspense || stands,
        _ => false,
    };
    let returnable = |attempt: &&Attempt| is_in(attempt) && attempt.psp_reference.is_some();
    if from_suspense {
        return likeliest(book, deposit, returnable);
    }
    Some(first).filter(returnable)
}

/// The attempt whose money is in suspense, whether or not its PSP can be told to send it back.
pub fn paid_in_suspense<'a>(book: &Book, deposit: &'a Payment) -> Option<&'a Attempt> {
    let is_in = |attempt: &&Attempt| {
        matches!(attempt.status, AttemptStatus::Succeeded | AttemptStatus::Returned)
    };
    likeliest(book, deposit, is_in)
}

/// Of two payments of which neither was credited each is there, unless it is on its way back already: the second goes
/// back first. Of one that was credited the rest may be there.
fn likeliest<'a>(
    book: &Book,
    deposit: &'a Payment,
    which: impl Fn(&&'a Attempt) -> bool,
) -> Option<&'a Attempt> {
    let first = deposit.first_success()?.id;
    let is_first = |attempt: &Attempt| attempt.id == first;
    let has_rest = deposit.credited.is_none() || 0 < rest_of_first(book, deposit);
    let there = deposit.attempts.iter().filter(|attempt| has_rest || !is_first(attempt));
    there.filter(which).max_by_key(|attempt| {
        let stands = attempt.status == AttemptStatus::Succeeded;
        let is_left = 0 < left_of(book, deposit, attempt);
        (is_left, stands, !is_first(attempt), attempt.ended_at, attempt.number)
    })
}

/// What of a deposit's first payment is in suspense beside the part of it that was credited, in minor units: its return
/// came to nothing. Where there is no other payment it is all that is there, whatever was taken of the wallet since.
/// Beside another one nothing of one of which a bank took anything, or whose fee alone is no credit.
pub fn rest_of_first(book: &Book, deposit: &Payment) -> i64 {
    let stands = deposit.deposit_status() == Some(DepositStatus::Succeeded);
    let parts = (deposit.suspended, deposit.credited, deposit.received, deposit.first_success());
    let (Some(suspended), Some(credited), Some(received), Some(first)) = parts else { return 0 };
    let is_one = suspended.currency == credited.currency && credited.currency == received.currency;
    let came = deposit.attempts.iter().filter(|attempt| attempt.status.has_succeeded()).count();
    if is_one && came == 1 {
        return suspended.minor.max(0);
    }
    let fee = deposit.fee.map_or(0, |fee| fee.minor);
    let is_whole = credited.minor + fee == received.minor;
    let is_taken = first.status == AttemptStatus::Reversed || kept::booked(first).is_some();
    if !stands || !is_one || is_whole || is_taken {
        return 0;
    }
    (left_of(book, deposit, first) - credited.minor).clamp(0, suspended.minor.max(0))
}

/// Whether a return of a deposit's suspended money waits for people, or was sent and has no end.
pub fn a_return_is_open(book: &Book, deposit: Uuid) -> bool {
    let is_open = |part: &Part| matches!(part.status, PartStatus::Held | PartStatus::Processing);
    let mut returns = book.all_payments().filter(|it| {
        it.returns.as_ref().is_some_and(|it| it.deposit == deposit && it.from_suspense)
    });
    returns.any(|it| it.parts.iter().any(is_open))
}

/// What of suspended money came by this attempt: its PSP sends back no more.
pub fn of_attempt(book: &Book, deposit: &Payment, paid: &Attempt, suspended: Money) -> Money {
    let rest = Money::new(rest_of_first(book, deposit), suspended.currency);
    if 0 < rest.minor && deposit.first_success().is_some_and(|first| first.id == paid.id) {
        // The wallet has the other part of it, and another payment may wait beside it.
        return rest;
    }
    let brought = brought_by(deposit, paid);
    // All of it may have gone back before, and have come again.
    let left = Some(left_of(book, deposit, paid)).filter(|left| 0 < *left);
    let there = left.unwrap_or(brought.minor);
    let is_less = brought.currency == suspended.currency && there < suspended.minor;
    if is_less { Money::new(there, brought.currency) } else { suspended }
}

fn brought_by(deposit: &Payment, paid: &Attempt) -> Money {
    let is_first = deposit.first_success().is_some_and(|first| first.id == paid.id);
    deposit.received.filter(|_| is_first).unwrap_or(paid.asked)
}

/// What of an attempt's money no return from suspense has sent back, is sending or holds for it.
fn left_of(book: &Book, deposit: &Payment, paid: &Attempt) -> i64 {
    let others = returns_of_suspense(book, deposit, paid).into_iter();
    let gone: i64 = others.flat_map(|it| it.parts.iter().map(|part| goes_back(it, part))).sum();
    brought_by(deposit, paid).minor - gone
}

/// The returns that take what of this attempt is in suspense.
pub fn returns_of_suspense<'a>(
    book: &'a Book,
    deposit: &Payment,
    paid: &Attempt,
) -> Vec<&'a Payment> {
    let is_its = |returns: &Returns| {
        returns.deposit == deposit.id.uuid && returns.from_suspense && names(returns, paid)
    };
    book.all_payments().filter(|it| it.returns.as_ref().is_some_and(is_its)).collect()
}

/// What of a deposit's money of one currency is in suspense, or held there for a return of this attempt that was not
/// sent.
pub fn in_suspense(book: &Book, deposit: &Payment, paid: &Attempt, currency: Currency) -> i64 {
    let returns = returns_of_suspense(book, deposit, paid).into_iter();
    let of_currency = returns.filter(|it| it.currency() == currency);
    let held = of_currency.flat_map(|it| it.parts.iter()).map(|part| part.held_minor);
    let suspended = deposit.suspended.filter(|money| money.currency == currency);
    suspended.map_or(0, |money| money.minor.max(0)) + held.sum::<i64>()
}

/// What suspense bears of a return that was paid after it was given up: all of it as long as the deposit was not
/// credited, and else what of it is there.
pub fn borne_by_suspense(book: &Book, id: Uuid, sent: Money) -> i64 {
    let Some(returns) = book.payment(id).and_then(|it| it.returns.as_ref()) else {
        return sent.minor;
    };
    let credited = book.payment(returns.deposit).filter(|deposit| deposit.credited.is_some());
    let Some(deposit) = credited else { return sent.minor };
    let paid = deposit.attempts.iter().find(|attempt| names(returns, attempt));
    let there = paid.map(|paid| in_suspense(book, deposit, paid, sent.currency));
    there.map_or(sent.minor, |there| there.clamp(0, sent.minor))
}

/// Whether suspended money of a deposit may be on its way back by a return that is over: its PSP says that it has it.
pub fn a_return_may_be_paid(book: &Book, deposit: Uuid) -> bool {
    let of_suspense = |returns: &Returns| returns.deposit == deposit && returns.from_suspense;
    let mut returns = book.all_payments().filter(|it| it.returns.as_ref().is_some_and(of_suspense));
    returns.any(|it| it.parts.iter().any(|part| may_be_paid(it, part)))
}

/// What of a credited deposit returns have taken to its payer.
pub fn gone_back(book: &Book, deposit: &Payment) -> i64 {
    let gone = |part: &&Part| matches!(part.status, PartStatus::Paid | PartStatus::Returned);
    let returns = of_wallet(book, deposit);
    let of_credit: i64 =
        returns.flat_map(|it| it.parts.iter().filter(gone).map(|part| goes_back(it, part))).sum();
    of_credit + borne_by_wallet(book, deposit)
}

/// The returns of what was credited.
fn of_wallet<'a>(book: &'a Book, deposit: &Payment) -> impl Iterator<Item = &'a Payment> {
    let id = deposit.id.uuid;
    let is_its = move |returns: &Returns| returns.deposit == id && !returns.from_suspense;
    book.all_payments().filter(move |it| it.returns.as_ref().is_some_and(is_its))
}

/// Whether a return gives this attempt's money back. Those of older releases name it by the PSP's id alone.
pub fn names(returns: &Returns, attempt: &Attempt) -> bool {
    match returns.attempt {
        Some(id) => attempt.id == id,
        None => {
            attempt.psp == returns.psp
                && attempt.psp_reference.as_deref() == Some(returns.psp_reference.as_str())
        }
    }
}
