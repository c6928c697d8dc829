//! A person proposes a policy version: it is held to everything that `policy check` holds a file to, and
//! waits for another person.

use super::file::{self, Fault, Library};
use super::policy::MarketPolicy;
use super::rule::Rule;
use super::shelf::KNOWN_BEFORE;
use super::signals::Hook;
use crate::book::{ProposedPolicy, Review};
use crate::decide::{Refusal, service_case};
use crate::domain::{OperatorId, PersonId, ReviewId};
use crate::flows::Flows;
use crate::store::cases::{self, Worked};
use crate::store::policy_versions::{self, ProposalFilter, ProposalLine, Proposed};
use crate::store::{Pool, StoreError};

/// Why a text was not taken as a proposal.
#[derive(Debug, thiserror::Error)]
pub enum ProposeError {
    #[error("its rule {rule} asks {hook}, and nobody answers that here: configure a vendor first")]
    NobodyAnswers { rule: String, hook: &'static str },
    /// With the line of each fault.
    #[error("the policy is not sound")]
    Faulty(Vec<Fault>),
    #[error("the version {0} was published: a change is a new version with a name of its own")]
    Published(String),
    #[error(
        "a file of this installation bears the version {0} and says something else, so that no instance could \
         start any more: give the text a version of its own"
    )]
    OtherFile(String),
    #[error("it comes into force too soon")]
    TooSoon,
    #[error("another version of this market comes into force at the same moment: {0}")]
    MomentTaken(String),
    #[error("the idempotency key proposed another text before")]
    KeyReused,
    #[error("opening its case")]
    Case(#[from] Refusal),
    #[error("keeping the proposal")]
    Store(#[from] StoreError),
}

/// Keeps the proposal. A newer one of the same version takes the place of an open one. True: it is a repeat
/// of one that this key made before.
pub async fn propose_policy(
    flows: &Flows,
    (operator, person): (&OperatorId, &PersonId),
    text: &str,
    idempotency_key: &str,
) -> Result<(ProposalLine, bool), ProposeError> {
    let (pool, now) = (flows.db.pool(), flows.clock.now());
    let version = version_of(text);
    let published = policy_versions::published(pool).await?;
    let texts = published.iter().map(|one| (one.version.as_str(), one.text.as_str()));
    let library = Library::new(texts);
    let policy = file::check(&version, text, &library).map_err(ProposeError::Faulty)?;
    let unanswered = unanswered(flows, &policy);
    let proposed = Proposed {
        id: flows.ids.next(),
        version: policy.version,
        market: policy.market,
        sha256: policy.sha256,
        effective_from: policy.effective_from,
        text: text.to_owned(),
        by: person.clone(),
        at: now,
    };
    // A repeat is told what it was told, whatever became of it since.
    if let Some(before) = by_key(pool, operator, idempotency_key).await? {
        return repeated(before, &proposed);
    }
    if let Some((rule, hook)) = unanswered {
        return Err(ProposeError::NobodyAnswers { rule, hook: hook.as_str() });
    }
    if published.iter().any(|one| one.version == proposed.version) {
        return Err(ProposeError::Published(proposed.version));
    }
    if flows.policies.ships_otherwise(&proposed.version, proposed.sha256) {
        return Err(ProposeError::OtherFile(proposed.version));
    }
    if proposed.effective_from < now + KNOWN_BEFORE {
        return Err(ProposeError::TooSoon);
    }
    let same = |one: &&policy_versions::Published| {
        one.market == proposed.market && one.effective_from == proposed.effective_from
    };
    if let Some(other) = published.iter().find(same) {
        return Err(ProposeError::MomentTaken(other.version.clone()));
    }
    let case = case_of(flows, &proposed)?;
    let kept = (&proposed, &case);
    if let Some(id) = policy_versions::propose(pool, kept, operator, idempotency_key).await? {
        let before =
            one(pool, ProposalFilter { id: Some(id), ..ProposalFilter::default() }).await?;
        let missing = || StoreError::Corrupt(format!("the policy proposal {id}"));
        return repeated(before.ok_or_else(missing)?, &proposed);
    }
    close_older(flows, &proposed).await?;
    tracing::info!(policy.version = proposed.version, person.id = %person, "a policy was proposed");
    Ok((ProposalLine { proposed, ended: None, replaced: false, in_force_from: None }, false))
}

/// The case in which others decide it, at the desk where they decide everything.
fn case_of(flows: &Flows, proposed: &Proposed) -> Result<Review, Refusal> {
    let policy = ProposedPolicy { proposal: proposed.id, version: proposed.version.clone() };
    let sha256 = hex::encode(proposed.sha256);
    let note = format!("{}, sha256 {sha256}, from {}", proposed.version, proposed.effective_from);
    let id = ReviewId(flows.ids.next());
    service_case::of_policy(id, policy, (&proposed.by, note), &flows.reviews.terms, proposed.at)
}

/// Cases of older texts of the version are over: nobody can publish those any more.
async fn close_older(flows: &Flows, proposed: &Proposed) -> Result<(), StoreError> {
    let pool = flows.db.pool();
    for (operator, case) in cases::of_older_texts(pool, &proposed.version, proposed.id).await? {
        let close = |review: &mut Review| {
            service_case::replaced(review, &proposed.by, proposed.at);
            Ok::<_, Refusal>(Worked::plain(()))
        };
        let _ = cases::work(pool, &operator, case, close).await?;
    }
    Ok(())
}

/// A rule whose vendor is not configured here: every payment of the market would meet its failure
/// outcome, one by one.
fn unanswered(flows: &Flows, policy: &MarketPolicy) -> Option<(String, Hook)> {
    let market = policy.market.as_str();
    let answers = |hook: Hook| match hook {
        Hook::Register => flows.checks.register(market).is_some(),
        Hook::CrossOperatorLimit => flows.checks.file(market).is_some(),
        Hook::Names => flows.checks.matchers(market).next().is_some(),
        Hook::Kyc => flows.checks.identities.iter().any(|one| one.serves(market)),
        Hook::KytDeposit | Hook::KytWithdrawal => !flows.vendors.of(hook).is_empty(),
    };
    let asked = |rule: &Rule| rule.check.hook().or_else(|| rule.check.asks().map(|ask| ask.hook));
    let asking = policy.rules.iter().filter_map(|rule| Some((rule, asked(rule)?)));
    asking
        .filter(|(_, hook)| !answers(*hook))
        .map(|(rule, hook)| (rule.id.to_string(), hook))
        .next()
}

fn repeated(
    before: ProposalLine,
    proposed: &Proposed,
) -> Result<(ProposalLine, bool), ProposeError> {
    let same = before.proposed.text == proposed.text;
    if same { Ok((before, true)) } else { Err(ProposeError::KeyReused) }
}

async fn by_key(
    pool: &Pool,
    operator: &OperatorId,
    key: &str,
) -> Result<Option<ProposalLine>, StoreError> {
    let Some(id) = policy_versions::proposed_by_key(pool, operator, key).await? else {
        return Ok(None);
    };
    one(pool, ProposalFilter { id: Some(id), ..ProposalFilter::default() }).await
}

/// The newest proposal of a version.
pub async fn newest(pool: &Pool, version: &str) -> Result<Option<ProposalLine>, StoreError> {
    let version = Some(version.to_owned());
    one(pool, ProposalFilter { version, ..ProposalFilter::default() }).await
}

async fn one(pool: &Pool, wanted: ProposalFilter) -> Result<Option<ProposalLine>, StoreError> {
    Ok(policy_versions::proposals(pool, &ProposalFilter { limit: 1, ..wanted }).await?.pop())
}

/// What the text calls itself; the name is told with every fault.
fn version_of(text: &str) -> String {
    let version = text.lines().find_map(|line| {
        let (key, value) = line.split_once('=')?;
        (key.trim() == "version").then(|| value.trim().trim_matches('"').to_owned())
    });
    version.unwrap_or_default()
}
