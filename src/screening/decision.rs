//! A decision: everything that was known when it was made, so that it can be made again.

use super::{Checkpoint, Outcome, RuleResult, Screening};
use crate::domain::{DecisionId, PaymentId, PlayerKey, Reason, Timestamp};
use time::Date;

/// The semantics of the rules. It grows whenever a rule comes to mean something else, so that a
/// replay knows which engine it repeats.
pub const ENGINE: &str = "screening-1";

/// One screening, for the record. It is written in the same commit as what it allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    pub id: DecisionId,
    pub checkpoint: Checkpoint,
    pub payment: PaymentId,
    pub player: PlayerKey,
    /// The version of the player's record that was screened; 0 when there was none.
    pub player_version: i64,
    /// Market, version, hash.
    pub policy: Option<(String, String, [u8; 32])>,
    pub outcome: Outcome,
    pub rules: Vec<RuleResult>,
    pub reasons: Vec<Reason>,
    /// Source and date of the exchange rates.
    pub fx: Option<(String, Date)>,
    pub engine: &'static str,
    pub occurred_at: Timestamp,
}

/// What a decision is about.
#[derive(Debug, Clone)]
pub struct About {
    pub id: DecisionId,
    pub checkpoint: Checkpoint,
    pub payment: PaymentId,
    pub player: PlayerKey,
    pub player_version: i64,
}

impl Decision {
    pub fn new(about: About, screening: Screening, occurred_at: Timestamp) -> Self {
        Self {
            id: about.id,
            checkpoint: about.checkpoint,
            payment: about.payment,
            player: about.player,
            player_version: about.player_version,
            policy: screening.policy,
            outcome: screening.outcome,
            rules: screening.rules,
            reasons: screening.reasons,
            fx: screening.fx,
            engine: ENGINE,
            occurred_at,
        }
    }
}
