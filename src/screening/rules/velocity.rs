//! Too many payments, too much money, or too many instruments in a short time.

use super::counting;
use crate::domain::{Audience, Currency, Money};
use crate::screening::aggregate::Query;
use crate::screening::facts::Facts;
use crate::screening::file::Table;
use crate::screening::rule::{Check, Finding, RuleResult, Words};
use std::collections::BTreeSet;

/// What is bounded, the bound included.
#[derive(Debug)]
enum Most {
    Count(u32),
    Sum(Money),
    Instruments(u32),
}

#[derive(Debug)]
pub struct Velocity {
    query: Query,
    most: Most,
}

impl Velocity {
    pub fn count(table: &Table<'_>) -> Self {
        Self { query: counting::query(table), most: Most::Count(number(table)) }
    }

    pub fn sum(table: &Table<'_>) -> Self {
        let most = Most::Sum(table.money("most_eur", Currency::EUR));
        Self { query: counting::query(table), most }
    }

    /// What a deposit is paid from is known when it is paid, so this one is asked then.
    pub fn instruments(table: &Table<'_>) -> Self {
        Self { query: counting::query(table), most: Most::Instruments(number(table)) }
    }

    fn threshold(&self) -> String {
        match self.most {
            Most::Count(most) => format!("{most} payments"),
            Most::Sum(most) => most.to_string(),
            Most::Instruments(most) => format!("{most} instruments"),
        }
    }

    fn look(&self, facts: &Facts) -> Result<Finding, Finding> {
        let threshold = self.threshold();
        let counted = counting::answer(facts, &self.query, &threshold)?;
        let (hit, observed) = match self.most {
            Most::Count(most) => {
                let count = counted.count_with(facts);
                (most < count, count.to_string())
            }
            Most::Instruments(most) => {
                (most < counted.instruments, format!("{} instruments", counted.instruments))
            }
            Most::Sum(most) => {
                let sum = counted.sum_with(facts);
                let sum = sum.map_err(|problem| Finding::error(problem, &*threshold))?;
                (most.minor < sum.minor, sum.to_string())
            }
        };
        Ok(Finding::new(hit, counting::words(counted, &observed), threshold))
    }
}

fn number(table: &Table<'_>) -> u32 {
    u32::try_from(table.number("most", 0, 1_000_000)).unwrap_or_default()
}

impl Check for Velocity {
    fn kind(&self) -> &'static str {
        match self.most {
            Most::Count(_) => "velocity.count",
            Most::Sum(_) => "velocity.sum",
            Most::Instruments(_) => "velocity.instruments",
        }
    }

    fn operator(&self) -> &'static str {
        "<="
    }

    fn queries(&self) -> Vec<Query> {
        vec![self.query]
    }

    /// How many there are is the same at any rate.
    fn converts(&self, _: &Facts, moved: &BTreeSet<Currency>) -> bool {
        matches!(self.most, Most::Sum(most) if moved.iter().any(|it| *it != most.currency))
    }

    fn find(&self, facts: &Facts) -> Vec<Finding> {
        if !counting::is_about(facts, &self.query) {
            return Vec::new();
        }
        vec![self.look(facts).unwrap_or_else(|error| error)]
    }

    fn words(&self, result: &RuleResult) -> Words {
        let RuleResult { observed, threshold, .. } = result;
        // What is usual is told to nobody who would stay just below it.
        Words::new(
            Audience::Compliance,
            "velocity.exceeded",
            format!("more than is usual in so short a time: {observed}, at most {threshold}"),
            "wait until earlier payments are older, or let people look at it",
        )
    }
}
