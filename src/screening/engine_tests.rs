//! Each rule hit, each rule nearly hit, and what is missing.

use super::*;
use crate::domain::{
    Audience, Currency, Exclusion, Instrument, KycStatus, Method, Money, Origin, Player,
    PlayerStatus, Timestamp,
};
use crate::screening::background::Background;
use crate::screening::gather::{self, Deposit, Locked, Setting, Withdrawal};
use crate::screening::limits::Period;
use crate::screening::movement::UseState;
use crate::screening::rule::State;
use crate::screening::test_data::{NOW, deposited, fx, limit, player, policies, withdrawal};
use crate::screening::{Checkpoint, FxTable};
use std::time::Duration;

fn sek(minor: i64) -> Money {
    Money::new(minor, Currency::SEK)
}

fn deposit(player: &Player) -> Deposit<'_> {
    Deposit {
        checkpoint: Checkpoint::DepositPre,
        player: Some(player),
        payment: None,
        origin: Origin::Request,
        money: sek(10_000),
        method: Method::BankTransfer,
        limits: &[],
        movements: &[],
        background: Background::NOTHING,
        source: None,
    }
}

fn screen_deposit(records: &Deposit<'_>) -> Screening {
    screen_deposit_at(records, &fx(), NOW)
}

fn screen_deposit_at(records: &Deposit<'_>, fx: &FxTable, now: Timestamp) -> Screening {
    let facts = gather::deposit(records, &Setting::new(&policies(), fx, now));
    screen(&policies(), &facts)
}

fn screen_withdrawal(records: &Withdrawal<'_>) -> Screening {
    screen_withdrawal_with(records, &fx())
}

fn screen_withdrawal_with(records: &Withdrawal<'_>, fx: &FxTable) -> Screening {
    let facts = gather::withdrawal(records, &Setting::new(&policies(), fx, NOW));
    screen(&policies(), &facts)
}

