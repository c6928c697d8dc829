use super::*;
use psp_contract::{Decline, Report};
use time::macros::datetime;

const START: Timestamp = datetime!(2026-03-01 0:00 UTC);

fn at(secs: u64) -> Timestamp {
    START + Duration::from_secs(secs)
}

/// A breaker that opened at the start.
fn opened() -> Breaker {
    let mut breaker = Breaker::new(BreakerConfig::default());
    for _ in 0..5 {
        breaker.observe(true, START);
    }
    breaker
}

#[test]
fn only_faults_in_a_row_open_it() {
    let mut breaker = Breaker::new(BreakerConfig::default());
    for fault in [true, true, true, true, false, true, true, true, true] {
        breaker.observe(fault, START);
        assert_eq!(breaker.permits(START), Permit::Yes);
    }
    breaker.observe(true, START);
    assert_eq!(breaker.permits(START), Permit::No);
    assert!(breaker.is_open());
}

#[test]
fn it_lets_one_probe_through_when_its_time_is_over() {
    let mut breaker = opened();
    assert_eq!(breaker.claim(at(4)), Permit::No);
    assert_eq!(breaker.permits(at(5)), Permit::Probe);
    assert_eq!(breaker.claim(at(5)), Permit::Probe);
    assert_eq!(breaker.claim(at(6)), Permit::No);
    breaker.observe(false, at(7));
    assert_eq!(breaker.claim(at(7)), Permit::Yes);
}

#[test]
fn each_failed_probe_doubles_the_wait_up_to_a_minute() {
    let mut breaker = opened();
    let mut now = 5;
    for wait in [10, 20, 40, 60, 60] {
        assert_eq!(breaker.claim(at(now)), Permit::Probe);
        breaker.observe(true, at(now));
        assert_eq!(breaker.permits(at(now + wait - 1)), Permit::No);
        now += wait;
        assert_eq!(breaker.permits(at(now)), Permit::Probe);
    }
}

#[test]
fn a_probe_that_never_answers_is_given_up() {
    let mut breaker = opened();
    assert_eq!(breaker.claim(at(5)), Permit::Probe);
    assert_eq!(breaker.claim(at(64)), Permit::No);
    assert_eq!(breaker.claim(at(65)), Permit::Probe);
}

#[test]
fn late_answers_neither_prolong_nor_close_it_but_a_good_one_lets_it_be_tried() {
    let mut breaker = opened();
    breaker.observe(true, at(4));
    assert_eq!(breaker.permits(at(5)), Permit::Probe);
    let mut breaker = opened();
    breaker.observe(false, at(1));
    assert_eq!(breaker.permits(at(1)), Permit::Probe);
    assert!(breaker.is_open());
}

#[test]
fn after_recovery_it_begins_anew() {
    let mut breaker = opened();
    breaker.claim(at(5));
    breaker.observe(true, at(5));
    breaker.claim(at(15));
    breaker.observe(false, at(15));
    for _ in 0..5 {
        breaker.observe(true, at(20));
    }
    assert_eq!(breaker.permits(at(24)), Permit::No);
    assert_eq!(breaker.permits(at(25)), Permit::Probe);
}

fn declined(class: DeclineClass) -> Outcome {
    Outcome::Reported(Report {
        psp_reference: None,
        status: Status::Declined(Decline {
            class,
            code: "code".to_owned(),
            retry_elsewhere: true,
            irreversible: true,
        }),
        payer: None,
        attempt: None,
    })
}

#[test]
fn only_what_the_psp_did_wrong_is_its_fault() {
    use DeclineClass::{
        AccountInvalid, Compliance, Configuration, Limit, MerchantFunds, PlayerFixable, PspFault,
        Unsupported,
    };
    let check = |outcome: Outcome, expected| {
        assert_eq!(is_psp_fault(&outcome), expected, "{outcome:?}");
    };
    check(declined(PspFault), Some(true));
    for class in [PlayerFixable, AccountInvalid, Limit, Compliance] {
        check(declined(class), Some(false));
    }
    for class in [MerchantFunds, Configuration, Unsupported] {
        check(declined(class), None);
    }
    check(Outcome::NotSent(NotSent::ConnectRefused), Some(true));
    check(Outcome::NotSent(NotSent::BreakerOpen), None);
    check(Outcome::Unknown(Unknown::ReadTimeout), Some(true));
    check(Outcome::Unknown(Unknown::LeaseExpired), None);
    check(Outcome::NotFound, Some(false));
}

#[test]
fn deposits_and_payouts_are_told_apart_and_changes_are_told_once() {
    let mut breakers = Breakers::new(BreakerConfig::default());
    let ill = Outcome::Unknown(Unknown::ServerError);
    let mut observe =
        |outcome: &Outcome, now| breakers.observe("a", Direction::Withdrawal, outcome, now);
    for _ in 0..4 {
        assert_eq!(observe(&ill, START), None);
    }
    assert_eq!(observe(&ill, START), Some(true));
    assert_eq!(observe(&ill, START), None);
    assert_eq!(breakers.permits("a", Direction::Withdrawal, START), Permit::No);
    assert_eq!(breakers.permits("a", Direction::Deposit, START), Permit::Yes);
    assert_eq!(breakers.permits("b", Direction::Withdrawal, START), Permit::Yes);
    assert_eq!(breakers.claim("a", Direction::Withdrawal, at(5)), Permit::Probe);
    let well = Outcome::NotFound;
    let closed = breakers.observe("a", Direction::Withdrawal, &well, at(6));
    assert_eq!(closed, Some(false));
}
