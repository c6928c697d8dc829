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
    known_by(bucket("DE"))
}

fn known_by(here: Bucket) -> (Health, Bucket, Micros) {
    let mut health = Health::new(HealthRules::default(), 1);
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
fn payments_that_a_psp_would_never_have_had_do_not_pass_it_by() {
    for (country, asked, expected) in [("FR", "x", Standing::Failing), ("DE", "a", Standing::Probe)]
    {
        let (mut health, here, now) = known();
        fail(&mut health, "b", now);
        let busy = bucket(country);
        health.rank(&busy, &[asked], now);
        for call in 10..110 {
            health.sent(&busy, asked, call, now + 1);
            health.answered(asked, Direction::Deposit, (call, now + 1), now + 2, Some(false));
        }
        let places = order(&mut health, &here, now + 13 * SECOND);
        assert!(places.contains(&(1, expected)), "{country}: {places:?}");
    }
}

/// At the first of them a deposit whose answer is lost hangs, and it has just failed.
fn spared() -> (Health, Bucket, Micros) {
    let (mut health, here, now) = known();
    health.spare(["a".to_owned()]);
    fail(&mut health, "a", now);
    for call in 10..110 {
        health.sent(&here, "b", call, now + 1);
        health.answered("b", Direction::Deposit, (call, now + 1), now + 2, Some(false));
    }
    (health, here, now)
}

#[track_caller]
fn check_first(health: &mut Health, here: &Bucket, at: Micros, expected: Standing) {
    let places = order(health, here, at);
    assert!(places.contains(&(0, expected)), "{places:?}");
    assert_eq!(health.permit("a", Direction::Deposit, at), Permit::Probe, "it is time to look");
    let stays_away = health.is_avoided("a", Direction::Deposit, at);
    let goes_last = places.last() == Some(&(0, Standing::Failing));
    assert_eq!((stays_away, goes_last), (expected == Standing::Failing, stays_away));
}

#[test]
fn a_deposit_that_would_hang_tries_who_fails_when_nobody_else_works_and_after_long() {
    let (mut health, here, now) = spared();
    check_first(&mut health, &here, now + 100 * SECOND, Standing::Failing);
    check_first(&mut health, &here, now + 361 * SECOND, Standing::Probe);
    // One of the others that has just failed once works still.
    for psp in ["b", "c"] {
        health.answered(psp, Direction::Deposit, (1, now + 1), now + 3, Some(true));
        let places = order(&mut health, &here, now + 100 * SECOND);
        assert!(places.contains(&(0, Standing::Failing)), "{places:?}");
    }
    for psp in ["b", "c"] {
        fail(&mut health, psp, now + 50 * SECOND);
    }
    let alone = order(&mut health, &here, now + 100 * SECOND);
    assert_eq!(alone[0], (0, Standing::Probe));
}

#[test]
fn a_question_that_is_answered_lets_such_a_deposit_try_sooner_and_a_fault_later_again() {
    let (mut health, here, now) = spared();
    let (psp, direction) = ("a", Direction::Deposit);
    health.answered_a_question(psp, direction, now - 1);
    check_first(&mut health, &here, now + 73 * SECOND, Standing::Failing);
    health.answered_a_question(psp, direction, now + 20 * SECOND);
    check_first(&mut health, &here, now + 40 * SECOND, Standing::Failing);
    let at = now + 73 * SECOND;
    check_first(&mut health, &here, at, Standing::Probe);
    health.sent(&here, psp, 500, at);
    health.answered(psp, direction, (500, at), at + 1, Some(true));
    check_first(&mut health, &here, at + 100 * SECOND, Standing::Failing);
}

/// A deposit every thirty seconds for a day, and then it is well.
#[test]
fn few_deposits_hang_at_who_stays_dead_and_it_is_found_well_again() {
    let (mut health, here, mut now) = spared();
    let (fell_at, direction) = (now, Direction::Deposit);
    let (mut hung, mut call) = (0, 1_000);
    while health.is_failing("a", direction) {
        let is_dead = now < fell_at + 86_400 * SECOND;
        let first = PSPS[order(&mut health, &here, now)[0].0];
        let lost = is_dead && first == "a";
        hung += u32::from(lost);
        health.sent(&here, first, call, now);
        health.answered(first, direction, (call, now), now + 1, Some(lost));
        (now, call) = (now + 30 * SECOND, call + 1);
        assert!(now < fell_at + 90_000 * SECOND, "it is lost for good");
    }
    assert!((40..=70).contains(&hung), "{hung} of 2,880");
}

#[test]
fn who_fails_takes_no_payouts_look_from_who_is_demoted() {
    let payouts = Bucket { direction: Direction::Withdrawal, ..bucket("DE") };
    let (mut health, here, now) = known_by(payouts);
    assert!(matches!(refuse(&mut health, &here, "b", now), Some(Change::Demoted { .. })));
    for call in 0..3 {
        health.answered("a", Direction::Withdrawal, (call, now), now, Some(true));
    }
    let later = now + 100 * SECOND;
    assert_eq!(health.permit("a", Direction::Withdrawal, later), Permit::Probe);
    let places = order(&mut health, &here, later);
    assert_eq!(places, [(1, Standing::Probe), (2, Standing::Well), (0, Standing::Failing)]);
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
