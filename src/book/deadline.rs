//! By when a withdrawal is to be at its end.

use crate::domain::{PaymentId, Timestamp};

/// What a market promised of one withdrawal, and what people were told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deadline {
    pub payment: PaymentId,
    /// The policy version that decided the request, and its rule.
    pub version: String,
    pub rule: String,
    pub asked_at: Timestamp,
    pub warn_at: Timestamp,
    pub deadline_at: Timestamp,
    /// When somebody looks next. None: nobody need look any more.
    pub due_at: Option<Timestamp>,
    pub warned_at: Option<Timestamp>,
    pub passed_at: Option<Timestamp>,
}
