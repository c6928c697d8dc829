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
    "payee.name",
    "excluded.register_answer",
    "limit.cross_operator",
    "affordability",
    "cdd.threshold",
    "limit.required",
    "limit.contact",
    "withdrawal.sla",
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

/// Beginnings of words that would tell that somebody is looked at, and why.
const TELLTALE: &[&str] = &[
    "sanction",
    "launder",
    "aml",
    "suspic",
    "suspect",
    "structuring",
    "pattern",
    "usual",
    "velocity",
    "hold",
    "held",
    "compliance",
    "officer",
    "report",
    "politic",
    "pep",
    "diligence",
    "analytic",
    "blockchain",
    "kyt",
    "vendor",
    "matcher",
    "travel",
    "unproven",
    "proven",
    "fraud",
    "crim",
    "risk",
    "terror",
    "investigat",
    "monitor",
    "watch",
    "tipping",
    "alert",
    "flag",
    "senior",
    "screening",
];

/// The first of them in a text, by whole words: a threshold is no hold, and a holder holds nothing back.
fn telltale(text: &str) -> Option<&'static str> {
    let text = text.to_lowercase();
    let words: Vec<&str> = text.split(|c: char| !c.is_ascii_alphabetic()).collect();
    TELLTALE.iter().copied().find(|beginning| {
        words.iter().any(|word| word.starts_with(beginning) && !word.starts_with("holder"))
    })
}

/// The rule's own words; what was observed is made up here.
fn words_of(reason: &Reason) -> String {
    let (code, remedy) = (&reason.code, reason.remedy.as_deref().unwrap_or_default());
    let observed = reason.observed.as_deref().unwrap_or_default();
    format!("{code} {} {remedy}", reason.message.replace(observed, ""))
}

#[test]
fn what_is_told_to_the_player_or_the_casino_does_not_speak_of_a_suspicion() {
    for rule in every_rule() {
        let open = reasons(&rule).into_iter().filter(|(_, it)| it.audience < Audience::Compliance);
        for (_, reason) in open {
            let told = words_of(&reason);
            assert_eq!(telltale(&told), None, "{told}");
        }
    }
}

/// The control: what is behind the wall speaks of it, but for kinds that say no more than what was counted:
/// that an account is new, that little was played, that others use an instrument.
#[test]
fn the_words_behind_the_wall_would_be_noticed_before_it() {
    let silent = |kind: &&&str| {
        !reasons(&rule(kind)).iter().any(|(_, reason)| telltale(&words_of(reason)).is_some())
    };
    let counted = [&"payer.account", &"minimal_play", &"instrument.shared"];
    assert_eq!(SECRET.iter().filter(silent).collect::<Vec<_>>(), counted);
}

/// Whoever may read the code of one reason may read none of another that is secret: codes are either
/// compliance's alone or open, but for holds.
#[test]
fn no_code_is_secret_in_one_rule_and_told_by_another() {
    let codes = |kinds: &[&str]| -> BTreeSet<String> {
        let all = kinds.iter().flat_map(|kind| reasons(&rule(kind)));
        all.map(|(_, reason)| reason.code).collect()
    };
    let (secret, open) = (codes(SECRET), codes(OPEN));
    assert_eq!(secret.intersection(&open).collect::<Vec<_>>(), Vec::<&String>::new());
}
