//! How far identity must be verified before money moves.

use crate::domain::{Audience, Direction, KycStatus};
use crate::screening::Outcome;
use crate::screening::facts::Facts;
use crate::screening::file::Table;
use crate::screening::rule::{Check, Finding, RuleResult, Tighter, Words};

/// Parameters: `deposit_min`, `withdrawal_min` (0 to 3), and `on_pending`, what a verification that is
/// under way leads to. Without the last one it is told and treated as none at all, which is how every
/// version of a policy that does not name it was decided.
#[derive(Debug)]
pub struct KycLevel {
    deposit_min: i16,
    withdrawal_min: i16,
    on_pending: Option<Outcome>,
}

const PENDING: &str = "(pending)";

impl KycLevel {
    pub fn read(table: &Table<'_>) -> Self {
        let level = |key: &str| i16::try_from(table.number(key, 0, 3)).unwrap_or(3);
        let on_pending = table.has("on_pending").then(|| super::fail_outcome(table, "on_pending"));
        let (deposit_min, withdrawal_min) = (level("deposit_min"), level("withdrawal_min"));
        Self { deposit_min, withdrawal_min, on_pending }
    }
}

impl Check for KycLevel {
    fn kind(&self) -> &'static str {
        "kyc.level"
    }

    fn operator(&self) -> &'static str {
        ">="
    }

    /// A level counts only while its verification stands: level 2 with a rejected document is none.
    fn find(&self, facts: &Facts) -> Vec<Finding> {
        let Some(player) = &facts.player else { return Vec::new() };
        let least = match facts.checkpoint.direction() {
            Some(Direction::Withdrawal) => self.withdrawal_min,
            _ => self.deposit_min,
        };
        let kyc = &player.kyc;
        let proven = match kyc.status {
            KycStatus::Verified => kyc.level,
            KycStatus::Unverified | KycStatus::Pending | KycStatus::Rejected => 0,
        };
        let observed = format!("level {} ({})", kyc.level, kyc.status.as_str());
        let finding = Finding::new(proven < least, observed, format!("verified level {least}"));
        vec![match self.on_pending.filter(|_| kyc.status == KycStatus::Pending) {
            Some(effect) => finding.with_effect(effect),
            None => finding,
        }]
    }

    fn words(&self, result: &RuleResult) -> Words {
        let RuleResult { observed, threshold, .. } = result;
        if self.on_pending.is_some() && observed.ends_with(PENDING) {
            return Words::new(
                Audience::Player,
                "kyc.pending",
                format!("the player's identity is being verified: {observed}, needed: {threshold}"),
                "wait until the verification is over, then ask again",
            );
        }
        Words::new(
            Audience::Player,
            "kyc.level_too_low",
            format!(
                "the player's identity is not verified far enough: {observed}, needed: {threshold}"
            ),
            "complete the verification of identity, then ask again",
        )
    }

    fn tighter(&self) -> &'static [(&'static str, Tighter)] {
        &[("deposit_min", Tighter::Higher), ("withdrawal_min", Tighter::Higher)]
    }

    fn player_can_put_right(&self) -> bool {
        true
    }
}
