//! Money leaves only through the withdrawal machine: a deposit that goes back is a withdrawal of
//! origin `return` to the deposit's own source, at the PSP that took it.

use super::command::{Answer, Ctx, OpenReturn};
use super::four_eyes::{Draft, propose};
use super::goes_back::{
    going_back, gone_back, is_too_much, names, of_attempt, paid_attempt, returns_of_suspense,
};
use super::kept;
use super::people::{
    ask_people, awaits_vendor, close_about_money, close_reviews, raise, void_about_money,
};
use super::refusal::Refusal;
use super::withdrawal::hold;
use crate::book::{Attempt, Book, CaseAct, Part, Payment, Returns};
use crate::domain::{
    AttemptId, AttemptStatus, DepositStatus, Instrument, Money, Origin, PartId, PartStatus,
    PaymentId, PaymentStatus, ProposalId, WithdrawalStatus,
};
use crate::ledger::templates;
use crate::routing::plan::{Candidate, Route};
use std::sync::Arc;
use uuid::Uuid;

/// Opens the return of a credited deposit, or of one whose money waits in suspense. It waits for
/// a second person; until then the money is held.
pub fn open(book: &mut Book, open: &OpenReturn, ctx: &Ctx<'_>) -> Result<Answer, Refusal> {
    let deposit = book.payment(open.deposit).ok_or(Refusal::NotFound)?.clone();
    if awaits_vendor(book, open.deposit) {
        return Err(Refusal::NotReturnable(
            "a vendor is asked about its money: wait for the answer",
        ));
    }
    let suspended = deposit.suspended.filter(|money| 0 < money.minor);
    let from_suspense = suspended.is_some();
    let paid = paid_attempt(book, &deposit, from_suspense);
    let paid = paid.ok_or(Refusal::NotReturnable("its money is not in"))?;
    let suspended = suspended.map(|money| of_attempt(book, &deposit, paid, money));
    let whole = suspended.or(deposit.credited);
    let whole = whole.ok_or(Refusal::NotReturnable("its money is not in"))?;
    // What is suspended is what is left there; of what was credited, other returns may have a part.
    let taken = if from_suspense { 0 } else { going_back(book, &deposit) };
    let left = Money::new(whole.minor - taken, whole.currency);
    let money = open.amount.unwrap_or(left);
    if money.currency != whole.currency || whole.minor < money.minor {
        return Err(Refusal::NotReturnable("the amount is more than arrived"));
    }
    if left.minor <= 0 {
        return Err(Refusal::NotReturnable("all of it is in other returns, open or paid"));
    }
    if left.minor < money.minor {
        return Err(Refusal::NotReturnable(
            "with its other returns, open or paid, it is more than arrived; reject one of those that \
             are open, or ask for less",
        ));
    }
    // What is in suspense can go back whatever became of the deposit: its return may have bounced.
    let returnable = from_suspense
        || matches!(
            deposit.deposit_status(),
            Some(DepositStatus::Succeeded | DepositStatus::InReview)
        );
    if !returnable {
        return Err(Refusal::NotReturnable("its status does not allow it"));
    }
    let id = start(book, &deposit, paid, money, from_suspense, ctx)?;
    let review = review_of(book, id);
    if let Some(review) = review {
        let draft = Draft {
            id: ProposalId(ctx.ids.next()),
            outcome: "approve".to_owned(),
            note: open.reason.clone(),
            payload: None,
            person: open.person.clone(),
        };
        if let Some(review) = book.review_mut(review) {
            propose(review, draft, ctx.now)?;
        }
    }
    Ok(Answer::Payment(book.payments[&id].clone()))
}

fn review_of(book: &Book, id: Uuid) -> Option<Uuid> {
    book.reviews.values().find(|review| review.open && review.payment == Some(id)).map(|r| r.id.0)
}

/// Opens the return of a second payment of one deposit, for two people to approve.
pub fn open_of_second_success(
    book: &mut Book,
    id: Uuid,
    attempt: &Attempt,
    money: Money,
    ctx: &Ctx<'_>,
) {
    let deposit = book.payments[&id].clone();
    let mut paid = attempt.clone();
    if paid.psp_reference.is_none() {
        paid = deposit.attempt(attempt.id).cloned().unwrap_or(paid);
    }
    if paid.psp_reference.is_none() || start(book, &deposit, &paid, money, true, ctx).is_err() {
        let detail = "the PSP's id of the second payment is not known: return it by hand";
        raise(book, "deposit.return_by_hand", id, Some(attempt.id), detail, ctx);
        ask_people(book, id, None, "money_in", ctx);
    }
}

