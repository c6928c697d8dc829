//! What an instance tells the others of PSPs, and what counts into a day's volumes.

use super::harness::{Setup, World, eur, key};
use super::routing::watchful;
use interlock::domain::{Currency, Direction, Method};
use interlock::flows::Flows;
use interlock::payments::facts::pseudonym;
use interlock::payments::receive_payin::{Received, receive_payin};
use interlock::routing::health::Bucket;
use interlock::routing::share_health::{begin_sharing, share_health};
use psp_contract::{NotSent, Outcome, Payin, PayinTarget};

const PSP: &str = "trustly-de";

/// One call that met a closed port.
fn call(flows: &Flows) {
    let bucket = Bucket {
        direction: Direction::Deposit,
        country: "DE".to_owned(),
        method: Method::BankTransfer,
        currency: Currency::EUR,
    };
    let call = flows.health.sent(&bucket, PSP, flows.clock.now());
    call.answered(&Outcome::NotSent(NotSent::ConnectRefused), flows.clock.now());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_told_while_its_answer_was_lost_is_told_once_and_the_rest_goes_on() {
    let world = World::with(Setup { workers: false, ..watchful() }).await;
    let flows = world.one().flows.clone();
    let run = async |sql: &'static str| {
        sqlx::raw_sql(sql).execute(&world.rows).await.unwrap();
    };
    let mut sharing = begin_sharing(&flows).await.unwrap();
    let mut share = async || share_health(&flows, &mut sharing, flows.clock.now()).await;
    call(&flows);
    share().await.unwrap();
    run("revoke insert on psp_health_told from interlock_app").await;
    call(&flows);
    share().await.unwrap_err();
    // It is there all the same, as when only the answer to it was lost.
    run("insert into psp_health_told (stream, number, told)
           select stream, 1, '[]' from psp_health_told;
         grant insert on psp_health_told to interlock_app")
    .await;
    call(&flows);
    share().await.unwrap();
    let told = "select number || ' ' || json_array_length(told) from psp_health_told
                order by number";
    // The third call is what trips it: both are told.
    assert_eq!(world.texts(told).await, ["0 1", "1 0", "2 2"]);
    drop(flows);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn money_that_arrives_without_a_request_counts_into_the_days_volume() {
    let world = World::with(Setup { liars: vec![PSP], ..Setup::default() }).await;
    let player = world.player("DE").await;
    let payin = Payin {
        target: PayinTarget::PlayerReference(pseudonym(&player).simple().to_string()),
        psp_reference: format!("tx-{}", key()),
        money: eur(2_000),
        asset: None,
        payer: None,
        chain: None,
        confirmed: true,
    };
    let flows = world.one().flows.clone();
    let arrive = async || {
        let (flows, payin) = (flows.clone(), payin.clone());
        world
            .one()
            .run(async move { receive_payin(&flows, PSP, &payin, None).await.unwrap() })
            .await
    };
    let carried = || {
        let key = (PSP.to_owned(), Direction::Deposit, Currency::EUR);
        flows.volumes.today(flows.clock.now()).get(&key).copied()
    };
    assert_eq!(carried(), None);
    assert!(matches!(arrive().await, Received::Booked(_)));
    assert_eq!(carried(), Some(2_000));
    assert!(matches!(arrive().await, Received::Seen));
    assert_eq!(carried(), Some(2_000), "once");
    drop(flows);
    world.close().await;
}
