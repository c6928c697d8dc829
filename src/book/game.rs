//! What the game platform books: stakes, wins, voids and bonuses.

use crate::domain::{Money, Timestamp};

/// An entry of the game platform.
#[derive(Debug, Clone)]
pub struct GameEntry {
    pub reference: String,
    pub kind: GameKind,
    pub money: Money,
    /// Which part of a stake came from which purse, so that a void can give it back.
    pub from_cash: i64,
    pub from_bonus: i64,
    /// The stake that a void undoes.
    pub of: Option<String>,
    /// Whether a stake has been undone.
    pub voided: bool,
    pub created_at: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GameKind {
    Stake,
    Win,
    Void,
    BonusGrant,
    BonusToCash,
    BonusForfeit,
}

impl GameKind {
    pub const ALL: [GameKind; 6] = [
        GameKind::Stake,
        GameKind::Win,
        GameKind::Void,
        GameKind::BonusGrant,
        GameKind::BonusToCash,
        GameKind::BonusForfeit,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            GameKind::Stake => "stake",
            GameKind::Win => "win",
            GameKind::Void => "void",
            GameKind::BonusGrant => "bonus_grant",
            GameKind::BonusToCash => "bonus_to_cash",
            GameKind::BonusForfeit => "bonus_forfeit",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}
