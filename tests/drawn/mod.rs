//! Decisions of every market and checkpoint, drawn at random and yet always the same ones.
//!
//! Shared by what proves that they can be made again, in memory and from a database, and by what measures
//! how long one takes.

mod outside;

use interlock::domain::{
    Currency, Direction, Exclusion, Instrument, Kyc, KycStatus, Method, Money, OperatorId, Origin,
    Player, PlayerId, PlayerKey, PlayerStatus, Timestamp,
};
use interlock::screening::attestation::{Attestation, AttestationKind, AttestationTerms};
use interlock::screening::background::{Background, End, Turnover, Wants};
use interlock::screening::gather::{self, Deposit, Locked, Setting, Withdrawal};
use interlock::screening::limits::{Limit, Period};
use interlock::screening::movement::{Movement, UseState};
use interlock::screening::{Checkpoint, Facts, FxTable, Policies, file};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use psp_contract::CardFunding;
use rust_decimal::dec;
use std::collections::BTreeMap;
use time::Duration;
use time::macros::{date, datetime};
use uuid::Uuid;

const NOW: Timestamp = datetime!(2026-11-25 13:07:11.123456 UTC);
/// A country and the currency of its players.
pub type Market = (&'static str, Currency);

pub const MARKETS: [Market; 7] = [
    ("SE", Currency::SEK),
    ("DE", Currency::EUR),
    ("GB", Currency::GBP),
    ("BR", Currency::BRL),
    ("NL", Currency::EUR),
    ("MT", Currency::USDT),
    // No licence there.
    ("US", Currency::EUR),
];

/// The shipped policies with every kind of rule beside them: each file's name and text.
pub fn files() -> Vec<(String, String)> {
    let files = ["SE", "DE", "GB", "BR", "NL", "MT", "EU-crypto"].map(|market| {
        let folder = std::fs::read_dir(format!("config/policies/{market}")).expect("a market");
        let versions = folder.map(|entry| entry.expect("a file").path());
        let newest = versions.max().expect("a shipped policy");
        let path = newest.to_str().expect("a name").to_owned();
        let mut text = std::fs::read_to_string(&path).expect("a shipped policy");
        if market != "EU-crypto" {
            text.push_str(BESIDE);
        }
        (path, text)
    });
    files.to_vec()
}

pub fn policies() -> Policies {
    let (versions, faults) = file::read_all(&files());
    assert_eq!(faults, []);
    Policies::new(versions).with_recorded_only(vec!["velocity".to_owned()])
}

pub fn fx() -> FxTable {
    let rates = [
        (Currency::SEK, dec!(0.0897)),
        (Currency::GBP, dec!(1.1412)),
        (Currency::BRL, dec!(0.1613)),
        (Currency::USDT, dec!(0.9214)),
    ];
    FxTable {
        source: "test".to_owned(),
        date: date!(2026 - 11 - 25),
        eur_per_unit: BTreeMap::from(rates),
        age_max_days: None,
    }
}

/// What one decision is made from: small numbers that choose, and an amount.
type Draw = ((usize, usize, i64, usize), (usize, i16, u8, bool), Vec<(u8, i64, u32)>);

fn draws() -> impl Strategy<Value = Draw> {
    let minor = prop_oneof![1..200_000_i64, 1..40_000_000_i64];
    let what = (0..MARKETS.len(), 0..5_usize, minor, 0..Method::ALL.len());
    // Most players are in order, or there would be nothing but refusals.
    let status = prop_oneof![4 => Just(0_usize), 1 => 1..3_usize];
    let level = prop_oneof![0..4_i16, Just(3_i16)];
    let kyc = prop_oneof![3 => Just(0_u8), 1 => 0..4_u8];
    let who = (status, level, kyc, prop::bool::weighted(0.2));
    (what, who, prop::collection::vec((0..3_u8, 1..5_000_000_i64, 0..4_000_000_u32), 0..6))
}

fn player(
    country: &str,
    currency: Currency,
    (status, level, kyc, excluded): (usize, i16, u8, bool),
) -> Player {
    let statuses = [PlayerStatus::Active, PlayerStatus::Frozen, PlayerStatus::Closed];
    let kycs =
        [KycStatus::Verified, KycStatus::Pending, KycStatus::Rejected, KycStatus::Unverified];
    let exclusion = excluded.then(|| Exclusion {
        source: "spelpaus".to_owned(),
        from: NOW - Duration::days(3),
        until: (level > 1).then(|| NOW + Duration::days(3)),
    });
    Player {
        key: PlayerKey {
            operator: OperatorId::parse("op_demo").expect("an id"),
            player: PlayerId::parse("p-1").expect("an id"),
        },
        version: 7,
        country: country.to_owned(),
        currency,
        full_name: "Erika Mustermann".to_owned(),
        given_name: None,
        family_name: None,
        date_of_birth: date!(2003 - 11 - 26),
        national_id: Some("12345678909".to_owned()),
        email: None,
        phone: None,
        address: None,
        locale: None,
        status: statuses[status],
        exclusion,
        kyc: Kyc {
            status: kycs[usize::from(kyc)],
            level,
            verified_at: Some(NOW - Duration::days(9)),
        },
        has_paid: true,
        created_at: NOW - Duration::days(400),
        updated_at: NOW - Duration::days(4),
    }
}

/// What else is known: attestations of every kind for some, with an amount for others; turnover; others
/// who use the instrument.
fn background(policies: &Policies, country: &str, currency: Currency, draw: &Draw) -> Background {
    let ((_, checkpoint, minor, method), who, moved) = draw;
    let kinds = AttestationKind::ALL.into_iter().filter(|_| who.3);
    let attestations = (1_u128..).zip(kinds).map(|(number, kind)| {
        let amount = (who.2 != 0).then_some(Money::new(*minor, currency));
        let reference = "file 7".to_owned();
        let valid_until = (who.1 == 0).then(|| NOW + Duration::days(1));
        let terms = AttestationTerms { kind, reference, amount, valid_until };
        let given_at = NOW - Duration::days(2);
        Attestation { id: Uuid::from_u128(number), terms, given_at, review: Uuid::nil() }
    });
    let since = Wants::of(policies, country, NOW).turnover;
    let staked = i64::try_from(moved.len()).unwrap_or_default() * 100_000;
    let sums = BTreeMap::from([(currency, staked)]);
    let turnover = since.into_iter().map(|since| Turnover { since, sums: sums.clone() });
    let operator = OperatorId::parse("op_demo").expect("an id");
    let token = BTreeMap::from([("adyen-gb".to_owned(), "t-1".to_owned())]);
    let used = Instrument { tokens: token, ..Instrument::default() };
    let others = u32::try_from(*method + *checkpoint).unwrap_or_default() % 3;
    let print = End::of(&operator, &used).fingerprint.expect("a token tells it apart");
    Background {
        attestations: attestations.collect(),
        turnover: turnover.collect(),
        others: BTreeMap::from([(print, others)]),
    }
}

/// Every kind that looks beside a payment, for the markets of these tests.
const BESIDE: &str = r#"
[[rules]]
id = "minimal_play"
effect = "review"
window = "30 days"
ratio = "0.5"
source = "the tests"
source_date = "2026-11-21"

[[rules]]
id = "instrument.shared"
effect = "hold"
most = 0
source = "the tests"
source_date = "2026-11-21"

[[rules]]
id = "contact"
kind = "limit.contact"
effect = "review"
at = ["deposit.pre", "account.event"]
period = "month"
above.EUR = "350.00"
above.SEK = "10000.00"
above.GBP = "100.00"
source = "the tests"
source_date = "2026-11-21"

[[rules]]
id = "grown_up"
kind = "age.min"
effect = "review"
at = ["account.event"]
years = 25
source = "the tests"
source_date = "2026-11-21"
"#;

fn facts(policies: &Policies, rates: &FxTable, market: Market, draw: &Draw) -> Facts {
    let mut facts = gathered(policies, rates, market, draw);
    let ((_, _, minor, method), _, moved) = draw;
    facts.checks = outside::checks(*minor);
    // Vendors that know coins, and sources of deposits: by chance, from the same few numbers.
    if moved.len() % 2 == 1 {
        outside::answered(&mut facts, (*minor, *method));
    }
    facts
}

fn movements((currency, method): (Currency, Method), moved: &[(u8, i64, u32)]) -> Vec<Movement> {
    let states = [UseState::Reserved, UseState::Counted, UseState::Released];
    (1_u128..)
        .zip(moved)
        .map(|(number, (state, minor, ago))| Movement {
            payment: Uuid::from_u128(number),
            direction: if ago % 3 == 0 { Direction::Withdrawal } else { Direction::Deposit },
            money: Money::new(*minor, currency),
            at: NOW - Duration::seconds(i64::from(*ago)),
            state: states[usize::from(*state)],
            instrument: None,
            method: Some(method),
        })
        .collect()
}

fn gathered(
    policies: &Policies,
    rates: &FxTable,
    (country, currency): Market,
    draw: &Draw,
) -> Facts {
    let ((_, checkpoint, minor, method), who, moved) = draw;
    let player = player(country, currency, *who);
    let (money, method) = (Money::new(*minor, currency), Method::ALL[*method]);
    let movements = movements((currency, method), moved);
    let limits = [Period::Day, Period::Month].map(|period| Limit {
        period,
        money: Money::new(1_000_000, currency),
        effective_at: NOW - Duration::days(30),
        pending: None,
    });
    let background = background(policies, country, currency, draw);
    let source = Instrument {
        funding: CardFunding::ALL.get(usize::from(who.2)).copied(),
        tokens: BTreeMap::from([("adyen-gb".to_owned(), "t-1".to_owned())]),
        holder_name: Some(if who.3 { "Somebody Else" } else { "MUSTERMANN ERIKA" }.to_owned()),
        ..Instrument::default()
    };
    let ends = [End::of(&player.key.operator, &source)];
    let setting = Setting::new(policies, rates, NOW);
    let (origin, player) = (Origin::Request, Some(&player));
    let checkpoint = Checkpoint::ALL[*checkpoint];
    if checkpoint == Checkpoint::AccountEvent {
        let (limits, movements) = (limits.as_slice(), movements.as_slice());
        let (background, owed, ends) = (&background, &[], &[]);
        let locked = Locked { limits, owed, movements, background, ends };
        return gather::account(player.expect("one was made"), &locked, &setting);
    }
    if checkpoint.direction() == Some(Direction::Withdrawal) {
        let owed = [Money::new(i64::from(who.2 == 3), currency)];
        let (closed_loop, payment) = (None, None);
        let movements = movements.as_slice();
        let known = Withdrawal {
            checkpoint,
            origin,
            player,
            money,
            method,
            owed: &owed,
            closed_loop,
            payment,
            asked_at: Some(setting.now),
            movements,
            background: &background,
            ends: &ends,
        };
        return gather::withdrawal(&known, &setting);
    }
    let source = (checkpoint == Checkpoint::DepositPost).then_some(&source);
    let (limits, movements) = (limits.as_slice(), movements.as_slice());
    let known = Deposit {
        checkpoint,
        player,
        payment: None,
        origin,
        money,
        method,
        limits,
        movements,
        background: &background,
        source,
    };
    gather::deposit(&known, &setting)
}

/// Shows so many decisions' facts of these markets, one after the other.
pub fn each(
    (count, markets): (u32, &[Market]),
    (policies, rates): (&Policies, &FxTable),
    look: impl Fn(Facts) -> Result<(), TestCaseError>,
) {
    let config = Config { cases: count, failure_persistence: None, ..Config::default() };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let look = |draw: Draw| {
        let market = markets[draw.0.0 % markets.len()];
        look(facts(policies, rates, market, &draw))
    };
    TestRunner::new_with_rng(config, rng).run(&draws(), look).expect("every decision");
}
