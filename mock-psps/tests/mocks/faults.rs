//! One test per class of fault, at the level of HTTP.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{World, digits, until, world};
use crate::requests::{payment, payout};

const ACCOUNT: &str = "truelayer-uk";

/// A payout under a fault: the client's view, and how many movements were booked.
async fn payout_under(w: &World, fault: &str) -> (reqwest::Result<(u16, String)>, usize) {
    w.fault(ACCOUNT, "create_payout", fault, 1).await;
    let before = w.movements(ACCOUNT).await.len();
    let answer = w.truelayer_raw("/v3/payouts", &digits(), &payout(&digits())).await;
    let seen = match answer {
        Ok(answer) => {
            let status = answer.status().as_u16();
            answer.text().await.map(|text| (status, text))
        }
        Err(error) => Err(error),
    };
    (seen, w.movements(ACCOUNT).await.len() - before)
}

#[tokio::test]
async fn faults_before_acceptance_book_nothing() {
    let w = world().await;
    for (fault, status) in [("http_500", 500), ("http_503", 503), ("http_429", 429)] {
        let (seen, booked) = payout_under(&w, fault).await;
        assert_eq!((seen.unwrap().0, booked), (status, 0), "{fault}");
    }
    let (seen, booked) = payout_under(&w, "connection_reset_before").await;
    assert!(seen.unwrap_err().is_request());
    assert_eq!(booked, 0);
}

#[tokio::test]
async fn faults_after_acceptance_book_exactly_once() {
    let w = world().await;
    let (seen, booked) = payout_under(&w, "connection_reset_after_accept").await;
    assert!(seen.unwrap_err().is_request());
    assert_eq!(booked, 1);
    let (seen, booked) = payout_under(&w, "http_500_after_accept").await;
    assert_eq!((seen.unwrap().0, booked), (500, 1));
    let (seen, booked) = payout_under(&w, "malformed_body").await;
    let (status, text) = seen.unwrap();
    assert!(serde_json::from_str::<Value>(&text).is_err() && !text.is_empty());
    assert_eq!((status, booked), (202, 1));
    let (seen, booked) = payout_under(&w, "empty_body").await;
    assert_eq!((seen.unwrap(), booked), ((202, String::new()), 1));
}

#[tokio::test]
async fn a_fault_after_acceptance_leaves_a_refusal_alone_and_waits_for_the_next_call() {
    let w = world().await;
    for fault in ["http_500_after_accept", "malformed_body", "empty_body"] {
        w.fault(ACCOUNT, "create_payout", fault, 1).await;
        let refused = w.truelayer_raw("/v3/payouts", &digits(), &json!({})).await.unwrap();
        assert_eq!(refused.status(), 400, "{fault}");
        let why: Value = serde_json::from_str(&refused.text().await.unwrap()).unwrap();
        assert!(why.is_object(), "{fault}: {why}");
        let rules = w.control_get(&format!("/psps/{ACCOUNT}/faults")).await;
        assert_eq!((&rules[0]["fault"], &rules[0]["times"]), (&json!(fault), &json!(1)));
        let body = payout(&digits());
        let taken = w.truelayer_raw("/v3/payouts", &digits(), &body).await.unwrap();
        let spoilt = serde_json::from_str::<Value>(&taken.text().await.unwrap()).is_err();
        assert!(spoilt, "{fault}");
        assert_eq!(w.control_get(&format!("/psps/{ACCOUNT}/faults")).await, json!([]), "{fault}");
    }
    assert_eq!(w.movements(ACCOUNT).await.len(), 3);
}

/// Every answer of Trustly's has status 200: its body tells.
#[tokio::test]
async fn a_refusal_of_trustlys_is_known_by_its_body() {
    let w = world().await;
    let payout = w.trustly_payout(&digits()).await;
    w.trustly("AccountPayout", payout.clone()).await;
    w.fault("trustly-de", "create_payout", "malformed_body", 1).await;
    assert_eq!(w.trustly("AccountPayout", payout).await["error"]["code"], 637);
    assert_eq!(w.control_get("/psps/trustly-de/faults").await[0]["times"], 1);
}

