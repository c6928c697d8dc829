//! How far identity must be verified before money moves.

use crate::domain::{Audience, Direction, KycStatus};
use crate::screening::Outcome;
use crate::screening::facts::Facts;
use crate::screening::file::Table;
use crate::screening::rule::{Check, Finding, RuleResult, Tighter, Words};

/// Parameters: `deposit_min`, `withdrawal_min` (0 to 3), `on_pending` and `on_rejected`, what a verification
/// that is under way, or that a vendor rejected, leads to. Without one of the last two such a verification is
/// told and treated as none at all, which is how every version of a policy that does not name it was decided.
#[derive(Debug)]
pub struct KycLevel {
    deposit_min: i16,
    withdrawal_min: i16,
    on_pending: Option<Outcome>,
    on_rejected: Option<Outcome>,
}

const PENDING: &str = "(pending)";
const REJECTED: &str = "(rejected)";

impl KycLevel {
    pub fn read(table: &Table<'_>) -> Self {
        let level = |key: &str| i16::try_from(table.number(key, 0, 3)).unwrap_or(3);
        let named = |key: &str| table.has(key).then(|| super::fail_outcome(table, key));
        let (on_pending, on_rejected) = (named("on_pending"), named("on_rejected"));
        let (deposit_min, withdrawal_min) = (level("deposit_min"), level("withdrawal_min"));
        Self { deposit_min, withdrawal_min, on_pending, on_rejected }
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
        let leaves = facts.checkpoint.direction() == Some(Direction::Withdrawal);
        let effect = match kyc.status {
            KycStatus::Pending => self.on_pending,
            // Money of somebody whose documents were refused is kept where it is: a denial would tell them.
            KycStatus::Rejected => self.on_rejected.map(|effect| match effect {
                Outcome::Deny if leaves => Outcome::Hold,
                other => other,
            }),
            KycStatus::Verified | KycStatus::Unverified => None,
        };
        vec![match effect {
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
        if self.on_rejected.is_some() && observed.ends_with(REJECTED) {
            return Words::new(
                Audience::Compliance,
                "kyc.rejected",
                format!("the player's verification was rejected: {observed}, needed: {threshold}"),
                "look at the vendor's case; nothing of it may be told to the player",
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Currency, Kyc, Money, Player};
    use crate::screening::gather::{self, Setting, Withdrawal};
    use crate::screening::test_data::{NOW, POLICY, fx, player, withdrawal};
    use crate::screening::{Policies, Screening, engine, file};

    /// A withdrawal of a player whose verification was rejected.
    fn rejected(level: i16, policy: &str) -> Screening {
        let kyc = Kyc { status: KycStatus::Rejected, level, verified_at: None };
        let player = Player { kyc, ..player() };
        let policies = Policies::new(vec![file::read("2026-01.toml", policy).expect("sound")]);
        let records =
            Withdrawal { money: Money::new(50_000, Currency::SEK), ..withdrawal(&player) };
        let table = fx();
        let facts = gather::withdrawal(&records, &Setting::new(&policies, &table, NOW));
        engine::screen(&policies, &facts)
    }

    /// What was decided by a version that does not name it comes out the same when it is decided again.
    #[test]
    fn a_version_says_what_a_rejection_leads_to_and_one_that_does_not_decides_as_before() {
        let told = |screening: &Screening| {
            let reason = screening.reasons.first().expect("a reason");
            (screening.outcome, reason.code.clone(), reason.audience)
        };
        let before = rejected(2, POLICY);
        let too_low = "kyc.level_too_low".to_owned();
        assert_eq!(told(&before), (Outcome::Deny, too_low, Audience::Player));
        for (says, outcome) in
            [("deny", Outcome::Hold), ("hold", Outcome::Hold), ("review", Outcome::Review)]
        {
            let level = "withdrawal_min = 2\n";
            let named = POLICY.replace(level, &format!("{level}on_rejected = \"{says}\"\n"));
            assert_ne!(named, POLICY);
            let (outcome, code) = (outcome, "kyc.rejected".to_owned());
            assert_eq!(told(&rejected(2, &named)), (outcome, code, Audience::Compliance), "{says}");
        }
    }
}
