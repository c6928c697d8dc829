//! The facts of each market's law, one test a fact, as the shipped pack decides them. What a regulator's
//! windows and delays come to in figures is in `screening/vectors`; here it is the pack that is held to it.

use super::market_case::{Case, GROWN, NOW, finds, limits, told};
use super::packs::packs;
use crate::domain::{Audience, Currency, KycStatus, Method, Money, Reason};
use crate::screening::calendar::Period;
use crate::screening::hooks::{
    FileAnswer, FileFacts, HookFailure, NameAnswer, NameFacts, NameHit, RegisterAnswer,
    RegisterFacts, Standing, Topic,
};
use crate::screening::{MarketPolicy, Outcome, engine};
use psp_contract::CardFunding;
use rust_decimal::dec;
use time::Duration;
use time::macros::{date, datetime};

fn pack(market: &str) -> MarketPolicy {
    packs().into_iter().find(|pack| pack.market == market).expect("a pack")
}

const GATED: [(&str, Currency); 4] =
    [("SE", Currency::SEK), ("GB", Currency::GBP), ("DE", Currency::EUR), ("NL", Currency::EUR)];
const ALL: [(&str, Currency); 7] = [
    ("SE", Currency::SEK),
    ("GB", Currency::GBP),
    ("DE", Currency::EUR),
    ("NL", Currency::EUR),
    ("BR", Currency::BRL),
    ("CA", Currency::CAD),
    ("MT", Currency::USDT),
];

/// Spelpaus, GAMSTOP, OASIS, Cruks: no deposit of who is excluded, of whom the register does not know,
/// without an answer, or with an old one; and money may always go home.
#[test]
fn se_gb_de_nl_ask_the_register_before_a_deposit_and_never_keep_a_withdrawal_for_it() {
    for (country, currency) in GATED {
        let mut case = Case::of(country, currency);
        case.pays(100, Outcome::Approve, None);
        let register = |found| Some(RegisterFacts { register: "register".to_owned(), found });
        let says = |standing, answered_at| {
            let reference = "r-1".to_owned();
            register(Ok(RegisterAnswer { standing, reference, answered_at }))
        };
        for (answer, code) in [
            (says(Standing::Excluded, NOW), "player.excluded"),
            (says(Standing::UnknownPerson, NOW), "register.person_unknown"),
            (says(Standing::NotExcluded, NOW - Duration::hours(2)), "register.no_answer"),
            (register(Err(HookFailure::Late)), "register.no_answer"),
            (None, "register.no_answer"),
        ] {
            case.checks.register = answer;
            case.pays(100, Outcome::Deny, Some(code));
            told(&case.withdrawal(100), Outcome::Approve, None);
        }
    }
}

/// An entry at the score of a block is held, one like it and a politically exposed person are looked at,
/// and no answer is no approval: in every market, on the way in and on the way out.
#[test]
fn every_market_asks_lists_of_sanctions_and_of_politically_exposed_people() {
    for (country, currency) in ALL {
        let mut case = Case::of(country, currency);
        let hit = |topic, score| NameHit {
            list: "list".to_owned(),
            entity: "1".to_owned(),
            topic,
            score,
            excepted: false,
        };
        let answer = |hits| NameAnswer { hits, version: "lists-1".to_owned(), asked_at: NOW };
        for (found, outcome, code) in [
            (Ok(vec![hit(Topic::Sanctions, dec!(0.97))]), Outcome::Hold, "names.sanctions"),
            (Ok(vec![hit(Topic::Sanctions, dec!(0.84))]), Outcome::Review, "names.sanctions"),
            (Ok(vec![hit(Topic::Pep, dec!(0.97))]), Outcome::Review, "names.pep"),
            (Err(HookFailure::Unreachable), Outcome::Review, "names.no_answer"),
        ] {
            let found = found.map(answer);
            case.checks.names = vec![NameFacts { matcher: "matcher".to_owned(), found }];
            case.pays(100, outcome, Some(code));
            let codes = case.withdrawal(100).reasons;
            assert!(codes.iter().any(|reason| reason.code == code), "{country} {codes:?}");
        }
    }
}

