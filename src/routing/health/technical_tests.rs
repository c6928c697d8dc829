use super::*;

/// One PSP, its calls numbered, at a clock of milliseconds.
struct Psp {
    it: Technical,
    dice: Dice,
    calls: u64,
}

const fn at(millis: i64) -> Micros {
    millis * 1_000
}

impl Psp {
    fn new() -> Self {
        Self { it: Technical::new(TechnicalRules::default()), dice: Dice::new(1), calls: 0 }
    }

    fn send(&mut self, millis: i64) -> (u64, Micros) {
        self.calls += 1;
        self.it.sent(self.calls, at(millis));
        (self.calls, at(millis))
    }

    fn answer(&mut self, call: (u64, Micros), millis: i64, fault: bool) -> Option<Turn> {
        self.it.answered(call, at(millis), Some(fault), &mut self.dice)
    }

    /// Sends one that is answered at once.
    fn call(&mut self, millis: i64, fault: bool) -> Option<Turn> {
        let call = self.send(millis);
        self.answer(call, millis, fault)
    }

    fn failing(from: i64) -> Self {
        let mut psp = Self::new();
        let turns: Vec<_> = (0..3).map(|i| psp.call(from + i, true)).collect();
        assert_eq!(turns, [None, None, Some(Turn::Failing)]);
        psp
    }

    fn pass_by(&mut self, payments: u32, lost: f64) {
        (0..payments).for_each(|_| self.it.passed_by(lost));
    }

    fn permit(&self, millis: i64) -> Permit {
        self.it.permit(at(millis))
    }

    /// Good probes, each as soon as it may be sent, until it is trusted: when, and how many.
    fn probes_until_trusted(&mut self, from: i64) -> Option<(i64, u32)> {
        let mut probes = 0;
        for millis in (from..from + 60_000).step_by(100) {
            if self.permit(millis) == Permit::Probe {
                probes += 1;
                if self.call(millis, false) == Some(Turn::Recovered) {
                    return Some((millis, probes));
                }
            }
        }
        None
    }
}

#[test]
fn faults_trip_in_a_row_and_not_now_and_then() {
    let mut psp = Psp::new();
    for i in 0..10_000 {
        assert_eq!(psp.call(i * 50, i % 20 == 0), None, "call {i}");
    }
    assert!(Psp::failing(0).it.is_open());
}

#[test]
fn a_first_fault_sends_most_payments_elsewhere_until_it_is_cleared_up() {
    let mut psp = Psp::new();
    assert_eq!(psp.permit(0), Permit::Yes);
    psp.call(0, true);
    assert_eq!(psp.permit(1), Permit::Share(0.35));
    psp.call(2, true);
    assert_eq!(psp.permit(3), Permit::Share(0.05));
    (0..12).for_each(|i| assert_eq!(psp.call(10 + i, false), None));
    assert_eq!(psp.permit(30), Permit::Yes);
}

#[test]
fn silence_is_doubted_first_and_trips_when_slowness_does_not_explain_it() {
    let mut psp = Psp::new();
    for i in 0..400 {
        let call = psp.send(i * 50);
        psp.answer(call, i * 50 + 500, false);
    }
    let (mut doubted, mut silent) = (None, None);
    for millis in (20_000..40_000).step_by(50) {
        psp.send(millis);
        if psp.it.look(at(millis), &mut psp.dice) == Some(Turn::Silent) {
            silent = Some(millis);
            break;
        }
        if psp.permit(millis) == Permit::Share(0.1) {
            doubted.get_or_insert(millis);
        }
    }
    let (doubted, silent) = (doubted.expect("it is doubted"), silent.expect("it trips"));
    assert!(doubted < 22_500, "doubted at {doubted}");
    assert!(doubted < silent && silent < 26_000, "doubted at {doubted}, silent at {silent}");
}

#[test]
fn a_psp_that_becomes_slow_is_not_silent() {
    let mut psp = Psp::new();
    let mut open = std::collections::VecDeque::new();
    for millis in (0..60_000).step_by(50) {
        let took = if millis < 20_000 { 500 } else { 2_000 };
        open.push_back((psp.send(millis), millis + took));
        while open.front().is_some_and(|(_, due)| *due <= millis) {
            let (call, due) = open.pop_front().expect("it is there");
            assert_eq!(psp.answer(call, due, false), None);
        }
        assert_eq!(psp.it.look(at(millis), &mut psp.dice), None, "at {millis}");
    }
    assert_eq!(psp.permit(60_000), Permit::Yes);
}

#[test]
fn what_staying_away_costs_pays_for_a_probe() {
    let mut cheap = Psp::failing(0);
    cheap.pass_by(1_000, 0.0);
    assert_eq!(cheap.permit(5_000), Permit::No, "nobody is the worse for waiting");
    assert_eq!(cheap.permit(13_000), Permit::Probe, "and yet one looks");
    let mut dear = Psp::failing(0);
    dear.pass_by(10, 0.3);
    assert_eq!(dear.permit(500), Permit::No, "not at once");
    assert_eq!(dear.permit(1_100), Permit::Probe);
}

