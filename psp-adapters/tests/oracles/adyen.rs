//! Adyen's own libraries for Python and Node, both ways: they verify what our mock signs, our adapter
//! verifies what they sign, and their clients pay and transfer at our mock. Requests, answers and webhooks
//! are held against the published descriptions.

use crate::oracles::oracle::Oracle;
use crate::oracles::prism::{Description, Prism};
use crate::oracles::tour::{fresh, through, tour};
use crate::oracles::world::{Caught, World};
use crate::stands::adyen::{
    API_KEY, BALANCE_ACCOUNT, HMAC_KEY, MERCHANT_ACCOUNT, TRANSFERS_HMAC_KEY,
};
use crate::support::{attempt, brought, deposit_with, leaves, payout};
use psp_contract::{HttpRequest, Instrument, Method, NextAction, Status};
use serde_json::{Value, json};

const PROGRAMS: [&str; 2] = ["adyen_side.py", "adyen_side.js"];
const FOREIGN_KEY: &str = "00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF";

const CHECKOUT: Description = Description {
    file: "adyen-checkout-v71.json",
    base: "/v71",
    paths: &[
        "/payments",
        "/payments/details",
        "/payments/{paymentPspReference}/refunds",
        "/paymentLinks",
        "/paymentLinks/{linkId}",
    ],
};

const TRANSFERS: Description = Description {
    file: "adyen-transfers-v4.json",
    base: "/btl/v4",
    paths: &["/transfers", "/transfers/{id}"],
};

const PAYMENT_WEBHOOKS: Description = Description {
    file: "adyen-webhooks-v1.json",
    base: "",
    paths: &["/AUTHORISATION", "/REFUND", "/CHARGEBACK"],
};

const TRANSFER_WEBHOOKS: Description = Description {
    file: "adyen-transfer-notifications-v4.json",
    base: "",
    paths: &["/balancePlatform.transfer.updated"],
};

/// A deposit that was paid, and its notification.
async fn authorised(world: &World) -> Caught {
    // A link's life is counted from its attempt's own time.
    let attempt = fresh();
    let report = world.perform(&world.stand.deposit(attempt)).await;
    world.pay(&world.order(attempt, &report).await).await;
    world.webhook("AUTHORISATION").await
}