/// Spelinspektionen 2021-12-13: a player must have set limits for day, week *and* month.
#[test]
fn se_takes_no_deposit_without_limits_for_day_week_and_month() {
    let mut case = Case::of("SE", Currency::SEK);
    case.pays(100, Outcome::Approve, None);
    for missing in Period::ALL {
        case.limits = limits(Currency::SEK);
        case.limits.retain(|limit| limit.period != missing);
        case.pays(100, Outcome::Deny, Some("limit.required"));
    }
    told(&case.withdrawal(100), Outcome::Approve, None);
}

/// The regulator's own example: 24 hours of the period are left, the rise holds 48 hours after its end.
#[test]
fn se_lets_a_rise_wait_for_72_hours_and_the_end_of_the_period() {
    let terms = pack("SE").limit_terms;
    let week_end = datetime!(2026-11-22 23:00 UTC);
    let (day, two_days) = (Duration::days(1), Duration::days(2));
    assert_eq!(terms.rise_at(Period::Week, week_end - day), week_end + two_days);
    let monday = datetime!(2026-11-16 11:00 UTC);
    assert_eq!(terms.rise_at(Period::Week, monday), week_end, "not before the week is over");
    assert_eq!(terms.rise_at(Period::Day, monday), monday + Duration::days(3));
}

/// Spelinspektionen 2021-12-13: contact with who deposits more than 10,000 SEK in a month.
#[test]
fn se_sees_who_deposits_more_than_10_000_kronor_in_a_month() {
    let case = Case::of("SE", Currency::SEK).moved(9_900, datetime!(2026-10-31 23:00 UTC));
    assert!(!case.rule_finds(100, "affordability"));
    assert!(case.rule_finds(101, "affordability"));
    // An hour earlier it was October in Stockholm.
    let case = Case::of("SE", Currency::SEK).moved(9_900, datetime!(2026-10-31 22:59 UTC));
    assert!(!case.rule_finds(101, "affordability"));
}

/// GlüStV §6c: room over all operators is reserved for each deposit, and no answer is none.
#[test]
fn de_takes_no_deposit_without_room_over_all_operators() {
    let mut case = Case::of("DE", Currency::EUR);
    let refused = FileAnswer { granted: false, reference: "f-1".to_owned(), remaining: None };
    let file = |found| Some(FileFacts { file: "limit-file".to_owned(), found });
    for (answer, code) in [
        (file(Ok(refused)), "limit.cross_operator_exceeded"),
        (file(Err(HookFailure::Unreachable)), "limit.cross_operator_no_answer"),
        (None, "limit.cross_operator_no_answer"),
    ] {
        case.checks.file = answer;
        case.pays(100, Outcome::Deny, Some(code));
        told(&case.withdrawal(100), Outcome::Approve, None);
    }
    let terms = pack("DE").limit_terms;
    let asked = datetime!(2026-11-25 12:00 UTC);
    assert_eq!(terms.rise_at(Period::Month, asked), asked + Duration::days(7));
}

/// What a limit of 1,000 a month has used up after 900 came in and 500 was paid out.
fn left_of_a_month(country: &str, currency: Currency) -> bool {
    let (came, went) = (NOW - Duration::days(2), NOW - Duration::days(1));
    let mut case = Case::of(country, currency).moved(900, came).moved(-500, went);
    let most = case.money(1_000);
    for limit in case.limits.iter_mut().filter(|limit| limit.period == Period::Month) {
        limit.money = most;
    }
    !case.rule_finds(200, "limit.player")
}

/// RTS 12B counts deposits, Stcrt 2024-19648 deposits less what was paid out.
#[test]
fn gb_counts_gross_what_nl_counts_net() {
    assert!(!left_of_a_month("GB", Currency::GBP));
    assert!(left_of_a_month("NL", Currency::EUR));
    // The control: without the withdrawal there is no room in the Netherlands either.
    let mut case = Case::of("NL", Currency::EUR).moved(900, NOW - Duration::days(2));
    case.limits.iter_mut().for_each(|limit| limit.money = Money::new(100_000, Currency::EUR));
    assert!(case.rule_finds(200, "limit.player"));
}

