//! Which news of a vendor of identity the player's record has taken.

use crate::domain::Timestamp;
use uuid::Uuid;

/// The news that a record has taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KycTaken {
    pub told_at: Timestamp,
    pub is_final: bool,
    /// What was said, to tell the same news from other news of the same moment.
    pub said: String,
}

/// What a record takes. It is written in the commit of the record's version: whoever sees the version
/// sees what it took, so the same news is never taken over a casino's own PUT that came after it.
#[derive(Debug, Clone)]
pub struct NewKycTaken {
    /// The kept answer of the vendor.
    pub result: Uuid,
    pub vendor: String,
    pub taken: KycTaken,
    /// The answer that rejects the player, where this is one, or the newest that the record has heard of: it is
    /// no news again.
    pub rejection: Option<Uuid>,
}

/// What a record has taken last, and when.
#[derive(Debug, Clone)]
pub struct TakenBefore {
    pub last: NewKycTaken,
    pub at: Timestamp,
}
