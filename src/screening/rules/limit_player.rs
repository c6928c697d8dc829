//! A player's own deposit limits: law or not, what a player set is kept.

use crate::domain::{Audience, Currency};
use crate::screening::facts::Facts;
use crate::screening::limits::{EXCEEDED, LimitUsed};
use crate::screening::rule::{Check, Finding, RuleResult, Words};
use std::collections::BTreeSet;

#[derive(Debug)]
pub struct LimitPlayer;

impl Check for LimitPlayer {
    fn kind(&self) -> &'static str {
        "limit.player"
    }

    fn operator(&self) -> &'static str {
        "<="
    }

    /// One finding a limit: would the deposits of its window, with this one, stay within it?
    fn find(&self, facts: &Facts) -> Vec<Finding> {
        let Some(money) = facts.money() else { return Vec::new() };
        let find = |limit: &LimitUsed| {
            let (hit, sum) = match limit.with(money, &facts.fx) {
                Ok(sum) => (limit.most.minor < sum.minor, sum.to_string()),
                // What cannot be compared cannot be shown to be within the limit.
                Err(problem) => (true, problem),
            };
            let observed = format!("{} with this one: {sum}", limit.counted);
            Finding::new(hit, observed, limit.most.to_string())
        };
        facts.limits.iter().map(find).collect()
    }

    fn words(&self, result: &RuleResult) -> Words {
        let RuleResult { observed, threshold, .. } = result;
        Words::new(
            Audience::Player,
            EXCEEDED,
            format!("the player's own limit would be exceeded: {observed}, limit: {threshold}"),
            "deposit less, or wait until earlier deposits are older than the limit's period",
        )
    }

    fn converts(&self, facts: &Facts, moved: &BTreeSet<Currency>) -> bool {
        facts.limits.iter().any(|limit| moved.iter().any(|it| *it != limit.most.currency))
    }

    fn counts(&self) -> bool {
        true
    }
}
