//! A posting: legs that sum to zero, or nothing at all.

use super::Account;
use crate::domain::Currency;

/// What one account gains (positive) or loses (negative), in minor units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leg {
    pub account: Account,
    pub amount: i64,
}

/// A balanced set of legs of one currency. Only [`super::templates`] makes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posting {
    kind: &'static str,
    currency: Currency,
    legs: Vec<Leg>,
}

impl Posting {
    /// Makes a posting of the legs that are not zero.
    ///
    /// # Panics
    /// When the legs do not sum to zero or an amount overflows: that is a programmer's error in a
    /// template, and the one thing that must never be written down.
    pub(super) fn balanced(kind: &'static str, currency: Currency, legs: Vec<Leg>) -> Self {
        let sum = legs.iter().try_fold(0_i64, |sum, leg| sum.checked_add(leg.amount));
        assert_eq!(sum, Some(0), "the legs of {kind} do not balance");
        let legs = legs.into_iter().filter(|leg| leg.amount != 0).collect();
        Self { kind, currency, legs }
    }

    /// The business fact: the name of the template.
    pub const fn kind(&self) -> &'static str {
        self.kind
    }

    pub const fn currency(&self) -> Currency {
        self.currency
    }

    pub fn legs(&self) -> &[Leg] {
        &self.legs
    }
}
