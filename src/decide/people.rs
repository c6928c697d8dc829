//! What machines cannot decide is put before people: an incident for who is on call, a review where two
//! of them must say what happened.

use super::command::Ctx;
use super::four_eyes;
use super::kept;
use super::paid_twice;
use super::vendor::AWAITING_VENDOR;
use crate::book::{Attempt, Book, CaseAct, Incident, Payment, ProposalState, Review};
use crate::domain::{AttemptId, AttemptStatus, Direction, IncidentId, ReviewId, Timestamp};
use crate::screening::Outcome;
use crate::screening::facts::LetGo;
use crate::screening::signals::VendorResult;
use psp_contract::Subject;
use uuid::Uuid;

/// Tells people, once, about an attempt that has been unknown, or under way, for too long, and lets two
/// of them resolve a payout. No timer ever fails one.
pub fn page_people(book: &mut Book, id: Uuid, attempt: &Attempt, subject: Subject, ctx: &Ctx<'_>) {
    book.attempt_mut(id, attempt.id).paged = true;
    let too_long = "the PSP's answer is unknown for too long";
    let (kind, detail) = match (subject, attempt.status) {
        (Subject::Deposit, _) => ("deposit.unknown", too_long),
        (_, AttemptStatus::Accepted) => {
            ("payout.overdue", "the PSP took it and has told no end of it for too long")
        }
        _ => ("payout.unknown", too_long),
    };
    raise(book, kind, id, Some(attempt.id), detail, ctx);
    ask_what_became(book, id, attempt.id, ctx);
}

/// Opens a review of what became of an attempt. Where it was paid that is settled, and whatever is said of it
/// afterwards leaves nothing to decide: the incident is all there is.
pub fn ask_what_became(book: &mut Book, id: Uuid, attempt: AttemptId, ctx: &Ctx<'_>) {
    let status = book.payments[&id].attempt(attempt).map(|attempt| attempt.status);
    if !status.is_some_and(AttemptStatus::has_succeeded) {
        ask_people(book, id, Some(attempt), "outcome_unknown", ctx);
    }
}

/// The kind of review that a screening's outcome asks for. A hold is one of its own: nobody calls a
/// payment back that is under one.
pub const fn review_kind(direction: Direction, outcome: Outcome) -> &'static str {
    match (direction, outcome) {
        (Direction::Deposit, Outcome::Hold) => "deposit_hold",
        (Direction::Deposit, _) => "deposit_review",
        (Direction::Withdrawal, Outcome::Hold) => "withdrawal_hold",
        (Direction::Withdrawal, _) => "withdrawal_review",
    }
}

/// Whether a payment is under a hold that people have not decided about, or that is put before them once a vendor
/// has answered.
pub fn is_under_hold(book: &Book, id: Uuid) -> bool {
    let mut open = book.reviews.values().filter(|it| it.open && it.payment == Some(id));
    let holds = |kind: &str| matches!(kind, "deposit_hold" | "withdrawal_hold" | AWAITING_VENDOR);
    open.any(|review| holds(&review.kind))
}

/// When two people last let a withdrawal go in a case that a screening had opened with what it had found. None where
/// one of these answers came later: they have not read it. What a case about something else let go counts for
/// nothing here.
pub fn let_go_at(book: &Book, id: Uuid, answers: &[VendorResult]) -> Option<Timestamp> {
    let closed = of_screening(book, id).filter(|it| !it.open);
    let newest = closed.filter(|it| lets_go(it)).max_by_key(|it| it.closed_at)?;
    let all_seen = answers.iter().all(|answer| answer.received_at <= newest.opened_at);
    newest.closed_at.filter(|_| all_seen)
}

/// What people were shown of a withdrawal when they let it go: its reasons are those that its newest case was opened
/// with. Nothing where it went on without an approval of that case. What was a hold is told by each finding, and not by
/// the case: another that it held for says nothing of this one.
pub fn let_go(book: &Book, payment: &Payment) -> Vec<LetGo> {
    let newest = of_screening(book, payment.id.uuid).max_by_key(|it| it.opened_at);
    if newest.is_none_or(|it| it.open || !lets_go(it)) {
        return Vec::new();
    }
    let shown = payment.reasons.iter().filter_map(|reason| {
        let (rule, observed) = (reason.rule.clone()?, reason.observed.clone()?);
        Some(LetGo { rule, observed, held: reason.holds })
    });
    shown.collect()
}

/// The cases that a screening of a withdrawal has opened with what it had found.
fn of_screening(book: &Book, id: Uuid) -> impl Iterator<Item = &Review> {
    book.reviews.values().filter(move |review| {
        let any = [Outcome::Review, Outcome::Hold];
        let mut kinds = any.iter().map(|outcome| review_kind(Direction::Withdrawal, *outcome));
        review.payment == Some(id) && kinds.any(|kind| kind == review.kind)
    })
}

fn lets_go(review: &Review) -> bool {
    let mut proposals = review.proposals.iter();
    proposals.any(|it| it.state == ProposalState::Approved && it.outcome == "approve")
}

