//! From facts to a screening: the built-in rules, then those of the policy in force, in order.

use super::facts::Facts;
use super::policy::{MarketPolicy, Policies};
use super::rule::{Ask, Awaits, PayBy, Rule, RuleResult};
use super::signals::Hook;
use super::{Checkpoint, Outcome, rules};
use crate::domain::{Currency, Reason, Timestamp};
use std::collections::BTreeSet;
use std::sync::Arc;
use time::Date;

/// The semantics of the rules. It grows whenever a rule comes to mean something else, so that a
/// replay knows which engine it repeats.
pub const ENGINE: &str = "screening-2";

/// What came out, and by which policy and rates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Screening {
    pub outcome: Outcome,
    /// Every rule that ran, in order.
    pub rules: Vec<RuleResult>,
    /// One for each rule that hit.
    pub reasons: Vec<Reason>,
    /// Market, version and hash of the policy; none where there is no licence.
    pub policy: Option<(String, String, [u8; 32])>,
    /// Source and date of the exchange rates.
    pub fx: Option<(String, Date)>,
}

impl Screening {
    /// The findings whose effect applies, each with the reason that it gives.
    pub fn hits(&self) -> impl Iterator<Item = (&RuleResult, &Reason)> {
        self.rules.iter().filter(|result| result.is_hit()).zip(&self.reasons)
    }
}

/// The policy that these facts fall under.
pub fn policy_for<'a>(policies: &'a Policies, facts: &Facts) -> Option<&'a MarketPolicy> {
    let player = facts.player.as_ref()?;
    policies.in_force(&player.country, facts.screened_at)
}

/// Screens by the policy in force. No policy means no licence, which a built-in rule denies.
pub fn screen(policies: &Policies, facts: &Facts) -> Screening {
    decide(policy_for(policies, facts), facts)
}

/// Screens by one policy. Pure: the same policy and facts give the same screening, to the byte.
pub fn decide(policy: Option<&MarketPolicy>, facts: &Facts) -> Screening {
    let mut results = Vec::new();
    for rule in all(policy) {
        if rule.at.contains(&facts.checkpoint) && applies(rule, facts) {
            results.extend(rule.results(facts));
        }
    }
    judged(policy, facts, results)
}

/// Asks the counters again, over what was read under the player's lock: `facts` hold the new values,
/// `before` the findings of all the other rules.
pub fn recount(policies: &Policies, facts: &Facts, before: &Screening) -> Screening {
    let named = before.policy.as_ref();
    let policy = named.and_then(|(market, version, _)| policies.version(market, version));
    let mut results = Vec::with_capacity(before.rules.len());
    for rule in all(policy) {
        if !rule.at.contains(&facts.checkpoint) || !applies(rule, facts) {
            continue;
        }
        if rule.check.counts() {
            results.extend(rule.results(facts));
        } else {
            let kept = before.rules.iter().filter(|result| result.number == rule.number);
            results.extend(kept.cloned());
        }
    }
    judged(policy, facts, results)
}

/// What a payment waits for, and what it would be if that came out well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    pub awaits: Vec<Awaits>,
    pub otherwise: Outcome,
}

/// The vendors whose answers are still to come. A rule that is on record only waits for none.
pub fn waiting(policies: &Policies, facts: &Facts, screening: &Screening) -> Option<Waiting> {
    let policy = policy_for(policies, facts);
    let mut awaits = Vec::new();
    let mut numbers = Vec::new();
    for rule in all(policy) {
        let acts = !rule.only_records && !facts.only_records(&rule.id);
        let runs = acts && rule.at.contains(&facts.checkpoint) && applies(rule, facts);
        if runs && let Some(found) = rule.check.awaits(facts) {
            awaits.push(found);
            numbers.push(rule.number);
        }
    }
    let others = screening.rules.iter();
    let others = others.filter(|result| result.is_hit() && !numbers.contains(&result.number));
    let otherwise = others.map(|result| result.effect).max().unwrap_or(Outcome::Approve);
    (!awaits.is_empty()).then_some(Waiting { awaits, otherwise })
}

/// Whether a rule that runs here hangs on a hook.
pub fn hangs_on(policies: &Policies, facts: &Facts, hook: Hook) -> bool {
    let policy = policy_for(policies, facts);
    let mut here = all(policy).filter(|rule| rule.at.contains(&facts.checkpoint));
    here.any(|rule| rule.check.hook() == Some(hook) && applies(rule, facts))
}

/// Whether a rule here looks once more at the player of a withdrawal that was let go.
pub fn looks_again(policies: &Policies, facts: &Facts) -> bool {
    let policy = policy_for(policies, facts);
    here(policy, facts).any(|rule| rule.looks_again(facts))
}

/// Whether somebody outside must have been asked before the rules here can find anything.
pub fn asks(policies: &Policies, facts: &Facts) -> bool {
    let policy = policy_for(policies, facts);
    here(policy, facts).any(|rule| rule.check.asks().is_some())
}

