//! A decision is made again: as it was, by another version of the policy, or with the knowledge of
//! another time.
//!
//! As it was: the recorded facts under the recorded version must give the recorded outcome, reasons
//! and rule table, byte for byte. By another version: what that version would have said of what was
//! known then. As of a time: the policy in force at that time and what was known by it of the moment
//! when the decision was made; a fact that came late changes what now is said, and never what a
//! time before it is said to have known.

use super::background::{self, Wants};
use super::compare::{self, Difference, Told};
use super::engine::{self, ENGINE};
use super::gather::{self, Locked, Setting};
use super::movement::{Movement, UseState};
use super::{Checkpoint, Facts, MarketPolicy, Policies, payer};
use crate::domain::{Direction, Instrument, Reason, Timestamp};
use crate::store::read_history::{self, RecordedDecision};
use crate::store::{Pool, StoreError, backgrounds, facts_json, json};
use uuid::Uuid;

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
    pool: &Pool,
    policies: &Policies,
    decision: &RecordedDecision,
    question: &Question,
) -> Result<Replay, ReplayError> {
    if question.as_of.is_none() && question.version.is_none() {
        return as_it_was(policies, decision);
    }
    let facts = recorded_facts(decision)?;
    let recorded_by = recorded_policy(policies, decision)?;
    let (facts, policy) = known_at(pool, decision, facts, question, policies).await?;
    made_again(decision, &facts, recorded_by, policy)
}

/// Makes a decision again of nothing but what it recorded itself.
fn as_it_was(policies: &Policies, decision: &RecordedDecision) -> Result<Replay, ReplayError> {
    let facts = recorded_facts(decision)?;
    let policy = recorded_policy(policies, decision)?;
    made_again(decision, &facts, policy, policy)
}

fn recorded_facts(decision: &RecordedDecision) -> Result<Facts, ReplayError> {
    let inputs = decision.inputs.as_deref();
    let inputs = inputs.ok_or_else(|| ReplayError::NoInputs(decision.engine.clone()))?;
    Ok(facts_json::read(inputs)?)
}

fn made_again(
    decision: &RecordedDecision,
    facts: &Facts,
    recorded_by: Option<&MarketPolicy>,
    policy: Option<&MarketPolicy>,
) -> Result<Replay, ReplayError> {
    let screening = engine::decide(policy, facts);
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
    let is_same = recorded == replayed && same_policy(recorded_by, policy);
    let differences = match is_same {
        true => Vec::new(),
        false => compare::differences(&recorded, recorded_by, &replayed, policy)?,
    };
    Ok(Replay {
        differences,
        recorded,
        replayed,
        reasons: screening.reasons,
        policy_version: policy.map(|policy| policy.version.clone()),
        other_engine: (decision.engine != ENGINE).then(|| decision.engine.clone()),
    })
}

/// Numbers of rules are told by their names, which another version may give to others.
fn same_policy(one: Option<&MarketPolicy>, other: Option<&MarketPolicy>) -> bool {
    one.map(|policy| policy.sha256) == other.map(|policy| policy.sha256)
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

/// The version that is asked for: by name, or the one in force at a time.
fn chosen<'a>(
    policies: &'a Policies,
    question: &Question,
    country: Option<&str>,
) -> Result<Option<&'a MarketPolicy>, ReplayError> {
    match (&question.version, question.as_of) {
        (Some(version), _) => named(policies, version, country.unwrap_or_default()).map(Some),
        (None, Some(at)) => Ok(country.and_then(|country| policies.in_force(country, at))),
        (None, None) => Ok(None),
    }
}

fn named<'a>(
    policies: &'a Policies,
    version: &str,
    country: &str,
) -> Result<&'a MarketPolicy, ReplayError> {
    let found = policies.all().iter().find(|policy| policy.version == version);
    let found = found.ok_or_else(|| ReplayError::UnknownVersion(version.to_owned()))?;
    if found.market != country {
        return Err(ReplayError::OtherMarket {
            version: version.to_owned(),
            market: found.market.clone(),
            country: country.to_owned(),
        });
    }
    Ok(found)
}

/// The movements at the moment of the decision. Before its first one a payment had moved nothing; and
/// whether money that came still had its room reserved was known at once, and stays: where it had, no
/// limit was measured.
fn moved_before(mut all: Vec<Movement>, own: Option<Uuid>, recorded: &Facts) -> Vec<Movement> {
    match (recorded.checkpoint, recorded.money()) {
        (Checkpoint::DepositPre | Checkpoint::WithdrawalRequest, _) => {
            all.retain(|found| Some(found.payment) != own);
        }
        (Checkpoint::DepositPost, Some(money)) => {
            let was_reserved = recorded.limits.is_empty();
            let state = if was_reserved { UseState::Reserved } else { UseState::Released };
            for found in all.iter_mut().filter(|found| Some(found.payment) == own) {
                (found.state, found.money) = (state, money);
            }
        }
        _ => {}
    }
    all
}

