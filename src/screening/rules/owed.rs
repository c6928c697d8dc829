//! Nothing is paid out while the player owes.

use super::list;
use crate::domain::{Audience, Money};
use crate::screening::facts::Facts;
use crate::screening::rule::{Check, Finding, RuleResult, Words};
use crate::screening::{Checkpoint, Outcome};

#[derive(Debug)]
pub struct Owed;

impl Check for Owed {
    fn kind(&self) -> &'static str {
        "wallet.owed"
    }

    fn operator(&self) -> &'static str {
        "="
    }

    fn find(&self, facts: &Facts) -> Vec<Finding> {
        let debts = facts.owed.iter().filter(|debt| 0 < debt.minor).map(Money::to_string);
        let debts: Vec<String> = debts.collect();
        let observed = list(debts.iter().map(String::as_str));
        // Of one that was asked for before, the money is held already: people decide what becomes of it.
        let was_asked_for = facts.asked_at.is_some();
        let effect = match facts.checkpoint {
            Checkpoint::WithdrawalPrePayout => Outcome::Review,
            Checkpoint::WithdrawalRequest if was_asked_for => Outcome::Review,
            _ => Outcome::Deny,
        };
        vec![Finding::new(!debts.is_empty(), observed, "none").with_effect(effect)]
    }

    fn words(&self, result: &RuleResult) -> Words {
        Words::new(
            Audience::Player,
            "wallet.owed",
            format!("the player owes {} after a debit that could not be refused", result.observed),
            "settle what is owed, then ask again",
        )
    }

    fn counts(&self) -> bool {
        true
    }
}
