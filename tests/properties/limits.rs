//! However deposits come, in whatever currency: what is let through stays within the limit.

use interlock::domain::{Currency, Direction, Money, Timestamp};
use interlock::screening::FxTable;
use interlock::screening::limit_terms::LimitTerms;
use interlock::screening::limits::{Limit, Period, measure};
use interlock::screening::movement::{Movement, UseState};
use proptest::prelude::*;
use rust_decimal::Decimal;
use std::collections::BTreeMap;
use std::time::Duration;
use time::macros::{date, datetime};
use uuid::Uuid;

const START: Timestamp = datetime!(2026-03-01 0:00 UTC);
const CURRENCIES: [Currency; 4] = [Currency::EUR, Currency::SEK, Currency::JPY, Currency::BTC];

fn fx(sek: u32, jpy: u32, btc: u32) -> FxTable {
    let rate = |mantissa: u32, scale| Decimal::new(i64::from(mantissa), scale);
    FxTable {
        source: "test".to_owned(),
        date: date!(2026 - 02 - 28),
        eur_per_unit: BTreeMap::from([
            (Currency::SEK, rate(sek, 5)),
            (Currency::JPY, rate(jpy, 6)),
            (Currency::BTC, rate(btc, 2)),
        ]),
        age_max_days: None,
    }
}

/// The exact worth in euros as a fraction over 10^20, without a rounding anywhere.
fn exact_eur(money: Money, fx: &FxTable) -> i128 {
    let rate = fx.eur_per_unit.get(&money.currency).copied();
    let rate = rate.unwrap_or(Decimal::ONE);
    let digits = 20 - rate.scale() - money.currency.exponent();
    i128::from(money.minor) * rate.mantissa() * 10_i128.pow(digits)
}

proptest! {
    #[test]
    fn the_accepted_sum_of_a_window_never_exceeds_the_limit(
        limit_minor in 1_i64..1_000_000,
        rates in (1_u32..100_000, 1_u32..100_000, 1_u32..10_000_000),
        requests in prop::collection::vec(
            (1_i64..300_000, 0_usize..4, 0_u64..20_000, any::<bool>()), 1..60),
    ) {
        let fx = fx(rates.0, rates.1, rates.2);
        let limits = [Limit {
            period: Period::Day,
            money: Money::new(limit_minor, Currency::EUR),
            effective_at: START,
            pending: None,
        }];
        let terms = LimitTerms::default();
        let mut uses: Vec<Movement> = Vec::new();
        let mut now = START;
        for (number, (minor, currency, wait, fails)) in requests.into_iter().enumerate() {
            now += Duration::from_secs(wait);
            let money = Money::new(minor, CURRENCIES[currency]);
            let used = measure(&limits, (&uses, None), &terms, now, &fx);
            prop_assert_eq!(used.len(), 1);
            let with_this = used[0].with(money, &fx);
            if with_this.is_ok_and(|sum| sum.minor <= limit_minor) {
                let state = if fails { UseState::Released } else { UseState::Reserved };
                let payment = Uuid::from_u128(number as u128);
                uses.push(Movement {
                    payment,
                    direction: Direction::Deposit,
                    money,
                    at: now,
                    state,
                    instrument: None,
                    method: None,
                });
            }
            let since = now - terms.window(Period::Day).reach();
            let window = uses.iter().filter(|found| found.at > since && found.state.counts());
            let sum: i128 = window.map(|found| exact_eur(found.money, &fx)).sum();
            prop_assert!(sum <= i128::from(limit_minor) * 10_i128.pow(18));
        }
    }
}