#[tokio::test]
async fn a_fault_of_refunds_meets_refunds_alone() {
    let w = world().await;
    let pay = async |reference: &str| {
        let (_, created) = w.truelayer("/v3/payments", &digits(), &payment(reference)).await;
        created["id"].as_str().unwrap().to_owned()
    };
    let id = pay(&digits()).await;
    w.complete(ACCOUNT, &id, json!({ "outcome": "succeeded" })).await;
    w.fault(ACCOUNT, "create_refund", "http_500_after_accept", 1).await;
    assert_eq!(w.truelayer_get(&format!("/v3/payments/{id}")).await.0, 200);
    pay(&digits()).await;
    let refund = json!({ "amount_in_minor": 6_000, "reference": "back" });
    let path = format!("/v3/payments/{id}/refunds");
    let answer = w.truelayer_raw(&path, &digits(), &refund).await.unwrap();
    assert_eq!(answer.status(), 500);
    let refunds = w.movements(ACCOUNT).await.into_iter().filter(|m| m["kind"] == "refund");
    assert_eq!(refunds.count(), 1);
}

#[tokio::test]
async fn a_reset_is_a_reset_on_the_wire() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let w = world().await;
    w.fault(ACCOUNT, "any", "connection_reset_before", 1).await;
    let address = w.base(ACCOUNT).replace("http://", "");
    let mut stream = tokio::net::TcpStream::connect(&address).await.unwrap();
    let request = format!("GET /v3/payments/x HTTP/1.1\r\nhost: {address}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    let error = stream.read_to_end(&mut bytes).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    assert!(bytes.is_empty());
}

#[tokio::test]
async fn timeouts_hold_the_socket_before_or_after_the_booking() {
    let w = world().await;
    for (fault, booked) in [("timeout_before_accept", 0), ("timeout_after_accept", 1)] {
        w.fault(ACCOUNT, "create_payout", fault, 1).await;
        let reference = digits();
        let (key, body) = (digits(), payout(&reference));
        let call = w.truelayer_raw("/v3/payouts", &key, &body);
        assert!(tokio::time::timeout(Duration::from_millis(400), call).await.is_err(), "{fault}");
        let count = async || {
            let list = w.movements(ACCOUNT).await;
            list.iter().filter(|m| m["client_reference"] == reference.as_str()).count()
        };
        until(fault, || async { (count().await == booked).then_some(()) }).await;
        // The caller asks again with its key: there is one movement, whatever happened before.
        let (status, _) = w.truelayer("/v3/payouts", &key, &body).await;
        assert_eq!(status, 202);
        assert_eq!(count().await, 1, "{fault}");
    }
}

#[tokio::test]
async fn a_slow_call_is_booked_even_if_the_caller_has_left() {
    let w = world().await;
    let rule = json!({ "operation": "create_payout", "fault": "slow", "delay_ms": 300 });
    w.control("/psps/truelayer-uk/faults", rule).await;
    let reference = digits();
    let (key, body) = (digits(), payout(&reference));
    let call = w.truelayer_raw("/v3/payouts", &key, &body);
    assert!(tokio::time::timeout(Duration::from_millis(100), call).await.is_err());
    w.until_status(ACCOUNT, &reference, "succeeded").await;
}

#[tokio::test]
async fn declines_are_definite_answers_or_failing_resources() {
    let w = world().await;
    let (seen, booked) = payout_under(&w, "decline_hard").await;
    assert_eq!((seen.unwrap().0, booked), (403, 0));
    let (seen, booked) = payout_under(&w, "decline_soft").await;
    assert_eq!((seen.unwrap().0, booked), (202, 1));
    let failed = w.until_received("payout_failed", 1).await.remove(0).json();
    assert_eq!(failed["failure_reason"], "insufficient_funds");
    for (fault, code) in [("decline_soft", 615), ("decline_hard", 638)] {
        w.fault("trustly-de", "create_deposit", fault, 1).await;
        let answer = w.trustly("Deposit", w.trustly_deposit(&digits())).await;
        assert_eq!(answer["error"]["code"], code);
    }
    assert!(w.movements("trustly-de").await.is_empty());
}

