//! What a vendor of identity said last of the player.
//!
//! Nobody is asked while money waits: the vendor tells by itself, its word is read back from it when it
//! comes, and this rule looks at the newest.

use crate::domain::{Audience, Direction};
use crate::screening::Outcome;
use crate::screening::facts::Facts;
use crate::screening::file::Table;
use crate::screening::hooks::{HookFailure, KycAnswer, KycStanding};
use crate::screening::rule::{Ask, Check, Finding, RuleResult, Words};
use crate::screening::signals::Hook;
use time::Duration;

/// Parameters: `level_min` (1 to 3), `max_age_s` (an older answer is none), `on_failure` and
/// `on_pending` (`deny` unless said otherwise, and never an approval).
#[derive(Debug)]
pub struct VendorSays {
    level_min: i16,
    max_age: Duration,
    on_failure: Outcome,
    on_pending: Outcome,
}

const NO_ANSWER: &str = "no answer";
const UNKNOWN: &str = "never verified";

impl VendorSays {
    pub fn read(table: &Table<'_>) -> Self {
        Self {
            level_min: i16::try_from(table.number("level_min", 1, 3)).unwrap_or(3),
            max_age: Duration::seconds(table.number("max_age_s", 0, 20 * 366 * 86_400)),
            on_failure: super::fail_outcome(table, "on_failure"),
            on_pending: super::fail_outcome(table, "on_pending"),
        }
    }

    fn threshold(&self) -> String {
        let age = self.max_age.whole_seconds();
        format!("verified at level {} or above, at most {age} s old", self.level_min)
    }

    fn failed(&self, vendor: &str, failure: HookFailure) -> Finding {
        let observed = match failure {
            HookFailure::NothingKnown => format!("{UNKNOWN} by {vendor}"),
            other => format!("{NO_ANSWER} of {vendor}: {}", other.as_str()),
        };
        Finding::error(observed, self.threshold()).with_effect(self.on_failure)
    }

    fn judge(&self, vendor: &str, answer: &KycAnswer, facts: &Facts) -> Finding {
        let age = facts.screened_at - answer.told_at;
        if self.max_age < age {
            return self.failed(vendor, HookFailure::Stale);
        }
        let KycAnswer { standing, level, reference, version, .. } = answer;
        let observed = format!(
            "{} at level {level} by {vendor} ({version}), {} s old, reference {reference}",
            standing.as_str(),
            age.whole_seconds().max(0)
        );
        let finding = |hit| Finding::new(hit, observed.clone(), self.threshold());
        match standing {
            KycStanding::Verified => finding(*level < self.level_min),
            KycStanding::Pending => finding(true).with_effect(self.on_pending),
            KycStanding::Retry | KycStanding::Abandoned | KycStanding::Rejected => finding(true),
        }
    }
}

/// What was answered, and the reference of it, without its age; or that there is no answer, without the reason.
fn answer(observed: &str) -> (&str, &str) {
    if observed.starts_with(NO_ANSWER) {
        return (observed.split_once(": ").map_or(observed, |(who, _)| who), "");
    }
    match observed.rsplit_once(", reference ") {
        Some((told, reference)) => {
            (told.rsplit_once(", ").map_or(told, |(told, _)| told), reference)
        }
        None => (observed, ""),
    }
}

/// Money of somebody whose documents a vendor refused, or of whom nothing can be learnt, is kept where it
/// is: what the player can put right is told, all else is for people.
fn keep_money(mut finding: Finding, facts: &Facts, players_to_mend: bool) -> Finding {
    let leaves = facts.checkpoint.direction() == Some(Direction::Withdrawal);
    if leaves && !players_to_mend && finding.effect.is_none_or(|effect| effect == Outcome::Deny) {
        finding.effect = Some(Outcome::Hold);
    }
    finding
}

impl Check for VendorSays {
    fn kind(&self) -> &'static str {
        "kyc.vendor"
    }

    fn operator(&self) -> &'static str {
        ">="
    }

    fn asks(&self) -> Option<Ask> {
        Some(Ask { hook: Hook::Kyc, max_age: self.max_age })
    }

    /// The same answer, however old it is by now; or no answer, for whatever reason.
    fn says_the_same(&self, before: &str, now: &str) -> bool {
        answer(before) == answer(now)
    }

    fn find(&self, facts: &Facts) -> Vec<Finding> {
        let Some(told) = &facts.checks.kyc else {
            let finding = self.failed("a vendor", HookFailure::NotConfigured);
            return vec![keep_money(finding, facts, false)];
        };
        vec![match &told.found {
            Err(failure) => {
                let to_mend = *failure == HookFailure::NothingKnown;
                keep_money(self.failed(&told.vendor, *failure), facts, to_mend)
            }
            Ok(answer) => {
                let to_mend = answer.standing != KycStanding::Rejected;
                keep_money(self.judge(&told.vendor, answer, facts), facts, to_mend)
            }
        }]
    }

    /// Why a vendor rejected somebody, and that it did, is compliance's: a forger must not learn what was
    /// noticed.
    fn words(&self, result: &RuleResult) -> Words {
        let observed = result.observed.as_str();
        let is = |standing: KycStanding| observed.starts_with(standing.as_str());
        if is(KycStanding::Pending) {
            return Words::new(
                Audience::Player,
                "kyc.pending",
                "the player's identity is being verified",
                "wait until the verification is over, then ask again",
            );
        }
        if is(KycStanding::Retry) || is(KycStanding::Abandoned) || observed.starts_with(UNKNOWN) {
            return Words::new(
                Audience::Player,
                "kyc.incomplete",
                "the verification of the player's identity is not complete",
                "complete the verification of identity, then ask again",
            );
        }
        if is(KycStanding::Verified) {
            return Words::new(
                Audience::Player,
                "kyc.level_too_low",
                "the player's identity is not verified far enough",
                "complete the next step of the verification, then ask again",
            );
        }
        if observed.starts_with(NO_ANSWER) {
            return Words::new(
                Audience::Operator,
                "kyc.no_answer",
                "there is no answer about who the player is that can be used",
                "have the verification's answer sent again, or have the player verified anew",
            );
        }
        Words::new(
            Audience::Compliance,
            "kyc.rejected",
            "a vendor of identity rejected the player's verification",
            "look at the vendor's case; nothing of it may be told to the player",
        )
    }

    fn player_can_put_right(&self) -> bool {
        true
    }
}

#[cfg(test)]
#[path = "kyc_vendor_tests.rs"]
mod tests;
