//! The last approval that a deposit needs: what was found when it was put before people is not all that may be known
//! by now, and the decision that lets it go, or credits it, is made anew and kept.

use super::command::{Answer, Ctx};
use super::completion::{self, KnownBefore};
use super::four_eyes::{self, Approved};
use super::goes_back::a_return_may_be_paid;
use super::money_in::Told;
use super::people::void_about_money;
use super::refusal::Refusal;
use super::review::{is_foreign, known_review, move_or_conflict};
use super::{attempt, deposit, money_in, suspense};
use crate::book::{Book, CaseAct};
use crate::domain::{DepositStatus, Money, PaymentStatus, PersonId, ProposalId, Reason};
use crate::screening::{Outcome as Screened, RuleResult};
use uuid::Uuid;

/// What is answered in the place of an approval that would let a deposit go, or credit it. None: it may.
pub fn instead_of_approving(
    book: &mut Book,
    (review, id): (Uuid, Uuid),
    (proposal, person): (ProposalId, &PersonId),
    known: Option<&KnownBefore>,
    ctx: &Ctx<'_>,
) -> Result<Option<Answer>, Refusal> {
    if !is_last(book, (review, id), (proposal, person), ctx)? {
        return Ok(None);
    }
    if let Some(waited) = book.payments[&id].suspended {
        may_be_credited(book, id)?;
        let Some(known) = known else {
            return Ok(Some(Answer::AnswersWanted(book.payments[&id].clone())));
        };
        let in_all = suspense::to_be_credited(book, &book.payments[&id], waited);
        let goes = is_still_creditable(book, (review, id), (in_all, known), ctx);
        return Ok((!goes).then_some(Answer::FoundSince));
    }
    may_deposit(book, ctx)?;
    let Some(known) = known else {
        return Ok(Some(Answer::AnswersWanted(book.payments[&id].clone())));
    };
    let goes = may_go_on(book, (review, id), known, ctx);
    Ok((!goes).then_some(Answer::FoundSince))
}

/// Whether this approval is the last that a deposit needs.
fn is_last(
    book: &Book,
    (review, id): (Uuid, Uuid),
    (proposal, person): (ProposalId, &PersonId),
    ctx: &Ctx<'_>,
) -> Result<bool, Refusal> {
    let payment = book.payment(id).ok_or(Refusal::NotFound)?;
    let has_rest = payment.credited.is_some() && payment.suspended.is_some();
    let waits = has_rest || payment.deposit_status() == Some(DepositStatus::InReview);
    if !waits || (payment.suspended.is_none() && payment.received.is_some()) {
        return Ok(false);
    }
    let mut tried = known_review(book, review, Some(id))?.clone();
    Ok(match four_eyes::approve(&mut tried, proposal, person, ctx.reviews, ctx.now)? {
        Approved::Enough(approved) => approved.outcome == "approve",
        Approved::Waits(_) => false,
    })
}

/// Suspended money that may be on its way back to its payer is not the wallet's too.
fn may_be_credited(book: &Book, id: Uuid) -> Result<(), Refusal> {
    if a_return_may_be_paid(book, id) {
        return Err(Refusal::ReviewConflict(
            "a return of it may be paid, by what its PSP says: say first, in the case about that one, what became \
             of it",
        ));
    }
    Ok(())
}

/// Whether nothing speaks against crediting the money that did not when it came; the decision is kept. What is found
/// besides is told, and proposed anew by people who know it.
fn is_still_creditable(
    book: &mut Book,
    (review, id): (Uuid, Uuid),
    (money, known): (Money, &KnownBefore),
    ctx: &Ctx<'_>,
) -> bool {
    let payment = &book.payments[&id];
    // What vendors said of the money is said of it for good; who its player is was asked anew.
    let vendors = known.began.as_ref().map(|began| began.vendors.clone()).unwrap_or_default();
    let told = Told { checks: known.checks.facts.clone(), vendors, asked: true };
    let decision = money_in::decision_with(book, payment, money, told, ctx);
    let is_known = |why: &Reason| payment.reasons.iter().any(|reason| reason.code == why.code);
    let is_new =
        |(hit, why): &(&RuleResult, &Reason)| hit.effect != Screened::Approve && !is_known(why);
    let found: Vec<Reason> =
        decision.screening.hits().filter(is_new).map(|(_, why)| why.clone()).collect();
    book.record.payment = Some(payment.id);
    book.record.decisions.push(decision);
    if found.is_empty() {
        return true;
    }
    void_about_money(book, id, "more is known by now: read it, and propose again", ctx);
    tell(book, review, &found, ctx);
    book.payment_mut(id).reasons.extend(found);
    false
}

/// It may have waited for days: what registers, lists and limits say by now decides, and not what they said
/// then. What people were asked about stops nothing.
fn may_go_on(
    book: &mut Book,
    (review, id): (Uuid, Uuid),
    known: &KnownBefore,
    ctx: &Ctx<'_>,
) -> bool {
    book.record.payment = book.payment(id).map(|payment| payment.id);
    let (allowed, reasons) = completion::screen_again(book, id, known, ctx);
    if !allowed {
        tell(book, review, &reasons, ctx);
    }
    allowed
}

fn tell(book: &mut Book, review: Uuid, reasons: &[Reason], ctx: &Ctx<'_>) {
    let codes: Vec<&str> = reasons.iter().map(|reason| reason.code.as_str()).collect();
    let why = format!("not let go, by what is known now: {}", codes.join(", "));
    if let Some(review) = book.review_mut(review) {
        review.tell(CaseAct::Note, None, Some(&why), ctx.now);
    }
}

fn may_deposit(book: &Book, ctx: &Ctx<'_>) -> Result<(), Refusal> {
    if book.player.as_ref().is_some_and(|player| player.is_active(ctx.now)) {
        return Ok(());
    }
    Err(Refusal::ReviewConflict(
        "the player was excluded, frozen or closed meanwhile: reject the deposit",
    ))
}

/// Two people approve a deposit: money that is in is credited, else it goes on to a PSP.
pub fn approve(book: &mut Book, id: Uuid, ctx: &Ctx<'_>) -> Result<(), Refusal> {
    let payment = book.payment(id).ok_or(Refusal::NotFound)?.clone();
    if let Some(money) = payment.suspended {
        may_be_credited(book, id)?;
        if payment.credited.is_some() {
            return suspense::credit_rest(book, id, ctx);
        }
        // What is short cannot be credited.
        let is_over = payment.deposit_status() != Some(DepositStatus::InReview);
        if money.minor <= 0 || is_foreign(&payment) || is_over {
            return Err(Refusal::ReviewConflict("the payment has moved on meanwhile"));
        }
        money_in::credit_suspended(book, id, money, "credited by two people", ctx);
        return Ok(());
    }
    may_deposit(book, ctx)?;
    let processing = PaymentStatus::Deposit(DepositStatus::Processing);
    move_or_conflict(book, id, processing, "approved by two people", ctx)?;
    // A worker sends it: whoever approved is no caller of PSPs.
    if attempt::prepare_next(book, id, ctx).is_none() {
        deposit::fail_without_route(book, id, ctx);
    }
    Ok(())
}