/// A payout that was booked, and its notification.
async fn booked(world: &World) -> Caught {
    world.perform(&payout(attempt(2), world.stand.money(), world.stand.destination())).await;
    world.webhook(r#""status":"booked""#).await
}

fn item(caught: &Caught) -> Value {
    let body: Value = serde_json::from_str(&caught.body).unwrap();
    body["notificationItems"][0]["NotificationRequestItem"].clone()
}

#[tokio::test]
async fn its_libraries_verify_the_mocks_payment_webhooks_and_no_others() {
    let world = World::of("adyen-de").await;
    let honest = item(&authorised(&world).await);
    let mut altered = honest.clone();
    altered["amount"]["value"] = 1051.into();
    let mut failed = honest.clone();
    failed["success"] = "false".into();
    for name in PROGRAMS {
        let Some(mut oracle) = Oracle::start(name) else { return };
        for (item, key, fine) in [
            (&honest, HMAC_KEY, true),
            (&altered, HMAC_KEY, false),
            (&failed, HMAC_KEY, false),
            (&honest, FOREIGN_KEY, false),
        ] {
            let said = oracle.ask("verify_item", json!({"item": item, "key": key})).await;
            assert_eq!(said, Ok(json!(fine)), "{name}: {item}");
        }
    }
}

#[tokio::test]
async fn its_libraries_verify_the_mocks_transfer_webhooks_and_no_others() {
    let world = World::of("adyen-de").await;
    let caught = booked(&world).await;
    let altered = caught.body.replace("1050", "1051");
    assert_ne!(altered, caught.body);
    for name in PROGRAMS {
        let Some(mut oracle) = Oracle::start(name) else { return };
        for (body, key, fine) in [
            (&caught.body, TRANSFERS_HMAC_KEY, true),
            (&altered, TRANSFERS_HMAC_KEY, false),
            (&caught.body, FOREIGN_KEY, false),
        ] {
            let signature = caught.header("hmacsignature");
            let question = json!({"body": body, "signature": signature, "key": key});
            assert_eq!(oracle.ask("verify_body", question).await, Ok(json!(fine)), "{name}");
        }
    }
}

#[tokio::test]
async fn the_adapter_verifies_what_its_libraries_signed_and_nothing_else() {
    let world = World::of("adyen-de").await;
    let (payment, transfer) = (authorised(&world).await, booked(&world).await);
    for name in PROGRAMS {
        let Some(mut oracle) = Oracle::start(name) else { return };
        for (key, amount, fine) in
            [(HMAC_KEY, 1050, true), (FOREIGN_KEY, 1050, false), (HMAC_KEY, 1051, false)]
        {
            let mut item = item(&payment);
            let question = json!({"item": item, "key": key});
            let signature = oracle.ask("sign_item", question).await.unwrap();
            item["additionalData"]["hmacSignature"] = signature;
            item["amount"]["value"] = amount.into();
            let mut webhook = payment.clone();
            let items = json!([{"NotificationRequestItem": item}]);
            webhook.body = json!({"live": "false", "notificationItems": items}).to_string();
            let verified = world.psp().verify_webhook(&webhook.raw()).await;
            assert_eq!(verified.is_ok(), fine, "{name}: {verified:?}");
        }
        for (key, body, fine) in [
            (TRANSFERS_HMAC_KEY, transfer.body.clone(), true),
            (FOREIGN_KEY, transfer.body.clone(), false),
            (TRANSFERS_HMAC_KEY, transfer.body.replace("1050", "1051"), false),
        ] {
            let question = json!({"body": transfer.body, "key": key});
            let signature = oracle.ask("sign_body", question).await.unwrap();
            let mut webhook = transfer.clone();
            webhook.set_header("hmacsignature", signature.as_str().unwrap());
            webhook.body = body;
            let verified = world.psp().verify_webhook(&webhook.raw()).await;
            assert_eq!(verified.is_ok(), fine, "{name}: {verified:?}");
        }
    }
}

#[tokio::test]
async fn its_reader_reads_the_mocks_webhooks() {
    let world = World::of("adyen-de").await;
    let Some(mut oracle) = Oracle::start("adyen_side.js") else { return };
    let payment = json!({"body": authorised(&world).await.body});
    let items = oracle.ask("read_items", payment).await.unwrap();
    assert_eq!(items[0]["eventCode"], "AUTHORISATION");
    assert_eq!(items[0]["amount"], json!({"currency": "EUR", "value": 1050}));
    let transfer = json!({"body": booked(&world).await.body});
    let read = oracle.ask("read_transfer", transfer).await.unwrap();
    assert_eq!(
        (&read["data"]["status"], &read["data"]["amount"]["value"]),
        (&json!("booked"), &json!(1050))
    );
}

fn charge() -> Value {
    json!({
        "amount": {"value": 1050, "currency": "EUR"}, "merchantAccount": MERCHANT_ACCOUNT,
        "paymentMethod": {"type": "scheme", "storedPaymentMethodId": "8415718415172836"},
        "shopperReference": "p-7f3a", "reference": attempt(3).lower(),
        "recurringProcessingModel": "CardOnFile", "shopperInteraction": "ContAuth",
        "returnUrl": "https://casino.test/back",
    })
}

fn transfer() -> Value {
    json!({
        "amount": {"value": 1050, "currency": "EUR"}, "balanceAccountId": BALANCE_ACCOUNT,
        "category": "bank", "priority": "instant", "reference": attempt(4).lower(),
        "counterparty": {"bankAccount": {
            "accountHolder": {"fullName": "Erika Mustermann"},
            "accountIdentification": {"type": "iban", "iban": "DE89370400440532013000"},
        }},
    })
}

/// Python's client gives status and body, Node's the body read into its types.
fn body(said: &Value) -> &Value {
    said.get("message").unwrap_or(said)
}

#[tokio::test]
async fn its_clients_charge_and_transfer_once_and_understand_the_answers() {
    for name in PROGRAMS {
        let world = World::of("adyen-de").await;
        let Some(mut oracle) = Oracle::start(name) else { return };
        let question = |body: Value, key: &str| json!({"url": world.base_url, "key": API_KEY, "body": body, "idempotency_key": key});
        let charged = oracle.ask("pay", question(charge(), "k-1")).await.unwrap();
        assert_eq!(body(&charged)["resultCode"], "Authorised", "{name}: {charged}");
        let again = oracle.ask("pay", question(charge(), "k-1")).await.unwrap();
        assert_eq!(body(&again)["pspReference"], body(&charged)["pspReference"]);
        let made = oracle.ask("transfer", question(transfer(), "k-2")).await.unwrap();
        let id = body(&made)["id"].clone();
        oracle.ask("transfer", question(transfer(), "k-2")).await.unwrap();
        let get = json!({"url": world.base_url, "key": API_KEY, "id": id});
        let seen = oracle.ask("get_transfer", get).await.unwrap();
        assert_eq!(body(&seen)["reference"], attempt(4).lower(), "{name}: {seen}");
        let amounts: Vec<_> =
            world.movements().await.iter().map(|it| it["amount"].clone()).collect();
        assert_eq!(amounts, ["10.50", "10.50"], "{name}");

        let mut foreign = question(charge(), "k-3");
        foreign["key"] = "another key".into();
        let refused = oracle.ask("pay", foreign).await;
        assert!(refused.is_err(), "{name}: {refused:?}");
    }
}

#[tokio::test]
async fn everything_that_the_adapter_does_is_as_described() {
    let world = World::of("adyen-de").await;
    let Some(prism) = Prism::before(&world.base_url, &CHECKOUT).await else { return };
    let made = tour(&world, &prism, &["/btl"]).await;
    for step in ["create_deposit", "return_deposit"] {
        assert!(made.contains(&step), "{step} is not among {made:?}");
    }
    let world = World::of("adyen-de").await;
    let Some(prism) = Prism::before(&world.base_url, &TRANSFERS).await else { return };
    let made = tour(&world, &prism, &["/v71"]).await;
    for step in ["create_payout", "query"] {
        assert!(made.contains(&step), "{step} is not among {made:?}");
    }
}

#[tokio::test]
async fn a_stored_card_and_a_payer_who_comes_back_from_its_issuer_are_as_described() {
    let world = World::of("adyen-de").await;
    let Some(prism) = Prism::before(&world.base_url, &CHECKOUT).await else { return };
    let money = world.stand.money();
    let charge = |attempt, card: &str| {
        deposit_with(attempt, money, Some(Instrument::CardToken(card.to_owned())))
    };
    let charged = through(&world, &prism, &charge(fresh(), "M5N7TQ4TG5PFWR50")).await;
    assert_eq!(charged.status, Status::Succeeded { money });
    for (choice, paid) in [("approve", true), ("decline", false)] {
        let attempt = fresh();
        let begun = through(&world, &prism, &charge(attempt, "CHALLENGE1PFWR50")).await;
        let Status::Accepted { next_action: Some(NextAction::Redirect { url }), .. } = begun.status
        else {
            panic!("no page: {begun:?}")
        };
        let result = leaves(&url, choice).await;
        let told = through(&world, &prism, &brought(attempt, money, &result)).await;
        assert_eq!(told.status == Status::Succeeded { money }, paid, "{told:?}");
    }
}

/// A webhook, posted where its description takes it. The descriptions ask for the user and password that
/// a merchant may set for its webhooks besides; ours has none, since they are signed.
fn posted(prism: &Prism, path: &str, caught: &Caught) -> HttpRequest {
    HttpRequest {
        method: Method::Post,
        url: format!("{}{path}", prism.url),
        headers: vec![
            ("content-type", "application/json".to_owned()),
            ("authorization", "Basic bm9ib2R5Om5vdGhpbmc=".to_owned()),
        ],
        body: caught.body.clone().into_bytes(),
        moves_money: false,
        long_answer: false,
    }
}

#[tokio::test]
async fn the_mocks_webhooks_are_as_described() {
    let world = World::of("adyen-de").await;
    let Some(prism) = Prism::instead(&PAYMENT_WEBHOOKS).await else { return };
    let payment = authorised(&world).await;
    prism.send(&posted(&prism, "/AUTHORISATION", &payment)).await.unwrap();
    let Some(prism) = Prism::instead(&TRANSFER_WEBHOOKS).await else { return };
    let transfer = booked(&world).await;
    let path = "/balancePlatform.transfer.updated";
    prism.send(&posted(&prism, path, &transfer)).await.unwrap();
    // And what is not, is noticed.
    let mut lacking = transfer.clone();
    lacking.body = lacking.body.replace(r#""environment""#, r#""surroundings""#);
    prism.send(&posted(&prism, path, &lacking)).await.unwrap_err();
}
