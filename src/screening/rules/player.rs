//! The player: known, not excluded, and the account open.

use crate::domain::{Audience, Direction, PlayerStatus, Timestamp};
use crate::screening::Outcome;
use crate::screening::facts::Facts;
use crate::screening::rule::{Check, Finding, RuleResult, Words};
use time::format_description::well_known::Rfc3339;

#[derive(Debug)]
pub struct PlayerKnown;

impl Check for PlayerKnown {
    fn kind(&self) -> &'static str {
        "player.known"
    }

    fn operator(&self) -> &'static str {
        "="
    }

    fn find(&self, facts: &Facts) -> Vec<Finding> {
        let known = facts.player.is_some();
        vec![Finding::new(!known, if known { "known" } else { "unknown" }, "known")]
    }

    fn words(&self, _: &RuleResult) -> Words {
        Words::new(
            Audience::Operator,
            "player.unknown",
            "the player is not known",
            "register the player with PUT /v1/players/{player_id} first",
        )
    }
}

/// An exclusion stops deposits, never a withdrawal.
#[derive(Debug)]
pub struct Excluded;

impl Check for Excluded {
    fn kind(&self) -> &'static str {
        "excluded.register"
    }

    fn operator(&self) -> &'static str {
        "="
    }

    fn find(&self, facts: &Facts) -> Vec<Finding> {
        let exclusion = facts.player.as_ref().and_then(|player| player.exclusion.as_ref());
        let in_force = exclusion.filter(|found| found.holds_at(facts.screened_at));
        let observed = in_force.map_or_else(
            || "none".to_owned(),
            |found| {
                let until = found
                    .until
                    .map_or("without end".to_owned(), |until| format!("until {}", rfc3339(until)));
                format!("excluded by {} {until}", found.source)
            },
        );
        vec![Finding::new(in_force.is_some(), observed, "none")]
    }

    fn words(&self, result: &RuleResult) -> Words {
        Words::new(
            Audience::Player,
            "player.excluded",
            format!("the player is excluded from gambling: {}", result.observed),
            "an exclusion ends by its date or by a review, not by a request",
        )
    }
}

/// A closed account takes no deposit, and its owner may still take the money home. A frozen one moves
/// nothing; what is held there is held without a word.
#[derive(Debug)]
pub struct Status;

impl Check for Status {
    fn kind(&self) -> &'static str {
        "player.status"
    }

    fn operator(&self) -> &'static str {
        "="
    }

    fn find(&self, facts: &Facts) -> Vec<Finding> {
        let Some(player) = &facts.player else { return Vec::new() };
        let leaves = facts.checkpoint.direction() == Some(Direction::Withdrawal);
        let (hit, threshold) = match player.status {
            PlayerStatus::Active => (false, "active"),
            PlayerStatus::Frozen => (true, "active"),
            PlayerStatus::Closed if leaves => (false, "active or closed"),
            PlayerStatus::Closed | PlayerStatus::Erased => (true, "active"),
        };
        let effect = if leaves { Outcome::Hold } else { Outcome::Deny };
        vec![Finding::new(hit, player.status.as_str(), threshold).with_effect(effect)]
    }

    fn words(&self, result: &RuleResult) -> Words {
        // A freeze may be part of an inquiry.
        let audience = Audience::Operator;
        let over = [PlayerStatus::Closed.as_str(), PlayerStatus::Erased.as_str()];
        if over.contains(&result.observed.as_str()) {
            return Words::new(
                audience,
                "player.closed",
                "the player's account is closed",
                "open the account again before a deposit; withdrawals stay possible",
            );
        }
        Words::new(
            audience,
            "player.frozen",
            "the player's account is frozen",
            "the account moves money again when the casino sets its status back to active",
        )
    }
}

fn rfc3339(at: Timestamp) -> String {
    // Years outside 0–9999 have no such text; the number says the same less nicely.
    at.format(&Rfc3339).unwrap_or_else(|_| at.unix_timestamp().to_string())
}
