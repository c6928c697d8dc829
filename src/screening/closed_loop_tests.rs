//! Examples of splits; `tests/properties/closed_loop` compares all small cases with an oracle.

use super::*;

const WIDE: Bounds = Bounds { least: 5, most: 10_000 };

fn source(net_minor: i64, newness: usize) -> Candidate {
    Candidate { net_minor, newness, payout: Ok(WIDE), excepted: false }
}

fn unpayable(net_minor: i64, excepted: bool) -> Candidate {
    Candidate { payout: Err(Obstacle::NoProvider), excepted, ..source(net_minor, 0) }
}

const HOME: Option<Beyond> = Some(Beyond::Elsewhere(WIDE));

#[track_caller]
fn check(minor: i64, candidates: &[Candidate], beyond: Option<Beyond>, expected: &[(Place, i64)]) {
    let split = allocate(minor, candidates, beyond, Terms::default()).unwrap();
    let shares: Vec<(Place, i64)> = split.shares.iter().map(|s| (s.place, s.minor)).collect();
    assert_eq!((shares.as_slice(), split.troubles.as_slice()), (expected, [].as_slice()));
}

const fn to(at: usize) -> Place {
    Place::Source(at)
}

#[test]
fn sources_are_paid_in_order_and_what_is_beyond_goes_elsewhere() {
    let two = [source(100, 0), source(50, 1)];
    check(80, &two, HOME, &[(to(0), 80)]);
    check(120, &two, HOME, &[(to(0), 100), (to(1), 20)]);
    check(200, &two, HOME, &[(to(0), 100), (to(1), 50), (Place::Elsewhere, 50)]);
    check(200, &two, Some(Beyond::Source(0)), &[(to(0), 150), (to(1), 50)]);
    check(200, &two, None, &[(to(0), 100), (to(1), 100)]);
}

#[test]
fn a_rest_below_the_least_payout_is_made_up_from_the_part_before_it() {
    let two = [source(100, 0), source(50, 1)];
    check(103, &two, HOME, &[(to(0), 98), (to(1), 5)]);
    // With all covered it goes on top of a source instead.
    check(153, &two, HOME, &[(to(0), 100), (to(1), 53)]);
}

#[test]
fn a_net_deposit_below_the_least_payout_is_paid_with_something_beyond_it() {
    let two = [source(100, 0), source(3, 1)];
    check(100, &two, HOME, &[(to(0), 100)]);
    check(105, &two, HOME, &[(to(0), 100), (to(1), 5)]);
    let split = allocate(103, &two, HOME, Terms::default()).unwrap();
    assert_eq!(
        split.troubles,
        [Trouble::OutsideLoop],
        "neither the rest nor its source is payable"
    );
    assert_eq!(split.shares.iter().map(|share| share.minor).sum::<i64>(), 103);
}

#[test]
fn other_orders_pay_the_newest_or_the_largest_first() {
    let two = [source(100, 0), source(150, 1)];
    for (order, first) in
        [(Order::OldestFirst, 0), (Order::NewestFirst, 1), (Order::LargestFirst, 1)]
    {
        let terms = Terms { order, ..Terms::default() };
        let split = allocate(60, &two, HOME, terms).unwrap();
        assert_eq!(split.shares, [Share { place: to(first), minor: 60 }], "{order:?}");
    }
}

#[test]
fn a_source_that_cannot_be_paid_needs_an_exception_only_when_money_goes_beyond() {
    let two = [unpayable(100, false), source(50, 1)];
    check(50, &two, HOME, &[(to(1), 50)]);
    let split = allocate(80, &two, HOME, Terms::default()).unwrap();
    assert_eq!(split.troubles, [Trouble::NeedsException(0, Obstacle::NoProvider)]);
    assert_eq!(split.minor_to(Place::Elsewhere), 30, "where it goes once people have approved");
    let excepted = [unpayable(100, true), source(50, 1)];
    check(80, &excepted, HOME, &[(to(1), 50), (Place::Elsewhere, 30)]);
    let paid_back = [unpayable(0, false), source(50, 1)];
    check(80, &paid_back, HOME, &[(to(1), 50), (Place::Elsewhere, 30)]);
}

#[test]
fn there_are_never_more_parts_than_the_market_wants() {
    let many = [source(10, 0), source(10, 1), source(10, 2)];
    let terms = Terms { parts_max: 2, ..Terms::default() };
    let split = allocate(20, &many, HOME, terms).unwrap();
    assert_eq!((split.shares.len(), split.troubles.len()), (2, 0));
    let split = allocate(30, &many, HOME, terms).unwrap();
    assert_eq!(
        (split.shares.len(), split.troubles.as_slice()),
        (2, [Trouble::OutsideLoop].as_slice())
    );
}

#[test]
fn what_nobody_pays_is_no_split() {
    assert_eq!(allocate(50, &[unpayable(100, true)], None, Terms::default()), None);
    assert_eq!(allocate(50, &[], None, Terms::default()), None);
    assert_eq!(allocate(4, &[source(100, 0)], HOME, Terms::default()), None);
    check(50, &[], HOME, &[(Place::Elsewhere, 50)]);
}
