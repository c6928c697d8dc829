//! RSA as JOSE speaks it: tokens signed with RS256, webhooks verified with RS512 by published keys or by
//! one that was agreed on.

use super::{DetachedJws, Proof, RsaKeys, RsaSigner, WebhookKeys};
use crate::json::{Json, object};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use openssl::bn::BigNum;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Public};
use openssl::rsa::Rsa;
use openssl::sign::{Signer, Verifier};

impl RsaSigner {
    /// A compact JWS over these claims, RS256.
    pub fn jwt(&self, claims: &Json) -> Option<String> {
        let header = object! { "alg": "RS256", "typ": "JWT" };
        let part = |json: &Json| URL_SAFE_NO_PAD.encode(json.to_bytes());
        let signed = format!("{}.{}", part(&header), part(claims));
        let mut signer = Signer::new(MessageDigest::sha256(), &self.0).ok()?;
        let signature = signer.sign_oneshot_to_vec(signed.as_bytes()).ok()?;
        Some(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

impl RsaKeys {
    /// Verifies base64 of RSA PKCS#1 v1.5 with SHA-512 over the message.
    pub fn verify_sha512(&self, message: &[u8], signature: &str) -> Option<Proof> {
        let signature = STANDARD.decode(signature).ok()?;
        self.0.iter().any(|key| verifies(key, message, &signature)).then_some(Proof(()))
    }
}

impl WebhookKeys {
    /// Verifies a detached JWS, RS512, over this payload.
    pub(crate) fn verify_rs512(
        &self,
        kid: &str,
        jws: &DetachedJws<'_>,
        payload: &[u8],
    ) -> Option<Proof> {
        let key = self.rsa.get(kid)?;
        let input = format!("{}.{}", jws.header_encoded, URL_SAFE_NO_PAD.encode(payload));
        verifies(key, input.as_bytes(), &jws.signature).then_some(Proof(()))
    }
}

fn verifies(key: &PKey<Public>, message: &[u8], signature: &[u8]) -> bool {
    Verifier::new(MessageDigest::sha512(), key)
        .and_then(|mut verifier| verifier.verify_oneshot(signature, message))
        .unwrap_or(false)
}

/// A published key for RS512 of at least 2048 bits; none for anything else.
pub(super) fn published_key(key: &Json) -> Option<PKey<Public>> {
    let says = |name: &str, value: &str| key.get(name).is_none_or(|_| key.str(name) == Some(value));
    if key.str("kty") != Some("RSA") || !says("use", "sig") || !says("alg", "RS512") {
        return None;
    }
    let number = |name: &str| {
        let bytes = URL_SAFE_NO_PAD.decode(key.str(name)?).ok()?;
        BigNum::from_slice(&bytes).ok()
    };
    let rsa = Rsa::from_public_components(number("n")?, number("e")?).ok()?;
    let key = PKey::from_rsa(rsa).ok()?;
    (key.bits() >= 2048).then_some(key)
}
