//! News about a payout's attempt. Here a lost answer keeps the hold and asks nobody else: only
//! what is *surely* unpaid goes to another PSP or back to the wallet.

use super::attempt::{call_off, leave_to_worker, open_next};
use super::bounce::{self, came_back_unpaid, take_back};
use super::command::{Ctx, Source};
use super::kept::{self, OTHER_MONEY, keep};
use super::late_payout::{self, paid_late};
use super::news::{self, verdict};
use super::people::{ask_what_became, close_found_out, close_reviews, is_before_people, raise};
use super::{later_round, paid_twice, psp_answers, returns, stuck};
use crate::book::{Attempt, Book, Part};
use crate::domain::{
    AttemptId, AttemptStatus, Money, PartId, PartStatus, PaymentStatus, WithdrawalStatus,
};
use crate::ledger::templates::{self, Debit};
use crate::payments::failover::Verdict;
use psp_contract::{Outcome, Report, Status};
use uuid::Uuid;

/// Applies one outcome; returns the attempt that is to be sent next, if the part moves on.
pub fn apply(
    book: &mut Book,
    id: Uuid,
    attempt_id: AttemptId,
    outcome: &Outcome,
    source: Source,
    ctx: &Ctx<'_>,
) -> Option<AttemptId> {
    let payment = &book.payments[&id];
    let mut attempt = payment.attempt(attempt_id)?.clone();
    let part = payment.part(attempt.part?)?.clone();
    attempt.was_accepted |= is_on_record(outcome, source);
    let verdict = verdict(payment, &attempt, outcome, source, ctx);
    if matches!(source, Source::Webhook { hint: true }) || came_back_unpaid(&attempt) {
        return None;
    }
    if paid_amount(outcome).is_some_and(|told| !is_believable(verdict, told, attempt.asked)) {
        leave_to_people(book, id, &attempt, source, ctx);
        return None;
    }
    match verdict {
        Verdict::Succeeded => {
            succeed(book, id, &attempt, &part, paid_amount(outcome)?, source, ctx);
            return None;
        }
        Verdict::Returned | Verdict::Reversed => {
            take_back(book, id, &attempt, &part, paid_amount(outcome)?, source, ctx);
            return None;
        }
        _ => {}
    }
    let to = verdict.status().filter(|to| attempt.status != *to)?;
    if book.move_attempt(id, attempt_id, to, source.as_str()).is_err() {
        let is_denied =
            attempt.status == AttemptStatus::NotSent || news::is_denied(&attempt, source, ctx);
        if to == AttemptStatus::Accepted && is_denied {
            late_payout::taken_after_all(book, id, &attempt, &part, ctx);
        } else {
            alert_if_over(book, id, &attempt, to, ctx);
            keep(book, id, attempt_id, to.as_str());
        }
        return None;
    }
    match verdict {
        Verdict::Accepted => {
            book.attempt_mut(id, attempt_id).was_accepted = true;
            None
        }
        Verdict::Unknown | Verdict::Nothing => None,
        _ => {
            let over = book.attempt_mut(id, attempt_id);
            over.was_accepted = attempt.was_accepted;
            // Before anything is said about the payout: who reads its event learns why.
            news::note_error(over, outcome);
            stuck::note_end(book, id, &attempt, (outcome, source));
            if source != Source::People && kept::speaks_of_other_money(&attempt) {
                // It said before that it paid other money, and two people are asked: its own refusal is no answer.
                late_payout::doubt(book, id, &attempt, &part, ctx);
                return None;
            }
            after_failure(book, id, &attempt, &part, outcome, verdict, ctx)
        }
    }
}

/// A PSP that had paid says now that it did not, or that it is over. The books stay as they are (its money may be
/// back at the PSP, and it may be the older word), and people are told once.
fn alert_if_over(book: &mut Book, id: Uuid, attempt: &Attempt, to: AttemptStatus, ctx: &Ctx<'_>) {
    use AttemptStatus::{Cancelled, Declined, Expired};
    let is_end = matches!(to, Declined | Cancelled | Expired);
    let has_paid = attempt.status == AttemptStatus::Succeeded;
    if is_end && has_paid && !kept::says(attempt, to.as_str()) {
        let detail = format!("the PSP had paid it, and says now that it is {}", to.as_str());
        raise(book, "payout.denied_after_paid", id, Some(attempt.id), &detail, ctx);
    }
}

