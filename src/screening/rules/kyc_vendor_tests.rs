use super::*;
use crate::domain::{Currency, Kyc, KycStatus, Method, Money, Origin, Player};
use crate::screening::background::Background;
use crate::screening::gather::{self, Deposit, Setting, Withdrawal};
use crate::screening::hooks::KycFacts;
use crate::screening::policy::Policies;
use crate::screening::test_data::{NOW, POLICY, fx, player};
use crate::screening::{Checkpoint, MarketPolicy, engine, file};

const RULE: &str = r#"
[[rules]]
id = "kyc.vendor"
effect = "deny"
level_min = 2
max_age_s = 3600
on_failure = "review"
on_pending = "review"
source = "test"
source_date = "2026-01-01"
"#;

fn policy(text: &str) -> MarketPolicy {
    file::read("2026-01.toml", text).expect("a sound policy")
}

fn facts(checkpoint: Checkpoint, player: &Player, policies: &Policies) -> Facts {
    let (table, origin, method) = (fx(), Origin::Request, Method::BankTransfer);
    let setting = Setting::new(policies, &table, NOW);
    let (player, money) = (Some(player), Money::new(10_000, Currency::SEK));
    if checkpoint == Checkpoint::DepositPre {
        let (payment, limits, movements, source) = (None, [].as_slice(), [].as_slice(), None);
        return gather::deposit(
            &Deposit {
                checkpoint,
                player,
                payment,
                origin,
                money,
                method,
                limits,
                movements,
                background: Background::NOTHING,
                source,
            },
            &setting,
        );
    }
    let (owed, closed_loop, payment, movements) = ([].as_slice(), None, None, [].as_slice());
    gather::withdrawal(
        &Withdrawal {
            checkpoint,
            origin,
            player,
            money,
            method,
            owed,
            closed_loop,
            payment,
            asked_at: None,
            movements,
            background: Background::NOTHING,
            ends: &[],
        },
        &setting,
    )
}

fn said(standing: KycStanding, level: i16, age_s: i64) -> Result<KycAnswer, HookFailure> {
    Ok(KycAnswer {
        standing,
        level,
        reference: "a-1".to_owned(),
        version: "basic".to_owned(),
        told_at: NOW - Duration::seconds(age_s),
    })
}

/// Outcome, and code and audience of the reason that is not another rule's.
fn decided(
    checkpoint: Checkpoint,
    found: Option<Result<KycAnswer, HookFailure>>,
) -> (Outcome, Option<(String, Audience)>) {
    let policies = Policies::new(vec![policy(&format!("{POLICY}{RULE}"))]);
    let mut facts = facts(checkpoint, &player(), &policies);
    facts.checks.kyc = found.map(|found| KycFacts { vendor: "sumsub".to_owned(), found });
    let decided = engine::screen(&policies, &facts);
    let own = decided.reasons.iter().find(|it| it.rule.as_deref() == Some("kyc.vendor"));
    (decided.outcome, own.map(|reason| (reason.code.clone(), reason.audience)))
}

#[test]
fn each_thing_that_a_vendor_can_say_has_its_outcome_and_its_audience() {
    use Outcome::{Approve, Deny, Hold, Review};
    let (deposit, withdrawal) = (Checkpoint::DepositPre, Checkpoint::WithdrawalRequest);
    let told = |standing, level, age| Some(said(standing, level, age));
    let player = |code| Some((code, Audience::Player));
    for (found, deposits, withdrawals, reason) in [
        (told(KycStanding::Verified, 2, 3600), Approve, Approve, None),
        (told(KycStanding::Verified, 3, -5), Approve, Approve, None),
        (told(KycStanding::Verified, 1, 0), Deny, Deny, player("kyc.level_too_low")),
        (told(KycStanding::Pending, 2, 0), Review, Review, player("kyc.pending")),
        (told(KycStanding::Retry, 2, 0), Deny, Deny, player("kyc.incomplete")),
        (told(KycStanding::Abandoned, 2, 0), Deny, Deny, player("kyc.incomplete")),
        (
            told(KycStanding::Rejected, 3, 0),
            Deny,
            Hold,
            Some(("kyc.rejected", Audience::Compliance)),
        ),
        (Some(Err(HookFailure::NothingKnown)), Review, Review, player("kyc.incomplete")),
    ] {
        let reason = reason.map(|(code, audience)| (code.to_owned(), audience));
        assert_eq!(decided(deposit, found.clone()), (deposits, reason.clone()), "{found:?}");
        assert_eq!(decided(withdrawal, found.clone()), (withdrawals, reason), "{found:?}");
    }
}

