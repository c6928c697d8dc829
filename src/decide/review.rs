//! Two people decide: one proposes, another approves. The database refuses one person twice.

use super::approve_deposit::{self, instead_of_approving};
use super::command::{Answer, Ctx, News, Source};
use super::completion::KnownBefore;
use super::four_eyes::{Approved, Draft};
use super::people::close_reviews;
use super::refusal::Refusal;
use super::vendor::AWAITING_VENDOR;
use super::{
    attempt, case, deposit, four_eyes, kept, late_payout, news, paid_twice, payout, returns, stuck,
    suspense,
};
use crate::book::{Attempt, Book, Payment, Review};
use crate::domain::{
    AttemptId, AttemptStatus, DepositStatus, PartStatus, PaymentStatus, PersonId, ProposalId,
    WithdrawalStatus,
};
use crate::payments::resolution;
use crate::screening::movement::UseState;
use psp_contract::{Decline, DeclineClass, NotSent, Outcome, Report, Status};
use uuid::Uuid;

const RESOLVED: Refusal = Refusal::ReviewConflict("the attempt was resolved meanwhile");
const BEING_CALLED: Refusal =
    Refusal::ReviewConflict("its PSP is called about it at this moment: approve again in a minute");

/// Proposes an outcome. A newer proposal takes the place of an open one.
pub fn propose(
    book: &mut Book,
    review: Uuid,
    payment: Option<Uuid>,
    mut draft: Draft,
    ctx: &Ctx<'_>,
) -> Result<Answer, Refusal> {
    draft.payload = case::completed(draft.payload, book.player.as_ref());
    let found = known_review(book, review, payment)?;
    let outcomes = match payment {
        Some(id) => possible(book, found, book.payment(id).ok_or(Refusal::NotFound)?),
        None => &["approve", "reject"],
    };
    if found.open && !outcomes.contains(&draft.outcome.as_str()) {
        return Err(Refusal::OutcomeImpossible(outcomes));
    }
    match (payment, draft.outcome.as_str()) {
        (None, "approve") => case::check_in(book, found, draft.payload.as_ref(), ctx)?,
        _ if draft.payload.is_some() => {
            return Err(Refusal::ReviewConflict("only an approval of a case does anything more"));
        }
        _ => {}
    }
    let review = book.review_mut(review).ok_or(Refusal::NotFound)?;
    let proposal = four_eyes::propose(review, draft, ctx.now)?;
    let review = Box::new(review.clone());
    Ok(Answer::Review { review, proposal: Some(Box::new(proposal)), paid: None })
}

pub(super) fn known_review(
    book: &Book,
    review: Uuid,
    payment: Option<Uuid>,
) -> Result<&Review, Refusal> {
    let found = book.reviews.get(&review).filter(|found| found.payment == payment);
    found.ok_or(Refusal::NotFound)
}

/// What two people may choose.
fn possible(book: &Book, review: &Review, payment: &Payment) -> &'static [&'static str] {
    match (review.kind.as_str(), payment.status) {
        ("outcome_unknown", _) => &["resolve_paid", "resolve_unpaid"],
        ("psp_unconfigured", _) if awaits_people(review, payment) => {
            &["resolve_paid", "resolve_unpaid"]
        }
        // A vendor is asked; people come after it.
        (AWAITING_VENDOR, _) => &[],
        ("money_in", _) => suspense::possible(book, payment),
        (paid_twice::KIND, _) => paid_twice::possible(payment, review.attempt),
        (_, PaymentStatus::Withdrawal(WithdrawalStatus::InReview)) => &["approve", "reject"],
        (_, PaymentStatus::Deposit(DepositStatus::InReview)) if payment.received.is_some() => {
            if is_foreign(payment) {
                &["return"]
            } else {
                &["approve", "return"]
            }
        }
        (_, PaymentStatus::Deposit(DepositStatus::InReview)) => &["approve", "reject"],
        _ => &[],
    }
}

/// Two people can say what became of an attempt whose outcome is unknown, and of a payout which never ends. A
/// deposit that was taken ends with its session.
fn awaits_people(review: &Review, payment: &Payment) -> bool {
    let about = review.attempt.and_then(|attempt| payment.attempt(attempt));
    about.is_some_and(|about| match about.status {
        AttemptStatus::Unknown => true,
        AttemptStatus::Accepted => payment.withdrawal_status().is_some(),
        _ => false,
    })
}

pub(super) fn is_foreign(payment: &Payment) -> bool {
    payment.suspended.is_some_and(|money| money.currency != payment.currency())
}

