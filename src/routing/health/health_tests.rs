use super::*;

fn bucket(country: &str) -> Bucket {
    Bucket {
        direction: Direction::Deposit,
        country: country.to_owned(),
        method: Method::Card,
        currency: Currency::EUR,
    }
}

const PSPS: [&str; 3] = ["a", "b", "c"];

/// All three known well in one bucket: 90, 80 and 70 in a hundred.
fn known() -> (Health, Bucket, Micros) {
    let (mut health, here) = (Health::new(HealthRules::default(), 1), bucket("DE"));
    let mut now = 0;
    health.rank(&here, &PSPS, now);
    for i in 0..1_000 {
        now += SECOND / 20;
        for (psp, of_ten) in [("a", 9), ("b", 8), ("c", 7)] {
            health.decided(&here, psp, now, now, i * 3 % 10 < of_ten);
        }
    }
    (health, here, now)
}

fn order(health: &mut Health, here: &Bucket, now: Micros) -> Vec<(usize, Standing)> {
    health.rank(here, &PSPS, now).iter().map(|place| (place.psp, place.standing)).collect()
}

fn fail(health: &mut Health, psp: &str, now: Micros) -> Option<Change> {
    (0..3).fold(None, |_, call| {
        health.answered(psp, Direction::Deposit, (call, now), now, Some(true))
    })
}

fn refuse(health: &mut Health, here: &Bucket, psp: &str, now: Micros) -> Option<Change> {
    (0..100).find_map(|_| health.decided(here, psp, now, now, false))
}

#[test]
fn the_better_are_asked_first_and_the_failing_last_and_nobody_is_left_out() {
    let (mut health, here, now) = known();
    let well = [(0, Standing::Well), (1, Standing::Well), (2, Standing::Well)];
    assert_eq!(order(&mut health, &here, now), well);
    assert!(matches!(fail(&mut health, "a", now), Some(Change::Technical { .. })));
    let after = order(&mut health, &here, now + 1);
    assert_eq!(after, [(1, Standing::Well), (2, Standing::Well), (0, Standing::Failing)]);
    for psp in ["b", "c"] {
        fail(&mut health, psp, now + 2);
    }
    let all = order(&mut health, &here, now + 3);
    assert_eq!(all.iter().map(|(psp, _)| *psp).collect::<Vec<_>>(), [0, 1, 2]);
    assert!(!health.is_failing("a", Direction::Withdrawal), "payouts are scored apart");
}

#[test]
fn only_payments_that_miss_a_failing_psp_pay_for_its_probe() {
    for (asked, missed) in [("b", true), ("z", false)] {
        let (mut health, here, now) = known();
        fail(&mut health, "a", now);
        // In another country nobody is worse than it, since nobody is known.
        let there = if missed { here.clone() } else { bucket("FR") };
        health.rank(&there, &[asked], now);
        for call in 10..60 {
            health.sent(&there, asked, call, now + call as Micros);
        }
        let permit = health.permit("a", Direction::Deposit, now + 3 * SECOND);
        assert_eq!(permit == Permit::Probe, missed, "{asked}");
    }
}

#[test]
fn at_most_one_psp_is_probed_by_a_payment() {
    let (mut health, here, now) = known();
    for psp in ["a", "b"] {
        fail(&mut health, psp, now);
    }
    let places = order(&mut health, &here, now + 100 * SECOND);
    let probes = places.iter().filter(|(_, standing)| *standing == Standing::Probe).count();
    assert_eq!(probes, 1, "{places:?}");
}

/// One payment in some minutes: each would be a probe of a backup that stays dead.
#[test]
fn where_payments_are_rare_few_of_them_try_a_backup() {
    let tried = |ill: &str| {
        let (mut health, here, mut now) = known();
        fail(&mut health, ill, now);
        let mut tried = 0;
        for call in 1_000..1_040 {
            now += 300 * SECOND;
            let first = PSPS[order(&mut health, &here, now)[0].0];
            tried += usize::from(first == ill);
            health.sent(&here, first, call, now);
            health.answered(first, Direction::Deposit, (call, now), now + 1, Some(first == ill));
        }
        tried
    };
    // The first choice is looked after as soon as time allows.
    assert_eq!(tried("a"), 40);
    assert!((3..=4).contains(&tried("b")), "{}", tried("b"));
}

#[test]
fn one_that_approves_less_is_demoted_here_and_nowhere_else() {
    let (mut health, here, now) = known();
    health.rank(&bucket("FR"), &PSPS, now);
    assert!(matches!(refuse(&mut health, &here, "a", now), Some(Change::Demoted { .. })));
    assert_eq!(order(&mut health, &here, now + 1)[2], (0, Standing::Demoted));
    let elsewhere = order(&mut health, &bucket("FR"), now + 1);
    assert!(elsewhere.iter().all(|(_, standing)| *standing == Standing::Well), "{elsewhere:?}");
}

#[test]
fn when_all_fall_together_the_bucket_is_blamed_and_they_keep_their_order() {
    let (mut health, here, now) = known();
    refuse(&mut health, &here, "a", now);
    let change = refuse(&mut health, &here, "b", now + 10 * SECOND);
    assert!(matches!(change, Some(Change::BucketBlamed { .. })), "{change:?}");
    let places = order(&mut health, &here, now + 11 * SECOND);
    assert!(places.iter().all(|(_, standing)| *standing == Standing::Well), "{places:?}");
    // Much later is another matter.
    let (mut health, here, now) = known();
    refuse(&mut health, &here, "a", now);
    let change = refuse(&mut health, &here, "b", now + 60 * SECOND);
    assert!(matches!(change, Some(Change::Demoted { .. })), "{change:?}");
}

#[test]
fn the_same_seed_ranks_the_same() {
    let run = || {
        let (mut health, here, now) = known();
        (0..50).map(|i| health.rank(&here, &PSPS, now + i)).collect::<Vec<_>>()
    };
    assert_eq!(run(), run());
}

#[test]
fn whoever_takes_over_after_a_fall_tells_sooner_than_by_a_fall_of_its_own() {
    let refusals = |fallen_before: bool| {
        let (mut health, here, now) = known();
        if fallen_before {
            refuse(&mut health, &here, "a", now);
        }
        (1..100)
            .find(|_| health.decided(&here, "b", now + 1, now + 1, false).is_some())
            .expect("it tells at last")
    };
    assert!(refusals(true) < refusals(false), "{} and {}", refusals(true), refusals(false));
}

#[test]
fn what_a_psp_does_with_deposits_says_nothing_of_its_payouts() {
    let (mut health, here, now) = known();
    let payouts = Bucket { direction: Direction::Withdrawal, ..here.clone() };
    let expected = |health: &mut Health, bucket: &Bucket| {
        let places = health.rank(bucket, &PSPS, now);
        let c = places.iter().find(|place| place.psp == 2).expect("all are ranked");
        c.expected
    };
    assert!(expected(&mut health, &bucket("FR")) < 0.75, "elsewhere deposits are as here");
    assert!((expected(&mut health, &payouts) - RATE_UNKNOWN).abs() < 1e-9);
    let told = Bucket { country: "FR".to_owned(), ..payouts };
    health.meet(&told, "c");
    assert!((expected(&mut health, &told) - RATE_UNKNOWN).abs() < 1e-9);
}
