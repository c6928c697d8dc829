#![allow(clippy::unwrap_used, reason = "tests may")]

use super::*;

#[test]
fn a_route_is_read_with_names_and_without() {
    let named = r#"{"version":"v1","candidates":[{"psp":"a","rank":1,"reason":"first"},
        {"psp":"b","rank":null,"reason":"too small"}]}"#;
    let read_named = read_route(named).unwrap();
    let lean = route(&read_named);
    assert_eq!(lean, r#"["v1",[["a",1,"first"],["b",null,"too small"]]]"#);
    assert_eq!(route(&read_route(&lean).unwrap()), lean);
}

#[test]
fn a_payer_is_read_with_names_and_without() {
    let named = r#"{"player_reference":"r","player_uuid":"99a6a42c-8113-86a6-a053-e1b26c1746d8",
        "full_name":"Erika Mustermann","given_name":"Erika","family_name":null,
        "email":"e@example.test","phone":null,"national_id":null,"date_of_birth":"1985-04-01",
        "locale":"de-DE","ip":"203.0.113.7"}"#;
    let read_named = read_payer(named).unwrap();
    let lean = payer(&read_named);
    assert!(lean.len() < named.len() * 2 / 3, "{lean}");
    assert_eq!(read_payer(&lean).unwrap(), read_named);
}

#[test]
fn a_rules_finding_is_read_with_its_number_and_as_the_first_engine_wrote_it() {
    let named = r#"{"rule":"kyc.level","hit":true,"observed":"level 0","operator":">=",
        "threshold":"level 1","effect":"deny"}"#;
    let lean = r#"["kyc.level",true,"level 0",">=","level 1","deny"]"#;
    for stored in [named, lean] {
        let StoredRule::Named(found) = read(stored, "rule").unwrap() else { panic!("{stored}") };
        assert_eq!(
            (found.rule.as_str(), found.hit, found.observed.as_str(), found.operator.as_str()),
            ("kyc.level", true, "level 0", ">=")
        );
        assert_eq!((found.threshold.as_str(), found.effect.as_str()), ("level 1", "deny"));
    }
    let result = RuleResult {
        number: 22,
        rule: "kyc.level".into(),
        state: State::Hit,
        observed: "level 0".to_owned(),
        operator: ">=",
        threshold: "level 1".to_owned(),
        effect: Outcome::Deny,
        acts: true,
    };
    let stored = rules(&[result]);
    assert_eq!(stored, r#"[[22,"hit","level 0","level 1","deny",true]]"#);
    let found: Vec<StoredRule> = read(&stored, "rules").unwrap();
    let StoredRule::Numbered(found) = &found[0] else { panic!("{found:?}") };
    assert_eq!(
        (found.number, &*found.state, &*found.effect, found.acts),
        (22, "hit", "deny", true)
    );
}
