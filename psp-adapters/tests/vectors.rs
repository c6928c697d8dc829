//! Published vectors and independent implementations: the signatures of both sides, checked by others.

use crate::support::{attempt, deposit, drive, eur, gbp, now, payout, psp, response, token};
use psp_adapters::{Input, RawWebhook, Step, WebhookKeys, WebhookRefusal};
use psp_contract::{HttpRequest, Timestamp};
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;

/// The one request that an adapter makes when it has a token.
fn request(psp: &psp_adapters::Psp, operation: &psp_contract::Operation) -> HttpRequest {
    let token = psp_adapters::CachedToken {
        secret: secrecy::SecretString::from("tkn"),
        expires_at: now() + time::Duration::hours(1),
    };
    let mut exchange = psp.adapter().exchange(operation, now());
    match exchange.step(Input::Start { token: Some(token) }) {
        Step::Send(_, request) => request,
        other => panic!("{other:?}"),
    }
}

#[test]
fn trustlys_published_signature_verifies_and_no_other() {
    let Some(folder) = crate::support::vectors("trustly") else {
        return;
    };
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let vector: Value = serde_json::from_str(&read("account-response.json")).unwrap();
    let mut account = crate::support::trustly_account("https://trustly.test");
    // Their vector is signed by a merchant; whose key it is does not matter to the mathematics.
    account.secrets.insert("trustly_public_key_pem".to_owned(), read("merchant-public.pem").into());
    let psp = psp(account);
    let notification = |signature: &str, status: &str| {
        json!({"method": vector["method"], "version": "1.1", "params": {
            "signature": signature, "uuid": vector["uuid"], "data": {"status": status}}})
        .to_string()
    };
    let verify = |body: &str| {
        let raw = RawWebhook {
            method: "POST",
            path_and_query: "/webhooks/trustly-de",
            headers: &[],
            body: body.as_bytes(),
            peer_certificate: None,
            received_at: now(),
        };
        psp.adapter().verify_webhook(&raw, &WebhookKeys::default()).err()
    };
    let signature = vector["signature"].as_str().unwrap();
    // Verified, and then refused for not being of a notification's shape: the vector is an answer.
    let malformed = Some(WebhookRefusal::Malformed("signed, and not of a notification's shape"));
    assert_eq!(verify(&notification(signature, "OK")), malformed);
    let invalid = Some(WebhookRefusal::Invalid("the signature does not verify"));
    assert_eq!(verify(&notification(signature, "FAILED")), invalid);
    assert_eq!(verify(&notification(&format!("alg=RS256;{signature}"), "OK")), invalid);
    assert_eq!(verify(&notification(&format!("{signature} "), "OK")), invalid);
    assert_eq!(verify(&notification(signature.trim_end_matches('='), "OK")), invalid);
}

#[test]
fn trustlys_published_serialisation_is_the_oracles() {
    let Some(folder) = crate::support::vectors("trustly") else {
        return;
    };
    let vector: Value =
        serde_json::from_slice(&std::fs::read(folder.join("serialisation.json")).unwrap()).unwrap();
    // A notification with that data, signed over the published text.
    let text = format!("credit{}{}", "u-1", vector["serialised"].as_str().unwrap());
    let mut signer = openssl::sign::Signer::new(
        openssl::hash::MessageDigest::sha1(),
        &crate::support::TRUSTLY_RSA.key,
    )
    .unwrap();
    let signature = signer.sign_oneshot_to_vec(text.as_bytes()).unwrap();
    use base64::Engine;
    let signature = base64::engine::general_purpose::STANDARD.encode(signature);
    let body = json!({"method": "credit", "version": "1.1", "params": {
        "signature": signature, "uuid": "u-1", "data": vector["data"]}})
    .to_string();
    let raw = RawWebhook {
        method: "POST",
        path_and_query: "/webhooks/trustly-de",
        headers: &[],
        body: body.as_bytes(),
        peer_certificate: None,
        received_at: now(),
    };
    let psp = psp(crate::support::trustly_account("https://trustly.test"));
    let refusal = psp.adapter().verify_webhook(&raw, &WebhookKeys::default()).unwrap_err();
    let malformed = WebhookRefusal::Malformed("signed, and not of a notification's shape");
    assert_eq!(refusal, malformed);
}

#[test]
fn a_trustly_request_is_signed_as_documented() {
    let psp = psp(crate::support::trustly_account("https://trustly.test"));
    for operation in
        [deposit(attempt(1), eur(1050)), payout(attempt(1), eur(1050), token("1234567890"))]
    {
        let sent: Value = serde_json::from_slice(&request(&psp, &operation).body).unwrap();
        let (method, uuid) =
            (sent["method"].as_str().unwrap(), sent["params"]["UUID"].as_str().unwrap());
        let data = &sent["params"]["Data"];
        // RSA with PKCS#1 v1.5 is deterministic: the same text gives the same signature.
        let expected =
            crate::support::trustly_side::sign(&crate::support::MERCHANT_RSA, method, uuid, data);
        assert_eq!(sent["params"]["Signature"], expected);
        assert_eq!(sent["version"], "1.1");
        assert_eq!(data["MessageID"], attempt(1).lower());
        assert_eq!(data["NotificationURL"], "http://127.0.0.1:9/webhooks/trustly-de");
        assert_eq!(data["Username"], "casino");
        assert_eq!(data["Password"], "correct horse");
    }
}

