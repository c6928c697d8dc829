use super::*;
use crate::domain::{Method, Money, Timestamp};
use crate::screening::background::Background;
use crate::screening::gather::{self, Setting, Withdrawal};
use crate::screening::policy::Policies;
use crate::screening::rule::State;
use crate::screening::test_data::{NOW, fx};
use crate::screening::{Checkpoint, MarketPolicy, engine, file};

/// The tests' policy for coins, with the rule under test.
fn policy(rule: &str) -> MarketPolicy {
    let body = crate::screening::test_data::POLICY
        .replace("[\"SEK\", \"EUR\"]", "[\"BTC\", \"EUR\"]")
        .replace("[\"bank_transfer\"]", "[\"crypto\"]")
        .replace(".SEK = ", ".BTC = ");
    file::read("2026-01.toml", &format!("{body}\n{rule}")).expect("a sound policy")
}

const RULE: &str = r#"
[[rules]]
id = "kyt.withdrawal"
effect = "hold"
high = "review"
medium = "review"
low = "approve"
no_score = "review"
on_error = "deny"
on_timeout = "hold"
deadline_s = 300
source = "test"
source_date = "2026-01-01"

[[rules.categories]]
category = "gambling"
exposure = "direct"
from_usd = "1000.00"
outcome = "review"

[[rules.categories]]
category = "sanctions"
exposure = "any"
outcome = "deny"
"#;

fn result(state: VendorState, risk: Option<Risk>, signals: Vec<Signal>) -> VendorResult {
    VendorResult {
        vendor: "elliptic".to_owned(),
        hook: Hook::KytWithdrawal,
        place: None,
        request_id: "r".to_owned(),
        state,
        risk,
        score: None,
        signals,
        raw_sha256: [0; 32],
        version: "v2".to_owned(),
        received_at: NOW,
    }
}

fn signal(category: &str, direct: Option<bool>, usd: Option<i64>) -> Signal {
    Signal {
        code: "x".to_owned(),
        category: category.to_owned(),
        direct,
        amount: usd.map(|minor| Money::new(minor, Currency::USD)),
        rule_ref: None,
    }
}

fn facts(method: Method, vendors: Vec<VendorResult>) -> Facts {
    let player = crate::screening::test_data::player();
    let policies = Policies::new(vec![policy(RULE)]);
    let rates = fx();
    let known = Withdrawal {
        checkpoint: Checkpoint::WithdrawalRequest,
        origin: crate::domain::Origin::Request,
        player: Some(&player),
        money: Money::new(1_000, Currency::BTC),
        method,
        owed: &[],
        payment: None,
        asked_at: None,
        movements: &[],
        background: Background::NOTHING,
        ends: &[],
        closed_loop: None,
    };
    let mut facts = gather::withdrawal(&known, &Setting::new(&policies, &rates, NOW));
    facts.vendors = vendors;
    facts
}

#[track_caller]
fn check(vendors: Vec<VendorResult>, effect: Option<Outcome>) {
    let policy = policy(RULE);
    let screening = engine::decide(Some(&policy), &facts(Method::Crypto, vendors));
    let found: Vec<_> = screening.rules.iter().filter(|it| &*it.rule == "kyt.withdrawal").collect();
    let hits = found.iter().filter(|it| it.is_hit()).map(|it| it.effect).max();
    assert_eq!(hits, effect, "{found:#?}");
}

#[test]
fn each_state_of_an_answer_has_its_own_row_and_none_missing_is_an_approval() {
    let done = |risk| vec![result(VendorState::Final, risk, Vec::new())];
    check(done(Some(Risk::None)), None);
    check(done(Some(Risk::Low)), None);
    check(done(Some(Risk::Medium)), Some(Outcome::Review));
    check(done(Some(Risk::High)), Some(Outcome::Review));
    check(done(Some(Risk::Severe)), Some(Outcome::Hold));
    check(done(None), Some(Outcome::Review));
    check(vec![result(VendorState::Error, None, Vec::new())], Some(Outcome::Deny));
    check(vec![result(VendorState::Pending, None, Vec::new())], Some(Outcome::Hold));
    check(Vec::new(), Some(Outcome::Hold));
}

