//! A payment waits for a vendor, and goes on when the vendor has answered or its time is over.
//!
//! A withdrawal waits in `screening`, its money held. A deposit's money is in already: it waits in
//! suspense, in review, and nobody but the vendor is asked yet. Who waits is screened again with what
//! the vendor said; a vendor that says nothing in time leaves what the policy says of that.

use super::command::{Answer, Ctx, VendorsSaid};
use super::money_in::Told;
use super::people::{ask_people, awaits_vendor, close_awaiting, close_reviews, raise, review_kind};
use super::refusal::Refusal;
use super::{money_in, payout, withdrawal};
use crate::book::{AskedPlace, Book, Payment, VendorCheck};
use crate::domain::{DepositStatus, Direction, Money, PaymentStatus, Reason, WithdrawalStatus};
use crate::screening::decision::Decision;
use crate::screening::signals::StandingAnswers;
use crate::screening::{Outcome, RuleResult, engine};
use time::Duration;
use uuid::Uuid;

/// The review that only says that a vendor is asked: nobody can decide it. A withdrawal has one where it is held
/// whatever the vendor says.
pub const AWAITING_VENDOR: &str = "awaiting_vendor";

/// How long after the vendors' deadline a payout that waits for them is looked at all the same.
const FORGOTTEN_AFTER: Duration = Duration::minutes(1);

/// Whether this decision hangs on vendors that have not answered: then nothing is final but a refusal
/// that stands whatever they say.
pub fn waits(decision: &Decision, ctx: &Ctx<'_>) -> Option<engine::Waiting> {
    let waiting = engine::waiting(ctx.policies, &decision.facts, &decision.screening)?;
    (waiting.otherwise != Outcome::Deny).then_some(waiting)
}

/// Whether the rule counts by what somebody else says, who is asked by whoever lets the money go on.
pub fn asks_others(decision: &Decision, hit: &RuleResult, ctx: &Ctx<'_>) -> bool {
    let policy = engine::policy_for(ctx.policies, &decision.facts);
    let rule = engine::rule_of(policy, hit.number);
    rule.is_some_and(|rule| rule.check.asks().is_some() || rule.check.hook().is_some())
}

/// Opens a check for each answer that is awaited, to be looked at at once.
pub fn open_checks(
    book: &mut Book,
    id: Uuid,
    waiting: &engine::Waiting,
    (places, round): (Vec<AskedPlace>, i16),
    ctx: &Ctx<'_>,
) {
    let payment = &book.payments[&id];
    let (payment, money) = (payment.id, payment.suspended.unwrap_or(payment.money));
    for awaited in &waiting.awaits {
        book.record.vendor_checks.push(VendorCheck {
            payment,
            hook: awaited.hook,
            round,
            places: places.clone(),
            money,
            deadline_at: ctx.now + awaited.within,
        });
    }
}

/// An approved withdrawal whose answers are too old to be sent on: the vendors are asked anew. It stays due,
/// a while after their deadline, so that it cannot be forgotten by whoever asks.
pub fn ask_again(
    book: &mut Book,
    decision: Decision,
    (waiting, known): (&engine::Waiting, &StandingAnswers),
    ctx: &Ctx<'_>,
) -> Answer {
    let Some(payment) = decision.payment else { return Answer::Nothing };
    let id = payment.uuid;
    book.record.payment = Some(payment);
    let within = waiting.awaits.iter().map(|awaited| awaited.within).max().unwrap_or_default();
    let due_at = if known.is_open { ctx.now } else { ctx.now + within };
    book.payment_mut(id).due_at = Some(due_at + FORGOTTEN_AFTER);
    if !known.is_open {
        book.record.decisions.push(decision);
        let places = withdrawal::destinations(&book.payments[&id]);
        open_checks(book, id, waiting, (places, known.round.saturating_add(1)), ctx);
    }
    Answer::Payment(book.payments[&id].clone())
}

