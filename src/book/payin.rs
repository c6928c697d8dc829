//! Money that named no attempt, and the addresses at which it may arrive.

use crate::domain::{Currency, PaymentId};
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// An arrival has its effect once: by the PSP's id of it, for good.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PayinKey {
    pub psp: String,
    pub psp_reference: String,
}

/// An arrival as it is booked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BookedPayin {
    pub key: PayinKey,
    pub payment: PaymentId,
    /// What of it was below the smallest unit of a currency, as a fraction of that unit.
    pub below_unit: Option<(Currency, Decimal)>,
}

/// What is known of arrivals before this one.
#[derive(Debug, Clone, Default)]
pub struct Arrivals {
    /// Those of its id that were booked before, with their deposits.
    pub booked: BTreeMap<PayinKey, PaymentId>,
    /// What of the player's was below the smallest unit, added up in that unit.
    pub below_unit: BTreeMap<Currency, Decimal>,
}

/// An address that a player was shown. What arrives there is theirs, for ever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenAddress {
    pub psp: String,
    pub network: String,
    pub asset: String,
    pub address: String,
    pub tag: Option<String>,
    /// The deposit that asked for it.
    pub payment: PaymentId,
}
