//! The closed loop against a brute-force oracle, over all splits of small amounts.

use interlock::screening::closed_loop::{
    Allocation, Beyond, Bounds, Candidate, Obstacle, Order, Place, Terms, Trouble, allocate,
};
use proptest::prelude::*;

fn bounds() -> impl Strategy<Value = Bounds> {
    (1_i64..5, 0_i64..9).prop_map(|(least, more)| Bounds { least, most: least + more })
}

fn candidate() -> impl Strategy<Value = Candidate> {
    let payout = prop_oneof![4 => bounds().prop_map(Ok), 1 => Just(Err(Obstacle::Refused))];
    (0_i64..9, payout, any::<bool>()).prop_map(|(net_minor, payout, excepted)| Candidate {
        net_minor,
        newness: 0,
        payout,
        excepted,
    })
}

/// Sources, the place beyond them, the terms, an amount.
type Case = (Vec<Candidate>, Option<Beyond>, Terms, i64);

fn case() -> impl Strategy<Value = Case> {
    let beyond = prop_oneof![
        Just(None),
        bounds().prop_map(|bounds| Some(Beyond::Elsewhere(bounds))),
        (0_usize..3).prop_map(|at| Some(Beyond::Source(at))),
    ];
    let order =
        prop_oneof![Just(Order::OldestFirst), Just(Order::NewestFirst), Just(Order::LargestFirst)];
    let newness = Just(vec![0_usize, 1, 2]).prop_shuffle();
    let candidates = (proptest::collection::vec(candidate(), 0..4), newness);
    (candidates, beyond, order, 1_usize..5, 1_i64..20).prop_map(
        |((mut candidates, newness), beyond, order, parts_max, minor)| {
            for (candidate, newness) in candidates.iter_mut().zip(newness) {
                candidate.newness = newness;
            }
            // The caller names a place beyond only where somebody can pay it.
            let beyond = beyond.filter(|beyond| match beyond {
                Beyond::Source(at) => candidates.get(*at).is_some_and(|c| c.payout.is_ok()),
                Beyond::Elsewhere(_) => true,
            });
            (candidates, beyond, Terms { order, parts_max }, minor)
        },
    )
}

/// Every way to give each source and the place elsewhere an amount that a PSP pays at once.
fn all_splits((candidates, beyond, terms, minor): &Case) -> Vec<Vec<i64>> {
    let mut ranges: Vec<Option<Bounds>> = Vec::new();
    for (at, candidate) in candidates.iter().enumerate() {
        let may = 0 < candidate.net_minor || *beyond == Some(Beyond::Source(at));
        ranges.push(candidate.payout.ok().filter(|_| may));
    }
    ranges.push(match beyond {
        Some(Beyond::Elsewhere(bounds)) => Some(*bounds),
        _ => None,
    });
    let mut splits = vec![Vec::new()];
    for range in ranges {
        let amounts: Vec<i64> = match range {
            None => vec![0],
            Some(bounds) => std::iter::once(0).chain(bounds.least..=bounds.most).collect(),
        };
        let longer = |split: &Vec<i64>| -> Vec<Vec<i64>> {
            amounts.iter().map(|amount| [split.as_slice(), &[*amount]].concat()).collect()
        };
        splits = splits.iter().flat_map(longer).collect();
    }
    splits.retain(|split| {
        let parts = split.iter().filter(|amount| 0 < **amount).count();
        split.iter().sum::<i64>() == *minor && parts <= terms.parts_max
    });
    splits
}

fn goes_beyond((candidates, ..): &Case, split: &[i64]) -> bool {
    let elsewhere = split.last().is_some_and(|amount| 0 < *amount);
    elsewhere || candidates.iter().zip(split).any(|(source, amount)| source.net_minor < *amount)
}

/// Nobody gets more than the net deposit before all who can be paid have their own.
fn keeps_the_loop(case: &Case, split: &[i64]) -> bool {
    let payable = case.0.iter().zip(split).filter(|(source, _)| source.payout.is_ok());
    let covered = payable.clone().all(|(source, amount)| source.net_minor <= *amount);
    covered || !goes_beyond(case, split)
}

fn amounts(case: &Case, found: &Allocation) -> Vec<i64> {
    let sources = (0..case.0.len()).map(|at| found.minor_to(Place::Source(at)));
    sources.chain([found.minor_to(Place::Elsewhere)]).collect()
}

