//! Where there is no policy in force there is no licence.

use crate::domain::Audience;
use crate::screening::facts::Facts;
use crate::screening::rule::{Check, Finding, RuleResult, Words};
use crate::screening::{Checkpoint, Outcome};

#[derive(Debug)]
pub struct Licence {
    pub licensed: bool,
}

impl Check for Licence {
    fn kind(&self) -> &'static str {
        "licence.market"
    }

    fn operator(&self) -> &'static str {
        "in"
    }

    fn find(&self, facts: &Facts) -> Vec<Finding> {
        let Some(player) = &facts.player else { return Vec::new() };
        let found = Finding::new(!self.licensed, &*player.country, "licensed markets");
        // A player cannot put a lost licence right, and the money is still theirs: people decide.
        let leaves = facts.checkpoint == Checkpoint::WithdrawalRequest;
        vec![found.with_effect(if leaves { Outcome::Review } else { Outcome::Deny })]
    }

    fn words(&self, result: &RuleResult) -> Words {
        Words::new(
            Audience::Player,
            "market.not_licensed",
            format!("there is no licence for {}", result.observed),
            "payments are possible only for players who live in a licensed market",
        )
    }
}
