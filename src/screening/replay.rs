//! A decision is made again: as it was, by another version of the policy, or with the knowledge of
//! another time.
//!
//! As it was: the recorded facts under the recorded version must give the recorded outcome, reasons
//! and rule table, byte for byte. By another version: what that version would have said of what was
//! known then. As of a time: the policy in force at that time and what was known by it of the moment
//! when the decision was made; a fact that came late changes what now is said, and never what a
//! time before it is said to have known.

use super::compare::{self, Difference, Told};
use super::engine::{self, ENGINE};
use super::gather::{self, Setting};
use super::{Checkpoint, Facts, MarketPolicy, Policies};
use crate::domain::{Direction, Reason, Timestamp};
use crate::store::read_history::{self, RecordedDecision};
use crate::store::{StoreError, facts_json, json};
use sqlx::PgPool;

/// What a decision is made again with.
#[derive(Debug, Clone, Default)]
pub struct Question {
    /// The policy and the knowledge of this time.
    pub as_of: Option<Timestamp>,
    /// This version instead of the recorded one, or of the one in force at `as_of`.
    pub version: Option<String>,
}

/// A decision made again.
#[derive(Debug, Clone)]
pub struct Replay {
    pub recorded: Told,
    pub replayed: Told,
    /// None: to the byte the same.
    pub differences: Vec<Difference>,
    /// The reasons as they come out now.
    pub reasons: Vec<Reason>,
    /// The version that it was made again with; none where there was no licence.
    pub policy_version: Option<String>,
    /// The engine that recorded it, where that is not the one that repeats it.
    pub other_engine: Option<String>,
}

impl Replay {
    pub fn is_identical(&self) -> bool {
        self.recorded == self.replayed
    }
}

/// Why a decision cannot be made again.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    #[error("the decision was made by {0}, which kept no inputs: it cannot be made again")]
    NoInputs(String),
    #[error("the policy version {0} is not known here")]
    UnknownVersion(String),
    #[error("the policy version {0} has another content than when the decision was made")]
    OtherContent(String),
    #[error("the policy version {version} is of {market}, and the player lives in {country}")]
    OtherMarket { version: String, market: String, country: String },
    #[error("reading the decision and what was known")]
    Store(#[from] StoreError),
}

/// Makes a decision again.
pub async fn replay(
    pool: &PgPool,
    policies: &Policies,
    decision: &RecordedDecision,
    question: &Question,
) -> Result<Replay, ReplayError> {
    let inputs = decision.inputs.as_deref();
    let inputs = inputs.ok_or_else(|| ReplayError::NoInputs(decision.engine.clone()))?;
    let mut facts = facts_json::read(inputs)?;
    let recorded_policy = recorded_policy(policies, decision)?;
    if question.as_of.is_some() || question.version.is_some() {
        let known = question.as_of.unwrap_or(facts.counted_at);
        facts = known_at(pool, decision, facts, known, policies).await?;
    }
    let policy = match (&question.version, question.as_of) {
        (Some(version), _) => Some(named(policies, version, &facts)?),
        (None, Some(at)) => {
            let country = facts.player.as_ref().map(|player| player.country.as_str());
            country.and_then(|country| policies.in_force(country, at))
        }
        (None, None) => recorded_policy,
    };
    let screening = engine::decide(policy, &facts);
    let recorded = Told {
        outcome: decision.outcome.clone(),
        rules: decision.rules.clone(),
        reasons: decision.reasons.clone(),
    };
    let replayed = Told {
        outcome: screening.outcome.as_str().to_owned(),
        rules: json::rules(&screening.rules),
        reasons: json::reasons(&screening.reasons),
    };
    Ok(Replay {
        differences: compare::differences(&recorded, recorded_policy, &replayed, policy)?,
        recorded,
        replayed,
        reasons: screening.reasons,
        policy_version: policy.map(|policy| policy.version.clone()),
        other_engine: (decision.engine != ENGINE).then(|| decision.engine.clone()),
    })
}

/// The version that a decision names, with the content that it names.
pub(super) fn recorded_policy<'a>(
    policies: &'a Policies,
    decision: &RecordedDecision,
) -> Result<Option<&'a MarketPolicy>, ReplayError> {
    let named = decision.market.as_ref().zip(decision.policy_version.as_ref());
    let Some((market, version)) = named else { return Ok(None) };
    let policy = policies.version(market, version);
    let policy = policy.ok_or_else(|| ReplayError::UnknownVersion(version.clone()))?;
    if decision.policy_sha256.as_deref() != Some(policy.sha256.as_slice()) {
        return Err(ReplayError::OtherContent(version.clone()));
    }
    Ok(Some(policy))
}

fn named<'a>(
    policies: &'a Policies,
    version: &str,
    facts: &Facts,
) -> Result<&'a MarketPolicy, ReplayError> {
    let found = policies.all().iter().find(|policy| policy.version == version);
    let found = found.ok_or_else(|| ReplayError::UnknownVersion(version.to_owned()))?;
    let country = facts.player.as_ref().map_or("", |player| player.country.as_str());
    if found.market != country {
        return Err(ReplayError::OtherMarket {
            version: version.to_owned(),
            market: found.market.clone(),
            country: country.to_owned(),
        });
    }
    Ok(found)
}

/// The facts of the same moment, with the knowledge of another time.
///
/// What the ledger said at the moment (debts, what each source paid in) was known at once and stays. The exchange rates stay
/// too: they are of the day of the decision.
async fn known_at(
    pool: &PgPool,
    decision: &RecordedDecision,
    recorded: Facts,
    known: Timestamp,
    policies: &Policies,
) -> Result<Facts, StoreError> {
    let record = read_history::player(pool, &decision.player, known).await?;
    let (player, limits) = match &record {
        Some((player, limits)) => (Some(player), limits.as_slice()),
        None => (None, [].as_slice()),
    };
    let Some(payment) = recorded.payment.clone() else { return Ok(recorded) };
    let setting = Setting {
        fx: &recorded.fx,
        recorded_only: policies.recorded_only(),
        now: recorded.screened_at,
    };
    if recorded.checkpoint.direction() == Some(Direction::Withdrawal) {
        let records = gather::Withdrawal {
            checkpoint: recorded.checkpoint,
            origin: payment.origin,
            player,
            money: payment.money,
            method: payment.method,
            owed: &recorded.owed,
            closed_loop: recorded.closed_loop.as_ref(),
        };
        let mut facts = gather::withdrawal(&records, &setting);
        facts.counted_at = recorded.counted_at;
        return Ok(facts);
    }
    let begun = recorded.counted_at;
    let uses = read_history::uses(pool, &decision.player, begun, known).await?;
    let source = match (recorded.checkpoint, decision.payment) {
        (Checkpoint::DepositPost, Some(payment)) => read_history::source(pool, payment).await?,
        _ => None,
    };
    // Before its first decision a deposit had no room reserved.
    let own = decision.payment;
    let before = recorded.checkpoint == Checkpoint::DepositPre;
    let others = uses.iter().filter(|found| !before || Some(found.payment) != own);
    let uses: Vec<_> = others.copied().collect();
    let records = gather::Deposit {
        checkpoint: recorded.checkpoint,
        player,
        payment: own,
        origin: payment.origin,
        money: payment.money,
        method: payment.method,
        limits,
        uses: &uses,
        source: source.as_ref(),
    };
    let mut facts = gather::deposit(&records, &setting);
    gather::count_deposit(&mut facts, own, (limits, &uses), recorded.counted_at, &recorded.fx);
    Ok(facts)
}
