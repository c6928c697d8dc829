//! A third party's client of Nuvei against our mock: checksums are made and checked by somebody else's
//! code, in both directions. (Nuvei's own packages have no payout, or none of it for Python.)

use crate::oracles::oracle::Oracle;
use crate::oracles::tour::fresh;
use crate::oracles::world::{Caught, World};
use crate::support::{inquiry, payout as payout_of};
use psp_contract::{InquiryBy, Subject};
use serde_json::{Map, Value, json};

fn client(world: &World, secret: &str) -> Value {
    json!({
        "url": world.base_url, "merchant": world.mock_setting("merchant_id"),
        "site": world.mock_setting("merchant_site_id"), "secret": secret,
    })
}

fn with(client: &Value, body: &Value) -> Value {
    let mut question = client.clone();
    question["body"] = body.clone();
    question
}

fn interac() -> Value {
    json!({"paymentMethod": "apmgw_Interac_eTransfer", "email": "payer@example.test"})
}

fn payment(id: &str) -> Value {
    json!({
        "amount": "10.50", "currency": "CAD", "userTokenId": "p-1", "clientUniqueId": id,
        "clientRequestId": id, "paymentOption": {"alternativePaymentMethod": interac()},
        "billingAddress": {"firstName": "Zoë", "lastName": "Roy", "country": "CA",
            "email": "payer@example.test"},
        "deviceDetails": {"ipAddress": "203.0.113.7"},
    })
}

fn payout(id: &str) -> Value {
    json!({
        "amount": "10.50", "currency": "CAD", "userTokenId": "p-1", "clientUniqueId": id,
        "clientRequestId": id, "paymentOption": {"alternativePaymentMethod": interac()},
        "userDetails": {"firstName": "Zoë", "lastName": "Roy"},
    })
}

/// The pairs of a form.
fn fields(caught: &Caught) -> Value {
    let query = caught.path_and_query.split_once('?').map_or("", |(_, query)| query);
    let form = if caught.body.is_empty() { query } else { &caught.body };
    let pairs = url::form_urlencoded::parse(form.as_bytes()).into_owned();
    Value::Object(pairs.map(|(name, value)| (name, value.into())).collect::<Map<_, _>>())
}

#[tokio::test]
async fn its_client_opens_a_deposit_and_verifies_the_notification() {
    let world = World::of("nuvei-ca").await;
    let secret = world.mock_setting("merchant_secret_key");
    let Some(mut oracle) = Oracle::start("nuvei_side.py") else { return };
    let opened = oracle.ask("payment", with(&client(&world, &secret), &payment("d-1"))).await;
    let opened = opened.unwrap();
    assert_eq!(opened["transactionStatus"], "REDIRECT", "{opened}");
    world.pay(opened["transactionId"].as_str().unwrap()).await;
    let told = fields(&world.webhook("advanceResponseChecksum").await);
    assert_eq!((&told["totalAmount"], &told["Status"]), (&json!("10.50"), &json!("APPROVED")));
    let honest = json!({"fields": told, "secret": secret});
    assert_eq!(oracle.ask("verify", honest).await, Ok(json!(true)));
    for (name, value) in [("totalAmount", "10.51"), ("currency", "USD"), ("Status", "DECLINED")] {
        let mut altered = told.clone();
        altered[name] = value.into();
        let refused = oracle.ask("verify", json!({"fields": altered, "secret": secret})).await;
        assert!(refused.as_ref().is_err_and(|it| it.starts_with("ChecksumError")), "{refused:?}");
    }
    let foreign = json!({"fields": told, "secret": "another secret"});
    assert!(oracle.ask("verify", foreign).await.is_err());
}

#[tokio::test]
async fn its_client_pays_out_once_and_asks() {
    let world = World::of("nuvei-ca").await;
    let secret = world.mock_setting("merchant_secret_key");
    let Some(mut oracle) = Oracle::start("nuvei_side.py") else { return };
    let client = client(&world, &secret);
    let made = oracle.ask("payout", with(&client, &payout("w-1"))).await.unwrap();
    assert_eq!((&made["status"], &made["errCode"]), (&json!("SUCCESS"), &json!(0)), "{made}");
    let again = oracle.ask("payout", with(&client, &payout("w-1"))).await;
    assert!(again.is_err(), "{again:?}");
    let mut question = client.clone();
    question["request"] = "w-1".into();
    let asked = oracle.ask("payout_status", question).await.unwrap();
    assert_eq!(asked["errCode"], 0, "{asked}");
    let booked = world.movements().await;
    assert_eq!((booked.len(), &booked[0]["amount"]), (1, &json!("10.50")));
}

#[tokio::test]
async fn a_checksum_with_another_secret_is_refused() {
    let world = World::of("nuvei-ca").await;
    let Some(mut oracle) = Oracle::start("nuvei_side.py") else { return };
    let client = client(&world, "a secret that is not ours");
    let refused = oracle.ask("payout", with(&client, &payout("w-1"))).await.unwrap_err();
    assert!(refused.to_lowercase().contains("checksum"), "{refused}");
    assert!(world.movements().await.is_empty());
}

#[tokio::test]
async fn its_checksum_of_what_the_adapter_sends_is_the_adapters() {
    let world = World::of("nuvei-ca").await;
    let Some(mut oracle) = Oracle::start("nuvei_side.py") else { return };
    let secret = world.mock_setting("merchant_secret_key");
    // The time stamp is the attempt's own.
    let (deposit, sent, money) = (fresh(), fresh(), world.stand.money());
    let opened = world.sent(&world.stand.deposit(deposit)).await;
    let paid = world.sent(&payout_of(sent, money, world.stand.destination())).await;
    let asked = inquiry(Subject::Payout, sent, money, InquiryBy::OurReference);
    let asked = world.sent(&asked).await;
    let mut calls = Vec::new();
    for request in [opened, paid, asked].into_iter().flatten() {
        let path = request.url.rsplit('/').next().unwrap();
        let call = path.strip_suffix(".do").unwrap_or(path).to_owned();
        let mut body: Value = serde_json::from_slice(&request.body).unwrap();
        let ours = body["checksum"].clone();
        let question = |body: &Value| json!({"call": call, "body": body, "secret": secret});
        assert_eq!(oracle.ask("checksum", question(&body)).await, Ok(ours.clone()), "{call}");
        body["timeStamp"] = "20200101000000".into();
        assert_ne!(oracle.ask("checksum", question(&body)).await, Ok(ours), "{call}");
        calls.push(call);
    }
    assert_eq!(calls, ["getSessionToken", "payment", "payout", "getPayoutStatus"]);
}
