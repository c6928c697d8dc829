//! What two screenings of the same payment say differently.

use super::MarketPolicy;
use super::engine::rule_of;
use crate::store::StoreError;
use crate::store::json::{self, StoredRule};
use std::collections::BTreeMap;

/// What a decision told, byte for byte as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    pub outcome: String,
    pub rules: String,
    pub reasons: String,
}

/// One thing that is told otherwise. None: it is not told at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// `outcome`, `rule` or `reason`.
    pub what: &'static str,
    /// The rule's id or the reason's code.
    pub name: Option<String>,
    pub recorded: Option<String>,
    pub replayed: Option<String>,
}

/// Everything that is told otherwise, rules by their id: numbers differ from version to version.
///
/// # Errors
/// The stored form cannot be read.
pub fn differences(
    recorded: &Told,
    recorded_by: Option<&MarketPolicy>,
    replayed: &Told,
    replayed_by: Option<&MarketPolicy>,
) -> Result<Vec<Difference>, StoreError> {
    let mut found = Vec::new();
    if recorded.outcome != replayed.outcome {
        found.push(Difference {
            what: "outcome",
            name: None,
            recorded: Some(recorded.outcome.clone()),
            replayed: Some(replayed.outcome.clone()),
        });
    }
    let rules = (table(&recorded.rules, recorded_by)?, table(&replayed.rules, replayed_by)?);
    add("rule", rules.0, &rules.1, &mut found);
    let reasons = (reasons(&recorded.reasons)?, reasons(&replayed.reasons)?);
    add("reason", reasons.0, &reasons.1, &mut found);
    Ok(found)
}

type Lines = BTreeMap<(String, usize), String>;

fn add(what: &'static str, recorded: Lines, replayed: &Lines, found: &mut Vec<Difference>) {
    for (key, line) in replayed {
        if !recorded.contains_key(key) {
            let (name, replayed) = (Some(key.0.clone()), Some(line.clone()));
            found.push(Difference { what, name, recorded: None, replayed });
        }
    }
    for (key, line) in recorded {
        let other = replayed.get(&key);
        if other != Some(&line) {
            let (name, replayed) = (Some(key.0), other.cloned());
            found.push(Difference { what, name, recorded: Some(line), replayed });
        }
    }
}

/// A line a finding; the second of one rule is a line of its own.
fn table(stored: &str, policy: Option<&MarketPolicy>) -> Result<Lines, StoreError> {
    let rules: Vec<StoredRule> = json::read(stored, "rules")?;
    let mut lines = Lines::new();
    for rule in rules {
        let (name, line) = match rule {
            StoredRule::Named(named) => {
                let state = if named.hit { "hit" } else { "no_hit" };
                (named.rule, text(state, &named.observed, &named.threshold, &named.effect, true))
            }
            StoredRule::Numbered(found) => {
                let known = rule_of(policy, found.number).map(|rule| rule.id.to_string());
                let name = known.unwrap_or_else(|| format!("rule {}", found.number));
                let json::NumberedRule { state, observed, threshold, effect, acts, .. } = found;
                (name, text(&state, &observed, &threshold, &effect, acts))
            }
        };
        let again = (0..).find(|n| !lines.contains_key(&(name.clone(), *n))).unwrap_or_default();
        lines.insert((name, again), line);
    }
    Ok(lines)
}

fn text(state: &str, observed: &str, threshold: &str, effect: &str, acts: bool) -> String {
    let only = if acts { "" } else { ", only recorded" };
    format!("{state}: {observed}; threshold {threshold}; effect {effect}{only}")
}

fn reasons(stored: &str) -> Result<Lines, StoreError> {
    let mut lines = Lines::new();
    for reason in json::read_reasons(stored)? {
        let again = (0..).find(|n| !lines.contains_key(&(reason.code.clone(), *n)));
        let remedy = reason.remedy.as_deref().unwrap_or("none");
        let audience = reason.audience.as_str();
        let line = format!("{}; remedy: {remedy}; for {audience}", reason.message);
        lines.insert((reason.code, again.unwrap_or_default()), line);
    }
    Ok(lines)
}
