//! A stream of events goes on where its reader left.

use crate::support::{Scene, deposit};
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn a_stream_tells_every_step_once_and_resumes() {
    let scene = Scene::new().await;
    scene.player("p-1").await;
    let told = scene.ask("sk_demo", "POST", "/v1/deposits", Some(deposit("p-1", "50.00"))).await;
    let id = told.text("/id");
    let path = format!("/v1/payments/{id}/events");
    let all = scene.stream(&path, None, 2).await;
    assert!(all[0].contains("id: 1") && all[0].contains("event: deposit.processing"), "{all:?}");
    assert!(all[1].contains("id: 2") && all[1].contains("event: deposit.failed"), "{all:?}");
    let rest = scene.stream(&path, Some("1"), 1).await;
    assert_eq!(rest[0], all[1]);
    let bad = scene.ask("sk_other", "GET", &path, None).await;
    assert_eq!(bad.status, 404);
}

#[tokio::test]
async fn an_event_keeps_the_casinos_own_words_whatever_their_numbers() {
    let scene = Scene::new().await;
    scene.player("p-1").await;
    let metadata = r#""metadata":{"d":1.10,"n":12345678901234567890123,"x":1e300}"#;
    let body = deposit("p-1", "50.00").to_string();
    let body = format!("{},{metadata}}}", body.strip_suffix('}').unwrap());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = client
        .post(format!("http://{}/v1/deposits", scene.address))
        .bearer_auth("sk_demo")
        .header("idempotency-key", "k-1")
        .header("content-type", "application/json")
        .body(body);
    let answer = request.send().await.unwrap().text().await.unwrap();
    assert!(answer.contains(metadata), "{answer}");
    let (_, rest) = answer.split_once(r#""id":""#).unwrap();
    let path = format!("/v1/payments/{}/events", rest.split_once('"').unwrap().0);
    let session = json!({"player_id": "p-1", "ttl_s": 60});
    let session = scene.ask("sk_demo", "POST", "/v1/player-sessions", Some(session)).await;
    for reader in ["sk_demo", &session.text("/token")] {
        for event in scene.stream_of(reader, &path, None, 2).await {
            assert!(event.contains(metadata), "{reader}: {event}");
            assert!(event.contains(r#""player_id":"p-1""#), "{reader}: {event}");
        }
    }
}

#[tokio::test]
async fn a_players_ninth_stream_waits_until_one_of_the_others_is_closed() {
    let scene = Scene::new().await;
    scene.player("p-1").await;
    let told = scene.ask("sk_demo", "POST", "/v1/deposits", Some(deposit("p-1", "50.00"))).await;
    let path = format!("/v1/payments/{}/events", told.text("/id"));
    let session = json!({"player_id": "p-1", "ttl_s": 60});
    let session = scene.ask("sk_demo", "POST", "/v1/player-sessions", Some(session)).await;
    let token = session.text("/token");
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let open = async || {
        let url = format!("http://{}{path}", scene.address);
        client.get(url).bearer_auth(&token).send().await.unwrap()
    };
    let mut streams = Vec::new();
    for _ in 0..8 {
        let stream = open().await;
        assert_eq!(stream.status().as_u16(), 200);
        streams.push(stream);
    }
    let refused = open().await;
    assert_eq!(refused.status().as_u16(), 429);
    assert_eq!(refused.headers()["retry-after"], "15");
    let problem: serde_json::Value = refused.json().await.unwrap();
    assert_eq!(problem["code"], "request.rate_limited", "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("Close one"), "{problem}");
    scene.stream(&path, None, 1).await;

    drop(streams.pop());
    let opens = async {
        // The server notices a moment later that its reader has gone.
        while open().await.status().as_u16() != 200 {}
    };
    tokio::time::timeout(Duration::from_secs(20), opens)
        .await
        .expect("a closed stream counts no more");
}
