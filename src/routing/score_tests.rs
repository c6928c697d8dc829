#![allow(clippy::float_arithmetic, reason = "approval rates; no money is counted here")]

use super::*;
use crate::domain::{Currency, Direction, Method, Money, OperatorId};
use crate::routing::plan::{Habits, Volumes};
use crate::routing::rules::{Fee, RoutingRules, Terms};
use std::collections::BTreeMap;
use time::macros::datetime;

fn account(id: &str, fee_bps: i64) -> PspAccount {
    PspAccount {
        id: id.to_owned(),
        operators: vec![OperatorId::trusted("op_demo")],
        countries: vec!["SE".to_owned()],
        currencies: vec![Currency::SEK],
        methods: vec![Method::BankTransfer],
        deposits: Some(BTreeMap::new()),
        payouts: None,
        deposit_fee: Fee { bps: fee_bps, fixed_minor: BTreeMap::new() },
        payout_fee: Fee::default(),
    }
}

struct Scene {
    scoring: Scoring,
    first_deposit: Vec<String>,
    rules: RoutingRules,
    volumes: Volumes,
    habits: Habits,
    /// Drawn approval in percent, standing and fee of `a`, `b`, `c`.
    psps: [(f64, Standing, i64); 3],
}

fn scene(psps: [(f64, Standing, i64); 3]) -> Scene {
    Scene {
        scoring: Scoring { fee_percent: 100, tie_bps: 50, ..Scoring::default() },
        first_deposit: Vec::new(),
        rules: RoutingRules::default(),
        volumes: Volumes::new(),
        habits: Habits::default(),
        psps,
    }
}

fn ordered(scene: &Scene) -> Vec<(String, String)> {
    let accounts: Vec<PspAccount> =
        ["a", "b", "c"].iter().zip(scene.psps).map(|(id, of)| account(id, of.2)).collect();
    let request = Request {
        operator: OperatorId::trusted("op_demo"),
        direction: Direction::Deposit,
        country: "SE".to_owned(),
        method: Method::BankTransfer,
        money: Money::new(10_000, Currency::SEK),
    };
    let rule = RouteRule {
        direction: Direction::Deposit,
        country: "SE".to_owned(),
        method: Method::BankTransfer,
        currency: Currency::SEK,
        order: accounts.iter().map(|account| account.id.clone()).collect(),
        strategy: Strategy::Adaptive(scene.scoring.clone()),
        first_deposit: scene.first_deposit.clone(),
    };
    let known = Known {
        rules: &scene.rules,
        accounts: &accounts,
        switches: &[],
        volumes: &scene.volumes,
        habits: &scene.habits,
        now: datetime!(2026-03-01 12:00 UTC),
    };
    let may: Vec<Asked<'_>> = accounts
        .iter()
        .enumerate()
        .map(|(position, account)| Asked { position, account })
        .collect();
    let place = |(psp, (drawn, standing, _)): (usize, (f64, Standing, i64))| Place {
        psp,
        standing,
        drawn: drawn / 100.0,
        expected: drawn / 100.0,
    };
    let places: Vec<Place> = scene.psps.into_iter().enumerate().map(place).collect();
    let ordered = order(&request, &rule, &known, &may, &places);
    ordered.into_iter().map(|(id, reason)| (id.to_owned(), reason)).collect()
}

#[track_caller]
fn check(scene: &Scene, expected: &str) {
    let ids: String = ordered(scene).into_iter().map(|(id, _)| id).collect();
    assert_eq!(ids, expected, "{:#?}", ordered(scene));
}

use Standing::{Demoted, Doubtful, Failing, Probe, Well};

#[test]
fn the_best_score_is_asked_first_and_says_what_it_is_made_of() {
    let scene = scene([(80.0, Well, 100), (88.0, Well, 120), (70.0, Well, 0)]);
    check(&scene, "bac");
    assert_eq!(
        ordered(&scene)[0].1,
        "score 86.80 %: 88.00 % of such payments approved (drawn 88.00 %), fee 1.20 %"
    );
}

#[test]
fn health_comes_before_any_score_and_excludes_nobody() {
    check(&scene([(90.0, Failing, 0), (80.0, Demoted, 0), (70.0, Well, 0)]), "cba");
    check(&scene([(90.0, Doubtful, 0), (80.0, Well, 0), (70.0, Probe, 0)]), "cba");
    check(&scene([(70.0, Failing, 0), (80.0, Failing, 0), (90.0, Failing, 0)]), "cba");
}

#[test]
fn a_fee_is_weighed_and_in_a_tie_the_cheaper_one_is_first() {
    check(&scene([(80.0, Well, 300), (78.0, Well, 0), (10.0, Well, 0)]), "bac");
    let mut tie = scene([(80.4, Well, 30), (80.0, Well, 0), (10.0, Well, 0)]);
    tie.scoring.fee_percent = 0;
    check(&tie, "bac");
    assert!(ordered(&tie)[0].1.ends_with(", a tie: the cheaper one first"));
    tie.scoring.tie_bps = 39;
    check(&tie, "abc");
}

#[test]
fn each_rule_adds_what_it_says_and_names_itself() {
    let even = || scene([(80.0, Well, 0), (79.0, Well, 0), (10.0, Well, 0)]);
    check(&even(), "abc");
    let told = |scene: &Scene, why: &str| {
        check(scene, "bac");
        assert!(ordered(scene)[0].1.contains(why), "{:?}", ordered(scene));
    };
    let mut weight = even();
    weight.scoring.weight_bps = BTreeMap::from([("b".to_owned(), 200)]);
    told(&weight, "+2.00 % by its weight");
    let mut sticky = even();
    sticky.scoring.sticky_bps = 200;
    check(&sticky, "abc");
    sticky.habits.last_psp = Some("b".to_owned());
    told(&sticky, "+2.00 % used last time");
    let mut seen = even();
    seen.scoring.seen_instrument_bps = 200;
    seen.habits.seen_by = vec!["b".to_owned()];
    told(&seen, "+2.00 % knows the instrument");
    let mut first = even();
    first.first_deposit = vec!["b".to_owned()];
    check(&first, "abc");
    first.habits.is_first_deposit = true;
    told(&first, "preferred for a first deposit");
    let mut priority = even();
    priority.scoring.priority = BTreeMap::from([("a".to_owned(), 2)]);
    check(&priority, "bca");
}

#[test]
fn promised_volume_counts_until_it_is_carried() {
    let mut scene = scene([(80.0, Well, 0), (79.0, Well, 0), (10.0, Well, 0)]);
    scene.scoring.commitment_bps = 200;
    scene.rules.terms.push(Terms {
        psp: "b".to_owned(),
        direction: Direction::Deposit,
        currency: Currency::SEK,
        cap_minor: None,
        commitment_minor: Some(50_000),
    });
    check(&scene, "bac");
    assert!(ordered(&scene)[0].1.contains("+2.00 % promised volume"));
    let key = ("b".to_owned(), Direction::Deposit, Currency::SEK);
    scene.volumes.insert(key, 50_000);
    check(&scene, "abc");
}

#[test]
fn a_fixed_fee_weighs_more_the_smaller_the_payment() {
    let fee = Fee { bps: 50, fixed_minor: BTreeMap::from([(Currency::SEK, 100)]) };
    let of = |minor| fee.bps_of(Money::new(minor, Currency::SEK));
    assert_eq!([of(10_000), of(100_000), of(30_000)], [150, 60, 84]);
}
