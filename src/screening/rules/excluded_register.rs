//! What the market's register of excluded people says of a player who wants to deposit.

use crate::domain::Audience;
use crate::screening::Outcome;
use crate::screening::facts::Facts;
use crate::screening::file::Table;
use crate::screening::hooks::{HookFailure, Standing};
use crate::screening::rule::{Ask, Check, Finding, RuleResult, Words};
use crate::screening::signals::Hook;
use time::Duration;

/// Parameters: `max_age_s` (an older answer is none), `on_failure` and `unknown_person` (`deny` unless
/// said otherwise).
#[derive(Debug)]
pub struct RegisterSays {
    max_age: Duration,
    on_failure: Outcome,
    unknown_person: Outcome,
}

const EXCLUDED: &str = "excluded";
const NOT_ASKED: &str = "no answer";

impl RegisterSays {
    pub fn read(table: &Table<'_>) -> Self {
        Self {
            max_age: Duration::seconds(table.number("max_age_s", 0, 30 * 86_400)),
            on_failure: super::fail_outcome(table, "on_failure"),
            unknown_person: super::fail_outcome(table, "unknown_person"),
        }
    }
}

impl Check for RegisterSays {
    fn kind(&self) -> &'static str {
        "excluded.register_answer"
    }

    fn operator(&self) -> &'static str {
        "="
    }

    fn asks(&self) -> Option<Ask> {
        Some(Ask { hook: Hook::Register, max_age: self.max_age })
    }

    fn find(&self, facts: &Facts) -> Vec<Finding> {
        let threshold = format!("not_excluded, at most {} s old", self.max_age.whole_seconds());
        let failed = |register: &str, failure: HookFailure| {
            let observed = format!("{NOT_ASKED} of {register}: {}", failure.as_str());
            Finding::error(observed, threshold.clone()).with_effect(self.on_failure)
        };
        let Some(told) = &facts.checks.register else {
            return vec![failed("a register", HookFailure::NotConfigured)];
        };
        let answer = match &told.found {
            Err(failure) => return vec![failed(&told.register, *failure)],
            Ok(answer) => answer,
        };
        let age = facts.screened_at - answer.answered_at;
        if age > self.max_age {
            return vec![failed(&told.register, HookFailure::Stale)];
        }
        let observed = format!(
            "{} by {}, {} s old, reference {}",
            answer.standing.as_str(),
            told.register,
            age.whole_seconds().max(0),
            answer.reference
        );
        vec![match answer.standing {
            Standing::NotExcluded => Finding::new(false, observed, threshold),
            Standing::Excluded => Finding::new(true, observed, threshold),
            Standing::UnknownPerson => {
                Finding::new(true, observed, threshold).with_effect(self.unknown_person)
            }
        }]
    }

    fn words(&self, result: &RuleResult) -> Words {
        if result.observed.starts_with(EXCLUDED) {
            return Words::new(
                Audience::Player,
                "player.excluded",
                "the player is excluded from gambling in the market's register",
                "an exclusion ends by its date in the register, not by a request to us",
            );
        }
        if result.observed.starts_with(NOT_ASKED) {
            return Words::new(
                Audience::Operator,
                "register.no_answer",
                "the market's register of excluded people gave no answer that can be used",
                "try again in a moment; withdrawals stay possible",
            );
        }
        Words::new(
            Audience::Operator,
            "register.person_unknown",
            "the market's register of excluded people cannot tell who the player is",
            "check name, birth date and national id of the player's record",
        )
    }
}
