//! Mercado Pago's own libraries for Python and Node: their validators take our mock's webhooks and no
//! others, their clients create and find payments at our mock, and what they would accept our adapter
//! accepts. The payout's signature is checked by a library of cryptography.

use crate::oracles::oracle::Oracle;
use crate::oracles::tour::fresh;
use crate::oracles::world::{Caught, World};
use crate::stands::mercadopago::{ACCESS_TOKEN, PAYOUT_KEY, WEBHOOK_SECRET};
use crate::support::{self, attempt, pair, payout};
use openssl::pkey::PKey;
use psp_adapters::{Input, Step};
use serde_json::{Value, json};

const ID: &str = "mercadopago-br";
const PROGRAMS: [&str; 2] = ["mercadopago_side.py", "mercadopago_side.js"];

/// The webhook of a deposit that was paid.
async fn paid(world: &World) -> Caught {
    let attempt = fresh();
    let report = world.perform(&world.stand.deposit(attempt)).await;
    world.pay(&world.order(attempt, &report).await).await;
    world.webhook("payment.updated").await
}

fn data_id(caught: &Caught) -> String {
    let (_, query) = caught.path_and_query.split_once('?').unwrap();
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    pairs.find(|(name, _)| name == "data.id").unwrap().1.into_owned()
}

#[tokio::test]
async fn its_libraries_verify_the_mocks_webhooks_and_no_others() {
    let world = World::of(ID).await;
    let caught = paid(&world).await;
    for name in PROGRAMS {
        let Some(mut oracle) = Oracle::start(name) else { return };
        let honest = json!({
            "signature": caught.header("x-signature"), "data_id": data_id(&caught),
            "request_id": caught.header("x-request-id"), "secret": WEBHOOK_SECRET, "tolerance": 300,
        });
        assert_eq!(oracle.ask("verify", honest.clone()).await, Ok(json!(true)), "{name}");
        for (field, value) in [
            ("data_id", format!("{}1", data_id(&caught))),
            ("request_id", "another".to_owned()),
            ("secret", "another secret".to_owned()),
            ("signature", caught.header("x-signature").replace("ts=1", "ts=2")),
        ] {
            let mut altered = honest.clone();
            assert_ne!(altered[field], value);
            altered[field] = value.into();
            let refused = oracle.ask("verify", altered).await.unwrap_err();
            assert!(refused.contains("InvalidWebhookSignatureError"), "{name}, {field}: {refused}");
        }
    }
}

/// Both sides judge the same webhooks, and judge them alike.
#[tokio::test]
async fn the_adapter_and_its_libraries_agree() {
    let world = World::of(ID).await;
    let honest = paid(&world).await;
    let mut other_id = honest.clone();
    other_id.path_and_query = honest.path_and_query.replace(&data_id(&honest), "4711");
    let mut other_tag = honest.clone();
    let signature = honest.header("x-signature").to_owned();
    let (stamp, tag) = signature.split_once(",v1=").unwrap();
    let turned: String = tag.chars().rev().collect();
    other_tag.set_header("x-signature", &format!("{stamp},v1={turned}"));
    let mut unsigned = honest.clone();
    unsigned.set_header("x-signature", "");
    for name in PROGRAMS {
        let Some(mut oracle) = Oracle::start(name) else { return };
        for (webhook, fine) in
            [(&honest, true), (&other_id, false), (&other_tag, false), (&unsigned, false)]
        {
            let question = json!({
                "signature": webhook.header("x-signature"), "data_id": data_id(webhook),
                "request_id": webhook.header("x-request-id"), "secret": WEBHOOK_SECRET,
            });
            let theirs = oracle.ask("verify", question).await;
            let ours = world.psp().verify_webhook(&webhook.raw()).await;
            assert_eq!((theirs.is_ok(), ours.is_ok()), (fine, fine), "{name}: {theirs:?} {ours:?}");
        }
    }
}

fn payment(reference: &str) -> Value {
    json!({
        "transaction_amount": 10.5, "payment_method_id": "pix", "external_reference": reference,
        "description": "Depósito", "payer": {
            "email": "maria@example.test", "first_name": "Maria", "last_name": "Silva",
            "identification": {"type": "CPF", "number": "52998224725"}},
    })
}

/// Python's client wraps what came, Node's gives it as it is.
fn body(said: &Value) -> &Value {
    said.get("response").unwrap_or(said)
}

#[tokio::test]
async fn its_clients_create_once_and_find() {
    for name in PROGRAMS {
        let world = World::of(ID).await;
        let Some(mut oracle) = Oracle::start(name) else { return };
        let reference = attempt(1).lower();
        let client = json!({"url": world.base_url, "token": ACCESS_TOKEN});
        let with = |more: Value| {
            let mut question = client.clone();
            for (field, value) in more.as_object().unwrap() {
                question[field] = value.clone();
            }
            question
        };
        let create = with(json!({"key": "k-1", "body": payment(&reference)}));
        let made = oracle.ask("create", create.clone()).await.unwrap();
        let made = body(&made);
        assert_eq!(made["status"], "pending", "{name}: {made}");
        let code = &made["point_of_interaction"]["transaction_data"]["qr_code"];
        assert!(code.as_str().is_some_and(|it| it.starts_with("000201")), "{name}: {made}");
        let again = oracle.ask("create", create).await.unwrap();
        assert_eq!(body(&again)["id"], made["id"], "{name}");
        let seen = oracle.ask("get", with(json!({"id": made["id"]}))).await.unwrap();
        assert_eq!(body(&seen)["external_reference"], *reference, "{name}");
        let found = oracle.ask("search", with(json!({"reference": reference}))).await.unwrap();
        assert_eq!(body(&found)["results"][0]["id"], made["id"], "{name}: {found}");
        let booked = world.movements().await;
        assert_eq!((booked.len(), &booked[0]["amount"]), (1, &json!("10.50")), "{name}");

        let foreign = with(json!({"token": "APP_USR-nobody", "id": made["id"]}));
        // Python's client hands up the refusal's status, Node's throws it.
        let refused = oracle.ask("get", foreign).await;
        let refused = refused.map_or(true, |said| said["status"] == 401);
        assert!(refused, "{name}");
    }
}

#[tokio::test]
async fn a_library_of_cryptography_verifies_the_adapters_payouts_and_no_others() {
    let world = World::of(ID).await;
    let Some(mut oracle) = Oracle::start("mercadopago_side.py") else { return };
    let operation = payout(attempt(1), world.stand.money(), world.stand.destination());
    let mut exchange = world.psp().adapter().exchange(&operation, support::now());
    let Step::Send(_, request) = exchange.step(Input::Start { token: None }) else {
        panic!("a request")
    };
    let header = request.headers.iter().find(|(name, _)| *name == "x-signature");
    let body = String::from_utf8(request.body.clone()).unwrap();
    let honest = json!({
        "body": body, "signature": header.unwrap().1, "pem": PAYOUT_KEY.public_pem,
    });
    assert_eq!(oracle.ask("verify_payout", honest.clone()).await, Ok(json!(true)));
    let foreign = pair(PKey::generate_ed25519().unwrap()).public_pem;
    for (field, value) in [("body", body.replace("10.5", "10.6")), ("pem", foreign)] {
        let mut altered = honest.clone();
        assert_ne!(altered[field], value);
        altered[field] = value.into();
        let refused = oracle.ask("verify_payout", altered).await.unwrap_err();
        assert!(refused.starts_with("InvalidSignature"), "{refused}");
    }
}
