//! A decision: everything that was known when it was made, so that it can be made again.

use super::engine::{ENGINE, Screening};
use super::hooks::HookFailure;
use super::rules::cross_operator::NO_ANSWER;
use super::{Checkpoint, Facts, Outcome, RuleResult};
use crate::domain::{DecisionId, PaymentId, PlayerKey, Reason, Timestamp};

/// One screening, for the record. It is written in the same commit as what it allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    pub id: DecisionId,
    /// None for an event of the account.
    pub payment: Option<PaymentId>,
    pub player: PlayerKey,
    pub engine: &'static str,
    pub facts: Facts,
    pub screening: Screening,
}

/// What a decision is about.
#[derive(Debug, Clone)]
pub struct About {
    pub id: DecisionId,
    pub payment: Option<PaymentId>,
    pub player: PlayerKey,
}

impl Decision {
    pub fn new(about: About, facts: Facts, screening: Screening) -> Self {
        let About { id, payment, player } = about;
        Self { id, payment, player, engine: ENGINE, facts, screening }
    }

    pub const fn outcome(&self) -> Outcome {
        self.screening.outcome
    }

    pub fn reasons(&self) -> &[Reason] {
        &self.screening.reasons
    }

    /// The reasons as a withdrawal keeps them for the people who may let it go: which of them were holds.
    pub fn shown(&self) -> Vec<Reason> {
        let of_hit = |(result, reason): (&RuleResult, &Reason)| {
            let holds = result.effect == Outcome::Hold;
            Reason { holds, ..reason.clone() }
        };
        self.screening.hits().map(of_hit).collect()
    }

    /// The reasons as the payment tells them. Where something else denies, a file of limits is not asked: that it
    /// said nothing is on record, and no reason that anybody could act on.
    pub fn told(&self) -> Vec<Reason> {
        let file = self.facts.checks.file.as_ref();
        let unasked = file.is_some_and(|told| told.found == Err(HookFailure::NotAsked));
        let speechless = |reason: &Reason| unasked && reason.code == NO_ANSWER;
        let denies = |(result, reason): (&RuleResult, &Reason)| {
            result.effect == Outcome::Deny && !speechless(reason)
        };
        let denied = self.screening.hits().any(denies);
        let told = self.reasons().iter().filter(|reason| !(denied && speechless(reason)));
        told.cloned().collect()
    }

    pub fn rules(&self) -> &[RuleResult] {
        &self.screening.rules
    }

    pub const fn checkpoint(&self) -> Checkpoint {
        self.facts.checkpoint
    }

    /// The version of the player's record that was screened; 0 when there was none.
    pub fn player_version(&self) -> i64 {
        self.facts.player.as_ref().map_or(0, |player| player.version)
    }

    pub const fn occurred_at(&self) -> Timestamp {
        self.facts.screened_at
    }
}