/// The amounts in the order in which the market pays its sources.
fn in_order((candidates, _, terms, _): &Case, split: &[i64]) -> Vec<i64> {
    let mut order: Vec<usize> = (0..candidates.len()).collect();
    match terms.order {
        Order::OldestFirst => {}
        Order::NewestFirst => order.sort_by_key(|at| std::cmp::Reverse(candidates[*at].newness)),
        Order::LargestFirst => order.sort_by_key(|at| std::cmp::Reverse(candidates[*at].net_minor)),
    }
    order.into_iter().map(|at| split[at]).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn the_allocator_finds_what_an_oracle_finds(case in case()) {
        let (candidates, beyond, terms, minor) = &case;
        let splits = all_splits(&case);
        let found = allocate(*minor, candidates, *beyond, *terms);
        prop_assert_eq!(&found, &allocate(*minor, candidates, *beyond, *terms));
        prop_assert_eq!(found.is_some(), !splits.is_empty(), "{:?}", found);
        let Some(found) = found else { return Ok(()) };
        let split = amounts(&case, &found);
        prop_assert!(splits.contains(&split), "{:?} is none of {:?}", split, splits);

        let closed: Vec<&Vec<i64>> =
            splits.iter().filter(|split| keeps_the_loop(&case, split)).collect();
        let outside = found.troubles.contains(&Trouble::OutsideLoop);
        prop_assert_eq!(outside, closed.is_empty());
        prop_assert!(outside || closed.contains(&&split));

        let within = closed.iter().filter(|split| !goes_beyond(&case, split));
        if let Some(best) = within.map(|split| in_order(&case, split)).max() {
            prop_assert_eq!(in_order(&case, &split), best);
            prop_assert!(found.troubles.is_empty());
        }
        let stranded = candidates.iter().any(|source| {
            source.payout.is_err() && 0 < source.net_minor && !source.excepted
        });
        if goes_beyond(&case, &split) && !outside {
            let needs = found.troubles.iter().any(|t| matches!(t, Trouble::NeedsException(..)));
            prop_assert_eq!(needs, stranded);
        }
    }

    /// An exception lets money go beyond, and does nothing else: the shares are those that people would
    /// be shown without it, and it is one source's alone.
    #[test]
    fn an_exception_takes_away_its_own_trouble_and_changes_no_share(case in case()) {
        let (candidates, beyond, terms, minor) = &case;
        let strict: Vec<Candidate> =
            candidates.iter().map(|source| Candidate { excepted: false, ..*source }).collect();
        let with = allocate(*minor, candidates, *beyond, *terms);
        let without = allocate(*minor, &strict, *beyond, *terms);
        prop_assert_eq!(with.is_some(), without.is_some());
        let (Some(with), Some(without)) = (with, without) else { return Ok(()) };
        prop_assert_eq!(&with.shares, &without.shares);
        let stays = |trouble: &Trouble| match trouble {
            Trouble::NeedsException(at, _) => !candidates[*at].excepted,
            Trouble::OutsideLoop => true,
        };
        let left: Vec<Trouble> = without.troubles.into_iter().filter(stays).collect();
        prop_assert_eq!(&with.troubles, &left);
        for (at, source) in candidates.iter().enumerate() {
            let share = with.minor_to(Place::Source(at));
            prop_assert!(source.payout.is_ok() || share == 0, "nobody can pay it, and nobody does");
        }
    }

    #[test]
    fn one_withdrawal_after_another_gives_no_source_more_than_its_own(
        case in case(),
        others in proptest::collection::vec(1_i64..20, 1..5),
    ) {
        let (candidates, beyond, terms, first) = &case;
        let mut left = candidates.clone();
        let mut paid = vec![0_i64; candidates.len()];
        for minor in std::iter::once(*first).chain(others) {
            let Some(found) = allocate(minor, &left, *beyond, *terms) else { continue };
            if !found.troubles.is_empty() {
                continue;
            }
            for (at, source) in left.iter_mut().enumerate() {
                let share = found.minor_to(Place::Source(at));
                paid[at] += share;
                source.net_minor = (source.net_minor - share).max(0);
            }
            let all = [paid.as_slice(), &[found.minor_to(Place::Elsewhere)]].concat();
            prop_assert!(keeps_the_loop(&case, &all), "{:?} of {:?}", all, candidates);
        }
    }
}
