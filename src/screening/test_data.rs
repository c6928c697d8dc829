//! A player, a policy and rates for the tests of this room.

use super::background::Background;
use super::gather::Withdrawal;
use super::limits::{Limit, Period};
use super::movement::{Movement, UseState};
use super::{Checkpoint, FxTable, MarketPolicy, Policies, file};
use crate::domain::{
    Currency, Direction, Kyc, KycStatus, Method, Money, OperatorId, Origin, Player, PlayerId,
    PlayerKey, PlayerStatus, Timestamp,
};
use rust_decimal::dec;
use std::collections::BTreeMap;
use time::macros::{date, datetime};
use uuid::Uuid;

pub const NOW: Timestamp = datetime!(2026-03-10 12:00 UTC);

/// A withdrawal of 100.00 SEK, as far as nothing else is known of it.
pub fn withdrawal(player: &Player) -> Withdrawal<'_> {
    Withdrawal {
        checkpoint: Checkpoint::WithdrawalRequest,
        origin: Origin::Request,
        player: Some(player),
        money: Money::new(10_000, Currency::SEK),
        method: Method::BankTransfer,
        owed: &[],
        closed_loop: None,
        payment: None,
        asked_at: None,
        movements: &[],
        background: Background::NOTHING,
        ends: &[],
    }
}

pub fn fx() -> FxTable {
    FxTable {
        source: "test".to_owned(),
        date: date!(2026 - 03 - 09),
        eur_per_unit: BTreeMap::from([(Currency::SEK, dec!(0.09)), (Currency::BTC, dec!(60000))]),
        age_max_days: None,
    }
}

/// A policy with one rule of each kind that asks for nothing but numbers.
pub const POLICY: &str = r#"
market = "SE"
version = "2026-01"
effective_from = "2026-01-01T00:00:00Z"
currencies = ["SEK", "EUR"]

[player_limits]
rise_delay_hours = 72
rise_confirm = "after_delay"
source = "test"
source_date = "2026-01-01"

[withdrawals]
player_may_cancel = true
source = "test"
source_date = "2026-01-01"

[[rules]]
id = "currency.allowed"
effect = "deny"
source = "test"
source_date = "2026-01-01"

[[rules]]
id = "method.allowed"
effect = "deny"
allowed = ["bank_transfer"]
source = "test"
source_date = "2026-01-01"

[[rules]]
id = "kyc.level"
effect = "deny"
deposit_min = 1
withdrawal_min = 2
source = "test"
source_date = "2026-01-01"

[[rules]]
id = "amount.min"
effect = "deny"
deposit.SEK = "100.00"
withdrawal.SEK = "100.00"
source = "test"
source_date = "2026-01-01"

[[rules]]
id = "amount.max"
effect = "deny"
deposit.SEK = "10000.00"
withdrawal.SEK = "50000.00"
source = "test"
source_date = "2026-01-01"

[[rules]]
id = "dual_approval"
effect = "review"
from_eur = "1000.00"
source = "test"
source_date = "2026-01-01"

[[rules]]
id = "payer.name"
effect = "review"
source = "test"
source_date = "2026-01-01"

[[rules]]
id = "payer.tax_id"
effect = "review"
source = "test"
source_date = "2026-01-01"

[[rules]]
id = "payer.account"
effect = "review"
source = "test"
source_date = "2026-01-01"
"#;

pub fn policy() -> MarketPolicy {
    file::read("2026-01.toml", POLICY).expect("the policy of the tests is sound")
}

pub fn policies() -> Policies {
    Policies::new(vec![policy()])
}

pub fn player() -> Player {
    Player {
        key: PlayerKey {
            operator: OperatorId::trusted("op_demo"),
            player: PlayerId::trusted("p-1"),
        },
        version: 3,
        country: "SE".to_owned(),
        currency: Currency::SEK,
        full_name: "Test Person".to_owned(),
        given_name: None,
        family_name: None,
        date_of_birth: date!(1990 - 01 - 01),
        national_id: None,
        email: None,
        phone: None,
        address: None,
        locale: None,
        status: PlayerStatus::Active,
        exclusion: None,
        kyc: Kyc { status: KycStatus::Verified, level: 2, verified_at: None },
        has_paid: false,
        created_at: NOW,
        updated_at: NOW,
    }
}

pub fn limit(period: Period, minor: i64, currency: Currency) -> Limit {
    Limit {
        period,
        money: Money::new(minor, currency),
        effective_at: datetime!(2026-01-01 0:00 UTC),
        pending: None,
    }
}

pub fn deposited(number: u128, minor: i64, at: Timestamp, state: UseState) -> Movement {
    Movement {
        payment: Uuid::from_u128(number),
        money: Money::new(minor, Currency::EUR),
        at,
        state,
        direction: Direction::Deposit,
        instrument: None,
        method: None,
    }
}
