//! Making, reading, changing and ending endpoints.

use crate::receiver::Receiver;
use crate::support::{Scene, deposit};
use interlock::clock::Clock;
use interlock::domain::OperatorId;
use interlock::domain::ids::SystemIds;
use interlock::outbox::event::FilterError;
use interlock::store::webhook_endpoints;
use interlock::webhooks::change_endpoint::{Change, change_endpoint};
use interlock::webhooks::guard::UrlRefused;
use interlock::webhooks::register_endpoint::{
    RegisterEndpoint, RegisterEndpointError, Registered, register_endpoint,
};
use interlock::webhooks::rotate_secret::{RotateSecretError, RotatedSecret, rotate_secret};
use secrecy::ExposeSecret;
use std::time::Duration;

/// How long a key is kept.
const MONTH: Duration = Duration::from_secs(30 * 24 * 3_600);

async fn register(
    scene: &Scene,
    operator: &OperatorId,
    url: &str,
    event: &str,
    key: &str,
) -> Result<Registered, RegisterEndpointError> {
    let events = [event.to_owned()];
    let request = RegisterEndpoint { operator, url, events: &events, idempotency_key: key };
    let now = scene.clock.now();
    register_endpoint(&scene.pool, &scene.names(), &SystemIds, request, now).await
}

#[tokio::test]
async fn a_repeated_creation_tells_the_same_endpoint_and_another_body_is_refused() {
    let scene = Scene::new().await;
    let url = "https://casino.example/hooks";
    let first = register(&scene, &scene.operator, url, "*", "k").await.unwrap();
    let again = register(&scene, &scene.operator, url, "*", "k").await.unwrap();
    assert_eq!((first.id, first.is_replay, again.is_replay), (again.id, false, true));
    assert_eq!(first.secret.expose_secret(), again.secret.expose_secret());
    let other = register(&scene, &scene.operator, url, "deposit.*", "k").await;
    assert!(matches!(other, Err(RegisterEndpointError::KeyReused)));
    let stranger = scene.stranger().await;
    let foreign = register(&scene, &stranger.operator, url, "*", "k").await.unwrap();
    assert_ne!(foreign.id, first.id, "a key is its operator's own");
}

#[tokio::test]
async fn a_bad_url_or_type_is_refused_by_its_kind() {
    let scene = Scene::new().await;
    let refused = register(&scene, &scene.operator, "https://10.0.0.1/", "*", "k1").await;
    assert!(matches!(refused, Err(RegisterEndpointError::Url(UrlRefused::AddressDenied { .. }))));
    let refused =
        register(&scene, &scene.operator, "https://casino.example/", "deposit", "k2").await;
    assert!(matches!(
        refused,
        Err(RegisterEndpointError::Events(FilterError::Unknown { index: 0, .. }))
    ));
    let none = webhook_endpoints::list(&scene.pool, &scene.operator, None, 10).await.unwrap();
    assert!(none.is_empty());
}

#[tokio::test]
async fn endpoints_are_listed_newest_first_in_pages_and_only_to_their_operator() {
    let scene = Scene::new().await;
    let stranger = scene.stranger().await;
    let mut made = vec![];
    for n in 0..5 {
        let url = format!("https://casino.example/{n}");
        made.push(scene.endpoint(&url, &["*"]).await.id);
    }
    made.reverse();
    let list = |after| webhook_endpoints::list(&scene.pool, &scene.operator, after, 3);
    let first: Vec<_> = list(None).await.unwrap().into_iter().map(|e| e.id).collect();
    let second: Vec<_> = list(Some(first[2])).await.unwrap().into_iter().map(|e| e.id).collect();
    assert_eq!([first, second].concat(), made);
    let get = |operator| webhook_endpoints::get(&scene.pool, operator, made[0]);
    assert!(get(&scene.operator).await.unwrap().is_some());
    assert!(get(&stranger.operator).await.unwrap().is_none());
}

#[tokio::test]
async fn a_deleted_endpoint_is_gone_and_gets_nothing_more() {
    let scene = Scene::new().await;
    let stranger = scene.stranger().await;
    let receiver = Receiver::start().await;
    let endpoint = scene.endpoint(&receiver.url, &["*"]).await;
    scene.event(deposit(), 1, "deposit.succeeded").await;
    scene.publish().await;
    let now = scene.clock.now();
    let delete =
        |operator| change_endpoint(&scene.pool, operator, endpoint.id, Change::Delete, now);
    assert!(!delete(&stranger.operator).await.unwrap());
    assert!(delete(&scene.operator).await.unwrap());
    assert!(!delete(&scene.operator).await.unwrap());
    scene.event(deposit(), 1, "deposit.succeeded").await;
    scene.publish().await;
    assert_eq!(scene.deliver(&endpoint).await.claimed, 0);
    assert!(receiver.received().is_empty());
    let log = scene.log(&endpoint).await;
    assert_eq!(log.len(), 1, "the second event was not even recorded for it");
    assert_eq!(log[0].status, "cancelled");
    let rotate = rotate_secret(&scene.pool, &SystemIds, &scene.operator, endpoint.id, "k", now);
    assert!(matches!(rotate.await, Err(RotateSecretError::NotFound)));
}