/// Opens the return that two people already chose for suspended money: it is approved at once.
pub fn open_approved(book: &mut Book, id: Uuid, ctx: &Ctx<'_>) -> Result<Uuid, Refusal> {
    let deposit = book.payment(id).ok_or(Refusal::NotFound)?.clone();
    let paid = paid_attempt(book, &deposit, true);
    let paid = paid.ok_or(Refusal::NotReturnable("its money is not in"))?;
    let suspended = deposit.suspended.filter(|money| 0 < money.minor);
    let money = suspended.ok_or(Refusal::NotReturnable("nothing is suspended"))?;
    let money = of_attempt(book, &deposit, paid, money);
    let opened = start(book, &deposit, paid, money, true, ctx)?;
    super::review::approve_withdrawal(book, opened, "returned by two people", ctx)?;
    Ok(opened)
}

fn start(
    book: &mut Book,
    deposit: &Payment,
    paid: &Attempt,
    money: Money,
    from_suspense: bool,
    ctx: &Ctx<'_>,
) -> Result<Uuid, Refusal> {
    let payment = return_of(deposit, paid, money, from_suspense, ctx);
    let id = payment.id.uuid;
    if from_suspense {
        book.post_covered(&templates::return_started(money), id);
        change_suspended(book, deposit.id.uuid, Money::new(-money.minor, money.currency), ctx);
    } else {
        hold(book, id, money)?;
    }
    let opener = book.record.payment;
    book.open_payment(payment, "a deposit goes back", ctx.ids);
    book.record.payment = opener.or(book.record.payment);
    ask_people(book, id, None, "return", ctx);
    Ok(id)
}

fn return_of(
    deposit: &Payment,
    paid: &Attempt,
    money: Money,
    from_suspense: bool,
    ctx: &Ctx<'_>,
) -> Payment {
    let id = PaymentId::withdrawal(ctx.ids.next());
    let masked = deposit.source.as_ref().map_or_else(String::new, |s| s.masked.clone());
    let instrument = Instrument {
        source_deposit: Some(deposit.id.uuid),
        masked,
        ..deposit.source.clone().unwrap_or_default()
    };
    let part = Part {
        id: PartId(ctx.ids.next()),
        number: 1,
        money,
        instrument,
        status: PartStatus::Held,
        held_minor: money.minor,
        way: None,
    };
    let reason = "the deposit goes back the way it came".to_owned();
    let candidate = Candidate { psp: paid.psp.clone(), rank: Some(1), reason };
    Payment {
        id,
        status: PaymentStatus::Withdrawal(WithdrawalStatus::InReview),
        origin: Origin::Return,
        money,
        fee: None,
        reference: None,
        received: None,
        credited: None,
        suspended: None,
        next_action: None,
        action_told: false,
        reasons: Vec::new(),
        route: Arc::new(Route {
            version: deposit.route.version.clone(),
            candidates: vec![candidate],
        }),
        metadata: "{}".to_owned(),
        event_sequence: 0,
        answer_owed: None,
        due_at: None,
        source: None,
        instrument: None,
        returns: Some(Returns {
            deposit: deposit.id.uuid,
            attempt: Some(paid.id),
            psp: paid.psp.clone(),
            psp_reference: paid.psp_reference.clone().unwrap_or_default(),
            from_suspense,
        }),
        parts: vec![part],
        attempts: Vec::new(),
        created_at: ctx.now,
        updated_at: ctx.now,
        ..deposit.clone()
    }
}

/// Moves what a deposit shows as suspended along with the suspense account. Who proposed what is to become
/// of it meant the sum that was there: others approve what they read, so it is proposed anew.
pub fn change_suspended(book: &mut Book, deposit: Uuid, change: Money, ctx: &Ctx<'_>) {
    let suspended = book.payments[&deposit].suspended;
    if suspended.is_some_and(|money| money.currency != change.currency) {
        // Two currencies cannot be shown as one: its own incident and return tell of the second.
        return;
    }
    let before = suspended.map_or(0, |money| money.minor);
    let after = Money::new(before + change.minor, change.currency);
    book.payment_mut(deposit).suspended = (after.minor != 0).then_some(after);
    let why =
        format!("{} is suspended now, and no more what was proposed for: propose again", after);
    void_about_money(book, deposit, &why, ctx);
}