/// Approves another person's proposal; the last approval that is needed carries it out, in the same commit.
pub fn approve(
    book: &mut Book,
    review: Uuid,
    payment: Option<Uuid>,
    (proposal, person): (ProposalId, &PersonId),
    known: Option<&KnownBefore>,
    ctx: &Ctx<'_>,
) -> Result<Answer, Refusal> {
    let found = known_review(book, review, payment)?;
    let about = (found.kind.clone(), found.attempt);
    let known = known.filter(|known| known.checks.are_of(book));
    if let Some(id) = payment
        && let Some(instead) =
            instead_of_approving(book, (review, id), (proposal, person), known, ctx)?
    {
        return Ok(instead);
    }
    let found = book.review_mut(review).ok_or(Refusal::NotFound)?;
    let approved = match four_eyes::approve(found, proposal, person, ctx.reviews, ctx.now)? {
        Approved::Waits(_) => return answer(book, review, None),
        Approved::Enough(approved) => approved,
    };
    match (payment, &approved.payload) {
        (Some(id), _) => {
            book.record.payment = book.payment(id).map(|payment| payment.id);
            carry_out(book, id, &about, &approved.outcome, ctx)?;
        }
        (None, Some(payload)) => case::carry_out(book, review, payload, ctx)?,
        // Two people reject it: nothing is done.
        (None, None) => {}
    }
    // What was carried out may have closed it.
    if let Some(review) = book.review_mut(review).filter(|review| review.open) {
        review.close(ctx.now);
    }
    let paid = payment.filter(|_| approved.outcome == "resolve_paid");
    answer(book, review, paid)
}

/// Refuses another person's proposal, with a note; the review stays open.
pub fn refuse(
    book: &mut Book,
    review: Uuid,
    payment: Option<Uuid>,
    note: &str,
    person: &PersonId,
    ctx: &Ctx<'_>,
) -> Result<Answer, Refusal> {
    known_review(book, review, payment)?;
    let found = book.review_mut(review).ok_or(Refusal::NotFound)?;
    four_eyes::refuse(found, note, person, ctx.now)?;
    answer(book, review, None)
}

fn answer(book: &Book, review: Uuid, paid: Option<Uuid>) -> Result<Answer, Refusal> {
    let review = book.reviews.get(&review).cloned().ok_or(Refusal::NotFound)?;
    let paid = paid.and_then(|id| book.payments.get(&id)).cloned();
    Ok(Answer::Review { review: Box::new(review), proposal: None, paid })
}

fn carry_out(
    book: &mut Book,
    id: Uuid,
    (kind, attempt): &(String, Option<AttemptId>),
    outcome: &str,
    ctx: &Ctx<'_>,
) -> Result<(), Refusal> {
    let is_deposit = book.payment(id).is_some_and(|p| p.deposit_status().is_some());
    match (outcome, *attempt) {
        ("resolve_paid" | "resolve_unpaid", Some(attempt)) => {
            resolve(book, id, attempt, outcome == "resolve_paid", ctx)
        }
        ("approve", _) if is_deposit => approve_deposit::approve(book, id, ctx),
        ("return", _) if is_deposit => {
            returns::open_approved(book, id, ctx)?;
            suspense::ask_about_more(book, id, ctx);
            Ok(())
        }
        ("sent_by_hand", _) if is_deposit => suspense::sent_by_hand(book, id, ctx),
        ("write_off", _) if is_deposit => suspense::write_off(book, id, ctx),
        ("reject", _) if is_deposit => {
            let cancelled = PaymentStatus::Deposit(DepositStatus::Cancelled);
            deposit::mark_limit_use(book, id, UseState::Released);
            move_or_conflict(book, id, cancelled, "rejected by two people", ctx)
        }
        ("given_back", Some(about)) => paid_twice::given_back(book, id, about, ctx),
        ("write_off", Some(about)) => paid_twice::write_off(book, id, about, ctx),
        ("approve" | "reject", _) if late_payout::a_held_part_may_be_paid(book, id) => {
            Err(Refusal::ReviewConflict(
                "a PSP has a payout of it that was held to have never reached it: say first, in the case \
                 about that, what became of it",
            ))
        }
        ("approve", _) => {
            returns::may_be_let_go(book, id)?;
            stuck::let_ask_anew(book, id, kind);
            approve_withdrawal(book, id, "approved by two people", ctx)
        }
        ("reject", _) => reject_withdrawal(book, id, ctx),
        _ => Err(Refusal::ReviewConflict("this outcome is not possible for this review")),
    }
}

pub(super) fn move_or_conflict(
    book: &mut Book,
    id: Uuid,
    to: PaymentStatus,
    cause: &str,
    ctx: &Ctx<'_>,
) -> Result<(), Refusal> {
    book.move_payment(id, to, cause, ctx.ids)
        .map_err(|_| Refusal::ReviewConflict("the payment has moved on meanwhile"))
}

