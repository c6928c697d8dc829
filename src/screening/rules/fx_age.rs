//! Exchange rates that are too old compare nothing by themselves: people look.

use crate::domain::Audience;
use crate::screening::facts::Facts;
use crate::screening::rule::{Check, Finding, RuleResult, Words};

/// The thresholds of other rules are compared all the same: what is too much by old rates stays refused.
#[derive(Debug)]
pub struct FxAge;

impl Check for FxAge {
    fn kind(&self) -> &'static str {
        "fx.age"
    }

    fn operator(&self) -> &'static str {
        "<="
    }

    /// Nothing, while they may be used, and of what compares nothing by them: the facts hold their greatest age where
    /// something does.
    fn find(&self, facts: &Facts) -> Vec<Finding> {
        let Some(last) = facts.fx.last_day().filter(|_| facts.fx.is_too_old(facts.screened_at))
        else {
            return Vec::new();
        };
        let observed = format!("rates of {}, on {}", facts.fx.date, facts.screened_at.date());
        vec![Finding::new(true, observed, format!("used until {last}"))]
    }

    fn words(&self, result: &RuleResult) -> Words {
        let RuleResult { observed, threshold, .. } = result;
        Words::new(
            Audience::Operator,
            "review.rates_too_old",
            format!(
                "the exchange rates that it is compared by are too old: {observed}, {threshold}"
            ),
            "wait for the review; the operator brings new rates",
        )
    }

    /// Under the lock more may be moved than was known before.
    fn counts(&self) -> bool {
        true
    }
}
