//! A casino mends its receiver, and has what it missed.

use crate::support::Scene;
use serde_json::json;

#[tokio::test]
async fn a_disabled_endpoint_is_put_to_work_again_and_sent_what_it_missed() {
    let scene = Scene::new().await;
    let ask = async |method: &str, path: &str, body| scene.ask("sk_demo", method, path, body).await;
    let body = json!({"url": "http://127.0.0.1:9/hook", "events": ["*"]});
    let id = ask("POST", "/v1/webhook-endpoints", Some(body)).await.text("/id");
    let path = format!("/v1/webhook-endpoints/{id}");
    let pool = scene.flows.db.pool();
    let disabled = "update webhook_endpoint set status = 'disabled', disabled_reason = 'gone'";
    sqlx::query(disabled).execute(pool).await.unwrap();

    let since = json!({"since": "2026-01-01T00:00:00Z"});
    let missed = format!("{path}/redeliver");
    let told = ask("POST", &missed, Some(since.clone())).await;
    assert_eq!((told.status, &*told.text("/code")), (409, "webhook.endpoint_disabled"), "{told:?}");
    for _ in 0..2 {
        let told = ask("POST", &format!("{path}/enable"), None).await;
        assert_eq!((told.status, &*told.text("/status")), (200, "active"), "{told:?}");
    }
    let told = ask("POST", &missed, Some(json!({"since": "yesterday"}))).await;
    assert_eq!((told.status, &*told.text("/code")), (422, "time.malformed"), "{told:?}");
    let told = ask("POST", &missed, Some(since)).await;
    assert_eq!((told.status, &told.body), (202, &json!({"deliveries": 0})), "{told:?}");
}
