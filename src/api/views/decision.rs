//! A decision as its casino sees it, without what only compliance may know; and as compliance does.

use super::payment::{ReasonView, reasons_for};
use super::time::Time;
use crate::domain::{Audience, DecisionId, Timestamp};
use crate::screening::compare::Difference;
use crate::screening::replay::Replay;
use crate::screening::rule::State;
use crate::screening::{MarketPolicy, Policies, engine};
use crate::store::json::StoredRule;
use crate::store::read_decisions::DecisionLine;
use serde::Serialize;
use utoipa::ToSchema;

/// One screening and what came of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Decision)]
pub struct DecisionView {
    #[schema(example = "dec_0198f3c2a1b27c3d8e4f5a6b7c8d9e0f")]
    pub id: String,
    #[schema(required)]
    pub payment_id: Option<String>,
    pub player_id: String,
    /// Where on the payment's way: `deposit.pre`, `deposit.post`, `withdrawal.request`,
    /// `withdrawal.pre_payout`.
    #[schema(example = "deposit.pre")]
    pub checkpoint: String,
    /// `approve`, `review` or `deny`. A hold is told as `review` to all but compliance (`hold`).
    #[schema(example = "approve")]
    pub outcome: String,
    #[schema(required, example = "SE")]
    pub market: Option<String>,
    #[schema(required, example = "2026-01")]
    pub policy_version: Option<String>,
    pub player_version: i64,
    pub reasons: Vec<ReasonView>,
    pub rules: Vec<RuleView>,
    pub occurred_at: Time,
}

/// What one rule found.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = RuleResult)]
pub struct RuleView {
    #[schema(example = "limits.player")]
    pub rule: String,
    /// Whether its effect applies: it found something (or a fact was missing), and it acts.
    pub hit: bool,
    /// What it found: `hit`, `no_hit`, `skipped` (it has nothing to say of such a payment) or `error` (a fact that it
    /// needs is missing; it acts as a hit).
    #[schema(example = "no_hit")]
    pub state: &'static str,
    /// False: the rule is on record alone, and does nothing whatever its `state`.
    pub acts: bool,
    pub observed: String,
    #[schema(example = "<=")]
    pub operator: String,
    pub threshold: String,
    /// What a hit leads to.
    #[schema(example = "deny")]
    pub effect: String,
}

impl DecisionView {
    /// As its reader may see it. For all but compliance, rules that only compliance may know of say
    /// nothing, hit or not, and a hold looks like a review.
    pub fn of(decision: DecisionLine, policies: &Policies, reader: Audience) -> Self {
        let hides = reader != Audience::Compliance;
        let outcome = match &*decision.outcome {
            "hold" if hides => "review",
            outcome => outcome,
        };
        let version = decision.market.as_deref().zip(decision.policy_version.as_deref());
        let policy = version.and_then(|(market, version)| policies.version(market, version));
        let told = decision.rules.into_iter().map(|rule| RuleView::of(rule, policy));
        let rules = told.filter(|(_, audience)| *audience <= reader).map(|(rule, _)| rule);
        Self {
            id: DecisionId(decision.id).to_string(),
            payment_id: decision.payment.map(|id| id.to_string()),
            player_id: decision.player.to_string(),
            checkpoint: decision.checkpoint,
            outcome: outcome.to_owned(),
            market: decision.market,
            policy_version: decision.policy_version,
            player_version: decision.player_version,
            reasons: reasons_for(reader, &decision.reasons),
            rules: rules.collect(),
            occurred_at: decision.occurred_at.into(),
        }
    }
}

impl RuleView {
    /// What is not stored with the finding, the policy version says; and who may read it.
    fn of(stored: StoredRule, policy: Option<&MarketPolicy>) -> (Self, Audience) {
        match stored {
            StoredRule::Named(named) => {
                let found = engine::rule_named(policy, &named.rule);
                // It kept no audience. Whose rule nobody knows any more, only compliance may read.
                let audience = found
                    .map_or(Audience::Compliance, |rule| rule.reason(&named.result(rule)).audience);
                let view = Self {
                    rule: named.rule,
                    hit: named.hit,
                    state: if named.hit { State::Hit } else { State::NoHit }.as_str(),
                    acts: true,
                    observed: named.observed,
                    operator: named.operator,
                    threshold: named.threshold,
                    effect: named.effect,
                };
                (view, audience)
            }
            StoredRule::Numbered(stored) => {
                let found = engine::rule_of(policy, stored.number);
                let result = found.map(|rule| stored.result(rule));
                // A rule that nobody knows any more is for the narrowest circle.
                let audience = match (found, &result) {
                    (Some(rule), Some(result)) => rule.reason(result).audience,
                    _ => Audience::Compliance,
                };
                let view = Self {
                    rule: found.map_or("unknown".to_owned(), |rule| rule.id.to_string()),
                    hit: result.is_some_and(|result| result.is_hit()),
                    state: State::parse(&stored.state).unwrap_or(State::Error).as_str(),
                    acts: stored.acts,
                    observed: stored.observed,
                    operator: found.map_or("", |rule| rule.check.operator()).to_owned(),
                    threshold: stored.threshold,
                    effect: stored.effect,
                };
                (view, audience)
            }
        }
    }
}

/// A decision made again.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Replayed)]
pub struct ReplayView {
    #[schema(example = "dec_0198f3c2a1b27c3d8e4f5a6b7c8d9e0f")]
    pub decision_id: String,
    /// To the byte: outcome, reasons and rule table.
    pub identical: bool,
    #[schema(required)]
    pub as_of: Option<Time>,
    /// The version that it was made again with; null where there was no licence.
    #[schema(required, example = "SE-2026-11-21e")]
    pub policy_version: Option<String>,
    /// The engine that recorded it, where another one repeats it.
    #[schema(required)]
    pub other_engine: Option<String>,
    #[schema(example = "approve")]
    pub recorded_outcome: String,
    #[schema(example = "approve")]
    pub replayed_outcome: String,
    /// The reasons as they come out now.
    pub reasons: Vec<ReasonView>,
    pub differences: Vec<DifferenceView>,
}

/// One thing that is told otherwise; null: not told at all.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReplayDifference)]
pub struct DifferenceView {
    /// `outcome`, `rule` or `reason`.
    #[schema(example = "rule")]
    pub what: &'static str,
    /// The rule's id or the reason's code.
    #[schema(required, example = "limit.player")]
    pub name: Option<String>,
    #[schema(required)]
    pub recorded: Option<String>,
    #[schema(required)]
    pub replayed: Option<String>,
}

impl ReplayView {
    /// For compliance alone: it hides nothing.
    pub fn of(id: DecisionId, as_of: Option<Timestamp>, replay: Replay) -> Self {
        let difference = |found: Difference| DifferenceView {
            what: found.what,
            name: found.name,
            recorded: found.recorded,
            replayed: found.replayed,
        };
        Self {
            decision_id: id.to_string(),
            identical: replay.is_identical(),
            as_of: as_of.map(Time::from),
            policy_version: replay.policy_version,
            other_engine: replay.other_engine,
            recorded_outcome: replay.recorded.outcome,
            replayed_outcome: replay.replayed.outcome,
            reasons: reasons_for(Audience::Compliance, &replay.reasons),
            differences: replay.differences.into_iter().map(difference).collect(),
        }
    }
}

#[cfg(test)]
#[path = "decision_tests.rs"]
mod tests;
