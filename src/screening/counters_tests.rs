//! Which facts answer a version that they were not gathered for.

use super::*;
use crate::domain::{Currency, Method, Origin};
use crate::screening::background::Background;
use crate::screening::file;
use crate::screening::gather::{self, Deposit};
use crate::screening::test_data::{NOW, POLICY, fx, player, policies};

const REGISTER: &str = "id = 'excluded.register_answer'\nmax_age_s = 3600\non_failure = 'deny'\n\
                        unknown_person = 'deny'";
const KYT: &str = "id = 'kyt.deposit'\ndeadline_s = 300\non_error = 'review'\non_timeout = 'review'\n\
                   no_score = 'review'\nhigh = 'review'\nmedium = 'review'\nlow = 'approve'";
const AFFORDABILITY: &str =
    "id = 'affordability'\nflow = 'deposits'\nwindow = '30 days'\nmost_eur = '1.00'";

/// The policy of the tests with one more rule.
fn with(rule: &str) -> MarketPolicy {
    let rule = match rule {
        "" => String::new(),
        rule => format!(
            "\n[[rules]]\n{rule}\neffect = 'deny'\nsource = 'test'\nsource_date = '2026-01-01'\n"
        ),
    };
    file::read("2026-01.toml", &format!("{POLICY}{rule}")).expect("the policy is sound")
}

/// A deposit's facts as they are gathered for a version.
fn gathered_for(policy: &MarketPolicy, checkpoint: Checkpoint, method: Method) -> Facts {
    let player = player();
    let records = Deposit {
        checkpoint,
        player: Some(&player),
        payment: None,
        origin: Origin::Request,
        money: Money::new(10_000, Currency::SEK),
        method,
        limits: &[],
        movements: &[],
        background: Background::NOTHING,
        source: None,
    };
    let (policies, fx) = (policies(), fx());
    let setting = Setting { version: Some(policy), ..Setting::new(&policies, &fx, NOW) };
    gather::deposit(&records, &setting)
}

#[test]
fn a_register_that_was_not_asked_then_leaves_a_question_open() {
    let (plain, asking) = (with(""), with(REGISTER));
    let facts = gathered_for(&plain, Checkpoint::DepositPre, Method::BankTransfer);
    assert!(are_answered(&plain, Some(&plain), &facts));
    assert!(!are_answered(&asking, Some(&plain), &facts));
    assert!(!are_answered(&asking, None, &facts));
    // That it gave no answer when it was asked is an answer.
    assert!(are_answered(&asking, Some(&asking), &facts));
    assert!(are_answered(&plain, Some(&asking), &facts));
    // It is asked before a deposit, and nowhere else; and what only records flips nothing.
    let posted = gathered_for(&plain, Checkpoint::DepositPost, Method::BankTransfer);
    assert!(are_answered(&asking, Some(&plain), &posted));
    let trial = with(&format!("{REGISTER}\nonly_records = true"));
    assert!(are_answered(&trial, Some(&plain), &facts));
    assert!(are_answered(&asking, Some(&trial), &facts), "it was asked on trial too");
}

#[test]
fn a_vendor_that_nobody_waited_for_leaves_a_question_open_of_coins_alone() {
    let (plain, asking) = (with(""), with(KYT));
    let trial = with(&format!("{KYT}\nonly_records = true"));
    let coins = gathered_for(&plain, Checkpoint::DepositPost, Method::Crypto);
    assert!(!are_answered(&asking, Some(&plain), &coins));
    assert!(!are_answered(&asking, Some(&trial), &coins), "on trial nobody was asked");
    assert!(are_answered(&asking, Some(&asking), &coins));
    let cards = gathered_for(&plain, Checkpoint::DepositPost, Method::Card);
    assert!(are_answered(&asking, Some(&plain), &cards));
}

#[test]
fn what_nobody_was_asked_to_vouch_for_leaves_a_hit_open() {
    let strict = with(&format!("{AFFORDABILITY}\nlifted_by = []"));
    let lifted = with(AFFORDABILITY);
    let lenient = with(&AFFORDABILITY.replace("'1.00'", "'1000.00'"));
    let facts = gathered_for(&strict, Checkpoint::DepositPre, Method::BankTransfer);
    assert!(are_answered(&strict, Some(&strict), &facts));
    assert!(!are_answered(&lifted, Some(&strict), &facts));
    assert!(are_answered(&lifted, Some(&lifted), &facts));
    assert!(are_answered(&lenient, Some(&strict), &facts), "there is nothing to vouch for");
}
