//! Swish: requests, payouts and their signature, callbacks.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openssl::hash::MessageDigest;
use openssl::sha::sha512;
use openssl::sign::Signer;
use serde_json::{Value, json};

use crate::harness::digits;
use crate::mtls::{SWISH, instruction, scene};

#[tokio::test]
async fn a_swish_request_is_opened_by_its_token_and_told_unsigned() {
    let s = scene().await;
    let id = instruction();
    let path = format!("v2/paymentrequests/{id}");
    let (status, token, body) = s.swish("PUT", &path, s.payment("100.00")).await;
    assert_eq!((status, body.as_str()), (201, ""));
    let (status, _, said) = s.swish("PUT", &path, s.payment("100.00")).await;
    assert!(status == 422 && said.contains("RP09"), "{said}");
    let listed = s.w.control_get("/psps").await;
    let pages = listed[1]["pages_url"].as_str().unwrap();
    let app = format!("{pages}/paymentrequest?token={token}&callbackurl=https://casino.example/");
    let html = s.w.http.get(&app).send().await.unwrap().text().await.unwrap();
    assert!(html.contains("100.00 SEK"), "{html}");
    let form = [("return_uri", "https://casino.example/")];
    let choose = s.w.http.post(format!("{pages}/app/{id}/approve")).form(&form);
    assert_eq!(choose.send().await.unwrap().status(), 303);
    let told = s.w.until_told(SWISH, 1, |it| it.json()["status"] == "PAID").await.remove(0);
    assert!(String::from_utf8_lossy(&told.body).contains("\"amount\":100.00"));
    let (_, _, asked) = s.swish("GET", &format!("v1/paymentrequests/{id}"), Value::Null).await;
    assert!(asked.contains("\"status\":\"PAID\"") && asked.contains("\"payerAlias\":\"467"));
}

#[tokio::test]
async fn what_swish_checks_of_a_request_is_refused_by_code() {
    let s = scene().await;
    for (field, value, code) in [
        ("callbackUrl", json!("http://casino.example/"), "RP03"),
        ("payerAlias", json!("12"), "BE18"),
        ("amount", json!("10.5"), "PA02"),
        ("amount", json!("0.00"), "AM06"),
        ("currency", json!("NOK"), "AM03"),
        ("message", json!("x".repeat(51)), "RP02"),
    ] {
        let mut body = s.payment("100.00");
        body[field] = value;
        let path = format!("v2/paymentrequests/{}", instruction());
        let (status, _, said) = s.swish("PUT", &path, body).await;
        assert!(status == 422 && said.contains(code), "{field}: {said}");
    }
    let small = format!("v2/paymentrequests/{}", digits());
    assert_eq!(s.swish("PUT", &small, s.payment("100.00")).await.0, 400);
    let mut pushed = s.payment("100.00");
    pushed["payerAlias"] = "46701234567".into();
    let path = || format!("v2/paymentrequests/{}", instruction());
    assert_eq!(s.swish("PUT", &path(), pushed.clone()).await.0, 201);
    let (status, _, said) = s.swish("PUT", &path(), pushed).await;
    assert!(status == 422 && said.contains("RP06"), "one open request a number: {said}");
    assert_eq!(s.w.movements(SWISH).await.len(), 1);
}

/// Its API has no word for it, so it cannot be told that it happened.
#[tokio::test]
async fn what_swish_has_paid_does_not_come_back() {
    let s = scene().await;
    let [paid, open, payout] = [instruction(), instruction(), instruction()];
    for id in [&paid, &open] {
        let path = format!("v2/paymentrequests/{id}");
        assert_eq!(s.swish("PUT", &path, s.payment("100.00")).await.0, 201);
    }
    s.w.complete(SWISH, &paid, json!({ "outcome": "succeeded" })).await;
    assert_eq!(s.swish("POST", "v1/payouts", s.payout(&payout)).await.0, 201);
    s.w.until_told(SWISH, 2, |it| it.json()["status"] == "PAID").await;
    for outcome in ["returned", "charged_back"] {
        for id in [&paid, &open, &payout] {
            assert_eq!(s.w.complete(SWISH, id, json!({ "outcome": outcome })).await.0, 409);
        }
    }
    let statuses: Vec<Value> =
        s.w.movements(SWISH).await.iter().map(|it| it["status"].clone()).collect();
    assert_eq!(statuses, ["succeeded", "pending", "succeeded"]);
}

#[tokio::test]
async fn a_swish_payout_needs_the_signature_over_its_bytes() {
    let s = scene().await;
    let id = instruction();
    let good = s.payout(&id);
    let mut altered = good.clone();
    altered["payload"]["amount"] = "999.00".into();
    let mut once = good.clone();
    let mut signer = Signer::new(MessageDigest::sha512(), &s.signer).unwrap();
    let payload = good["payload"].to_string();
    let hashed_once = signer.sign_oneshot_to_vec(payload.as_bytes()).unwrap();
    once["signature"] = STANDARD.encode(hashed_once).into();
    for wrong in [altered, once] {
        assert_eq!(s.swish("POST", "v1/payouts", wrong).await.0, 422);
    }
    assert!(s.w.movements(SWISH).await.is_empty());
    assert_eq!(s.swish("POST", "v1/payouts", good.clone()).await.0, 201);
    let (status, _, said) = s.swish("POST", "v1/payouts", good).await;
    assert!(status == 422 && said.contains("RP09"), "{said}");
    s.w.until_told(SWISH, 1, |it| it.json()["status"] == "PAID").await;
    let debited = s.w.received_by(SWISH).into_iter().filter(|it| it.json()["status"] == "DEBITED");
    assert_eq!(debited.count(), 1, "first it leaves the merchant");
    assert_eq!(s.w.movements(SWISH).await.len(), 1);
    // The number belongs to whom it was first paid.
    let mut other = s.payout(&instruction());
    other["payload"]["payeeSSN"] = "198001011234".into();
    let digest = sha512(other["payload"].to_string().as_bytes());
    let mut signer = Signer::new(MessageDigest::sha512(), &s.signer).unwrap();
    other["signature"] = STANDARD.encode(signer.sign_oneshot_to_vec(&digest).unwrap()).into();
    let (status, _, said) = s.swish("POST", "v1/payouts", other).await;
    assert!(status == 422 && said.contains("VR02"), "{said}");
}
