//! What is wrong with a policy that can be read: rules that can never change anything, and rules that
//! leave nothing to be done.
//!
//! A published version is never held to this again: it was, when it was proposed, and what is found here
//! may grow.

use super::library::Library;
use super::policy::{Place, Placed, read_placed};
use super::reader::Fault;
use super::said::{Said, SaidRule, Value};
use crate::domain::{Currency, Direction, Method};
use crate::screening::Outcome;
use crate::screening::policy::MarketPolicy;
use crate::screening::rule::{Rule, Tighter};
use rust_decimal::Decimal;

/// Reads a version and looks for contradictions and for rules that nothing reaches.
///
/// # Errors
/// Everything that is wrong with it, with file and line.
pub fn check(file: &str, text: &str, library: &Library) -> Result<MarketPolicy, Vec<Fault>> {
    let Placed { policy, places } = read_placed(file, text, library)?;
    let said = Said::read(text, library);
    let rules = policy.rules.iter().zip(&places).zip(&said.rules);
    let rules: Vec<Stated<'_>> =
        rules.map(|((rule, place), said)| Stated { rule, place, said }).collect();
    let mut faults = Vec::new();
    for (at, one) in rules.iter().enumerate() {
        faults.extend(denies_what_stays_held(one));
        faults.extend(never_asked_about(one, &policy));
        let shadow = rules.iter().enumerate().find(|(other, by)| shadows((*other, by), (at, one)));
        faults.extend(shadow.map(|(_, by)| one.shadowed(by)));
    }
    faults.extend(empty_bounds(&policy, &rules));
    faults.extend(no_method_left(&rules));
    faults.sort();
    faults.dedup();
    if faults.is_empty() { Ok(policy) } else { Err(faults) }
}

/// A rule, where it stands, and what is written there.
struct Stated<'a> {
    rule: &'a Rule,
    place: &'a Place,
    said: &'a SaidRule,
}

impl Stated<'_> {
    fn fault(&self, message: String) -> Fault {
        Fault { file: self.place.file.clone(), line: self.place.line, message }
    }

    fn shadowed(&self, by: &Stated<'_>) -> Fault {
        let (id, other) = (&self.rule.id, &by.rule.id);
        let line = by.place.line;
        self.fault(if self.rule.only_records && !by.rule.only_records {
            format!("{id} only records what {other} (line {line}) finds and acts on anyway")
        } else {
            format!(
                "{id} never changes an outcome: whatever it finds, {other} (line {line}) finds too"
            )
        })
    }
}

/// What the player must not learn, or cannot put right, holds a withdrawal or sends it to people: a
/// denial would give the money back to somebody who may be laundering it, or keep it from its owner.
fn denies_what_stays_held(one: &Stated<'_>) -> Option<Fault> {
    let leaves =
        |point: &&crate::screening::Checkpoint| point.direction() == Some(Direction::Withdrawal);
    let point = one.rule.at.iter().find(leaves)?;
    let denies = one.rule.effect == Outcome::Deny && !one.rule.check.player_can_put_right();
    denies.then(|| {
        one.fault(format!(
            "{} denies at {}: a withdrawal is denied only for what the player can put right; \
             use review or hold, or leave the checkpoint out",
            one.rule.id,
            point.as_str()
        ))
    })
}

/// A bound in a currency that the market has no wallets in. What is included may know more currencies.
fn never_asked_about(one: &Stated<'_>, policy: &MarketPolicy) -> Option<Fault> {
    if one.place.included || policy.currencies.is_empty() {
        return None;
    }
    let bounded = |currency: &&Currency| {
        let of = |direction| one.rule.check.bounds(direction, **currency) != (None, None);
        !policy.currencies.contains(currency)
            && (of(Direction::Deposit) || of(Direction::Withdrawal))
    };
    let currency = Currency::ALL.iter().find(bounded)?;
    let id = &one.rule.id;
    Some(one.fault(format!("{id} bounds {currency}, which is no currency of this market")))
}