/// A refusal or an end that the PSP tells of by itself, or when it is asked about the payout, is of one that it has
/// in its books: it had taken it, though the answer that said so was lost. Only the answer to the request itself,
/// or to the same one sent again, can say that it was never taken.
const fn is_on_record(outcome: &Outcome, source: Source) -> bool {
    let is_told = matches!(source, Source::Inquiry | Source::Webhook { .. });
    let is_end = matches!(
        outcome,
        Outcome::Reported(Report {
            status: Status::Declined(_) | Status::Cancelled | Status::Expired,
            ..
        })
    );
    is_told && is_end
}

/// Whether the money that a PSP names can be the money that it was told to pay. What comes back may
/// be less: a bank on the way may keep its charge.
fn is_believable(verdict: Verdict, told: Money, asked: Money) -> bool {
    let less = told.currency == asked.currency && told.minor < asked.minor;
    told == asked || (less && verdict != Verdict::Succeeded)
}

/// The PSP says that it paid other money than it was told to. Nothing is booked and nobody else is
/// asked: the attempt stays unknown and two people find out what was paid.
fn leave_to_people(book: &mut Book, id: Uuid, attempt: &Attempt, source: Source, ctx: &Ctx<'_>) {
    if attempt.status == AttemptStatus::InFlight {
        let moved = book.move_attempt(id, attempt.id, AttemptStatus::Unknown, source.as_str());
        debug_assert!(moved.is_ok(), "what is in flight may become unknown");
    }
    if kept::says(attempt, OTHER_MONEY) && kept::is_a_question(attempt) {
        return;
    }
    keep(book, id, attempt.id, OTHER_MONEY);
    let detail = "the PSP says that it paid other money than it was told to: look at its own pages";
    raise(book, "payout.other_amount", id, Some(attempt.id), detail, ctx);
    late_payout::doubt_if_over(book, id, attempt, ctx);
    ask_what_became(book, id, attempt.id, ctx);
}

fn paid_amount(outcome: &Outcome) -> Option<Money> {
    match outcome {
        Outcome::Reported(Report {
            status:
                Status::Succeeded { money } | Status::Returned { money } | Status::Reversed { money },
            ..
        }) => Some(*money),
        _ => None,
    }
}

/// One attempt is over without money. It is surely unpaid when it never reached the PSP, was
/// refused at once, or was refused with a code that the adapter lists as irreversible; then
/// another PSP pays the same instrument, or the hold is released. All else is for people.
fn after_failure(
    book: &mut Book,
    id: Uuid,
    attempt: &Attempt,
    part: &Part,
    outcome: &Outcome,
    verdict: Verdict,
    ctx: &Ctx<'_>,
) -> Option<AttemptId> {
    let irreversible = matches!(
        outcome,
        Outcome::Reported(Report { status: Status::Declined(decline), .. }) if decline.irreversible
    );
    let surely_unpaid = !attempt.was_accepted || irreversible;
    let other_live = book.payments[&id].live_attempt(Some(part.id)).is_some();
    if part.status == PartStatus::Paid && !other_live {
        late_payout::end_beside_a_bounce(book, id, (attempt, surely_unpaid), part, ctx);
        return None;
    }
    if part.status != PartStatus::Processing || other_live {
        return None;
    }
    if late_payout::another_may_be_paid(book, id, attempt).is_some() {
        hold_again(book, id, part.id, ctx);
        return None;
    }
    if verdict.moves_on()
        && let Some(next) = open_next(book, id, Some(part.id), ctx)
    {
        if !later_round::follows(attempt, ctx.now) {
            return Some(next);
        }
        // Whoever brings news this late sends nothing: a worker does, after another look at the player.
        leave_to_worker(book, id, next, ctx);
        return None;
    }
    let another_cannot_pay_it = verdict.moves_on() && stuck::has_other(book, id, part.id);
    if surely_unpaid && !another_cannot_pay_it {
        release(book, id, part, "surely unpaid", ctx);
        settle(book, id, ctx);
    } else {
        hold_again(book, id, part.id, ctx);
    }
    None
}

