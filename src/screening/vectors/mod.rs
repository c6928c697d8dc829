//! What the regulators' rules come to in figures, one file a market, each with its source.

mod de;
mod gb;
mod mt;
mod nl;
mod se;

use super::FxTable;
use super::aggregate::{Aggregate, aggregate};
use super::calendar::{Calendar, Period, WeekStart};
use super::limit_terms::LimitTerms;
use super::movement::{Movement, UseState};
use super::test_data::fx;
use crate::domain::{Currency, Direction, Money, Timestamp};
use uuid::Uuid;

fn calendar(zone: &str) -> Calendar {
    Calendar::new(zone, WeekStart::Monday).expect("it is a time zone")
}

/// What happened to a player, in whole units of one currency: amount, when, what became of it. A
/// negative amount is a withdrawal.
struct Story {
    currency: Currency,
    movements: Vec<Movement>,
}

impl Story {
    fn new(currency: Currency, told: &[(i64, Timestamp, UseState)]) -> Self {
        let movement = |(number, &(units, at, state)): (usize, &(i64, Timestamp, UseState))| {
            let (direction, name) = match units {
                0.. => (Direction::Deposit, number),
                _ => (Direction::Withdrawal, 1_000 + number),
            };
            Movement {
                payment: Uuid::from_u128(name as u128),
                direction,
                money: Money::new(units.abs() * 100, currency),
                at,
                state,
                instrument: None,
                method: None,
            }
        };
        Self { currency, movements: told.iter().enumerate().map(movement).collect() }
    }

    fn used(&self, terms: &LimitTerms, period: Period, at: Timestamp) -> Aggregate {
        let query = terms.query(period, self.currency);
        let fx: FxTable = fx();
        aggregate(&self.movements, &query, None, (&terms.calendar, at), &fx)
    }

    /// What is used of a limit at a moment, in whole units.
    #[track_caller]
    fn check(&self, terms: &LimitTerms, period: Period, at: Timestamp, units: i64) {
        let found = self.used(terms, period, at).sum;
        assert_eq!(found, Ok(Money::new(units * 100, self.currency)), "{} {at}", period.as_str());
    }
}

#[track_caller]
fn check_rise(terms: &LimitTerms, period: Period, asked: Timestamp, holds: Timestamp) {
    assert_eq!(terms.rise_at(period, asked), holds, "{} {asked}", period.as_str());
}
