//! What a PSP's settlement file says, line by line, in our words.

use crate::{AttemptRef, Money, Timestamp};
use std::fmt;

/// What a line of a settlement file is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StatementKind {
    Deposit,
    Payout,
    /// A deposit that went back to its source at our word.
    Refund,
    /// A deposit that its payer's bank took back.
    Chargeback,
    /// A payout that its bank sent back.
    PayoutReturn,
    /// A charge of the PSP that belongs to no single payment.
    Fee,
}

/// One booked line. Amounts are as the PSP booked them, never negative; the kind says which way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementLine {
    pub kind: StatementKind,
    /// Our reference, where the line carries it.
    pub attempt: Option<AttemptRef>,
    /// The PSP's id of the payment.
    pub psp_reference: String,
    pub money: Money,
    /// What the PSP charged for this line, in the line's currency.
    pub fee: Option<Money>,
    pub booked_at: Timestamp,
}

/// Why a settlement file cannot be read. A file with a fault is refused whole: half a file would look
/// like missing payments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementFault {
    /// From 1; none when the file as a whole is wrong.
    pub line: Option<usize>,
    pub reason: &'static str,
}

impl fmt::Display for StatementFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line} of the statement: {}", self.reason),
            None => write!(f, "the statement: {}", self.reason),
        }
    }
}

impl std::error::Error for StatementFault {}
