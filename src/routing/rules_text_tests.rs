use super::*;
use crate::domain::{Currency, Direction, Method};
use crate::routing::rules::{RouteRule, RoutingRules, Scoring, Strategy, Terms};

fn rules() -> RoutingRules {
    let ranked = RouteRule {
        direction: Direction::Withdrawal,
        country: "DE".to_owned(),
        method: Method::BankTransfer,
        currency: Currency::EUR,
        order: vec!["b".to_owned(), "a".to_owned()],
        strategy: Strategy::Ranked,
        first_deposit: Vec::new(),
    };
    let scoring = Scoring {
        priority: [("b".to_owned(), 2)].into(),
        weight_bps: [("a".to_owned(), -50), ("b".to_owned(), 20)].into(),
        fee_percent: 100,
        tie_bps: 50,
        commitment_bps: 0,
        sticky_bps: 200,
        seen_instrument_bps: 7,
    };
    let adaptive = RouteRule {
        direction: Direction::Deposit,
        strategy: Strategy::Adaptive(scoring),
        first_deposit: vec!["b".to_owned()],
        ..ranked.clone()
    };
    let terms = Terms {
        psp: "a".to_owned(),
        direction: Direction::Deposit,
        currency: Currency::EUR,
        cap_minor: Some(1_000),
        commitment_minor: None,
    };
    RoutingRules { version: "1".to_owned(), routes: vec![ranked, adaptive], terms: vec![terms] }
}

/// What is kept in databases is compared with this for good: another text of the same rules stops instances.
#[test]
fn rules_are_told_in_these_words() {
    let told = "deposit DE bank_transfer EUR: b, a; adaptive; fee 100 %; tie 50; sticky 200; \
                seen instrument 7; priority: b 2; weight: a -50, b 20; first deposit to b\n\
                terms of a, deposit EUR; daily cap 1000 in minor units\n\
                withdrawal DE bank_transfer EUR: b, a; ranked\n";
    assert_eq!(text(&rules()), told);
}

#[test]
fn the_order_of_a_file_makes_no_other_rules_and_the_order_of_accounts_does() {
    let mut turned = rules();
    turned.routes.reverse();
    assert_eq!(difference(&text(&rules()), &text(&turned)), None);
    turned.routes[1].order.reverse();
    let first = |order: &str| format!("withdrawal DE bank_transfer EUR: {order}; ranked");
    assert_eq!(difference(&text(&rules()), &text(&turned)), Some((first("b, a"), first("a, b"))));
}

#[test]
fn every_setting_is_told() {
    let of = |change: fn(&mut RoutingRules)| {
        let mut other = rules();
        change(&mut other);
        difference(&text(&rules()), &text(&other)).expect("they differ").1
    };
    fn scoring(rules: &mut RoutingRules) -> &mut Scoring {
        match &mut rules.routes[1].strategy {
            Strategy::Adaptive(scoring) => scoring,
            Strategy::Ranked => unreachable!("it is adaptive"),
        }
    }
    assert!(of(|it| scoring(it).fee_percent = 0).contains("fee 0 %"));
    assert!(of(|it| scoring(it).tie_bps = 1).contains("tie 1;"));
    assert!(of(|it| scoring(it).commitment_bps = 9).contains("commitment 9"));
    assert!(of(|it| scoring(it).sticky_bps = 9).contains("sticky 9"));
    assert!(of(|it| scoring(it).seen_instrument_bps = 9).contains("seen instrument 9"));
    assert!(of(|it| scoring(it).priority = [("a".to_owned(), 3)].into()).contains("priority: a 3"));
    assert!(of(|it| scoring(it).weight_bps = [("a".to_owned(), 3)].into()).contains("weight: a 3"));
    assert!(of(|it| it.routes[1].first_deposit = Vec::new()).ends_with("b 20"));
    assert!(of(|it| it.terms[0].cap_minor = Some(5)).contains("cap 5 "));
    assert!(of(|it| it.terms[0].commitment_minor = Some(5)).contains("commitment 5 "));
    assert_eq!(of(|it| it.terms.clear()), "nothing");
}
