//! Where a player may not deposit without having set limits.

use super::list;
use crate::domain::Audience;
use crate::screening::calendar::Period;
use crate::screening::facts::Facts;
use crate::screening::file::Table;
use crate::screening::rule::{Check, Finding, RuleResult, Words};

#[derive(Debug)]
pub struct LimitRequired(Vec<Period>);

impl LimitRequired {
    pub fn read(table: &Table<'_>) -> Self {
        let mut periods = Vec::new();
        for text in table.texts("periods") {
            match Period::parse(&text) {
                Some(period) => periods.push(period),
                None => table.fault("periods", format!("has `{text}`: day, week or month")),
            }
        }
        if periods.is_empty() {
            table.fault("periods", "is missing or empty: which limits a player must set");
        }
        Self(periods)
    }
}

impl Check for LimitRequired {
    fn kind(&self) -> &'static str {
        "limit.required"
    }

    fn operator(&self) -> &'static str {
        "="
    }

    fn find(&self, facts: &Facts) -> Vec<Finding> {
        let is_set = |period: &Period| facts.limits.iter().any(|limit| limit.period == *period);
        let names = |periods: &[Period]| list(periods.iter().map(|period| period.as_str()));
        let set: Vec<Period> = self.0.iter().copied().filter(is_set).collect();
        vec![Finding::new(set.len() < self.0.len(), names(&set), names(&self.0))]
    }

    /// A limit whose removal is due is none any more: that is seen under the lock.
    fn counts(&self) -> bool {
        true
    }

    fn words(&self, result: &RuleResult) -> Words {
        let RuleResult { observed, threshold, .. } = result;
        Words::new(
            Audience::Player,
            "limit.required",
            format!("deposit limits are needed for {threshold}; set are: {observed}"),
            "set the missing limits with PUT /v1/players/{player_id}/limits",
        )
    }
}
