//! What the rules of a policy want to know of a player's movements, counted for one screening.

use super::aggregate::{Aggregate, Flow, Query, aggregate, worth};
use super::facts::Facts;
use super::gather::{Locked, Setting};
use super::policy::MarketPolicy;
use super::rule::{Rule, State};
use super::signals::Hook;
use super::{Checkpoint, FxTable, engine};
use crate::domain::{Money, Timestamp};
use uuid::Uuid;

/// The answer to one question, the payment that is screened left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    pub query: Query,
    pub from: Timestamp,
    /// The end of the calendar's period, or when it was counted.
    pub to: Timestamp,
    /// In words: "since 2026-11-01 00:00 Europe/Amsterdam".
    pub window: String,
    /// The sum in the query's currency, or why there is none.
    pub sum: Result<Money, String>,
    pub count: u32,
    /// Different instruments, that of the payment too where it is known.
    pub instruments: u32,
}

impl Counted {
    /// The sum with the payment that is screened, where that adds to it.
    ///
    /// # Errors
    /// Why there is no sum, in words for people.
    pub fn sum_with(&self, facts: &Facts) -> Result<Money, String> {
        let sum = self.sum.clone()?;
        let Some(own) = self.own(facts, &facts.fx)? else { return Ok(sum) };
        sum.checked_add(own).ok_or_else(|| "more than can be counted".to_owned())
    }

    /// The count with the payment that is screened, where it is one of those.
    pub fn count_with(&self, facts: &Facts) -> u32 {
        // What cannot be compared with the band may lie in it.
        let own = self.own(facts, &facts.fx).map_or(true, |own| own.is_some());
        self.count.saturating_add(u32::from(own))
    }

    /// What the payment adds.
    fn own(&self, facts: &Facts, fx: &FxTable) -> Result<Option<Money>, String> {
        let direction = facts.checkpoint.direction();
        let grows = direction.is_some_and(|direction| self.query.flow.grows_by(direction));
        let Some(money) = facts.money().filter(|_| grows) else { return Ok(None) };
        let own = worth(money, self.query.currency, fx).map_err(|error| error.to_string())?;
        let fits = self.query.band.is_none_or(|(least, below)| (least..below).contains(&own.minor));
        Ok(fits.then_some(own))
    }
}

/// Whether these facts, which were gathered for one version, answer all that the rules of another ask at their
/// checkpoint: of the player's movements, of vendors, and of what two people vouch for.
pub fn are_answered(
    policy: &MarketPolicy,
    gathered_for: Option<&MarketPolicy>,
    facts: &Facts,
) -> bool {
    let then: Vec<&Rule> = gathered_for
        .into_iter()
        .flat_map(|policy| &policy.rules)
        .filter(|rule| rule.at.contains(&facts.checkpoint) && engine::applies(rule, facts))
        .collect();
    let here = policy.rules.iter().filter(|rule| rule.at.contains(&facts.checkpoint));
    // What only records comes to nothing either way.
    let acts = |rule: &&Rule| !rule.only_records && !facts.only_records(&rule.id);
    let was_asked = here
        .filter(acts)
        .filter(|rule| engine::applies(rule, facts))
        .all(|rule| was_asked_outside(rule, &then, facts) && was_vouched_for(rule, &then, facts));
    was_asked && are_counted(policy, facts)
}

/// Whether the vendors that a rule hangs on were asked then too, or it has nothing to say of these facts.
fn was_asked_outside(rule: &Rule, then: &[&Rule], facts: &Facts) -> bool {
    let asks = |rule: &Rule, hook: Hook| {
        let asked = rule.check.asks().is_some_and(|ask| ask.hook == hook);
        // Nobody waits for a vendor on which hangs nothing.
        let is_on_record = rule.only_records || facts.only_records(&rule.id);
        asked || (rule.check.hook() == Some(hook) && !is_on_record)
    };
    let wanted = rule.check.hook().or_else(|| rule.check.asks().map(|ask| ask.hook));
    wanted.is_none_or(|hook| {
        then.iter().any(|other| asks(other, hook)) || rule.check.find(facts).is_empty()
    })
}

/// Whether it was looked then who vouches for what a rule hits, or there is nothing to vouch for.
fn was_vouched_for(rule: &Rule, then: &[&Rule], facts: &Facts) -> bool {
    let mut kinds = rule.check.lifted_by().iter();
    kinds.all(|kind| then.iter().any(|other| other.check.lifted_by().contains(kind)))
        || rule.check.find(facts).iter().all(|finding| finding.state != State::Hit)
}

fn are_counted(policy: &MarketPolicy, facts: &Facts) -> bool {
    let mut here = policy.rules.iter().filter(|rule| rule.at.contains(&facts.checkpoint));
    let is_known = facts.shared.is_some() || !here.any(|rule| rule.check.looks_for_others());
    is_known && asked(policy, facts.checkpoint).iter().all(|query| facts.counted(query).is_some())
}

fn asked(policy: &MarketPolicy, checkpoint: Checkpoint) -> Vec<Query> {
    let asking = policy.rules.iter().filter(|rule| rule.at.contains(&checkpoint));
    let mut queries: Vec<Query> = asking.flat_map(|rule| rule.check.queries()).collect();
    queries.sort_unstable();
    queries.dedup();
    queries
}

/// Answers what the policy's rules ask at this checkpoint, each question once.
pub fn count(
    policy: Option<&MarketPolicy>,
    facts: &Facts,
    (locked, payment): (&Locked<'_>, Option<Uuid>),
    setting: &Setting<'_>,
) -> Vec<Counted> {
    let Some(policy) = policy else { return Vec::new() };
    let movements = locked.movements;
    let own = movements.iter().find(|found| Some(found.payment) == payment);
    let at = (&policy.calendar, setting.now);
    let answer = |query: Query| {
        let found = aggregate(movements, &query, payment, at, setting.fx);
        let Aggregate { sum, count, mut instruments, from, to } = found;
        instruments.extend(own.and_then(|own| own.instrument));
        Counted {
            query,
            from,
            to,
            window: query.window.words(at.0, at.1),
            sum: match query.flow {
                Flow::Turnover => locked.background.turnover(&query, at, setting.fx),
                _ => sum.map_err(|error| error.to_string()),
            },
            count,
            instruments: u32::try_from(instruments.len()).unwrap_or(u32::MAX),
        }
    };
    asked(policy, facts.checkpoint).into_iter().map(answer).collect()
}

#[cfg(test)]
#[path = "counters_tests.rs"]
mod tests;
