//! Money goes back to where it came from before it goes anywhere else.

use crate::domain::{Audience, Currency, Money};
use crate::screening::facts::{Facts, LoopFacts, LoopSource};
use crate::screening::rule::{Check, Finding, RuleResult, Words};

const THRESHOLD: &str = "every source up to its net deposit first";

/// A withdrawal that the allocator shared out: people decide where a source cannot be paid and its money
/// would go elsewhere, or where no split keeps the loop.
#[derive(Debug)]
pub struct ClosedLoop;

impl Check for ClosedLoop {
    fn kind(&self) -> &'static str {
        "closed_loop"
    }

    fn operator(&self) -> &'static str {
        "="
    }

    fn find(&self, facts: &Facts) -> Vec<Finding> {
        let Some((found, currency)) = of_request(facts) else { return Vec::new() };
        if found.is_named {
            return vec![Finding::skipped("the destination was named")];
        }
        let stranded = |source: &LoopSource| {
            let own = 0 < source.uncovered_minor() && source.obstacle.is_some();
            own && !source.is_excepted
        };
        let needs_exception = 0 < found.beyond_minor() && found.sources.iter().any(stranded);
        let hit = needs_exception || found.is_outside;
        vec![Finding::new(hit, observed(found, currency), THRESHOLD)]
    }

    fn words(&self, result: &RuleResult) -> Words {
        // Which sources can be paid is for those who can do something about it.
        Words::new(
            Audience::Operator,
            "withdrawal.source_not_payable",
            format!(
                "the withdrawal cannot go back to where the deposits came from: {}",
                result.observed
            ),
            "two people approve an exception for the source that cannot be paid, or reject the withdrawal",
        )
    }

    fn counts(&self) -> bool {
        true
    }
}

/// A destination that was named although a source could be paid that has not got its own back.
#[derive(Debug)]
pub struct NamedDestination;

impl Check for NamedDestination {
    fn kind(&self) -> &'static str {
        "closed_loop.named"
    }

    fn operator(&self) -> &'static str {
        "="
    }

    fn find(&self, facts: &Facts) -> Vec<Finding> {
        let Some((found, currency)) = of_request(facts) else { return Vec::new() };
        if !found.is_named {
            return vec![Finding::skipped("no destination was named")];
        }
        let waits = |source: &LoopSource| 0 < source.uncovered_minor() && !source.is_excepted;
        let hit = 0 < found.beyond_minor() && found.sources.iter().any(waits);
        vec![Finding::new(hit, observed(found, currency), THRESHOLD)]
    }

    fn words(&self, result: &RuleResult) -> Words {
        Words::new(
            Audience::Player,
            "withdrawal.outside_closed_loop",
            format!(
                "money must go back to where the deposits came from first: {}",
                result.observed
            ),
            "leave the destination out, and the withdrawal is shared out among the sources",
        )
    }

    fn counts(&self) -> bool {
        true
    }
}

fn of_request(facts: &Facts) -> Option<(&LoopFacts, Currency)> {
    facts.closed_loop.as_ref().zip(facts.money().map(|money| money.currency))
}

/// "80.00 EUR to 2 sources, 20.00 EUR beyond (iban); not paid back: 30.00 EUR of card (no PSP pays it)".
fn observed(found: &LoopFacts, currency: Currency) -> String {
    let money = |minor: i64| Money::new(minor, currency).to_string();
    let own: Vec<i64> =
        found.sources.iter().map(LoopSource::own_minor).filter(|minor| 0 < *minor).collect();
    let plural = if own.len() == 1 { "source" } else { "sources" };
    let mut text = format!("{} to {} {plural}", money(own.iter().sum()), own.len());
    let beyond = found.beyond_minor();
    if 0 < beyond {
        let kind = found.elsewhere.as_ref().map_or("a source", |(kind, _)| kind.as_str());
        text += &format!(", {} beyond ({kind})", money(beyond));
    }
    let left: Vec<String> = found
        .sources
        .iter()
        .filter(|s| 0 < s.uncovered_minor())
        .map(|source| {
            let uncovered = money(source.uncovered_minor());
            let why = match (source.is_excepted, source.exception, source.obstacle) {
                (true, Some(id), _) => format!(" (by the approved exception {id})"),
                (true, None, _) => " (by an approved exception)".to_owned(),
                (false, Some(id), _) => format!(
                    " (the approved exception {id} holds for the player's own accounts, and this \
                     destination is not known to be one)"
                ),
                (false, None, Some(obstacle)) => format!(" ({})", obstacle.text()),
                (false, None, None) => String::new(),
            };
            format!("{uncovered} of {}{why}", source.kind)
        })
        .collect();
    if !left.is_empty() {
        text += &format!("; not paid back: {}", left.join(", "));
    }
    if found.is_outside {
        text += "; no split keeps within the PSPs' bounds and the number of parts";
    }
    text
}

#[cfg(test)]
#[path = "closed_loop_tests.rs"]
mod tests;
