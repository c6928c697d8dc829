//! The reasons of a payment, as it ended.

use super::Payment;
use crate::domain::{Audience, DepositStatus, PaymentStatus, Reason, WithdrawalStatus};
use std::borrow::Cow;

/// What a withdrawal waited for is no remedy once people have rejected it: that comes first, and what a rule
/// found is left as the cause. Nor is it one for a payment that has gone on since.
pub fn as_it_ended(payment: &Payment) -> Cow<'_, [Reason]> {
    // Nobody can ask for a return as for a withdrawal.
    let is_return = payment.returns.is_some();
    if is_return || payment.withdrawal_status() != Some(WithdrawalStatus::Rejected) {
        return if has_gone_on(payment.status) {
            causes(payment).collect()
        } else {
            Cow::Borrowed(&payment.reasons)
        };
    }
    let rejected = Reason {
        remedy: Some("ask the casino why; another withdrawal can be asked for".to_owned()),
        audience: Audience::Player,
        ..Reason::new("withdrawal.rejected", "the withdrawal was reviewed by people and rejected")
    };
    std::iter::once(rejected).chain(causes(payment)).collect()
}

/// What rules found, without what would have helped then.
fn causes(payment: &Payment) -> impl Iterator<Item = Reason> {
    payment.reasons.iter().map(|cause| match cause.rule {
        Some(_) => Reason { remedy: None, ..cause.clone() },
        // What happened afterwards is no rule's, and its remedy stands.
        None => cause.clone(),
    })
}

/// Whether it has left behind what its rules wanted: people or vendors let it go on, or it was called off.
const fn has_gone_on(status: PaymentStatus) -> bool {
    use DepositStatus as D;
    use WithdrawalStatus as W;
    match status {
        PaymentStatus::Deposit(status) => {
            matches!(
                status,
                D::Processing | D::ActionRequired | D::Succeeded | D::Cancelled | D::Reversed
            )
        }
        PaymentStatus::Withdrawal(status) => matches!(
            status,
            W::Approved
                | W::Processing
                | W::Paid
                | W::PaidInPart
                | W::Failed
                | W::Cancelled
                | W::Returned
        ),
    }
}
