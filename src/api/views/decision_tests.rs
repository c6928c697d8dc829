use super::*;
use crate::domain::PlayerId;
use crate::screening::Outcome;
use crate::screening::file;
use crate::store::json::NamedRule;
use time::macros::datetime;
use uuid::Uuid;

const VERSION: &str = "DE-2026-11-21e";

fn policies() -> Policies {
    let text = include_str!("../../../config/policies/DE/DE-2026-11-21e.toml");
    let (versions, faults) = file::read_all(&[("DE-2026-11-21e.toml".to_owned(), text.to_owned())]);
    assert_eq!(faults, []);
    Policies::new(versions)
}

/// A decision as the first engine kept it, which knew neither numbers nor audiences.
fn told(policies: &Policies, version: Option<&str>, rules: &[(&str, Outcome)]) -> DecisionLine {
    let named = |(rule, effect): &(&str, Outcome)| {
        StoredRule::Named(NamedRule {
            rule: (*rule).to_owned(),
            hit: true,
            observed: "6 in an hour".to_owned(),
            operator: "<=".to_owned(),
            threshold: "5".to_owned(),
            effect: effect.as_str().to_owned(),
        })
    };
    let now = datetime!(2026-11-25 12:00 UTC);
    let known = version.and_then(|version| policies.version("DE", version));
    DecisionLine {
        id: Uuid::from_u128(1),
        player: PlayerId::trusted("p-1"),
        payment: None,
        checkpoint: "deposit.pre".to_owned(),
        player_version: 1,
        market: Some("DE".to_owned()),
        policy_version: version.map(str::to_owned),
        policy_sha256: known.map(|policy| policy.sha256.to_vec()),
        outcome: "review".to_owned(),
        rules: rules.iter().map(named).collect(),
        reasons: Vec::new(),
        inputs: None,
        engine: "screening-1".to_owned(),
        occurred_at: now,
        known_at: None,
        recorded_at: now,
        slot: 0,
        seq: 1,
    }
}

/// The rules that a reader is told, of all that the policy and the engine have and two that they have
/// not.
fn names(version: Option<&str>, reader: Audience, effect: Outcome) -> Vec<String> {
    let policies = policies();
    let policy = policies.version("DE", VERSION).expect("the shipped version");
    let own = policy.rules.iter().chain(crate::screening::rules::built_in(true));
    let mut rules: Vec<(&str, Outcome)> = own.map(|rule| (&*rule.id, effect)).collect();
    rules.extend([("a.rule_of_before", effect), ("", effect)]);
    let view = DecisionView::of(told(&policies, version, &rules), &policies, reader);
    view.rules.into_iter().map(|rule| rule.rule).collect()
}

#[test]
fn an_old_decision_tells_a_casino_only_the_rules_that_it_may_know() {
    let told = names(Some(VERSION), Audience::Operator, Outcome::Review);
    let may = |name: &str| told.iter().any(|rule| rule == name);
    assert!(may("currency.allowed") && may("limit.player"), "{told:?}");
    for secret in ["velocity", "structuring", "names", "kyt", "travel", "a.rule_of_before"] {
        assert!(!told.iter().any(|rule| rule.starts_with(secret)), "{secret}: {told:?}");
    }
    assert!(!may(""), "{told:?}");
    // The control: they are there, and compliance reads them.
    let all = names(Some(VERSION), Audience::Compliance, Outcome::Review);
    assert!(all.iter().any(|rule| rule.starts_with("velocity")), "{all:?}");
    assert!(told.len() + 2 < all.len() && all.contains(&"a.rule_of_before".to_owned()));
}

#[test]
fn an_old_decision_of_a_version_that_is_gone_tells_a_casino_what_is_built_in() {
    let told = names(Some("DE-gone"), Audience::Operator, Outcome::Deny);
    assert!(!told.is_empty() && told.iter().all(|rule| !rule.starts_with("velocity")), "{told:?}");
}

#[test]
fn an_old_hold_tells_a_casino_no_rule_at_all() {
    assert_eq!(names(Some(VERSION), Audience::Operator, Outcome::Hold), Vec::<String>::new());
}
