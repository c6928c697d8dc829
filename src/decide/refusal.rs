//! Why a command was not carried out.

use crate::domain::{Currency, Direction, Money, PaymentId, PersonId, Timestamp};

/// Why a command was refused. The edge turns each into a problem with its code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the player is not known")]
    PlayerUnknown,
    #[error("the player is excluded, frozen or closed")]
    PlayerNotActive,
    #[error("the player changed while the request was screened")]
    PlayerChanged,
    #[error("{0} changes only through a review once the player has paid")]
    FieldLocked(&'static str),
    #[error("the idempotency key was used for another request")]
    KeyReused,
    #[error("the reference is taken")]
    ReferenceTaken(Option<PaymentId>),
    #[error("the wallet does not cover it")]
    InsufficientFunds { available: Money },
    #[error("{currency} is not a currency of {country}")]
    CurrencyNotAllowed { currency: Currency, country: String },
    #[error("the stake to void is not known, or was voided before")]
    VoidImpossible,
    #[error("not found")]
    NotFound,
    #[error("the payment can no longer be cancelled")]
    NotCancellable { direction: Direction },
    #[error("a call to the PSP is under way; ask again")]
    Busy,
    #[error("the deposit cannot be returned: {0}")]
    NotReturnable(&'static str),
    #[error("{0}")]
    ReviewConflict(&'static str),
    /// What is possible in its place.
    #[error("this outcome is not possible for this review: {}", told(.0))]
    OutcomeImpossible(&'static [&'static str]),
    #[error("{by} works on this review until {until}")]
    ReviewLocked { by: PersonId, until: Timestamp },
    #[error("the proposer and the approver must be two people")]
    SamePerson,
    #[error("the player's data was erased: this id stands for nobody any more")]
    PlayerErased,
    /// What stands against it.
    #[error("{0}")]
    ErasureRefused(String),
    #[error("the limits are not valid: {0}")]
    LimitsInvalid(String),
}

impl Refusal {
    /// Whether the refusal is a recorded outcome that burns its key.
    pub const fn is_recorded(&self) -> bool {
        matches!(self, Refusal::InsufficientFunds { .. })
    }

    /// The stable code of the recorded refusals.
    pub const fn code(&self) -> &'static str {
        match self {
            Refusal::InsufficientFunds { .. } => "wallet.insufficient_funds",
            _ => "refused",
        }
    }
}

fn told(possible: &[&str]) -> String {
    match possible {
        [] => "nothing can be decided in it now".to_owned(),
        some => format!("it takes {}", some.join(" or ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_for_what_is_impossible_is_told_what_is_not() {
        for (possible, ends) in [
            (&["return"][..], ": it takes return"),
            (&["approve", "reject"], ": it takes approve or reject"),
            (&[], ": nothing can be decided in it now"),
        ] {
            assert!(Refusal::OutcomeImpossible(possible).to_string().ends_with(ends));
        }
    }
}