#[tokio::test]
async fn success_may_follow_a_decline() {
    let w = world().await;
    let rule = json!({
        "operation": "create_deposit", "fault": "success_after_decline", "times": 1,
        "delay_ms": 100,
    });
    w.control("/psps/trustly-de/faults", rule).await;
    let message_id = digits();
    w.trustly("Deposit", w.trustly_deposit(&message_id)).await;
    w.until_received("credit", 1).await;
    assert_eq!(w.received("cancel").len(), 1);
    w.until_status("trustly-de", &message_id, "succeeded").await;
}

#[tokio::test]
async fn a_webhook_can_come_before_the_answer() {
    let w = world().await;
    w.fault(ACCOUNT, "create_deposit", "webhook_before_response", 1).await;
    let (status, created) = w.truelayer("/v3/payments", &digits(), &payment(&digits())).await;
    assert_eq!(status, 201);
    let settled = w.received("payment_settled");
    assert_eq!(settled[0].json()["payment_id"], created["id"]);
}

#[tokio::test]
async fn query_faults_leave_creation_alone_and_chance_repeats_with_its_seed() {
    let w = world().await;
    let draw = async || {
        let rule = json!({ "operation": "query", "fault": "http_500", "rate": 0.5 });
        w.control("/psps/truelayer-uk/faults", rule).await;
        let mut seen = Vec::new();
        for _ in 0..24 {
            let url = format!("{}/v3/payouts/none", w.base(ACCOUNT));
            seen.push(w.http.get(url).send().await.unwrap().status().as_u16());
        }
        seen
    };
    let first = draw().await;
    assert!(first.contains(&500) && first.contains(&401));
    assert_eq!(w.truelayer("/v3/payouts", &digits(), &payout(&digits())).await.0, 202);
    w.control("/reset", json!({})).await;
    assert_eq!(draw().await, first);
}

#[tokio::test]
async fn a_listener_that_is_down_refuses_and_comes_back_on_its_port() {
    let w = world().await;
    let (key, body) = (digits(), payout(&digits()));
    assert_eq!(w.truelayer("/v3/payouts", &key, &body).await.0, 202);
    w.control("/psps/truelayer-uk/listener", json!({ "up": false })).await;
    assert_eq!(w.control_get("/psps").await[1]["up"], false);
    let error = w.truelayer_raw("/v3/payouts", &digits(), &body).await.unwrap_err();
    assert!(error.is_connect());
    w.control("/psps/truelayer-uk/listener", json!({ "up": true })).await;
    let count = until("the port", || async {
        w.truelayer_raw("/v3/payouts", &key, &body).await.ok()?;
        Some(w.movements(ACCOUNT).await.len())
    })
    .await;
    assert_eq!(count, 1);
}

#[tokio::test]
async fn a_listener_that_goes_down_kills_calls_in_flight() {
    let w = world().await;
    w.fault(ACCOUNT, "create_payout", "timeout_after_accept", 1).await;
    let (key, body) = (digits(), payout(&digits()));
    let (answer, ()) = tokio::join!(w.truelayer_raw("/v3/payouts", &key, &body), async {
        until("the booking", || async { (w.movements(ACCOUNT).await.len() == 1).then_some(()) })
            .await;
        w.control("/psps/truelayer-uk/listener", json!({ "up": false })).await;
    });
    let error = answer.unwrap_err();
    assert!(error.is_request() && !error.is_timeout());
}

#[tokio::test]
async fn a_hundred_payouts_under_random_faults_are_booked_once_each() {
    let w = world().await;
    for fault in ["http_500_after_accept", "connection_reset_after_accept", "http_503"] {
        let rule = json!({ "operation": "create_payout", "fault": fault, "rate": 0.3 });
        w.control("/psps/truelayer-uk/faults", rule).await;
    }
    for _ in 0..100 {
        let (key, body) = (digits(), payout(&digits()));
        until("an answer", || async {
            let answer = w.truelayer_raw("/v3/payouts", &key, &body).await.ok()?;
            (answer.status() == 202).then_some(())
        })
        .await;
    }
    assert_eq!(w.movements(ACCOUNT).await.len(), 100);
}
