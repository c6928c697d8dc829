//! Money that named no attempt, and the addresses at which it may arrive.

use crate::domain::PaymentId;

/// An arrival has its effect once: by the PSP's id of it, for good.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PayinKey {
    pub psp: String,
    pub psp_reference: String,
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
