//! A PSP's message that overtakes its own answer: the next PSP is then asked by whoever brought the message,
//! and the first request is answered all the same.

use super::bounced_payouts::{refused, submit};
use super::harness::{SOON, World, deposit_order, eur, eventually};
use interlock::book::Payment;
use interlock::decide::command::{News, Source};
use interlock::decide::{Answer, Command};
use interlock::payments::run_attempts::run_attempts;
use interlock::payments::run_first_round::run_first_round;
use interlock::payments::start_deposit::{DepositOrder, start_deposit};
use interlock::store::read_keys;
use serde_json::{Value, json};
use std::time::Duration;

const FIRST: &str = "trustly-de";
const SECOND: &str = "truelayer-de";

/// The answer as the casino is told it.
async fn stored(world: &World, order: &DepositOrder) -> Option<Value> {
    let mut connection = world.rows.acquire().await.unwrap();
    let ids = [order.claim.id.clone()];
    let known = read_keys::states(&mut connection, &ids).await.unwrap().pop().unwrap();
    let (status, body) = known.unwrap().answer?;
    assert_eq!(status, 201);
    Some(serde_json::from_slice(&body).unwrap())
}

/// The first PSP's refusal arrives while its own answer is held back, and the second is asked, as an inbox
/// does it.
async fn is_refused_meanwhile(world: &World, deposit: &Payment) {
    let asked = || async { (!world.mocks.has_faults(FIRST).await).then_some(()) };
    eventually("the first PSP is asked", SOON, asked).await;
    let news = News {
        payment: deposit.id.uuid,
        direction: deposit.direction(),
        attempt: deposit.attempts[0].id,
        source: Source::Webhook { hint: false },
        outcome: refused(true),
        wires: Vec::new(),
    };
    let told = submit(world, deposit, Command::News(Box::new(news))).await;
    let Answer::Applied { payment, next: Some(next), .. } = told else { panic!("{told:?}") };
    let flows = world.one().flows.clone();
    world.one().run(async move { run_attempts(&flows, (*payment).clone(), next).await }).await;
}

/// What the first request is told, when its casino waits for so long.
async fn told_within(patience: Duration, second_takes_ms: u64) -> String {
    let world = World::new().await;
    for (psp, delay_ms) in [(FIRST, 1_200), (SECOND, second_takes_ms)] {
        let slow = json!({"operation": "create_deposit", "fault": "slow", "times": 1,
                          "delay_ms": delay_ms});
        world.mocks.fault_with(psp, slow).await;
    }
    let player = world.player("DE").await;
    let order = deposit_order(&player, eur(900));
    let (flows, of) = (world.one().flows.clone(), order.clone());
    let begun = world.one().run(async move { start_deposit(&flows, &of).await }).await.unwrap();
    let Answer::Payment(deposit) = begun else { panic!("{begun:?}") };
    let (flows, begun, key) = (world.one().flows.clone(), deposit.clone(), order.claim.id.clone());
    let request = async {
        let round = async move { run_first_round(&flows, &begun, &key, patience).await };
        world.one().run(round).await.unwrap();
        stored(&world, &order).await
    };
    let (told, ()) = tokio::join!(request, is_refused_meanwhile(&world, &deposit));
    let status = told.expect("an answer is stored")["status"].as_str().unwrap().to_owned();
    let after = world.payment(deposit.id).await;
    let tried: Vec<_> = after.attempts.iter().map(|it| (&*it.psp, it.status.as_str())).collect();
    assert_eq!(tried, [(FIRST, "declined"), (SECOND, "accepted")]);
    world.close().await;
    status
}

#[tokio::test(flavor = "multi_thread")]
async fn a_round_that_goes_on_elsewhere_is_waited_for() {
    assert_eq!(told_within(Duration::from_secs(15), 2_500).await, "action_required");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_round_that_goes_on_elsewhere_for_too_long_is_told_to_be_processing() {
    assert_eq!(told_within(Duration::from_millis(1_500), 3_000).await, "processing");
}
