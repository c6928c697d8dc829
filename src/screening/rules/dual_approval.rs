//! From a certain worth on two people decide about a withdrawal.

use crate::domain::{Audience, Currency, Money};
use crate::screening::facts::Facts;
use crate::screening::file::Table;
use crate::screening::rule::{Check, Finding, RuleResult, Tighter, Words};
use std::collections::BTreeSet;

#[derive(Debug)]
pub struct DualApproval {
    from: Money,
}

impl DualApproval {
    pub fn read(table: &Table<'_>) -> Self {
        Self { from: table.money("from_eur", Currency::EUR) }
    }
}

impl Check for DualApproval {
    fn kind(&self) -> &'static str {
        "dual_approval"
    }

    fn operator(&self) -> &'static str {
        "<"
    }

    fn find(&self, facts: &Facts) -> Vec<Finding> {
        let Some(money) = facts.money() else { return Vec::new() };
        let threshold = self.from.to_string();
        let Some(worth) = facts.fx.convert_up(money, Currency::EUR) else {
            // Without a rate nobody can tell that it is small, so people look at it.
            return vec![Finding::error(format!("{money}, no exchange rate to EUR"), threshold)];
        };
        let observed = match money.currency {
            Currency::EUR => worth.to_string(),
            _ => format!("{worth} ({money})"),
        };
        vec![Finding::new(self.from.minor <= worth.minor, observed, threshold)]
    }

    fn converts(&self, facts: &Facts, _: &BTreeSet<Currency>) -> bool {
        facts.money().is_some_and(|money| money.currency != Currency::EUR)
    }

    fn words(&self, result: &RuleResult) -> Words {
        let RuleResult { observed, threshold, .. } = result;
        // A threshold that is told invites staying below it.
        Words::new(
            Audience::Operator,
            "review.dual_approval",
            format!("two people decide about withdrawals from {threshold} on: {observed}"),
            "wait for the review; nothing needs to be done",
        )
    }

    fn tighter(&self) -> &'static [(&'static str, Tighter)] {
        &[("from_eur", Tighter::Lower)]
    }
}
