//! Payouts of which more is told than they should have left to tell: paid after their hold was given back, had by a
//! PSP that was held to have never had them, or sent on long after they were let go.

use super::attempt::{self, call_off};
use super::bounce;
use super::command::{Answer, Ctx};
use super::completion::KnownBefore;
use super::kept;
use super::payout::{call_off_unsent, from_suspense, hold_again};
use super::people::{ask_people, ask_what_became, raise, review_kind};
use super::review::approve_withdrawal;
use super::{goes_back, paid_twice, returns, stuck, vendor, withdrawal};
use crate::book::{Attempt, Book, Part};
use crate::domain::{
    AttemptId, Direction, Money, PartStatus, PaymentStatus, Reason, Timestamp, WithdrawalStatus,
};
use crate::ledger::templates::{self, Debit};
use crate::payments::resolution;
use crate::screening::{Outcome, engine};
use psp_contract::Subject;
use std::sync::Arc;
use uuid::Uuid;

/// Its PSP has a payout that was held to have never reached it, or to be refused for good: what was to pay instead
/// and is not sent yet is not sent, and nothing else is sent or given back before two people have said what became
/// of it.
pub fn taken_after_all(book: &mut Book, id: Uuid, attempt: &Attempt, part: &Part, ctx: &Ctx<'_>) {
    if kept::may_be_paid(attempt) {
        return;
    }
    let detail = "the PSP has a payout that was held to have never reached it, or to have been refused there, and \
                  may pay it: look at its own pages before anything else is sent";
    raise(book, "payout.taken_after_all", id, Some(attempt.id), detail, ctx);
    doubt(book, id, attempt, part, ctx);
    ask_what_became(book, id, attempt.id, ctx);
}

/// As [`doubt`], of one of which a PSP names other money than it was told to pay.
pub fn doubt_if_over(book: &mut Book, id: Uuid, attempt: &Attempt, ctx: &Ctx<'_>) {
    let part = attempt.part.and_then(|part| book.payments[&id].part(part)).cloned();
    let is_over = !attempt.status.is_live() && !attempt.status.has_succeeded();
    if let Some(part) = part.filter(|_| is_over) {
        doubt(book, id, attempt, &part, ctx);
    }
}

/// An attempt that is over may be paid yet: what was to pay in its place is not sent, and its part is held.
pub fn doubt(book: &mut Book, id: Uuid, attempt: &Attempt, part: &Part, ctx: &Ctx<'_>) {
    kept::keep_may_be_paid(book, id, attempt.id);
    stuck::forget_end(book, id, attempt.id);
    call_off_unsent(book, id, part.id);
    let is_live = book.payments[&id].live_attempt(Some(part.id)).is_some();
    if part.status == PartStatus::Processing && !is_live {
        hold_again(book, id, part.id, ctx);
    }
}

/// Another attempt of the same part that is over and may be paid yet.
pub fn another_may_be_paid(book: &Book, id: Uuid, than: &Attempt) -> Option<Attempt> {
    let others = book.payments[&id].attempts.iter().filter(|it| it.id != than.id);
    others.filter(|it| it.part == than.part).find(|it| kept::may_be_paid(it)).cloned()
}

/// A return of this attempt's money that is over, and of which its PSP may not have said its last word: the payment, its
/// attempt and its part.
pub fn return_that_may_be_paid(
    book: &Book,
    deposit: Uuid,
    paid: AttemptId,
    now: Timestamp,
) -> Option<(Uuid, Attempt, Part)> {
    let mut sent = returns::of_attempt_of(book, deposit, paid)
        .flat_map(|back| back.attempts.iter().map(move |sent| (back, sent)));
    sent.find_map(|(back, sent)| {
        let part = sent.part.and_then(|part| back.part(part))?;
        let is_watched = now < sent.over_since() + resolution::WATCHED_AFTER_REFUSAL;
        let may_be = resolution::may_still_be_paid(&attempt::facts(sent, back.subject()));
        (is_watched && may_be).then(|| (back.id.uuid, sent.clone(), part.clone()))
    })
}

