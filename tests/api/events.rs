//! A stream of events goes on where its reader left.

use crate::support::{Scene, deposit};

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
