//! What a receiver gets, in which order, and how often.

use crate::receiver::{Answer, Receiver};
use crate::support::{Scene, deposit};
use interlock::clock::Clock;
use interlock::domain::ids::SystemIds;
use interlock::store::webhook_endpoints;
use interlock::webhooks::change_endpoint::{Change, change_endpoint};
use interlock::webhooks::deliver::deliver;
use interlock::webhooks::redeliver::{Wanted, redeliver};
use interlock::webhooks::rotate_secret::rotate_secret;
use secrecy::ExposeSecret;
use std::collections::BTreeSet;
use std::time::Duration;
use time::OffsetDateTime;

const HOUR: Duration = Duration::from_secs(3_600);

#[tokio::test]
async fn an_event_arrives_signed_as_a_cloud_event_and_is_logged() {
    let scene = Scene::new().await;
    let receiver = Receiver::start().await;
    let endpoint = scene.endpoint(&receiver.url, &["*"]).await;
    let payment = deposit();
    let event = scene.event(payment, 1, "deposit.succeeded").await;
    scene.publish().await;
    assert_eq!(scene.deliver_all(&endpoint).await, 1);

    let received = &receiver.received()[0];
    assert_eq!(received.tokens_that_fit(&endpoint.secret), 1);
    assert_eq!(received.header("webhook-id"), event.to_string());
    let now = scene.clock.now().unix_timestamp().to_string();
    assert_eq!(received.header("webhook-timestamp"), now);
    assert_eq!(received.header("content-type"), "application/cloudevents+json");
    let body = received.json();
    assert_eq!(body["id"], event.to_string());
    assert_eq!(body["type"], "deposit.succeeded");
    assert_eq!(body["subject"], payment.to_string());
    assert_eq!(body["sequence"], "1");
    assert_eq!(body["data"]["amount"], "100.00");

    let log = scene.log(&endpoint).await;
    assert_eq!(log.len(), 1);
    assert_eq!((log[0].status.as_str(), log[0].tries), ("delivered", 1));
    assert_eq!((log[0].last_status, log[0].last_excerpt.as_deref()), (Some(200), Some("as told")));
}

#[tokio::test]
async fn an_endpoint_gets_only_the_types_of_its_own_operator_that_it_asked_for() {
    let scene = Scene::new().await;
    let stranger = scene.stranger().await;
    let receiver = Receiver::start().await;
    let all = scene.endpoint(&receiver.url, &["*"]).await;
    let area = scene.endpoint(&receiver.url, &["withdrawal.*"]).await;
    let one = scene.endpoint(&receiver.url, &["deposit.succeeded"]).await;
    let foreign = stranger.endpoint(&receiver.url, &["*"]).await;
    let payment = deposit();
    scene.event(payment, 1, "deposit.processing").await;
    scene.event(payment, 2, "deposit.succeeded").await;
    scene.publish().await;
    assert_eq!(scene.log(&all).await.len(), 2);
    assert_eq!(scene.log(&area).await.len(), 0);
    assert_eq!(scene.log(&one).await.len(), 1);
    assert_eq!(stranger.log(&foreign).await.len(), 0);
}

#[tokio::test]
async fn a_failing_event_holds_up_its_own_payment_and_no_other() {
    let scene = Scene::new().await;
    let receiver = Receiver::start().await;
    let endpoint = scene.endpoint(&receiver.url, &["*"]).await;
    let payment = deposit();
    for sequence in 1..=3 {
        scene.event(payment, sequence, "deposit.processing").await;
    }
    scene.publish().await;
    receiver.script([500, 500]);
    // First try of 1, at once; 2 and 3 wait behind it.
    assert_eq!(scene.deliver(&endpoint).await.failed, 1);
    assert_eq!(scene.deliver(&endpoint).await.claimed, 0);
    scene.clock.advance(Duration::from_millis(1_200));
    assert_eq!(scene.deliver(&endpoint).await.failed, 1);
    // Another payment goes past while this one waits for its third try.
    let other = deposit();
    scene.event(other, 1, "deposit.succeeded").await;
    scene.publish().await;
    assert_eq!(scene.deliver_all(&endpoint).await, 1);
    scene.clock.advance(Duration::from_secs(6));
    assert_eq!(scene.deliver_all(&endpoint).await, 3);

    let subjects: Vec<(String, String)> = receiver
        .received()
        .iter()
        .map(|r| (r.json()["subject"].to_string(), r.json()["sequence"].to_string()))
        .collect();
    let of_payment: Vec<&str> = subjects
        .iter()
        .filter(|(subject, _)| subject.contains(&payment.to_string()))
        .map(|(_, sequence)| sequence.as_str())
        .collect();
    assert_eq!(of_payment, ["\"1\"", "\"1\"", "\"1\"", "\"2\"", "\"3\""]);
}

