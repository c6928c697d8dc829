//! Trustly publishes no library for Python or Node, but the text that its Java client signs for one
//! request: our mock verifies a signature over exactly that text, and over no other. (The adapter meets
//! the same vectors in `tests/vectors.rs`.)

use crate::oracles::world::World;
use crate::support::{self, FOREIGN_RSA, MERCHANT_RSA, Pair, TRUSTLY_RSA};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use openssl::hash::MessageDigest;
use openssl::sign::Signer;
use serde_json::{Value, json};

/// Its documented code of a signature that does not verify.
const BAD_SIGNATURE: i64 = 636;

fn sign(pair: &Pair, text: &str) -> String {
    let mut signer = Signer::new(MessageDigest::sha1(), &pair.key).unwrap();
    STANDARD.encode(signer.sign_oneshot_to_vec(text.as_bytes()).unwrap())
}

#[tokio::test]
async fn the_mock_signs_and_verifies_the_published_serialisation() {
    let Some(folder) = support::vectors("trustly") else { return };
    let file = std::fs::read(folder.join("serialisation.json")).unwrap();
    let vector: Value = serde_json::from_slice(&file).unwrap();
    let settings = [("username", "merchant_username"), ("password", "merchant_password")];
    let world = World::with("trustly-de", &settings).await;
    let uuid = "258a2184-2842-b485-25ca-293525152425";
    let text = format!("Deposit{uuid}{}", vector["serialised"].as_str().unwrap());
    let call = async |signature: String, data: Value| -> Value {
        let params = json!({"Signature": signature, "UUID": uuid, "Data": data});
        let body = json!({"method": "Deposit", "version": "1.1", "params": params}).to_string();
        let kind = [("content-type", "application/json")];
        let (status, answer) = world.post("/api/1", &kind, body).await;
        assert_eq!(status, 200);
        answer
    };
    // The vector lacks what a deposit needs, so the answer is a refusal; but not of the signature.
    let answer = call(sign(&MERCHANT_RSA, &text), vector["data"].clone()).await;
    let code = answer["error"]["code"].as_i64().unwrap();
    assert_ne!(code, BAD_SIGNATURE, "{answer}");
    // And refusals are signed: `code…message…` behind method and UUID.
    let signed = &answer["error"]["error"];
    let message = signed["data"]["message"].as_str().unwrap();
    let expected = sign(&TRUSTLY_RSA, &format!("Deposit{uuid}code{code}message{message}"));
    assert_eq!(signed["signature"], expected);

    let mut altered = vector["data"].clone();
    altered["EndUserID"] = "12346".into();
    for (signature, data) in [
        (sign(&FOREIGN_RSA, &text), vector["data"].clone()),
        (sign(&MERCHANT_RSA, &text), altered),
        (sign(&MERCHANT_RSA, &text.replace("Deposit", "Withdraw")), vector["data"].clone()),
    ] {
        let answer = call(signature, data).await;
        assert_eq!(answer["error"]["code"], BAD_SIGNATURE, "{answer}");
    }
}
