//! Fireblocks' wire: a signed token a request, vault accounts, transactions, webhooks.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::chain::{Wallet, claims, rs512_verifies, token, wallet};
use crate::harness::{Received, digits};

/// A vault account with an address of a coin.
async fn address(w: &Wallet, name: &str, asset: &str) -> String {
    let body = json!({ "name": name, "customerRefId": name, "hiddenOnUI": true });
    let (status, vault) = w.fireblocks("POST", "/vault/accounts", Some(name), Some(&body)).await;
    assert_eq!(status, 200, "{vault}");
    let path = format!("/vault/accounts/{}/{asset}", vault["id"].as_str().unwrap());
    let (status, made) = w.fireblocks("POST", &path, None, Some(&json!({}))).await;
    assert_eq!(status, 200, "{made}");
    made["address"].as_str().unwrap().to_owned()
}

fn payout(external: &str) -> Value {
    json!({
        "operation": "TRANSFER", "externalTxId": external, "assetId": "USDT_ERC20",
        "source": { "type": "VAULT_ACCOUNT", "id": "0" },
        "destination": { "type": "ONE_TIME_ADDRESS", "oneTimeAddress": {
            "address": "0xdac17f958d2ee523a2206206994597c13d831ec7" } },
        "amount": "10.500000",
    })
}

async fn verifies(w: &Wallet, webhook: &Received) -> bool {
    let url = format!("{}/.well-known/jwks.json", w.base("fireblocks"));
    let jwks: Value = w.http.get(url).send().await.unwrap().json().await.unwrap();
    let header = |name: &str| webhook.headers[name].to_str().unwrap().to_owned();
    let jws = header("fireblocks-webhook-signature");
    let (protected, signature) = jws.split_once("..").unwrap();
    let input = format!("{protected}.{}", URL_SAFE_NO_PAD.encode(&webhook.body));
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let legacy = STANDARD.decode(header("fireblocks-signature")).unwrap();
    rs512_verifies(&jwks, input.as_bytes(), &signature)
        && rs512_verifies(&jwks, &webhook.body, &legacy)
}

#[tokio::test]
async fn a_vault_account_is_found_by_its_name_and_keeps_its_address() {
    let w = wallet().await;
    let first = address(&w, "player-1", "USDT_ERC20").await;
    let path = "/vault/accounts_paged?namePrefix=player-1&limit=10";
    let (status, page) = w.fireblocks("GET", path, None, None).await;
    assert_eq!(status, 200);
    let accounts = page["accounts"].as_array().unwrap();
    assert_eq!((accounts.len(), &accounts[0]["name"]), (1, &json!("player-1")));
    assert_eq!(accounts[0]["assets"][0]["id"], "USDT_ERC20");
    let path = format!(
        "/vault/accounts/{}/USDT_ERC20/addresses_paginated",
        accounts[0]["id"].as_str().unwrap()
    );
    let (_, addresses) = w.fireblocks("GET", &path, None, None).await;
    assert_eq!(addresses["addresses"][0]["address"], *first);
    // The same idempotency key makes no second vault account.
    let body = json!({ "name": "player-1" });
    let (_, again) = w.fireblocks("POST", "/vault/accounts", Some("player-1"), Some(&body)).await;
    assert_eq!(again["id"], accounts[0]["id"]);
    let path = path.replace("/addresses_paginated", "");
    let (status, refused) = w.fireblocks("POST", &path, None, Some(&json!({}))).await;
    assert_eq!((status, &refused["code"]), (400, &json!(1026)));
}

#[tokio::test]
async fn a_transfer_is_told_and_signed_twice() {
    let w = wallet().await;
    let address = address(&w, "player-1", "ETH").await;
    let payin = json!({ "address": address, "amount": "1.234567891234567891" });
    let (status, movement) = w.control("/psps/fireblocks/payins", payin).await;
    assert_eq!((status, &movement["amount"]), (200, &json!("1.23456789")));
    let told = w.notified(2, |it| it["workspaceId"] == "w-1").await;
    let (created, completed) = (told[0].json(), told[1].json());
    assert_eq!(created["eventType"], "transaction.created");
    assert_eq!(created["data"]["status"], "CONFIRMING");
    assert_eq!(completed["data"]["status"], "COMPLETED");
    assert_eq!(completed["data"]["subStatus"], "CONFIRMED");
    assert_eq!(completed["data"]["amountInfo"]["amount"], "1.234567891234567891");
    assert_eq!(completed["data"]["destination"]["name"], "player-1");
    assert_ne!(created["id"], completed["id"]);
    for webhook in &told {
        assert!(verifies(&w, webhook).await);
    }
    let mut forged = told[0].clone();
    forged.body = forged.body.iter().chain(b" ").copied().collect::<Vec<_>>().into();
    assert!(!verifies(&w, &forged).await);
}

#[tokio::test]
async fn an_arrival_that_compliance_stops_is_rejected_and_one_that_was_spent_twice_failed() {
    let w = wallet().await;
    let address = address(&w, "player-1", "ETH").await;
    for (code, status) in [("AUTO_FREEZE", "REJECTED"), ("DOUBLE_SPENDING", "FAILED")] {
        let payin = json!({ "address": address, "amount": "1.5", "confirmations": 0 });
        let (_, made) = w.control("/psps/fireblocks/payins", payin).await;
        let reference = made["reference"].as_str().unwrap();
        let path = format!("/psps/fireblocks/movements/{reference}/complete");
        w.control(&path, json!({ "outcome": "declined", "code": code })).await;
        let told = w.notified(1, |it| it["data"]["subStatus"] == code).await;
        assert_eq!(told[0].json()["data"]["status"], status);
    }
}

