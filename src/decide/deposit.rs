//! A deposit begins, is cancelled, and is answered.

use super::command::{Answer, Ctx, StartDeposit};
use super::refusal::Refusal;
use super::{attempt, people, psp_answers};
use crate::book::movements::fingerprint;
use crate::book::{Book, Cancel, Completion, Payment};
use crate::domain::{AttemptStatus, DepositStatus, Direction, Money, PaymentStatus, Reason};
use crate::payments::deposit_machine;
use crate::screening::decision::Decision;
use crate::screening::gather::{Locked, Setting};
use crate::screening::movement::{Movement, UseState};
use crate::screening::{Outcome, engine, gather};
use uuid::Uuid;

/// Opens a deposit: decision, limit reservation and the first attempt, already in flight, are one
/// commit, so that no PSP is ever called without them.
pub fn start(book: &mut Book, start: &StartDeposit, ctx: &Ctx<'_>) -> Result<Answer, Refusal> {
    let player = book.player.as_ref().ok_or(Refusal::PlayerUnknown)?;
    if player.version != start.screening.player_version {
        return Err(Refusal::PlayerChanged);
    }
    reference_is_free(book, &start.payment)?;
    let decision = counted(book, &start.screening.decision, ctx);
    let mut payment = start.payment.clone();
    payment.reasons = decision.told();
    let status = match decision.outcome() {
        Outcome::Approve => DepositStatus::Processing,
        Outcome::Review | Outcome::Hold => DepositStatus::InReview,
        Outcome::Deny => DepositStatus::Blocked,
    };
    payment.status = PaymentStatus::Deposit(
        deposit_machine::start(status, payment.origin).expect("a requested deposit may start so"),
    );
    let review = people::review_kind(Direction::Deposit, decision.outcome());
    let id = payment.id.uuid;
    payment.answer_owed = Some(start.claim.viewer);
    book.open_payment(payment, decision.outcome().as_str(), ctx.ids);
    if status != DepositStatus::Blocked {
        reserve_limit(book, id, ctx);
        mark_has_paid(book);
    }
    book.record.decisions.push(decision);
    match status {
        DepositStatus::Processing => {
            let opened = attempt::open_next(book, id, None, ctx);
            if opened.is_none() {
                fail_without_route(book, id, ctx);
            }
        }
        DepositStatus::InReview => people::ask_people(book, id, None, review, ctx),
        _ => {}
    }
    if book.payment(id).is_some_and(Payment::round_is_settled) {
        book.payment_mut(id).answer_owed = None;
    }
    Ok(Answer::Payment(book.payments[&id].clone()))
}

/// The reference is unique per operator and direction for ever.
pub fn reference_is_free(book: &Book, payment: &Payment) -> Result<(), Refusal> {
    let Some(reference) = payment.reference.clone() else { return Ok(()) };
    match book.references.get(&(payment.direction(), reference)) {
        None => Ok(()),
        Some(taken) => Err(Refusal::ReferenceTaken(Some(*taken))),
    }
}

/// From the first payment on, what identifies the player changes only by review.
pub fn mark_has_paid(book: &mut Book) {
    if let Some(player) = book.player.as_mut().filter(|player| !player.has_paid) {
        player.has_paid = true;
        book.dirty.player = true;
    }
}

/// Runs the counters again over the locked rows: the values that the decision records are those
/// that it was made with.
fn counted(book: &Book, screened: &Decision, ctx: &Ctx<'_>) -> Decision {
    let mut decision = screened.clone();
    let locked = Locked {
        limits: &book.limits,
        owed: &[],
        movements: &book.movements,
        background: &book.background,
        // What it will be paid from is not known yet.
        ends: &[],
    };
    let setting = Setting::new(ctx.policies, ctx.fx, ctx.now);
    gather::count_deposit(&mut decision.facts, None, &locked, &setting);
    decision.screening = engine::recount(ctx.policies, &decision.facts, &screened.screening);
    decision
}

fn reserve_limit(book: &mut Book, id: Uuid, ctx: &Ctx<'_>) {
    let reserved = movement(&book.payments[&id], UseState::Reserved, ctx);
    book.put_movement(reserved);
}

/// A deposit as the counters see it.
pub fn movement(deposit: &Payment, state: UseState, ctx: &Ctx<'_>) -> Movement {
    Movement {
        payment: deposit.id.uuid,
        direction: Direction::Deposit,
        money: deposit.money,
        at: ctx.now,
        state,
        instrument: fingerprint(&deposit.player.operator, deposit.source.as_ref()),
        method: Some(deposit.method),
    }
}

/// Moves the deposit's share of the player's limits along, where it has one; by then it may be known
/// what it was paid from.
pub fn mark_limit_use(book: &mut Book, id: Uuid, state: UseState) {
    mark_source(book, id);
    book.change_movement(id, |found| found.state = state);
}

