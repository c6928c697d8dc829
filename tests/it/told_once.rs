//! What several instances find out of a PSP is told by one of them, and is known at the next start.

use super::harness::{Setup, World};
use super::routing::watchful;
use interlock::domain::{Currency, Direction, Method};
use interlock::flows::Flows;
use interlock::routing::Permit;
use interlock::routing::health::{Bucket, Told};
use interlock::routing::observe::micros;
use interlock::routing::share_health::{Sharing, begin_sharing, keep_health, share_health};
use psp_contract::{NotSent, Outcome};
use std::time::Duration;

const PSP: &str = "trustly-de";
const DEPOSIT: Direction = Direction::Deposit;
const CHANGES: &str = "select data->>'change' from outbox_event
    where kind = 'psp.health_changed' and operator_id = 'op_demo'
    order by created_at, seq";
const FAILING: &str = "select count(*) from psp_failing where failing";

fn bucket() -> Bucket {
    Bucket {
        direction: DEPOSIT,
        country: "DE".to_owned(),
        method: Method::BankTransfer,
        currency: Currency::EUR,
    }
}

/// One call that met a closed port.
fn call(flows: &Flows) {
    let call = flows.health.sent(&bucket(), PSP, flows.clock.now());
    call.answered(&Outcome::NotSent(NotSent::ConnectRefused), flows.clock.now());
}

async fn two_instances() -> (World, [(Flows, Sharing); 2]) {
    let mut world = World::with(Setup { workers: false, ..watchful() }).await;
    world.start_instance().await;
    let [one, other] = [0, 1].map(|index| world.instances[index].flows.clone());
    let streams = (begin_sharing(&one).await.unwrap(), begin_sharing(&other).await.unwrap());
    (world, [(one, streams.0), (other, streams.1)])
}

async fn share((flows, sharing): &mut (Flows, Sharing)) {
    share_health(flows, sharing, flows.clock.now()).await.unwrap();
}

