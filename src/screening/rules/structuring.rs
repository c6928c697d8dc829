//! Payments that are kept just below a threshold, or that cross it in parts.

use super::counting;
use crate::domain::{Audience, Currency, Money};
use crate::screening::aggregate::Query;
use crate::screening::facts::Facts;
use crate::screening::file::Table;
use crate::screening::rule::{Check, Finding, RuleResult, Words};

#[derive(Debug)]
pub struct Structuring {
    /// Just below the threshold: from `threshold - margin` on.
    near: Query,
    /// Each of them below the threshold.
    parts: Query,
    threshold: Money,
    /// So many near ones are a pattern.
    times: u32,
    by_parts: bool,
}

impl Structuring {
    pub fn read(table: &Table<'_>) -> Self {
        let threshold = table.money("below_eur", Currency::EUR);
        let margin = table.number("margin_percent", 1, 100);
        let query = counting::query(table);
        // Rounded down, so that the band is rather a cent wider than narrower.
        let least = i128::from(threshold.minor) * i128::from(100 - margin) / 100;
        let least = i64::try_from(least).unwrap_or_default();
        Self {
            near: Query { band: Some((least, threshold.minor)), ..query },
            parts: Query { band: Some((0, threshold.minor)), ..query },
            threshold,
            times: u32::try_from(table.number("times", 2, 1_000)).unwrap_or(2),
            by_parts: table.opt_flag("by_parts").unwrap_or_default(),
        }
    }

    fn repeated(&self, facts: &Facts) -> Result<Finding, Finding> {
        let (least, below) = self.near.band.unwrap_or_default();
        let band = format!(
            "{} to below {}",
            Money::new(least, Currency::EUR),
            Money::new(below, Currency::EUR)
        );
        let threshold = format!("{} of {band}", self.times);
        let counted = counting::answer(facts, &self.near, &threshold)?;
        let count = counted.count_with(facts);
        let observed = counting::words(counted, &format!("{count} of {band}"));
        Ok(Finding::new(self.times <= count, observed, threshold))
    }

    fn in_parts(&self, facts: &Facts) -> Result<Finding, Finding> {
        let threshold = self.threshold.to_string();
        let counted = counting::answer(facts, &self.parts, &threshold)?;
        let sum = counted.sum_with(facts);
        let sum = sum.map_err(|problem| Finding::error(problem, &*threshold))?;
        let count = counted.count_with(facts);
        let hit = 1 < count && self.threshold.minor <= sum.minor;
        let observed = counting::words(counted, &format!("{sum} in {count} parts"));
        Ok(Finding::new(hit, observed, threshold))
    }
}

impl Check for Structuring {
    fn kind(&self) -> &'static str {
        "structuring"
    }

    fn operator(&self) -> &'static str {
        "<"
    }

    fn queries(&self) -> Vec<Query> {
        let parts = self.by_parts.then_some(self.parts);
        [self.near].into_iter().chain(parts).collect()
    }

    fn find(&self, facts: &Facts) -> Vec<Finding> {
        if !counting::is_about(facts, &self.near) {
            return Vec::new();
        }
        let parts = self.by_parts.then(|| self.in_parts(facts));
        let found = [self.repeated(facts)].into_iter().chain(parts);
        found.map(|found| found.unwrap_or_else(|error| error)).collect()
    }

    fn words(&self, result: &RuleResult) -> Words {
        let RuleResult { observed, threshold, .. } = result;
        // Who is told of it is told how to do it better.
        Words::new(
            Audience::Compliance,
            "structuring.suspected",
            format!("amounts that stay below a threshold: {observed}, pattern from {threshold} on"),
            "compare with the player's usual payments; report it where the law asks for that",
        )
    }
}
