//! A restart: what the merchant has not acknowledged is told again, all of it, as what it was.

use std::path::PathBuf;
use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use crate::harness::{Received, World, digits};
use crate::{adyen, paysafe};

/// A folder for books that is gone afterwards.
struct Books(PathBuf);

impl Books {
    fn new() -> Self {
        Self(std::env::temp_dir().join(format!("mock-psps-{}", digits())))
    }
}

impl Drop for Books {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The event and its id of a standard webhook of Adyen's.
fn event(received: &Received) -> (String, String) {
    let item = adyen::item(received);
    let text = |name: &str| item[name].as_str().unwrap().to_owned();
    (text("eventCode"), text("pspReference"))
}

/// The events in the order in which each was first heard.
fn heard(w: &World) -> Vec<(String, String)> {
    let mut events: Vec<_> = Vec::new();
    for event in w.received_by(adyen::ID).iter().map(event) {
        if !events.contains(&event) {
            events.push(event);
        }
    }
    events
}

async fn until_heard(w: &World, count: usize) -> Vec<(String, String)> {
    crate::harness::until("all events", || async { (heard(w).len() >= count).then_some(()) }).await;
    heard(w)
}

/// A card payment that was charged back, and its dispute won.
async fn disputed(w: &World) -> String {
    let charge = adyen::charge(&digits(), "M5N7TQ4TG5PFWR50");
    let (_, paid) = adyen::post(w, "/v71/payments", &digits(), &charge).await;
    let payment = paid["pspReference"].as_str().unwrap().to_owned();
    for outcome in ["charged_back", "succeeded"] {
        let done = w.complete(adyen::ID, &payment, json!({ "outcome": outcome })).await;
        assert_eq!(done.0, 200, "{}", done.1);
    }
    payment
}

#[tokio::test]
async fn every_notification_that_was_not_acknowledged_comes_again_as_what_it_was() {
    let books = Books::new();
    let first = adyen::world_in(Some(books.0.clone())).await;
    first.merchant.refuse.store(1_000, Ordering::SeqCst);
    disputed(&first).await;
    let refused = until_heard(&first, 3).await;
    let codes: Vec<&str> = refused.iter().map(|(code, _)| code.as_str()).collect();
    assert_eq!(codes, ["AUTHORISATION", "CHARGEBACK", "CHARGEBACK_REVERSED"]);
    first.running.stop().await;
    let second = adyen::world_in(Some(books.0.clone())).await;
    assert_eq!(until_heard(&second, 3).await, refused);
    // What was taken this time is over: after one more restart only what is new comes.
    crate::harness::until("the last is settled", || async {
        let kept = std::fs::read_to_string(books.0.join(format!("{}.jsonl", adyen::ID))).unwrap();
        (kept.matches(r#""value":null"#).count() == 3).then_some(())
    })
    .await;
    second.running.stop().await;
    let third = adyen::world_in(Some(books.0.clone())).await;
    disputed(&third).await;
    let told = until_heard(&third, 3).await;
    assert!(told.iter().all(|event| !refused.contains(event)), "{told:?}");
    assert_eq!(third.received_by(adyen::ID).len(), 3);
    third.running.stop().await;
}

/// After a restart nothing is known of what was sent last: what is told of a won dispute is its win.
#[tokio::test]
async fn a_won_dispute_is_told_as_one_after_a_restart_too() {
    let books = Books::new();
    let first = adyen::world_in(Some(books.0.clone())).await;
    let payment = disputed(&first).await;
    let refused = until_heard(&first, 3).await;
    first.running.stop().await;
    let second = adyen::world_in(Some(books.0.clone())).await;
    let resend = json!({ "reference": payment, "times": 1 });
    let (status, sent) =
        second.control(&format!("/psps/{}/webhooks/resend", adyen::ID), resend).await;
    assert_eq!((status, &sent["event"]), (200, &json!("CHARGEBACK_REVERSED")));
    assert!(second.received_by(adyen::ID).iter().map(event).any(|told| told == refused[2]));
    second.running.stop().await;
}

/// Nothing has moved yet, and yet the merchant must hear of it: its second call is due.
#[tokio::test]
async fn a_payer_who_waits_for_the_merchant_is_not_forgotten() {
    let books = Books::new();
    let first = paysafe::paysafe_in(Some(books.0.clone())).await;
    first.merchant.refuse.store(1_000, Ordering::SeqCst);
    let (_, made) =
        paysafe::post(&first, "paymenthandles", &paysafe::handle(&digits(), "PAYMENT")).await;
    let id = made["id"].as_str().unwrap();
    first.complete(paysafe::ID, id, json!({ "outcome": "succeeded" })).await;
    let payable = |w: &Received| w.json()["eventType"] == "PAYMENT_HANDLE_PAYABLE";
    let refused: Value = first.until_told(paysafe::ID, 1, payable).await.remove(0).json();
    first.running.stop().await;
    let second = paysafe::paysafe_in(Some(books.0.clone())).await;
    let told: Value = second.until_told(paysafe::ID, 1, payable).await.remove(0).json();
    assert_eq!(told, refused);
    second.running.stop().await;
}
