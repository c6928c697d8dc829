//! The token of one request: RS256 over path, a nonce, a short life and the hash of the very body.

use std::sync::PoisonError;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, header};
use openssl::hash::MessageDigest;
use openssl::sign::Verifier;
use serde_json::Value;

use super::Fireblocks;
use crate::clock;

/// `exp` must not be later than this after `iat`.
const LIFE_MAX_S: i64 = 55;
/// Clocks differ by so much, unless the setting `token_skew_s` says otherwise.
pub(super) const SKEW_S: i64 = 5;

/// Fireblocks' code and words for a request that it does not let in.
pub(super) type Denied = (i64, &'static str);

pub(super) fn verify(
    fireblocks: &Fireblocks,
    uri: &str,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<(), Denied> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if text("x-api-key") != Some(&fireblocks.api_key) {
        return Err((-7, "Unauthorized: Token was not accepted"));
    }
    let token = text(header::AUTHORIZATION.as_str()).and_then(|it| it.strip_prefix("Bearer "));
    let claims = claims(fireblocks, token.ok_or((-3, "Unauthorized: Missing token"))?)?;
    let now = clock::now().unix_timestamp();
    let number = |name: &str| claims[name].as_i64();
    let (Some(issued), Some(expires)) = (number("iat"), number("exp")) else {
        return Err((-5, "Unauthorized: Invalid token format"));
    };
    if issued > now.saturating_add(fireblocks.token_skew_s) {
        return Err((-12, "Unauthorized: Token was issued in the future"));
    }
    if expires < now || expires > issued + LIFE_MAX_S {
        return Err((-10, "Unauthorized: Token is expired"));
    }
    if claims["sub"] != fireblocks.api_key.as_str() {
        return Err((-6, "Unauthorized: Wrong user"));
    }
    if claims["uri"] != uri {
        return Err((-4, "Unauthorized: Wrong URL"));
    }
    if claims["bodyHash"] != hex::encode(openssl::sha::sha256(body)) {
        return Err((-1, "Unauthorized: The body is not the one that was signed"));
    }
    let nonce = match &claims["nonce"] {
        Value::String(text) if !text.is_empty() => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return Err((-5, "Unauthorized: Invalid token format")),
    };
    let mut nonces = fireblocks.nonces.lock().unwrap_or_else(PoisonError::into_inner);
    if nonces.insert(nonce) { Ok(()) } else { Err((-7, "Unauthorized: Token was not accepted")) }
}

fn claims(fireblocks: &Fireblocks, token: &str) -> Result<Value, Denied> {
    let format = (-5, "Unauthorized: Invalid token format");
    let (signed, signature) = token.rsplit_once('.').ok_or(format)?;
    let (header, claims) = signed.split_once('.').ok_or(format)?;
    let json = |part: &str| {
        let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
        serde_json::from_slice::<Value>(&bytes).ok()
    };
    let header = json(header).ok_or(format)?;
    if header["alg"] != "RS256" {
        return Err(format);
    }
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| format)?;
    let valid = Verifier::new(MessageDigest::sha256(), &fireblocks.api_public_key)
        .and_then(|mut verifier| verifier.verify_oneshot(&signature, signed.as_bytes()))
        .unwrap_or(false);
    if !valid {
        return Err((-1, "Unauthorized: Invalid signature"));
    }
    json(claims).ok_or(format)
}