/// Whether a rule finds, and does, all that another would. Of two that say the same, the first does.
fn shadows((by_at, by): (usize, &Stated<'_>), (at, one): (usize, &Stated<'_>)) -> bool {
    let stands_in = |by: &Stated<'_>, one: &Stated<'_>| {
        by.rule.check.kind() == one.rule.check.kind()
            && (one.rule.only_records || !by.rule.only_records)
            && one.rule.at.iter().all(|point| by.rule.at.contains(point))
            && (one.rule.only_records || one.rule.effect <= by.rule.effect)
            && is_as_tight(by, one)
    };
    at != by_at && stands_in(by, one) && (by_at < at || !stands_in(one, by))
}

/// Whether every parameter of `by` catches at least what that of `one` does.
fn is_as_tight(by: &Stated<'_>, one: &Stated<'_>) -> bool {
    let ways = one.rule.check.tighter();
    let way = |key: &str| ways.iter().find(|(name, _)| key.starts_with(name)).map(|(_, way)| *way);
    let find = |rule: &Stated<'_>, key: &str| rule.said.entries.get(key).cloned();
    let kept = one.said.parameters().all(|(key, value)| match (find(by, key), way(key)) {
        (Some(other), _) if other == *value => true,
        (Some(other), Some(way)) => catches_more(way, &other, value),
        (Some(_) | None, _) => false,
    });
    // Without a way, a parameter that only the other has narrows it down.
    let added = |(key, _): (&str, &Value)| find(one, key).is_some() || way(key).is_some();
    kept && by.said.parameters().all(added)
}

fn catches_more(way: Tighter, by: &Value, one: &Value) -> bool {
    match (way, by, one) {
        (Tighter::Fewer, Value::Many(by), Value::Many(one)) => by.iter().all(|it| one.contains(it)),
        (Tighter::Higher | Tighter::Lower, Value::One(by), Value::One(one)) => {
            let numbers = by.parse::<Decimal>().ok().zip(one.parse::<Decimal>().ok());
            let higher = way == Tighter::Higher;
            numbers.is_some_and(|(by, one)| if higher { one <= by } else { by <= one })
        }
        _ => false,
    }
}

/// Amounts that one rule wants at least and another allows at most.
fn empty_bounds(policy: &MarketPolicy, rules: &[Stated<'_>]) -> Vec<Fault> {
    let acting: Vec<&Stated<'_>> = rules.iter().filter(|one| !one.rule.only_records).collect();
    let mut faults = Vec::new();
    for direction in [Direction::Deposit, Direction::Withdrawal] {
        for currency in &policy.currencies {
            let of = |one: &Stated<'_>| one.rule.check.bounds(direction, *currency);
            let least = acting.iter().filter_map(|one| Some((of(one).0?, one)));
            let most = acting.iter().filter_map(|one| Some((of(one).1?, one)));
            let (least, most) = (least.max_by_key(|it| it.0), most.min_by_key(|it| it.0));
            if let (Some((least, by)), Some((most, one))) = (least, most)
                && most < least
            {
                faults.push(one.fault(format!(
                    "{} and {} (line {}) leave no {} in {currency}: at least {}, at most {}",
                    one.rule.id,
                    by.rule.id,
                    by.place.line,
                    direction.as_str(),
                    crate::domain::Money::new(least, *currency),
                    crate::domain::Money::new(most, *currency),
                )));
            }
        }
    }
    faults
}

/// Lists of methods that have none in common.
fn no_method_left(rules: &[Stated<'_>]) -> Option<Fault> {
    let acting = rules.iter().filter(|one| !one.rule.only_records);
    let mut left: Option<Vec<Method>> = None;
    for one in acting {
        let Some(allowed) = one.rule.check.methods() else { continue };
        let both = left.map_or_else(
            || allowed.to_vec(),
            |left| left.into_iter().filter(|method| allowed.contains(method)).collect(),
        );
        if both.is_empty() {
            let id = &one.rule.id;
            let message = format!("{id} leaves no method that the rules before it leave");
            return Some(one.fault(message));
        }
        left = Some(both);
    }
    None
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
