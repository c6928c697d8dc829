//! From the outbox to deliveries: each event once, and a payment's events in order over all slots.

use crate::receiver::{Answer, Receiver};
use crate::support::{Scene, deposit, new_slot, pool, until};
use interlock::clock::Clock;
use interlock::domain::ids::SystemIds;
use interlock::domain::{Direction, Ids};
use interlock::outbox::publish::{publish, publish_within};
use interlock::routing::health::{Change, Turn};
use interlock::store::health_events::{self, HealthEvent};
use interlock::store::outbox_reads::{WEBHOOKS, Waiting, relay_slot, waiting};
use std::time::Duration;

const RELAYED_TWICE: &str = "select count(*) from (select event_id from webhook_delivery
    where endpoint_id = $1 group by event_id having count(*) > 1) twice";
const RELAYED: &str = "select count(*) from webhook_delivery where endpoint_id = $1";

#[tokio::test]
async fn two_relays_at_once_make_each_delivery_exactly_once() {
    let scene = Scene::new().await;
    let receiver = Receiver::start().await;
    let endpoint = scene.endpoint(&receiver.url, &["*"]).await;
    let second = scene.endpoint(&receiver.url, &["deposit.*"]).await;
    let other_slot = new_slot(&scene.pool).await;
    let writing = async {
        for _ in 0..60 {
            let payment = deposit();
            for sequence in 1..=4 {
                // A payment's events alternate between two slots.
                let slot = if sequence % 2 == 0 { other_slot } else { scene.slot };
                scene.event_in(slot, payment, sequence, "deposit.processing").await;
            }
        }
    };
    let now = scene.clock.now();
    let pool = &scene.pool;
    let relaying = |ids| async move {
        for _ in 0..40 {
            publish(pool, ids, now).await.unwrap();
        }
    };
    tokio::join!(writing, relaying(&SystemIds), relaying(&SystemIds));
    scene.publish().await;
    for endpoint in [&endpoint, &second] {
        assert_eq!(scene.count(RELAYED, endpoint).await, 240);
        assert_eq!(scene.count(RELAYED_TWICE, endpoint).await, 0);
    }
    assert_eq!(scene.deliver_all(&endpoint).await, 240);
    let mut last = std::collections::BTreeMap::new();
    for received in receiver.received() {
        let body = received.json();
        let sequence: i64 = body["sequence"].as_str().unwrap().parse().unwrap();
        let before = last.insert(body["subject"].to_string(), sequence).unwrap_or(0);
        assert_eq!(sequence, before + 1, "out of order: {}", body["subject"]);
    }
}

#[tokio::test]
async fn an_event_waits_for_the_one_before_it_in_another_slot() {
    let scene = Scene::new().await;
    let later = new_slot(&scene.pool).await;
    let payment = deposit();
    let now = scene.clock.now();
    scene.event_in(scene.slot, payment, 1, "deposit.processing").await;
    scene.event_in(later, payment, 2, "deposit.succeeded").await;
    // Another instance is slow at the first slot.
    waiting(&scene.pool, WEBHOOKS, now).await.unwrap();
    let mut held = scene.pool.begin().await.unwrap();
    sqlx::query("select from relay_cursor where consumer = 'webhooks' and slot = $1 for update")
        .bind(scene.slot)
        .execute(&mut *held)
        .await
        .unwrap();
    let blocked = relay_slot(&scene.pool, &SystemIds, later, 500, now).await.unwrap();
    assert_eq!(blocked.events, 0, "its predecessor has not been passed on");
    let skipped = relay_slot(&scene.pool, &SystemIds, scene.slot, 500, now).await.unwrap();
    assert_eq!(skipped.events, 0, "another relay is at this slot");
    let waits = waiting(&scene.pool, WEBHOOKS, now).await.unwrap();
    assert_eq!(waits, Waiting { slots: vec![scene.slot, later], since: Some(now) });
    held.rollback().await.unwrap();
    scene.publish().await;
    assert_eq!(waiting(&scene.pool, WEBHOOKS, now).await.unwrap(), Waiting::default());
    let passed: bool = sqlx::query_scalar(
        "select seq = 1 from relay_cursor where consumer = 'webhooks' and slot = $1",
    )
    .bind(later)
    .fetch_one(&scene.pool)
    .await
    .unwrap();
    assert!(passed, "released by its predecessor");
}

/// A round that finds something is followed by another: under load that would never end.
#[tokio::test]
async fn a_look_ends_when_its_time_is_over() {
    let scene = Scene::new().await;
    let later = new_slot(&scene.pool).await;
    let payment = deposit();
    // The slot that is looked at first has the later event: it takes two rounds.
    scene.event_in(later, payment, 1, "deposit.processing").await;
    scene.event_in(scene.slot, payment, 2, "deposit.succeeded").await;
    assert!(scene.slot < later);
    let look = async |patience| {
        publish_within(&scene.pool, &SystemIds, patience, scene.clock.now()).await.unwrap().events
    };
    assert_eq!(look(Duration::ZERO).await, 1);
    assert_eq!(look(Duration::from_secs(60)).await, 1, "the next look goes on");
}