/// As [`change_suspended`], of the deposit that a return gives back. None: it has none.
pub fn change_suspended_of(
    book: &mut Book,
    id: Uuid,
    change: Money,
    ctx: &Ctx<'_>,
) -> Option<Uuid> {
    let deposit = book.payments[&id].returns.as_ref()?.deposit;
    book.payment(deposit)?;
    change_suspended(book, deposit, change, ctx);
    Some(deposit)
}

/// A return did not reach its source, or came back from there: its money is in suspense again,
/// where its deposit shows it and people must choose anew.
pub fn suspend_again(book: &mut Book, id: Uuid, money: Money, ctx: &Ctx<'_>) {
    let Some(deposit) = change_suspended_of(book, id, money, ctx) else { return };
    if book.payments[&deposit].suspended.is_some() {
        ask_people(book, deposit, None, "money_in", ctx);
        tell_why(book, id, deposit, ctx);
    } else {
        // It was taken back while its return was open: that return being over, nothing is left.
        close_emptied(book, deposit, "taken back from suspense", ctx);
    }
}

/// Whoever decides about the money once more reads what became of its return.
fn tell_why(book: &mut Book, id: Uuid, deposit: Uuid, ctx: &Ctx<'_>) {
    let back = &book.payments[&id];
    let Some(last) = back.attempts.iter().max_by_key(|it| it.number) else { return };
    let code = last.error.as_ref().map_or(last.status.as_str(), |error| error.code.as_str());
    let why = format!("its return {} did not reach its payer, or came back: {code}", back.id);
    let mut open = book.reviews.values().filter(|it| it.open && it.payment == Some(deposit));
    let case = open.find(|it| it.kind == "money_in").map(|it| it.id.0);
    if let Some(review) = case.and_then(|case| book.review_mut(case)) {
        review.tell(CaseAct::Note, None, Some(&why), ctx.now);
    }
}

/// Nothing of a deposit's money is left in suspense: there is nothing to decide any more, and one that was never
/// credited is over.
pub fn close_emptied(book: &mut Book, deposit: Uuid, cause: &str, ctx: &Ctx<'_>) {
    if book.payments[&deposit].credited.is_none() {
        let returned = PaymentStatus::Deposit(DepositStatus::Returned);
        let _ = book.move_payment(deposit, returned, cause, ctx.ids);
        close_reviews(book, deposit, ctx);
    } else {
        close_about_money(book, deposit, ctx);
    }
}

/// The return was paid: the deposit it gives back whole is `returned`.
pub fn close_returned_deposit(book: &mut Book, id: Uuid, ctx: &Ctx<'_>) {
    let Some(returns) = book.payments[&id].returns.clone() else { return };
    let money = book.payments[&id].money;
    let Some(deposit) = book.payment(returns.deposit) else { return };
    let is_all = |credited: Money| credited.minor <= gone_back(book, deposit);
    // What was credited may go back in parts, of which this is the last.
    let in_parts = !returns.from_suspense && deposit.credited.is_some_and(is_all);
    let whole = deposit.received == Some(money) || in_parts;
    let by_this = deposit.attempts.iter().find(|it| names(&returns, it)).map(|it| it.id);
    let first = deposit.first_success().map(|first| first.id);
    let is_second = by_this.map_or(returns.from_suspense, |by_this| first != Some(by_this));
    if let Some(attempt) = by_this {
        let _ = book.move_attempt(returns.deposit, attempt, AttemptStatus::Returned, "returned");
    }
    // What went from suspense is none of what was credited, but where the wallet bore it.
    let bore = book.payments[&id].attempts.iter().any(|it| 0 < kept::booked_of_wallet(it));
    let is_other = is_second || (returns.from_suspense && !bore);
    let second = book.payments[&returns.deposit].credited.is_some() && is_other;
    if whole && !second {
        let returned = PaymentStatus::Deposit(DepositStatus::Returned);
        let _ = book.move_payment(returns.deposit, returned, "sent back", ctx.ids);
    }
    if book.payments[&returns.deposit].suspended.is_none() {
        // It may have gone back in parts, of which this was the last.
        close_emptied(book, returns.deposit, "sent back", ctx);
    }
}