/// An attempt that nobody has sent is left out: the next PSP pays, or people decide.
pub(super) fn go_on_without(book: &mut Book, id: Uuid, unsent: &Attempt, ctx: &Ctx<'_>) {
    call_off(book, id, unsent.id, "its PSP is not configured any more");
    let Some(part) = unsent.part else { return };
    match open_next(book, id, Some(part), ctx) {
        Some(next) => {
            leave_to_worker(book, id, next, ctx);
            close_found_out(book, id, ctx);
        }
        None => hold_again(book, id, part, ctx),
    }
}

/// A part that was under way is held for people.
pub(super) fn hold_again(book: &mut Book, id: Uuid, part: PartId, ctx: &Ctx<'_>) {
    let moved = book.move_part(id, part, PartStatus::Held, "people must decide");
    debug_assert!(moved.is_ok(), "a processing part may be held again");
    settle(book, id, ctx);
}

/// Gives the part's hold back: to the wallet, or to suspense for a return that came from there.
fn release(book: &mut Book, id: Uuid, part: &Part, cause: &str, ctx: &Ctx<'_>) {
    let held = book.take_hold(id, part.id, part.held_minor, false);
    let money = Money::new(held, part.money.currency);
    give_back(book, id, money, ctx);
    let moved = book.move_part(id, part.id, PartStatus::Released, cause);
    debug_assert!(moved.is_ok(), "a part with a hold may be released");
}

/// What was held is the wallet's again, or in suspense again.
fn give_back(book: &mut Book, id: Uuid, money: Money, ctx: &Ctx<'_>) {
    if money.minor == 0 {
        return;
    }
    if from_suspense(book, id) {
        book.post_covered(&templates::return_failed(money), id);
        returns::suspend_again(book, id, money, ctx);
    } else {
        book.post_covered(&templates::hold_released(money), id);
    }
}

/// Releases every part that still holds: the withdrawal ends without being sent.
pub fn release_all(book: &mut Book, id: Uuid, cause: &str, ctx: &Ctx<'_>) {
    let held: Vec<Part> = book.payments[&id]
        .parts
        .iter()
        .filter(|part| part.status == PartStatus::Held)
        .cloned()
        .collect();
    for part in &held {
        release(book, id, part, cause, ctx);
    }
}

/// Whether what it pays out was never a wallet's: the return of a deposit's suspended money.
pub(super) fn from_suspense(book: &Book, id: Uuid) -> bool {
    book.payments[&id].returns.as_ref().is_some_and(|returns| returns.from_suspense)
}

/// The payout was paid. Its hold is captured once; a payment that comes after the hold is gone is
/// booked all the same, because the money has left.
pub(super) fn succeed(
    book: &mut Book,
    id: Uuid,
    attempt: &Attempt,
    part: &Part,
    sent: Money,
    source: Source,
    ctx: &Ctx<'_>,
) {
    if book.move_attempt(id, attempt.id, AttemptStatus::Succeeded, source.as_str()).is_err() {
        if attempt.status != AttemptStatus::Succeeded {
            keep(book, id, attempt.id, "succeeded");
        }
        return;
    }
    book.attempt_mut(id, attempt.id).was_accepted = true;
    call_off_unsent(book, id, part.id);
    match part.status {
        PartStatus::Held | PartStatus::Processing => capture(book, id, attempt, part, sent, ctx),
        PartStatus::Released => paid_late(book, id, attempt, part, sent, ctx),
        PartStatus::Returned if !bounce::another_stands(book, id, attempt) => {
            paid_late(book, id, attempt, part, sent, ctx);
        }
        PartStatus::Paid | PartStatus::Returned => {
            book.post_covered(&templates::payout_paid_twice(&attempt.psp, sent), id);
            if bounce::another_stands(book, id, attempt) {
                let detail = "two attempts of one payout were paid: recover the second";
                raise(book, "payout.paid_twice", id, Some(attempt.id), detail, ctx);
                paid_twice::look(book, id, part.id, ctx);
            }
        }
    }
    settle(book, id, ctx);
}

/// The part is paid, so the attempt that was to pay it and that nobody has sent yet is not sent.
pub(super) fn call_off_unsent(book: &mut Book, id: Uuid, part: PartId) {
    let of_part = |attempt: &&Attempt| attempt.part == Some(part);
    let unsent = book.payments[&id].attempts.iter().filter(of_part);
    let unsent = unsent.filter(|attempt| attempt.status == AttemptStatus::Prepared);
    for attempt in unsent.map(|attempt| attempt.id).collect::<Vec<_>>() {
        call_off(book, id, attempt, "its part needs it no more");
    }
}