#[test]
fn a_trustly_deposit_asks_for_what_the_documentation_lists() {
    let psp = psp(crate::support::trustly_account("https://trustly.test"));
    let sent: Value =
        serde_json::from_slice(&request(&psp, &deposit(attempt(1), eur(1050))).body).unwrap();
    let attributes = &sent["params"]["Data"]["Attributes"];
    assert_eq!(
        *attributes,
        json!({"Amount": "10.50", "Currency": "EUR", "Country": "DE", "Locale": "de_DE",
            "SuccessURL": "https://casino.test/back?x=1&y=ö", "FailURL": "https://casino.test/back?x=1&y=ö",
            "Firstname": "Erika", "Lastname": "Mustermann", "ShopperStatement": "Casino",
            "IP": "203.0.113.7", "Email": "erika@example.test"})
    );
}

#[test]
fn truelayers_library_verifies_our_requests() {
    let psp = psp(crate::support::truelayer_account("https://truelayer.test"));
    for (operation, path) in [
        (deposit(attempt(1), gbp(1050)), "/v3/payments"),
        (payout(attempt(1), gbp(1050), token("src-1")), "/v3/payouts"),
        (crate::support::refund(attempt(1), gbp(1050), "dep-1"), "/v3/payments/dep-1/refunds"),
    ] {
        let request = request(&psp, &operation);
        let header = |name: &str| {
            request
                .headers
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| value.clone())
                .unwrap()
        };
        let key = header("idempotency-key");
        assert_eq!(key, attempt(1).uuid().to_string());
        let verify = |path: &str, body: &[u8]| {
            truelayer_signing::verify_with_pem(crate::support::CLIENT_EC.public_pem.as_bytes())
                .method(truelayer_signing::Method::Post)
                .path(path)
                .require_header("Idempotency-Key")
                .header("Idempotency-Key", key.as_bytes())
                .body(body)
                .build_verifier()
                .verify(&header("tl-signature"))
        };
        verify(path, &request.body).unwrap();
        verify("/v3/other", &request.body).unwrap_err();
        verify(path, b"{}").unwrap_err();
        assert_eq!(header("authorization"), "Bearer tkn");
        let signature = header("tl-signature");
        let jws = truelayer_signing::extract_jws_header(&signature).unwrap();
        assert_eq!(jws.kid, crate::support::KID);
    }
}

#[test]
fn truelayers_published_webhook_verifies() {
    let Some(folder) = crate::support::vectors("truelayer") else {
        return;
    };
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let keys = WebhookKeys::parse(read("jwks.json").as_bytes()).unwrap();
    let mut account = crate::support::truelayer_account("https://truelayer.test");
    let jku = "https://webhooks.truelayer.com/.well-known/jwks";
    account.settings.insert("webhook_jku".to_owned(), jku.to_owned());
    let psp = psp(account);
    let sent_at = Timestamp::parse("2021-11-29T11:42:55Z", &Rfc3339).unwrap();
    let verify = |body: &str, path: &str, received_at: Timestamp| {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let headers = [
            header("x-tl-webhook-timestamp", "2021-11-29T11:42:55Z"),
            header("content-type", "application/json"),
            header("tl-signature", read("webhook-signature.txt").trim()),
        ];
        let raw = RawWebhook {
            method: "POST",
            path_and_query: path,
            headers: &headers,
            body: body.as_bytes(),
            peer_certificate: None,
            received_at,
        };
        psp.adapter().verify_webhook(&raw, &keys)
    };
    let body = r#"{"event_type":"example","event_id":"18b2842b-a57b-4887-a0a6-d3c7c36f1020"}"#;
    let batch = verify(body, "/tl-webhook", sent_at).unwrap().into_inner();
    assert_eq!(batch.events[0].event_id, "18b2842b-a57b-4887-a0a6-d3c7c36f1020");
    assert!(batch.fresh && batch.events[0].report.is_none());
    assert!(matches!(verify(body, "/tl-webhook", now()), Err(WebhookRefusal::Stale { .. })));
    assert!(matches!(verify(body, "/other", sent_at), Err(WebhookRefusal::Invalid(_))));
    let other = body.replace("1020", "1021");
    assert!(matches!(verify(&other, "/tl-webhook", sent_at), Err(WebhookRefusal::Invalid(_))));
}

#[test]
fn the_hosted_page_is_opened_by_id_and_token() {
    let psp = psp(crate::support::truelayer_account("https://truelayer.test"));
    let driven = drive(psp.adapter(), &deposit(attempt(1), gbp(1050)), now(), None, |step, _| {
        Ok(match step {
            "token" => response(200, r#"{"access_token":"tkn","expires_in":3600}"#),
            _ => response(
                201,
                r#"{"id":"pay-1","resource_token":"a.b+c","status":"authorization_required"}"#,
            ),
        })
    });
    let url = "https://truelayer.test/payments#payment_id=pay-1&resource_token=a.b%2Bc&return_uri=https%3A%2F%2Fcasino.test%2Fback%3Fx%3D1%26y%3D%C3%B6";
    let expected = psp_contract::NextAction::Redirect { url: url.to_owned() };
    let psp_contract::Outcome::Reported(report) = driven.outcome else { panic!("reported") };
    assert_eq!(report.psp_reference.as_deref(), Some("pay-1"));
    assert_eq!(
        report.status,
        psp_contract::Status::Accepted { next_action: Some(expected), expires_at: None }
    );
}
