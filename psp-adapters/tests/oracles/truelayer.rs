//! TrueLayer's signing library for Python and Node, both ways: it verifies what we sign, and both our
//! adapter and our mock verify what it signs. (The one for Rust is in `tests/vectors.rs`.)

use crate::oracles::oracle::Oracle;
use crate::oracles::world::{Caught, World};
use crate::support::{self, CLIENT_EC, FOREIGN_EC, KID, MERCHANT_ACCOUNT, WEBHOOK_EC, WEBHOOK_KID};
use crate::support::{
    attempt, deposit, gbp, payout, psp, refund, truelayer_account, truelayer_side,
};
use psp_adapters::{CachedToken, Input, RawWebhook, Step, WebhookKeys, WebhookRefusal};
use psp_contract::{HttpRequest, Operation, Timestamp};
use serde_json::{Value, json};

const PROGRAMS: [&str; 2] = ["truelayer_side.py", "truelayer_side.js"];
const WEBHOOK_PATH: &str = "/webhooks/truelayer-gb";
const STAMP: &str = "X-Tl-Webhook-Timestamp";

/// The one request that the adapter makes when it has a token.
fn request(operation: &Operation) -> HttpRequest {
    let psp = psp(truelayer_account("https://truelayer.test"));
    let now = support::now();
    let expires_at = now + time::Duration::hours(1);
    let token = CachedToken { secret: "tkn".into(), expires_at };
    match psp.adapter().exchange(operation, now).step(Input::Start { token: Some(token) }) {
        Step::Send(_, request) => request,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn its_library_verifies_what_the_adapter_sends_and_nothing_else() {
    for name in PROGRAMS {
        let Some(mut oracle) = Oracle::start(name) else { return };
        for (operation, path) in [
            (deposit(attempt(1), gbp(1050)), "/v3/payments"),
            (payout(attempt(1), gbp(1050), support::token("src-1")), "/v3/payouts"),
            (refund(attempt(1), gbp(1050), "dep-1"), "/v3/payments/dep-1/refunds"),
        ] {
            let request = request(&operation);
            let header = |name: &str| {
                let found = request.headers.iter().find(|(key, _)| *key == name);
                found.map(|(_, value)| value.clone()).unwrap()
            };
            let body = String::from_utf8(request.body.clone()).unwrap();
            let honest = json!({
                "signature": header("tl-signature"), "path": path, "body": body,
                "headers": [["Idempotency-Key", header("idempotency-key")]],
                "required": "Idempotency-Key", "key": CLIENT_EC.public_pem,
            });
            let said = oracle.ask("verify", honest.clone()).await.unwrap();
            assert_eq!(said["kid"], KID, "{name}");
            for (field, value) in [
                ("body", json!(body.replace("1050", "1051"))),
                ("path", json!("/v3/other")),
                ("key", json!(FOREIGN_EC.public_pem)),
                ("headers", json!([["Idempotency-Key", attempt(2).uuid().to_string()]])),
            ] {
                let mut altered = honest.clone();
                assert_ne!(altered[field], value);
                altered[field] = value;
                oracle.ask("verify", altered).await.expect_err(field);
            }
        }
    }
}

/// A request that their library signs and our mock is sent.
fn asked() -> String {
    json!({
        "amount_in_minor": 1050, "currency": "GBP", "metadata": {"note": "£ and ö"},
        "payment_method": {
            "type": "bank_transfer",
            "provider_selection": {"type": "user_selected"},
            "beneficiary": {"type": "merchant_account", "merchant_account_id": MERCHANT_ACCOUNT},
        },
        "user": {"id": "6ba7b810-9dad-51d1-80b4-00c04fd430c8", "name": "A B", "email": "a@b.test"},
    })
    .to_string()
}

#[tokio::test]
async fn the_mock_takes_what_its_library_signed_and_nothing_else() {
    let world = World::of("truelayer-gb").await;
    let form = "grant_type=client_credentials&client_id=casino&scope=payments\
                &client_secret=a+client+secret+of+some+length";
    let kind = ("content-type", "application/x-www-form-urlencoded");
    let (_, token) = world.post("/connect/token", &[kind], form).await;
    let bearer = format!("Bearer {}", token["access_token"].as_str().unwrap());
    for name in PROGRAMS {
        let Some(mut oracle) = Oracle::start(name) else { return };
        for (key, body, status) in [
            (&CLIENT_EC, asked(), 201),
            (&FOREIGN_EC, asked(), 401),
            (&CLIENT_EC, asked().replace("1050", "1051"), 401),
        ] {
            let idempotency_key = uuid::Uuid::now_v7().to_string();
            let question = json!({
                "kid": KID, "key": key.private_pem, "path": "/v3/payments", "body": asked(),
                "headers": [["Idempotency-Key", idempotency_key]],
            });
            let signature = oracle.ask("sign", question).await.unwrap();
            let headers = [
                ("authorization", bearer.as_str()),
                ("content-type", "application/json"),
                ("idempotency-key", &idempotency_key),
                ("tl-signature", signature.as_str().unwrap()),
            ];
            let answer = world.post("/v3/payments", &headers, body).await;
            assert_eq!(answer.0, status, "{name}: {answer:?}");
        }
    }
    let booked = world.movements().await;
    assert!(booked.iter().all(|it| it["amount"] == "10.50"), "{booked:?}");
    assert_eq!(booked.len(), PROGRAMS.len());
}

/// A deposit at the mock, by our adapter, and the webhook of its success.
async fn settled(world: &World) -> Caught {
    let report = world.perform(&deposit(attempt(7), gbp(1050))).await;
    world.pay(&report.psp_reference.unwrap()).await;
    world.webhook("payment_settled").await
}

#[tokio::test]
async fn its_library_verifies_the_mocks_webhooks_by_the_mocks_key_set() {
    let world = World::of("truelayer-gb").await;
    let caught = settled(&world).await;
    let jwks = world.get("/.well-known/jwks").await;
    for name in PROGRAMS {
        let Some(mut oracle) = Oracle::start(name) else { return };
        let honest = json!({
            "signature": caught.header("tl-signature"), "path": WEBHOOK_PATH,
            "headers": caught.headers, "body": caught.body, "required": STAMP, "jwks": jwks,
        });
        let said = oracle.ask("verify", honest.clone()).await.unwrap();
        let jku = format!("{}/.well-known/jwks", world.base_url);
        assert_eq!(said, json!({"kid": WEBHOOK_KID, "jku": jku}), "{name}");
        for (field, value) in [
            ("body", json!(caught.body.replace("settled", "blocked"))),
            ("path", json!("/webhooks/another")),
            ("jwks", json!(truelayer_side::jwks(&FOREIGN_EC, WEBHOOK_KID))),
        ] {
            let mut altered = honest.clone();
            altered[field] = value;
            oracle.ask("verify", altered).await.expect_err(field);
        }
    }
}

#[tokio::test]
async fn the_adapter_verifies_webhooks_that_its_library_signed_and_nothing_else() {
    let Some(mut oracle) = Oracle::start("truelayer_side.py") else { return };
    let psp = psp(truelayer_account("https://truelayer.test"));
    let jku = "https://truelayer.test/.well-known/jwks";
    let keys =
        WebhookKeys::parse(truelayer_side::jwks(&WEBHOOK_EC, WEBHOOK_KID).as_bytes()).unwrap();
    let stamp = "2026-11-19T00:00:00Z";
    let format = &time::format_description::well_known::Rfc3339;
    let received_at = Timestamp::parse(stamp, format).unwrap();
    let body = json!({"type": "payment_failed", "event_id": "evt-ö", "payment_id": "pay-1",
        "failure_reason": "canceled", "metadata": {"reference": attempt(1).lower()}});
    let body = body.to_string();
    let mut sign = async |key: &support::Pair, jku: &str| -> Value {
        let question = json!({
            "kid": WEBHOOK_KID, "key": key.private_pem, "path": WEBHOOK_PATH, "jku": jku,
            "headers": [["Content-Type", "application/json"], [STAMP, stamp]], "body": body,
        });
        oracle.ask("sign", question).await.unwrap()
    };
    let honest = sign(&WEBHOOK_EC, jku).await;
    let foreign_key = sign(&FOREIGN_EC, jku).await;
    let foreign_jku = sign(&WEBHOOK_EC, "https://evil.test/jwks").await;
    let verify = |signature: &Value, body: &str| {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let headers = [
            header("content-type", "application/json"),
            header("x-tl-webhook-timestamp", stamp),
            header("tl-signature", signature.as_str().unwrap()),
        ];
        let raw = RawWebhook {
            method: "POST",
            path_and_query: WEBHOOK_PATH,
            headers: &headers,
            body: body.as_bytes(),
            peer_certificate: None,
            received_at,
        };
        psp.adapter().verify_webhook(&raw, &keys).map(|verified| verified.into_inner())
    };
    let batch = verify(&honest, &body).unwrap();
    assert_eq!(batch.events[0].event_id, "evt-ö");
    assert_eq!(batch.events[0].attempt, Some(attempt(1)));
    for (signature, body) in [
        (&foreign_key, body.clone()),
        (&foreign_jku, body.clone()),
        (&honest, body.replace("pay-1", "pay-2")),
    ] {
        let refused = verify(signature, &body);
        assert!(matches!(refused, Err(WebhookRefusal::Invalid(_))), "{refused:?}");
    }
}
