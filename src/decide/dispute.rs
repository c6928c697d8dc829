//! A deposit's money was taken back, and its PSP tells again that it is there.
//!
//! Only what cannot be the first success told late is booked: the word that a PSP has for a dispute that was
//! won, or, at a PSP that has none, a success told after the first one was told. Whatever comes in another
//! order, or by an answer that may be older than the taking-back, moves nothing; where money may be there of
//! which the books do not know people look, once.

use super::command::{Ctx, Source};
use super::kept;
use super::money_in::{PROVEN_WEBHOOK, succeed};
use super::people::raise;
use super::taken_back::{is_surplus, last_taken};
use crate::book::{Attempt, Book, Payment};
use crate::domain::{AttemptId, AttemptStatus, DepositStatus, Money, PaymentStatus};
use crate::ledger::templates::{self, Shares};
use uuid::Uuid;

/// Whether the attempt's money was taken back by a dispute; a part of it may have gone back before that.
pub fn is_over(payment: &Payment, attempt: &Attempt) -> bool {
    let reversed = payment.deposit_status() == Some(DepositStatus::Reversed);
    let is_rest = reversed && !is_surplus(payment, attempt.id);
    match attempt.status {
        AttemptStatus::Reversed => true,
        AttemptStatus::Returned => is_rest,
        _ => false,
    }
}

/// Kept of an attempt whose success was never told: its taking-back vouched for it. The next message of a
/// success is that one, which was overtaken.
pub const UNTOLD_SUCCESS: &str = "its success is not told yet";
/// Kept in its place when that message has come. The very same one may be applied once more, after a crash,
/// and would read like a win: from then on people look.
const TOLD_LATE: &str = "its success is told late";

/// The PSP says in its own word that a dispute was won. It vouches for the success, too.
pub fn win(
    book: &mut Book,
    id: Uuid,
    attempt_id: AttemptId,
    money: Money,
    source: Source,
    ctx: &Ctx<'_>,
) {
    let payment = &book.payments[&id];
    let Some(attempt) = payment.attempt(attempt_id).cloned() else { return };
    if !is_over(payment, &attempt) {
        return succeed(book, id, attempt_id, money, source, ctx);
    }
    if source == PROVEN_WEBHOOK && can_be_booked(payment, &attempt, money) {
        return book_win(book, id, &attempt, money, ctx);
    }
    tell(book, id, &attempt, money, source, ctx);
}

/// The PSP tells of a success of money that was taken back.
pub fn told_again(
    book: &mut Book,
    id: Uuid,
    attempt: &Attempt,
    money: Money,
    source: Source,
    ctx: &Ctx<'_>,
) {
    let is_proven = source == PROVEN_WEBHOOK;
    tell_rest(book, id, attempt, money, ctx);
    if is_proven && kept::says(attempt, UNTOLD_SUCCESS) {
        kept::forget(book, id, attempt.id, UNTOLD_SUCCESS);
        return kept::keep_too(book, id, attempt.id, TOLD_LATE);
    }
    let payment = &book.payments[&id];
    let is_win = wins_like_success(attempt, ctx) && !kept::says(attempt, TOLD_LATE);
    if is_proven && is_win && can_be_booked(payment, attempt, money) {
        return book_win(book, id, attempt, money, ctx);
    }
    tell(book, id, attempt, money, source, ctx);
}

/// The success that a taking-back overtook is told at last, and of other money than was taken: the rest is in no book,
/// and people are told, once.
pub fn tell_rest(book: &mut Book, id: Uuid, attempt: &Attempt, money: Money, ctx: &Ctx<'_>) {
    let payment = &book.payments[&id];
    let booked = match is_surplus(payment, attempt.id) {
        true => Some(kept::booked_taken(attempt).unwrap_or(attempt.asked)),
        false => payment.received,
    };
    let is_untold = kept::says(attempt, UNTOLD_SUCCESS);
    let Some(booked) = booked.filter(|booked| is_untold && *booked != money) else { return };
    if !kept::keep_arrived(book, id, attempt.id, money) {
        return;
    }
    let detail = format!(
        "{money} arrived, by what the PSP says now, of a deposit of which {booked} was taken back before that was \
         told: what arrived and was taken is booked with {booked}, the difference is in no book. Ask the PSP, and \
         adjust the wallet"
    );
    raise(book, "deposit.other_amount", id, Some(attempt.id), &detail, ctx);
}

