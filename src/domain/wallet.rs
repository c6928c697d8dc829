//! A player's balance in one currency.

use super::Currency;

/// Which purse of a wallet. Only cash is held and withdrawn; deposits credit cash only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fund {
    Cash,
    Bonus,
}

impl Fund {
    pub const fn as_str(self) -> &'static str {
        match self {
            Fund::Cash => "cash",
            Fund::Bonus => "bonus",
        }
    }
}

/// The wallet row: three ledger accounts and the player's debt, all in minor units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Balance {
    pub currency: Currency,
    /// Cash that can be staked or withdrawn.
    pub cash: i64,
    pub bonus: i64,
    /// Cash reserved for withdrawals.
    pub held: i64,
    /// What the player owes after a debit that could not be refused.
    pub owed: i64,
    /// One per posting that touched this wallet, gap-free.
    pub version: i64,
    /// The head of the wallet's hash chain.
    pub head: [u8; 32],
}

impl Balance {
    pub const fn empty(currency: Currency) -> Self {
        Self { currency, cash: 0, bonus: 0, held: 0, owed: 0, version: 0, head: [0; 32] }
    }
}
