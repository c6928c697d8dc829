//! The case of a kill switch, once the switch has ended when it was said to.

use super::cases::{acts, approve, decide, operator, read, refusal};
use super::harness::{Setup, World, key, person};
use interlock::book::ProposalState;
use interlock::decide::Refusal;
use interlock::domain::Timestamp;
use interlock::reviews::decide_case::CaseDecision;
use interlock::reviews::sweep_cases::sweep_cases;
use interlock::routing::set_switch::{SetError, SwitchOrder, set_switch};
use interlock::routing::switches::{Scope, SwitchKind};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);

fn off(until: Option<Timestamp>) -> SwitchOrder {
    SwitchOrder {
        operator: operator(),
        person: person("ann"),
        kind: SwitchKind::Kill,
        scope: Scope { psp: Some("trustly-de".to_owned()), ..Scope::default() },
        reason: "their settlements are late".to_owned(),
        from: None,
        until,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_case_of_a_kill_switch_closes_when_the_switch_ends_by_itself() {
    let world = World::with(Setup { workers: false, ..Setup::default() }).await;
    let now = world.one().flows.clock.now();
    let mut cases = Vec::new();
    for until in [Some(now + DAY), None] {
        let flows = world.one().flows.clone();
        let set = async move { set_switch(&flows, off(until), &key()).await.unwrap().0 };
        cases.push(world.one().run(set).await.review.unwrap());
    }
    let sweep = || async {
        let flows = world.one().flows.clone();
        let swept = async move { sweep_cases(&flows, flows.clock.now()).await.unwrap() };
        world.one().run(swept).await;
        (read(&world, cases[0]).await, read(&world, cases[1]).await)
    };
    let (ends, stays) = sweep().await;
    assert!(ends.open && stays.open, "its end has not come");
    world.move_on(DAY).await;
    let (ended, stays) = sweep().await;
    assert!(!ended.open && stays.open, "{stays:?}");
    assert_eq!(ended.proposals[0].state, ProposalState::Voided);
    assert_eq!(acts(&world, &ended).await, ["opened", "proposed", "voided", "note", "closed"]);
    let late = refusal(approve(&world, &stays, "ann").await);
    assert_eq!(late, Refusal::SamePerson, "the other case is as it was");
    let proposal = ended.proposals[0].id;
    let late = refusal(decide(&world, &ended, CaseDecision::Approve { proposal }, "bob").await);
    assert!(matches!(late, Refusal::ReviewConflict(_)), "{late:?}");
    let lifts = "select count(*) from routing_switch_lift";
    assert_eq!(world.number(lifts).await, 0, "nobody lifted it");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_after_the_switch_has_ended_is_told_what_was_first_told() {
    let world = World::with(Setup { workers: false, ..Setup::default() }).await;
    let (until, key) = (world.one().flows.clock.now() + DAY, key());
    let ask = async |until: Timestamp, key: &str| {
        let (flows, key) = (world.one().flows.clone(), key.to_owned());
        let set = async move { set_switch(&flows, off(Some(until)), &key).await };
        world.one().run(set).await
    };
    let (set, is_repeat) = ask(until, &key).await.unwrap();
    assert!(!is_repeat);
    world.move_on(2 * DAY).await;
    let (again, is_repeat) = ask(until, &key).await.unwrap();
    assert!(is_repeat);
    assert_eq!((again.id, again.until), (set.id, Some(until)));
    let reused = ask(until + DAY, &key).await;
    assert!(matches!(reused, Err(SetError::KeyReused)), "{reused:?}");
    let late = ask(until, "another key").await;
    assert!(matches!(late, Err(SetError::EndsTooSoon)), "{late:?}");
    world.close().await;
}