#[tokio::test]
async fn both_secrets_sign_for_a_day_after_a_rotation() {
    let scene = Scene::new().await;
    let receiver = Receiver::start().await;
    let endpoint = scene.endpoint(&receiver.url, &["*"]).await;
    let now = scene.clock.now();
    let rotate = |key: &'static str| {
        rotate_secret(&scene.pool, &SystemIds, &scene.operator, endpoint.id, key, now)
    };
    let new = rotate("k1").await.unwrap().secret.expose_secret().to_owned();
    let again = rotate("k1").await.unwrap();
    assert!(again.is_replay);
    assert_eq!(new, again.secret.expose_secret(), "a repeat of the request tells the same secret");
    assert_ne!(new, endpoint.secret);

    for (after, old_fits, tokens) in [(23, 1, 2), (2, 0, 1)] {
        scene.clock.advance(HOUR * after);
        scene.event(deposit(), 1, "deposit.succeeded").await;
        scene.publish().await;
        assert_eq!(scene.deliver_all(&endpoint).await, 1);
        let received = receiver.received().pop().unwrap();
        assert_eq!(received.tokens_that_fit(&new), 1);
        assert_eq!(received.tokens_that_fit(&endpoint.secret), old_fits);
        assert_eq!(received.header("webhook-signature").split(' ').count(), tokens);
    }
}

#[tokio::test]
async fn a_delivery_climbs_twelve_steps_and_then_has_failed() {
    let scene = Scene::new().await;
    let receiver = Receiver::start().await;
    receiver.always(Answer(500, vec![]));
    let endpoint = scene.endpoint(&receiver.url, &["*"]).await;
    scene.event(deposit(), 1, "deposit.succeeded").await;
    scene.publish().await;
    let started = scene.clock.now();
    let mut tried_at: Vec<OffsetDateTime> = vec![];
    loop {
        assert_eq!(scene.deliver(&endpoint).await.failed, 1);
        tried_at.push(scene.clock.now());
        let delivery = scene.log(&endpoint).await.remove(0);
        if delivery.status != "pending" {
            assert_eq!(delivery.status, "failed");
            break;
        }
        // Not a moment before it is due.
        scene.clock.set(delivery.due_at - Duration::from_millis(1));
        assert_eq!(scene.deliver(&endpoint).await.claimed, 0);
        scene.clock.set(delivery.due_at);
    }
    assert_eq!(tried_at.len(), 12);
    let hours = (scene.clock.now() - started).whole_hours();
    assert!((60..=90).contains(&hours), "75 hours give or take a fifth, not {hours}");

    let received = receiver.received();
    let distinct = |name: &str| -> BTreeSet<String> {
        received.iter().map(|r| r.header(name).to_owned()).collect()
    };
    assert_eq!(distinct("webhook-id").len(), 1, "the id is constant");
    // The first two tries may fall into one second: they are 0.8 to 1.2 s apart.
    let seconds: BTreeSet<String> =
        tried_at.iter().map(|at| at.unix_timestamp().to_string()).collect();
    assert_eq!(distinct("webhook-timestamp"), seconds, "the time is that of the try");
    assert_eq!(distinct("webhook-signature").len(), seconds.len());
    assert!(received.iter().all(|r| r.tokens_that_fit(&endpoint.secret) == 1));
    let tries = "select count(*) from webhook_delivery_try t
        join webhook_delivery d using (delivery_id) where d.endpoint_id = $1 and http_status = 500";
    assert_eq!(scene.count(tries, &endpoint).await, 12);
}

#[tokio::test]
async fn five_days_of_failure_disable_an_endpoint_and_what_it_missed_can_be_had() {
    let scene = Scene::new().await;
    let receiver = Receiver::start().await;
    receiver.always(Answer(503, vec![]));
    let endpoint = scene.endpoint(&receiver.url, &["*"]).await;
    let since = scene.clock.now();
    for day in 0..=5 {
        scene.event(deposit(), 1, "deposit.succeeded").await;
        scene.publish().await;
        scene.deliver(&endpoint).await;
        let state = webhook_endpoints::get(&scene.pool, &scene.operator, endpoint.id);
        let state = state.await.unwrap().unwrap();
        assert_eq!(state.is_active, day < 5, "day {day}");
        scene.clock.advance(24 * HOUR);
    }
    // While it is disabled, events are recorded as cancelled and nothing is sent.
    scene.event(deposit(), 1, "deposit.succeeded").await;
    scene.publish().await;
    let so_far = receiver.received().len();
    assert_eq!(scene.deliver(&endpoint).await.claimed, 0);
    assert!(scene.log(&endpoint).await.iter().all(|d| d.status == "cancelled"));
    assert_eq!(receiver.received().len(), so_far);

    receiver.always(Answer(204, vec![]));
    let (pool, operator, now) = (&scene.pool, &scene.operator, scene.clock.now());
    let missed = Wanted::MissedSince(endpoint.id, since);
    let none = redeliver(pool, &SystemIds, operator, missed, now).await.unwrap();
    assert_eq!(none, Some(0), "a disabled endpoint gets nothing");
    assert!(change_endpoint(pool, operator, endpoint.id, Change::Enable, now).await.unwrap());
    let again = redeliver(pool, &SystemIds, operator, missed, now).await.unwrap();
    assert_eq!(again, Some(7));
    assert_eq!(scene.deliver_all(&endpoint).await, 7);
    let more = redeliver(pool, &SystemIds, operator, missed, now).await.unwrap();
    assert_eq!(more, Some(0), "what was delivered is not missed");
}

