use super::*;
use crate::domain::Currency;
use crate::domain::PersonId;
use crate::routing::health::{Bucket, Health, HealthRules, SECOND, Standing};
use crate::routing::rules::{Fee, RouteRule, Strategy, Terms};
use crate::routing::switches::{Scope, SwitchKind};
use std::collections::BTreeMap;
use time::macros::datetime;
use uuid::Uuid;

const NOW: Timestamp = datetime!(2026-03-01 12:00 UTC);

fn account(id: &str, operator: &str) -> PspAccount {
    let bounds = BTreeMap::from([(Currency::SEK, (5_000, 1_000_000))]);
    PspAccount {
        id: id.to_owned(),
        operators: vec![OperatorId::trusted(operator)],
        countries: vec!["SE".to_owned()],
        currencies: vec![Currency::SEK],
        methods: vec![Method::BankTransfer],
        deposits: Some(bounds.clone()),
        payouts: Some(bounds),
        deposit_fee: Fee::default(),
        payout_fee: Fee::default(),
    }
}

fn accounts() -> Vec<PspAccount> {
    ["a", "b", "c"].map(|id| account(id, "op_demo")).to_vec()
}

fn rules(order: &[&str]) -> RoutingRules {
    RoutingRules {
        version: "7".to_owned(),
        routes: vec![RouteRule {
            direction: Direction::Deposit,
            country: "SE".to_owned(),
            method: Method::BankTransfer,
            currency: Currency::SEK,
            order: order.iter().map(|id| (*id).to_owned()).collect(),
            strategy: Strategy::Ranked,
            first_deposit: Vec::new(),
        }],
        terms: Vec::new(),
    }
}

fn request(minor: i64) -> Request {
    Request {
        operator: OperatorId::trusted("op_demo"),
        direction: Direction::Deposit,
        country: "SE".to_owned(),
        method: Method::BankTransfer,
        money: Money::new(minor, Currency::SEK),
    }
}

#[track_caller]
fn check(route: &Route, expected: &[(&str, Option<u16>, &str)]) {
    let found: Vec<(&str, Option<u16>, &str)> = route
        .candidates
        .iter()
        .map(|found| (found.psp.as_str(), found.rank, found.reason.as_str()))
        .collect();
    assert_eq!(found, expected);
}

/// Everybody's health, told of each that may be asked.
fn standings(of: impl Fn(&str) -> Standing) -> impl FnOnce(&[&str]) -> Vec<Place> {
    move |psps| {
        let place =
            |(psp, id): (usize, &&str)| Place { psp, standing: of(id), drawn: 0.8, expected: 0.8 };
        psps.iter().enumerate().map(place).collect()
    }
}

fn known<'a>(rules: &'a RoutingRules, accounts: &'a [PspAccount]) -> Known<'a> {
    static NOTHING: Volumes = Volumes::new();
    static NOBODY: Habits = Habits { is_first_deposit: false, last_psp: None, seen_by: Vec::new() };
    Known { rules, accounts, switches: &[], volumes: &NOTHING, habits: &NOBODY, now: NOW }
}

fn healthy(request: &Request, known: &Known<'_>) -> Route {
    plan(request, known, standings(|_| Standing::Well), any)
}

fn any(_: &str) -> Option<String> {
    None
}

#[test]
fn the_route_gives_the_order() {
    let route = healthy(&request(10_000), &known(&rules(&["b", "a", "c"]), &accounts()));
    check(
        &route,
        &[
            ("b", Some(1), "first choice of the route"),
            ("a", Some(2), "second choice of the route"),
            ("c", Some(3), "third choice of the route"),
        ],
    );
    assert_eq!(route.version, "7");
    assert_eq!(route.ranked().collect::<Vec<_>>(), ["b", "a", "c"]);
}

