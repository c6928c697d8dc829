//! The same request again and again, and many requests for the same money, over two instances.

use super::api::{Api, Told, fresh};
use super::place::Place;
use super::world::World;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Instant;
use tokio::task::JoinSet;

const COPIES: usize = 1_000;
const CONNECTIONS: usize = 32;

/// Each connection sends its share, one after the other. A copy that meets the first one under way
/// is told so (409) and asks again, as a client would.
async fn send_copies(instances: [Api; 2], body: Value) -> Vec<Told> {
    let mut senders = JoinSet::new();
    for number in 0..CONNECTIONS {
        // A client of its own is a connection of its own.
        let api = Api::at(&instances[number % 2].url);
        let body = body.clone();
        let share = COPIES / CONNECTIONS + usize::from(number < COPIES % CONNECTIONS);
        senders.spawn(async move {
            let mut told = Vec::new();
            while told.len() < share {
                let answer = api.try_post("/v1/deposits", "copies-0001", &body).await.unwrap();
                if answer.status == 409 {
                    assert_eq!(answer.text("code"), "idempotency.in_progress");
                    continue;
                }
                told.push(answer);
            }
            told
        });
    }
    senders.join_all().await.concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_copies_of_one_deposit_are_one_deposit() {
    let world = World::new().await;
    let elsewhere = Place::new();
    let (_first, _second) = (world.serve().await, world.another(&elsewhere).await);
    let (one, other) = (world.api.clone(), Api::at(elsewhere.api_url()));
    one.player("p-copies").await;
    let body = one.deposit_body("p-copies", "12.34");
    let started = Instant::now();
    let told = send_copies([one.clone(), other.clone()], body.clone()).await;
    println!("{COPIES} copies over {CONNECTIONS} connections in {:?}", started.elapsed());
    assert_eq!(told.len(), COPIES);
    let bytes: BTreeSet<&[u8]> = told.iter().map(|answer| answer.bytes.as_slice()).collect();
    assert_eq!(bytes.len(), 1, "the same bytes");
    assert!(told.iter().all(|answer| answer.status == 201));
    let first = told.iter().filter(|answer| !answer.replayed).count();
    assert_eq!(first, 1, "all but one are told as a repeat");
    assert_eq!(world.count("select count(*) from payment").await, 1);
    assert_eq!(world.count("select count(*) from attempt").await, 1);
    assert_eq!(world.control.movements("trustly-de").await.len(), 1);
    assert_eq!(world.control.movements("truelayer-de").await.len(), 0);

    let mut changed = body;
    changed["amount"] = "12.35".into();
    let reused = other.try_post("/v1/deposits", "copies-0001", &changed).await.unwrap();
    assert_eq!(
        (reused.status.as_u16(), reused.text("code").as_str()),
        (422, "idempotency.key_reused")
    );
    world.proves().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_withdrawals_share_what_covers_fifty() {
    let world = World::new().await;
    let elsewhere = Place::new();
    let (_first, _second) = (world.serve().await, world.another(&elsewhere).await);
    let (one, other) = (world.api.clone(), Api::at(elsewhere.api_url()));
    one.player("p-crowd").await;
    let deposit = one.deposit("p-crowd", "500.00").await;
    let attempt = deposit["attempts"][0]["id"].as_str().unwrap();
    world.control.complete("trustly-de", attempt, "succeeded").await;
    one.until_status(deposit["id"].as_str().unwrap(), &["succeeded"]).await;
    let mut asking = JoinSet::new();
    let started = Instant::now();
    for number in 0..200 {
        let api = if number % 2 == 0 { one.clone() } else { other.clone() };
        let body = json!({
            "player_id": "p-crowd", "amount": "10.00", "currency": "EUR",
            "method": "bank_transfer",
            "destination": { "type": "source", "deposit_id": deposit["id"] },
        });
        // A lane that is too busy says so (503), and the client comes again.
        asking.spawn(async move { api.insist("/v1/withdrawals", &fresh(), &body).await });
    }
    let told = asking.join_all().await;
    println!("200 withdrawals in {:?}", started.elapsed());
    let fine: Vec<&Told> = told.iter().filter(|answer| answer.status == 201).collect();
    let refused = told.iter().filter(|answer| answer.status == 422);
    let refused = refused.filter(|answer| answer.text("code") == "wallet.insufficient_funds");
    assert_eq!((fine.len(), refused.count()), (50, 150), "of {}", told.len());
    for answer in fine {
        one.until_status(&answer.text("id"), &["paid"]).await;
    }
    assert_eq!(one.wallet("p-crowd").await, ("0.00".to_owned(), "0.00".to_owned()));
    let payouts = world.control.movements("trustly-de").await;
    let payouts = payouts.iter().filter(|m| m["kind"] == "payout" && m["status"] == "succeeded");
    assert_eq!(payouts.count(), 50);
    world.proves().await;
    world.end().await;
}
