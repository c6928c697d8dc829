//! Wherever a market is and whatever its clocks do: every moment lies in one day, one week and one
//! month, and what is counted over them is what somebody who looks at every movement counts.

use interlock::domain::{Currency, Direction, Money, Timestamp};
use interlock::screening::FxTable;
use interlock::screening::aggregate::{Flow, Query, States, aggregate};
use interlock::screening::calendar::{Calendar, Period, WeekStart, Window};
use interlock::screening::movement::{Fingerprint, Movement, UseState};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use time::macros::{date, datetime};
use uuid::Uuid;

const ZONES: [&str; 8] = [
    "UTC",
    "Europe/Stockholm",
    "Europe/London",
    "America/Sao_Paulo",
    "America/Toronto",
    "America/Havana",
    "Australia/Lord_Howe",
    "Pacific/Apia",
];
const START: Timestamp = datetime!(2005-01-01 0:00 UTC);

fn calendars() -> impl Strategy<Value = Calendar> {
    let week_start = prop_oneof![Just(WeekStart::Monday), Just(WeekStart::Sunday)];
    (0..ZONES.len(), week_start)
        .prop_map(|(zone, start)| Calendar::new(ZONES[zone], start).unwrap())
}

fn moments() -> impl Strategy<Value = Timestamp> {
    (0_u64..40 * 366 * 86_400).prop_map(|seconds| START + Duration::from_secs(seconds))
}

fn periods() -> impl Strategy<Value = Period> {
    (0..Period::ALL.len()).prop_map(|index| Period::ALL[index])
}

fn windows() -> impl Strategy<Value = Window> {
    prop_oneof![
        (1_u16..100).prop_map(Window::Hours),
        (1_u16..200).prop_map(Window::Days),
        (1_u16..15).prop_map(Window::Months),
        periods().prop_map(Window::Running),
    ]
}

fn movements(around: Timestamp) -> impl Strategy<Value = Vec<Movement>> {
    let one = (0_u64..300 * 86_400, 1_i64..100_000, any::<bool>(), 0_usize..3, 0_u8..4);
    prop::collection::vec(one, 0..40).prop_map(move |told| {
        let movement = |(number, (ago, minor, is_deposit, state, instrument))| Movement {
            payment: Uuid::from_u128(number),
            direction: if is_deposit { Direction::Deposit } else { Direction::Withdrawal },
            money: Money::new(minor, Currency::EUR),
            at: around - Duration::from_secs(ago),
            state: UseState::ALL[state],
            instrument: (0 < instrument).then_some(Fingerprint([instrument; 16])),
            method: None,
        };
        (0_u128..).zip(told).map(movement).collect()
    })
}

/// The plainest way to count: look at each, in the words of the law.
fn oracle(all: &[Movement], query: &Query, from: Timestamp, now: Timestamp) -> (i64, u32, usize) {
    let (mut sum, mut count, mut instruments) = (0, 0, BTreeSet::new());
    let rolls = !matches!(query.window, Window::Running(_));
    for one in all {
        let inside = if rolls { from < one.at } else { from <= one.at };
        let lives = one.state != UseState::Released || query.states == States::ALL;
        let paid = one.state == UseState::Counted;
        let signed = match (query.flow, one.direction) {
            (Flow::Net, Direction::Withdrawal) if paid => -one.money.minor,
            (Flow::Deposits | Flow::Net, Direction::Deposit)
            | (Flow::Withdrawals, Direction::Withdrawal)
            | (Flow::Either, _) => one.money.minor,
            _ => 0,
        };
        if inside && lives && signed != 0 && one.at <= now {
            sum += signed;
            count += 1;
            instruments.extend(one.instrument);
        }
    }
    (sum, count, instruments.len())
}

proptest! {
    #[test]
    fn every_moment_lies_in_its_period_and_periods_follow_without_gap_or_overlap(
        calendar in calendars(),
        at in moments(),
        period in periods(),
    ) {
        let this = calendar.period(period, at);
        prop_assert!(this.contains(at));
        prop_assert!(this.from < this.to);
        prop_assert_eq!(calendar.next_start(period, at), this.to);
        let next = calendar.period(period, this.to);
        prop_assert_eq!(next.from, this.to);
        let before = calendar.period(period, this.from - Duration::from_nanos(1));
        prop_assert_eq!(before.to, this.from);
        prop_assert_eq!(calendar.period(period, this.from), this);
        prop_assert_eq!(calendar.period(period, this.to - Duration::from_nanos(1)), this);
    }

    #[test]
    fn a_week_and_a_month_are_made_of_whole_days(calendar in calendars(), at in moments()) {
        for period in [Period::Week, Period::Month] {
            let whole = calendar.period(period, at);
            let mut day = whole.from;
            let mut days = 0;
            while day < whole.to {
                prop_assert_eq!(calendar.period(Period::Day, day).from, day);
                day = calendar.next_start(Period::Day, day);
                days += 1;
            }
            prop_assert_eq!(day, whole.to);
            // Samoa's last week of 2011 has no Friday.
            let most = if period == Period::Week { 6..=7 } else { 28..=31 };
            prop_assert!(most.contains(&days), "{days} days");
        }
    }

    #[test]
    fn what_is_counted_is_what_an_oracle_counts(
        (now, all) in moments().prop_flat_map(|now| (Just(now), movements(now))),
        calendar in calendars(),
        window in windows(),
        (flow, every_state) in (0..Flow::ALL.len(), any::<bool>()),
    ) {
        let fx = FxTable {
            source: "test".to_owned(),
            date: date!(2026 - 02 - 28),
            eur_per_unit: BTreeMap::new(),
            age_max_days: None,
        };
        let states = if every_state { States::ALL } else { States::LIVE };
        let flow = Flow::ALL[flow];
        let query = Query { flow, window, states, currency: Currency::EUR, band: None };
        let bounds = window.bounds(&calendar, now);
        let found = aggregate(&all, &query, None, (&calendar, now), &fx);
        let told = (found.sum.unwrap().minor, found.count, found.instruments.len());
        prop_assert_eq!(told, oracle(&all, &query, bounds.from, now));
        prop_assert_eq!((found.from, found.to), (bounds.from, bounds.to));
        for left_out in &all {
            let without = Some(left_out.payment);
            let rest: Vec<Movement> =
                all.iter().filter(|one| Some(one.payment) != without).copied().collect();
            let (a, b) = (
                aggregate(&all, &query, without, (&calendar, now), &fx),
                aggregate(&rest, &query, None, (&calendar, now), &fx),
            );
            prop_assert_eq!(a, b);
        }
        prop_assert!(now - window.reach() <= bounds.from);
    }
}
