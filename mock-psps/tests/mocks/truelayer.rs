//! TrueLayer's wire: tokens, signatures, idempotency, statuses, webhooks.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Received, World, digits, p521, until, world};
use crate::requests::{payment, payout};

/// Verifies a webhook as TrueLayer's own library does, with the key set behind its `jku`.
pub async fn verifies(w: &World, webhook: &Received) -> bool {
    let signature = webhook.headers["tl-signature"].to_str().unwrap();
    let header = truelayer_signing::extract_jws_header(signature).unwrap();
    assert_eq!(
        header.jku.as_deref().unwrap(),
        format!("{}/.well-known/jwks", w.base("truelayer-uk"))
    );
    let jwks = w.http.get(header.jku.unwrap().as_ref()).send().await.unwrap();
    let jwks = jwks.bytes().await.unwrap();
    truelayer_signing::verify_with_jwks(&jwks)
        .method(truelayer_signing::Method::Post)
        .path(&webhook.path)
        .headers(webhook.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())))
        .require_header("X-Tl-Webhook-Timestamp")
        .body(&webhook.body)
        .build_verifier()
        .verify(signature)
        .is_ok()
}

#[tokio::test]
async fn a_payment_settles_and_its_webhooks_verify() {
    let w = world().await;
    let reference = digits();
    let (status, created) = w.truelayer("/v3/payments", &digits(), &payment(&reference)).await;
    assert_eq!((status, &created["status"]), (201, &json!("authorization_required")));
    assert!(created["resource_token"].is_string() && created["user"]["id"].is_string());
    let id = created["id"].as_str().unwrap();
    w.complete("truelayer-uk", id, json!({ "outcome": "succeeded" })).await;
    let settled = w.until_received("payment_settled", 1).await.remove(0);
    assert!(verifies(&w, &settled).await);
    let body = settled.json();
    assert_eq!(body["metadata"]["reference"], reference.as_str());
    assert_eq!(body["payment_source"]["account_holder_name"], "Jane Smith");
    let (_, view) = w.truelayer_get(&format!("/v3/payments/{id}")).await;
    assert_eq!(view["status"], "settled");
    assert_eq!(view["amount_in_minor"], 10_000);
    assert_eq!(view["payment_source"]["id"], body["payment_source"]["id"]);

    // Closed loop: back to the very account that paid.
    let mut closed = payout(&digits());
    closed["beneficiary"] = json!({
        "type": "payment_source", "user_id": body["user_id"],
        "payment_source_id": body["payment_source"]["id"],
    });
    assert_eq!(w.truelayer("/v3/payouts", &digits(), &closed).await.0, 202);
    closed["beneficiary"]["user_id"] = "somebody else".into();
    assert_eq!(w.truelayer("/v3/payouts", &digits(), &closed).await.0, 400);
}

#[tokio::test]
async fn the_same_key_gives_the_same_bytes_and_another_body_is_refused() {
    let w = world().await;
    let (key, body) = (digits(), payout(&digits()));
    let first = w.truelayer_raw("/v3/payouts", &key, &body).await.unwrap();
    let first = (first.status(), first.bytes().await.unwrap());
    let second = w.truelayer_raw("/v3/payouts", &key, &body).await.unwrap();
    assert_eq!(first, (second.status(), second.bytes().await.unwrap()));
    assert_eq!(w.truelayer("/v3/payouts", &key, &payout(&digits())).await.0, 422);
    assert_eq!(w.movements("truelayer-uk").await.len(), 1);
    w.truelayer("/v3/payouts", &digits(), &body).await;
    assert_eq!(w.movements("truelayer-uk").await.len(), 2);
}

#[tokio::test]
async fn a_key_in_progress_is_a_conflict() {
    let w = world().await;
    let rule = json!({
        "operation": "create_payout", "fault": "slow", "times": 1, "delay_ms": 1_500,
    });
    w.control("/psps/truelayer-uk/faults", rule).await;
    let (key, body) = (digits(), payout(&digits()));
    let both = tokio::join!(w.truelayer("/v3/payouts", &key, &body), async {
        tokio::time::timeout(Duration::from_secs(5), async {
            until("the conflict", || async {
                let taken = w.control_get("/psps/truelayer-uk/faults").await == json!([]);
                if !taken {
                    return None;
                }
                Some(w.truelayer("/v3/payouts", &key, &body).await.0)
            })
            .await
        })
        .await
        .unwrap()
    });
    assert_eq!((both.0.0, both.1), (202, 409));
    assert_eq!(w.movements("truelayer-uk").await.len(), 1);
}