/// Whether a part that is held may be paid yet by an attempt that is over: two people say first what became of
/// that one.
pub fn a_held_part_may_be_paid(book: &Book, id: Uuid) -> bool {
    let Some(payment) = book.payment(id) else { return false };
    let is_held = |attempt: &Attempt| {
        let part = attempt.part.and_then(|part| payment.part(part));
        part.is_some_and(|part| part.status == PartStatus::Held)
    };
    payment.attempts.iter().any(|attempt| kept::may_be_paid(attempt) && is_held(attempt))
}

/// One that was let go is not sent as it is: a PSP has told meanwhile that it has it.
pub fn hold_back(book: &mut Book, id: Uuid, ctx: &Ctx<'_>) {
    returns::hold_back(book, id, "its PSP may have it after all", "payout_stuck", ctx);
}

/// The last attempt of a part that is paid is over, and what came back of another payment of it may wait in
/// suspense. It is the player's where this one is surely unpaid; where it was refused after its PSP had it, that
/// is for two people to say, as it is wherever a part waits for it.
pub fn end_beside_a_bounce(
    book: &mut Book,
    id: Uuid,
    (attempt, surely_unpaid): (&Attempt, bool),
    part: &Part,
    ctx: &Ctx<'_>,
) {
    let another = another_may_be_paid(book, id, attempt);
    if surely_unpaid && another.is_none() {
        bounce::credit_what_waited(book, id, part, ctx);
    } else if !surely_unpaid && bounce::what_waits(book, id, part).is_some() {
        kept::keep_may_be_paid(book, id, attempt.id);
        ask_what_became(book, id, attempt.id, ctx);
    }
    paid_twice::look(book, id, part.id, ctx);
}

/// Two people have said of an attempt that it was not paid: what its PSP tells once more is told anew. Where that
/// was the question of one that is over, what waited for the answer goes on.
pub fn found_unpaid(
    book: &mut Book,
    id: Uuid,
    (attempt, was_over): (AttemptId, bool),
    ctx: &Ctx<'_>,
) {
    kept::forget_other_money(book, id, attempt);
    if !was_over {
        return;
    }
    kept::forget_may_be_paid(book, id, attempt);
    // Its PSP has said that it has it, whatever it said before: it is asked about for as long as others are.
    book.attempt_mut(id, attempt).was_accepted = true;
    let payment = &book.payments[&id];
    let Some(attempt) = payment.attempt(attempt) else { return };
    let Some(part) = attempt.part.and_then(|it| payment.part(it)).cloned() else { return };
    let another_is_open = payment.live_attempt(Some(part.id)).is_some()
        || another_may_be_paid(book, id, attempt).is_some();
    if part.status == PartStatus::Paid && !another_is_open {
        bounce::credit_what_waited(book, id, &part, ctx);
    }
}

const FOUND_SINCE: &str = "by now it would not be let go";
const ASKED_FIRST: &str = "vendors are asked before it goes on";

