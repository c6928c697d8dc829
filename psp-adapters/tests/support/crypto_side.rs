//! The two crypto PSPs' sides, written again from their documentation, and accounts at both.

use super::{Pair, rsa, secrets, texts};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sign::Signer;
use psp_adapters::PspAccount;
use psp_contract::{Currency, Destination, Money, Portable};
use serde_json::{Value, json};
use std::sync::LazyLock;

pub const SECRET: &str = "a callback secret of some length";
pub const SECRET_NEXT: &str = "the callback secret that comes next";
pub const API_KEY: &str = "3a0ae5ca-0000-4000-8000-00000000feed";
pub const WORKSPACE: &str = "c0ffee00-0000-4000-8000-000000000001";
pub const WEBHOOK_KID: &str = "webhook-key-2026-01";
pub const TRON: &str = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t";
pub const BITCOIN: &str = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4";
pub const ETHEREUM: &str = "0x52908400098527886E0F7030069857D2E4169EE7";

pub static API_RSA: LazyLock<Pair> = LazyLock::new(rsa);
pub static WEBHOOK_RSA: LazyLock<Pair> = LazyLock::new(rsa);

pub const fn usdt(minor: i64) -> Money {
    Money::new(minor, Currency::USDT)
}

pub fn coinspaid_account(base_url: &str) -> PspAccount {
    PspAccount {
        id: "coinspaid".to_owned(),
        adapter: "coinspaid".to_owned(),
        method: "crypto".to_owned(),
        base_url: base_url.to_owned(),
        notify_url: "http://127.0.0.1:9/webhooks/coinspaid".to_owned(),
        settings: texts(&[
            ("api_key", "public-key-of-the-casino"),
            ("network_usdt", "ethereum"),
            ("convert_to", "EUR"),
            ("legal_name", "Interlock Casino Ltd"),
            ("country_of_registration", "MLT"),
        ]),
        secrets: secrets(&[("api_secret", SECRET), ("api_secret_next", SECRET_NEXT)]),
    }
}

pub fn fireblocks_account(base_url: &str) -> PspAccount {
    PspAccount {
        id: "fireblocks".to_owned(),
        adapter: "fireblocks".to_owned(),
        method: "crypto".to_owned(),
        base_url: base_url.to_owned(),
        notify_url: "http://127.0.0.1:9/webhooks/fireblocks".to_owned(),
        settings: texts(&[
            ("api_key", API_KEY),
            ("workspace_id", WORKSPACE),
            ("source_vault_id", "0"),
            ("network_usdt", "ethereum"),
            ("webhook_jwks_url", &format!("{base_url}/.well-known/jwks.json")),
        ]),
        secrets: secrets(&[("api_private_key_pem", &API_RSA.private_pem)]),
    }
}

pub fn address_of(asset: &str, network: &str, address: &str) -> Destination {
    let (asset, network, address) = (asset.to_owned(), network.to_owned(), address.to_owned());
    let portable = Portable::CryptoAddress { network, asset, address, tag: None };
    Destination { token: None, portable: Some(portable) }
}

/// Lower-case hex of HMAC-SHA512.
pub fn hmac_sha512(secret: &str, bytes: &[u8]) -> String {
    let key = PKey::hmac(secret.as_bytes()).unwrap();
    let mut signer = Signer::new(MessageDigest::sha512(), &key).unwrap();
    hex::encode(signer.sign_oneshot_to_vec(bytes).unwrap())
}

fn rsa_sha512(pair: &Pair, bytes: &[u8]) -> Vec<u8> {
    Signer::new(MessageDigest::sha512(), &pair.key).unwrap().sign_oneshot_to_vec(bytes).unwrap()
}

/// A detached JWS with this header.
pub fn jws(pair: &Pair, header: &Value, body: &[u8]) -> String {
    let header = URL_SAFE_NO_PAD.encode(header.to_string());
    let input = format!("{header}.{}", URL_SAFE_NO_PAD.encode(body));
    format!("{header}..{}", URL_SAFE_NO_PAD.encode(rsa_sha512(pair, input.as_bytes())))
}

/// `Fireblocks-Webhook-Signature`.
pub fn webhook_signature(pair: &Pair, body: &[u8]) -> String {
    jws(pair, &json!({"alg": "RS512", "kid": WEBHOOK_KID}), body)
}

/// `Fireblocks-Signature`.
pub fn legacy_signature(pair: &Pair, body: &[u8]) -> String {
    STANDARD.encode(rsa_sha512(pair, body))
}

pub fn jwks(pair: &Pair) -> Value {
    let rsa = pair.key.rsa().unwrap();
    json!({"keys": [{"kty": "RSA", "kid": WEBHOOK_KID, "use": "sig", "alg": "RS512",
        "n": URL_SAFE_NO_PAD.encode(rsa.n().to_vec()), "e": URL_SAFE_NO_PAD.encode(rsa.e().to_vec())}]})
}
