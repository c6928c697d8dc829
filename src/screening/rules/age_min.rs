//! Nobody under the market's age plays.

use crate::domain::{Audience, Direction};
use crate::screening::Outcome;
use crate::screening::facts::Facts;
use crate::screening::file::Table;
use crate::screening::rule::{Check, Finding, RuleResult, Tighter, Words};

#[derive(Debug)]
pub struct AgeMin {
    years: i32,
}

impl AgeMin {
    pub fn read(table: &Table<'_>) -> Self {
        Self { years: i32::try_from(table.number("years", 1, 150)).unwrap_or(150) }
    }
}

impl Check for AgeMin {
    fn kind(&self) -> &'static str {
        "age.min"
    }

    fn operator(&self) -> &'static str {
        ">="
    }

    fn find(&self, facts: &Facts) -> Vec<Finding> {
        let Some(player) = &facts.player else { return Vec::new() };
        let (age, least) = (player.age_years, self.years);
        let found = Finding::new(age < least, format!("{age} years"), format!("{least} years"));
        // What a child has paid goes back, and people see to it.
        let leaves = facts.checkpoint.direction() == Some(Direction::Withdrawal);
        vec![if leaves { found.with_effect(Outcome::Review) } else { found }]
    }

    fn words(&self, result: &RuleResult) -> Words {
        let RuleResult { observed, threshold, .. } = result;
        Words::new(
            Audience::Operator,
            "player.under_age",
            format!("the player is under age: {observed}, least: {threshold}"),
            "close the account and give back what was paid; the market's law says how",
        )
    }

    fn tighter(&self) -> &'static [(&'static str, Tighter)] {
        &[("years", Tighter::Higher)]
    }

    /// It never denies a withdrawal, whatever the policy says.
    fn player_can_put_right(&self) -> bool {
        true
    }
}
