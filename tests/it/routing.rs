//! Routing by health against real mocks: who falls ill is found out, others take over, and it gets its
//! traffic back; instances learn from each other and from before; what people switch off is off everywhere.

use super::harness::{
    SOON, Setup, World, deposit_order, eur, eventually, for_a_moment, gbp, key, person, stretched,
};
use futures_util::future::join_all;
use interlock::book::Payment;
use interlock::decide::Answer;
use interlock::domain::{Direction, OperatorId, PersonId, PlayerKey};
use interlock::flows::Flows;
use interlock::payments::run_attempts::run_attempts;
use interlock::payments::start_deposit::start_deposit;
use interlock::routing::lift_switch::{Lift, lift_switch};
use interlock::routing::set_switch::{SwitchOrder, set_switch};
use interlock::routing::switches::{Scope, Switch, SwitchKind};
use std::time::{Duration, Instant};

/// What people switch off, and what another instance found out, holds everywhere within this, however slow
/// the machine is: what an instance knows is looked at, not how soon it carries out a payment.
const A_SECOND: Duration = Duration::from_secs(1);

/// As the sandbox is: three faults are enough.
pub(super) fn watchful() -> Setup {
    Setup { faults_to_trip: 3, ..Setup::default() }
}

/// `psp status` of each attempt, in order.
pub(super) fn tried(payment: &Payment) -> Vec<String> {
    payment.attempts.iter().map(|attempt| format!("{} {}", attempt.psp, attempt.status)).collect()
}

fn reason(payment: &Payment, psp: &str) -> String {
    let mut candidates = payment.route.candidates.iter();
    candidates.find(|candidate| candidate.psp == psp).unwrap().reason.clone()
}

async fn is_failing(flows: &Flows, psp: &str, within: Duration) -> bool {
    let look = || async { flows.health.is_failing(psp, Direction::Deposit).then_some(()) };
    for_a_moment(within, look).await.is_some()
}

pub(super) async fn knows_within_a_second(flows: &Flows, switch: &Switch, on: bool) -> bool {
    let look = || async {
        let (now, all) = (flows.clock.now(), flows.switches.all());
        let is_on = all.iter().any(|it| it.id == switch.id && it.is_on(now));
        (is_on == on).then_some(())
    };
    for_a_moment(A_SECOND, look).await.is_some()
}

