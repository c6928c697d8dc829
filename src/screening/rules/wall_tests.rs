//! The words of every kind of rule, and the wall around what the player must not be warned of.
//!
//! The list of kinds is checked against the text of [`super::read`]: a kind that nobody has placed on
//! one side of the wall fails here before it can tell anybody anything.

use super::super::file::reader::Source;
use super::super::rule::{RuleResult, State};
use super::*;
use crate::domain::{Audience, Reason};
use std::collections::BTreeSet;
use toml::de::DeTable;

/// Kinds whose findings tipping-off law keeps from everybody but compliance.
const SECRET: &[&str] = &[
    "kyt.deposit",
    "kyt.withdrawal",
    "travel_rule",
    "payer.account",
    "sanctions_pep",
    "velocity.count",
    "velocity.sum",
    "velocity.instruments",
    "structuring",
    "minimal_play",
    "instrument.shared",
];

/// Kinds that may be told of, as long as they do not hold.
const OPEN: &[&str] = &[
    "currency.allowed",
    "method.allowed",
    "amount.min",
    "amount.max",
    "kyc.level",
    "kyc.vendor",
    "age.min",
    "dual_approval",
    "closed_loop.named",
    "payer.name",
    "payer.tax_id",
    "excluded.register_answer",
    "limit.cross_operator",
    "affordability",
    "cdd.threshold",
    "limit.required",
    "limit.contact",
];

/// What the words of some kinds depend on, beside the state.
const OBSERVED: &[&str] = &[
    "100.00 EUR",
    "card, credit",
    "card, not told whose money",
    "closed",
    "frozen",
    "pep x",
    "not asked",
    "no answer",
    "excluded",
    "severe",
    "level 1 (pending)",
    "pending at",
    "retry at",
    "rejected at",
    "verified at",
    "never verified",
];

const EFFECTS: [Outcome; 3] = [Outcome::Review, Outcome::Hold, Outcome::Deny];

fn named_in_the_code() -> BTreeSet<&'static str> {
    let text = include_str!("mod.rs");
    let (_, read) = text.split_once("Some(match kind {").expect("the kinds stand in one match");
    let (arms, _) = read.split_once("_ => return None").expect("the match has an end");
    let arms = arms.lines().filter_map(|line| line.trim().strip_prefix('"'));
    arms.filter_map(|line| line.split_once("\" =>")).map(|(kind, _)| kind).collect()
}

/// The kind without parameters: its words do not hang on them.
fn check(kind: &str) -> Arc<dyn Check> {
    let parsed = DeTable::parse("").expect("nothing is sound TOML");
    let source = Source::new("kind.toml", "");
    let table = Table::new(&source, parsed.get_ref(), parsed.span());
    read(kind, &table, &[Currency::EUR]).unwrap_or_else(|| panic!("{kind} is no kind")).0
}

fn rule(kind: &str) -> Rule {
    let (check, at) = (check(kind), vec![Checkpoint::DepositPre]);
    let effect = Outcome::Review;
    let source = "test".to_owned();
    let (id, number) = (kind.into(), 20);
    Rule { number, id, check, at, effect, only_records: false, source, source_date: None }
}

/// Every reason that a rule can give: hit, error and near miss, with each effect.
fn reasons(rule: &Rule) -> Vec<(Outcome, Reason)> {
    let mut told = Vec::new();
    for effect in EFFECTS {
        for state in [State::Hit, State::Error, State::NoHit] {
            for observed in OBSERVED {
                let result = RuleResult {
                    number: rule.number,
                    rule: rule.id.clone(),
                    state,
                    observed: (*observed).to_owned(),
                    operator: rule.check.operator(),
                    threshold: "50.00 EUR".to_owned(),
                    effect,
                    acts: true,
                };
                told.push((effect, rule.reason(&result)));
            }
        }
    }
    told
}

fn every_rule() -> Vec<Rule> {
    let kinds = SECRET.iter().chain(OPEN).map(|kind| rule(kind));
    kinds.chain(built_in(true).iter().cloned()).chain(built_in(false).iter().cloned()).collect()
}

#[test]
fn every_kind_stands_on_one_side_of_the_wall() {
    let placed: BTreeSet<&str> = SECRET.iter().chain(OPEN).copied().collect();
    assert_eq!(placed.len(), SECRET.len() + OPEN.len(), "no kind stands on both sides");
    assert_eq!(placed, named_in_the_code());
}

#[test]
fn what_tipping_off_law_covers_is_for_compliance_whatever_its_effect() {
    for kind in SECRET {
        for (effect, reason) in reasons(&rule(kind)) {
            assert_eq!(reason.audience, Audience::Compliance, "{kind}, {effect:?}: {reason:?}");
        }
    }
}

#[test]
fn whatever_holds_is_for_compliance_and_open_kinds_are_told_otherwise() {
    let mut told = 0;
    for rule in every_rule() {
        for (effect, reason) in reasons(&rule) {
            if effect == Outcome::Hold {
                assert_eq!(reason.audience, Audience::Compliance, "{reason:?}");
            } else if reason.audience != Audience::Compliance {
                told += 1;
            }
        }
    }
    assert_ne!(told, 0, "the wall keeps back only what it must");
    for kind in OPEN {
        let mut reasons = reasons(&rule(kind)).into_iter();
        assert!(reasons.any(|(_, reason)| reason.audience < Audience::Compliance), "{kind}");
    }
}

#[test]
fn every_reason_has_a_code_its_rule_and_a_remedy() {
    for rule in every_rule() {
        for (_, reason) in reasons(&rule) {
            let (area, fact) = reason.code.split_once('.').expect("a code is area.fact");
            let plain = |text: &str| {
                !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
            };
            assert!(plain(area) && plain(fact), "{}", reason.code);
            assert!(!reason.message.is_empty(), "{reason:?}");
            assert!(reason.remedy.as_ref().is_some_and(|text| !text.is_empty()), "{reason:?}");
            assert_eq!(reason.rule.as_deref(), Some(&*rule.id));
        }
    }
}

#[test]
fn what_is_told_to_the_player_or_the_casino_does_not_speak_of_a_hold() {
    for rule in every_rule() {
        let open = reasons(&rule).into_iter().filter(|(_, it)| it.audience < Audience::Compliance);
        for (_, reason) in open {
            let told = format!("{} {} {:?}", reason.code, reason.message, reason.remedy);
            for word in ["sanction", "launder", "suspici", "structuring", "held", "compliance"] {
                assert!(!told.to_lowercase().contains(word), "{word}: {told}");
            }
        }
    }
}
