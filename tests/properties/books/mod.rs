//! Whatever a casino, payers, PSPs, workers and people do, in whatever order: no money is made or
//! lost, and the same news twice is once.
//!
//! No database and no I/O: `decide` is pure, so that thousands of histories run in seconds.

mod house;

use house::{House, Step};
use interlock::domain::AttemptStatus;
use proptest::prelude::*;

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let amount = 100_i64..5_000;
    let step = prop_oneof![
        3 => amount.clone().prop_map(Step::Deposit),
        4 => amount.clone().prop_map(Step::Withdraw),
        1 => amount.clone().prop_map(Step::Stake),
        12 => (any::<u8>(), 0_u8..6, 0_u8..14, -1_i64..2).prop_map(|(which, source, what, more)| {
            Step::News { which, source, what, more }
        }),
        4 => any::<u8>().prop_map(Step::TakeAttempt),
        4 => any::<u8>().prop_map(Step::TakePayout),
        1 => any::<u8>().prop_map(Step::Cancel),
        1 => any::<u8>().prop_map(Step::AnswerNow),
        3 => (any::<u8>(), 0_usize..5).prop_map(|(which, outcome)| Step::Decide { which, outcome }),
        1 => any::<u8>().prop_map(Step::Return),
        2 => (1_i64..40_000).prop_map(Step::Later),
        // Another instance's clock is behind.
        1 => (-20_i64..0).prop_map(Step::Later),
    ];
    prop::collection::vec(step, 1..60)
}

/// What happens to a payout that its PSPs refuse, and that people send again.
fn refusals() -> impl Strategy<Value = Vec<Step>> {
    let news = (0_u8..8, prop::sample::select(vec![0_u8, 0, 2, 3]), told());
    let step = prop_oneof![
        8 => news.prop_map(|(which, source, what)| Step::News { which, source, what, more: 0 }),
        3 => (0_u8..2, prop::sample::select(vec![0_usize, 0, 0, 3, 4]))
            .prop_map(|(which, outcome)| Step::Decide { which, outcome }),
        4 => (0_u8..2).prop_map(Step::TakePayout),
        1 => (0_u8..8).prop_map(Step::TakeAttempt),
    ];
    prop::collection::vec(step, 4..40)
}

/// Accepted; refused, so that another may be asked, or for good; expired, unreachable, lost; and paid.
fn told() -> impl Strategy<Value = u8> {
    prop::sample::select(vec![1_u8, 5, 5, 5, 6, 7, 11, 12, 3])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_history_makes_or_loses_money(steps in steps()) {
        let mut house = House::new();
        for step in &steps {
            house.take(step);
            house.check_books();
            house.check_first_successes();
        }
    }

    #[test]
    fn a_payout_that_was_refused_is_asked_for_again_by_people_alone(steps in refusals()) {
        let mut house = House::new();
        let paid = Step::News { which: 0, source: 3, what: 3, more: 0 };
        for step in [Step::Deposit(1_000), paid, Step::Withdraw(500), Step::TakePayout(1)] {
            house.take(&step);
        }
        for step in &steps {
            house.take(step);
            house.check_books();
        }
    }

    #[test]
    fn the_same_news_twice_is_once(steps in steps()) {
        let mut house = House::new();
        for step in &steps {
            let overtaken = house.is_overtaken(step);
            house.take(step);
            if matches!(step, Step::News { .. }) && !overtaken {
                let before = house.money_and_states();
                house.again();
                let after = house.money_and_states();
                prop_assert_eq!(before, after, "{:?}", step);
            }
        }
    }

    #[test]
    fn what_succeeded_is_only_ever_taken_back(steps in steps()) {
        use AttemptStatus::{Returned, Reversed, Succeeded};
        let mut house = House::new();
        for step in &steps {
            let before = house.attempts();
            house.take(step);
            let after = house.attempts();
            for (id, status) in &before {
                let now = after[id];
                if matches!(status, Succeeded | Returned | Reversed) {
                    prop_assert!(matches!(now, Succeeded | Returned | Reversed), "{status} to {now}");
                }
                if !status.is_live() {
                    prop_assert!(!now.is_live(), "{status} lives again as {now}");
                }
            }
        }
    }
}

/// The PSP knew of nothing when it was asked, and a hint came before it had answered.
#[test]
fn an_answer_that_a_hint_overtook_ends_no_session_and_the_next_one_does() {
    let news = |source, what| Step::News { which: 0, source, what, more: 0 };
    let (hint, nothing_there) = (news(4, 0), news(2, 13));
    let mut house = House::new();
    for step in [Step::Deposit(100), news(0, 0), Step::Later(1_800), Step::TakeAttempt(0), hint] {
        house.take(&step);
    }
    assert!(house.is_overtaken(&nothing_there));
    house.take(&nothing_there);
    assert!(house.money_and_states().contains("Deposit(ActionRequired)"));
    house.again();
    assert!(house.money_and_states().contains("Deposit(Expired)"));
}
