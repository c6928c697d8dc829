//! Ten thousand decisions of every market: what is kept of each gives the same decision, to the byte.

use super::drawn::{MARKETS, each, fx, policies};
use interlock::screening::engine;
use interlock::store::{facts_json, facts_text, json};
use proptest::prelude::*;
use serde_json::{Value, json as told};
use std::collections::{BTreeMap, BTreeSet};

#[test]
fn ten_thousand_decisions_come_out_to_the_byte_of_what_is_kept_of_them() {
    let (policies, rates) = (policies(), fx());
    let outcomes = std::cell::RefCell::new(BTreeSet::new());
    each((10_000, &MARKETS), (&policies, &rates), |facts| {
        let made = engine::screen(&policies, &facts);
        let kept = facts_text::text(&facts);
        prop_assert!(!kept.contains("Mustermann") && !kept.contains("12345678909"), "{}", kept);
        let read = facts_json::read(&kept).expect("what was kept can be read");
        prop_assert_eq!(&read, &facts);
        prop_assert_eq!(&facts_text::text(&read), &kept);
        let tree = serde_json::from_str(&kept).expect("JSON");
        prop_assert_eq!(in_order(&tree), kept);
        let policy =
            made.policy.as_ref().and_then(|(market, version, _)| policies.version(market, version));
        let again = engine::decide(policy, &read);
        prop_assert_eq!(json::rules(&again.rules), json::rules(&made.rules));
        prop_assert_eq!(json::reasons(&again.reasons), json::reasons(&made.reasons));
        prop_assert_eq!(again.outcome, made.outcome);
        // Whatever is not approved says why.
        let hits = again.rules.iter().filter(|result| result.is_hit()).count();
        prop_assert_eq!(again.reasons.len(), hits);
        for reason in &again.reasons {
            let told = [&reason.rule, &reason.observed, &reason.threshold, &reason.remedy];
            let full = told.iter().all(|text| text.as_ref().is_some_and(|text| !text.is_empty()));
            prop_assert!(full, "{:?}", reason);
        }
        outcomes.borrow_mut().insert(made.outcome.as_str());
        Ok(())
    });
    assert_eq!(outcomes.into_inner().len(), 4, "all outcomes were met");
}

/// JSON without blanks, the keys of every object in the order of their bytes.
fn in_order(tree: &Value) -> String {
    match tree {
        Value::Object(object) => {
            let members: BTreeMap<_, _> = object.iter().collect();
            let member = |(key, value)| format!("{}:{}", told!(key), in_order(value));
            format!("{{{}}}", members.into_iter().map(member).collect::<Vec<_>>().join(","))
        }
        Value::Array(values) => {
            format!("[{}]", values.iter().map(in_order).collect::<Vec<_>>().join(","))
        }
        plain => plain.to_string(),
    }
}
