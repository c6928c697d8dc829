use super::*;
use crate::domain::{Currency, Method};
use psp_contract::NotSent;

const PSP: &str = "a";
const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn bucket() -> Bucket {
    Bucket {
        direction: Direction::Deposit,
        country: "SE".to_owned(),
        method: Method::BankTransfer,
        currency: Currency::SEK,
    }
}

fn fail(health: &PspHealth, now: Timestamp) {
    let call = health.sent(&bucket(), PSP, now);
    call.answered(&Outcome::NotSent(NotSent::ConnectRefused), now);
}

fn failing() -> PspHealth {
    let health = PspHealth::new(HealthRules::default(), 7);
    (0..3).for_each(|_| fail(&health, NOW));
    assert!(health.is_failing(PSP, Direction::Deposit));
    health
}

fn kinds(health: &PspHealth) -> Vec<&'static str> {
    health.take_news().changes.iter().map(|noticed| kind_of(&noticed.change)).collect()
}

#[test]
fn a_payment_that_goes_to_who_fails_because_all_do_is_no_probe() {
    let health = failing();
    (0..20).for_each(|_| fail(&health, NOW));
    assert_eq!(kinds(&health), ["failing"]);
    let later = NOW + Duration::from_secs(100);
    assert_eq!(health.permit(PSP, Direction::Deposit, later), Permit::Probe);
    (0..20).for_each(|_| fail(&health, later));
    assert_eq!(kinds(&health), ["probing"], "one of them is");
}

#[test]
fn where_nobody_fetches_changes_they_do_not_grow_and_probes_go_first() {
    let health = failing();
    let mut now = NOW;
    for _ in 0..CHANGES_MAX + 10 {
        now += Duration::from_secs(100);
        fail(&health, now);
    }
    let news = health.take_news();
    assert_eq!(news.changes.len(), CHANGES_MAX);
    health.give_back(news);
    now += Duration::from_secs(100);
    fail(&health, now);
    let kinds = kinds(&health);
    assert_eq!((kinds.len(), kinds[0], kinds[1]), (CHANGES_MAX, "failing", "probing"));
}

#[test]
fn what_was_seen_there_and_here_together_is_told_here() {
    let (one, other) = [0, 0].map(|_| PspHealth::new(HealthRules::default(), 7)).into();
    fail(&one, NOW);
    (0..2).for_each(|_| fail(&other, NOW));
    let told = [one.take_news().told, other.take_news().told].map(Vec::from);
    one.absorb(&told[1], NOW);
    other.absorb(&told[0], NOW);
    for health in [&one, &other] {
        let news = health.take_news();
        let kinds: Vec<_> = news.changes.iter().map(|noticed| kind_of(&noticed.change)).collect();
        assert_eq!(kinds, ["failing"]);
        // Said on to those who may have heard less; what is said on is not said on again.
        let told = Vec::from(news.told);
        assert!(matches!(told[..], [Told::Tripped { .. }]));
        let third = PspHealth::new(HealthRules::default(), 7);
        third.absorb(&told, NOW);
        assert!(third.is_failing(PSP, Direction::Deposit));
        let echo = third.take_news();
        assert!(echo.told.is_empty() && echo.changes.is_empty());
    }
}

#[test]
fn who_hears_late_of_what_is_over_makes_nobody_leave_a_well_psp_alone() {
    let (one, direction) = (failing(), Direction::Deposit);
    let mut now = NOW + Duration::from_secs(1);
    while one.is_failing(PSP, direction) {
        now += Duration::from_secs(1);
        assert!(now < NOW + Duration::from_secs(25), "good answers bring it back");
        one.probe(PSP, direction, now).judged(Some(false), now);
    }
    let told = Vec::from(one.take_news().told);
    let late = NOW + Duration::from_secs(30);
    // All of it at once, and the end of it later.
    for (heard, announced) in [(told.len(), &["recovered"][..]), (4, &["failing"])] {
        let other = PspHealth::new(HealthRules::default(), 7);
        other.absorb(&told[..heard], late);
        let news = other.take_news();
        let kinds: Vec<_> = news.changes.iter().map(|noticed| kind_of(&noticed.change)).collect();
        assert_eq!(kinds, announced);
        one.absorb(&Vec::from(news.told), late);
        assert!(!one.is_failing(PSP, direction), "it has found it well since");
    }
}
