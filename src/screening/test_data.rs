//! A player, a policy and rates for the tests of this room.

use super::limits::{ConfirmRise, Limit, LimitUse, Period, UseState};
use super::{FxTable, MarketPolicy, Policies};
use crate::domain::{
    Currency, Kyc, KycStatus, Method, Money, OperatorId, Player, PlayerId, PlayerKey, PlayerStatus,
    Timestamp,
};
use rust_decimal::dec;
use std::collections::BTreeMap;
use std::time::Duration;
use time::macros::{date, datetime};
use uuid::Uuid;

pub const NOW: Timestamp = datetime!(2026-03-10 12:00 UTC);

pub fn fx() -> FxTable {
    FxTable {
        source: "test".to_owned(),
        date: date!(2026 - 03 - 09),
        eur_per_unit: BTreeMap::from([(Currency::SEK, dec!(0.09)), (Currency::BTC, dec!(60000))]),
    }
}

pub fn policy() -> MarketPolicy {
    MarketPolicy {
        market: "SE".to_owned(),
        version: "2026-01".to_owned(),
        sha256: [7; 32],
        effective_from: datetime!(2026-01-01 0:00 UTC),
        currencies: vec![Currency::SEK, Currency::EUR],
        methods: vec![Method::BankTransfer],
        deposit_kyc_level_min: 1,
        withdrawal_kyc_level_min: 2,
        deposit_amounts: BTreeMap::from([(Currency::SEK, (10_000, 1_000_000))]),
        withdrawal_amounts: BTreeMap::from([(Currency::SEK, (10_000, 5_000_000))]),
        dual_approval_eur_minor: 100_000,
        limit_rise_delay: Duration::from_secs(72 * 3600),
        limit_rise_confirm: ConfirmRise::AfterDelay,
        player_may_cancel_withdrawal: true,
    }
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

pub fn limit_use(number: u128, minor: i64, at: Timestamp, state: UseState) -> LimitUse {
    LimitUse {
        payment: Uuid::from_u128(number),
        money: Money::new(minor, Currency::EUR),
        at,
        state,
    }
}