/// What is done about a payout's next attempt in the place of sending it. None: it may be sent.
///
/// It goes on to another PSP long after it was let go, by people's word or by a late refusal. The player may owe by
/// now, be frozen, or be on a list: it is looked at once more, as before its first call.
pub fn instead_of_sending(
    book: &mut Book,
    id: Uuid,
    next: &Attempt,
    known: Option<&KnownBefore>,
    ctx: &Ctx<'_>,
) -> Option<Answer> {
    let payment = &book.payments[&id];
    if payment.subject() != Subject::Payout || !attempt::pays_something(payment, next) {
        return None;
    }
    let part = next.part?;
    let checks = known.map(|known| known.checks.facts.clone()).unwrap_or_default();
    let decision = withdrawal::pre_payout(book, id, (Vec::new(), checks), ctx);
    if known.is_none() && engine::asks(ctx.policies, &decision.facts) {
        return Some(Answer::AnswersWanted(Arc::clone(payment)));
    }
    book.record.payment = Some(payment.id);
    let asks_vendors = vendor::waits(&decision, ctx).is_some();
    let (outcome, reasons) = (decision.outcome(), withdrawal::with_let_go(payment, &decision));
    if !asks_vendors {
        book.record.decisions.push(decision);
        if outcome == Outcome::Approve {
            return None;
        }
        book.payment_mut(id).reasons = reasons;
    }
    call_off(book, id, next.id, if asks_vendors { ASKED_FIRST } else { FOUND_SINCE });
    if !asks_vendors {
        ask_people(book, id, None, review_kind(Direction::Withdrawal, outcome), ctx);
    }
    let parts = book.payments[&id].parts.iter();
    let is_alone = parts.filter(|it| it.id != part).all(|it| it.status != PartStatus::Held);
    hold_again(book, id, part, ctx);
    let in_review = PaymentStatus::Withdrawal(WithdrawalStatus::InReview);
    if asks_vendors && is_alone && book.payments[&id].status == in_review {
        // Vendors are asked about it, as about every withdrawal that is let go, and then it is sent. Another part
        // that is held waits for people.
        let again = approve_withdrawal(book, id, ASKED_FIRST, ctx);
        debug_assert!(again.is_ok(), "a withdrawal in review may be approved");
    }
    Some(Answer::applied(&book.payments[&id]))
}

/// Paid after the hold was given back, or after what was paid with it came back. Cash first, the rest is owed.
pub fn paid_late(
    book: &mut Book,
    id: Uuid,
    attempt: &Attempt,
    part: &Part,
    sent: Money,
    ctx: &Ctx<'_>,
) {
    // Whatever an earlier late payment of it took came back since.
    kept::forget_late(book, id, part.id);
    let from_wallet = match from_suspense(book, id) {
        true => sent.minor - pay_from_suspense(book, id, &attempt.psp, sent, ctx),
        false => sent.minor,
    };
    if 0 < from_wallet {
        let debit = Debit::of(from_wallet, book.wallet(sent.currency).cash);
        let posting = templates::payout_paid_late(&attempt.psp, sent.currency, debit);
        book.post_covered(&posting, id);
        if from_suspense(book, id) {
            let money = Money::new(from_wallet, sent.currency);
            kept::keep_of_wallet(book, id, attempt.id, money);
        }
        if 0 < debit.owed {
            let owed = Money::new(debit.owed, sent.currency);
            kept::keep_owed(book, id, attempt.id, owed);
            returns::hold_back_withdrawals(book, ctx);
        }
    }
    let moved = book.move_part(id, part.id, PartStatus::Paid, "proven paid late");
    debug_assert!(moved.is_ok(), "a part whose hold is over may turn out paid");
    let detail =
        "a payout was paid after its hold was released, or after another payment of it came back";
    raise(book, "payout.paid_late", id, Some(attempt.id), detail, ctx);
}

/// What suspense bears of a return that is paid after it was given up: all of it, but where its deposit was credited
/// meanwhile. Then what is still there, and the rest is the player's, who has it twice.
fn pay_from_suspense(book: &mut Book, id: Uuid, psp: &str, sent: Money, ctx: &Ctx<'_>) -> i64 {
    let there = goes_back::borne_by_suspense(book, id, sent);
    if 0 < there {
        let money = Money::new(there, sent.currency);
        book.post_covered(&templates::return_started(money), id);
        book.post_covered(&templates::return_paid(psp, money), id);
        returns::change_suspended_of(book, id, Money::new(-there, sent.currency), ctx);
    }
    there
}

/// A withdrawal that is over keeps its status whatever a PSP did since; its reasons say so.
pub fn tell(book: &mut Book, id: Uuid, to: WithdrawalStatus) {
    let message = match to {
        WithdrawalStatus::Returned => "the payout came back after this withdrawal was over",
        _ => "the PSP paid it after all: the wallet was debited, what it did not cover is owed",
    };
    let reason = Reason::new("withdrawal.moved_late", message);
    if !book.payments[&id].reasons.contains(&reason) {
        book.payment_mut(id).reasons.push(reason);
    }
}