/// Every deposit is taken by somebody while the first PSP is ill; it is found out, and it recovers.
async fn falls_ill_and_recovers(fault: &'static str, detected_within: Duration) {
    let world = World::with(watchful()).await;
    // Deposits take longer on a slow machine, and so does the deadline that tells of silence.
    let detected_within = stretched(detected_within);
    let player = world.player("DE").await;
    world.mocks.fault("trustly-de", "any", fault, None).await;
    let began = Instant::now();
    let health = world.one().flows.health.clone();
    // Three at a time, as they come while nobody knows yet.
    while !health.is_failing("trustly-de", Direction::Deposit) {
        assert!(began.elapsed() < detected_within, "not found out within {detected_within:?}");
        let three = (0..3).map(|_| world.deposit(&player, eur(1_000)));
        for deposit in join_all(three).await {
            assert_eq!(deposit.status.as_str(), "action_required", "{:?}", tried(&deposit));
        }
    }
    println!("{fault}: found out after {:?}", began.elapsed());
    let deposit = world.deposit(&player, eur(1_000)).await;
    assert_eq!(tried(&deposit), ["truelayer-de accepted"]);
    assert_eq!(reason(&deposit, "trustly-de"), "it fails: asked last");
    world.mocks.clear_faults("trustly-de").await;
    let mended = Instant::now();
    eventually("traffic comes back", Duration::from_secs(60), || async {
        let deposit = world.deposit(&player, eur(1_000)).await;
        (tried(&deposit) == ["trustly-de accepted"]
            && !health.is_failing("trustly-de", Direction::Deposit))
        .then_some(())
    })
    .await;
    println!("{fault}: traffic came back after {:?}", mended.elapsed());
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_psp_that_resets_connections_is_found_out_and_recovers() {
    falls_ill_and_recovers("connection_reset_before", Duration::from_secs(10)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_psp_that_answers_500_is_found_out_and_recovers() {
    falls_ill_and_recovers("http_500", Duration::from_secs(10)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_psp_that_answers_nothing_is_found_out_and_recovers() {
    falls_ill_and_recovers("timeout_before_accept", Duration::from_secs(12)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_psp_that_answers_is_not_taken_for_a_dead_one() {
    let world = World::with(watchful()).await;
    let player = world.player("DE").await;
    let slow = serde_json::json!({"operation": "any", "fault": "slow", "delay_ms": 700});
    world.mocks.fault_with("trustly-de", slow).await;
    for _ in 0..4 {
        let three = (0..3).map(|_| world.deposit(&player, eur(1_000)));
        for deposit in join_all(three).await {
            assert_eq!(tried(&deposit), ["trustly-de accepted"]);
        }
    }
    assert!(!world.one().flows.health.is_failing("trustly-de", Direction::Deposit));
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn under_twenty_deposits_a_second_a_closed_port_costs_not_one_of_them() {
    let world = World::with(watchful()).await;
    let player = world.player("DE").await;
    let mut ticks = tokio::time::interval(Duration::from_millis(50));
    let mut running = Vec::new();
    for number in 0..80 {
        ticks.tick().await;
        if number == 20 {
            world.mocks.listener("trustly-de", false).await;
        }
        let (flows, order) = (world.one().flows.clone(), deposit_order(&player, eur(1_000)));
        running.push(world.one().handle().spawn(async move {
            let Ok(Answer::Payment(begun)) = start_deposit(&flows, &order).await else {
                panic!("the deposit did not begin");
            };
            let first = begun.live_attempt(None).map(|live| live.id).unwrap();
            run_attempts(&flows, (*begun).clone(), first).await
        }));
    }
    let (mut refused, mut failed) = (0, Vec::new());
    for deposit in join_all(running).await {
        let deposit = deposit.unwrap();
        refused += usize::from(tried(&deposit)[0] == "trustly-de not_sent");
        if deposit.status.as_str() != "action_required" {
            failed.push(tried(&deposit));
        }
    }
    println!("80 deposits at 20/s, {refused} of them met the closed port first");
    assert!(failed.is_empty(), "{failed:?}");
    assert!((1..=20).contains(&refused), "{refused} deposits met the closed port");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_psp_that_refuses_payers_it_used_to_approve_is_asked_after_the_others() {
    let world = World::with(watchful()).await;
    let player = world.player("GB").await;
    // What is hardly known has no level that it could fall from.
    for _ in 0..40 {
        let deposit = world.deposit(&player, gbp(1_000)).await;
        assert_eq!(deposit.attempts[0].psp, "truelayer-gb");
        world.complete(&deposit, "succeeded").await;
        world.settled(deposit.id, "succeeded").await;
    }
    let mut asked_later = None;
    for _ in 0..30 {
        let deposit = world.deposit(&player, gbp(1_000)).await;
        if deposit.attempts[0].psp != "truelayer-gb" {
            asked_later = Some(deposit);
            break;
        }
        world.complete(&deposit, "declined").await;
        world.settled(deposit.id, "failed").await;
    }
    let deposit = asked_later.expect("thirty refusals in a row are noticed");
    assert_eq!(reason(&deposit, "truelayer-gb"), "its approvals fell: asked after the others");
    let flows = &world.one().flows;
    assert!(!flows.health.is_failing("truelayer-gb", Direction::Deposit), "it works");
    world.close().await;
}

/// Three faults at the first instance; what the second then knows within a second.
async fn is_told(sabotage: Option<&'static str>) -> (World, PlayerKey, bool) {
    let mut world = World::with(Setup { sabotage, ..watchful() }).await;
    world.start_instance().await;
    let player = world.player("DE").await;
    world.mocks.listener("trustly-de", false).await;
    for _ in 0..3 {
        world.deposit(&player, eur(1_000)).await;
    }
    assert!(world.one().flows.health.is_failing("trustly-de", Direction::Deposit));
    let began = Instant::now();
    let told = is_failing(&world.instances[1].flows, "trustly-de", A_SECOND).await;
    println!("the other instance knew: {told}, after {:?}", began.elapsed());
    (world, player, told)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_learns_from_another_within_a_second_and_the_next_start_knows() {
    let (mut world, player, told) = is_told(None).await;
    assert!(told);
    let deposit = world.instances[1].deposit(deposit_order(&player, eur(1_000))).await;
    assert_eq!(tried(&deposit), ["truelayer-de accepted"], "nobody had to find out again");
    world.stop(1).await;
    world.stop(0).await;
    world.start_instance().await;
    assert!(world.one().flows.health.is_failing("trustly-de", Direction::Deposit));
    assert!(!world.one().flows.health.is_failing("trustly-de", Direction::Withdrawal));
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn control_an_instance_that_is_not_told_does_not_know() {
    let nothing = "revoke insert on psp_health_told from interlock_app";
    let (world, _, told) = is_told(Some(nothing)).await;
    assert!(!told);
    world.close().await;
}

pub(super) fn off(psp: &str) -> SwitchOrder {
    SwitchOrder {
        operator: OperatorId::parse("op_demo").unwrap(),
        person: PersonId::parse("person_operator").unwrap(),
        kind: SwitchKind::Kill,
        scope: Scope { psp: Some(psp.to_owned()), ..Scope::default() },
        reason: "their settlements are late".to_owned(),
        from: None,
        until: None,
    }
}

pub(super) async fn set(world: &World, index: usize, order: SwitchOrder) -> Switch {
    let flows = world.instances[index].flows.clone();
    let set = async move { set_switch(&flows, order, &key()).await.unwrap().0 };
    world.instances[index].run(set).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_switch_holds_on_every_instance_within_a_second_until_it_is_lifted() {
    let mut world = World::new().await;
    world.start_instance().await;
    let player = world.player("DE").await;
    let on_the_other = |world: &World| {
        let (flows, order) = (world.instances[1].flows.clone(), deposit_order(&player, eur(1_000)));
        let begun = world.instances[1].handle().spawn(async move {
            match start_deposit(&flows, &order).await.unwrap() {
                Answer::Payment(begun) => {
                    let first = begun.live_attempt(None).map(|live| live.id).unwrap();
                    run_attempts(&flows, (*begun).clone(), first).await
                }
                other => panic!("not a payment: {other:?}"),
            }
        });
        async move { begun.await.unwrap() }
    };
    let before = on_the_other(&world).await;
    assert_eq!(tried(&before), ["trustly-de accepted"], "the control: it is asked first");
    let switch = set(&world, 0, off("trustly-de")).await;
    let began = Instant::now();
    let told = knows_within_a_second(&world.instances[1].flows, &switch, true).await;
    assert!(told, "it holds on the other instance");
    println!("the switch held on the other instance after {:?}", began.elapsed());
    let killed = on_the_other(&world).await;
    assert_eq!(tried(&killed), ["truelayer-de accepted"]);
    assert_eq!(reason(&killed, "trustly-de"), "switched off: their settlements are late");
    // What was under way comes to its end as ever.
    world.complete(&before, "succeeded").await;
    world.settled(before.id, "succeeded").await;
    let (flows, lifted) = (world.one().flows.clone(), switch.clone());
    let lift = async move {
        let (switch, operator) = (&lifted, &lifted.operator);
        let why = "they have settled";
        let one = lift_switch(&flows, operator, switch.id, &switch.set_by, why).await.unwrap();
        assert!(matches!(one, Lift::Proposed(..)), "one person lifts no kill switch: {one:?}");
        let same = lift_switch(&flows, operator, switch.id, &switch.set_by, why).await.unwrap();
        assert!(matches!(same, Lift::Proposed(..)), "nor does the same one twice: {same:?}");
        lift_switch(&flows, operator, switch.id, &person("another"), why).await.unwrap()
    };
    assert!(matches!(world.one().run(lift).await, Lift::Now(_)));
    let told = knows_within_a_second(&world.instances[1].flows, &switch, false).await;
    assert!(told, "traffic comes back to the other instance");
    assert_eq!(tried(&on_the_other(&world).await), ["trustly-de accepted"]);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_switch_holds_within_a_second_where_nothing_can_be_told_of_psps() {
    let nothing = Some("revoke insert on psp_health_told from interlock_app");
    let mut world = World::with(Setup { sabotage: nothing, ..watchful() }).await;
    world.start_instance().await;
    let other = world.instances[1].name.clone();
    let player = world.player("DE").await;
    world.mocks.listener("trustly-de", false).await;
    world.instances[1].deposit(deposit_order(&player, eur(1_000))).await;
    let failed = format!(
        "select count(*) from worker_heartbeat
         where instance = '{other}' and worker = 'routing' and 5 <= failures"
    );
    eventually("sharing has failed again and again", SOON, async || {
        (world.number(&failed).await == 1).then_some(())
    })
    .await;
    let switch = set(&world, 0, off("truelayer-de")).await;
    assert!(knows_within_a_second(&world.instances[1].flows, &switch, true).await);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_switched_off_between_plan_and_call_is_not_called() {
    let world = World::new().await;
    let player = world.player("DE").await;
    let (flows, order) = (world.one().flows.clone(), deposit_order(&player, eur(1_000)));
    let begun = world.one().run(async move { start_deposit(&flows, &order).await.unwrap() }).await;
    let Answer::Payment(begun) = begun else { panic!("not a payment") };
    assert_eq!(begun.route.ranked().next(), Some("trustly-de"));
    let first = begun.live_attempt(None).map(|live| live.id).unwrap();
    set(&world, 0, off("trustly-de")).await;
    let flows = world.one().flows.clone();
    let deposit =
        world.one().run(async move { run_attempts(&flows, (*begun).clone(), first).await }).await;
    assert_eq!(tried(&deposit), ["trustly-de not_sent", "truelayer-de accepted"]);
    assert_eq!(deposit.attempts[0].error.as_ref().unwrap().code, "switched_off");
    assert!(world.mocks.movements("trustly-de").await.is_empty());
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn maintenance_begins_and_ends_by_the_clock() {
    let world = World::new().await;
    let player = world.player("DE").await;
    let now = world.one().flows.clock.now();
    let order = SwitchOrder {
        kind: SwitchKind::Maintenance,
        from: Some(now + Duration::from_secs(3_600)),
        until: Some(now + Duration::from_secs(7_200)),
        ..off("trustly-de")
    };
    set(&world, 0, order).await;
    let planned = |deposit: &Payment| deposit.route.ranked().next().unwrap().to_owned();
    assert_eq!(planned(&world.deposit(&player, eur(1_000)).await), "trustly-de");
    world.move_on(Duration::from_secs(3_700)).await;
    let during = world.deposit(&player, eur(1_000)).await;
    assert_eq!(planned(&during), "truelayer-de");
    assert_eq!(reason(&during, "trustly-de"), "in maintenance: their settlements are late");
    world.move_on(Duration::from_secs(3_600)).await;
    assert_eq!(planned(&world.deposit(&player, eur(1_000)).await), "trustly-de");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trip_its_probes_and_the_recovery_are_events_that_casinos_can_hear() {
    let world = World::with(watchful()).await;
    let player = world.player("DE").await;
    world.mocks.listener("trustly-de", false).await;
    for _ in 0..3 {
        world.deposit(&player, eur(1_000)).await;
    }
    world.mocks.listener("trustly-de", true).await;
    let told = "select data->>'change' from outbox_event where kind = 'psp.health_changed'
                  and operator_id = 'op_demo' and data->>'psp' = 'trustly-de'
                order by created_at, seq";
    let changes = eventually("the recovery is in the outbox", SOON, || async {
        world.deposit(&player, eur(1_000)).await;
        let changes = world.texts(told).await;
        (changes.last()? == "recovered").then_some(changes)
    })
    .await;
    assert_eq!(changes, ["failing", "probing", "recovered"]);
    world.close().await;
}
