//! A payout that no PSP of its plan took: why, in the words of its reasons, and the case that people decide.

use super::command::Ctx;
use super::people::ask_people;
use crate::book::{Attempt, Book, CaseAct, Payment};
use crate::domain::{AttemptStatus, Audience, PartId, Reason};
use crate::routing::plan;
use psp_contract::NotSent as Unsent;
use uuid::Uuid;

/// The code of each reason that a payout's attempts give, and what it says.
const NOT_SENT: (&str, &str) = ("psp.not_reached", "the payout provably never reached its PSP");
const REFUSED: (&str, &str) = ("psp.refused", "its PSP refused the payout, or did not pay it");
const NOBODY: (&str, &str) = ("psp.none_left", "no PSP of its plan can pay it now");

/// Whether the market has another PSP, which was not tried for this part because it cannot pay this very
/// instrument: people decide then (the first PSP will be back, or the player has another account)
/// instead of the player being told that it failed.
pub fn has_other(book: &Book, id: Uuid, part: PartId) -> bool {
    let payment = &book.payments[&id];
    let candidates = &payment.route_of(Some(part)).candidates;
    candidates.iter().any(|candidate| {
        let is_there = candidate.rank.is_some() || candidate.reason == plan::CANNOT_PAY;
        is_there && !payment.was_tried(Some(part), &candidate.psp)
    })
}

/// What its PSPs answered is among the reasons of a payout that stops here, before its event is written: of each the
/// last. Of one that goes on nothing is said: what an earlier try came to is over.
pub fn say_why(book: &mut Book, id: Uuid, stops: bool) {
    let why = if stops { answers(&book.payments[&id]) } else { Vec::new() };
    let codes = [NOT_SENT.0, REFUSED.0, NOBODY.0];
    let is_ours = |reason: &Reason| codes.contains(&reason.code.as_str());
    if !why.is_empty() || book.payments[&id].reasons.iter().any(is_ours) {
        let reasons = &mut book.payment_mut(id).reasons;
        reasons.retain(|reason| !is_ours(reason));
        reasons.extend(why);
    }
}

/// Puts it before people. Its case begins with the same words.
pub fn ask(book: &mut Book, id: Uuid, ctx: &Ctx<'_>) {
    ask_people(book, id, None, "payout_stuck", ctx);
    let why = answers(&book.payments[&id]);
    let told = why.into_iter().map(|it| match it.observed {
        Some(observed) => format!("{} ({observed})", it.message),
        None => it.message,
    });
    let told = told.collect::<Vec<_>>().join("; ");
    let mut open = book.reviews.values().filter(|it| it.open && it.payment == Some(id));
    let case = open.find(|it| it.kind == "payout_stuck").map(|it| it.id.0);
    if let Some(review) = case.and_then(|case| book.review_mut(case)) {
        review.tell(CaseAct::Note, None, Some(&told), ctx.now);
    }
}

/// What came of the last try of each unpaid part at each PSP.
fn answers(payment: &Payment) -> Vec<Reason> {
    use AttemptStatus::{Cancelled, Declined, Expired, NotSent};
    let is_paid = |it: &Attempt| {
        let mut beside = payment.attempts.iter().filter(|other| other.part == it.part);
        beside.any(|other| other.status.has_succeeded())
    };
    let is_last = |it: &Attempt| {
        let mut later = payment.attempts.iter().filter(|other| it.number < other.number);
        !later.any(|other| other.part == it.part && other.psp == it.psp)
    };
    let over = payment.attempts.iter().filter(|it| !is_paid(it) && is_last(it));
    let mut why: Vec<Reason> = Vec::new();
    for attempt in over {
        let words = match attempt.status {
            NotSent if attempt.was_not_sent_for(Unsent::FoundUnpaid) => REFUSED,
            NotSent => NOT_SENT,
            // What was called off before it was sent, its PSP has answered nothing to.
            Cancelled if !attempt.was_accepted => continue,
            Declined | Expired | Cancelled => REFUSED,
            _ => continue,
        };
        let code = attempt.error.as_ref().map_or(attempt.status.as_str(), |it| it.code.as_str());
        let reason = of(words, Some(format!("{}: {code}", attempt.psp)));
        if !why.contains(&reason) {
            why.push(reason);
        }
    }
    if why.is_empty() {
        why.push(of(NOBODY, None));
    }
    why
}

/// How the casino's PSPs fare is not the player's.
fn of((code, message): (&str, &str), observed: Option<String>) -> Reason {
    Reason { observed, audience: Audience::Operator, ..Reason::new(code, message) }
}
