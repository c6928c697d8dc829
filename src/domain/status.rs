//! Every status that the API, the events and the database know, and nothing besides.

use std::fmt;
use std::str::FromStr;

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? })+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text),+ }
            }
        }

        impl FromStr for $name {
            type Err = UnknownWord;
            fn from_str(text: &str) -> Result<Self, UnknownWord> {
                match text { $($text => Ok($name::$variant),)+ _ => Err(UnknownWord) }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    )+};
}

/// A text that is none of the words of its list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownWord;

impl fmt::Display for UnknownWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a known word")
    }
}

impl std::error::Error for UnknownWord {}

words! {
    Direction { Deposit = "deposit", Withdrawal = "withdrawal" }

    /// Why a payment exists.
    Origin {
        Request = "request",
        /// Money that came without being asked for.
        Unsolicited = "unsolicited",
        /// A deposit that is sent back: it leaves through the withdrawal machine.
        Return = "return",
    }

    Method {
        BankTransfer = "bank_transfer", Card = "card", EWallet = "e_wallet",
        Interac = "interac", Pix = "pix", Crypto = "crypto",
    }

    DepositStatus {
        Screening = "screening", InReview = "in_review", Processing = "processing",
        ActionRequired = "action_required", Succeeded = "succeeded", Blocked = "blocked",
        Failed = "failed", Expired = "expired", Cancelled = "cancelled",
        Returned = "returned", Reversed = "reversed",
    }

    WithdrawalStatus {
        Screening = "screening", InReview = "in_review", Approved = "approved",
        Processing = "processing", Paid = "paid", PaidInPart = "paid_in_part",
        Failed = "failed", Rejected = "rejected", Cancelled = "cancelled",
        Blocked = "blocked", Returned = "returned",
    }

    /// One part of a withdrawal: its share of the hold.
    PartStatus {
        Held = "held", Processing = "processing", Paid = "paid",
        Released = "released", Returned = "returned",
    }

    AttemptStatus {
        Prepared = "prepared", InFlight = "in_flight", NotSent = "not_sent",
        Declined = "declined", Unknown = "unknown", Abandoned = "abandoned",
        Accepted = "accepted", Succeeded = "succeeded", Expired = "expired",
        Cancelled = "cancelled", Returned = "returned", Reversed = "reversed",
    }
}

impl AttemptStatus {
    /// At most one attempt of a deposit, and of each part of a withdrawal, is live at any time;
    /// the database holds it to that by a partial unique index.
    pub const fn is_live(self) -> bool {
        use AttemptStatus::{Accepted, InFlight, Prepared, Unknown};
        matches!(self, Prepared | InFlight | Unknown | Accepted)
    }

    /// Whether its money moved and went back since.
    pub const fn is_taken_back(self) -> bool {
        matches!(self, AttemptStatus::Returned | AttemptStatus::Reversed)
    }

    /// Whether its money moved, whatever became of it since.
    pub const fn has_succeeded(self) -> bool {
        self.is_taken_back() || matches!(self, AttemptStatus::Succeeded)
    }
}

/// The status of either direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PaymentStatus {
    Deposit(DepositStatus),
    Withdrawal(WithdrawalStatus),
}

impl PaymentStatus {
    pub const fn as_str(self) -> &'static str {
        match self {
            PaymentStatus::Deposit(status) => status.as_str(),
            PaymentStatus::Withdrawal(status) => status.as_str(),
        }
    }

    pub fn parse(direction: Direction, text: &str) -> Result<Self, UnknownWord> {
        Ok(match direction {
            Direction::Deposit => PaymentStatus::Deposit(text.parse()?),
            Direction::Withdrawal => PaymentStatus::Withdrawal(text.parse()?),
        })
    }
}

impl fmt::Display for PaymentStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
