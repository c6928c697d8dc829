//! Asks registers and matchers what the policy in force wants to know of a player.

use super::matcher::Matcher;
use super::register::Register;
use super::results;
use crate::domain::{Player, Timestamp};
use crate::flows::Flows;
use crate::screening::Checkpoint;
use crate::screening::attestation::{AttestationKind, name_sha256};
use crate::screening::hooks::{
    CheckFacts, HookFailure, KycFacts, NameAnswer, NameFacts, RegisterAnswer, RegisterFacts,
};
use crate::screening::policy::MarketPolicy;
use crate::screening::rule::Ask;
use crate::screening::signals::{Hook, VendorResult};
use crate::store::player_results::{self, Kept, NewResult, Wanted};
use crate::store::{StoreError, attestations};
use crate::vendors::identity::results::to_answer;
use time::Duration;
use uuid::Uuid;

/// What is to be known at a checkpoint. Room in a file of limits is taken later, when nothing else
/// speaks against the deposit.
pub async fn ask_checks(flows: &Flows, player: &Player, checkpoint: Checkpoint) -> CheckFacts {
    gather(flows, player, checkpoint).await.0
}

/// As [`ask_checks`], where nobody waits for the answer: what the database does not tell at this moment is asked
/// again, and is no finding.
///
/// # Errors
/// When the database fails.
pub async fn ask_checks_surely(
    flows: &Flows,
    player: &Player,
    checkpoint: Checkpoint,
) -> Result<CheckFacts, StoreError> {
    let (facts, unread) = gather(flows, player, checkpoint).await;
    unread.map_or(Ok(facts), Err)
}

/// What is known, and why not all of what is kept could be read.
async fn gather(
    flows: &Flows,
    player: &Player,
    checkpoint: Checkpoint,
) -> (CheckFacts, Option<StoreError>) {
    let mut facts = CheckFacts::default();
    let now = flows.clock.now();
    let policies = flows.policies.current();
    let Some(policy) = policies.in_force(&player.country, now) else {
        // No licence: that is denied without asking anybody.
        return (facts, None);
    };
    // All at once, each with its own deadline: who pays waits as long as for the slowest, and no longer.
    // Each answer has its own place in the facts, whoever comes first.
    let (register, names, (kyc, unread)) = tokio::join!(
        ask_register(flows, policy, (player, checkpoint), now),
        ask_matchers(flows, policy, (player, checkpoint), now),
        async {
            match asked(policy, checkpoint, Hook::Kyc) {
                Some(_) => identity_says(flows, player).await,
                None => (None, None),
            }
        }
    );
    facts = CheckFacts { register, names, kyc, ..facts };
    let unexcepted = except_known(flows, player, &mut facts, now).await.err();
    (facts, unread.or(unexcepted))
}

async fn ask_register(
    flows: &Flows,
    policy: &MarketPolicy,
    (player, checkpoint): (&Player, Checkpoint),
    now: Timestamp,
) -> Option<RegisterFacts> {
    let ask = asked(policy, checkpoint, Hook::Register)?;
    let register = flows.checks.register(&player.country)?;
    let found = register_says(flows, register, player, ask.max_age, now).await;
    Some(RegisterFacts { register: register.id.clone(), found })
}

/// In the order in which they are configured.
async fn ask_matchers(
    flows: &Flows,
    policy: &MarketPolicy,
    (player, checkpoint): (&Player, Checkpoint),
    now: Timestamp,
) -> Vec<NameFacts> {
    let Some(ask) = asked(policy, checkpoint, Hook::Names) else { return Vec::new() };
    let matchers = flows.checks.matchers(&player.country);
    let asking = matchers.map(|matcher| names_say(flows, matcher, player, ask.max_age, now));
    futures_util::future::join_all(asking).await
}

/// What a vendor of identity said last. Nobody is asked: they tell by themselves, and what they told was
/// read back from them when it came. None: nobody is configured for this player. Beside it, why what is kept could
/// not be read: where nobody waits for the answer that is no finding.
pub(super) async fn identity_says(
    flows: &Flows,
    player: &Player,
) -> (Option<KycFacts>, Option<StoreError>) {
    let own = flows.checks.identities.iter();
    let own = own.filter(|one| one.operator == player.key.operator);
    let serving = own.filter(|one| one.serves(&player.country));
    let vendors: Vec<String> = serving.map(|one| one.id.clone()).collect();
    let Some(first) = vendors.first() else { return (None, None) };
    let newest = player_results::newest_news(flows.db.pool(), &player.key, &vendors).await;
    let ((vendor, found), unread) = match newest {
        Ok(Some(news)) => {
            let found = to_answer(&news).ok_or(HookFailure::Unreadable);
            ((news.result.vendor, found), None)
        }
        Ok(None) => ((first.clone(), Err(HookFailure::NothingKnown)), None),
        Err(error) => {
            tracing::warn!(%error, "what a vendor said of an identity could not be read");
            ((first.clone(), Err(HookFailure::Unreachable)), Some(error))
        }
    };
    (Some(KycFacts { vendor, found }), unread)
}