/// Raises an incident about a payment.
pub fn raise(
    book: &mut Book,
    kind: &'static str,
    id: Uuid,
    attempt: Option<AttemptId>,
    detail: &str,
    ctx: &Ctx<'_>,
) {
    let payment = book.payment(id).map(|payment| payment.id);
    let detail = detail.to_owned();
    let incident = Incident { id: IncidentId(Uuid::nil()), kind, payment, attempt, detail };
    book.raise(ctx.ids, incident);
}

/// Opens a review, unless one of its kind is open for the payment; where it is about an attempt, for
/// this one: two parts of a withdrawal can be unknown at once.
pub fn ask_people(
    book: &mut Book,
    id: Uuid,
    attempt: Option<AttemptId>,
    kind: &str,
    ctx: &Ctx<'_>,
) {
    let known = book
        .reviews
        .values()
        .filter(|review| review.open && review.payment == Some(id) && review.kind == kind)
        .any(|review| attempt.is_none() || review.attempt == attempt);
    if known {
        return;
    }
    let mut review = Review {
        id: ReviewId(ctx.ids.next()),
        payment: Some(id),
        player: Some(book.key.player.clone()),
        attempt,
        switch: None,
        policy: None,
        kind: kind.to_owned(),
        open: true,
        opened_at: ctx.now,
        opened_by: None,
        closed_at: None,
        approvals_needed: ctx.reviews.approvals_needed,
        desk: ctx.reviews.new_desk(ctx.now),
        proposals: Vec::new(),
        news: Vec::new(),
    };
    review.tell(CaseAct::Opened, None, None, ctx.now);
    book.open_review(review);
}

/// Whether people are to say already whether a payment goes on; what became of one of its attempts is another
/// question.
pub fn is_before_people(book: &Book, id: Uuid) -> bool {
    let mut open = book.reviews.values().filter(|it| it.open && it.payment == Some(id));
    open.any(|review| review.attempt.is_none())
}

/// Voids what was proposed for a deposit's money, and every approval of it: the cases stay open.
pub fn void_about_money(book: &mut Book, id: Uuid, why: &str, ctx: &Ctx<'_>) {
    let about_money = |review: &&Review| {
        let proposed = review.open_proposal().map(|open| open.outcome.as_str());
        review.open && review.payment == Some(id) && matches!(proposed, Some("approve" | "return"))
    };
    let of: Vec<Uuid> = book.reviews.values().filter(about_money).map(|it| it.id.0).collect();
    for review in of {
        if let Some(review) = book.review_mut(review) {
            four_eyes::void_open(review, CaseAct::Voided, None, why, ctx.now);
        }
    }
}

/// Closes what people need not decide any more. What became of a payout that is still under way they must,
/// though its withdrawal be paid: another payment of it may wait for that.
pub fn close_reviews(book: &mut Book, id: Uuid, ctx: &Ctx<'_>) {
    let is_deposit = book.payments[&id].deposit_status().is_some();
    let open = questions(book, id);
    let is_open = |about: Option<AttemptId>| about.is_some_and(|about| open.contains(&about));
    close(book, id, |review| is_deposit || !is_open(review.attempt), ctx);
}

/// The attempts of which people may have to say what became of them.
fn questions(book: &Book, id: Uuid) -> Vec<AttemptId> {
    let attempts = book.payments[&id].attempts.iter();
    let open = attempts.filter(|attempt| attempt.status.is_live() || kept::may_be_paid(attempt));
    open.map(|attempt| attempt.id).collect()
}

/// The vendors have answered: what people are to decide is put before them as what it is.
pub fn close_awaiting(book: &mut Book, id: Uuid, ctx: &Ctx<'_>) {
    close(book, id, |review| review.kind == AWAITING_VENDOR, ctx);
}

/// Nothing of a deposit is in suspense any more: there is nothing to decide about it.
pub fn close_about_money(book: &mut Book, id: Uuid, ctx: &Ctx<'_>) {
    close(book, id, |review| review.kind == "money_in", ctx);
}

/// Whether a vendor is asked about a payment, so that what people know of it is not all.
pub fn awaits_vendor(book: &Book, id: Uuid) -> bool {
    let mut open = book.reviews.values().filter(|it| it.open && it.payment == Some(id));
    open.any(|review| review.kind == AWAITING_VENDOR)
}

/// Closes what people need not find out any more, while other parts of the withdrawal are under way.
pub fn close_found_out(book: &mut Book, id: Uuid, ctx: &Ctx<'_>) {
    let open = questions(book, id);
    close(book, id, |review| review.attempt.is_some_and(|about| !open.contains(&about)), ctx);
}

/// Closes what people were to find out about an attempt that has ended by itself.
pub fn close_about(book: &mut Book, id: Uuid, ended: AttemptId, ctx: &Ctx<'_>) {
    let open = questions(book, id);
    close(book, id, |review| review.attempt == Some(ended) && !open.contains(&ended), ctx);
}

fn close(book: &mut Book, id: Uuid, which: impl Fn(&Review) -> bool, ctx: &Ctx<'_>) {
    let open: Vec<Uuid> = book
        .reviews
        .values()
        .filter(|review| review.open && review.payment == Some(id) && which(review))
        .filter(|it| {
            it.kind != paid_twice::KIND || !paid_twice::is_open(&book.payments[&id], it.attempt)
        })
        .map(|review| review.id.0)
        .collect();
    for review in open {
        if let Some(review) = book.review_mut(review) {
            review.close(ctx.now);
        }
    }
}
