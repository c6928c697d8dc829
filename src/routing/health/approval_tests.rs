use super::*;

/// Outcomes at an even rate, so many a second, and the time after them.
fn feed(it: &mut Approval, (outcomes, of_100): (u32, i32), a_second: i64, from: Micros) -> Micros {
    let (mut now, mut owed) = (from, 0);
    for _ in 0..outcomes {
        now += SECOND / a_second;
        it.sent(now);
        owed += of_100;
        let approved = 50 <= owed;
        owed -= if approved { 100 } else { 0 };
        it.decided(approved, now, now);
    }
    now
}

fn known() -> (Approval, Micros) {
    let mut it = Approval::new(ApprovalRules::default(), 0.8);
    let now = feed(&mut it, (2_000, 90), 20, 0);
    assert!(!it.is_demoted());
    (it, now)
}

/// How many refusals in a row demote.
fn refusals_until_demoted(it: &mut Approval, mut now: Micros, a_second: i64) -> u32 {
    for refusals in 1..200 {
        now += SECOND / a_second;
        it.sent(now);
        if it.decided(false, now, now) {
            return refusals;
        }
    }
    panic!("never demoted");
}

#[test]
fn a_fall_demotes_and_the_level_before_is_remembered_and_restored() {
    let (mut it, now) = known();
    assert!(refusals_until_demoted(&mut it, now, 20) < 12);
    assert!((it.usual() - 0.9).abs() < 0.02, "{}", it.usual());
    assert!(it.counts().rate() < 0.2, "what it does now is told apart");
    let mut now = now + 60 * SECOND;
    let approvals = (1..100)
        .find(|_| {
            now += SECOND;
            it.decided(true, now, now)
        })
        .expect("it is restored");
    assert!((3..20).contains(&approvals), "{approvals}");
    assert!((it.counts().rate() - 0.9).abs() < 0.02);
}

#[test]
fn what_was_sent_before_the_fall_restores_nothing() {
    let (mut it, now) = known();
    refusals_until_demoted(&mut it, now, 20);
    (0..100).for_each(|_| assert!(!it.decided(true, now - SECOND, now + SECOND)));
    assert!(it.is_demoted());
}

#[test]
fn a_quiet_bucket_is_demoted_on_less_evidence() {
    let (mut busy, now) = known();
    let mut quiet = busy.clone();
    let later = feed(&mut quiet, (400, 90), 1, now);
    let (of_busy, of_quiet) =
        (refusals_until_demoted(&mut busy, now, 20), refusals_until_demoted(&mut quiet, later, 1));
    assert!(of_quiet < of_busy, "{of_quiet} and {of_busy}");
}

#[test]
fn a_rate_that_was_guessed_too_high_is_learned_and_is_no_fall() {
    let falls = |seed| {
        let (mut dice, mut it) = (Dice::new(seed), Approval::new(ApprovalRules::default(), 0.93));
        // The traffic of twenty a second comes over at once.
        (0..400)
            .filter(|i| {
                it.sent(SECOND * i / 20);
                it.decided(dice.chance(0.75), SECOND * i, SECOND * i) && it.is_demoted()
            })
            .count()
    };
    let all: usize = (0..200).map(falls).sum();
    assert!(all <= 4, "{all} falls in 200 runs of a PSP that never changed");
}

#[test]
fn what_is_missed_is_looked_after_sooner_and_the_sooner_the_better_it_looks() {
    let (mut it, now) = known();
    refusals_until_demoted(&mut it, now, 20);
    let soon = now + SECOND;
    assert!(!it.probe_is_due(soon));
    let wanted = |it: &Approval| {
        let mut trial = it.clone();
        (1..10_000)
            .find(|_| {
                trial.passed_by(0.8);
                trial.probe_is_due(soon)
            })
            .expect("it is due at last")
    };
    let at_first = wanted(&it);
    it.decided(true, soon, soon);
    assert!(wanted(&it) < at_first, "{} and {at_first}", wanted(&it));
    assert!(it.probe_is_due(now + 61 * SECOND), "and after a while in any case");
}

#[test]
fn what_is_well_known_is_drawn_with_a_third_of_its_variance_and_what_is_not_with_all() {
    let share = |outcomes: f64| {
        let mut it = Approval::new(ApprovalRules::default(), 0.8);
        it.counts = Counts::around(0.8, outcomes);
        let mut dice = Dice::new(3);
        let drawn: Vec<f64> = (0..20_000).map(|_| it.draw(&mut dice)).collect();
        let mean = drawn.iter().sum::<f64>() / 20_000.0;
        let variance = drawn.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / 20_000.0;
        variance / (0.16 / (outcomes + 1.0))
    };
    assert!((0.8..0.9).contains(&share(10.0)), "{}", share(10.0));
    assert!((0.31..0.39).contains(&share(3_000.0)), "{}", share(3_000.0));
}

#[test]
fn a_lower_level_that_stays_becomes_the_usual_one() {
    let (mut it, now) = known();
    refusals_until_demoted(&mut it, now, 20);
    let mut at = now;
    let settled = (0..400).find(|i| {
        at += 5 * SECOND;
        it.decided(i % 3 == 0, at, at)
    });
    assert!(settled.is_some() && !it.is_demoted());
    assert!(it.usual() < 0.5, "{}", it.usual());
}
