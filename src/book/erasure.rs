//! The end of a player's personal data: what stands against it, and that it was done.

use crate::domain::Timestamp;
use uuid::Uuid;

/// What the database holds of a player whose data is to be erased.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ErasureFacts {
    /// Minor units in the player's wallets, held and owed included, whatever the currency: any is too much.
    pub money: i64,
    /// Payments that are under way, or of which news is still looked for.
    pub open_payments: i64,
    /// Other cases that people have not decided.
    pub open_cases: i64,
    /// When money last moved, or was last asked to. None: never.
    pub last_moved_at: Option<Timestamp>,
    /// Since when the player's account is closed. None: it is not.
    pub closed_at: Option<Timestamp>,
}

/// Why it was allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErasureBasis {
    /// The data was kept until then, as the player's market asks.
    RetentionOver { until: Timestamp },
    /// No money ever moved: nothing asks for keeping it.
    NeverMoved,
}

impl ErasureBasis {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RetentionOver { .. } => "retention_over",
            Self::NeverMoved => "never_moved",
        }
    }

    pub const fn until(self) -> Option<Timestamp> {
        match self {
            Self::RetentionOver { until } => Some(until),
            Self::NeverMoved => None,
        }
    }
}

/// The act, as it is recorded for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erasure {
    pub id: Uuid,
    pub basis: ErasureBasis,
    /// The case in which two people decided it.
    pub review: Uuid,
}