#[test]
fn the_longer_an_outage_the_rarer_are_its_probes() {
    let mut psp = Psp::failing(0);
    let wanted = |psp: &Psp, millis| {
        let mut trial = Technical::clone(&psp.it);
        (0..10_000)
            .find(|_| {
                trial.passed_by(0.1);
                trial.permit(at(millis)) == Permit::Probe
            })
            .expect("it is probed at last")
    };
    let first = wanted(&psp, 1_100);
    psp.pass_by(2_000, 0.1);
    psp.call(2_000, true);
    let later = wanted(&psp, 3_000);
    assert!(5 * first < later, "{first} payments before the first probe, {later} now");
}

#[test]
fn where_payments_are_few_probes_are_rare_too() {
    let mut psp = Psp::failing(0);
    psp.pass_by(30, 0.0);
    assert_eq!(psp.permit(20_000), Permit::No, "one in sixty payments at most");
    psp.pass_by(30, 0.0);
    assert_eq!(psp.permit(20_000), Permit::Probe);
    assert_eq!(Psp::failing(0).permit(80_000), Permit::Probe, "nobody came, and a minute is over");
}

#[test]
fn half_a_fault_is_doubted_longer_than_a_whole_one() {
    let (_, whole) = Psp::failing(0).probes_until_trusted(20_000).expect("it comes back");
    let mut half = Psp::new();
    // In flight while it fell: as many good answers as faults.
    let late: Vec<_> = (0..40).map(|i| half.send(i)).collect();
    (0..3).for_each(|i| {
        half.call(50 + i, true);
    });
    assert!(half.it.is_open());
    for (i, call) in late.into_iter().enumerate() {
        half.answer(call, 100, i % 2 == 0);
    }
    half.pass_by(100, 0.0);
    let (_, partly) = half.probes_until_trusted(20_000).expect("it comes back");
    assert!(whole < partly, "{whole} and {partly} probes");
}

#[test]
fn a_probe_that_was_given_up_counts_when_it_comes_back_well_and_not_when_it_fails() {
    let mut psp = Psp::failing(0);
    psp.pass_by(100, 0.0);
    assert_eq!(psp.permit(15_000), Permit::Probe);
    let first = psp.send(15_000);
    assert_eq!(psp.permit(15_600), Permit::No, "one at a time");
    psp.it.look(at(60_000), &mut psp.dice);
    psp.pass_by(100, 0.0);
    let second = psp.send(75_000);
    psp.answer(second, 75_100, false);
    psp.answer(first, 75_200, true);
    assert_eq!(psp.permit(75_700), Permit::Probe, "the row of good ones goes on");
    let mut slow = Psp::failing(0);
    let first = slow.send(15_000);
    slow.it.look(at(60_000), &mut slow.dice);
    assert_eq!(slow.permit(60_500), Permit::No);
    slow.answer(first, 61_000, false);
    assert_eq!(slow.permit(61_000), Permit::Probe, "slow, and well");
}

#[test]
fn trust_grows_with_good_answers() {
    let mut psp = Psp::failing(0);
    let (millis, probes) = psp.probes_until_trusted(80_000).expect("it comes back");
    let sent = |psp: &mut Psp, millis| {
        let mut calls = Vec::new();
        while psp.permit(millis) == Permit::Yes {
            calls.push(psp.send(millis));
        }
        calls
    };
    let first = sent(&mut psp, millis + 1);
    assert_eq!(first.len(), probes as usize, "as many as answered well");
    first.into_iter().for_each(|call| {
        psp.answer(call, millis + 2, false);
    });
    assert_eq!(sent(&mut psp, millis + 3).len(), 2 * probes as usize);
}

/// Ill for seventy seconds and well for thirty, so many times over, the last time as said; it has fallen
/// again at the moment that is returned.
fn flapping(turns: i64, ends: i64) -> (Psp, i64) {
    let mut psp = Psp::failing(0);
    let mut fell = 0;
    for turn in 0..=turns {
        psp.pass_by(100, 0.5);
        let (back, _) = psp.probes_until_trusted(fell + 70_000).expect("it comes back");
        let until = fell + if turn == turns { ends } else { 100_000 };
        for millis in (back + 100..until).step_by(100) {
            psp.call(millis, false);
        }
        (0..3).for_each(|i| {
            psp.call(until + i, true);
        });
        fell = until;
    }
    assert!(psp.it.is_open());
    (psp, fell)
}

