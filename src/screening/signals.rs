//! What an outside vendor says, in one shape: whoever it is and however it says it.
//!
//! Three things are kept apart that are easily mixed up: a vendor that gave no score (`risk` is
//! none, which is no low risk), a vendor that has not answered yet ([`VendorState::Pending`]) and
//! one whose answer cannot be used ([`VendorState::Error`]). What each of them leads to is the
//! policy's to say, and none of them is an approval.
//!
//! The raw answer is named by its hash; nothing personal is in a result, so that it may stand in a
//! decision.

use crate::domain::{Money, Timestamp};

/// The question that a vendor answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hook {
    /// Where the crypto that arrived comes from.
    KytDeposit,
    /// Whether crypto may go to an address.
    KytWithdrawal,
    /// Whether a name is on a list of sanctions or of politically exposed persons.
    Names,
    /// Whether somebody is who they say they are.
    Kyc,
    /// Whether a national register excludes the player.
    Register,
    /// What the player may still deposit over all operators.
    CrossOperatorLimit,
}

impl Hook {
    /// Every hook, in the order of declaration.
    pub const ALL: [Self; 6] = [
        Self::KytDeposit,
        Self::KytWithdrawal,
        Self::Names,
        Self::Kyc,
        Self::Register,
        Self::CrossOperatorLimit,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Hook::KytDeposit => "kyt.deposit",
            Hook::KytWithdrawal => "kyt.withdrawal",
            Hook::Names => "names",
            Hook::Kyc => "kyc",
            Hook::Register => "register",
            Hook::CrossOperatorLimit => "limit.cross_operator",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|hook| hook.as_str() == text)
    }
}

/// How far a vendor is with its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum VendorState {
    /// It was asked and has not finished.
    Pending,
    Final,
    /// It could not be asked, or what it said cannot be used.
    Error,
}

impl VendorState {
    pub const ALL: [Self; 3] = [Self::Pending, Self::Final, Self::Error];

    pub const fn as_str(self) -> &'static str {
        match self {
            VendorState::Pending => "pending",
            VendorState::Final => "final",
            VendorState::Error => "error",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// A vendor's verdict on our scale, from the mildest to the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Risk {
    None,
    Low,
    Medium,
    High,
    Severe,
}

impl Risk {
    pub const ALL: [Self; 5] = [Self::None, Self::Low, Self::Medium, Self::High, Self::Severe];

    pub const fn as_str(self) -> &'static str {
        match self {
            Risk::None => "none",
            Risk::Low => "low",
            Risk::Medium => "medium",
            Risk::High => "high",
            Risk::Severe => "severe",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|risk| risk.as_str() == text)
    }
}

/// One thing that a vendor found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signal {
    /// The vendor's own word or number for it, `"16"`.
    pub code: String,
    /// What it is about in our words, `"gambling"`.
    pub category: String,
    /// Whether the money touched it itself. None: the vendor does not say.
    pub direct: Option<bool>,
    /// How much of the money is concerned. None: the vendor does not say.
    pub amount: Option<Money>,
    /// The vendor's rule that found it.
    pub rule_ref: Option<String>,
}

/// What vendors said last of a payment, of each address, and how far the question is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StandingAnswers {
    pub results: Vec<VendorResult>,
    /// How often they were asked; 0: never.
    pub round: i16,
    /// They are being asked.
    pub is_open: bool,
}

/// A vendor's answer, or what there is in place of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VendorResult {
    /// `"chainalysis"`.
    pub vendor: String,
    pub hook: Hook,
    /// Which of the payment's places on chains it is about, from 0. None: it is about no place, or was kept
    /// before this was.
    pub place: Option<i16>,
    /// The vendor's id of our question, or ours where it gives none.
    pub request_id: String,
    pub state: VendorState,
    /// None: the vendor gave no score, which is neither low nor an error.
    pub risk: Option<Risk>,
    /// The score as the vendor told it, a decimal text.
    pub score: Option<String>,
    pub signals: Vec<Signal>,
    /// Of the raw bytes that this was read from.
    pub raw_sha256: [u8; 32],
    /// Of the vendor's model, list or workflow: what the answer depends on besides the question.
    pub version: String,
    pub received_at: Timestamp,
}