/// Whether a country's policy asks somebody outside about a player whose money comes late.
pub fn asks_of_late(policies: &Policies, country: &str, at: Timestamp) -> bool {
    let policy = policies.in_force(country, at);
    let rules = policy.iter().flat_map(|policy| &policy.rules);
    let mut here = rules.filter(|rule| rule.at.contains(&Checkpoint::DepositPost));
    here.any(|rule| {
        rules::looks_at_unasked(rule.check.kind()) && rule.check.asks().is_some_and(of_late)
    })
}

/// Room in a file of limits is taken for what names no request. A deposit that is late had room once, and the file is told
/// of its money.
fn of_late(ask: Ask) -> bool {
    ask.hook != Hook::CrossOperatorLimit
}

fn here<'a>(policy: Option<&'a MarketPolicy>, facts: &'a Facts) -> impl Iterator<Item = &'a Rule> {
    all(policy).filter(|rule| rule.at.contains(&facts.checkpoint) && applies(rule, facts))
}

/// Whether a rule here compares money of these currencies by exchange rates.
pub(super) fn converts(
    policy: Option<&MarketPolicy>,
    facts: &Facts,
    moved: &BTreeSet<Currency>,
) -> bool {
    here(policy, facts).any(|rule| rule.check.converts(facts, moved))
}

/// What a market promises of a withdrawal, and by which of its rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promise {
    pub version: String,
    pub rule: Arc<str>,
    pub pay_by: PayBy,
}

/// By when this withdrawal is to be at its end: the earliest that a rule says. A rule that is on record only
/// promises nothing.
pub fn pay_by(policy: Option<&MarketPolicy>, facts: &Facts) -> Option<Promise> {
    let policy = policy?;
    let promised = policy.rules.iter().filter_map(|rule| {
        let acts = !rule.only_records && !facts.only_records(&rule.id);
        let runs = acts && rule.at.contains(&facts.checkpoint) && applies(rule, facts);
        let pay_by = rule.check.pay_by(facts).filter(|_| runs)?;
        Some(Promise { version: policy.version.clone(), rule: rule.id.clone(), pay_by })
    });
    promised.min_by_key(|promise| promise.pay_by.deadline_at)
}

fn all(policy: Option<&MarketPolicy>) -> impl Iterator<Item = &Rule> {
    let licensed = policy.is_some();
    let own = policy.map(|policy| policy.rules.as_slice()).unwrap_or_default();
    rules::built_in(licensed).iter().chain(own)
}

/// A deposit that goes back to its source is the casino's act: none of the player's own conditions
/// apply to it. And without a player there is nothing else to look at.
pub(super) fn applies(rule: &Rule, facts: &Facts) -> bool {
    use crate::domain::Origin;
    let returns = facts.payment().is_some_and(|payment| payment.origin == Origin::Return);
    let first = rule.number == rules::PLAYER_KNOWN;
    if facts.checkpoint == Checkpoint::DepositPost && rules::looks_at_unasked(rule.check.kind()) {
        // Whoever is to be asked is asked about what names no request; about what comes late, where it could be.
        let is_nameless = facts.payment().is_some_and(|it| it.origin == Origin::Unsolicited);
        let can_find =
            rule.check.asks().is_none_or(|ask| is_nameless || (facts.asked && of_late(ask)));
        return facts.player.is_some() && facts.unasked && can_find;
    }
    first || (facts.player.is_some() && (!returns || rule.number == rules::PLAYER_STATUS))
}

fn judged(policy: Option<&MarketPolicy>, facts: &Facts, results: Vec<RuleResult>) -> Screening {
    let hits = results.iter().filter(|result| result.is_hit());
    let outcome = hits.clone().map(|result| result.effect).max().unwrap_or(Outcome::Approve);
    let reason = |result: &RuleResult| {
        let rule = all(policy).find(|rule| rule.number == result.number)?;
        Some(rule.reason(result))
    };
    let reasons = hits.filter_map(reason).collect();
    let named =
        |policy: &MarketPolicy| (policy.market.clone(), policy.version.clone(), policy.sha256);
    Screening {
        outcome,
        reasons,
        rules: results,
        policy: policy.map(named),
        fx: Some((facts.fx.source.clone(), facts.fx.date)),
    }
}

/// The rule of a number in a version: what a stored finding is told with.
pub fn rule_of(policy: Option<&MarketPolicy>, number: u16) -> Option<&Rule> {
    all(policy).find(|rule| rule.number == number)
}

/// The rule of an id in a version: what the first engine's findings are told with, which knew no numbers.
pub fn rule_named<'a>(policy: Option<&'a MarketPolicy>, id: &str) -> Option<&'a Rule> {
    all(policy).find(|rule| &*rule.id == id)
}

#[cfg(test)]
#[path = "engine_tests.rs"]
mod tests;
