//! The reasons of a payment, as it ended.

use crate::book::Payment;
use crate::domain::{Audience, Reason, WithdrawalStatus};
use std::borrow::Cow;

/// What a withdrawal waited for is no remedy once people have rejected it: that comes first, and what a rule
/// found is left as the cause.
pub fn as_it_ended(payment: &Payment) -> Cow<'_, [Reason]> {
    // Nobody can ask for a return as for a withdrawal.
    let is_return = payment.returns.is_some();
    if is_return || payment.withdrawal_status() != Some(WithdrawalStatus::Rejected) {
        return Cow::Borrowed(&payment.reasons);
    }
    let rejected = Reason {
        remedy: Some("ask the casino why; another withdrawal can be asked for".to_owned()),
        audience: Audience::Player,
        ..Reason::new("withdrawal.rejected", "the withdrawal was reviewed by people and rejected")
    };
    let causes = payment.reasons.iter().map(|cause| match cause.rule {
        Some(_) => Reason { remedy: None, ..cause.clone() },
        // What happened afterwards is no rule's, and its remedy stands.
        None => cause.clone(),
    });
    std::iter::once(rejected).chain(causes).collect()
}
