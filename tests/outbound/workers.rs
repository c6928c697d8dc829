//! The driver, and the workers as they run in the service.

use crate::receiver::{Misbehaviour, Receiver, misbehave};
use crate::support::{Scene, deposit, pool};
use interlock::clock::{Clock, SystemClock};
use interlock::domain::ids::SystemIds;
use interlock::domain::{EndpointId, Timestamp};
use interlock::store::heartbeats;
use interlock::store::webhook_endpoints::with_due_deliveries;
use interlock::webhooks::redeliver::{Wanted, redeliver};
use interlock::workers::deliveries::{DeliveryLogWorker, DeliveryWorker};
use interlock::workers::driver::{Drive, Report, Worker, drive};
use interlock::workers::outbox::OutboxWorker;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Panics, fails, and then does as it should.
#[derive(Default)]
struct Moody {
    looks: AtomicU32,
    drained: AtomicBool,
    looked: Notify,
}

impl Worker for Moody {
    fn name(&self) -> &'static str {
        "moody"
    }

    fn period(&self) -> Duration {
        Duration::from_secs(3_600)
    }

    async fn activate(&self, _now: Timestamp) -> anyhow::Result<Report> {
        let look = self.looks.fetch_add(1, Ordering::SeqCst);
        self.looked.notify_one();
        match look {
            0 => panic!("a bad day"),
            1 => anyhow::bail!("a bad hour"),
            _ => Ok(Report::default()),
        }
    }

    async fn drain(&self) {
        self.drained.store(true, Ordering::SeqCst);
    }
}

async fn drive_of(instance: &str) -> Drive {
    Drive {
        pool: pool().await,
        instance: instance.into(),
        clock: Arc::new(SystemClock),
        nudge: Arc::new(Notify::new()),
        shutdown: CancellationToken::new(),
    }
}

#[tokio::test]
async fn a_panic_costs_one_look_a_nudge_is_heard_and_a_stop_drains() {
    let instance = Uuid::new_v4().to_string();
    let context = drive_of(&instance).await;
    let worker = Arc::new(Moody::default());
    let running = tokio::spawn(drive(worker.clone(), context.clone()));
    for _ in 0..3 {
        worker.looked.notified().await;
    }
    // Its period is an hour: only the nudge can bring a fourth look.
    context.nudge.notify_one();
    worker.looked.notified().await;
    context.shutdown.cancel();
    running.await.unwrap();
    assert!(worker.drained.load(Ordering::SeqCst));
    assert_eq!(worker.looks.load(Ordering::SeqCst), 4);

    let now = SystemClock.now();
    let overdue = async |at| heartbeats::overdue(&context.pool, &instance, at).await.unwrap();
    assert!(overdue(now).await.is_empty());
    assert_eq!(overdue(now + Duration::from_secs(3 * 3_600)).await, ["moody"]);
}

#[tokio::test]
async fn a_silent_receiver_costs_its_neighbour_nothing() {
    let scene = Scene::with_timeout(Duration::from_secs(6)).await;
    let (silent_url, _) = misbehave(Misbehaviour::Silence).await;
    let receiver = Receiver::start().await;
    let silent = scene.endpoint(&silent_url, &["*"]).await;
    let well = scene.endpoint(&receiver.url, &["*"]).await;
    for _ in 0..40 {
        scene.event(deposit(), 1, "deposit.succeeded").await;
    }
    let shutdown = scene.outbound.shutdown.clone();
    let nudge = Arc::new(Notify::new());
    let outbox = OutboxWorker {
        pool: scene.pool.clone(),
        ids: Arc::new(SystemIds),
        deliveries: nudge.clone(),
    };
    let context = Drive {
        pool: scene.pool.clone(),
        instance: Uuid::new_v4().to_string().into(),
        clock: scene.clock.clone(),
        nudge,
        shutdown: shutdown.clone(),
    };
    let outbox_context = Drive { nudge: Arc::new(Notify::new()), ..context.clone() };
    let worker = Arc::new(DeliveryWorker::new(scene.outbound.clone()));
    let tasks = [
        tokio::spawn(drive(Arc::new(outbox), outbox_context)),
        tokio::spawn(drive(worker, context)),
    ];
    tokio::time::timeout(Duration::from_secs(30), receiver.got(40))
        .await
        .expect("the neighbour got everything");
    let waits = scene.log(&silent).await;
    assert!(waits.iter().all(|d| d.status == "pending" && d.tries == 0));
    shutdown.cancel();
    for task in tasks {
        task.await.unwrap();
    }
    let log = scene.log(&well).await;
    assert!(log.iter().all(|d| d.status == "delivered"));
    assert!(scene.log(&silent).await.iter().any(|d| d.tries == 1), "its claim was ended in order");
}

