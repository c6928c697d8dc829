//! Asks registers and matchers what the policy in force wants to know of a player.

use super::matcher::Matcher;
use super::register::Register;
use crate::domain::{Player, Timestamp};
use crate::flows::Flows;
use crate::screening::Checkpoint;
use crate::screening::hooks::{CheckFacts, HookFailure, NameFacts, RegisterFacts};
use crate::screening::policy::MarketPolicy;
use crate::screening::rule::Ask;
use crate::screening::signals::Hook;

/// What is to be known at a checkpoint. Room in a file of limits is taken later, when nothing else
/// speaks against the deposit.
pub async fn ask_checks(flows: &Flows, player: &Player, checkpoint: Checkpoint) -> CheckFacts {
    let mut facts = CheckFacts::default();
    let now = flows.clock.now();
    let Some(policy) = flows.policies.in_force(&player.country, now) else {
        // No licence: that is denied without asking anybody.
        return facts;
    };
    if asked(policy, checkpoint, Hook::Register).is_some() {
        let register = flows.checks.register(&player.country);
        facts.register = match register {
            Some(register) => Some(ask_register(flows, register, player, now).await),
            None => None,
        };
    }
    if asked(policy, checkpoint, Hook::Names).is_some() {
        let matchers = flows.checks.matchers(&player.country);
        let asking = matchers.map(|matcher| ask_matcher(flows, matcher, player, now));
        facts.names = futures_util::future::join_all(asking).await;
    }
    facts
}

/// The question that a policy has for a hook at a checkpoint.
pub fn asked(policy: &MarketPolicy, checkpoint: Checkpoint, hook: Hook) -> Option<Ask> {
    let here = policy.rules.iter().filter(|rule| rule.at.contains(&checkpoint));
    here.filter_map(|rule| rule.check.asks()).find(|ask| ask.hook == hook)
}

async fn ask_register(
    flows: &Flows,
    register: &Register,
    player: &Player,
    now: Timestamp,
) -> RegisterFacts {
    let request_id = flows.ids.next().simple().to_string();
    let told = register.ask(player, &request_id, now).await;
    let found = told.map(|(answer, _)| answer);
    count(&register.id, found.as_ref().err());
    RegisterFacts { register: register.id.clone(), found }
}

async fn ask_matcher(
    flows: &Flows,
    matcher: &Matcher,
    player: &Player,
    now: Timestamp,
) -> NameFacts {
    let request_id = flows.ids.next().simple().to_string();
    let told = matcher.ask(player, &request_id, now).await;
    let found = told.map(|(answer, _)| answer);
    count(&matcher.id, found.as_ref().err());
    NameFacts { matcher: matcher.id.clone(), found }
}

fn count(vendor: &str, failure: Option<&HookFailure>) {
    let result = failure.map_or("final", |failure| failure.as_str());
    metrics::counter!("vendor_answers_total", "vendor" => vendor.to_owned(), "result" => result)
        .increment(1);
}
