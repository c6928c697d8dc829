//! The control API: who may call it, and what it does to the books.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::harness::{World, digits, until, world, world_with};
use crate::requests::{payment, payout};

#[tokio::test]
async fn only_local_tools_are_served() {
    let w = world().await;
    let url = format!("{}/psps", w.running.control_url);
    let status = async |name: &str, value: &str| {
        w.http.get(&url).header(name, value).send().await.unwrap().status().as_u16()
    };
    assert_eq!(status("host", "evil.example").await, 403);
    assert_eq!(status("host", "127.0.0.1.evil.example:80").await, 403);
    assert_eq!(status("host", "localhost:1").await, 200);
    assert_eq!(status("host", "[::1]:8090").await, 200);
    assert_eq!(status("origin", "http://127.0.0.1").await, 403);
    let reset = format!("{}/reset", w.running.control_url);
    let form = w.http.post(reset).body("{}").header("content-type", "text/plain");
    assert_eq!(form.send().await.unwrap().status(), 415);
    assert_eq!(w.control_get("/vendors").await, json!([]));
}

/// The PSPs' own ports are within a browser's reach as well: their pages are served to it, and no others'.
#[tokio::test]
async fn a_psp_serves_this_machine_and_its_own_pages_only() {
    let w = world().await;
    let answer = w.trustly("Deposit", w.trustly_deposit(&digits())).await;
    let page = answer["result"]["data"]["url"].as_str().unwrap().to_owned();
    let status = async |name: &str, value: &str| {
        let close = w.http.post(format!("{page}/close")).header(name, value);
        close.send().await.unwrap().status().as_u16()
    };
    for host in ["evil.example", "localhost.evil.example:80", ""] {
        assert_eq!(status("host", host).await, 403, "{host}");
    }
    for origin in ["https://evil.example", "http://127.0.0.1.evil.example", "null"] {
        assert_eq!(status("origin", origin).await, 403, "{origin}");
    }
    assert_eq!(status("host", "localhost:1").await, 200);
    let own = page.split_once("/checkout/").unwrap().0;
    for origin in [own, "http://localhost:8080", "http://[::1]:8080"] {
        assert_eq!(status("origin", origin).await, 200, "{origin}");
    }
    // A browser names itself to the page that it came from, and to nobody else.
    let shown = w.http.get(&page).send().await.unwrap();
    assert_eq!(shown.headers()["referrer-policy"], "same-origin");
}

#[tokio::test]
async fn mistakes_are_told_as_problems_whatever_they_are() {
    let w = world().await;
    let told = async |method: reqwest::Method, path: &str| {
        let url = format!("{}{path}", w.running.control_url);
        let answer = w.http.request(method, url).send().await.unwrap();
        let kind = answer.headers()["content-type"].to_str().unwrap().to_owned();
        let allow = answer.headers().contains_key("allow");
        (answer.status().as_u16(), kind == "application/problem+json", allow)
    };
    use reqwest::Method;
    assert_eq!(told(Method::GET, "/nope").await, (404, true, false));
    assert_eq!(told(Method::PUT, "/psps").await, (405, true, true));
    // An empty statement would look like a day on which nothing moved.
    for day in ["yesterday", "2026-02-30", "20261231", ""] {
        let path = format!("/psps/truelayer-uk/statement?date={day}");
        assert_eq!(told(Method::GET, &path).await, (422, true, false), "{day}");
    }
    let plant = json!({ "break": "extra", "date": "2026-13-01" });
    assert_eq!(w.control("/psps/truelayer-uk/statement/plant", plant).await.0, 422);
}

#[tokio::test]
async fn faults_that_can_never_happen_are_refused() {
    let w = world().await;
    for rule in [
        json!({ "operation": "query", "fault": "webhook_drop" }),
        json!({ "operation": "webhook", "fault": "http_500" }),
        json!({ "operation": "create_refund", "fault": "decline_soft" }),
        json!({ "operation": "any", "fault": "http_500", "rate": 1.5 }),
    ] {
        assert_eq!(w.control("/psps/trustly-de/faults", rule).await.0, 422);
    }
    assert_eq!(w.control("/psps/none/faults", json!({})).await.0, 404);
    let rule = json!({ "operation": "any", "fault": "slow", "rate": 0.25, "delay_ms": 5 });
    w.control("/psps/trustly-de/faults", rule).await;
    let list = w.control_get("/psps/trustly-de/faults").await;
    assert_eq!((&list[0]["rate"], &list[0]["times"]), (&json!(0.25), &Value::Null));
    let url = format!("{}/psps/trustly-de/faults", w.running.control_url);
    assert_eq!(w.http.delete(url).send().await.unwrap().status(), 204);
    assert_eq!(w.control_get("/psps/trustly-de/faults").await, json!([]));
}

