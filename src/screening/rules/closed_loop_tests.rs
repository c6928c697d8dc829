//! What hits, and what is told of it.

use super::*;
use crate::domain::{Method, Origin};
use crate::screening::background::Background;
use crate::screening::closed_loop::Obstacle;
use crate::screening::facts::Match;
use crate::screening::gather::{self, Setting, Withdrawal};
use crate::screening::rule::State;
use crate::screening::rules::payer::PayeeName;
use crate::screening::test_data::{NOW, fx, player, policies};
use crate::screening::{Checkpoint, Outcome};

fn source(kind: &str, deposited_minor: i64, share_minor: i64) -> LoopSource {
    LoopSource {
        kind: kind.to_owned(),
        deposited_minor,
        paid_out_minor: 0,
        share_minor,
        obstacle: None,
        is_excepted: false,
        exception: None,
    }
}

fn shared(sources: Vec<LoopSource>, elsewhere_minor: i64) -> LoopFacts {
    let elsewhere = (0 < elsewhere_minor).then(|| ("iban".to_owned(), elsewhere_minor));
    LoopFacts { sources, elsewhere, is_named: false, is_outside: false, holder: None }
}

fn facts(found: &LoopFacts) -> Facts {
    let player = player();
    let records = Withdrawal {
        checkpoint: Checkpoint::WithdrawalRequest,
        origin: Origin::Request,
        player: Some(&player),
        money: Money::new(10_000, Currency::SEK),
        method: Method::BankTransfer,
        owed: &[],
        closed_loop: Some(found),
        payment: None,
        asked_at: None,
        movements: &[],
        background: Background::NOTHING,
        ends: &[],
    };
    gather::withdrawal(&records, &Setting::new(&policies(), &fx(), NOW))
}

#[track_caller]
fn check(rule: &dyn Check, found: &LoopFacts, state: State, observed: &str) {
    let told = rule.find(&facts(found));
    let told: Vec<(State, &str)> = told.iter().map(|f| (f.state, f.observed.as_str())).collect();
    assert_eq!(told, [(state, observed)]);
}

#[test]
fn money_that_goes_back_hits_nothing() {
    let found = shared(vec![source("iban", 8_000, 8_000), source("source", 9_000, 2_000)], 0);
    let observed = "100.00 SEK to 2 sources; not paid back: 70.00 SEK of source";
    check(&ClosedLoop, &found, State::NoHit, observed);
    let beyond = shared(vec![source("iban", 8_000, 8_000)], 2_000);
    check(&ClosedLoop, &beyond, State::NoHit, "80.00 SEK to 1 source, 20.00 SEK beyond (iban)");
}

#[test]
fn a_stranded_source_needs_an_exception_and_an_approved_one_is_enough() {
    let stranded = LoopSource { obstacle: Some(Obstacle::Refused), ..source("source", 5_000, 0) };
    let mut found = shared(vec![stranded], 10_000);
    let observed = "0.00 SEK to 0 sources, 100.00 SEK beyond (iban); not paid back: 50.00 SEK of \
                    source (its last payout was refused)";
    check(&ClosedLoop, &found, State::Hit, observed);
    found.sources[0].is_excepted = true;
    let observed = "0.00 SEK to 0 sources, 100.00 SEK beyond (iban); not paid back: 50.00 SEK of \
                    source (by an approved exception)";
    check(&ClosedLoop, &found, State::NoHit, observed);
    found.sources[0].exception = Some(uuid::Uuid::from_u128(7));
    let observed = "0.00 SEK to 0 sources, 100.00 SEK beyond (iban); not paid back: 50.00 SEK of \
                    source (by the approved exception 00000000-0000-0000-0000-000000000007)";
    check(&ClosedLoop, &found, State::NoHit, observed);
}

#[test]
fn an_exception_lets_nothing_go_to_a_named_account_that_may_be_anybodys() {
    let exception = Some(uuid::Uuid::from_u128(7));
    let passed_over = LoopSource { exception, ..source("source", 5_000, 0) };
    let mut found = LoopFacts { is_named: true, ..shared(vec![passed_over], 10_000) };
    let observed = "0.00 SEK to 0 sources, 100.00 SEK beyond (iban); not paid back: 50.00 SEK of \
                    source (the approved exception 00000000-0000-0000-0000-000000000007 holds for \
                    the player's own accounts, and this destination is not known to be one)";
    check(&NamedDestination, &found, State::Hit, observed);
    found.sources[0].is_excepted = true;
    let observed = "0.00 SEK to 0 sources, 100.00 SEK beyond (iban); not paid back: 50.00 SEK of \
                    source (by the approved exception 00000000-0000-0000-0000-000000000007)";
    check(&NamedDestination, &found, State::NoHit, observed);
}