#[tokio::test]
async fn a_batch_may_end_inside_the_events_of_one_commit() {
    let scene = Scene::new().await;
    let receiver = Receiver::start().await;
    let endpoint = scene.endpoint(&receiver.url, &["*"]).await;
    let first = scene.event(deposit(), 1, "deposit.processing").await;
    // Four more events of the same commit.
    sqlx::query(
        "insert into outbox_event
         select slot, seq, g::smallint, gen_random_uuid(), operator_id, player_id, subject,
           gen_random_uuid(), 1, kind, data, created_at
         from outbox_event, generate_series(1, 4) g where event_id = $1",
    )
    .bind(first.0)
    .execute(&scene.pool)
    .await
    .unwrap();
    let now = scene.clock.now();
    waiting(&scene.pool, WEBHOOKS, now).await.unwrap();
    for _ in 0..3 {
        relay_slot(&scene.pool, &SystemIds, scene.slot, 2, now).await.unwrap();
    }
    scene.publish().await;
    assert_eq!(scene.count(RELAYED, &endpoint).await, 5);
    assert_eq!(scene.count(RELAYED_TWICE, &endpoint).await, 0);
}

#[tokio::test]
async fn the_applications_role_cannot_forget_a_delivery() {
    let pool = pool().await;
    let may: Vec<(String, bool, bool)> = sqlx::query_as(
        "select t, has_table_privilege('interlock_app', t, 'delete'),
           has_table_privilege('interlock_app', t, 'truncate')
         from unnest(array['webhook_endpoint', 'webhook_secret', 'relay_cursor',
           'webhook_delivery', 'webhook_delivery_try', 'outbox_event']) t",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    for (table, delete, truncate) in may {
        assert_eq!(delete, table == "webhook_delivery_try", "{table}");
        assert!(!truncate, "{table}");
    }
}

/// What a relay has read of an endpoint holds until its deliveries stand: whoever disables the endpoint
/// cancels those too.
#[tokio::test]
async fn an_endpoint_that_is_disabled_while_events_are_passed_on_leaves_nothing_waiting() {
    let scene = Scene::new().await;
    let receiver = Receiver::start().await;
    receiver.always(Answer(410, vec![]));
    let endpoint = scene.endpoint(&receiver.url, &["*"]).await;
    scene.event(deposit(), 1, "deposit.succeeded").await;
    scene.publish().await;
    let event = scene.event(deposit(), 1, "deposit.succeeded").await;
    // The relay reads the endpoint and then waits for whoever writes the same row.
    let mut held = scene.pool.begin().await.unwrap();
    sqlx::query(
        "insert into webhook_delivery (delivery_id, endpoint_id, event_id, payment_sequence,
           origin, status, due_at, created_at)
         values (gen_random_uuid(), $1, $2, 1, 'relay', 'pending', $3, $3)",
    )
    .bind(endpoint.id.0)
    .bind(event.0)
    .bind(scene.clock.now())
    .execute(&mut *held)
    .await
    .unwrap();
    let active =
        "select count(*) from webhook_endpoint where endpoint_id = $1 and status = 'active'";
    let disabling = async {
        until(async || scene.blocked().await == 1).await;
        let release = async {
            until(async || scene.blocked().await == 2 || scene.count(active, &endpoint).await == 0)
                .await;
            held.rollback().await.unwrap();
        };
        tokio::join!(scene.deliver(&endpoint), release);
    };
    tokio::join!(scene.publish(), disabling);
    let log = scene.log(&endpoint).await;
    let all: Vec<&str> = log.iter().map(|delivery| delivery.status.as_str()).collect();
    assert_eq!(all, ["cancelled", "cancelled"]);
}

#[tokio::test]
async fn what_is_told_to_an_endpoint_that_is_being_disabled_does_not_wait() {
    let scene = Scene::new().await;
    let endpoint = scene.endpoint("https://casino.example/hooks", &["*"]).await;
    scene.event(deposit(), 1, "deposit.succeeded").await;
    scene.while_disabled(&endpoint, scene.publish()).await;
    assert_eq!(scene.log(&endpoint).await[0].status, "cancelled");

    let endpoint = scene.endpoint("https://casino.example/hooks", &["*"]).await;
    let event = HealthEvent {
        subject: "adyen-eu".to_owned(),
        data: "{}".to_owned(),
        at: scene.clock.now(),
    };
    let telling = async {
        let (psp, direction) = ("adyen-eu".to_owned(), Direction::Deposit);
        let change = Change::Technical { psp, direction, turn: Turn::Probing };
        let (change, told) = ((&change, event.at), [(SystemIds.next(), &scene.operator)]);
        health_events::publish(&scene.pool, &SystemIds, change, &told, &event).await.unwrap();
    };
    scene.while_disabled(&endpoint, telling).await;
}
