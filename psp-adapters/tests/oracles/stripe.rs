//! The harness itself: a signer and two validators of one house, and a signature made by hand.

use crate::oracles::oracle::Oracle;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sign::Signer;
use serde_json::json;

const SECRET: &str = "whsec_a_secret_of_the_tests";
const BODY: &str = r#"{"id":"evt_1","object":"event","type":"payout.paid","data":{"name":"Ö"}}"#;

fn by_hand(secret: &str, at: i64, body: &str) -> String {
    let key = PKey::hmac(secret.as_bytes()).unwrap();
    let mut signer = Signer::new(MessageDigest::sha256(), &key).unwrap();
    let mac = signer.sign_oneshot_to_vec(format!("{at}.{body}").as_bytes()).unwrap();
    format!("t={at},v1={}", hex::encode(mac))
}

#[tokio::test]
async fn a_program_signs_as_we_would_and_both_languages_verify() {
    let (Some(mut python), Some(mut node)) =
        (Oracle::start("stripe_side.py"), Oracle::start("stripe_side.js"))
    else {
        return;
    };
    let at = psp_contract::Timestamp::now_utc().unix_timestamp();
    let question = json!({"body": BODY, "secret": SECRET, "at": at});
    let header = node.ask("sign", question).await.unwrap();
    assert_eq!(header, by_hand(SECRET, at, BODY));
    for oracle in [&mut python, &mut node] {
        let verify = json!({"header": header, "body": BODY, "secret": SECRET});
        assert_eq!(oracle.ask("verify", verify).await, Ok(json!("evt_1")));
    }
}

#[tokio::test]
async fn a_refusal_is_noticed() {
    for name in ["stripe_side.py", "stripe_side.js"] {
        let Some(mut oracle) = Oracle::start(name) else { return };
        let now = psp_contract::Timestamp::now_utc().unix_timestamp();
        let other = BODY.replace("evt_1", "evt_2");
        for (why, header, body, secret) in [
            ("another key", by_hand(SECRET, now, BODY), BODY, "whsec_another"),
            ("an altered byte", by_hand(SECRET, now, BODY), other.as_str(), SECRET),
            ("an old signature", by_hand(SECRET, now - 400, BODY), BODY, SECRET),
            ("no signature", String::new(), BODY, SECRET),
        ] {
            let question = json!({"header": header, "body": body, "secret": secret});
            let said = oracle.ask("verify", question).await.unwrap_err();
            assert!(said.contains("SignatureVerificationError"), "{name}, {why}: {said}");
        }
    }
}
