//! The least and the most of one payment, both included. A currency that is left out has no bound.

use crate::domain::{Audience, Currency, Direction, Money};
use crate::screening::facts::Facts;
use crate::screening::file::Table;
use crate::screening::rule::{Check, Finding, RuleResult, Tighter, Words};
use std::collections::BTreeMap;

/// Bounds in minor units, by currency.
#[derive(Debug)]
struct Bounds {
    deposit: BTreeMap<Currency, i64>,
    withdrawal: BTreeMap<Currency, i64>,
}

impl Bounds {
    fn read(table: &Table<'_>) -> Self {
        Self { deposit: table.amounts("deposit"), withdrawal: table.amounts("withdrawal") }
    }

    /// The money and its bound, for a payment.
    fn of(&self, facts: &Facts) -> Option<(Money, Option<Money>)> {
        let money = facts.money()?;
        let bound = self.one(facts.checkpoint.direction()?, money.currency);
        Some((money, bound.map(|minor| Money::new(minor, money.currency))))
    }

    fn one(&self, direction: Direction, currency: Currency) -> Option<i64> {
        let bounds = match direction {
            Direction::Deposit => &self.deposit,
            Direction::Withdrawal => &self.withdrawal,
        };
        bounds.get(&currency).copied()
    }
}

fn text(bound: Option<Money>) -> String {
    bound.map_or("none".to_owned(), |bound| bound.to_string())
}

#[derive(Debug)]
pub struct AmountMin(Bounds);

impl AmountMin {
    pub fn read(table: &Table<'_>) -> Self {
        Self(Bounds::read(table))
    }
}

impl Check for AmountMin {
    fn kind(&self) -> &'static str {
        "amount.min"
    }

    fn operator(&self) -> &'static str {
        ">="
    }

    fn find(&self, facts: &Facts) -> Vec<Finding> {
        let Some((money, bound)) = self.0.of(facts) else { return Vec::new() };
        let hit = bound.is_some_and(|bound| money.minor < bound.minor);
        vec![Finding::new(hit, money.to_string(), text(bound))]
    }

    fn words(&self, result: &RuleResult) -> Words {
        Words::new(
            Audience::Player,
            "amount.below_minimum",
            format!("{} is below the minimum of {}", result.observed, result.threshold),
            "choose an amount of at least the minimum",
        )
    }

    fn bounds(&self, direction: Direction, currency: Currency) -> (Option<i64>, Option<i64>) {
        (self.0.one(direction, currency), None)
    }

    fn tighter(&self) -> &'static [(&'static str, Tighter)] {
        &[("deposit.", Tighter::Higher), ("withdrawal.", Tighter::Higher)]
    }

    fn player_can_put_right(&self) -> bool {
        true
    }
}

#[derive(Debug)]
pub struct AmountMax(Bounds);

impl AmountMax {
    pub fn read(table: &Table<'_>) -> Self {
        Self(Bounds::read(table))
    }
}

impl Check for AmountMax {
    fn kind(&self) -> &'static str {
        "amount.max"
    }

    fn operator(&self) -> &'static str {
        "<="
    }

    fn find(&self, facts: &Facts) -> Vec<Finding> {
        let Some((money, bound)) = self.0.of(facts) else { return Vec::new() };
        let hit = bound.is_some_and(|bound| bound.minor < money.minor);
        vec![Finding::new(hit, money.to_string(), text(bound))]
    }

    fn words(&self, result: &RuleResult) -> Words {
        Words::new(
            Audience::Player,
            "amount.above_maximum",
            format!("{} is above the maximum of {}", result.observed, result.threshold),
            "choose an amount of at most the maximum",
        )
    }

    fn bounds(&self, direction: Direction, currency: Currency) -> (Option<i64>, Option<i64>) {
        (None, self.0.one(direction, currency))
    }

    fn tighter(&self) -> &'static [(&'static str, Tighter)] {
        &[("deposit.", Tighter::Lower), ("withdrawal.", Tighter::Lower)]
    }

    fn player_can_put_right(&self) -> bool {
        true
    }
}