/// Screens a waiting payment again with what vendors said. Answers that come for a payment that waits
/// no more change nothing. Where the player's record changed while others were asked about it, they are asked anew.
pub fn said(book: &mut Book, said: &VendorsSaid, ctx: &Ctx<'_>) -> Result<Answer, Refusal> {
    let payment = book.payment(said.payment).ok_or(Refusal::NotFound)?.clone();
    let id = payment.id.uuid;
    if !said.checks.are_of(book) {
        return Err(Refusal::PlayerChanged);
    }
    let waiting_deposit = payment.status == PaymentStatus::Deposit(DepositStatus::InReview)
        && awaits_vendor(book, id);
    let decision = match (payment.status, payment.suspended) {
        (PaymentStatus::Deposit(_), Some(money)) if waiting_deposit => {
            let (vendors, checks) = (said.results.clone(), said.checks.facts.clone());
            let told = Told { vendors, checks, asked: true };
            money_in::decision_with(book, &payment, money, told, ctx)
        }
        (PaymentStatus::Withdrawal(WithdrawalStatus::Screening), _) => {
            withdrawal::decision_with(book, &payment, said, ctx)
        }
        (PaymentStatus::Withdrawal(WithdrawalStatus::Approved), _) if 1 < said.round => {
            withdrawal::pre_payout(book, id, (said.results.clone(), said.checks.facts.clone()), ctx)
        }
        _ => return Ok(Answer::Nothing),
    };
    if !said.is_over && waits(&decision, ctx).is_some() {
        return Ok(Answer::Nothing);
    }
    let outcome = decision.outcome();
    let reasons = match payment.direction() {
        Direction::Deposit => decision.reasons().to_vec(),
        Direction::Withdrawal => decision.shown(),
    };
    book.record.payment = Some(payment.id);
    if payment.withdrawal_status() == Some(WithdrawalStatus::Approved) {
        match outcome {
            // Whoever takes it to be sent decides by the same answers, and that decision counts.
            Outcome::Approve => book.payment_mut(id).due_at = Some(ctx.now),
            _ => withdrawal::put_before_people(book, decision, ctx),
        }
        return Ok(Answer::Payment(book.payments[&id].clone()));
    }
    book.record.decisions.push(decision);
    match payment.suspended {
        Some(money) if waiting_deposit => {
            settle_deposit(book, &payment, money, outcome, reasons, ctx)
        }
        _ => settle_withdrawal(book, &payment, outcome, reasons, ctx),
    }
    Ok(Answer::Payment(book.payments[&id].clone()))
}

fn settle_deposit(
    book: &mut Book,
    payment: &Payment,
    money: Money,
    outcome: Outcome,
    reasons: Vec<Reason>,
    ctx: &Ctx<'_>,
) {
    let id = payment.id.uuid;
    close_reviews(book, id, ctx);
    // There is no implicit exchange: money of another currency waits for people.
    if outcome == Outcome::Approve && money.currency == payment.currency() {
        money_in::credit_suspended(book, id, money, "the vendors have answered", ctx);
        return;
    }
    let new = reasons.into_iter().filter(|reason| !payment.reasons.contains(reason));
    book.payment_mut(id).reasons.extend(new);
    let detail = "money arrived that cannot be credited as asked";
    raise(book, "deposit.not_creditable", id, None, detail, ctx);
    ask_people(book, id, None, "money_in", ctx);
}

fn settle_withdrawal(
    book: &mut Book,
    payment: &Payment,
    outcome: Outcome,
    reasons: Vec<Reason>,
    ctx: &Ctx<'_>,
) {
    let id = payment.id.uuid;
    close_awaiting(book, id, ctx);
    book.payment_mut(id).reasons = reasons;
    let to = match outcome {
        Outcome::Approve => WithdrawalStatus::Approved,
        Outcome::Review | Outcome::Hold => WithdrawalStatus::InReview,
        Outcome::Deny => WithdrawalStatus::Blocked,
    };
    if to == WithdrawalStatus::Blocked {
        payout::release_all(book, id, "denied with the vendors' answers", ctx);
    }
    let cause = "the vendors have answered, or their time is over";
    let moved = book.move_payment(id, PaymentStatus::Withdrawal(to), cause, ctx.ids);
    debug_assert!(moved.is_ok(), "a screening ends in each of these");
    match to {
        WithdrawalStatus::Approved => book.payment_mut(id).due_at = Some(ctx.now),
        WithdrawalStatus::InReview => {
            ask_people(book, id, None, review_kind(Direction::Withdrawal, outcome), ctx);
        }
        _ => {}
    }
}
