//! A decision as its casino sees it: without what only compliance may know.

use super::payment::{ReasonView, reasons};
use super::time::Time;
use crate::book::Viewer;
use crate::domain::DecisionId;
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
    /// `approve`, `review` or `deny`. A hold is told as `review`: its cause is compliance's.
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
    pub hit: bool,
    pub observed: String,
    #[schema(example = "<=")]
    pub operator: String,
    pub threshold: String,
    /// What a hit leads to.
    #[schema(example = "deny")]
    pub effect: String,
}

impl DecisionView {
    /// For a casino's backend: rules that can hold say nothing, and a hold looks like a review.
    pub fn for_backend(decision: DecisionLine, policies: &Policies) -> Self {
        let outcome = if decision.outcome == "hold" { "review" } else { &decision.outcome };
        let version = decision.market.as_deref().zip(decision.policy_version.as_deref());
        let policy = version.and_then(|(market, version)| policies.version(market, version));
        let told = |rule: StoredRule| RuleView::of(rule, policy);
        let rules = decision.rules.into_iter().map(told).filter(|rule| rule.effect != "hold");
        Self {
            id: DecisionId(decision.id).to_string(),
            payment_id: decision.payment.map(|id| id.to_string()),
            player_id: decision.player.to_string(),
            checkpoint: decision.checkpoint,
            outcome: outcome.to_owned(),
            market: decision.market,
            policy_version: decision.policy_version,
            player_version: decision.player_version,
            reasons: reasons(Viewer::Backend, &decision.reasons),
            rules: rules.collect(),
            occurred_at: decision.occurred_at.into(),
        }
    }
}

impl RuleView {
    /// What is not stored with the finding, the policy version says.
    fn of(stored: StoredRule, policy: Option<&MarketPolicy>) -> Self {
        match stored {
            StoredRule::Named(named) => Self {
                rule: named.rule,
                hit: named.hit,
                observed: named.observed,
                operator: named.operator,
                threshold: named.threshold,
                effect: named.effect,
            },
            StoredRule::Numbered(stored) => {
                let rule = engine::rule_of(policy, stored.number);
                Self {
                    rule: rule.map_or("unknown".to_owned(), |rule| rule.id.to_string()),
                    hit: stored.acts && matches!(stored.state.as_str(), "hit" | "error"),
                    observed: stored.observed,
                    operator: rule.map_or("", |rule| rule.check.operator()).to_owned(),
                    threshold: stored.threshold,
                    effect: stored.effect,
                }
            }
        }
    }
}