/// RTS 12B: 24 hours, 7 days and one month back from now, and a rise after 24 hours.
#[test]
fn gb_counts_back_from_now_and_lets_a_rise_wait_for_a_day() {
    let terms = pack("GB").limit_terms;
    for period in Period::ALL {
        assert_eq!(terms.rise_at(period, NOW), NOW + Duration::days(1));
    }
    let spent = |at| {
        let mut case = Case::of("GB", Currency::GBP).moved(90, at);
        let most = case.money(100);
        case.limits.retain(|limit| limit.period == Period::Day);
        case.limits[0].money = most;
        case.rule_finds(20, "limit.player")
    };
    assert!(spent(NOW - Duration::hours(24) + Duration::SECOND));
    assert!(!spent(NOW - Duration::hours(24)));
}

/// What a vendor rejected is compliance's alone: a forger must not learn what was noticed, and the money stays
/// where it is.
#[test]
fn a_rejected_verification_holds_a_withdrawal_and_is_told_to_nobody_else() {
    for (country, currency) in ALL {
        let mut case = Case::of(country, currency);
        case.player.kyc.status = KycStatus::Rejected;
        let leaving = case.withdrawal(100);
        told(&leaving, Outcome::Hold, Some("kyc.rejected"));
        case.pays(100, Outcome::Deny, Some("kyc.rejected"));
        let of_rule = |it: &&Reason| it.rule.as_deref() == Some("kyc.level");
        let reason = leaving.reasons.iter().find(of_rule).expect("a reason");
        assert_eq!(reason.audience, Audience::Compliance, "{country}");
        // No level at all is still the player's to mend.
        case.player.kyc.status = KycStatus::Unverified;
        told(&case.withdrawal(100), Outcome::Deny, Some("kyc.level_too_low"));
    }
}

/// LC 17.1.1: identity is verified before gambling, and a withdrawal asks for nothing that could have
/// been asked for before.
#[test]
fn gb_verifies_before_the_first_deposit_and_asks_no_more_for_a_withdrawal() {
    let mut unverified = Case::of("GB", Currency::GBP).with_level(0);
    unverified.player.kyc.status = KycStatus::Unverified;
    unverified.pays(100, Outcome::Deny, Some("kyc.level_too_low"));
    let verified = Case::of("GB", Currency::GBP).with_level(1);
    verified.pays(100, Outcome::Approve, None);
    told(&verified.withdrawal(100), Outcome::Approve, None);
}

/// LCCP 6.1.2: no credit cards. Whose money it is, is known when it was paid; where nobody tells, people look.
#[test]
fn gb_takes_no_money_from_a_credit_card() {
    let paid = |funding| {
        let case = Case::of("GB", Currency::GBP).with_level(1).paid_by_card(funding);
        case.deposit(100, Method::Card)
    };
    let (not_allowed, untold) = ("payment.card_not_allowed", "payment.card_untold");
    // It has come by then, so it is not credited, and people send it back.
    told(&paid(Some(CardFunding::Credit)), Outcome::Review, Some(not_allowed));
    told(&paid(None), Outcome::Review, Some(untold));
    for funding in [CardFunding::Debit, CardFunding::Prepaid] {
        told(&paid(Some(funding)), Outcome::Approve, None);
    }
    // The same card in Germany.
    let german = Case::of("DE", Currency::EUR).paid_by_card(Some(CardFunding::Credit));
    told(&german.deposit(100, Method::Card), Outcome::Approve, None);
}

/// UKGC AML guidance 6.8, 6.17: deposits *or* withdrawals that reach 2,000 EUR, linked ones too.
#[test]
fn gb_sees_deposits_or_withdrawals_that_reach_2_000_euros() {
    let before = NOW - Duration::days(3);
    let case = Case::of("GB", Currency::GBP).with_level(1).moved(1_000, before);
    assert!(!case.rule_finds(599, "cdd.threshold"));
    assert!(case.rule_finds(600, "cdd.threshold"));
    let out = Case::of("GB", Currency::GBP).with_level(1).moved(-1_000, before);
    assert!(finds(&out.withdrawal(600), "cdd.threshold"));
    assert!(!case.with_level(2).rule_finds(600, "cdd.threshold"), "it was asked for already");
}

