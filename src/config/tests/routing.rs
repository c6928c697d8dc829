//! Rules of routing that contradict each other, each with what is to be done about it.

use super::*;

/// The sandbox's routes with one of them, and what else stands there, replaced.
fn faults_of(route: &str, terms: &str) -> Vec<String> {
    let folder = Folder::new();
    let health =
        "[routing]\nversion = '1'\n[routing.health]\nfaults_to_trip = 3\nsilent_calls = 3\n";
    let kind =
        "direction = 'deposit'\ncountry = 'DE'\nmethod = 'bank_transfer'\ncurrency = 'EUR'\n";
    let text = format!("{health}[[routing.routes]]\n{kind}{route}\n{terms}");
    folder.write("routing.toml", &text);
    let mine = "[files]\nrouting = 'routing.toml'\n";
    let profile =
        Profile::Sandbox { home: with_keys(&folder), file: Some(folder.write("my.toml", mine)) };
    match told(&folder, Config::load_with(&profile, &Variables::new())) {
        Ok(_) => Vec::new(),
        Err(faults) => faults,
    }
}

const ORDER: &str = "order = ['trustly-de', 'truelayer-de']\n";

#[track_caller]
fn check(route: &str, terms: &str, expected: &[&str]) {
    let faults = faults_of(&format!("{ORDER}{route}"), terms);
    let expected: Vec<String> =
        expected.iter().map(|fault| format!("routing.toml: routing.{fault}")).collect();
    assert_eq!(faults, expected);
}

#[test]
fn rules_that_fit_together_are_taken() {
    check("strategy = 'ranked'\nfirst_deposit = ['truelayer-de']\n", "", &[]);
    let scoring = "strategy = 'adaptive'\ncommitment_bps = 100\nsticky_bps = 20\n\
        weight_bps = { 'trustly-de' = 50 }\n";
    let terms = "[[routing.terms]]\npsp = 'truelayer-de'\ndirection = 'deposit'\ncurrency = 'EUR'\n\
        daily_cap = '100000.00'\ndaily_commitment = '5000.00'\n";
    check(scoring, terms, &[]);
}

#[test]
fn a_rule_that_cannot_have_its_effect_is_refused() {
    check(
        "sticky_bps = 20\n",
        "",
        &[
            "routes[0].sticky_bps: has no effect in a ranked route: set strategy = \"adaptive\", or leave it out",
        ],
    );
    check(
        "strategy = 'adaptive'\npriority = { 'trustly-de' = 2 }\nweight_bps = { 'trustly-de' = 50 }\n",
        "",
        &[
            "routes[0].weight_bps: `trustly-de` has a priority of its own: its weight can never decide",
        ],
    );
    check(
        "strategy = 'adaptive'\nweight_bps = { 'swish-se' = 5 }\nfirst_deposit = ['swish-se']\n",
        "",
        &[
            "routes[0].first_deposit: `swish-se` is not in this route's order",
            "routes[0].weight_bps.swish-se: is not in this route's order",
        ],
    );
}

#[test]
fn agreements_that_nobody_could_keep_are_refused() {
    let terms = |rest: &str| {
        format!(
            "[[routing.terms]]\npsp = 'truelayer-de'\ndirection = 'deposit'\ncurrency = 'EUR'\n{rest}"
        )
    };
    let promise = "terms[0].daily_commitment: no route can keep it: `truelayer-de` must come first in a \
        ranked route, or stand in an adaptive one with the best priority and with commitment_bps";
    check("", &terms("daily_commitment = '5000.00'\n"), &[promise]);
    let adaptive = "strategy = 'adaptive'\ncommitment_bps = 100\n";
    let worse = format!("{adaptive}priority = {{ 'truelayer-de' = 2 }}\n");
    check(&worse, &terms("daily_commitment = '5000.00'\n"), &[promise]);
    check(
        adaptive,
        &terms("daily_cap = '4000.00'\ndaily_commitment = '5000.00'\n"),
        &["terms[0].daily_commitment: is more than daily_cap allows, 4000.00 EUR"],
    );
    check(
        adaptive,
        &terms(""),
        &["terms[0]: says nothing: set daily_cap, daily_commitment or both"],
    );
    let twice = format!("{0}{0}", terms("daily_cap = '4000.00'\n"));
    check(
        adaptive,
        &twice,
        &["terms[1]: is a second agreement for the same account, direction and currency"],
    );
}

#[test]
fn the_breaker_of_old_is_explained() {
    let old = "[routing.breaker]\nconsecutive_failures = 5\nopen_ms = 5000\n";
    check(
        "",
        old,
        &["breaker: was replaced: set `faults_to_trip` and `silent_calls` in [routing.health]"],
    );
}