#[test]
fn an_answer_to_another_hook_is_no_answer() {
    let mut other = result(VendorState::Final, Some(Risk::None), Vec::new());
    other.hook = Hook::KytDeposit;
    check(vec![other], Some(Outcome::Hold));
}

#[test]
fn a_category_counts_by_exposure_and_amount_and_what_is_not_told_counts() {
    let with = |signal| vec![result(VendorState::Final, Some(Risk::None), vec![signal])];
    check(with(signal("gambling", Some(true), Some(99_999))), None);
    check(with(signal("gambling", Some(true), Some(100_000))), Some(Outcome::Review));
    check(with(signal("gambling", Some(false), Some(100_000))), None);
    check(with(signal("gambling", None, None)), Some(Outcome::Review));
    check(with(signal("sanctions", Some(false), Some(1))), Some(Outcome::Deny));
    check(with(signal("exchange", Some(true), None)), None);
}

#[test]
fn the_worst_of_several_vendors_counts() {
    let both = vec![
        result(VendorState::Final, Some(Risk::None), Vec::new()),
        result(VendorState::Final, Some(Risk::Severe), Vec::new()),
    ];
    check(both, Some(Outcome::Hold));
}

#[test]
fn a_payment_waits_while_nobody_or_not_everybody_has_answered_and_no_longer() {
    let policies = Policies::new(vec![policy(RULE)]);
    let waits = |method, vendors| {
        let facts = facts(method, vendors);
        let screening = engine::screen(&policies, &facts);
        engine::waiting(&policies, &facts, &screening).is_some()
    };
    let done = || result(VendorState::Final, Some(Risk::None), Vec::new());
    assert!(waits(Method::Crypto, Vec::new()));
    assert!(waits(Method::Crypto, vec![done(), result(VendorState::Pending, None, Vec::new())]));
    assert!(!waits(Method::Crypto, vec![done()]));
    assert!(!waits(Method::Crypto, vec![result(VendorState::Error, None, Vec::new())]));
    assert!(!waits(Method::BankTransfer, Vec::new()));
}

#[test]
fn a_missing_answer_cannot_be_written_down_as_an_approval() {
    for key in ["no_score = \"review\"", "on_error = \"deny\"", "on_timeout = \"hold\""] {
        let name = key.split(' ').next().unwrap_or_default();
        let bad = RULE.replace(key, &format!("{name} = \"approve\""));
        let body = format!("{}\n{bad}", crate::screening::test_data::POLICY);
        let faults = file::read("2026-01.toml", &body).expect_err("refused");
        let told =
            faults.iter().any(|it| it.to_string().contains("which a missing answer never means"));
        assert!(told, "{faults:?}");
    }
}

#[test]
fn what_vendors_say_is_for_compliance_only() {
    let severe = vec![result(VendorState::Final, Some(Risk::High), Vec::new())];
    let screening = engine::decide(Some(&policy(RULE)), &facts(Method::Crypto, severe));
    let reasons: Vec<_> = screening.reasons.iter().filter(|it| it.code == "kyt.finding").collect();
    assert_eq!(reasons.len(), 1);
    assert_eq!(reasons[0].audience, Audience::Compliance);
    let state = screening.rules.iter().find(|it| &*it.rule == "kyt.withdrawal");
    assert_eq!(state.map(|it| it.state), Some(State::Hit));
}

/// The rule once more before the payout, an hour after at most.
fn leaving(vendors: Vec<VendorResult>, let_go_at: Option<Timestamp>) -> (Option<Outcome>, bool) {
    let rule = RULE.replace("deadline_s = 300", "deadline_s = 300\nmax_age_s = 3600");
    let policies = Policies::new(vec![policy(&rule)]);
    let mut facts = facts(Method::Crypto, vendors);
    facts.checkpoint = Checkpoint::WithdrawalPrePayout;
    facts.let_go_at = let_go_at;
    let screening = engine::screen(&policies, &facts);
    let found: Vec<_> = screening.rules.iter().filter(|it| &*it.rule == "kyt.withdrawal").collect();
    assert!(!found.is_empty());
    let hits = found.iter().filter(|it| it.is_hit()).map(|it| it.effect).max();
    (hits, engine::waiting(&policies, &facts, &screening).is_some())
}

