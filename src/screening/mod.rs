//! Screening: may this player move this money, here, now?
//!
//! A screening is a pure function of a policy, facts and a time, so a decision can be made again
//! years later and comes out the same to the byte. It runs before the commit lane on a snapshot;
//! inside the lane only the counters ([`limits`]) run again, over locked rows.
//!
//! **Outcomes.** `approve`, `review` (a person decides), `hold` (a person decides, the player may
//! neither cancel nor learn why), `deny`. They are ordered and the worst of all hit rules wins.
//!
//! **What always holds.**
//! - No policy in force for a country means no licence: a deposit is denied.
//! - Exclusion and limits stop deposits and never a withdrawal. A withdrawal is denied only for
//!   what the player can put right; what the player must not learn holds it.
//! - Money that is already in is never denied, only reviewed: it ends credited or sent back.
//! - A fact that is missing is never read as harmless.
//!
//! Reading order: [`policy`], [`calendar`], [`movement`], [`aggregate`], [`limit_terms`],
//! [`rule`], [`facts`], [`signals`], [`attestation`], [`background`], [`rules`], [`limits`], [`payer`],
//! [`sources`], [`closed_loop`], [`exceptions`],
//! [`split`], [`gather`], [`engine`], [`decision`], [`file`],
//! [`counters`], [`hooks`], [`shelf`]; then, above the store, [`begin_screening`],
//! [`load_policies`], [`propose_policy`], [`publish_policy`], [`refuse_policy`], [`compare`],
//! [`replay`], [`pages`], [`backtest`].

pub mod aggregate;
pub mod attestation;
pub mod background;
pub mod backtest;
pub mod begin_screening;
pub mod calendar;
pub mod closed_loop;
pub mod compare;
pub mod counters;
pub mod decision;
pub mod engine;
pub mod exceptions;
pub mod facts;
pub mod file;
pub mod gather;
pub mod hooks;
pub mod limit_terms;
pub mod limits;
pub mod load_policies;
pub mod movement;
pub mod pages;
pub mod payer;
pub mod policy;
pub mod propose_policy;
pub mod publish_policy;
pub mod refuse_policy;
pub mod replay;
pub mod rule;
pub mod rules;
pub mod shelf;
pub mod signals;
pub mod sources;
pub mod split;

pub use decision::Decision;
pub use engine::Screening;
pub use facts::Facts;
pub use policy::{FxTable, MarketPolicy, Policies};
pub use rule::RuleResult;

use crate::domain::Direction;

/// What screening says, from the mildest to the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    Approve,
    /// A person decides.
    Review,
    /// A person decides; not cancellable, and only compliance may know the cause.
    Hold,
    Deny,
}

impl Outcome {
    pub const fn as_str(self) -> &'static str {
        match self {
            Outcome::Approve => "approve",
            Outcome::Review => "review",
            Outcome::Hold => "hold",
            Outcome::Deny => "deny",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Approve, Self::Review, Self::Hold, Self::Deny]
            .into_iter()
            .find(|outcome| outcome.as_str() == text)
    }
}

/// Where on a payment's way it is screened, or that a player's record was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Checkpoint {
    /// Before a PSP is asked.
    DepositPre,
    /// The money is in and not yet credited.
    DepositPost,
    WithdrawalRequest,
    /// Approved, and about to be sent.
    WithdrawalPrePayout,
    /// The player's record changed; no money is meant to move.
    AccountEvent,
}

impl Checkpoint {
    pub const ALL: [Checkpoint; 5] = [
        Checkpoint::DepositPre,
        Checkpoint::DepositPost,
        Checkpoint::WithdrawalRequest,
        Checkpoint::WithdrawalPrePayout,
        Checkpoint::AccountEvent,
    ];

    /// Which way money is to move; none for an event of the account.
    pub const fn direction(self) -> Option<Direction> {
        match self {
            Checkpoint::DepositPre | Checkpoint::DepositPost => Some(Direction::Deposit),
            Checkpoint::WithdrawalRequest | Checkpoint::WithdrawalPrePayout => {
                Some(Direction::Withdrawal)
            }
            Checkpoint::AccountEvent => None,
        }
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Checkpoint::DepositPre => "deposit.pre",
            Checkpoint::DepositPost => "deposit.post",
            Checkpoint::WithdrawalRequest => "withdrawal.request",
            Checkpoint::WithdrawalPrePayout => "withdrawal.pre_payout",
            Checkpoint::AccountEvent => "account.event",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|checkpoint| checkpoint.as_str() == text)
    }
}

#[cfg(test)]
pub(crate) mod test_data;
#[cfg(test)]
mod vectors;
