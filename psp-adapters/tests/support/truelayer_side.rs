//! TrueLayer's side, through its own signing library.

use super::Pair;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openssl::bn::{BigNum, BigNumContext};
use serde_json::json;

/// The published key set with one P-521 key.
pub fn jwks(pair: &Pair, kid: &str) -> String {
    let key = pair.key.ec_key().unwrap();
    let (mut x, mut y) = (BigNum::new().unwrap(), BigNum::new().unwrap());
    let mut context = BigNumContext::new().unwrap();
    key.public_key().affine_coordinates(key.group(), &mut x, &mut y, &mut context).unwrap();
    let text = |number: &BigNum| URL_SAFE_NO_PAD.encode(number.to_vec());
    json!({"keys": [{"kty": "EC", "alg": "ES512", "crv": "P-521", "kid": kid, "x": text(&x), "y": text(&y)}]})
        .to_string()
}

/// A webhook's `Tl-Signature`.
pub fn sign(pair: &Pair, kid: &str, jku: &str, path: &str, stamp: &str, body: &[u8]) -> String {
    truelayer_signing::sign_with_pem(kid, pair.private_pem.as_bytes())
        .method(truelayer_signing::Method::Post)
        .path(path)
        .header("X-Tl-Webhook-Timestamp", stamp.as_bytes())
        .header("Content-Type", b"application/json")
        .jku(jku)
        .body(body)
        .build_signer()
        .sign()
        .unwrap()
}
