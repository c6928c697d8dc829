//! Receivers that do not behave: each costs its own delivery a try, within bounds of time and
//! memory.

use crate::receiver::{Misbehaviour, Receiver, misbehave};
use crate::support::{Scene, deposit};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// For a receiver of which nothing comes.
const SHORT: Duration = Duration::from_millis(600);
/// For one that does something else before: a machine that stands still for a moment is not its silence.
const LONG: Duration = Duration::from_secs(15);

async fn tried(
    how: Misbehaviour,
    timeout: Duration,
) -> (String, Option<i32>, Option<String>, Duration, usize) {
    let scene = Scene::with_timeout(timeout).await;
    let (url, connections) = misbehave(how).await;
    let endpoint = scene.endpoint(&url, &["*"]).await;
    scene.event(deposit(), 1, "deposit.succeeded").await;
    scene.publish().await;
    let started = Instant::now();
    assert_eq!(scene.deliver(&endpoint).await.claimed, 1);
    let took = started.elapsed();
    let delivery = scene.log(&endpoint).await.remove(0);
    let connections = connections.load(Ordering::SeqCst);
    (delivery.status, delivery.last_status, delivery.last_error, took, connections)
}

#[tokio::test]
async fn a_connection_that_ends_without_an_answer_is_tried_again_later_and_not_by_the_transport() {
    let (status, http, error, _, connections) = tried(Misbehaviour::Disconnect, LONG).await;
    assert_eq!((status.as_str(), http), ("pending", None));
    assert_eq!(error.as_deref(), Some("connection_lost"));
    assert_eq!(connections, 1, "one try is one request");
}

#[tokio::test]
async fn a_receiver_that_says_nothing_times_out() {
    // It never says anything: that the try ends is what its time is for.
    let (status, _, error, took, _) = tried(Misbehaviour::Silence, SHORT).await;
    assert_eq!((status.as_str(), error.as_deref()), ("pending", Some("timeout")));
    assert!((SHORT..LONG).contains(&took), "{took:?}");
}

#[tokio::test]
async fn a_body_without_end_is_cut_and_the_status_counts() {
    let stalled = Duration::from_secs(3);
    for (how, timeout) in [(Misbehaviour::EndlessBody, LONG), (Misbehaviour::StalledBody, stalled)]
    {
        let (status, http, error, took, _) = tried(how, timeout).await;
        assert_eq!((status.as_str(), http, error), ("delivered", Some(200), None));
        assert!(took < LONG, "{took:?}");
    }
}

#[tokio::test]
async fn what_is_no_http_answer_is_a_failure() {
    for how in [Misbehaviour::Garbage, Misbehaviour::EndlessHeaders] {
        let (status, http, error, took, _) = tried(how, LONG).await;
        assert_eq!((status.as_str(), http), ("pending", None));
        assert_eq!(error.as_deref(), Some("connection_lost"));
        assert!(took < LONG, "{took:?}");
    }
}

#[tokio::test]
async fn a_closed_port_opens_the_breaker_and_one_probe_closes_it() {
    let scene = Scene::new().await;
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let endpoint = scene.endpoint(&format!("http://127.0.0.1:{port}/"), &["*"]).await;
    for _ in 0..20 {
        scene.event(deposit(), 1, "deposit.succeeded").await;
    }
    scene.publish().await;
    let round = scene.deliver(&endpoint).await;
    assert_eq!(round.claimed, 20);
    assert!((5..=8).contains(&round.failed), "{round:?}: the rest was given back");
    assert_eq!(scene.log(&endpoint).await[19].last_error.as_deref(), Some("connect_failed"));
    assert_eq!(scene.deliver(&endpoint).await.claimed, 0, "the breaker is open");
    scene.clock.advance(Duration::from_secs(41));
    assert_eq!(scene.deliver(&endpoint).await.claimed, 1, "one probe");
    assert_eq!(scene.deliver(&endpoint).await.claimed, 0);

    let receiver = Receiver::start().await;
    let moved = sqlx::query("update webhook_endpoint set url = $2 where endpoint_id = $1")
        .bind(endpoint.id.0)
        .bind(&receiver.url);
    moved.execute(&scene.pool).await.unwrap();
    scene.clock.advance(Duration::from_secs(3_600));
    assert_eq!(scene.deliver(&endpoint).await.delivered, 1, "the probe");
    assert_eq!(scene.deliver(&endpoint).await.claimed, 19, "and the rest at once");
    assert_eq!(receiver.received().len(), 20);
}

#[tokio::test]
async fn what_a_dead_instance_had_claimed_is_delivered_when_its_lease_ends() {
    let scene = Scene::new().await;
    let receiver = Receiver::start().await;
    let endpoint = scene.endpoint(&receiver.url, &["*"]).await;
    scene.event(deposit(), 1, "deposit.succeeded").await;
    scene.publish().await;
    let claimed = sqlx::query(
        "update webhook_delivery set lease_by = gen_random_uuid(), lease_until = $2
         where endpoint_id = $1",
    )
    .bind(endpoint.id.0)
    .bind(interlock::clock::Clock::now(&*scene.clock) + Duration::from_secs(60));
    claimed.execute(&scene.pool).await.unwrap();
    scene.clock.advance(Duration::from_secs(59));
    assert_eq!(scene.deliver(&endpoint).await.claimed, 0);
    scene.clock.advance(Duration::from_secs(1));
    assert_eq!(scene.deliver(&endpoint).await.delivered, 1);
}