#[tokio::test]
async fn a_movement_is_completed_once_with_amount_and_payer() {
    let w = world().await;
    let answer = w.trustly("Deposit", w.trustly_deposit(&digits())).await;
    let order_id = answer["result"]["data"]["orderid"].as_str().unwrap();
    let body = json!({
        "outcome": "succeeded", "amount": "80.00",
        "payer": { "name": "Max Muster", "iban": "DE89370400440532013000" },
    });
    let (status, movement) = w.complete("trustly-de", order_id, body.clone()).await;
    assert_eq!((status, &movement["amount"]), (200, &json!("80.00")));
    assert_eq!(w.complete("trustly-de", order_id, body).await.0, 409);
    let account = w.until_received("account", 1).await.remove(0).json();
    let attributes = &account["params"]["data"]["attributes"];
    assert_eq!(
        (&attributes["name"], &attributes["lastdigits"]),
        (&json!("Max Muster"), &json!("3000"))
    );
    let back = json!({ "outcome": "charged_back" });
    assert_eq!(w.complete("trustly-de", order_id, back).await.0, 200);
    w.until_received("debit", 1).await;
}

#[tokio::test]
async fn auto_completes_what_comes_after_it() {
    let w = world().await;
    let auto = json!({ "complete_after_ms": 1, "outcome": "expired" });
    w.control("/psps/truelayer-uk/auto", auto).await;
    let reference = digits();
    w.truelayer("/v3/payments", &digits(), &payment(&reference)).await;
    w.until_status("truelayer-uk", &reference, "expired").await;
    let failed = w.until_received("payment_failed", 1).await.remove(0).json();
    assert_eq!(failed["failure_reason"], "expired");
}

#[tokio::test]
async fn so_many_payers_decline_as_they_are_told_to() {
    let w = world().await;
    let all = json!({ "complete_after_ms": 1, "outcome": "succeeded", "declined": 1 });
    w.control("/psps/truelayer-uk/auto", all).await;
    let reference = digits();
    w.truelayer("/v3/payments", &digits(), &payment(&reference)).await;
    w.until_status("truelayer-uk", &reference, "declined").await;
    let half = json!({ "complete_after_ms": 1, "outcome": "succeeded", "declined": 0.5 });
    w.control("/psps/truelayer-uk/auto", half).await;
    let mut succeeded = 0;
    for _ in 0..24 {
        let reference = digits();
        w.truelayer("/v3/payments", &digits(), &payment(&reference)).await;
        succeeded += usize::from(w.until_over("truelayer-uk", &reference).await == "succeeded");
    }
    assert!((4..=20).contains(&succeeded), "{succeeded} of 24");
    let more = json!({ "complete_after_ms": 1, "declined": 1.5 });
    assert_eq!(w.control("/psps/truelayer-uk/auto", more).await.0, 422);
}

#[tokio::test]
async fn a_payin_pays_an_open_request_with_another_amount() {
    let w = world().await;
    let message_id = digits();
    w.trustly("Deposit", w.trustly_deposit(&message_id)).await;
    let payin = json!({ "reference": message_id, "amount": "70.00" });
    let (status, movement) = w.control("/psps/trustly-de/payins", payin).await;
    assert_eq!((status, &movement["amount"]), (200, &json!("70.00")));
    // What was paid and has gone back is no open request either.
    let back = movement["reference"].as_str().unwrap();
    w.complete("trustly-de", back, json!({ "outcome": "charged_back" })).await;
    let again = json!({ "reference": message_id, "amount": "70.00" });
    assert_eq!(w.control("/psps/trustly-de/payins", again).await.0, 422);
    let stray = json!({ "reference": "nobody", "amount": "1.00" });
    assert_eq!(w.control("/psps/trustly-de/payins", stray).await.0, 422);
}