#[test]
fn an_amount_out_of_bounds_is_excluded_with_the_bound() {
    let mut accounts = accounts();
    accounts[0].deposits = Some(BTreeMap::from([(Currency::SEK, (100, 4_999))]));
    accounts[2].deposits = Some(BTreeMap::from([(Currency::SEK, (1, i64::MAX))]));
    let order = rules(&["a", "b", "c"]);
    let low = healthy(&request(4_999), &known(&order, &accounts));
    check(
        &low,
        &[
            ("a", Some(1), "first choice of the route"),
            ("c", Some(2), "third choice of the route"),
            ("b", None, "below its minimum of 50.00 SEK"),
        ],
    );
    let high = healthy(&request(1_000_001), &known(&order, &accounts));
    check(
        &high,
        &[
            ("c", Some(1), "third choice of the route"),
            ("a", None, "above its maximum of 49.99 SEK"),
            ("b", None, "above its maximum of 10000.00 SEK"),
        ],
    );
}

#[test]
fn what_an_account_does_not_serve_it_is_not_asked_for() {
    let refused = |change: fn(&mut PspAccount)| {
        let mut accounts = vec![account("a", "op_demo")];
        change(&mut accounts[0]);
        let route = healthy(&request(10_000), &known(&rules(&["a"]), &accounts));
        assert_eq!(route.ranked().count(), 0);
        route.candidates[0].reason.clone()
    };
    assert_eq!(refused(|a| a.countries = vec!["DE".into()]), "does not serve SE");
    assert_eq!(refused(|a| a.methods.clear()), "does not offer bank_transfer");
    assert_eq!(refused(|a| a.currencies.clear()), "does not handle SEK");
    assert_eq!(refused(|a| a.deposits = None), "takes no deposits");
    assert_eq!(refused(|a| a.deposits = Some(BTreeMap::new())), "takes no deposits in SEK");
    let (rules, accounts) = (rules(&["a"]), accounts());
    let known = known(&rules, &accounts[..1]);
    let route = plan(&request(10_000), &known, standings(|_| Standing::Well), |_| {
        Some("cannot take this instrument".to_owned())
    });
    check(&route, &[("a", None, "cannot take this instrument")]);
}

#[test]
fn another_operators_account_is_neither_asked_nor_named() {
    let mut accounts = accounts();
    accounts[0] = account("a", "op_other");
    let route = healthy(&request(10_000), &known(&rules(&["a", "b"]), &accounts));
    check(
        &route,
        &[
            ("b", Some(1), "first choice of the route"),
            ("c", None, "not in the route of SE bank_transfer SEK"),
        ],
    );
}

#[test]
fn without_a_route_nobody_is_asked() {
    let mut payout = request(10_000);
    payout.direction = Direction::Withdrawal;
    let route = healthy(&payout, &known(&rules(&["a", "b", "c"]), &accounts()));
    assert_eq!(route.ranked().count(), 0);
    assert_eq!(route.candidates.len(), 3);
}

#[test]
fn who_fails_ranks_last_and_when_all_fail_the_best_is_still_asked() {
    let (order, accounts) = (rules(&["a", "b", "c"]), accounts());
    let known = known(&order, &accounts);
    let health = standings(|id| match id {
        "a" => Standing::Failing,
        "b" => Standing::Probe,
        _ => Standing::Well,
    });
    check(
        &plan(&request(10_000), &known, health, any),
        &[
            (
                "b",
                Some(1),
                "second choice of the route; recovering: one payment tries it before the others",
            ),
            ("c", Some(2), "third choice of the route"),
            ("a", Some(3), "it fails: asked last"),
        ],
    );
    let route = plan(&request(10_000), &known, standings(|_| Standing::Failing), any);
    assert_eq!(route.ranked().collect::<Vec<_>>(), ["a", "b", "c"]);
}

#[test]
fn what_people_switched_off_is_out_with_their_reason_until_they_lift_it() {
    let switch = Switch {
        id: Uuid::nil(),
        operator: OperatorId::trusted("op_demo"),
        kind: SwitchKind::Kill,
        scope: Scope { psp: Some("a".to_owned()), ..Scope::default() },
        reason: "settlements are late".to_owned(),
        set_by: PersonId::trusted("p_a"),
        set_at: NOW - std::time::Duration::from_secs(60),
        from: NOW,
        until: None,
        review: None,
        lift_proposed: None,
        lifted: None,
    };
    let (order, accounts, switches) = (rules(&["a", "b"]), accounts(), [switch]);
    let known = Known { switches: &switches, ..known(&order, &accounts[..2]) };
    check(
        &healthy(&request(10_000), &known),
        &[
            ("b", Some(1), "second choice of the route"),
            ("a", None, "switched off: settlements are late"),
        ],
    );
    let before = Known { now: NOW - std::time::Duration::from_secs(1), ..known };
    assert_eq!(healthy(&request(10_000), &before).ranked().count(), 2);
}