#[tokio::test]
async fn a_wrong_signature_or_token_is_a_problem() {
    let mut w = world().await;
    let (status, _) = w.truelayer_get("/v3/payments/none").await;
    assert_eq!(status, 404);
    w.request_key = p521();
    let (status, problem) = w.truelayer("/v3/payouts", &digits(), &payout(&digits())).await;
    assert_eq!(status, 401);
    assert!(problem["trace_id"].is_string() && problem["type"].is_string());
    let url = format!("{}/v3/payments/none", w.base("truelayer-uk"));
    assert_eq!(w.http.get(url).bearer_auth("no").send().await.unwrap().status(), 401);
    assert!(w.movements("truelayer-uk").await.is_empty());
}

#[tokio::test]
async fn a_payout_executes_and_may_still_be_returned() {
    let w = world().await;
    let reference = digits();
    let (_, created) = w.truelayer("/v3/payouts", &digits(), &payout(&reference)).await;
    let id = created["id"].as_str().unwrap();
    let executed = w.until_received("payout_executed", 1).await.remove(0);
    assert!(verifies(&w, &executed).await);
    w.complete("truelayer-uk", id, json!({ "outcome": "returned" })).await;
    let failed = w.until_received("payout_failed", 1).await.remove(0).json();
    assert!(failed["returned_at"].is_string());
    let (_, view) = w.truelayer_get(&format!("/v3/payouts/{id}")).await;
    assert_eq!((&view["status"], &view["failure_reason"]), (&json!("failed"), &json!("returned")));
    w.until_status("truelayer-uk", &reference, "returned").await;
}

#[tokio::test]
async fn a_payment_can_be_cancelled_and_refunded_within_its_amount() {
    let w = world().await;
    let pay = async |reference: &str| -> String {
        let (_, created) = w.truelayer("/v3/payments", &digits(), &payment(reference)).await;
        created["id"].as_str().unwrap().to_owned()
    };
    let first = digits();
    let id = pay(&first).await;
    let path = format!("/v3/payments/{id}/actions/cancel");
    assert_eq!(w.truelayer(&path, &digits(), &json!({})).await.0, 202);
    w.until_status("truelayer-uk", &first, "cancelled").await;
    let failed = w.until_received("payment_failed", 1).await.remove(0).json();
    assert_eq!(failed["failure_reason"], "canceled");

    let id = pay(&digits()).await;
    w.complete("truelayer-uk", &id, json!({ "outcome": "succeeded" })).await;
    let path = format!("/v3/payments/{id}/refunds");
    let refund = json!({ "amount_in_minor": 6_000, "reference": "back" });
    let (status, created) = w.truelayer(&path, &digits(), &refund).await;
    assert_eq!(status, 202);
    assert_eq!(w.truelayer(&path, &digits(), &refund).await.0, 400);
    w.until_received("refund_executed", 1).await;
    let (_, list) = w.truelayer_get(&path).await;
    assert_eq!(list["items"][0]["id"], created["id"]);
    assert_eq!(list["items"][0]["status"], "executed");
}

/// Its own libraries know no such field of a payment: some accounts hear of it by the webhook alone.
#[tokio::test]
async fn a_reversal_may_be_told_by_its_webhook_alone() {
    let w = world().await;
    let (_, created) = w.truelayer("/v3/payments", &digits(), &payment(&digits())).await;
    let id = created["id"].as_str().unwrap();
    w.complete("truelayer-uk", id, json!({ "outcome": "succeeded" })).await;
    let silent = json!({ "outcome": "charged_back", "code": "not_shown" });
    w.complete("truelayer-uk", id, silent).await;
    let told = w.until_received("payment_reversed", 1).await.remove(0).json();
    assert!(told["reversed_at"].is_string());
    let (_, view) = w.truelayer_get(&format!("/v3/payments/{id}")).await;
    assert_eq!((&view["status"], &view["reversed_at"]), (&json!("settled"), &Value::Null));
}

#[tokio::test]
async fn money_that_nobody_asked_for_is_announced() {
    let w = world().await;
    let payin = json!({
        "reference": "PLAYER-7", "amount": "12.34", "payer": { "name": "Uninvited" },
    });
    let (status, movement) = w.control("/psps/truelayer-uk/payins", payin).await;
    assert_eq!((status, &movement["status"]), (200, &json!("succeeded")));
    let event: Value = w.until_received("external_payment_received", 1).await.remove(0).json();
    assert_eq!(event["amount_in_minor"], 1_234);
    assert_eq!(event["remitter"]["reference"], "PLAYER-7");
}
