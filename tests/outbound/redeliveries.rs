//! Sending again what was sent before.

use crate::receiver::Receiver;
use crate::support::{Scene, deposit};
use interlock::clock::Clock;
use interlock::domain::ids::SystemIds;
use interlock::webhooks::change_endpoint::{Change, change_endpoint};
use interlock::webhooks::redeliver::{Wanted, redeliver};

#[tokio::test]
async fn an_event_that_was_delivered_can_be_asked_for_again() {
    let scene = Scene::new().await;
    let stranger = scene.stranger().await;
    let receiver = Receiver::start().await;
    let endpoint = scene.endpoint(&receiver.url, &["*"]).await;
    let payment = deposit();
    let event = scene.event(payment, 1, "deposit.processing").await;
    scene.event(payment, 2, "deposit.succeeded").await;
    scene.publish().await;
    scene.deliver_all(&endpoint).await;

    let now = scene.clock.now();
    let again = || redeliver(&scene.pool, &SystemIds, &scene.operator, Wanted::Event(event), now);
    let foreign = redeliver(&scene.pool, &SystemIds, &stranger.operator, Wanted::Event(event), now);
    assert_eq!(foreign.await.unwrap(), None, "another operator's event is not there");
    assert_eq!(again().await.unwrap(), Some(1));
    assert_eq!(again().await.unwrap(), Some(1), "asking twice makes one");
    assert_eq!(scene.deliver_all(&endpoint).await, 1);
    assert_eq!(receiver.sequences(), ["1", "2", "1"]);
    assert_eq!(scene.log(&endpoint).await.iter().filter(|d| d.is_redelivery).count(), 1);
}

#[tokio::test]
async fn a_redelivery_that_fails_does_not_hold_up_new_events() {
    let scene = Scene::new().await;
    let receiver = Receiver::start().await;
    let endpoint = scene.endpoint(&receiver.url, &["*"]).await;
    let payment = deposit();
    let event = scene.event(payment, 1, "deposit.processing").await;
    scene.publish().await;
    scene.deliver_all(&endpoint).await;
    let now = scene.clock.now();
    let asked = redeliver(&scene.pool, &SystemIds, &scene.operator, Wanted::Event(event), now);
    assert_eq!(asked.await.unwrap(), Some(1));
    receiver.script([500]);
    assert_eq!(scene.deliver(&endpoint).await.failed, 1);
    scene.event(payment, 2, "deposit.succeeded").await;
    scene.publish().await;
    assert_eq!(scene.deliver_all(&endpoint).await, 1);
    assert_eq!(receiver.sequences(), ["1", "1", "2"]);
}

#[tokio::test]
async fn what_is_asked_for_while_its_endpoint_is_being_disabled_does_not_wait() {
    let scene = Scene::new().await;
    let endpoint = scene.endpoint("https://casino.example/hooks", &["*"]).await;
    let event = scene.event(deposit(), 1, "deposit.succeeded").await;
    scene.publish().await;
    let (pool, operator, now) = (&scene.pool, &scene.operator, scene.clock.now());
    for wanted in [Wanted::Event(event), Wanted::MissedSince(endpoint.id, now)] {
        // Cancelled, and then enabled again.
        change_endpoint(pool, operator, endpoint.id, Change::Enable, now).await.unwrap();
        let cancelled = "update webhook_delivery set status = 'cancelled' where endpoint_id = $1";
        sqlx::query(cancelled).bind(endpoint.id.0).execute(pool).await.unwrap();
        let asking = async {
            let made = redeliver(pool, &SystemIds, operator, wanted, now).await.unwrap();
            assert_eq!(made, Some(0));
        };
        scene.while_disabled(&endpoint, asking).await;
    }
}