fn aged(state: VendorState, risk: Option<Risk>, age_s: i64) -> VendorResult {
    VendorResult { received_at: NOW - Duration::seconds(age_s), ..result(state, risk, Vec::new()) }
}

#[test]
fn before_the_payout_an_old_answer_is_none_and_a_young_one_counts() {
    let clean = |age_s| vec![aged(VendorState::Final, Some(Risk::None), age_s)];
    assert_eq!(leaving(clean(3_600), None), (None, false));
    assert_eq!(leaving(clean(3_601), None), (Some(Outcome::Hold), true));
    assert_eq!(leaving(Vec::new(), None), (Some(Outcome::Hold), true));
    let one_is_old = [clean(10), clean(3_601)].concat();
    assert_eq!(leaving(one_is_old, None), (Some(Outcome::Hold), true));
    let severe = vec![aged(VendorState::Final, Some(Risk::Severe), 10)];
    assert_eq!(leaving(severe, None), (Some(Outcome::Hold), false));
    let failed = vec![aged(VendorState::Error, None, 10)];
    assert_eq!(leaving(failed, None), (Some(Outcome::Deny), true));
}

#[test]
fn two_people_let_go_what_they_have_read_and_never_an_old_answer() {
    for (state, risk) in [(VendorState::Final, Some(Risk::Severe)), (VendorState::Error, None)] {
        let seen = |age_s| vec![aged(state, risk, age_s)];
        let let_go_at = Some(NOW - Duration::seconds(60));
        assert_eq!(leaving(seen(61), let_go_at), (None, false), "{state:?}");
        let after = leaving(seen(59), let_go_at);
        assert!(after.0.is_some(), "it was said after they had let it go: {after:?}");
        let old = leaving(seen(3_601), let_go_at);
        assert_eq!(old, (Some(Outcome::Hold), true), "{state:?}");
    }
}

#[test]
fn without_an_age_nothing_is_looked_at_before_the_payout() {
    let rule = policy(RULE);
    let kyt = rule.rules.iter().find(|rule| &*rule.id == "kyt.withdrawal").unwrap();
    assert_eq!(kyt.at, [Checkpoint::WithdrawalRequest]);
    let short = RULE.replace("deadline_s = 300", "deadline_s = 300\nmax_age_s = 300");
    let body = crate::screening::test_data::POLICY;
    let faults = file::read("2026-01.toml", &format!("{body}\n{short}")).unwrap_err();
    assert!(faults.iter().any(|fault| fault.message.contains("max_age_s")), "{faults:?}");
}

/// A vendor that tells the shares of one finding apart has found no less.
#[test]
fn a_row_counts_all_shares_of_a_finding_that_it_takes() {
    let share = |usd: i64, direct: Option<bool>, rule: &str| Signal {
        rule_ref: Some(rule.to_owned()),
        ..signal("gambling", direct, Some(usd))
    };
    let (direct, indirect) = (Some(true), Some(false));
    let row = |taken: Option<bool>| Row {
        category: "gambling".to_owned(),
        direct: taken,
        from_usd: Some(Money::new(100_000, Currency::USD)),
        outcome: Outcome::Review,
    };
    for (signals, any, near, far) in [
        (vec![share(60_000, direct, "r"), share(40_000, indirect, "r")], true, false, false),
        (vec![share(60_000, direct, "r"), share(39_999, indirect, "r")], false, false, false),
        (vec![share(60_000, direct, "r"), share(40_000, None, "r")], true, true, false),
        (vec![share(60_000, direct, "r"), share(40_000, direct, "r")], true, true, false),
        (vec![share(1, direct, "r"), share(100_000, indirect, "r")], true, false, true),
        // Of two findings each is judged by itself, as is what no rule is named for.
        (vec![share(60_000, direct, "r"), share(60_000, direct, "s")], false, false, false),
        (vec![share(60_000, None, "r"), share(60_000, None, "r")], false, false, false),
    ] {
        let fits = |taken| signals.iter().any(|it| row(taken).fits(it, &signals));
        assert_eq!([None, direct, indirect].map(fits), [any, near, far], "{signals:?}");
    }
    let unknown = [share(1, direct, "r"), Signal { amount: None, ..share(1, indirect, "r") }];
    assert!(unknown.iter().any(|it| row(None).fits(it, &unknown)), "it is never small");
}
