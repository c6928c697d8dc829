//! What its PSPs answered to a payment that stops, in the words of its reasons: of each PSP the last.

use crate::book::{Attempt, Book, Payment};
use crate::domain::{AttemptStatus, Audience, Direction, Reason};
use psp_contract::NotSent as Unsent;
use uuid::Uuid;

const NOT_SENT: &str = "psp.not_reached";
const REFUSED: &str = "psp.refused";
/// Of a deposit alone: a payout whose answer is lost does not stop.
const LOST: &str = "psp.answer_lost";
const NOBODY: &str = "psp.none_left";
/// What the player is told of a deposit, whoever did not take it and why.
const NOT_TAKEN: &str = "deposit.not_taken";

const OURS: [&str; 5] = [NOT_SENT, REFUSED, LOST, NOBODY, NOT_TAKEN];

/// They are among the reasons of a payment that stops here, before its event is written.
pub fn keep(book: &mut Book, id: Uuid) {
    let payment = &book.payments[&id];
    let mut why = of(payment);
    if payment.direction() == Direction::Deposit {
        let remedy = "try again later, or with another method, card or account";
        why.push(Reason {
            remedy: Some(remedy.to_owned()),
            ..Reason::new(NOT_TAKEN, "no payment provider took this deposit")
        });
    }
    replace(book, id, why);
}

/// Of one that goes on nothing is said: what an earlier try came to is over.
pub fn forget(book: &mut Book, id: Uuid) {
    replace(book, id, Vec::new());
}

fn replace(book: &mut Book, id: Uuid, why: Vec<Reason>) {
    let is_ours = |reason: &Reason| OURS.contains(&reason.code.as_str());
    if !why.is_empty() || book.payments[&id].reasons.iter().any(is_ours) {
        let reasons = &mut book.payment_mut(id).reasons;
        reasons.retain(|reason| !is_ours(reason));
        reasons.extend(why);
    }
}

/// What came of the last try of a deposit, or of each unpaid part of a payout, at each PSP.
pub fn of(payment: &Payment) -> Vec<Reason> {
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
        let Some(code) = answered(attempt) else { continue };
        let told = attempt.error.as_ref().map_or(attempt.status.as_str(), |it| it.code.as_str());
        let reason = reason(payment, code, Some(format!("{}: {told}", attempt.psp)));
        if !why.contains(&reason) {
            why.push(reason);
        }
    }
    if why.is_empty() {
        why.push(reason(payment, NOBODY, None));
    }
    why
}

fn answered(attempt: &Attempt) -> Option<&'static str> {
    use AttemptStatus::{Abandoned, Cancelled, Declined, Expired, NotSent};
    match attempt.status {
        NotSent if attempt.was_not_sent_for(Unsent::FoundUnpaid) => Some(REFUSED),
        NotSent => Some(NOT_SENT),
        // What was called off before it was sent, its PSP has answered nothing to.
        Cancelled if !attempt.was_accepted => None,
        Declined | Expired | Cancelled => Some(REFUSED),
        Abandoned => Some(LOST),
        _ => None,
    }
}

/// How the casino's PSPs fare is not the player's.
fn reason(payment: &Payment, code: &str, observed: Option<String>) -> Reason {
    let message = match (payment.direction(), code) {
        (Direction::Withdrawal, NOT_SENT) => "the payout provably never reached its PSP",
        (Direction::Withdrawal, REFUSED) => "its PSP refused the payout, or did not pay it",
        (Direction::Deposit, NOT_SENT) => "the deposit provably never reached its PSP",
        (Direction::Deposit, REFUSED) => "its PSP refused the deposit, or it was never paid there",
        (_, LOST) => {
            "what its PSP answered was lost; where it is paid there all the same, it is credited"
        }
        (Direction::Withdrawal, _) => "no PSP of its plan can pay it now",
        (Direction::Deposit, _) => "no PSP of its plan can take it now",
    };
    Reason { observed, audience: Audience::Operator, ..Reason::new(code, message) }
}