#[tokio::test]
async fn tries_older_than_their_date_are_forgotten_and_the_delivery_stays() {
    let scene = Scene::new().await;
    let receiver = Receiver::start().await;
    let endpoint = scene.endpoint(&receiver.url, &["*"]).await;
    scene.event(deposit(), 1, "deposit.succeeded").await;
    scene.publish().await;
    assert_eq!(scene.deliver_all(&endpoint).await, 1);
    let worker = DeliveryLogWorker { pool: scene.pool.clone() };
    let month = Duration::from_secs(30 * 24 * 3_600);
    let purged = async |at| worker.activate(at).await.unwrap().done;
    assert_eq!(purged(scene.clock.now() + month).await, 0);
    assert_eq!(purged(scene.clock.now() + month + Duration::from_secs(1)).await, 1);
    let log = scene.log(&endpoint).await;
    assert_eq!((log[0].status.as_str(), log[0].last_excerpt.as_deref()), ("delivered", None));
}

/// Places are shared out: whoever has waited longest comes first, and one operator's receivers never have
/// them all.
#[tokio::test]
async fn places_go_to_those_who_waited_longest_and_no_operator_has_more_than_its_share() {
    let scene = Scene::new().await;
    let other = scene.stranger().await;
    let url = "https://casino.example/hooks";
    let mut many = Vec::new();
    for _ in 0..4 {
        many.push(scene.endpoint(url, &["*"]).await.id);
    }
    scene.event(deposit(), 1, "deposit.succeeded").await;
    scene.clock.advance(Duration::from_secs(5));
    let late = other.endpoint(url, &["*"]).await.id;
    other.event(deposit(), 1, "deposit.succeeded").await;
    scene.publish().await;
    let now = scene.clock.now() + Duration::from_secs(1);
    let found = async |busy: &[EndpointId], share, limit| {
        with_due_deliveries(&scene.pool, now, busy, share, limit).await.unwrap()
    };
    let all = found(&[], 64, 64).await;
    assert_eq!((all.len(), all.last()), (5, Some(&late)), "the oldest first");
    let shared = found(&[], 2, 64).await;
    assert_eq!((shared.len(), shared.last()), (3, Some(&late)));
    assert_eq!(found(&many[..2], 2, 64).await, [late], "the busy ones count");
    assert_eq!(found(&many[..1], 2, 64).await.len(), 2);
    assert_eq!(found(&[], 64, 1).await.len(), 1);
}

/// A redelivery is due from the moment it is asked for, also where an earlier one of its payment waits.
#[tokio::test]
async fn what_waits_behind_another_of_its_payment_gives_its_endpoint_no_place() {
    let scene = Scene::new().await;
    let receiver = Receiver::start().await;
    let endpoint = scene.endpoint(&receiver.url, &["*"]).await;
    let payment = deposit();
    let first = scene.event(payment, 1, "deposit.processing").await;
    let second = scene.event(payment, 2, "deposit.succeeded").await;
    scene.publish().await;
    assert_eq!(scene.deliver_all(&endpoint).await, 2);
    let ask = async |event| {
        let (wanted, now) = (Wanted::Event(event), scene.clock.now());
        redeliver(&scene.pool, &SystemIds, &scene.operator, wanted, now).await.unwrap()
    };
    let due = async || {
        let now = scene.clock.now();
        with_due_deliveries(&scene.pool, now, &[], 64, 64).await.unwrap()
    };
    ask(first).await;
    receiver.script([500]);
    assert_eq!(scene.deliver(&endpoint).await.failed, 1);
    ask(second).await;
    assert_eq!(scene.deliver(&endpoint).await.claimed, 0);
    assert_eq!(due().await, []);
    scene.clock.advance(Duration::from_millis(1_200));
    assert_eq!(due().await, [endpoint.id]);
    assert_eq!(scene.deliver_all(&endpoint).await, 2);
}

/// A receiver that has many waiting gives its place back in between.
#[tokio::test]
async fn an_endpoint_gives_its_place_back_after_its_turn() {
    let scene = Scene::new().await;
    let receiver = Receiver::start().await;
    let endpoint = scene.endpoint(&receiver.url, &["*"]).await;
    for _ in 0..150 {
        scene.event(deposit(), 1, "deposit.succeeded").await;
    }
    scene.publish().await;
    let delivered = async |turn| {
        let worker = DeliveryWorker::with_turn(scene.outbound.clone(), turn);
        assert_eq!(worker.activate(scene.clock.now()).await.unwrap().claimed, 1);
        worker.drain().await;
        scene.log(&endpoint).await.iter().filter(|it| it.status == "delivered").count()
    };
    let first = delivered(Duration::ZERO).await;
    assert!((1..150).contains(&first), "{first}");
    assert_eq!(delivered(Duration::from_secs(60)).await, 150);
}
