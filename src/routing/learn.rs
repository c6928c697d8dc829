//! What routing learns when news have been applied to an attempt, and when money arrived without naming one.

use crate::book::Payment;
use crate::domain::{AttemptId, AttemptStatus, Direction, Money, Origin, Timestamp};
use crate::flows::Flows;

/// Whether what a PSP does with a payment says how it does with others. A deposit that goes back goes back there
/// or nowhere, and is no payout: PSPs have another door for it, and refuse it for reasons of its own.
pub const fn counts(payment: &Payment) -> bool {
    payment.returns.is_none()
}

/// Learns from news of an attempt. `approved` is what [`super::faults::is_approved`] says of them, `ended` what
/// [`crate::decide::Answer::Applied`] does: news that changed nothing teach nothing, also where the same came
/// twice within one commit. What succeeded counts into the day's volume by whose word it may be: people's, or that
/// of a dispute that was won, too.
pub fn learn(
    flows: &Flows,
    payment: &Payment,
    attempt: AttemptId,
    approved: Option<bool>,
    ended: bool,
) {
    let now = flows.clock.now();
    let Some(attempt) = payment.attempt(attempt).filter(|_| ended) else { return };
    if let Some(approved) = approved.filter(|_| counts(payment)) {
        flows.health.decided(payment, attempt, approved, now);
    }
    if attempt.status == AttemptStatus::Succeeded {
        flows.volumes.add(&attempt.psp, payment.direction(), attempt.asked, now);
    }
}

/// Learns from money that arrived at an account and was booked just now: it counts for the day's cap whoever
/// asked for it, and it speaks for the PSP where a plan had chosen it. Money that nobody asked for says
/// nothing of how often payments are approved there.
pub fn learn_of_payin(
    flows: &Flows,
    payment: &Payment,
    (psp, money): (&str, Money),
    asked_at: Timestamp,
) {
    let now = flows.clock.now();
    flows.volumes.add(psp, Direction::Deposit, money, now);
    let mut ended = payment.attempts.iter().filter(|attempt| attempt.ended_at >= Some(asked_at));
    let asked_for = payment.origin == Origin::Request;
    let fulfilled = ended.find(|it| it.psp == psp && it.status == AttemptStatus::Succeeded);
    if let Some(attempt) = fulfilled.filter(|_| asked_for) {
        flows.health.decided(payment, attempt, true, now);
    }
}