/// Stcrt 2024-19648: from 700 EUR of net deposits in a month on, 300 under 24.
#[test]
fn nl_asks_what_is_affordable_from_700_euros_net_on_and_from_300_under_24() {
    let (came, went) = (NOW - Duration::days(2), NOW - Duration::days(1));
    for (born, most) in [(GROWN, 700), (date!(2002 - 11 - 26), 300)] {
        let case = Case::of("NL", Currency::EUR).born(born).moved(most - 50, came);
        assert!(!case.rule_finds(49, "affordability"));
        assert!(case.rule_finds(51, "affordability"));
        let case = case.moved(-100, went);
        assert!(!case.rule_finds(51, "affordability"), "what was paid out makes room");
    }
}

/// FIAU, Part II: 2,000 EUR of deposits over a rolling 180 days; a rise waits for 24 hours.
#[test]
fn mt_adds_up_deposits_over_180_days() {
    let at = |ago| Case::of("MT", Currency::USDT).with_level(1).moved(1_900, NOW - ago);
    assert!(at(Duration::days(179)).rule_finds(100, "cdd.threshold"));
    assert!(!at(Duration::days(179)).rule_finds(99, "cdd.threshold"));
    assert!(!at(Duration::days(180)).rule_finds(100, "cdd.threshold"), "the first has left");
    let terms = pack("MT").limit_terms;
    assert_eq!(terms.rise_at(Period::Month, NOW), NOW + Duration::days(1));
}

/// Portaria SPA/MF 615/2024: electronic transfers alone, from and to the player's own account.
#[test]
fn br_takes_pix_from_the_players_own_account_alone() {
    let case = Case::of("BR", Currency::BRL);
    for method in Method::ALL.iter().copied().filter(|method| *method != Method::Pix) {
        let denied = case.deposit(100, method);
        assert!(finds(&denied, "method.allowed"), "{method:?}");
        assert_eq!(denied.outcome, Outcome::Deny);
    }
    let own = Case::of("BR", Currency::BRL).paid_by("529.982.247-25");
    own.pays(100, Outcome::Approve, None);
    let other = Case::of("BR", Currency::BRL).paid_by("11144477735");
    other.pays(100, Outcome::Review, Some("payer.tax_id_differs"));
}

/// Portaria SPA/MF 615/2024: paid within 120 minutes; here from the request on, with a warning before.
#[test]
fn br_pays_a_withdrawal_within_120_minutes_of_the_request() {
    let case = Case::of("BR", Currency::BRL);
    let withdrawal = case.withdrawal(100);
    told(&withdrawal, Outcome::Approve, None);
    let found = withdrawal.rules.iter().find(|result| &*result.rule == "withdrawal.sla");
    let observed = "asked for at 2026-11-25T12:00:00Z, to be paid by 2026-11-25T14:00:00Z";
    assert_eq!(found.map(|found| found.observed.as_str()), Some(observed));
    let promise =
        engine::pay_by(Some(&pack("BR")), &case.withdrawal_facts(100)).expect("a promise");
    assert_eq!(promise.pay_by.deadline_at, NOW + Duration::minutes(120));
    assert_eq!(promise.pay_by.warn_at, NOW + Duration::minutes(90));
    for other in ALL.iter().filter(|(country, _)| *country != "BR") {
        let facts = Case::of(other.0, other.1).withdrawal_facts(100);
        assert_eq!(engine::pay_by(Some(&pack(other.0)), &facts), None, "{other:?}");
    }
}

/// Regulation (EU) 2023/1113, art. 14 and 16: who keeps an address is known, or proven, above 1,000 EUR.
#[test]
fn eu_crypto_asks_who_controls_an_address_above_1_000_euros() {
    let case = Case::of("MT", Currency::USDT);
    assert!(!finds(&case.withdrawal(999), "travel_rule"));
    assert!(finds(&case.withdrawal(1_001), "travel_rule"));
    // Nobody has screened the address: it does not pass by default.
    told(&case.withdrawal(100), Outcome::Review, Some("kyt.finding"));
}

#[test]
fn a_market_that_nobody_wrote_a_policy_for_denies() {
    Case::of("FR", Currency::EUR).pays(100, Outcome::Deny, Some("market.not_licensed"));
}