/// While a player owes, withdrawals that were not sent yet wait for people.
pub fn hold_back_withdrawals(book: &mut Book, ctx: &Ctx<'_>) {
    let approved = PaymentStatus::Withdrawal(WithdrawalStatus::Approved);
    let found = book.all_payments().filter(|it| it.status == approved);
    for id in found.map(|payment| payment.id).collect::<Vec<_>>() {
        hold_back(book, id.uuid, "the player owes", "wallet_owed", ctx);
    }
}

/// Whether two people may let this withdrawal go, as far as it is a return.
pub fn may_be_let_go(book: &Book, id: Uuid) -> Result<(), Refusal> {
    if is_taken_back(book, id) {
        return Err(Refusal::ReviewConflict(
            "the deposit's money was taken back meanwhile: reject its return",
        ));
    }
    if is_too_much(book, id) {
        return Err(Refusal::ReviewConflict(
            "another return of the deposit was paid, or may be paid by what its PSP says: with it more would go \
             back than arrived; say first, in the case about that one, what became of it, or reject this one",
        ));
    }
    Ok(())
}

/// Whether what a return would send was taken back from us while it waited for people.
fn is_taken_back(book: &Book, id: Uuid) -> bool {
    let Some(returns) = book.payment(id).and_then(|it| it.returns.as_ref()) else { return false };
    let Some(deposit) = book.payment(returns.deposit) else { return false };
    if returns.from_suspense {
        let is_short = deposit.suspended.is_some_and(|money| money.minor < 0);
        let named = deposit.attempts.iter().find(|it| names(returns, it));
        return is_short || named.is_some_and(|it| was_taken_back(book, id, deposit, it));
    }
    use DepositStatus::{Returned, Reversed};
    matches!(deposit.deposit_status(), Some(Returned | Reversed))
}

/// Whether it was its payer's bank that took this attempt's money: where no other return has sent it, nobody else can
/// have. What waits in suspense beside it is another payment's.
fn was_taken_back(book: &Book, id: Uuid, deposit: &Payment, attempt: &Attempt) -> bool {
    let others =
        returns_of_suspense(book, deposit, attempt).into_iter().filter(|it| it.id.uuid != id);
    let is_sent = |it: &Payment| {
        let gone = [PartStatus::Processing, PartStatus::Paid, PartStatus::Returned];
        it.parts.iter().any(|part| gone.contains(&part.status))
    };
    attempt.status.is_taken_back() && !others.into_iter().any(is_sent)
}

/// Whether a return of this attempt's money was sent, and nobody knows yet what came of it. One that is over may be
/// on its way all the same, and people are asked about it.
pub fn is_on_its_way(book: &Book, deposit: Uuid, attempt: AttemptId) -> bool {
    let processing = PaymentStatus::Withdrawal(WithdrawalStatus::Processing);
    of_attempt_of(book, deposit, attempt)
        .any(|back| back.status == processing || back.attempts.iter().any(kept::may_be_paid))
}

/// The returns of what an attempt brought. Those of older releases do not name it.
pub(super) fn of_attempt_of(
    book: &Book,
    deposit: Uuid,
    attempt: AttemptId,
) -> impl Iterator<Item = &Payment> {
    book.all_payments().filter(move |payment| {
        payment.returns.as_ref().is_some_and(|returns| {
            returns.deposit == deposit && returns.attempt.is_none_or(|named| named == attempt)
        })
    })
}

/// What a return would send was taken back from us: one that is approved and was not sent yet waits for
/// people, and is named. None: none is known to be approved.
pub fn recall(
    book: &mut Book,
    deposit: Uuid,
    attempt: AttemptId,
    ctx: &Ctx<'_>,
) -> Option<PaymentId> {
    let approved = PaymentStatus::Withdrawal(WithdrawalStatus::Approved);
    let its = of_attempt_of(book, deposit, attempt).filter(|it| it.status == approved);
    let recalled: Vec<PaymentId> = its.map(|payment| payment.id).collect();
    for id in &recalled {
        hold_back(book, id.uuid, "its deposit was taken back", "return", ctx);
    }
    recalled.first().copied()
}

pub(super) fn hold_back(book: &mut Book, id: Uuid, cause: &str, kind: &str, ctx: &Ctx<'_>) {
    book.payment_mut(id).due_at = None;
    let in_review = PaymentStatus::Withdrawal(WithdrawalStatus::InReview);
    let moved = book.move_payment(id, in_review, cause, ctx.ids);
    debug_assert!(moved.is_ok(), "an approved withdrawal may go to review");
    ask_people(book, id, None, kind, ctx);
}
