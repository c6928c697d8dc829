//! The packs that come with the program: each is sound, and says what its market's law does.

use super::market_case;
use crate::config::built_in_policies;
use crate::domain::{
    Currency, Kyc, KycStatus, Method, Money, OperatorId, Origin, Player, PlayerId, PlayerKey,
    PlayerStatus, Timestamp,
};
use crate::screening::background::Background;
use crate::screening::file::{self, Library};
use crate::screening::gather::{self, Deposit, Setting};
use crate::screening::{Checkpoint, FxTable, MarketPolicy, Outcome, Policies, Screening, engine};
use std::collections::BTreeMap;
use time::macros::{date, datetime};

const NOW: Timestamp = datetime!(2026-11-25 12:00 UTC);

pub(super) fn packs() -> Vec<MarketPolicy> {
    let library = Library::new(built_in_policies().iter().copied());
    let read = |(path, text): &(&str, &str)| match file::check(path, text, &library) {
        Ok(policy) => policy,
        Err(faults) => panic!("{faults:?}"),
    };
    built_in_policies().iter().map(read).collect()
}

pub(super) fn player(country: &str, currency: Currency, born: time::Date) -> Player {
    let (operator, player) = (OperatorId::trusted("op_demo"), PlayerId::trusted("p-1"));
    Player {
        key: PlayerKey { operator, player },
        version: 1,
        country: country.to_owned(),
        currency,
        full_name: "Test Person".to_owned(),
        given_name: None,
        family_name: None,
        date_of_birth: born,
        national_id: None,
        email: None,
        phone: None,
        address: None,
        locale: None,
        status: PlayerStatus::Active,
        exclusion: None,
        kyc: Kyc { status: KycStatus::Verified, level: 3, verified_at: None },
        has_paid: false,
        created_at: NOW,
        updated_at: NOW,
    }
}

fn deposit(player: &Player, money: Money, method: Method) -> Screening {
    let (source, eur_per_unit) = ("test".to_owned(), BTreeMap::new());
    let fx = FxTable { source, date: date!(2026 - 11 - 24), eur_per_unit, age_max_days: None };
    let policies = Policies::new(packs());
    let records = Deposit {
        checkpoint: Checkpoint::DepositPre,
        player: Some(player),
        payment: None,
        origin: Origin::Request,
        money,
        method,
        limits: &market_case::limits(money.currency),
        movements: &[],
        background: Background::NOTHING,
        source: None,
    };
    let mut facts = gather::deposit(&records, &Setting::new(&policies, &fx, NOW));
    facts.checks = market_case::nothing_is_known_against(player, NOW);
    engine::screen(&policies, &facts)
}

const GROWN: time::Date = date!(1990 - 01 - 01);
const EIGHTEEN: time::Date = date!(2008 - 11 - 25);
const SEVENTEEN: time::Date = date!(2008 - 11 - 26);

#[track_caller]
fn check(country: &str, currency: Currency, born: time::Date, method: Method, hit: Option<&str>) {
    let money = Money::new(10_000, currency);
    let screening = deposit(&player(country, currency, born), money, method);
    let codes: Vec<&str> = screening.reasons.iter().map(|reason| reason.code.as_str()).collect();
    match hit {
        Some(code) => {
            assert_eq!(screening.outcome, Outcome::Deny, "{country} {codes:?}");
            assert!(codes.contains(&code), "{country} {codes:?}");
        }
        None => assert_ne!(screening.outcome, Outcome::Deny, "{country} {codes:?}"),
    }
}

#[test]
fn every_pack_is_sound_and_cites_a_source_with_a_date_for_each_rule() {
    let packs = packs();
    let markets: Vec<&str> = packs.iter().map(|pack| pack.market.as_str()).collect();
    assert_eq!(markets, ["BR", "CA", "DE", "EU-crypto", "GB", "MT", "NL", "SE"]);
    for rule in packs.iter().flat_map(|pack| &pack.rules) {
        assert!(!rule.source.is_empty() && rule.source_date.is_some(), "{rule:?}");
    }
}

#[test]
fn each_market_takes_its_own_methods_and_no_other() {
    use Method::{BankTransfer, Card, Crypto, Pix};
    let no = Some("payment.method_not_allowed");
    check("BR", Currency::BRL, GROWN, Pix, None);
    // Portaria SPA/MF 615/2024: no card of credit, no crypto.
    check("BR", Currency::BRL, GROWN, Card, no);
    check("BR", Currency::BRL, GROWN, Crypto, no);
    check("SE", Currency::SEK, GROWN, BankTransfer, None);
    check("SE", Currency::SEK, GROWN, Card, no);
    check("GB", Currency::GBP, GROWN, BankTransfer, None);
    check("GB", Currency::GBP, GROWN, Crypto, no);
    check("NL", Currency::EUR, GROWN, Card, no);
}

#[test]
fn nobody_under_age_pays_and_who_is_of_age_today_does() {
    use Method::{BankTransfer, Pix};
    let young = Some("player.under_age");
    for (country, currency, method) in [
        ("GB", Currency::GBP, BankTransfer),
        ("SE", Currency::SEK, BankTransfer),
        ("DE", Currency::EUR, BankTransfer),
        ("NL", Currency::EUR, BankTransfer),
        ("BR", Currency::BRL, Pix),
    ] {
        check(country, currency, SEVENTEEN, method, young);
        check(country, currency, EIGHTEEN, method, None);
    }
}

