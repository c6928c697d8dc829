//! Notifications on their way: repeated until acknowledged, spoiled where a rule says so.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use crate::harness::{World, digits, rsa_verifies, serialise, until, world};
use crate::requests::{payment, payout};
use crate::truelayer::verifies;

async fn pay(w: &World) -> String {
    let (_, created) = w.truelayer("/v3/payouts", &digits(), &payout(&digits())).await;
    created["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_refused_notification_is_repeated_with_its_event_id() {
    let w = world().await;
    w.merchant.refuse.store(2, Ordering::SeqCst);
    pay(&w).await;
    let all = w.until_received("payout_executed", 3).await;
    assert!(all.iter().all(|one| one.json()["event_id"] == all[0].json()["event_id"]));
}

#[tokio::test]
async fn a_trustly_notification_is_repeated_with_its_notification_id() {
    let w = world().await;
    w.merchant.refuse.store(1, Ordering::SeqCst);
    let payout = w.trustly_payout(&digits()).await;
    w.trustly("AccountPayout", payout).await;
    let all = w.until_received("payoutconfirmation", 2).await;
    let id = |n: usize| all[n].json()["params"]["data"]["notificationid"].clone();
    assert_eq!(id(0), id(1));
}

#[tokio::test]
async fn a_dropped_notification_can_be_sent_by_hand() {
    let w = world().await;
    w.fault("truelayer-uk", "webhook", "webhook_drop", 1).await;
    let id = pay(&w).await;
    until("the draw", || async {
        (w.control_get("/psps/truelayer-uk/faults").await == json!([])).then_some(())
    })
    .await;
    assert!(w.received("payout_executed").is_empty());
    let (status, report) = w
        .control("/psps/truelayer-uk/webhooks/resend", json!({ "reference": id, "times": 2 }))
        .await;
    assert_eq!((status, &report["answers"][1]["status"]), (200, &json!(200)));
    assert_eq!(w.received("payout_executed").len(), 2);
}

#[tokio::test]
async fn duplicates_are_two_equal_events() {
    let w = world().await;
    w.fault("truelayer-uk", "webhook", "webhook_duplicate", 1).await;
    pay(&w).await;
    let all = w.until_received("payout_executed", 2).await;
    assert_eq!(all[0].body, all[1].body);
}

#[tokio::test]
async fn reordering_lets_the_next_one_overtake() {
    let w = world().await;
    w.fault("truelayer-uk", "webhook", "webhook_reorder", 1).await;
    let (_, created) = w.truelayer("/v3/payments", &digits(), &payment(&digits())).await;
    let id = created["id"].as_str().unwrap();
    w.complete("truelayer-uk", id, json!({ "outcome": "succeeded" })).await;
    w.until_received("payment_settled", 1).await;
    let all = w.merchant.received.lock().unwrap().clone();
    let order: Vec<Value> = all.iter().map(|one| one.json()["type"].clone()).collect();
    assert_eq!(order, ["payment_executed", "payment_authorized", "payment_settled"]);
}

#[tokio::test]
async fn a_delayed_notification_still_arrives() {
    let w = world().await;
    let rule = json!({ "operation": "webhook", "fault": "webhook_delay", "delay_ms": 200 });
    w.control("/psps/truelayer-uk/faults", rule).await;
    pay(&w).await;
    w.until_received("payout_executed", 1).await;
}

#[tokio::test]
async fn spoiled_notifications_are_spoiled_in_the_way_they_say() {
    let w = world().await;
    let mut count = 0;
    let mut next = async |fault: &str| {
        w.fault("truelayer-uk", "webhook", fault, 1).await;
        pay(&w).await;
        count += 1;
        w.until_received("payout_executed", count).await.pop().unwrap()
    };
    let forged = next("webhook_bad_signature").await;
    assert!(!verifies(&w, &forged).await);
    let stale = next("webhook_stale").await;
    assert!(verifies(&w, &stale).await);
    let stamp = stale.headers["x-tl-webhook-timestamp"].to_str().unwrap();
    let stamp: time::OffsetDateTime =
        time::OffsetDateTime::parse(stamp, &time::format_description::well_known::Rfc3339).unwrap();
    assert!(time::OffsetDateTime::now_utc() - stamp > time::Duration::minutes(50));
    let wrong = next("webhook_wrong_currency").await;
    assert!(verifies(&w, &wrong).await);
    assert_eq!(wrong.json()["currency"], "XTS");
}

#[tokio::test]
async fn a_trustly_credit_can_name_a_wrong_amount_under_a_good_signature() {
    let w = world().await;
    let answer = w.trustly("Deposit", w.trustly_deposit(&digits())).await;
    let order_id = answer["result"]["data"]["orderid"].as_str().unwrap();
    // `account` and `pending` come first; every one of the three is spoiled.
    w.fault("trustly-de", "webhook", "webhook_wrong_amount", 3).await;
    w.complete("trustly-de", order_id, json!({ "outcome": "succeeded" })).await;
    let credit = w.until_received("credit", 1).await.remove(0).json();
    let params = &credit["params"];
    assert_eq!(params["data"]["amount"], "200.00");
    let text = format!("credit{}{}", params["uuid"].as_str().unwrap(), serialise(&params["data"]));
    assert!(rsa_verifies(&w.merchant.trustly_key, &text, params["signature"].as_str().unwrap()));
    assert_eq!(w.movements("trustly-de").await[0]["amount"], "100.00");
}

#[tokio::test]
async fn a_resend_can_be_forged_or_old_and_needs_something_to_say() {
    let w = world().await;
    let (_, created) = w.truelayer("/v3/payments", &digits(), &payment(&digits())).await;
    let id = created["id"].as_str().unwrap();
    let resend = async |extra: Value| {
        let mut body = json!({ "reference": id });
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        w.control("/psps/truelayer-uk/webhooks/resend", body).await.0
    };
    assert_eq!(resend(json!({})).await, 409);
    w.complete("truelayer-uk", id, json!({ "outcome": "declined" })).await;
    w.until_received("payment_failed", 1).await;
    assert_eq!(resend(json!({ "bad_signature": true })).await, 200);
    assert!(!verifies(&w, &w.received("payment_failed")[1]).await);
    assert_eq!(resend(json!({ "age_s": 900 })).await, 200);
    assert!(verifies(&w, &w.received("payment_failed")[2]).await);
}