/// Marks entries of which two people have said that they are not this player.
///
/// # Errors
/// When the database fails: nothing is excepted then.
pub(super) async fn except_known(
    flows: &Flows,
    player: &Player,
    facts: &mut CheckFacts,
    now: Timestamp,
) -> Result<(), StoreError> {
    let is_near = |told: &NameFacts| told.found.as_ref().is_ok_and(|told| !told.hits.is_empty());
    if !facts.names.iter().any(is_near) {
        return Ok(());
    }
    let pool = flows.db.pool();
    let known = attestations::of_player(pool, &player.key).await;
    let named = name_sha256(player);
    let known = async { Ok((known?, attestations::of_name(pool, &player.key, named).await?)) };
    let read: Result<_, StoreError> = known.await;
    let (known, of_name) = read.inspect_err(|error| {
        tracing::warn!(%error, "what people have said of names could not be read");
    })?;
    let answers = facts.names.iter_mut().filter_map(|told| told.found.as_mut().ok());
    for hit in answers.flat_map(|answer| answer.hits.iter_mut()) {
        let entry = format!("{}/{}", hit.list, hit.entity);
        hit.excepted = known.iter().any(|one| {
            let terms = &one.terms;
            terms.kind == AttestationKind::NameException
                && terms.reference == entry
                && one.holds_at(now)
                // Who had another name then was not looked at.
                && of_name.contains(&one.id)
        });
    }
    Ok(())
}

/// The question that a policy has for a hook at a checkpoint.
pub fn asked(policy: &MarketPolicy, checkpoint: Checkpoint, hook: Hook) -> Option<Ask> {
    let here = policy.rules.iter().filter(|rule| rule.at.contains(&checkpoint));
    here.filter_map(|rule| rule.check.asks()).find(|ask| ask.hook == hook)
}

async fn register_says(
    flows: &Flows,
    register: &Register,
    player: &Player,
    max_age: Duration,
    now: Timestamp,
) -> Result<RegisterAnswer, HookFailure> {
    if let Some(answer) = register_said(flows, &register.id, player, max_age, now).await {
        return Ok(answer);
    }
    let request_id = flows.ids.next().simple().to_string();
    let told = register.ask(player, &request_id, now).await;
    let result = match &told {
        Ok((answer, sha256)) => results::of_register(&register.id, answer, *sha256),
        Err(why) => results::of_failure(&register.id, Hook::Register, &request_id, (*why, now)),
    };
    keep(flows, player, &result, now).await;
    told.map(|(answer, _)| answer)
}

/// What was kept of somebody's answer about the record as it is.
async fn said(flows: &Flows, player: &Player, of: (Hook, &str)) -> Option<VendorResult> {
    let kept = known(flows, player, of).await?;
    (kept.player_version == Some(player.version)).then_some(kept.result)
}

/// What a register has said of this record, where that still counts.
pub(super) async fn register_said(
    flows: &Flows,
    register: &str,
    player: &Player,
    max_age: Duration,
    now: Timestamp,
) -> Option<RegisterAnswer> {
    let answer = results::to_register(&said(flows, player, (Hook::Register, register)).await?)?;
    (now - answer.answered_at <= max_age).then_some(answer)
}

/// What a matcher has said of this record, where that still counts.
pub(super) async fn names_said(
    flows: &Flows,
    matcher: &str,
    player: &Player,
    max_age: Duration,
    now: Timestamp,
) -> Option<NameAnswer> {
    let answer = results::to_names(&said(flows, player, (Hook::Names, matcher)).await?)?;
    (now - answer.asked_at <= max_age).then_some(answer)
}

async fn names_say(
    flows: &Flows,
    matcher: &Matcher,
    player: &Player,
    max_age: Duration,
    now: Timestamp,
) -> NameFacts {
    let found = match names_said(flows, &matcher.id, player, max_age, now).await {
        Some(answer) => Ok(answer),
        None => match_name(flows, matcher, player).await.map(|matched| matched.answer),
    };
    NameFacts { matcher: matcher.id.clone(), found }
}

/// What a matcher said now.
#[derive(Debug, Clone)]
pub struct Matched {
    pub answer: NameAnswer,
    /// The answer as it was kept. None: it could not be.
    pub kept: Option<Uuid>,
}

/// Asks a matcher now, and keeps what it says.
///
/// # Errors
/// No answer that can be used.
pub async fn match_name(
    flows: &Flows,
    matcher: &Matcher,
    player: &Player,
) -> Result<Matched, HookFailure> {
    let now = flows.clock.now();
    let request_id = flows.ids.next().simple().to_string();
    let told = matcher.ask(player, &request_id, now).await;
    let result = match &told {
        Ok((answer, sha256)) => results::of_names(&matcher.id, answer, &request_id, *sha256),
        Err(why) => results::of_failure(&matcher.id, Hook::Names, &request_id, (*why, now)),
    };
    let kept = keep(flows, player, &result, now).await;
    told.map(|(answer, _)| Matched { answer, kept })
}

/// The newest answer that is kept, about whichever version of the record. Without the database it is asked anew: that costs a question, and
/// nothing else.
async fn known(flows: &Flows, player: &Player, (hook, vendor): (Hook, &str)) -> Option<Kept> {
    let wanted = Wanted { player: player.key.clone(), hook, vendor: vendor.to_owned() };
    flows.desks.said.ask(wanted).await.unwrap_or_else(|error| {
        tracing::warn!(%error, "what a vendor said before could not be read");
        None
    })
}

/// Keeps an answer. The decision holds what it was made from in any case.
async fn keep(
    flows: &Flows,
    player: &Player,
    result: &VendorResult,
    asked_at: Timestamp,
) -> Option<Uuid> {
    metrics::counter!("vendor_answers_total", "vendor" => result.vendor.clone(),
        "state" => result.state.as_str())
    .increment(1);
    let id = flows.ids.next();
    let new = NewResult {
        id,
        player: player.key.clone(),
        player_version: player.version,
        result: result.clone(),
        asked_at,
        told_at: None,
    };
    if let Err(error) = flows.desks.results.ask(new).await {
        tracing::warn!(%error, vendor = result.vendor, "what a vendor said could not be kept");
        return None;
    }
    Some(id)
}