/// The facts of the same moment, with the knowledge of another time, and the version that is asked
/// for: what it wants counted is counted.
///
/// What the ledger said at the moment (debts, what each source paid in) was known at once and stays. The exchange rates stay
/// too: they are of the day of the decision.
async fn known_at<'a>(
    pool: &Pool,
    decision: &RecordedDecision,
    recorded: Facts,
    question: &Question,
    policies: &'a Policies,
) -> Result<(Facts, Option<&'a MarketPolicy>), ReplayError> {
    let known = question.as_of.unwrap_or(recorded.counted_at);
    let record = read_history::player(pool, &decision.player, known).await?;
    let (player, limits) = match &record {
        Some((player, limits)) => (Some(player), limits.as_slice()),
        None => (None, [].as_slice()),
    };
    let Some(payment) = recorded.payment.clone() else {
        let country = recorded.player.as_ref().map(|player| player.country.as_str());
        let policy = chosen(policies, question, country)?;
        return Ok((recorded, policy));
    };
    let policy = chosen(policies, question, player.map(|player| player.country.as_str()))?;
    let setting =
        Setting { policies, fx: &recorded.fx, now: recorded.screened_at, version: policy };
    let counting = Setting { now: recorded.counted_at, ..setting };
    let begun = recorded.counted_at;
    let all = read_history::movements(pool, &decision.player, begun, known).await?;
    let own = decision.payment;
    let movements = moved_before(all, own, &recorded);
    let wants = policy.map(|policy| Wants::by(policy, recorded.counted_at)).unwrap_or_default();
    let of = &decision.player;
    let background = backgrounds::of_player(pool, of, &wants, (recorded.counted_at, known)).await?;
    if recorded.checkpoint.direction() == Some(Direction::Withdrawal) {
        let to = destinations(pool, decision).await?;
        let ends = background::ends(&decision.player.operator, &to);
        let records = gather::Withdrawal {
            checkpoint: recorded.checkpoint,
            origin: payment.origin,
            player,
            money: payment.money,
            method: payment.method,
            owed: &recorded.owed,
            closed_loop: recorded.closed_loop.as_ref(),
            payment: own,
            asked_at: recorded.asked_at,
            movements: &movements,
            background: &background,
            ends: &ends,
        };
        let mut facts = gather::withdrawal(&records, &setting);
        let owed = &recorded.owed;
        let (movements, background, ends) = (&movements, &background, &ends);
        let locked = Locked { limits, owed, movements, background, ends };
        gather::count_withdrawal(&mut facts, own, &locked, &counting);
        return Ok((as_answered(facts, recorded), policy));
    }
    let (source, is_known) = payer_known_at(pool, decision, &recorded, known).await?;
    let records = gather::Deposit {
        checkpoint: recorded.checkpoint,
        player,
        payment: own,
        origin: payment.origin,
        money: payment.money,
        method: payment.method,
        limits,
        movements: &movements,
        background: &background,
        source: source.as_ref(),
    };
    let mut facts = gather::deposit(&records, &setting);
    if !is_known {
        facts.payer = recorded.payer.clone().filter(|_| player.is_some());
    }
    let ends = background::ends(&decision.player.operator, source.as_ref());
    let (movements, background, owed) = (&movements, &background, &[]);
    let locked = Locked { limits, owed, movements, background, ends: &ends };
    gather::count_deposit(&mut facts, own, &locked, &counting);
    Ok((as_answered(facts, recorded), policy))
}

/// Who paid a deposit, as far as that was told by a time; false: what has come to be known since cannot be told
/// from what was known then, and the decision's own finding of the payer counts.
async fn payer_known_at(
    pool: &Pool,
    decision: &RecordedDecision,
    recorded: &Facts,
    known: Timestamp,
) -> Result<(Option<Instrument>, bool), StoreError> {
    let (Checkpoint::DepositPost, Some(payment)) = (recorded.checkpoint, decision.payment) else {
        return Ok((None, true));
    };
    let (source, changed_at) = read_history::source(pool, payment).await?;
    if changed_at.is_some_and(|at| at <= known) {
        return Ok((source, true));
    }
    // Nothing more was told since, where it still gives what was found then.
    let then = read_history::player(pool, &decision.player, recorded.counted_at).await?;
    let found = then
        .as_ref()
        .zip(source.as_ref())
        .map(|((player, _), source)| payer::compare(source, player));
    if found == recorded.payer {
        return Ok((source, true));
    }
    // The payer's account is the one that the decision saw, where it saw any.
    Ok((source.filter(|_| recorded.payer.is_some()), false))
}

/// Where a withdrawal goes.
async fn destinations(
    pool: &Pool,
    decision: &RecordedDecision,
) -> Result<Vec<Instrument>, StoreError> {
    match decision.payment {
        Some(payment) => read_history::destinations(pool, payment).await,
        None => Ok(Vec::new()),
    }
}

/// What vendors had said by then is as it was: they are not asked again about the past. Nor does it change
/// which rules the installation only recorded.
fn as_answered(mut facts: Facts, recorded: Facts) -> Facts {
    facts.checks = recorded.checks;
    facts.vendors = recorded.vendors;
    facts.let_go_at = recorded.let_go_at;
    facts.let_go = recorded.let_go;
    facts.unasked = recorded.unasked;
    facts.asked = recorded.asked;
    // Nor is it on record when it came to be known who else used an instrument.
    facts.shared = recorded.shared.filter(|_| facts.shared.is_some());
    facts.recorded_only = recorded.recorded_only;
    // Before each address was a fact, answers of vendors did not say which one they were about.
    if recorded.ends.is_empty() && facts.vendors.iter().all(|one| one.place.is_none()) {
        facts.ends.clear();
    }
    facts
}
