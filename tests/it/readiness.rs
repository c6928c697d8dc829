//! Whether an instance says in time that it is not ready.

use super::harness::{SOON, Setup, World, deposit_order, eur, eventually, stretched};
use interlock::api::health::Readiness;
use interlock::app::readiness::InstanceReadiness;
use interlock::app::workers::Driven;
use interlock::clock::Clock;
use interlock::decide::Answer;
use interlock::domain::Timestamp;
use interlock::workers::clocks::ClockWorker;
use interlock::workers::driver::{Drive, LONG_LOOK_MAX, Report, Worker, drive};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// By then nothing waits any more for a host that is gone: a look of a worker lasts a minute at most.
const LEFT_BEHIND: Duration = Duration::from_secs(100);

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_database_is_told_within_a_second() {
    let mut world = World::with(Setup { proxy: true, ..Setup::default() }).await;
    let instance = world.one().name.clone();
    let driven = Driven::default();
    let readiness = InstanceReadiness { flows: world.one().flows.clone(), instance, driven };
    let word = |checks: &[interlock::api::health::Check], name: &str| {
        checks.iter().find(|check| check.name == name).map(|check| check.ok)
    };
    let checks = readiness.check().await;
    assert_eq!(word(&checks, "database"), Some(true), "{checks:?}");
    world.proxy.clone().unwrap().freeze();
    for _ in 0..3 {
        let asked = Instant::now();
        let checks = readiness.check().await;
        let took = asked.elapsed();
        assert!(took < stretched(Duration::from_secs(1)), "{took:?}");
        assert_eq!(word(&checks, "database"), Some(false), "{checks:?}");
        assert_eq!(word(&checks, "lanes"), Some(true), "the lanes are there all the same");
    }
    drop(readiness);
    // Nothing of it can end in order any more.
    world.kill(0);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_host_that_vanishes_is_left_for_the_one_that_has_its_address() {
    let world = World::with(Setup { proxy: true, ..Setup::default() }).await;
    let player = world.player("DE").await;
    let first = world.deposit(&player, eur(700)).await;
    world.complete(&first, "succeeded").await;
    world.settled(first.id, "succeeded").await;
    // Whatever waits for an answer now never gets one; what is at rest does not know yet.
    world.proxy.clone().unwrap().vanish();
    let begin = async || match world.one().try_deposit(deposit_order(&player, eur(900))).await {
        Ok(Answer::Payment(payment)) if payment.next_action.is_some() => Some((*payment).clone()),
        _ => None,
    };
    let second = eventually("a deposit begins", LEFT_BEHIND, begin).await;
    world.complete(&second, "succeeded").await;
    let credited = async || {
        let payment = world.payment(second.id).await;
        (payment.status.as_str() == "succeeded").then_some(())
    };
    eventually("its money is credited", LEFT_BEHIND, credited).await;
    let ready = async || {
        let (instance, driven) = (world.one().name.clone(), Driven::default());
        driven.add("routing");
        let flows = world.one().flows.clone();
        let checks = InstanceReadiness { flows, instance, driven }.check().await;
        checks.iter().all(|check| check.ok).then_some(())
    };
    eventually("the instance is ready", LEFT_BEHIND, ready).await;
    assert_eq!(world.wallet(&player).await.cash, 1_600);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_is_not_asked_for_workers_that_only_an_earlier_start_of_it_drove() {
    let mut world = World::new().await;
    let instance = world.one().name.clone();
    let beats = format!(
        "select count(*) from worker_heartbeat where instance = '{instance}'
           and worker in ('attempts', 'routing')"
    );
    eventually("both workers have beaten", SOON, async || {
        (world.number(&beats).await == 2).then_some(())
    })
    .await;
    world.stop(0).await;
    world.setup.workers = false;
    world.start_named(instance.clone()).await;
    world.move_on(Duration::from_secs(3_600)).await;
    let workers = async |names: &[&'static str]| {
        let driven = Driven::default();
        names.iter().for_each(|name| driven.add(name));
        let (flows, instance) = (world.one().flows.clone(), instance.clone());
        let checks = InstanceReadiness { flows, instance, driven }.check().await;
        checks.into_iter().find(|check| check.name == "workers").unwrap()
    };
    let check = workers(&[]).await;
    assert!(check.ok, "{check:?}");
    let check = workers(&["routing"]).await;
    assert_eq!((check.ok, check.detail.as_str()), (false, "overdue: routing"));
    world.close().await;
}

/// Its looks last until they are let go.
struct Slow {
    let_go: Arc<Notify>,
}

impl Worker for Slow {
    fn name(&self) -> &'static str {
        "slow"
    }

    fn period(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn look_max(&self) -> Duration {
        LONG_LOOK_MAX
    }

    async fn activate(&self, _now: Timestamp) -> anyhow::Result<Report> {
        self.let_go.notified().await;
        Ok(Report::default())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_is_overdue_when_its_look_should_be_over_and_not_while_it_may_last() {
    let world = World::with(Setup { workers: false, ..Setup::default() }).await;
    let (let_go, shutdown) = (Arc::new(Notify::new()), CancellationToken::new());
    let (flows, driven) = (world.one().flows.clone(), Driven::default());
    driven.add("slow");
    let driver = Drive {
        pool: flows.db.pool().clone(),
        instance: "slow-1".into(),
        clock: flows.clock.clone(),
        nudge: Arc::default(),
        shutdown: shutdown.clone(),
    };
    let driving = tokio::spawn(drive(Arc::new(Slow { let_go: let_go.clone() }), driver));
    let readiness = InstanceReadiness { flows, instance: "slow-1".to_owned(), driven };
    let workers = async || {
        let checks = readiness.check().await;
        let check = checks.into_iter().find(|check| check.name == "workers").unwrap();
        (check.ok, check.detail)
    };
    // The first look has ended, and what it promised is soon over; the second begins and lasts.
    let beats = |of: &str| format!("select count(*) from worker_heartbeat where {of}");
    let_go.notify_one();
    let short = beats("due_by < at + interval '2 minutes'");
    let once = async |sql: &str| (world.number(sql).await == 1).then_some(());
    eventually("its first look has ended", SOON, async || once(&short).await).await;
    let long = beats("due_by > at + interval '9 minutes'");
    eventually("its look is told to be long", SOON, async || once(&long).await).await;
    world.clock.advance(LONG_LOOK_MAX - Duration::from_secs(60));
    assert_eq!(workers().await, (true, "looking".to_owned()));
    world.clock.advance(Duration::from_secs(180));
    assert_eq!(workers().await, (false, "overdue: slow".to_owned()), "it should be over");
    // A look that is over says so at once: the next must come as soon as ever.
    shutdown.cancel();
    let_go.notify_one();
    driving.await.unwrap();
    assert_eq!(world.number(&short).await, 1);
    drop(readiness);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_whose_clock_is_not_the_databases_is_not_ready() {
    let world = World::with(Setup { workers: false, ..Setup::default() }).await;
    let (flows, instance) = (world.one().flows.clone(), world.one().name.clone());
    let worker = ClockWorker::new(flows.clone());
    let readiness = InstanceReadiness { flows, instance, driven: Driven::default() };
    let clock = async || {
        let checks = readiness.check().await;
        let check = checks.into_iter().find(|check| check.name == "clock").unwrap();
        (check.ok, check.detail)
    };
    assert_eq!(clock().await, (true, "not compared yet".to_owned()));
    worker.activate(world.clock.now()).await.unwrap();
    assert_eq!(clock().await, (true, "the database's".to_owned()));
    world.clock.advance(Duration::from_secs(3_600));
    worker.activate(world.clock.now()).await.unwrap();
    let (ok, detail) = clock().await;
    assert!(!ok && detail.ends_with(" s ahead of the database's"), "{detail}");
    drop((readiness, worker));
    world.close().await;
}