#[test]
fn a_cap_lets_the_last_payment_through_that_fits() {
    let (mut order, accounts) = (rules(&["a", "b"]), accounts());
    order.terms.push(Terms {
        psp: "a".to_owned(),
        direction: Direction::Deposit,
        currency: Currency::SEK,
        cap_minor: Some(100_000),
        commitment_minor: None,
    });
    let volumes = Volumes::from([(("a".to_owned(), Direction::Deposit, Currency::SEK), 90_000)]);
    let known = Known { volumes: &volumes, ..known(&order, &accounts[..2]) };
    assert_eq!(healthy(&request(10_000), &known).ranked().next(), Some("a"));
    check(
        &healthy(&request(10_001), &known),
        &[
            ("b", Some(1), "second choice of the route"),
            ("a", None, "would go beyond its cap of 1000.00 SEK a day"),
        ],
    );
}

/// A deposit each quarter of a second, to a first PSP that is always well and a second one that fails for a
/// minute.
#[test]
fn the_second_of_a_route_is_looked_after_while_the_first_is_well() {
    const WELL_AGAIN: i64 = 60 * SECOND;
    let (order, accounts) = (rules(&["a", "b"]), accounts());
    let (request, known) = (request(10_000), known(&order, &accounts[..2]));
    let Request { direction, country, method, money, .. } = request.clone();
    let bucket = Bucket { direction, country, method, currency: money.currency };
    let mut health = Health::new(HealthRules::default(), 1);
    (0..3).for_each(|call| {
        health.answered("b", direction, (call, 0), 0, Some(true));
    });
    assert!(health.is_failing("b", direction));
    let (mut at, mut lost, mut back_at) = (0, 0, None);
    let mut after = Vec::new();
    for call in 3..500 {
        at += SECOND / 4;
        let route = plan(&request, &known, |psps| health.rank(&bucket, psps, at), any);
        let ranked: Vec<&str> = route.ranked().collect();
        for (psp, number) in ranked.iter().zip([call, call + 1_000]) {
            health.sent(&bucket, psp, number, at);
            let fault = *psp == "b" && at < WELL_AGAIN;
            health.answered(psp, direction, (number, at), at + 1, Some(fault));
            if !fault {
                break;
            }
            let why = &route.candidates[0].reason;
            assert!(why.ends_with("one payment tries it before the others"), "{why}");
            lost += 1;
        }
        if !health.is_failing("b", direction) {
            back_at = back_at.or(Some(at));
            after.push(ranked[0].to_owned());
        }
    }
    assert!((1..=6).contains(&lost), "{lost} of 240 payments tried it while it failed");
    let back_at = back_at.expect("it is well again");
    assert!((WELL_AGAIN..WELL_AGAIN + 30 * SECOND).contains(&back_at), "{back_at}");
    assert!(after[1..].iter().all(|first| first == "a"), "the route's order holds again");
}

#[test]
fn what_is_left_of_a_cap_narrows_what_may_go_through_at_once() {
    let left = |minor| Room::Left { minor, cap: Money::new(100_000, Currency::SEK) };
    assert_eq!(Room::Open.within((5_000, 90_000)), Ok((5_000, 90_000)));
    assert_eq!(left(99_999).within((5_000, 90_000)), Ok((5_000, 90_000)));
    assert_eq!(left(5_000).within((5_000, 90_000)), Ok((5_000, 5_000)));
    assert_eq!(left(4_999).within((5_000, 90_000)), Err(Shut::Capped));
    assert_eq!(left(0).within((0, i64::MAX)), Err(Shut::Capped), "nothing is no payment");
    assert_eq!(Room::Off("late".to_owned()).within((1, 2)), Err(Shut::Off));
}
