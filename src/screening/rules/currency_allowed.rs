//! The currencies of a market.

use super::list;
use crate::domain::{Audience, Currency};
use crate::screening::facts::Facts;
use crate::screening::rule::{Check, Finding, RuleResult, Words};

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
