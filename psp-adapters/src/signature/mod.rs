//! Signatures, and the proof that one was verified.
//!
//! RSA (Trustly with SHA-1, which aws-lc-rs only verifies; Fireblocks with SHA-2, in `rsa`) goes through
//! OpenSSL; ES512 (TrueLayer) and shared secrets through aws-lc-rs. Nothing here compares secret bytes
//! with `==`: the libraries decide, in constant time.

mod rsa;
mod twice_sha512;

pub(crate) mod ed25519;
pub(crate) mod tl;
pub(crate) mod unseparated;

use crate::json::Json;
use crate::webhook::{RawWebhook, WebhookRefusal};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P521_SHA512_FIXED, ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, UnparsedPublicKey,
};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use openssl::hash::MessageDigest;
use openssl::pkey::{Id, PKey, Private, Public};
use openssl::sign::{Signer, Verifier};
use std::collections::BTreeMap;

/// That a signature was verified. Only this module's verifications make one.
#[derive(Debug)]
pub struct Proof(());

/// SHA-256 of some bytes.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    let mut out = [0; 32];
    out.copy_from_slice(digest.as_ref());
    out
}

/// A UUID that depends on these words alone: message ids must not differ between a request and its replay.
pub(crate) fn derived_uuid(words: &[&str]) -> uuid::Uuid {
    let digest = sha256(words.join("\u{1f}").as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

/// An RSA key that signs.
pub(crate) struct RsaSigner(PKey<Private>);

impl RsaSigner {
    pub fn from_pem(pem: &str) -> Result<Self, &'static str> {
        let key =
            PKey::private_key_from_pem(pem.as_bytes()).map_err(|_| "is no private key in PEM")?;
        if key.id() != Id::RSA {
            return Err("is no RSA key");
        }
        if key.bits() < 2048 {
            return Err("is an RSA key of less than 2048 bits");
        }
        Ok(Self(key))
    }

    /// Base64 of RSA PKCS#1 v1.5 with SHA-1.
    pub fn sign_sha1(&self, message: &[u8]) -> Option<String> {
        let mut signer = Signer::new(MessageDigest::sha1(), &self.0).ok()?;
        Some(STANDARD.encode(signer.sign_oneshot_to_vec(message).ok()?))
    }
}

/// The RSA keys by which a PSP may sign: the live one, and the next while they are being changed.
pub(crate) struct RsaKeys(Vec<PKey<Public>>);

impl RsaKeys {
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    pub fn add_pem(&mut self, pem: &str) -> Result<(), &'static str> {
        let key =
            PKey::public_key_from_pem(pem.as_bytes()).map_err(|_| "is no public key in PEM")?;
        if key.id() != Id::RSA {
            return Err("is no RSA key");
        }
        if key.bits() < 2048 {
            return Err("is an RSA key of less than 2048 bits");
        }
        self.0.push(key);
        Ok(())
    }

    /// Verifies a Trustly `Signature`: base64 of RSA PKCS#1 v1.5 with SHA-1, or with the digest that a
    /// newer `alg=RS256;` prefix names.
    pub fn verify(&self, message: &[u8], signature: &str) -> Option<Proof> {
        let (digest, encoded) = match signature.strip_prefix("alg=") {
            None => (MessageDigest::sha1(), signature),
            Some(rest) => match rest.split_once(';')? {
                ("RS256", encoded) => (MessageDigest::sha256(), encoded),
                ("RS384", encoded) => (MessageDigest::sha384(), encoded),
                ("RS512", encoded) => (MessageDigest::sha512(), encoded),
                _ => return None,
            },
        };
        let signature = STANDARD.decode(encoded).ok()?;
        let valid = self.0.iter().any(|key| {
            Verifier::new(digest, key)
                .and_then(|mut verifier| verifier.verify_oneshot(&signature, message))
                .unwrap_or(false)
        });
        valid.then_some(Proof(()))
    }
}

/// The shared secrets by which a PSP may sign: the live one, and the next while they are being changed.
pub(crate) struct HmacKeys(Vec<Vec<u8>>);

impl HmacKeys {
    /// `keys` as bytes: whether a PSP's text is the key itself, or hex or base64 of it, is the adapter's
    /// to know. An empty key would verify what anybody signs, so it is none.
    pub fn new(keys: impl IntoIterator<Item = Vec<u8>>) -> Self {
        Self(keys.into_iter().filter(|key| !key.is_empty()).collect())
    }

    pub fn verify_sha256(&self, message: &[u8], tag: &[u8]) -> Option<Proof> {
        self.verify(hmac::HMAC_SHA256, message, tag)
    }

    /// Of a tag in base64.
    pub fn verify_sha256_base64(&self, message: &[u8], tag: &str) -> Option<Proof> {
        self.verify_sha256(message, &STANDARD.decode(tag).ok()?)
    }

    pub fn verify_sha512(&self, message: &[u8], tag: &[u8]) -> Option<Proof> {
        self.verify(hmac::HMAC_SHA512, message, tag)
    }

    /// Signs with the live key.
    pub fn sign_sha512(&self, message: &[u8]) -> Option<Vec<u8>> {
        let key = hmac::Key::new(hmac::HMAC_SHA512, self.0.first()?);
        Some(hmac::sign(&key, message).as_ref().to_vec())
    }

    /// In constant time for each key.
    fn verify(&self, algorithm: hmac::Algorithm, message: &[u8], tag: &[u8]) -> Option<Proof> {
        let valid = self
            .0
            .iter()
            .any(|key| hmac::verify(&hmac::Key::new(algorithm, key), message, tag).is_ok());
        valid.then_some(Proof(()))
    }
}

