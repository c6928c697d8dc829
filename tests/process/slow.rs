//! A PSP that takes longer than a casino waits: the deposit is answered in time as it stands, and what was
//! told first is told for good.

use super::api::fresh;
use super::wait::until;
use super::world::World;
use serde_json::json;
use std::time::{Duration, Instant};

/// What a deposit that nobody has answered for is told after, and what no money POST is longer than.
const TOLD_AFTER: Duration = Duration::from_secs(8);
const TOLD_WITHIN: Duration = Duration::from_secs(10);
/// Longer than the first of the two.
const PSP_TAKES_MS: u64 = 9_500;

#[tokio::test(flavor = "multi_thread")]
async fn a_deposit_at_a_slow_psp_is_told_to_be_processing_and_told_so_for_good() {
    let world = World::new().await;
    let _house = world.serve().await;
    world.api.player("p-slow").await;
    let slow = json!({
        "operation": "create_deposit", "fault": "slow", "delay_ms": PSP_TAKES_MS, "times": 1,
    });
    world.control.post("/psps/trustly-de/faults", slow).await;
    let (key, body) = (fresh(), world.api.deposit_body("p-slow", "10.00"));
    let (api, first_key, first_body) = (world.api.clone(), key.clone(), body.clone());
    let first = tokio::spawn(async move {
        let asked = Instant::now();
        let told = api.try_post("/v1/deposits", &first_key, &first_body).await.unwrap();
        (told, asked.elapsed())
    });
    until("the deposit to be on record", || async {
        (world.count("select count(*) from payment").await == 1).then_some(())
    })
    .await;

    // While the first is under way nobody else gets an answer, nor a second deposit.
    let busy = world.api.try_post("/v1/deposits", &key, &body).await.unwrap();
    assert!(!first.is_finished(), "the repeat came too late to meet the first one");
    assert_eq!(busy.status, 409, "{}", busy.json());
    assert_eq!(busy.text("code"), "idempotency.in_progress");
    let id = busy.text("payment_id");
    assert!(id.starts_with("dep_"), "{}", busy.json());
    assert!(busy.retry_after.is_some_and(|seconds| 0 < seconds), "{busy:?}");

    let (told, took) = first.await.unwrap();
    assert!(TOLD_AFTER <= took && took < TOLD_WITHIN, "answered after {took:?}");
    assert_eq!(told.status, 201, "{}", told.json());
    assert_eq!((told.text("id"), told.text("status")), (id.clone(), "processing".to_owned()));
    assert!(!told.replayed && told.json()["next_action"].is_null(), "{}", told.json());

    // GET tells the present, and a repeat what was told.
    let replays = async || {
        let again = world.api.try_post("/v1/deposits", &key, &body).await.unwrap();
        assert_eq!((again.status, again.replayed), (told.status, true));
        assert_eq!(again.bytes, told.bytes, "{}", again.json());
    };
    replays().await;
    let now = world.api.until_status(&id, &["action_required"]).await;
    assert!(now["next_action"]["url"].is_string(), "{now}");
    assert_eq!(now["attempts"].as_array().unwrap().len(), 1, "{now}");
    replays().await;
    let attempt = now["attempts"][0]["id"].as_str().unwrap();
    world.control.complete("trustly-de", attempt, "succeeded").await;
    world.api.until_status(&id, &["succeeded"]).await;
    replays().await;
    assert_eq!(world.count("select count(*) from payment").await, 1);
    assert_eq!(world.control.movements("trustly-de").await.len(), 1);
    world.proves().await;
    world.end().await;
}
