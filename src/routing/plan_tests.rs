use super::*;
use crate::domain::Currency;
use crate::routing::rules::RouteRule;
use std::collections::BTreeMap;

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
        }],
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

fn healthy(_: &str) -> Permit {
    Permit::Yes
}

fn any(_: &str) -> Option<String> {
    None
}

#[test]
fn the_route_gives_the_order() {
    let route = plan(&request(10_000), &rules(&["b", "a", "c"]), &accounts(), healthy, any);
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
    accounts[2].deposits = Some(BTreeMap::new());
    let order = rules(&["a", "b", "c"]);
    let low = plan(&request(4_999), &order, &accounts, healthy, any);
    check(
        &low,
        &[
            ("a", Some(1), "first choice of the route"),
            ("c", Some(2), "third choice of the route"),
            ("b", None, "below its minimum of 50.00 SEK"),
        ],
    );
    let high = plan(&request(1_000_001), &order, &accounts, healthy, any);
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
        let route = plan(&request(10_000), &rules(&["a"]), &accounts, healthy, any);
        assert_eq!(route.ranked().count(), 0);
        route.candidates[0].reason.clone()
    };
    assert_eq!(refused(|a| a.countries = vec!["DE".into()]), "does not serve SE");
    assert_eq!(refused(|a| a.methods.clear()), "does not offer bank_transfer");
    assert_eq!(refused(|a| a.currencies.clear()), "does not handle SEK");
    assert_eq!(refused(|a| a.deposits = None), "takes no deposits");
    let route = plan(&request(10_000), &rules(&["a"]), &accounts()[..1], healthy, |_| {
        Some("cannot take this instrument".to_owned())
    });
    check(&route, &[("a", None, "cannot take this instrument")]);
}

#[test]
fn another_operators_account_is_neither_asked_nor_named() {
    let mut accounts = accounts();
    accounts[0] = account("a", "op_other");
    let route = plan(&request(10_000), &rules(&["a", "b"]), &accounts, healthy, any);
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
    let route = plan(&payout, &rules(&["a", "b", "c"]), &accounts(), healthy, any);
    assert_eq!(route.ranked().count(), 0);
    assert_eq!(route.candidates.len(), 3);
}

#[test]
fn an_open_breaker_ranks_last_and_when_all_are_open_the_best_is_still_asked() {
    let order = rules(&["a", "b", "c"]);
    let permits = |id: &str| match id {
        "a" => Permit::No,
        "b" => Permit::Probe,
        _ => Permit::Yes,
    };
    let route = plan(&request(10_000), &order, &accounts(), permits, any);
    check(
        &route,
        &[
            ("b", Some(1), "second choice of the route; recovering: one payment tries it"),
            ("c", Some(2), "third choice of the route"),
            ("a", Some(3), "its breaker is open: asked last"),
        ],
    );
    let route = plan(&request(10_000), &order, &accounts(), |_| Permit::No, any);
    assert_eq!(route.ranked().collect::<Vec<_>>(), ["a", "b", "c"]);
}
