//! Hosted pages, as a browser without script uses them.

use serde_json::json;

use crate::harness::{digits, world};
use crate::requests::payment;

#[tokio::test]
async fn the_trustly_page_shows_the_amount_and_sends_the_payer_back() {
    let w = world().await;
    let message_id = digits();
    let answer = w.trustly("Deposit", w.trustly_deposit(&message_id)).await;
    let url = answer["result"]["data"]["url"].as_str().unwrap().to_owned();
    let page = w.http.get(&url).send().await.unwrap();
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("default-src 'none'") && policy.contains("https://casino.example"));
    let html = page.text().await.unwrap();
    for part in ["100.00 EUR", "MOCK", "id=\"approve\"", "id=\"decline\"", "id=\"expire\""] {
        assert!(html.contains(part), "{part}");
    }
    let closed = w.http.post(format!("{url}/close")).send().await.unwrap();
    assert_eq!(closed.status(), 200);
    w.until_status("trustly-de", &message_id, "pending").await;
    let approved = w.http.post(format!("{url}/approve")).send().await.unwrap();
    assert_eq!(approved.status(), 303);
    assert_eq!(approved.headers()["location"], "https://casino.example/ok");
    w.until_status("trustly-de", &message_id, "succeeded").await;
    let late = w.http.post(format!("{url}/decline")).send().await.unwrap();
    assert_eq!(late.status(), 409);
}

#[tokio::test]
async fn the_truelayer_page_returns_with_the_payment_id() {
    let w = world().await;
    let reference = digits();
    let (_, created) = w.truelayer("/v3/payments", &digits(), &payment(&reference)).await;
    let id = created["id"].as_str().unwrap();
    let base = w.base("truelayer-uk");
    let doorway = w.http.get(format!("{base}/payments")).send().await.unwrap();
    assert!(doorway.text().await.unwrap().contains("/assets/hosted.js"));
    let page = format!("{base}/hosted/{id}");
    let html = w.http.get(&page).query(&[("return_uri", "https://casino.example/r?a=1")]);
    let html = html.send().await.unwrap().text().await.unwrap();
    assert!(html.contains("100.00 GBP") && html.contains("name=\"return_uri\""));
    let (_, view) = w.truelayer_get(&format!("/v3/payments/{id}")).await;
    assert_eq!(view["status"], "authorizing");
    let form = [("return_uri", "https://casino.example/r?a=1")];
    let done = w.http.post(format!("{page}/decline")).form(&form).send().await.unwrap();
    let location = done.headers()["location"].to_str().unwrap();
    assert_eq!(location, format!("https://casino.example/r?a=1&payment_id={id}"));
    w.until_status("truelayer-uk", &reference, "declined").await;
    assert_eq!(w.until_received("payment_failed", 1).await[0].json()["payment_id"], json!(id));
}
