//! Fireblocks' own client for Python against our mock: its token is admitted, its transfers are booked
//! once, and it understands every answer. Our adapter against the mock, through the validator of the
//! published description. Webhooks both ways with a JOSE library.

use crate::oracles::oracle::Oracle;
use crate::oracles::prism::{Description, Prism};
use crate::oracles::tour::tour;
use crate::oracles::world::World;
use crate::support::crypto_side::{API_RSA, WEBHOOK_KID, WEBHOOK_RSA};
use crate::support::{FOREIGN_RSA, attempt, payout};
use serde_json::{Value, json};

pub const DESCRIPTION: Description = Description {
    file: "fireblocks.yaml",
    base: "/v1",
    paths: &[
        "/transactions",
        "/transactions/{txId}",
        "/transactions/external_tx_id/{externalTxId}",
        "/vault/accounts",
        "/vault/accounts_paged",
        "/vault/accounts/{vaultAccountId}",
        "/vault/accounts/{vaultAccountId}/{assetId}",
        "/vault/accounts/{vaultAccountId}/{assetId}/addresses_paginated",
    ],
};

fn transfer(external_id: &str, amount: &str) -> Value {
    json!({
        "operation": "TRANSFER", "externalTxId": external_id, "assetId": "USDT_ERC20",
        "source": {"type": "VAULT_ACCOUNT", "id": "0"},
        "destination": {"type": "ONE_TIME_ADDRESS", "oneTimeAddress": {
            "address": "0xdac17f958d2ee523a2206206994597c13d831ec7"}},
        "amount": amount, "note": "payout ö",
    })
}

/// What the client is told of the account. It speaks to the mock itself: the validator writes bodies
/// anew, and the client signs the hash of its own, which has spaces.
fn client(world: &World, pem: &str) -> Value {
    json!({"url": world.base_url, "key": world.mock_setting("api_key"), "pem": pem})
}

fn with(client: &Value, more: Value) -> Value {
    let mut question = client.clone();
    for (name, value) in more.as_object().unwrap() {
        question[name] = value.clone();
    }
    question
}

#[tokio::test]
async fn its_client_transfers_once_and_finds_the_transfer() {
    let world = World::of("fireblocks").await;
    let Some(mut oracle) = Oracle::start("fireblocks_side.py") else { return };
    let client = client(&world, &API_RSA.private_pem);
    let create =
        with(&client, json!({"body": transfer("ext-1", "10.5"), "idempotency_key": "k-1"}));
    let made = oracle.ask("create_transaction", create.clone()).await.unwrap();
    assert_eq!((&made["status"], &made["data"]["status"]), (&json!(200), &json!("SUBMITTED")));
    // The same key: the same answer. Another key: the reference is taken for ever.
    assert_eq!(oracle.ask("create_transaction", create.clone()).await.unwrap(), made);
    let taken = with(&create, json!({"idempotency_key": "k-2"}));
    let refused = oracle.ask("create_transaction", taken).await.unwrap_err();
    assert!(refused.starts_with("BadRequestException"), "{refused}");
    let find = with(&client, json!({"id": "ext-1"}));
    let found = oracle.ask("by_external_id", find).await.unwrap();
    assert_eq!(found["data"]["id"], made["data"]["id"]);
    assert_eq!(found["data"]["externalTxId"], "ext-1");
    assert_eq!(found["data"]["amountInfo"]["amount"], "10.5");
    let missing = oracle.ask("by_external_id", with(&client, json!({"id": "ext-2"}))).await;
    assert!(missing.as_ref().is_err_and(|it| it.starts_with("NotFoundException")), "{missing:?}");
    let booked = world.movements().await;
    assert_eq!((booked.len(), &booked[0]["amount"]), (1, &json!("10.500000")));
}

#[tokio::test]
async fn a_token_of_another_key_is_refused() {
    let world = World::of("fireblocks").await;
    let Some(mut oracle) = Oracle::start("fireblocks_side.py") else { return };
    let client = client(&world, &FOREIGN_RSA.private_pem);
    let create =
        with(&client, json!({"body": transfer("ext-1", "10.5"), "idempotency_key": "k-1"}));
    let refused = oracle.ask("create_transaction", create).await.unwrap_err();
    assert!(refused.contains("401") || refused.starts_with("Unauthorized"), "{refused}");
    assert!(world.movements().await.is_empty());
}

#[tokio::test]
async fn its_client_is_given_an_address() {
    let world = World::of("fireblocks").await;
    let Some(mut oracle) = Oracle::start("fireblocks_side.py") else { return };
    let client = client(&world, &API_RSA.private_pem);
    let vault = oracle.ask("create_vault", with(&client, json!({"name": "p-1"}))).await.unwrap();
    let asked = json!({"vault": vault["data"]["id"], "asset": "USDT_ERC20"});
    let made = oracle.ask("add_asset", with(&client, asked)).await.unwrap();
    assert!(made["data"]["address"].as_str().unwrap().starts_with("0x"), "{made}");
}

#[tokio::test]
async fn everything_that_the_adapter_does_is_as_described() {
    let world = World::of("fireblocks").await;
    let Some(prism) = Prism::before(&world.base_url, &DESCRIPTION).await else { return };
    let made = tour(&world, &prism, &[]).await;
    for step in ["find_vault", "create_deposit", "create_payout", "query"] {
        assert!(made.contains(&step), "{step} is not among {made:?}");
    }
}

#[tokio::test]
async fn a_jose_library_verifies_the_mocks_webhooks_and_no_others() {
    let world = World::of("fireblocks").await;
    let Some(mut oracle) = Oracle::start("fireblocks_side.py") else { return };
    let operation = payout(attempt(1), world.stand.money(), world.stand.destination());
    world.perform(&operation).await;
    let caught = world.webhook("COMPLETED").await;
    let jwks = world.get("/.well-known/jwks.json").await;
    let honest = json!({
        "jwks": jwks, "body": caught.body,
        "signature": caught.header("fireblocks-webhook-signature"),
    });
    assert_eq!(oracle.ask("verify", honest.clone()).await, Ok(json!(WEBHOOK_KID)));
    let altered = with(&honest, json!({"body": caught.body.replace("COMPLETED", "CANCELLED")}));
    let refused = oracle.ask("verify", altered).await.unwrap_err();
    assert!(refused.starts_with("InvalidSignatureError"), "{refused}");
}

#[tokio::test]
async fn the_adapter_verifies_what_a_jose_library_signed_and_nothing_else() {
    let world = World::of("fireblocks").await;
    let Some(mut oracle) = Oracle::start("fireblocks_side.py") else { return };
    let operation = payout(attempt(1), world.stand.money(), world.stand.destination());
    world.perform(&operation).await;
    let caught = world.webhook("COMPLETED").await;
    let forged = caught.body.replace("COMPLETED", "CANCELLED");
    for (pair, body, fine) in [
        (&*WEBHOOK_RSA, &caught.body, true),
        (&*FOREIGN_RSA, &caught.body, false),
        (&*WEBHOOK_RSA, &forged, false),
    ] {
        let signed = json!({"kid": WEBHOOK_KID, "pem": pair.private_pem, "body": caught.body});
        let signature = oracle.ask("sign", signed).await.unwrap();
        let mut webhook = caught.clone();
        webhook.set_header("fireblocks-webhook-signature", signature.as_str().unwrap());
        webhook.body.clone_from(body);
        let verified = world.psp().verify_webhook(&webhook.raw()).await;
        assert_eq!(verified.is_ok(), fine, "{verified:?}");
    }
}