#[test]
fn a_split_outside_the_loop_goes_to_people_whatever_it_pays() {
    let found = LoopFacts { is_outside: true, ..shared(vec![source("iban", 8_000, 10_000)], 0) };
    let observed = "80.00 SEK to 1 source, 20.00 SEK beyond (a source); no split keeps within the \
                    PSPs' bounds and the number of parts";
    check(&ClosedLoop, &found, State::Hit, observed);
}

#[test]
fn a_named_destination_hits_only_while_a_source_waits_for_its_own() {
    let named = |sources, elsewhere| LoopFacts { is_named: true, ..shared(sources, elsewhere) };
    let passed_over = named(vec![source("source", 5_000, 0)], 10_000);
    let observed =
        "0.00 SEK to 0 sources, 100.00 SEK beyond (iban); not paid back: 50.00 SEK of source";
    check(&NamedDestination, &passed_over, State::Hit, observed);
    check(&ClosedLoop, &passed_over, State::Skipped, "the destination was named");
    let back = named(vec![source("source", 50_000, 10_000)], 0);
    let observed = "100.00 SEK to 1 source; not paid back: 400.00 SEK of source";
    check(&NamedDestination, &back, State::NoHit, observed);
    let split = shared(vec![source("source", 5_000, 5_000)], 5_000);
    check(&NamedDestination, &split, State::Skipped, "no destination was named");
}

#[test]
fn where_no_withdrawal_is_shared_out_there_is_nothing_to_find() {
    let facts = Facts { closed_loop: None, ..facts(&shared(Vec::new(), 0)) };
    assert_eq!(ClosedLoop.find(&facts), []);
    assert_eq!(NamedDestination.find(&facts), []);
}

#[test]
fn a_market_that_insists_sends_a_named_destination_to_people() {
    use crate::screening::{engine, file, test_data::POLICY};
    let found = LoopFacts { is_named: true, ..shared(vec![source("source", 5_000, 0)], 10_000) };
    let rule = "\n[[rules]]\nid = \"closed_loop.named\"\neffect = \"review\"\nsource = \"test\"\n\
                source_date = \"2026-01-01\"\n";
    for (only_records, outcome) in [(false, Outcome::Review), (true, Outcome::Approve)] {
        let text = format!("{POLICY}{rule}only_records = {only_records}\n");
        let policy = file::read("2026-01.toml", &text).unwrap();
        let screening = engine::decide(Some(&policy), &facts(&found));
        assert_eq!(screening.outcome, outcome);
        let codes: Vec<&str> = screening.reasons.iter().map(|r| r.code.as_str()).collect();
        let expected: &[&str] =
            if only_records { &[] } else { &["withdrawal.outside_closed_loop"] };
        assert_eq!(codes, expected);
    }
}

#[test]
fn a_market_says_which_source_comes_first_and_how_many_parts_there_may_be() {
    use crate::screening::closed_loop::{Order, Terms};
    use crate::screening::{file, test_data::POLICY};
    let terms = |more: &str| {
        let text = POLICY.replace("[withdrawals]\n", &format!("[withdrawals]\n{more}\n"));
        file::read("2026-01.toml", &text).map(|policy| policy.closed_loop)
    };
    assert_eq!(terms("").unwrap(), Terms::default());
    let expected = Terms { order: Order::LargestFirst, parts_max: 2 };
    assert_eq!(terms("source_order = \"largest_first\"\nparts_max = 2").unwrap(), expected);
    assert!(terms("source_order = \"any\"").is_err());
    assert!(terms("parts_max = 0").is_err());
}

#[test]
fn a_destination_in_another_persons_name_hits() {
    let named = |holder| LoopFacts { is_named: true, holder, ..shared(Vec::new(), 10_000) };
    for (holder, state) in [
        (Some(Match::Other), State::Hit),
        (Some(Match::Same), State::NoHit),
        (Some(Match::Unknown), State::NoHit),
        (None, State::Skipped),
    ] {
        let found = PayeeName.find(&facts(&named(holder)));
        assert_eq!(
            found.iter().map(|found| found.state).collect::<Vec<_>>(),
            [state],
            "{holder:?}"
        );
    }
}