#[tokio::test]
async fn a_410_disables_at_once_and_cancels_what_waits() {
    let scene = Scene::new().await;
    let receiver = Receiver::start().await;
    receiver.always(Answer(410, vec![]));
    let endpoint = scene.endpoint(&receiver.url, &["*"]).await;
    let payment = deposit();
    scene.event(payment, 1, "deposit.processing").await;
    scene.event(payment, 2, "deposit.succeeded").await;
    scene.publish().await;
    scene.deliver(&endpoint).await;
    let log = scene.log(&endpoint).await;
    assert!(log.iter().all(|d| d.status == "cancelled"), "{log:?}");
    assert_eq!(receiver.received().len(), 1);
}

#[tokio::test]
async fn a_receiver_that_asks_for_time_gets_it() {
    let scene = Scene::new().await;
    let receiver = Receiver::start().await;
    receiver.always(Answer(429, vec![("retry-after", "120".to_owned())]));
    let endpoint = scene.endpoint(&receiver.url, &["*"]).await;
    scene.event(deposit(), 1, "deposit.succeeded").await;
    scene.publish().await;
    assert_eq!(scene.deliver(&endpoint).await.failed, 1);
    scene.event(deposit(), 1, "deposit.succeeded").await;
    scene.publish().await;
    scene.clock.advance(Duration::from_secs(119));
    assert_eq!(scene.deliver(&endpoint).await.claimed, 0, "new events wait as well");
    receiver.always(Answer(200, vec![]));
    scene.clock.advance(Duration::from_secs(1));
    assert_eq!(scene.deliver_all(&endpoint).await, 2);
}

/// Four are under way when one of them is told to wait: the others' success ends neither that nor a 410.
#[tokio::test]
async fn a_success_under_way_does_not_overrule_whoever_asked_to_stop() {
    let retry_after = vec![("retry-after", "3600".to_owned())];
    for stop in [Answer(429, retry_after), Answer(410, vec![])] {
        let scene = Scene::new().await;
        let receiver = Receiver::gathering(4).await;
        receiver.next(stop);
        let endpoint = scene.endpoint(&receiver.url, &["*"]).await;
        for _ in 0..32 {
            scene.event(deposit(), 1, "deposit.succeeded").await;
        }
        scene.publish().await;
        let round = scene.deliver(&endpoint).await;
        assert_eq!((round.claimed, round.failed, round.delivered), (32, 1, 3));
        assert_eq!(receiver.received().len(), 4, "the rest was given back");
        scene.clock.advance(HOUR - Duration::from_secs(1));
        assert_eq!(scene.deliver(&endpoint).await.claimed, 0);
    }
}

#[tokio::test]
async fn a_redirect_is_a_failure_and_is_not_followed() {
    let scene = Scene::new().await;
    let (receiver, elsewhere) = (Receiver::start().await, Receiver::start().await);
    let location = vec![("location", elsewhere.url.clone())];
    receiver.always(Answer(307, location));
    let endpoint = scene.endpoint(&receiver.url, &["*"]).await;
    scene.event(deposit(), 1, "deposit.succeeded").await;
    scene.publish().await;
    assert_eq!(scene.deliver(&endpoint).await.failed, 1);
    assert_eq!(receiver.received().len(), 1);
    assert!(elsewhere.received().is_empty());
    assert_eq!(scene.log(&endpoint).await[0].last_status, Some(307));
}

#[tokio::test]
async fn two_instances_deliver_each_event_once_and_at_most_four_at_a_time_each() {
    let scene = Scene::new().await;
    let receiver = Receiver::slow(Duration::from_millis(10)).await;
    let endpoint = scene.endpoint(&receiver.url, &["*"]).await;
    for _ in 0..60 {
        scene.event(deposit(), 1, "deposit.succeeded").await;
    }
    scene.publish().await;
    let instance =
        || async { while deliver(&scene.outbound, endpoint.id).await.unwrap().claimed > 0 {} };
    tokio::join!(instance(), instance());
    let ids: BTreeSet<String> =
        receiver.received().iter().map(|r| r.header("webhook-id").to_owned()).collect();
    assert_eq!((receiver.received().len(), ids.len()), (60, 60));
    let most = receiver.most_at_once();
    assert!((2..=8).contains(&most), "{most} at once");
    let open = "select count(*) from webhook_delivery where endpoint_id = $1
        and (status <> 'delivered' or lease_by is not null)";
    assert_eq!(scene.count(open, &endpoint).await, 0);
}
