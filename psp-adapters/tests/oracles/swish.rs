//! Swish has no oracle of its own: what is checked here is the arithmetic of the payout's signature, by a
//! library of cryptography that is neither ours nor OpenSSL's command line, over the very bytes that our
//! adapter sends. That Swish wants it so rests on third-party descriptions.

use crate::oracles::oracle::Oracle;
use crate::stands::swish::account;
use crate::support::{FOREIGN_RSA, MERCHANT_RSA, attempt, payout, portable, psp, to};
use psp_adapters::{Input, Step};
use psp_contract::{Currency, Money};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The payload's bytes as they stand in the body, and the signature.
fn signed(body: &[u8]) -> (String, Value) {
    let parts: BTreeMap<String, Box<RawValue>> = serde_json::from_slice(body).unwrap();
    let signature = serde_json::from_str(parts["signature"].get()).unwrap();
    (parts["payload"].get().to_owned(), signature)
}

#[tokio::test]
async fn a_library_of_cryptography_verifies_the_adapters_payouts_and_no_others() {
    let Some(mut oracle) = Oracle::start("swish_side.py") else { return };
    let psp = psp(account("https://swish.test", "link"));
    let money = Money::new(1050, Currency::SEK);
    let operation = payout(attempt(1), money, to(portable("phone").0));
    let mut exchange = psp.adapter().exchange(&operation, crate::support::now());
    let Step::Send(_, request) = exchange.step(Input::Start { token: None }) else {
        panic!("a request")
    };
    let (payload, signature) = signed(&request.body);
    assert!(payload.contains(&attempt(1).upper()), "{payload}");
    let honest = json!({
        "payload": payload, "signature": signature, "pem": MERCHANT_RSA.public_pem,
    });
    assert_eq!(oracle.ask("verify", honest.clone()).await, Ok(json!(true)));
    for (field, value) in
        [("payload", payload.replace("10.50", "10.51")), ("pem", FOREIGN_RSA.public_pem.clone())]
    {
        let mut altered = honest.clone();
        assert_ne!(altered[field], value);
        altered[field] = value.into();
        let refused = oracle.ask("verify", altered).await.unwrap_err();
        assert!(refused.starts_with("InvalidSignature"), "{refused}");
    }
    // And the other way: the same key signs the same bytes the same way.
    let sign = json!({"payload": payload, "pem": MERCHANT_RSA.private_pem});
    assert_eq!(oracle.ask("sign", sign).await, Ok(signature));
}