/// An approved withdrawal is due to be sent at once.
pub fn approve_withdrawal(
    book: &mut Book,
    id: Uuid,
    cause: &str,
    ctx: &Ctx<'_>,
) -> Result<(), Refusal> {
    let approved = PaymentStatus::Withdrawal(WithdrawalStatus::Approved);
    move_or_conflict(book, id, approved, cause, ctx)?;
    book.payment_mut(id).due_at = Some(ctx.now);
    close_reviews(book, id, ctx);
    Ok(())
}

/// What is held is given back. Where other parts were paid before, that is what became of it.
fn reject_withdrawal(book: &mut Book, id: Uuid, ctx: &Ctx<'_>) -> Result<(), Refusal> {
    let payment = book.payment(id).ok_or(Refusal::NotFound)?;
    if payment.parts.iter().any(|part| part.status == PartStatus::Paid) {
        payout::release_all(book, id, "rejected by two people", ctx);
        payout::settle(book, id, ctx);
        close_reviews(book, id, ctx);
        return Ok(());
    }
    let rejected = PaymentStatus::Withdrawal(WithdrawalStatus::Rejected);
    move_or_conflict(book, id, rejected, "rejected by two people", ctx)?;
    payout::release_all(book, id, "rejected by two people", ctx);
    close_reviews(book, id, ctx);
    Ok(())
}

/// Two people read the PSP's own pages and say what became of an unknown attempt.
fn resolve(
    book: &mut Book,
    id: Uuid,
    unknown: AttemptId,
    paid: bool,
    ctx: &Ctx<'_>,
) -> Result<(), Refusal> {
    let payment = book.payment(id).ok_or(Refusal::NotFound)?;
    let found = payment.attempt(unknown).ok_or(Refusal::NotFound)?;
    if may_be_sent_now(book, found, ctx) {
        return Err(BEING_CALLED);
    }
    // An attempt of which the PSP named other money may have been accepted, or over, before.
    let other_money = kept::speaks_of_other_money(found);
    let may_be_paid = kept::may_be_paid(found);
    let open = match found.status {
        AttemptStatus::Unknown => true,
        // Only a payout that is overdue: nobody tells what became of it. People may have been asked, and
        // one of them may have proposed, before the PSP said that it has it.
        AttemptStatus::Accepted if found.paged => {
            let is_overdue =
                resolution::page_is_due(&attempt::facts(found, payment.subject()), ctx.now);
            is_overdue || other_money
        }
        AttemptStatus::Succeeded | AttemptStatus::Returned | AttemptStatus::Reversed => false,
        _ => other_money || may_be_paid,
    };
    if !open {
        return Err(RESOLVED);
    }
    let outcome = match (paid, found.was_accepted) {
        (true, _) => reported(Status::Succeeded { money: found.asked }),
        (false, false) => Outcome::NotSent(NotSent::FoundUnpaid),
        (false, true) => reported(Status::Declined(unpaid())),
    };
    let (direction, source, wires) = (payment.direction(), Source::People, Vec::new());
    let news = News { payment: id, direction, attempt: unknown, source, outcome, wires };
    if let Answer::Applied { next: Some(next), .. } = news::apply(book, &news, ctx)? {
        // Another PSP is asked now; a worker sends it, not the person who decided.
        attempt::leave_to_worker(book, id, next, ctx);
    }
    if !paid {
        late_payout::found_unpaid(book, id, (unknown, may_be_paid), ctx);
    }
    let status = book.payments[&id].attempt(unknown).map(|attempt| attempt.status);
    let as_decided = |status| match status {
        AttemptStatus::Succeeded => paid,
        status => !paid && !status.is_live(),
    };
    // A decision that changes nothing must not look as if it had been carried out.
    if status.is_some_and(as_decided) { Ok(()) } else { Err(RESOLVED) }
}

/// Whether the same request may be on its way to the PSP once more: it is being called since before people were
/// asked. Afterwards nothing is sent again, and what is on its way is a question.
fn may_be_sent_now(book: &Book, attempt: &Attempt, ctx: &Ctx<'_>) -> bool {
    let lease = attempt.lease.as_ref().filter(|lease| ctx.now < lease.until);
    let about = book.reviews.values().filter(|review| review.attempt == Some(attempt.id));
    let asked_at = about.map(|review| review.opened_at).min();
    lease.is_some_and(|lease| asked_at.is_some_and(|at| lease.until - ctx.lease < at))
}

const fn reported(status: Status) -> Outcome {
    Outcome::Reported(Report { psp_reference: None, status, payer: None, attempt: None })
}

/// What two people found surely unpaid although the PSP had accepted it.
fn unpaid() -> Decline {
    Decline {
        class: DeclineClass::PspFault,
        code: "resolved_unpaid".to_owned(),
        retry_elsewhere: false,
        irreversible: true,
    }
}