/// Compares a digest that only the PSP and we can compute (a secret is part of what is hashed) with the
/// one that came, in constant time.
pub(crate) fn same_digest(ours: &[u8], told: &[u8]) -> Option<Proof> {
    use subtle::ConstantTimeEq;
    (!ours.is_empty() && bool::from(ours.ct_eq(told))).then_some(Proof(()))
}

/// A P-521 key that signs ES512.
pub(crate) struct Es512Signer(EcdsaKeyPair);

impl Es512Signer {
    /// Reads PKCS#8 (`PRIVATE KEY`) or SEC 1 (`EC PRIVATE KEY`).
    pub fn from_pem(pem: &str) -> Result<Self, &'static str> {
        let key =
            PKey::private_key_from_pem(pem.as_bytes()).map_err(|_| "is no private key in PEM")?;
        let der = key.private_key_to_pkcs8().map_err(|_| "is no private key in PEM")?;
        EcdsaKeyPair::from_pkcs8(&ECDSA_P521_SHA512_FIXED_SIGNING, &der)
            .map(Self)
            .map_err(|_| "is no EC key on P-521")
    }

    /// A detached JWS over `payload`: `header..signature`. The header is JSON as it is to be sent.
    pub fn detached_jws(&self, header: &str, payload: &[u8]) -> Option<String> {
        let header = URL_SAFE_NO_PAD.encode(header);
        let input = format!("{header}.{}", URL_SAFE_NO_PAD.encode(payload));
        let signature = self.0.sign(&SystemRandom::new(), input.as_bytes()).ok()?;
        Some(format!("{header}..{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

/// The parts of a detached JWS, nothing of it believed yet.
pub(crate) struct DetachedJws<'a> {
    pub header: Json,
    header_encoded: &'a str,
    signature: Vec<u8>,
}

impl<'a> DetachedJws<'a> {
    /// Of a webhook's header, once it is of the one kind that is accepted. A critical extension would
    /// change what is signed in ways that nobody here knows.
    pub fn received(
        raw: &RawWebhook<'a>,
        name: &str,
        algorithm: &str,
    ) -> Result<Self, WebhookRefusal> {
        let jws = Self::parse(raw.signature(name)?);
        let jws = jws.ok_or(WebhookRefusal::Invalid("no detached JWS"))?;
        if jws.header.str("alg") != Some(algorithm) || jws.header.get("crit").is_some() {
            return Err(WebhookRefusal::Invalid("another algorithm, or a critical extension"));
        }
        Ok(jws)
    }

    pub fn key_id(&self) -> Result<String, WebhookRefusal> {
        let kid = self.header.given("kid").ok_or(WebhookRefusal::Invalid("no key id"))?;
        Ok(kid.to_owned())
    }

    pub fn parse(text: &'a str) -> Option<Self> {
        if text.len() > 4096 {
            return None;
        }
        let (header_encoded, signature) = text.split_once("..")?;
        let header = Json::parse(&URL_SAFE_NO_PAD.decode(header_encoded).ok()?)?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        Some(Self { header, header_encoded, signature })
    }
}

/// Public keys that a PSP publishes for its webhooks, by key id.
#[derive(Debug, Default)]
pub struct WebhookKeys {
    p521: BTreeMap<String, Vec<u8>>,
    rsa: BTreeMap<String, PKey<Public>>,
}

impl WebhookKeys {
    /// Reads a JWKS: P-521 keys for ES512 and RSA keys for RS512, each kind in a place of its own, so
    /// that an RSA key can never check an ES512 signature. Other keys are left out; a set without a
    /// usable key is an error.
    pub fn parse(jwks: &[u8]) -> Option<WebhookKeys> {
        let tree = Json::parse(jwks)?;
        let mut keys = WebhookKeys::default();
        for key in tree.get("keys")?.items()? {
            let usable = key.str("kty") == Some("EC")
                && key.str("crv") == Some("P-521")
                && key.str("alg").is_none_or(|alg| alg == "ES512");
            if let (true, Some(kid), Some(point)) =
                (usable, key.str("kid"), uncompressed_point(key))
            {
                keys.p521.insert(kid.to_owned(), point);
            }
            if let (Some(kid), Some(key)) = (key.str("kid"), rsa::published_key(key)) {
                keys.rsa.insert(kid.to_owned(), key);
            }
        }
        (!keys.p521.is_empty() || !keys.rsa.is_empty()).then_some(keys)
    }

    pub fn contains(&self, kid: &str) -> bool {
        self.p521.contains_key(kid) || self.rsa.contains_key(kid)
    }

    pub(crate) fn verify_es512(
        &self,
        kid: &str,
        jws: &DetachedJws<'_>,
        payload: &[u8],
    ) -> Option<Proof> {
        let point = self.p521.get(kid)?;
        let input = format!("{}.{}", jws.header_encoded, URL_SAFE_NO_PAD.encode(payload));
        UnparsedPublicKey::new(&ECDSA_P521_SHA512_FIXED, point)
            .verify(input.as_bytes(), &jws.signature)
            .ok()
            .map(|()| Proof(()))
    }
}

/// `04 || x || y`. The published keys leave leading zero bytes of a coordinate out now and then.
fn uncompressed_point(key: &Json) -> Option<Vec<u8>> {
    const COORDINATE_BYTES: usize = 66;
    let mut point = vec![4];
    for name in ["x", "y"] {
        let bytes = URL_SAFE_NO_PAD.decode(key.str(name)?).ok()?;
        let missing = COORDINATE_BYTES.checked_sub(bytes.len())?;
        point.resize(point.len() + missing, 0);
        point.extend_from_slice(&bytes);
    }
    Some(point)
}