#[test]
fn who_falls_again_soon_is_trusted_when_it_was_well_for_longer_or_would_be_missed_more() {
    // Trusted, well for twenty seconds, and ill again.
    let mut psp = Psp::failing(0);
    let (back, _) = psp.probes_until_trusted(80_000).expect("it comes back");
    (0..200).for_each(|i| {
        psp.call(back + 100 * i, false);
    });
    (0..3).for_each(|i| {
        psp.call(back + 20_000 + i, true);
    });
    assert!(psp.it.is_open());
    let start = back + 100_000;
    let again = |lost: f64| {
        let mut psp = Psp { it: psp.it.clone(), dice: psp.dice.clone(), calls: psp.calls };
        psp.pass_by(100, lost);
        psp.probes_until_trusted(start).expect("it comes back").0 - start
    };
    // It lasted for twenty seconds and its fall cost three faults; it was missed for eighty seconds.
    let cheap = again(0.05);
    assert!(20_000 < cheap && cheap < 30_000, "after {cheap}");
    let dear = again(0.5);
    assert!(dear < 3_000, "after {dear}");
}

#[test]
fn who_flaps_is_looked_for_when_it_should_be_well_again_and_hardly_before() {
    let probes = |psp: &Psp, from: i64, millis: i64| {
        let mut trial = Technical::clone(&psp.it);
        trial.sent(u64::MAX, at(from));
        trial.answered((u64::MAX, at(from)), at(from), Some(true), &mut Dice::new(2));
        let wanted = (1..2_000).find(|_| {
            trial.passed_by(0.1);
            trial.permit(at(millis)) == Permit::Probe
        });
        wanted.expect("it is probed at last")
    };
    // The outage before lasted for seventy seconds.
    let (psp, fell) = flapping(1, 100_000);
    let early = probes(&psp, fell + 2_000, fell + 5_000);
    let expected = probes(&psp, fell + 66_000, fell + 69_000);
    assert!(4 * expected < early, "{early} payments before it is expected, {expected} then");
    let once = Psp::failing(0);
    let (early, late) = (probes(&once, 2_000, 5_000), probes(&once, 66_000, 69_000));
    assert_eq!(early, late, "who fell once is expected at no time");
}

#[test]
fn few_are_risked_at_the_moment_at_which_a_steady_flapper_falls() {
    let sent_at_once = |psp: &mut Psp, millis: i64| {
        (0..10).take_while(|_| psp.permit(millis) == Permit::Yes && psp.send(millis).0 > 0).count()
    };
    let back_and_then = |turns: i64, ends: i64, after: i64| {
        let (mut psp, fell) = flapping(turns, ends);
        psp.pass_by(100, 0.5);
        let (back, _) = psp.probes_until_trusted(fell + 70_000).expect("it comes back");
        for millis in (back + 100..fell + after).step_by(100) {
            psp.call(millis, false);
        }
        sent_at_once(&mut psp, fell + after)
    };
    assert_eq!(back_and_then(3, 100_000, 99_000), 2, "a hundred seconds from fall to fall");
    assert_eq!(back_and_then(3, 100_000, 95_000), 10, "not yet");
    assert_eq!(back_and_then(3, 100_000, 106_000), 10, "it did not come");
    assert_eq!(back_and_then(3, 120_000, 119_000), 10, "the last turn was another");
    assert_eq!(back_and_then(0, 100_000, 99_000), 10, "one turn is no habit");
}

#[test]
fn what_is_in_flight_clears_up_a_first_fault() {
    let doubted = |in_flight: i64| {
        let mut psp = Psp::new();
        (0..in_flight).for_each(|i| {
            psp.send(i);
        });
        psp.call(10, true);
        psp.permit(11)
    };
    assert_eq!(doubted(4), Permit::Share(0.05), "enough are on their way");
    assert_eq!(doubted(3), Permit::Share(0.35), "somebody has to go");
}

#[test]
fn what_was_sent_before_it_fell_says_nothing_of_it_afterwards() {
    let mut psp = Psp::new();
    let old: Vec<_> = (0..10).map(|i| psp.send(i)).collect();
    (0..3).for_each(|i| {
        psp.call(20 + i, true);
    });
    let (back, _) = psp.probes_until_trusted(80_000).expect("it comes back");
    for call in old {
        assert_eq!(psp.answer(call, back + 10, true), None);
    }
    assert!(!psp.it.is_open());
}

#[test]
fn trust_that_is_just_coming_back_is_lost_sooner() {
    let mut psp = Psp::failing(0);
    let (back, _) = psp.probes_until_trusted(80_000).expect("it comes back");
    assert_eq!(psp.call(back + 10, true), None);
    assert_eq!(psp.call(back + 20, true), Some(Turn::Failing), "two faults, not three");
}

#[test]
fn a_psp_of_which_nothing_is_known_yet_may_take_its_time() {
    let mut psp = Psp::new();
    for millis in (0..4_000).step_by(50) {
        psp.send(millis);
        assert_eq!(psp.it.look(at(millis), &mut psp.dice), None, "at {millis}");
    }
}
