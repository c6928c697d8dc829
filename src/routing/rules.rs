//! What the configuration says about routes and about PSP accounts.

use crate::domain::{Currency, Direction, Method, Money, OperatorId};
use std::collections::BTreeMap;

/// The routes, at one version.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RoutingRules {
    pub version: String,
    pub routes: Vec<RouteRule>,
}

impl RoutingRules {
    /// The route of a kind of payment. At most one is configured; the first one wins.
    pub fn find(
        &self,
        direction: Direction,
        country: &str,
        method: Method,
        currency: Currency,
    ) -> Option<&RouteRule> {
        self.routes.iter().find(|route| {
            route.direction == direction
                && route.country == country
                && route.method == method
                && route.currency == currency
        })
    }
}

/// One route: who is asked first, second and so on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteRule {
    pub direction: Direction,
    /// ISO 3166 alpha-2.
    pub country: String,
    pub method: Method,
    pub currency: Currency,
    /// PSP account ids, best first.
    pub order: Vec<String>,
}

/// Least and most of one payment in minor units, both included. A currency that is left out has no
/// bounds.
pub type Bounds = BTreeMap<Currency, (i64, i64)>;

/// What an account at a PSP serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PspAccount {
    /// `"trustly-se"`.
    pub id: String,
    /// Who may use it. Nobody else ever learns that it exists.
    pub operators: Vec<OperatorId>,
    pub countries: Vec<String>,
    pub currencies: Vec<Currency>,
    pub methods: Vec<Method>,
    /// None: it takes no deposits.
    pub deposits: Option<Bounds>,
    /// None: it pays nothing out.
    pub payouts: Option<Bounds>,
}

impl PspAccount {
    pub fn serves_operator(&self, operator: &OperatorId) -> bool {
        self.operators.contains(operator)
    }

    /// Why it cannot take this payment, in a plain sentence's end: "below its minimum of …".
    pub fn refusal(
        &self,
        direction: Direction,
        country: &str,
        method: Method,
        money: Money,
    ) -> Option<String> {
        let (bounds, what) = match direction {
            Direction::Deposit => (&self.deposits, "takes no deposits"),
            Direction::Withdrawal => (&self.payouts, "makes no payouts"),
        };
        let Some(bounds) = bounds else {
            return Some(what.to_owned());
        };
        if !self.countries.iter().any(|served| served == country) {
            return Some(format!("does not serve {country}"));
        }
        if !self.methods.contains(&method) {
            return Some(format!("does not offer {method}"));
        }
        if !self.currencies.contains(&money.currency) {
            return Some(format!("does not handle {}", money.currency));
        }
        let (least, most) = bounds.get(&money.currency).copied()?;
        let text = |minor| Money::new(minor, money.currency);
        if money.minor < least {
            Some(format!("below its minimum of {}", text(least)))
        } else if money.minor > most {
            Some(format!("above its maximum of {}", text(most)))
        } else {
            None
        }
    }
}