/// All that either has seen is known to both, and told.
async fn share_all(both: &mut [(Flows, Sharing); 2]) {
    for index in [0, 1, 0, 1] {
        share(&mut both[index]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trip_that_no_instance_saw_alone_is_told_once_and_so_are_its_first_probe_and_its_end() {
    let (world, mut both) = two_instances().await;
    call(&both[0].0);
    (0..2).for_each(|_| call(&both[1].0));
    assert!(both.iter().all(|(flows, _)| !flows.health.is_failing(PSP, DEPOSIT)));
    share_all(&mut both).await;
    assert!(both.iter().all(|(flows, _)| flows.health.is_failing(PSP, DEPOSIT)));
    assert_eq!(world.texts(CHANGES).await, ["failing"]);
    assert_eq!(world.number(FAILING).await, 1);

    // One of them finds it well, while the other has still to see that.
    let [one, other] = [0, 1].map(|index| both[index].0.clone());
    for _ in 0..20 {
        world.move_on(Duration::from_secs(100)).await;
        one.health.probe(PSP, DEPOSIT, one.clock.now()).judged(Some(false), one.clock.now());
    }
    assert!(!one.health.is_failing(PSP, DEPOSIT));
    share(&mut both[0]).await;
    assert_eq!(world.texts(CHANGES).await, ["failing", "probing", "recovered"]);
    assert!(other.health.is_failing(PSP, DEPOSIT));
    keep_health(&other, other.clock.now()).await.unwrap();
    assert_eq!(other.health.permit(PSP, DEPOSIT, other.clock.now()), Permit::Probe);
    let probe = other.health.probe(PSP, DEPOSIT, other.clock.now());
    share(&mut both[1]).await;
    probe.judged(Some(false), other.clock.now());
    share_all(&mut both).await;
    assert!(!other.health.is_failing(PSP, DEPOSIT));
    assert_eq!(world.texts(CHANGES).await, ["failing", "probing", "recovered"]);
    assert_eq!(world.number(FAILING).await, 0, "a restart begins with it in its place");

    // The next outage has a first probe of its own.
    world.move_on(Duration::from_secs(100)).await;
    (0..3).for_each(|_| call(&one));
    share_all(&mut both).await;
    for _ in 0..4 {
        world.move_on(Duration::from_secs(100)).await;
        for flows in [&one, &other] {
            flows
                .health
                .probe(PSP, DEPOSIT, flows.clock.now())
                .judged(Some(true), flows.clock.now());
        }
        share_all(&mut both).await;
    }
    let all = ["failing", "probing", "recovered", "failing", "probing"];
    assert_eq!(world.texts(CHANGES).await, all);
    drop((one, other, both));
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fall_that_all_instances_find_out_is_told_once_and_so_is_its_end() {
    let (world, mut both) = two_instances().await;
    let start = micros(both[0].0.clock.now()) - 3_600_000_000;
    let decided = |at: i64, approved| {
        let (sent_at, at) = (start + at, start + at);
        Told::Decided { psp: PSP.to_owned(), bucket: bucket(), sent_at, at, approved }
    };
    let well = (0..1_500).map(|at| decided(at, at % 10 < 9));
    let ill = (0..40).map(|at| decided(2_000_000 + at, false));
    let fall: Vec<Told> = well.chain(ill).collect();
    let back: Vec<Told> = (0..60).map(|at| decided(9_000_000 + at, true)).collect();
    for (seen, told) in [(fall, &["demoted"][..]), (back, &["demoted", "restored"])] {
        for (flows, _) in &both {
            flows.health.absorb(&seen, flows.clock.now());
        }
        share_all(&mut both).await;
        assert_eq!(world.texts(CHANGES).await, told);
    }
    drop(both);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_still_fails_is_known_at_a_restart_however_long_ago_it_began() {
    let mut world = World::with(Setup { workers: false, ..watchful() }).await;
    let flows = world.one().flows.clone();
    let mut one = (flows.clone(), begin_sharing(&flows).await.unwrap());
    (0..3).for_each(|_| call(&flows));
    share(&mut one).await;
    world.move_on(Duration::from_secs(11 * 60)).await;
    keep_health(&flows, flows.clock.now()).await.unwrap();
    world.start_instance().await;
    assert!(world.instances[1].flows.health.is_failing(PSP, DEPOSIT));
    // Nobody looks for as long again: nobody knows any more, which is told, and so is its next fall.
    world.move_on(Duration::from_secs(11 * 60)).await;
    world.start_instance().await;
    let third = world.instances[2].flows.clone();
    assert!(!third.health.is_failing(PSP, DEPOSIT));
    // By the database's clock that was told a moment ago, and would be heard.
    sqlx::query("delete from psp_health_told").execute(&world.rows).await.unwrap();
    let mut last = (third.clone(), begin_sharing(&third).await.unwrap());
    share(&mut last).await;
    assert_eq!(world.texts(CHANGES).await, ["failing", "recovered"]);
    world.move_on(Duration::from_secs(1)).await;
    (0..3).for_each(|_| call(&third));
    share(&mut last).await;
    assert_eq!(world.texts(CHANGES).await, ["failing", "recovered", "failing"]);
    drop((flows, third, one, last));
    world.close().await;
}

/// It failed when it was taken out of the configuration; a month later it may come back.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_gone_does_not_fail_for_ever() {
    const GONE: &str = "trustly-of-old";
    let mut world = World::with(Setup { workers: false, ..watchful() }).await;
    sqlx::query("insert into psp_failing (psp, direction, failing, changed_at) values ($1, 'deposit', true, $2)")
        .bind(GONE)
        .bind(world.one().flows.clock.now())
        .execute(&world.rows)
        .await
        .unwrap();
    world.start_instance().await;
    let flows = world.instances[1].flows.clone();
    assert!(!flows.health.is_failing(GONE, DEPOSIT), "nobody could find it well");
    // Another instance, which still has it, tells of it.
    let at = micros(flows.clock.now());
    let told = Told::Tripped { psp: GONE.to_owned(), direction: DEPOSIT, at };
    flows.health.absorb(&[told], flows.clock.now());
    assert!(flows.health.is_failing(GONE, DEPOSIT));
    world.move_on(Duration::from_secs(11 * 60)).await;
    keep_health(&flows, flows.clock.now()).await.unwrap();
    world.start_instance().await;
    let third = world.instances[2].flows.clone();
    let sharing = begin_sharing(&third).await.unwrap();
    let mut last = (third, sharing);
    assert_eq!(world.number(FAILING).await, 1);
    share(&mut last).await;
    assert_eq!(world.number(FAILING).await, 0);
    assert!(world.texts(CHANGES).await.is_empty(), "no casino has it");
    drop((flows, last));
    world.close().await;
}