/// The outcome and the codes, after changing the player and the facts.
#[track_caller]
fn check_deposit(
    change_player: impl FnOnce(&mut Player),
    change: impl FnOnce(&mut Deposit<'_>),
    expected: (Outcome, &[&str]),
) {
    let mut player = player();
    change_player(&mut player);
    let mut facts = deposit(&player);
    change(&mut facts);
    check(&screen_deposit(&facts), expected);
}

#[track_caller]
fn check_withdrawal(
    change_player: impl FnOnce(&mut Player),
    change: impl FnOnce(&mut Withdrawal<'_>),
    expected: (Outcome, &[&str]),
) {
    let mut player = player();
    change_player(&mut player);
    let mut facts = withdrawal(&player);
    change(&mut facts);
    check(&screen_withdrawal(&facts), expected);
}

#[track_caller]
fn check(screening: &Screening, (outcome, codes): (Outcome, &[&str])) {
    let found: Vec<&str> = screening.reasons.iter().map(|reason| reason.code.as_str()).collect();
    assert_eq!((screening.outcome, found.as_slice()), (outcome, codes));
    for reason in &screening.reasons {
        assert!(reason.remedy.is_some() && reason.threshold.is_some(), "{reason:?}");
    }
    for result in &screening.rules {
        let policy = policies().version("SE", "2026-01").cloned();
        let rule = rule_of(policy.as_ref(), result.number).expect("a rule of that number");
        assert_eq!((&rule.id, rule.check.operator()), (&result.rule, result.operator));
    }
}

const FINE: (Outcome, &[&str]) = (Outcome::Approve, &[]);

const fn deny<'a>(codes: &'a [&'a str]) -> (Outcome, &'a [&'a str]) {
    (Outcome::Deny, codes)
}

fn anyone(_: &mut Player) {}

fn deposit_as_is(_: &mut Deposit<'_>) {}

fn withdrawal_as_is(_: &mut Withdrawal<'_>) {}

fn excluded(from: Timestamp, until: Option<Timestamp>) -> impl FnOnce(&mut Player) {
    move |player| {
        player.exclusion = Some(Exclusion { source: "spelpaus".to_owned(), from, until });
    }
}

#[test]
fn an_ordinary_deposit_passes_every_rule_and_each_is_on_record() {
    check_deposit(anyone, deposit_as_is, FINE);
    let player = player();
    let screening = screen_deposit(&deposit(&player));
    let ran: Vec<&str> = screening.rules.iter().map(|result| &*result.rule).collect();
    assert_eq!(
        ran,
        [
            "player.known",
            "excluded.register",
            "player.status",
            "licence.market",
            "currency.allowed",
            "method.allowed",
            "kyc.level",
            "amount.min",
            "amount.max"
        ]
    );
    let sha256 = policies().all()[0].sha256;
    assert_eq!(screening.policy, Some(("SE".to_owned(), "2026-01".to_owned(), sha256)));
}

#[test]
fn an_unknown_player_or_market_is_denied() {
    check_deposit(anyone, |facts| facts.player = None, deny(&["player.unknown"]));
    check_withdrawal(anyone, |facts| facts.player = None, deny(&["player.unknown"]));
    let abroad = |player: &mut Player| player.country = "US".to_owned();
    check_deposit(abroad, deposit_as_is, deny(&["market.not_licensed"]));
    let too_soon = NOW - Duration::from_secs(90 * 86_400);
    let before = screen_deposit_at(&deposit(&player()), &fx(), too_soon);
    assert_eq!(
        (before.outcome, before.reasons[0].code.as_str()),
        (Outcome::Deny, "market.not_licensed")
    );
}

#[test]
fn an_exclusion_stops_deposits_while_it_holds_and_never_a_withdrawal() {
    let hit = deny(&["player.excluded"]);
    let second = Duration::from_secs(1);
    check_deposit(excluded(NOW, None), deposit_as_is, hit);
    check_deposit(excluded(NOW, Some(NOW + second)), deposit_as_is, hit);
    check_deposit(excluded(NOW - second, Some(NOW)), deposit_as_is, FINE);
    check_deposit(excluded(NOW + second, None), deposit_as_is, FINE);
    check_withdrawal(excluded(NOW, None), withdrawal_as_is, FINE);
}

#[test]
fn a_frozen_player_neither_deposits_nor_learns_why_and_a_closed_one_takes_the_money_home() {
    let frozen = |player: &mut Player| player.status = PlayerStatus::Frozen;
    let closed = |player: &mut Player| player.status = PlayerStatus::Closed;
    check_deposit(frozen, deposit_as_is, deny(&["player.frozen"]));
    check_deposit(closed, deposit_as_is, deny(&["player.closed"]));
    check_withdrawal(closed, withdrawal_as_is, FINE);
    check_withdrawal(frozen, withdrawal_as_is, (Outcome::Hold, &["player.frozen"]));
    let mut player = player();
    player.status = PlayerStatus::Frozen;
    let screening = screen_withdrawal(&withdrawal(&player));
    assert_eq!(screening.reasons[0].audience, Audience::Compliance);
}

#[test]
fn a_level_counts_only_while_its_verification_stands() {
    let kyc = |level, status| {
        move |player: &mut Player| {
            player.kyc.level = level;
            player.kyc.status = status;
        }
    };
    let low = deny(&["kyc.level_too_low"]);
    check_deposit(kyc(1, KycStatus::Verified), deposit_as_is, FINE);
    check_deposit(kyc(0, KycStatus::Verified), deposit_as_is, low);
    check_deposit(kyc(3, KycStatus::Rejected), deposit_as_is, low);
    check_deposit(kyc(3, KycStatus::Pending), deposit_as_is, low);
    check_withdrawal(kyc(2, KycStatus::Verified), withdrawal_as_is, FINE);
    check_withdrawal(kyc(1, KycStatus::Verified), withdrawal_as_is, low);
}

#[test]
fn the_market_says_which_currency_method_and_amount() {
    let money =
        |minor, currency| move |facts: &mut Deposit<'_>| facts.money = Money::new(minor, currency);
    check_deposit(anyone, money(9_999, Currency::SEK), deny(&["amount.below_minimum"]));
    check_deposit(anyone, money(1_000_000, Currency::SEK), FINE);
    check_deposit(anyone, money(1_000_001, Currency::SEK), deny(&["amount.above_maximum"]));
    check_deposit(anyone, money(1, Currency::EUR), FINE);
    let gbp = money(100, Currency::GBP);
    check_deposit(anyone, gbp, deny(&["payment.currency_not_allowed"]));
    let card = |facts: &mut Deposit<'_>| facts.method = Method::Card;
    check_deposit(anyone, card, deny(&["payment.method_not_allowed"]));
    let card = |facts: &mut Withdrawal<'_>| facts.method = Method::Card;
    check_withdrawal(anyone, card, deny(&["payment.method_not_allowed"]));
    let high = |facts: &mut Withdrawal<'_>| facts.money = sek(5_000_001);
    let codes = ["amount.above_maximum", "review.dual_approval"];
    check_withdrawal(anyone, high, deny(&codes));
}

#[test]
fn the_players_own_limit_names_what_was_observed_and_what_helps() {
    let limits = [limit(Period::Day, 10_000, Currency::EUR)];
    let uses = [deposited(1, 2_000, NOW, UseState::Reserved)];
    let player = player();
    let mut facts = deposit(&player);
    facts.money = Money::new(10_000, Currency::EUR);
    facts.limits = &limits;
    facts.movements = &uses;
    let screening = screen_deposit(&facts);
    check(&screening, deny(&["limit.player_exceeded"]));
    let reason = &screening.reasons[0];
    assert_eq!(reason.rule.as_deref(), Some("limit.player"));
    assert_eq!(
        reason.observed.as_deref(),
        Some("deposits of the last 24 hours with this one: 120.00 EUR")
    );
    assert_eq!(reason.threshold.as_deref(), Some("100.00 EUR"));
    assert!(reason.remedy.is_some());
}

#[test]
fn withdrawals_of_a_certain_worth_go_to_two_people() {
    let worth = |minor| move |facts: &mut Withdrawal<'_>| facts.money = sek(minor);
    let review = (Outcome::Review, ["review.dual_approval"]);
    // 1 SEK is 0.09 EUR: 11111.11 SEK is 1000.00 EUR when rounded up.
    check_withdrawal(anyone, worth(1_111_100), FINE);
    check_withdrawal(anyone, worth(1_111_111), (review.0, &review.1));
    let no_rates = FxTable { eur_per_unit: std::collections::BTreeMap::new(), ..fx() };
    let player = player();
    let screening = screen_withdrawal_with(&withdrawal(&player), &no_rates);
    check(&screening, (review.0, &review.1));
}

/// They refuse what they refused, and let nothing through alone; where nothing is compared by them their age is none.
#[test]
fn rates_that_are_too_old_let_nothing_through_alone() {
    let aged = |days| FxTable { age_max_days: Some(days), ..fx() };
    let player = player();
    let old = (Outcome::Review, ["review.rates_too_old"]);
    let later = |days: u64| NOW + Duration::from_secs(days * 86_400);
    let withdrawn = |money, table: &FxTable, now| {
        let records = Withdrawal { money, ..withdrawal(&player) };
        let facts = gather::withdrawal(&records, &Setting::new(&policies(), table, now));
        (screen(&policies(), &facts), facts)
    };
    let (fresh, facts) = withdrawn(sek(10_000), &aged(3), later(2));
    check(&fresh, FINE);
    assert_eq!(facts.fx.age_max_days, Some(3));
    let (stale, facts) = withdrawn(sek(10_000), &aged(3), later(3));
    check(&stale, (old.0, &old.1));
    assert_eq!(stale.reasons[0].threshold.as_deref(), Some("used until 2026-03-12"));
    let too_much = (Outcome::Review, ["review.rates_too_old", "review.dual_approval"]);
    check(&withdrawn(sek(1_111_111), &aged(3), later(3)).0, (too_much.0, &too_much.1));
    // What was decided before their age was kept comes out as it did.
    let before = Facts { fx: fx(), ..facts };
    check(&screen(&policies(), &before), FINE);
    // Euro with a threshold in euro: nothing is compared by rates.
    let euro = Money::new(10_000, Currency::EUR);
    let (screening, facts) = withdrawn(euro, &aged(3), later(300));
    check(&screening, FINE);
    assert_eq!(facts.fx.age_max_days, None);
    let limits = [limit(Period::Day, 100_000, Currency::EUR)];
    let deposited = |limits, now| {
        let records = Deposit { limits, ..self::deposit(&player) };
        screen_deposit_at(&records, &aged(3), now)
    };
    check(&deposited(&limits, later(2)), FINE);
    check(&deposited(&limits, later(3)), (old.0, &old.1));
    check(&deposited(&[], later(3)), FINE);
}

#[test]
fn a_debt_stops_new_withdrawals_and_sends_approved_ones_back_to_people() {
    let debt = [Money::new(0, Currency::EUR), sek(1)];
    let player = player();
    let mut facts = withdrawal(&player);
    facts.owed = &debt;
    check(&screen_withdrawal(&facts), deny(&["wallet.owed"]));
    facts.checkpoint = Checkpoint::WithdrawalPrePayout;
    let expected = (Outcome::Review, ["wallet.owed"]);
    check(&screen_withdrawal(&facts), (expected.0, &expected.1));
    facts.owed = &debt[..1];
    check(&screen_withdrawal(&facts), FINE);
    facts.owed = &debt;
    facts.origin = Origin::Return;
    check(&screen_withdrawal(&facts), FINE);
}

#[test]
fn a_lost_licence_does_not_trap_a_withdrawal() {
    let abroad = |player: &mut Player| player.country = "US".to_owned();
    let expected = (Outcome::Review, ["market.not_licensed"]);
    check_withdrawal(abroad, withdrawal_as_is, (expected.0, &expected.1));
}

#[test]
fn money_that_is_in_is_reviewed_and_never_denied() {
    let post = |facts: &mut Deposit<'_>| {
        facts.checkpoint = Checkpoint::DepositPost;
        // Less than the minimum, and by another method: too late to ask.
        facts.money = sek(1);
        facts.method = Method::Card;
    };
    check_deposit(anyone, post, FINE);
    let expected = (Outcome::Review, ["player.excluded"]);
    check_deposit(excluded(NOW, None), post, (expected.0, &expected.1));
}

#[test]
fn a_reservation_is_enough_afterwards_and_a_released_one_is_not() {
    let limits = [limit(Period::Day, 5_000, Currency::EUR)];
    let player = player();
    for (state, expected) in [
        (UseState::Reserved, (Outcome::Approve, vec![])),
        (UseState::Released, (Outcome::Review, vec!["limit.player_exceeded"])),
    ] {
        let uses = [deposited(1, 10_000, NOW, state)];
        let mut facts = deposit(&player);
        facts.checkpoint = Checkpoint::DepositPost;
        facts.payment = Some(uses[0].payment);
        facts.money = Money::new(10_000, Currency::EUR);
        facts.limits = &limits;
        facts.movements = &uses;
        check(&screen_deposit(&facts), (expected.0, &expected.1));
    }
}

#[test]
fn counters_that_ran_again_replace_their_older_findings() {
    let limits = [limit(Period::Day, 100, Currency::EUR)];
    let (player, table) = (player(), fx());
    let mut records = deposit(&player);
    records.limits = &limits;
    let mut facts = gather::deposit(&records, &Setting::new(&policies(), &table, NOW));
    let before = screen(&policies(), &facts);
    assert_eq!(before.outcome, Outcome::Deny);
    let raised = [limit(Period::Day, 10_000, Currency::EUR)];
    let (owed, movements, ends) = (&[], &[], &[]);
    let background = Background::NOTHING;
    let locked = Locked { limits: &raised, owed, movements, background, ends };
    gather::count_deposit(&mut facts, None, &locked, &Setting::new(&policies(), &table, NOW));
    let after = recount(&policies(), &facts, &before);
    check(&after, FINE);
    let numbers = |screening: &Screening| -> Vec<u16> {
        screening.rules.iter().map(|result| result.number).collect()
    };
    assert_eq!(numbers(&before), numbers(&after));
    assert_eq!(decide(policies().version("SE", "2026-01"), &facts), after);
}

#[test]
fn a_rule_that_only_records_finds_and_does_nothing() {
    let mut records_of = player();
    records_of.kyc.level = 0;
    let records = deposit(&records_of);
    let table = fx();
    for (recorded_only, acts) in [(vec!["kyc".to_owned()], false), (vec!["ky".to_owned()], true)] {
        let policies = policies().with_recorded_only(recorded_only);
        let setting = Setting::new(&policies, &table, NOW);
        let screening = screen(&policies, &gather::deposit(&records, &setting));
        let found = screening.rules.iter().find(|result| &*result.rule == "kyc.level").unwrap();
        assert_eq!((found.state, found.acts, found.is_hit()), (State::Hit, acts, acts));
        assert_eq!(screening.outcome == Outcome::Deny, acts);
    }
}

#[test]
fn a_payer_who_is_somebody_else_is_for_people_and_the_players_own_number_counts_for_more() {
    let player = Player { national_id: Some("12345678909".to_owned()), ..player() };
    let mut source = Instrument {
        holder_name: Some("Somebody Else".to_owned()),
        tax_id: player.national_id.clone(),
        ..Instrument::default()
    };
    for (tax_id, codes) in [
        (Some("12345678909"), vec![]),
        (None, vec!["payer.name_differs"]),
        (Some("98765432100"), vec!["payer.name_differs", "payer.tax_id_differs"]),
    ] {
        source.tax_id = tax_id.map(str::to_owned);
        let mut records = deposit(&player);
        records.checkpoint = Checkpoint::DepositPost;
        records.source = Some(&source);
        let outcome = if codes.is_empty() { Outcome::Approve } else { Outcome::Review };
        check(&screen_deposit(&records), (outcome, &codes));
    }
}