#[test]
fn without_an_answer_that_can_be_used_nothing_is_approved() {
    let stale = Some(said(KycStanding::Verified, 3, 3601));
    let failures = HookFailure::ALL.into_iter().filter(|it| *it != HookFailure::NothingKnown);
    let failures = failures.map(|failure| Some(Err(failure)));
    let mut seen = 0;
    for found in failures.chain([None, stale]) {
        for checkpoint in [Checkpoint::DepositPre, Checkpoint::WithdrawalRequest] {
            let reason = ("kyc.no_answer".to_owned(), Audience::Operator);
            let expected = (Outcome::Review, Some(reason));
            assert_eq!(decided(checkpoint, found.clone()), expected, "{found:?}");
            seen += 1;
        }
    }
    assert_eq!(seen, 2 * (HookFailure::ALL.len() + 1));
}

#[test]
fn a_policy_cannot_write_an_approval_by_default() {
    for key in ["on_failure", "on_pending"] {
        let text = format!("{POLICY}{}", RULE.replace(key, &format!("{key}_")));
        let text = text.replace(&format!("{key}_ = \"review\""), &format!("{key} = \"approve\""));
        assert!(text.contains("\"approve\""), "the control: {key} is there");
        let faults = file::read("2026-01.toml", &text).expect_err("it is refused");
        assert!(faults.iter().any(|fault| fault.to_string().contains(key)), "{faults:?}");
    }
}

#[test]
fn the_level_rule_tells_a_pending_verification_from_none_where_it_is_asked_to() {
    let level = |more: &str| {
        let rule = format!("deposit_min = 1\n{more}");
        let policies = Policies::new(vec![policy(&POLICY.replace("deposit_min = 1", &rule))]);
        move |status: KycStatus| {
            let kyc = Kyc { status, level: 2, verified_at: None };
            let who = Player { kyc, ..player() };
            let facts = facts(Checkpoint::DepositPre, &who, &policies);
            let decided = engine::screen(&policies, &facts);
            (decided.outcome, decided.reasons.into_iter().map(|it| it.code).collect::<Vec<_>>())
        }
    };
    let too_low = || vec!["kyc.level_too_low".to_owned()];
    let (plain, asked) = (level(""), level("on_pending = \"review\""));
    assert_eq!(plain(KycStatus::Pending), (Outcome::Deny, too_low()), "as before it was named");
    assert_eq!(asked(KycStatus::Pending), (Outcome::Review, vec!["kyc.pending".to_owned()]));
    for status in [KycStatus::Unverified, KycStatus::Rejected] {
        assert_eq!(asked(status), (Outcome::Deny, too_low()), "{status:?}");
    }
    assert_eq!(asked(KycStatus::Verified), (Outcome::Approve, Vec::new()));
}

#[test]
fn people_have_seen_an_answer_however_old_it_is_by_now_and_no_other() {
    let told = |standing: &str, age: i64, reference: &str| {
        format!("{standing} at level 2 by sumsub (basic, v2), {age} s old, reference {reference}")
    };
    let seen = told("rejected", 5, "a");
    for (now, is_same) in [
        (told("rejected", 500, "a"), true),
        (told("rejected", 5, "b"), false),
        (told("pending", 5, "a"), false),
        ("no answer of sumsub: stale".to_owned(), false),
    ] {
        assert_eq!(answer(&seen) == answer(&now), is_same, "{now}");
    }
    assert_eq!(answer("no answer of sumsub: late"), answer("no answer of sumsub: stale"));
    assert_ne!(answer("no answer of sumsub: late"), answer("no answer of onfido: late"));
}