fn wins_like_success(attempt: &Attempt, ctx: &Ctx<'_>) -> bool {
    let capabilities = ctx.psps.capabilities(&attempt.psp);
    let deposit = capabilities.and_then(|capabilities| capabilities.deposit.as_ref());
    deposit.is_some_and(|deposit| deposit.wins_like_success)
}

/// Whether the wallet was debited of this attempt's money, in this currency.
fn can_be_booked(payment: &Payment, attempt: &Attempt, money: Money) -> bool {
    let credited = payment.credited.map(|credited| credited.currency);
    payment.deposit_status() == Some(DepositStatus::Reversed)
        && credited == Some(money.currency)
        && !is_surplus(payment, attempt.id)
}

/// The money is the player's again, the debt first that the dispute left: what the dispute took of the player, and no
/// more. What of that debt was forgiven meanwhile is not given to the player besides. What the PSP
/// gives back besides was never the player's, or is nobody's yet: it stands beside the PSP's charges, and people
/// are told where it is more than the dispute took.
fn book_win(book: &mut Book, id: Uuid, attempt: &Attempt, money: Money, ctx: &Ctx<'_>) {
    let succeeded = PaymentStatus::Deposit(DepositStatus::Succeeded);
    let payment = book.payments[&id].clone();
    if book.move_payment(id, succeeded, "the dispute was won", ctx.ids).is_err() {
        return;
    }
    let currency = money.currency;
    let of = |known: Money| if known.currency == currency { known.minor } else { money.minor };
    let taken = of(last_taken(&payment, attempt));
    let players = money.minor.min(taken).min(payment.received.map_or(taken, of));
    let owed = book.wallet(currency).owed;
    // Of an older release nobody knows what the dispute left as a debt.
    let shares = Shares::of(players, kept::booked_owed(attempt).unwrap_or(owed), owed);
    book.post_covered(&templates::reversal_won(&attempt.psp, currency, shares), id);
    if 0 < shares.forgiven {
        let detail = format!(
            "the dispute had left a debt of which {} is not owed any more: so much of what the PSP gives back is \
             booked to adjustments, as where it was forgiven. Where the player has paid it, credit it to them",
            Money::new(shares.forgiven, currency)
        );
        raise(book, "deposit.won_after_write_off", id, Some(attempt.id), &detail, ctx);
    }
    if players < money.minor {
        let beyond = Money::new(money.minor - players, currency);
        book.post_covered(&templates::beyond_won(&attempt.psp, beyond), id);
    }
    kept::forget_takings_back(book, id, attempt.id);
    if taken < money.minor {
        let detail = format!(
            "the PSP gives {money} back for a dispute that took {}: the rest is booked beside its charges. Ask \
             the PSP what it is, and adjust the wallet where it is the player's",
            Money::new(taken, currency)
        );
        raise(book, "deposit.other_amount", id, Some(attempt.id), &detail, ctx);
    }
}

/// Kept of a deposit that its PSP, asked, told to be paid after its money was taken back.
const WHEN_ASKED: &str = "succeeded, when asked";
/// Kept of a deposit of whose success its PSP sent another message after its money was taken back.
const BY_MESSAGE: &str = "succeeded, by another message";

/// What tells that the money is there, and does not book it. An inquiry's answer may be older than the
/// taking-back; and where a PSP's messages prove nothing by themselves it is all that will ever tell of a
/// dispute that was won. Another message of a success may be of a second payment. People look, once.
fn tell(book: &mut Book, id: Uuid, attempt: &Attempt, money: Money, source: Source, ctx: &Ctx<'_>) {
    // A deposit that succeeded again is what it says.
    let is_back = book.payments[&id].deposit_status() == Some(DepositStatus::Succeeded);
    let told = match source {
        Source::Inquiry if !is_back => WHEN_ASKED,
        PROVEN_WEBHOOK if !is_back => BY_MESSAGE,
        _ => "succeeded",
    };
    if kept::says(attempt, told) {
        return;
    }
    kept::keep_too(book, id, attempt.id, told);
    if told == "succeeded" {
        return;
    }
    let detail = format!(
        "the PSP says that {money} is paid of a deposit whose money was taken back, and nothing is booked \
         for it: ask the PSP whether the dispute was won, or money came once more, and adjust the wallet"
    );
    raise(book, "deposit.dispute_won", id, Some(attempt.id), &detail, ctx);
}