#[tokio::test]
async fn an_external_id_is_paid_once_and_found_again() {
    let w = wallet().await;
    let external = digits();
    let found = format!("/transactions/external_tx_id/{external}");
    assert_eq!(w.fireblocks("GET", &found, None, None).await.0, 404);
    let create = async |key: &str| {
        w.fireblocks("POST", "/transactions", Some(key), Some(&payout(&external))).await
    };
    let (status, made) = create("key-1").await;
    assert_eq!((status, &made["status"]), (200, &json!("SUBMITTED")));
    // The key gives the first answer; without it the external id is taken for ever.
    assert_eq!(create("key-1").await, (200, made.clone()));
    let (status, refused) = create("key-2").await;
    assert_eq!((status, &refused["code"]), (400, &json!(1438)));
    assert_eq!(create(&"k".repeat(41)).await.0, 400);
    assert_eq!(w.movements("fireblocks").await.len(), 1);
    w.notified(1, |it| it["data"]["status"] == "COMPLETED").await;
    let (_, seen) = w.fireblocks("GET", &found, None, None).await;
    assert_eq!(seen["id"], made["id"]);
    assert_eq!(
        (&seen["externalTxId"], &seen["subStatus"]),
        (&json!(external), &json!("CONFIRMED"))
    );
    let path = format!("/psps/fireblocks/movements/{}/complete", made["id"].as_str().unwrap());
    w.control(&path, json!({ "outcome": "returned" })).await;
    let (_, seen) = w.fireblocks("GET", &found, None, None).await;
    assert_eq!(seen["status"], "COMPLETED");
    assert_eq!(seen["subStatus"], "COMPLETED_BUT_3RD_PARTY_FAILED");
}

#[tokio::test]
async fn a_token_is_good_for_one_request_and_no_other() {
    let w = wallet().await;
    let (uri, body) = ("/v1/transactions", payout(&digits()).to_string());
    let honest = || claims(uri, body.as_bytes());
    let with = |name: &str, value: Value| {
        let mut claims = honest();
        claims[name] = value;
        token(&claims)
    };
    let now = time::OffsetDateTime::now_utc().unix_timestamp();
    let hash = hex::encode(openssl::sha::sha256(b"{}"));
    let cases = [
        (with("uri", "/v1/vault/accounts".into()), -4),
        (with("bodyHash", hash.into()), -1),
        (with("exp", (now + 120).into()), -10),
        (with("exp", (now - 60).into()), -10),
        (with("iat", (now + 60).into()), -12),
        (with("sub", "somebody".into()), -6),
        (with("nonce", Value::Null), -5),
        ("no.token.x".to_owned(), -5),
    ];
    for (token, code) in cases {
        let (status, refused) = w.fireblocks_with("POST", uri, None, body.clone(), &token).await;
        assert_eq!((status, &refused["code"]), (401, &json!(code)), "{refused}");
    }
    let once = token(&honest());
    let replay = async || w.fireblocks_with("POST", uri, None, body.clone(), &once).await.0;
    assert_eq!(replay().await, 200);
    assert_eq!(replay().await, 401);
    assert_eq!(w.movements("fireblocks").await.len(), 1);
}

/// The chain has it, and the exchange at its end did not take it: nothing is back in the vault.
#[tokio::test]
async fn a_payout_that_nobody_took_stands_in_the_statement_as_paid() {
    let w = wallet().await;
    w.control("/psps/fireblocks/auto", json!({ "complete_after_ms": null })).await;
    let (_, made) = w.fireblocks("POST", "/transactions", None, Some(&payout(&digits()))).await;
    let path = format!("/psps/fireblocks/movements/{}/complete", made["id"].as_str().unwrap());
    for outcome in ["succeeded", "returned"] {
        assert_eq!(w.control(&path, json!({ "outcome": outcome })).await.0, 200);
    }
    let url = format!("{}/psps/fireblocks/statement", w.running.control_url);
    let file = w.http.get(url).send().await.unwrap().text().await.unwrap();
    let rows: Vec<&str> = file.lines().skip(1).collect();
    assert!(rows.len() == 1 && rows[0].contains(",payout,10.500000,"), "{file}");
}

#[tokio::test]
async fn a_payout_that_a_policy_stops_says_so() {
    let w = wallet().await;
    let auto = json!({ "complete_after_ms": null });
    w.control("/psps/fireblocks/auto", auto).await;
    for (code, status) in [
        ("BLOCKED_BY_POLICY", "BLOCKED"),
        ("REJECTED_BY_USER", "REJECTED"),
        ("INSUFFICIENT_FUNDS", "FAILED"),
    ] {
        let external = digits();
        let (_, made) = w.fireblocks("POST", "/transactions", None, Some(&payout(&external))).await;
        let path = format!("/psps/fireblocks/movements/{}/complete", made["id"].as_str().unwrap());
        w.control(&path, json!({ "outcome": "declined", "code": code })).await;
        let told = w.notified(1, |it| it["data"]["externalTxId"] == external.as_str()).await;
        assert_eq!(told[0].json()["data"]["status"], status);
        assert_eq!(told[0].json()["data"]["subStatus"], code);
    }
}