/// Two runs in one process each have a time of their own, and a reset is the end of it.
#[tokio::test]
async fn the_clock_of_one_run_is_set_forward() {
    let (mut ahead, other) = (world().await, world().await);
    let booked = async |w: &World| {
        let reference = digits();
        w.truelayer("/v3/payouts", &digits(), &payout(&reference)).await;
        let movements = w.movements("truelayer-uk").await;
        let of_it = |m: &&Value| m["client_reference"] == json!(reference);
        let movement = movements.iter().find(of_it).unwrap();
        let at = movement["created_at"].as_str().unwrap().to_owned();
        let format = &time::format_description::well_known::Rfc3339;
        (OffsetDateTime::parse(&at, format).unwrap() - OffsetDateTime::now_utc()).whole_hours()
    };
    assert_eq!(ahead.control("/clock", json!({ "ahead_s": 90_000 })).await.0, 200);
    // Whatever it was given before has run out by then.
    ahead.token = ahead.fetch_token().await;
    assert_eq!((booked(&ahead).await, booked(&other).await), (24, 0));
    assert_eq!(ahead.control("/clock", json!({ "ahead_s": -1 })).await.0, 422);
    assert_eq!(ahead.control("/reset", json!({})).await.0, 200);
    assert_eq!(booked(&ahead).await, 0);
}

/// An access token says how long it lives, and lives so long.
#[tokio::test]
async fn a_token_runs_out_by_the_mocks_clock() {
    let mut w = world().await;
    let asked = async |w: &World| w.truelayer_get("/v3/payments/nobody").await.0;
    assert_eq!(asked(&w).await, 404);
    w.control("/clock", json!({ "ahead_s": 3_590 })).await;
    assert_eq!(asked(&w).await, 404);
    w.control("/clock", json!({ "ahead_s": 3_610 })).await;
    assert_eq!(asked(&w).await, 401);
    w.token = w.fetch_token().await;
    assert_eq!(asked(&w).await, 404);
    let s = crate::mtls::scene().await;
    let asked = async || s.efi("GET", "/v2/cob/nobody", Value::Null).await.0;
    assert_eq!(asked().await, 404);
    s.w.control("/clock", json!({ "ahead_s": 3_610 })).await;
    assert_eq!(asked().await, 401);
}

#[tokio::test]
async fn a_statement_shows_what_settled_and_its_planted_breaks() {
    let w = world().await;
    let references = [digits(), digits(), digits()];
    for reference in &references {
        w.truelayer("/v3/payouts", &digits(), &payout(reference)).await;
        w.until_status("truelayer-uk", reference, "succeeded").await;
    }
    let read = async || {
        let url = format!("{}/psps/truelayer-uk/statement", w.running.control_url);
        w.http.get(url).send().await.unwrap().text().await.unwrap()
    };
    let honest = read().await;
    assert!(honest.starts_with("date,reference,client_reference,kind,amount,fee,currency\n"));
    assert!(honest.lines().nth(1).unwrap().contains(",payout,49.90,0.25,GBP"));
    assert_eq!(honest.lines().count(), 4);
    let plant = async |kind: &str| {
        w.control("/psps/truelayer-uk/statement/plant", json!({ "break": kind })).await.0
    };
    for kind in ["missing", "amount", "extra"] {
        assert_eq!(plant(kind).await, 200, "{kind}");
    }
    assert_eq!(plant("fee").await, 409);
    let broken = read().await;
    assert_eq!(broken.lines().count(), 4);
    assert!(broken.contains("50.90") && !broken.contains(&references[0]));
}

#[tokio::test]
async fn books_and_idempotency_survive_a_restart() {
    let folder = std::env::temp_dir().join(format!("mock-psps-{}", digits()));
    let first = world_with(Some(folder.clone())).await;
    let (key, body) = (digits(), payout(&digits()));
    let (_, created) = first.truelayer("/v3/payouts", &key, &body).await;
    first.running.stop().await;
    let second = world_with(Some(folder.clone())).await;
    let (status, again) = second.truelayer("/v3/payouts", &key, &body).await;
    assert_eq!((status, again), (202, created));
    let list = second.movements("truelayer-uk").await;
    assert_eq!(list.len(), 1);
    until("the payout", || async {
        (second.movements("truelayer-uk").await[0]["status"] == "succeeded").then_some(())
    })
    .await;
    second.control("/reset", json!({ "books": true })).await;
    assert!(second.movements("truelayer-uk").await.is_empty());
    second.running.stop().await;
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_notification_that_was_not_acknowledged_survives_a_restart() {
    let folder = std::env::temp_dir().join(format!("mock-psps-{}", digits()));
    let first = world_with(Some(folder.clone())).await;
    first.merchant.refuse.store(1_000, Ordering::SeqCst);
    first.truelayer("/v3/payouts", &digits(), &payout(&digits())).await;
    let refused = first.until_received("payout_executed", 1).await.remove(0).json();
    first.running.stop().await;
    let second = world_with(Some(folder.clone())).await;
    let taken = second.until_received("payout_executed", 1).await.remove(0).json();
    assert_eq!(taken["event_id"], refused["event_id"]);
    second.running.stop().await;
    std::fs::remove_dir_all(folder).unwrap();
}
