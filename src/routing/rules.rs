//! What the configuration says about routes and about PSP accounts.

use crate::domain::{Currency, Direction, Method, Money, OperatorId};
use std::collections::BTreeMap;

/// The routes, at one version.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RoutingRules {
    pub version: String,
    pub routes: Vec<RouteRule>,
    pub terms: Vec<Terms>,
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

    /// What was agreed with an account, where anything was.
    pub fn terms(&self, psp: &str, direction: Direction, currency: Currency) -> Option<&Terms> {
        self.terms.iter().find(|terms| {
            terms.psp == psp && terms.direction == direction && terms.currency == currency
        })
    }
}

/// What an account is to carry in a day (UTC), in what succeeds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    pub psp: String,
    pub direction: Direction,
    pub currency: Currency,
    /// It is not asked for what would go beyond.
    pub cap_minor: Option<i64>,
    /// So much was promised to it.
    pub commitment_minor: Option<i64>,
}

/// How the accounts of a route are put in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Strategy {
    /// As configured; who fails or approves far less than it used to comes last.
    #[default]
    Ranked,
    /// By what their health promises, less what they cost.
    Adaptive(Scoring),
}

/// What counts beside the approval rate, in hundredths of a percent of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scoring {
    /// Lower is asked first, whatever the scores; 1 where an account is left out.
    pub priority: BTreeMap<String, u8>,
    /// Added to an account's score.
    pub weight_bps: BTreeMap<String, i64>,
    /// What of the fee is taken off the score, in percent of the fee.
    pub fee_percent: i64,
    /// Scores that are so close are a tie: the cheaper one is asked first.
    pub tie_bps: i64,
    /// For an account that has not carried what was promised to it today.
    pub commitment_bps: i64,
    /// For the account at which the player's last payment succeeded.
    pub sticky_bps: i64,
    /// For the account that has seen this instrument of the player before.
    pub seen_instrument_bps: i64,
}

impl Scoring {
    /// Whether the player's history must be known.
    pub const fn asks_for_habits(&self) -> bool {
        self.sticky_bps != 0 || self.seen_instrument_bps != 0
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
    pub strategy: Strategy,
    /// A player's first deposit goes to these before the others.
    pub first_deposit: Vec<String>,
}

impl RouteRule {
    /// Whether the player's history must be known to plan by this route.
    pub fn asks_for_habits(&self) -> bool {
        let scoring = match &self.strategy {
            Strategy::Ranked => false,
            Strategy::Adaptive(scoring) => scoring.asks_for_habits(),
        };
        scoring || !self.first_deposit.is_empty()
    }
}

/// What a PSP charges for one payment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fee {
    /// Hundredths of a percent.
    pub bps: i64,
    /// Besides, in minor units.
    pub fixed_minor: BTreeMap<Currency, i64>,
}

impl Fee {
    /// In hundredths of a percent of this amount, rounded up.
    pub fn bps_of(&self, money: Money) -> i64 {
        let fixed = self.fixed_minor.get(&money.currency).copied().unwrap_or(0);
        let of_amount = fixed.saturating_mul(10_000);
        let whole = money.minor.max(1);
        self.bps + of_amount / whole + i64::from(of_amount % whole != 0)
    }
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
    pub deposit_fee: Fee,
    pub payout_fee: Fee,
}

impl PspAccount {
    pub const fn fee(&self, direction: Direction) -> &Fee {
        match direction {
            Direction::Deposit => &self.deposit_fee,
            Direction::Withdrawal => &self.payout_fee,
        }
    }

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
        let Some((least, most)) = bounds.get(&money.currency).copied() else {
            return Some(format!("{what} in {}", money.currency));
        };
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
