//! What routing learns when news have been applied to an attempt.

use crate::book::Payment;
use crate::domain::{AttemptId, AttemptStatus, Timestamp};
use crate::flows::Flows;

/// Learns from an attempt that came to its end since `asked_at`. `approved` is what
/// [`super::faults::is_approved`] says of the news. News that changed nothing teach nothing.
pub fn learn(
    flows: &Flows,
    payment: &Payment,
    attempt: AttemptId,
    approved: Option<bool>,
    asked_at: Timestamp,
) {
    let now = flows.clock.now();
    let ended = payment.attempt(attempt).filter(|attempt| attempt.ended_at >= Some(asked_at));
    let (Some(attempt), Some(approved)) = (ended, approved) else { return };
    flows.health.decided(payment, attempt, approved, now);
    if attempt.status == AttemptStatus::Succeeded {
        flows.volumes.add(&attempt.psp, payment.direction(), attempt.asked, now);
    }
}