#[tokio::test]
async fn a_sixth_live_secret_is_refused() {
    let scene = Scene::new().await;
    let endpoint = scene.endpoint("https://casino.example/", &["*"]).await;
    let now = scene.clock.now();
    let rotate = async |key: &str| {
        rotate_secret(&scene.pool, &SystemIds, &scene.operator, endpoint.id, key, now).await
    };
    for key in ["1", "2", "3", "4"] {
        assert!(rotate(key).await.is_ok(), "{key}");
    }
    assert!(matches!(rotate("5").await, Err(RotateSecretError::TooManyLive)));
}

#[tokio::test]
async fn the_key_that_made_an_endpoint_rotates_its_secret_too() {
    let scene = Scene::new().await;
    let url = "https://casino.example/hooks";
    let made = register(&scene, &scene.operator, url, "*", "k").await.unwrap();
    let now = scene.clock.now();
    let rotate = async |key: &str| {
        let rotate = rotate_secret(&scene.pool, &SystemIds, &scene.operator, made.id, key, now);
        let RotatedSecret { secret, is_replay } = rotate.await.unwrap();
        (secret.expose_secret().to_owned(), is_replay)
    };
    let (secret, is_replay) = rotate("k").await;
    assert_ne!(secret, made.secret.expose_secret(), "a key is its route's own");
    assert!(!is_replay);
    assert_eq!(rotate("k").await, (secret.clone(), true));
    // The creation still tells what it told.
    let again = register(&scene, &scene.operator, url, "*", "k").await.unwrap();
    assert_eq!(again.secret.expose_secret(), made.secret.expose_secret());

    // A key as earlier releases stored it is known too.
    let (other, _) = rotate("old").await;
    let as_before = "update webhook_secret set created_by_key = 'old'
                     where endpoint_id = $1 and created_by_key = 'rotation old'";
    let done = sqlx::query(as_before).bind(made.id.0).execute(&scene.pool).await.unwrap();
    assert_eq!(done.rows_affected(), 1);
    assert_eq!(rotate("old").await, (other, true));
}

#[tokio::test]
async fn an_operator_has_no_more_endpoints_than_it_may() {
    let scene = Scene::new().await;
    let url = "https://casino.example/hooks";
    let make =
        async |key: usize| register(&scene, &scene.operator, url, "*", &format!("k{key}")).await;
    for key in 0..32 {
        make(key).await.unwrap();
    }
    assert!(matches!(make(32).await, Err(RegisterEndpointError::TooMany)));
    let first = make(0).await.unwrap();
    assert!(first.is_replay, "a repeat is told what it was told");
    let stranger = scene.stranger().await;
    register(&scene, &stranger.operator, url, "*", "k").await.unwrap();
    let now = scene.clock.now();
    assert!(webhook_endpoints::delete(&scene.pool, &scene.operator, first.id, now).await.unwrap());
    make(33).await.unwrap();
}

#[tokio::test]
async fn a_key_tells_for_thirty_days_what_it_first_told_and_is_free_then() {
    let scene = Scene::new().await;
    let url = "https://casino.example/hooks";
    let make = async || register(&scene, &scene.operator, url, "*", "k").await.unwrap();
    let get = async |made: &Registered| {
        let found = webhook_endpoints::get(&scene.pool, &scene.operator, made.id).await;
        found.unwrap().is_some()
    };
    let rotate = async |made: &Registered| {
        let now = scene.clock.now();
        let rotate = rotate_secret(&scene.pool, &SystemIds, &scene.operator, made.id, "r", now);
        let RotatedSecret { secret, is_replay } = rotate.await.unwrap();
        (secret.expose_secret().to_owned(), is_replay)
    };
    let first = make().await;
    let now = scene.clock.now();
    webhook_endpoints::delete(&scene.pool, &scene.operator, first.id, now).await.unwrap();
    let repeated = make().await;
    assert!(repeated.id == first.id && repeated.is_replay, "a late repeat makes no endpoint anew");
    assert_eq!(repeated.secret.expose_secret(), first.secret.expose_secret());
    scene.clock.advance(MONTH);
    let second = make().await;
    assert!(second.id != first.id && !second.is_replay && get(&second).await);
    assert_ne!(second.secret.expose_secret(), first.secret.expose_secret());
    let (rotated, _) = rotate(&second).await;

    scene.clock.advance(MONTH - Duration::from_secs(1));
    assert_eq!(make().await.id, second.id, "kept for thirty days");
    assert_eq!(rotate(&second).await, (rotated.clone(), true));
    scene.clock.advance(Duration::from_secs(1));
    let third = make().await;
    assert!(third.id != second.id && !third.is_replay);
    assert!(get(&second).await, "the endpoint itself stays");
    let (anew, is_replay) = rotate(&second).await;
    assert!(anew != rotated && !is_replay);
    assert_eq!(rotate(&second).await, (anew, true));
}

/// An old key makes no endpoint where none may be made, and tells of none either.
#[tokio::test]
async fn an_old_key_of_an_operator_that_has_all_its_endpoints_is_refused() {
    let scene = Scene::new().await;
    let url = "https://casino.example/hooks";
    let make =
        async |key: usize| register(&scene, &scene.operator, url, "*", &format!("k{key}")).await;
    for key in 0..32 {
        make(key).await.unwrap();
    }
    scene.clock.advance(MONTH);
    assert!(matches!(make(0).await, Err(RegisterEndpointError::TooMany)));
}