/// By now it may be known what the deposit was paid from.
pub fn mark_source(book: &mut Book, id: Uuid) {
    let deposit = &book.payments[&id];
    let source = fingerprint(&deposit.player.operator, deposit.source.as_ref());
    book.change_movement(id, |found| found.instrument = source.or(found.instrument));
}

/// Money is in. Where room was held for all of it until now, it counts from when that was taken. Where the
/// room was given up, or is too old for the market to look at, or is too small, the money was measured
/// against what there is now, so it counts from now on: else every late success would be measured alone.
pub fn count_arrival(book: &mut Book, id: Uuid, came: Money, ctx: &Ctx<'_>) {
    let own = book.movements.iter().find(|found| found.payment == id).copied();
    let held = own.filter(|own| gather::has_reserved(own, came));
    let mut counted = movement(&book.payments[&id], UseState::Counted, ctx);
    counted.at = held.map_or(ctx.now, |held| held.at);
    counted.instrument = counted.instrument.or(own.and_then(|own| own.instrument));
    book.put_movement(counted);
}

/// What arrived is what counts into the limits, where it may differ from what was asked for.
pub fn recount_limit(book: &mut Book, id: Uuid, money: Money) {
    book.change_movement(id, |found| found.money = money);
}

/// None of its PSPs can be asked at all.
pub fn fail_without_route(book: &mut Book, id: Uuid, ctx: &Ctx<'_>) {
    let reason = Reason::new(
        "routing.no_psp",
        "no payment provider can take this deposit right now: try another method or amount",
    );
    book.payment_mut(id).reasons.push(reason);
    fail(book, id, "no PSP can take it", ctx);
}

/// Ends a deposit that none of its PSPs took: what each answered is among its reasons.
pub fn fail_at_psps(book: &mut Book, id: Uuid, cause: &str, ctx: &Ctx<'_>) {
    psp_answers::keep(book, id);
    fail(book, id, cause, ctx);
}

/// Ends a deposit softly: nothing is under way any more.
pub fn fail(book: &mut Book, id: Uuid, cause: &str, ctx: &Ctx<'_>) {
    let failed = PaymentStatus::Deposit(DepositStatus::Failed);
    if book.move_payment(id, failed, cause, ctx.ids).is_ok() {
        mark_limit_use(book, id, UseState::Released);
        people::close_reviews(book, id, ctx);
    }
}

/// The first round of calls takes too long: what is known now is the answer.
pub fn answer_now(book: &mut Book, id: Uuid) -> Result<Answer, Refusal> {
    if book.payment(id).is_none() {
        return Err(Refusal::NotFound);
    }
    book.settle_round(id, true);
    Ok(Answer::Payment(book.payments[&id].clone()))
}

/// Cancels a deposit whose money is not in. A session that the PSP holds open is closed by the
/// worker that is due at once; should the payer be faster, the late success is adopted.
pub fn cancel(book: &mut Book, id: Uuid, ctx: &Ctx<'_>) -> Result<Answer, Refusal> {
    let payment = book.payment(id).ok_or(Refusal::NotFound)?;
    let refusal = Refusal::NotCancellable { direction: Direction::Deposit };
    let status = payment.deposit_status().ok_or(Refusal::NotFound)?;
    if status == DepositStatus::Cancelled {
        return Ok(Answer::Payment(book.payments[&id].clone()));
    }
    if payment.received.is_some() || people::is_under_hold(book, id) {
        return Err(refusal);
    }
    if let Some(live) = payment.live_attempt(None).cloned() {
        match live.status {
            AttemptStatus::InFlight | AttemptStatus::Unknown => return Err(Refusal::Busy),
            _ => {
                book.move_attempt(id, live.id, AttemptStatus::Cancelled, "cancelled by request")
                    .map_err(|_| refusal.clone())?;
                let can_cancel = ctx
                    .psps
                    .capabilities(&live.psp)
                    .and_then(|capabilities| capabilities.deposit.as_ref())
                    .is_some_and(|deposit| deposit.can_cancel);
                let wanted = can_cancel && live.psp_reference.is_some();
                let attempt = book.attempt_mut(id, live.id);
                attempt.cancel = wanted.then_some(Cancel::Wanted);
                // Our word to take the money may have been heard, and its answer lost: that is asked all the same.
                let word_is_out = attempt.completion == Some(Completion::Asked);
                let pending = attempt.due_at.filter(|_| word_is_out);
                attempt.due_at = if wanted { Some(ctx.now) } else { pending };
            }
        }
    }
    let cancelled = PaymentStatus::Deposit(DepositStatus::Cancelled);
    book.payment_mut(id).next_action = None;
    book.move_payment(id, cancelled, "cancelled by request", ctx.ids).map_err(|_| refusal)?;
    mark_limit_use(book, id, UseState::Released);
    people::close_reviews(book, id, ctx);
    Ok(Answer::Payment(book.payments[&id].clone()))
}
