//! Routing rules as lines of text: what is kept of each version, and what an instance that begins compares.
//!
//! In the order of the alphabet, so that rules that stand elsewhere in a file are the same rules. The lines
//! are kept for good: what a later release has to add, it adds only where something is set.

use super::rules::{RouteRule, RoutingRules, Scoring, Strategy, Terms};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{Display, Write};

/// Every route and agreement, a line each, each with a line's end.
pub fn text(rules: &RoutingRules) -> String {
    let routes = rules.routes.iter().map(route);
    let lines: BTreeSet<String> = routes.chain(rules.terms.iter().map(terms)).collect();
    lines.into_iter().fold(String::new(), |text, line| text + &line + "\n")
}

/// The first line that stands in one of two texts alone: of this one, and of the other. None: they are equal.
pub fn difference(one: &str, other: &str) -> Option<(String, String)> {
    let alone = |of: &str, beside: &str| {
        let line = of.lines().find(|line| beside.lines().all(|known| known != *line));
        line.unwrap_or("nothing").to_owned()
    };
    (one != other).then(|| (alone(one, other), alone(other, one)))
}

fn route(route: &RouteRule) -> String {
    let RouteRule { direction, country, method, currency, order, strategy, first_deposit } = route;
    let mut line = format!("{direction} {country} {method} {currency}: {}", order.join(", "));
    match strategy {
        Strategy::Ranked => line += "; ranked",
        Strategy::Adaptive(set) => line += &adaptive(set),
    }
    if !first_deposit.is_empty() {
        line = line + "; first deposit to " + &first_deposit.join(", ");
    }
    line
}

fn adaptive(set: &Scoring) -> String {
    let Scoring { priority, weight_bps, fee_percent, tie_bps, .. } = set;
    let Scoring { commitment_bps, sticky_bps, seen_instrument_bps, .. } = set;
    let mut line = format!("; adaptive; fee {fee_percent} %; tie {tie_bps}");
    let each = [
        ("commitment", commitment_bps),
        ("sticky", sticky_bps),
        ("seen instrument", seen_instrument_bps),
    ];
    for (name, bps) in each.into_iter().filter(|(_, bps)| **bps != 0) {
        let _ = write!(line, "; {name} {bps}");
    }
    line + &named("priority", priority) + &named("weight", weight_bps)
}

fn named<T: Display>(name: &str, of: &BTreeMap<String, T>) -> String {
    let each: Vec<String> = of.iter().map(|(psp, number)| format!("{psp} {number}")).collect();
    if each.is_empty() { String::new() } else { format!("; {name}: {}", each.join(", ")) }
}

fn terms(terms: &Terms) -> String {
    let Terms { psp, direction, currency, cap_minor, commitment_minor } = terms;
    let mut line = format!("terms of {psp}, {direction} {currency}");
    let each = [("daily cap", cap_minor), ("daily commitment", commitment_minor)];
    for (name, minor) in each.into_iter().filter_map(|(name, minor)| Some((name, (*minor)?))) {
        let _ = write!(line, "; {name} {minor} in minor units");
    }
    line
}

#[cfg(test)]
#[path = "rules_text_tests.rs"]
mod tests;
