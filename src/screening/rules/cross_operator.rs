//! Whether a deposit fits into what the player may deposit over all operators of the market.

use crate::domain::Audience;
use crate::screening::Outcome;
use crate::screening::facts::Facts;
use crate::screening::file::Table;
use crate::screening::hooks::HookFailure;
use crate::screening::rule::{Ask, Check, Finding, RuleResult, Words};
use crate::screening::signals::Hook;
use time::Duration;

/// Parameter: `on_failure` (`deny` unless said otherwise). The room is reserved for every deposit
/// anew: there is no older answer that could count.
#[derive(Debug)]
pub struct CrossOperator {
    on_failure: Outcome,
}

const NOT_ASKED: &str = "no answer";

/// The reason of a deposit about which the file said nothing that can be used.
pub const NO_ANSWER: &str = "limit.cross_operator_no_answer";

impl CrossOperator {
    pub fn read(table: &Table<'_>) -> Self {
        Self { on_failure: super::fail_outcome(table, "on_failure") }
    }
}

impl Check for CrossOperator {
    fn kind(&self) -> &'static str {
        "limit.cross_operator"
    }

    fn operator(&self) -> &'static str {
        "="
    }

    fn asks(&self) -> Option<Ask> {
        Some(Ask { hook: Hook::CrossOperatorLimit, max_age: Duration::ZERO })
    }

    fn find(&self, facts: &Facts) -> Vec<Finding> {
        let Some(told) = &facts.checks.file else {
            let observed = format!("{NOT_ASKED}: {}", HookFailure::NotConfigured.as_str());
            return vec![Finding::error(observed, "reserved").with_effect(self.on_failure)];
        };
        vec![match &told.found {
            Err(failure) => {
                let observed = format!("{NOT_ASKED} of {}: {}", told.file, failure.as_str());
                // Whatever had denied may be gone by the time the lane counts again; then there is
                // still no room.
                let unasked = *failure == HookFailure::NotAsked;
                let effect = if unasked { Outcome::Deny } else { self.on_failure };
                Finding::error(observed, "reserved").with_effect(effect)
            }
            Ok(answer) => {
                let word = if answer.granted { "reserved" } else { "refused" };
                let left = answer.remaining.map(|left| format!(", {left} left"));
                let observed = format!(
                    "{word} by {}{}, reference {}",
                    told.file,
                    left.unwrap_or_default(),
                    answer.reference
                );
                Finding::new(!answer.granted, observed, "reserved")
            }
        }]
    }

    fn words(&self, result: &RuleResult) -> Words {
        if result.observed.starts_with(NOT_ASKED) {
            return Words::new(
                Audience::Operator,
                NO_ANSWER,
                "the market's file of limits over all operators gave no answer that can be used",
                "try again in a moment; withdrawals stay possible",
            );
        }
        Words::new(
            Audience::Player,
            "limit.cross_operator_exceeded",
            "the player's deposit limit over all operators of the market would be exceeded",
            "deposit less, or wait until the month is over; other operators' deposits count too",
        )
    }
}
