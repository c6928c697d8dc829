//! The chart of accounts. Each exists once per currency.

use std::fmt;

/// An account of the ledger. The player's accounts belong to one wallet; all others are the
/// house's, and have one balance row per slot, so that none of them is ever a hot row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Account {
    /// What the player can stake or withdraw.
    PlayerCash,
    /// What was granted to play with.
    PlayerBonus,
    /// Cash reserved for withdrawals under way.
    PlayerHeld,
    /// What the player owes us after a debit that could not be refused.
    PlayerReceivable,
    /// Our balance at a PSP account, before its settlement reaches our bank.
    PspClearing(String),
    /// Money whose owner or cause is not settled yet. Its balance is a work list.
    Suspense,
    /// Fees that players pay.
    PlayerFees,
    /// What PSPs charge us: their fees, and what a dispute takes beyond what had arrived.
    PspFees,
    /// Money on its way back from suspense to its source.
    PayoutsInTransit,
    /// Corrections, each by two people.
    Adjustments,
    /// What granted bonuses cost.
    BonusCost,
    /// Stakes less wins.
    GamingRevenue,
    /// What is lost below the smallest unit.
    Rounding,
}

impl Account {
    /// Whether this is one of a wallet's own accounts.
    pub const fn is_players(&self) -> bool {
        matches!(
            self,
            Account::PlayerCash
                | Account::PlayerBonus
                | Account::PlayerHeld
                | Account::PlayerReceivable
        )
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Account::PlayerCash => f.write_str("player_cash"),
            Account::PlayerBonus => f.write_str("player_bonus"),
            Account::PlayerHeld => f.write_str("player_held"),
            Account::PlayerReceivable => f.write_str("player_receivable"),
            Account::PspClearing(psp) => write!(f, "psp_clearing:{psp}"),
            Account::Suspense => f.write_str("suspense"),
            Account::PlayerFees => f.write_str("player_fees"),
            Account::PspFees => f.write_str("psp_fees"),
            Account::PayoutsInTransit => f.write_str("payouts_in_transit"),
            Account::Adjustments => f.write_str("adjustments"),
            Account::BonusCost => f.write_str("bonus_cost"),
            Account::GamingRevenue => f.write_str("gaming_revenue"),
            Account::Rounding => f.write_str("rounding"),
        }
    }
}