fn capture(book: &mut Book, id: Uuid, attempt: &Attempt, part: &Part, sent: Money, ctx: &Ctx<'_>) {
    let fee = book.payments[&id].fee_of(part);
    let wanted = sent.minor + fee;
    let captured = book.take_hold(id, part.id, wanted, true);
    let money = Money::new(captured, part.money.currency);
    let psp = &attempt.psp;
    if from_suspense(book, id) {
        book.post_covered(&templates::return_paid(psp, money), id);
    } else {
        book.post_covered(&templates::payout_captured(psp, money, fee.min(captured)), id);
    }
    if captured < wanted {
        // More left than was held: the rest cannot be refused.
        let debit = Debit::of(wanted - captured, book.wallet(money.currency).cash);
        book.post_covered(&templates::payout_paid_late(psp, money.currency, debit), id);
    }
    let rest = book.payments[&id].part(part.id).map_or(0, |part| part.held_minor);
    if 0 < rest {
        // Less left than was held: a partial capture gives the rest back.
        let rest = book.take_hold(id, part.id, rest, false);
        give_back(book, id, Money::new(rest, money.currency), ctx);
    }
    if part.status == PartStatus::Held {
        let _ = book.move_part(id, part.id, PartStatus::Processing, "found paid");
    }
    let moved = book.move_part(id, part.id, PartStatus::Paid, "paid");
    debug_assert!(moved.is_ok(), "a processing part may be paid");
}

/// The withdrawal's status follows from its parts.
pub fn settle(book: &mut Book, id: Uuid, ctx: &Ctx<'_>) {
    let payment = &book.payments[&id];
    let count = |status| payment.parts.iter().filter(|part| part.status == status).count();
    let (paid, returned) = (count(PartStatus::Paid), count(PartStatus::Returned));
    let (held, released) = (count(PartStatus::Held), count(PartStatus::Released));
    if 0 < count(PartStatus::Processing) {
        close_found_out(book, id, ctx);
        return;
    }
    let before = payment.withdrawal_status();
    let to = if 0 < held {
        WithdrawalStatus::InReview
    } else if 0 < returned {
        WithdrawalStatus::Returned
    } else if 0 < paid && 0 < released {
        WithdrawalStatus::PaidInPart
    } else if 0 < paid {
        WithdrawalStatus::Paid
    } else {
        WithdrawalStatus::Failed
    };
    let asks = to == WithdrawalStatus::InReview && !is_before_people(book, id);
    let say = if asks || to == WithdrawalStatus::Failed {
        psp_answers::keep
    } else {
        psp_answers::forget
    };
    say(book, id);
    for step in implied(before, to) {
        let _ = book.move_payment(id, PaymentStatus::Withdrawal(*step), "found later", ctx.ids);
    }
    if book.move_payment(id, PaymentStatus::Withdrawal(to), "its parts say so", ctx.ids).is_err() {
        let detail = "money moved that its status does not know";
        raise(book, "payout.status_conflict", id, None, detail, ctx);
        late_payout::tell(book, id, to);
    }
    match to {
        WithdrawalStatus::InReview if !asks => {}
        WithdrawalStatus::InReview => stuck::ask(book, id, ctx),
        WithdrawalStatus::Paid => {
            returns::close_returned_deposit(book, id, ctx);
            close_reviews(book, id, ctx);
        }
        _ => close_reviews(book, id, ctx),
    }
}

/// What the machine goes through when news skips a step: paid and bounced in one piece of news, or
/// found paid while people were still to decide.
const fn implied(
    before: Option<WithdrawalStatus>,
    to: WithdrawalStatus,
) -> &'static [WithdrawalStatus] {
    use WithdrawalStatus::{Approved, InReview, Paid, PaidInPart, Processing, Returned};
    match (before, to) {
        (Some(Processing), Returned) => &[Paid],
        (Some(Approved), Paid | PaidInPart) => &[Processing],
        (Some(Approved), Returned) => &[Processing, Paid],
        (Some(InReview), Paid | PaidInPart) => &[Approved, Processing],
        (Some(InReview), Returned) => &[Approved, Processing, Paid],
        _ => &[],
    }
}
