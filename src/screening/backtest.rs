//! What another version of a market's policy would have decided, over what is on record.

use super::compare::{self, Difference, Told};
use super::counters;
use super::engine;
use super::pages::walk;
use super::replay::recorded_policy;
use super::{MarketPolicy, Policies};
use crate::domain::Timestamp;
use crate::store::read_history::{RecordedDecision, Span};
use crate::store::{Pool, StoreError, facts_json, json};
use uuid::Uuid;

/// A decision that would have come out otherwise.
#[derive(Debug, Clone)]
pub struct Flip {
    pub decision: Uuid,
    pub payment: Option<Uuid>,
    pub occurred_at: Timestamp,
    pub recorded: String,
    pub would_be: String,
    /// Rule by rule.
    pub differences: Vec<Difference>,
}

/// What a back-test went through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    pub decisions: u64,
    pub flipped: u64,
    /// Made by an engine that kept no inputs, or under a version that is not known here or did not ask what the
    /// candidate asks.
    pub passed_over: u64,
}

/// Decides everything of the version's market from one time to another anew, and tells each decision
/// whose outcome flips as it is found.
///
/// # Errors
/// The decisions cannot be read.
pub async fn backtest(
    pool: &Pool,
    policies: &Policies,
    candidate: &MarketPolicy,
    (from, to): (Timestamp, Timestamp),
    mut tell: impl FnMut(Flip),
) -> Result<Tally, StoreError> {
    let mut tally = Tally::default();
    let span = Span {
        market: Some(candidate.market.clone()),
        from: Some(from),
        until: Some(to),
        ..Span::default()
    };
    let work = |decision: &RecordedDecision| one(policies, candidate, decision);
    walk(pool, span, work, |_, found| {
        tally.decisions += 1;
        match found? {
            Found::Same => {}
            Found::PassedOver => tally.passed_over += 1,
            Found::Flipped(flip) => {
                tally.flipped += 1;
                tell(*flip);
            }
        }
        Ok::<(), StoreError>(())
    })
    .await?;
    Ok(tally)
}

enum Found {
    Same,
    PassedOver,
    Flipped(Box<Flip>),
}

fn one(
    policies: &Policies,
    candidate: &MarketPolicy,
    decision: &RecordedDecision,
) -> Result<Found, StoreError> {
    let Some(inputs) = decision.inputs.as_deref() else { return Ok(Found::PassedOver) };
    let Ok(recorded_by) = recorded_policy(policies, decision) else {
        return Ok(Found::PassedOver);
    };
    let facts = facts_json::read(inputs)?;
    if !counters::are_answered(candidate, recorded_by, &facts) {
        // It asks what was not asked then: its finding would be about the gap, not the player.
        return Ok(Found::PassedOver);
    }
    let screening = engine::decide(Some(candidate), &facts);
    let would_be = screening.outcome.as_str();
    if would_be == decision.outcome {
        return Ok(Found::Same);
    }
    let recorded = Told {
        outcome: decision.outcome.clone(),
        rules: decision.rules.clone(),
        reasons: decision.reasons.clone(),
    };
    let replayed = Told {
        outcome: would_be.to_owned(),
        rules: json::rules(&screening.rules),
        reasons: json::reasons(&screening.reasons),
    };
    let differences = compare::differences(&recorded, recorded_by, &replayed, Some(candidate))?;
    Ok(Found::Flipped(Box::new(Flip {
        decision: decision.id,
        payment: decision.payment,
        occurred_at: decision.occurred_at,
        recorded: recorded.outcome,
        would_be: replayed.outcome,
        differences,
    })))
}