#[test]
fn a_market_that_nobody_wrote_a_policy_for_is_denied() {
    check("FR", Currency::EUR, GROWN, Method::BankTransfer, Some("market.not_licensed"));
    check("EU", Currency::EUR, GROWN, Method::Crypto, Some("market.not_licensed"));
}

#[test]
fn malta_takes_over_what_the_eu_asks_of_crypto_and_a_change_of_it_is_a_change_of_malta() {
    let packs = packs();
    let of = |market: &str| packs.iter().find(|pack| pack.market == market).expect("a pack");
    let ids = |pack: &MarketPolicy| -> Vec<String> {
        pack.rules.iter().map(|rule| rule.id.to_string()).collect()
    };
    let shared = ids(of("EU-crypto"));
    assert_eq!(shared, ["kyt.deposit", "kyt.withdrawal", "travel_rule"]);
    assert!(ids(of("MT")).ends_with(&shared));
    let text = |market: &str| {
        let found = built_in_policies().iter().find(|(path, _)| path.starts_with(market));
        found.map(|(path, text)| (*path, *text)).expect("a file")
    };
    let (path, eu) = text("config/policies/EU-crypto");
    let changed = eu.replace("\"1000.00\"", "\"1000.01\"");
    let library = Library::new([(path, changed.as_str())]);
    let (path, malta) = text("config/policies/MT");
    let other = file::read_with(path, malta, &library).expect("sound");
    assert_ne!(other.sha256, of("MT").sha256);
}

/// The Netherlands since 1 October 2024: net deposits of 700 EUR in a month, 300 under 24.
#[test]
fn the_netherlands_ask_what_a_player_can_afford() {
    let packs = packs();
    let pack = packs.iter().find(|pack| pack.market == "NL").expect("a pack");
    let rule = pack.rules.iter().find(|rule| &*rule.id == "affordability").expect("a rule");
    assert!(!rule.only_records);
    let text = format!("{:?}", rule.check);
    for number in ["70000", "30000", "24"] {
        assert!(text.contains(number), "{text}");
    }
}

#[test]
fn the_calendars_and_windows_of_limits_are_the_markets() {
    let packs = packs();
    let of = |market: &str| packs.iter().find(|pack| pack.market == market).expect("a pack");
    let hours = |market: &str| of(market).limit_terms.rise_delay.as_secs() / 3_600;
    assert_eq!((hours("GB"), hours("SE"), hours("DE"), hours("MT")), (24, 72, 168, 24));
    assert!(of("SE").limit_terms.rise_after_period);
    assert!(!of("GB").player_may_cancel_withdrawal);
}

/// Who is of age is so by the day of the market, whatever day it is in Greenwich.
#[test]
fn a_birthday_begins_with_the_markets_own_day() {
    let policies = Policies::new(packs());
    let eur_per_unit = BTreeMap::new();
    let fx = FxTable {
        source: "test".to_owned(),
        date: date!(2026 - 11 - 24),
        eur_per_unit,
        age_max_days: None,
    };
    for (country, at, years) in [
        // São Paulo is three hours behind, Toronto five, Stockholm one before.
        ("BR", datetime!(2026-11-25 2:59 UTC), 17),
        ("BR", datetime!(2026-11-25 3:00 UTC), 18),
        ("CA", datetime!(2026-11-25 4:59 UTC), 17),
        ("CA", datetime!(2026-11-25 5:00 UTC), 18),
        ("SE", datetime!(2026-11-24 22:59 UTC), 17),
        ("SE", datetime!(2026-11-24 23:00 UTC), 18),
        // Nobody knows whose day it is where no policy is.
        ("FR", datetime!(2026-11-24 23:59 UTC), 17),
        ("FR", datetime!(2026-11-25 0:00 UTC), 18),
    ] {
        let player = player(country, Currency::EUR, EIGHTEEN);
        let records = Deposit {
            checkpoint: Checkpoint::DepositPre,
            player: Some(&player),
            payment: None,
            origin: Origin::Request,
            money: Money::new(10_000, Currency::EUR),
            method: Method::BankTransfer,
            limits: &[],
            movements: &[],
            background: Background::NOTHING,
            source: None,
        };
        let facts = gather::deposit(&records, &Setting::new(&policies, &fx, at));
        assert_eq!(facts.player.map(|it| it.age_years), Some(years), "{country} {at}");
    }
}

/// docs/closed-loop.md says so of each of them.
#[test]
fn every_market_has_people_look_at_a_destination_that_passes_a_source_over_or_is_anothers() {
    for pack in packs().iter().filter(|pack| pack.market != "EU-crypto") {
        for id in ["closed_loop.named", "payee.name"] {
            let rule = pack.rules.iter().find(|rule| &*rule.id == id);
            let rule = rule.unwrap_or_else(|| panic!("{} has no {id}", pack.market));
            assert!(!rule.only_records && rule.effect == Outcome::Review, "{rule:?}");
        }
    }
}
