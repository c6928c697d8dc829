//! The currencies and methods of a market.

use super::list;
use crate::domain::{Audience, Currency, Method};
use crate::screening::facts::Facts;
use crate::screening::file::Table;
use crate::screening::rule::{Check, Finding, RuleResult, Tighter, Words};

/// There is no implicit exchange: a wallet exists in the market's currencies only.
#[derive(Debug)]
pub struct CurrencyAllowed(Vec<Currency>);

impl CurrencyAllowed {
    pub fn new(currencies: &[Currency]) -> Self {
        Self(currencies.to_vec())
    }
}

impl Check for CurrencyAllowed {
    fn kind(&self) -> &'static str {
        "currency.allowed"
    }

    fn operator(&self) -> &'static str {
        "in"
    }

    fn find(&self, facts: &Facts) -> Vec<Finding> {
        let Some(money) = facts.money() else { return Vec::new() };
        let allowed = list(self.0.iter().map(|currency| currency.code()));
        vec![Finding::new(!self.0.contains(&money.currency), money.currency.code(), allowed)]
    }

    fn words(&self, result: &RuleResult) -> Words {
        let RuleResult { observed, threshold, .. } = result;
        Words::new(
            Audience::Player,
            "payment.currency_not_allowed",
            format!("{observed} is not allowed in this market: allowed are {threshold}"),
            "use a currency that the market allows",
        )
    }

    fn player_can_put_right(&self) -> bool {
        true
    }
}

#[derive(Debug)]
pub struct MethodAllowed(Vec<Method>);

impl MethodAllowed {
    pub fn read(table: &Table<'_>) -> Self {
        let allowed = table.parsed_texts("allowed", "a method, \"card\"");
        if allowed.is_empty() {
            table.fault("allowed", "is missing or empty: nobody could pay");
        }
        Self(allowed)
    }
}

impl Check for MethodAllowed {
    fn kind(&self) -> &'static str {
        "method.allowed"
    }

    fn operator(&self) -> &'static str {
        "in"
    }

    fn find(&self, facts: &Facts) -> Vec<Finding> {
        let Some(payment) = facts.payment() else { return Vec::new() };
        let allowed = list(self.0.iter().map(|method| method.as_str()));
        vec![Finding::new(!self.0.contains(&payment.method), payment.method.as_str(), allowed)]
    }

    fn words(&self, result: &RuleResult) -> Words {
        let RuleResult { observed, threshold, .. } = result;
        Words::new(
            Audience::Player,
            "payment.method_not_allowed",
            format!("{observed} is not allowed in this market: allowed are {threshold}"),
            "use a method that the market allows",
        )
    }

    fn methods(&self) -> Option<&[Method]> {
        Some(&self.0)
    }

    fn tighter(&self) -> &'static [(&'static str, Tighter)] {
        &[("allowed", Tighter::Fewer)]
    }

    fn player_can_put_right(&self) -> bool {
        true
    }
}
