//! Whether a vendor sent these very bytes.
//!
//! The algorithms are named here and nowhere else: a message cannot choose a weaker one. Signatures are
//! compared in constant time, over the raw body, with either of two live secrets, so that a secret can be
//! changed without losing a message.

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Sha256, Sha512};

/// Whose rules of signing hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    Sumsub,
    Onfido,
    Veriff,
}

/// The secrets that a vendor may sign with.
#[derive(Debug)]
pub struct Keys {
    pub current: SecretString,
    /// The one that is to come, or the one before.
    pub next: Option<SecretString>,
}

/// A body that was verified. Only [`verify`] makes one.
#[derive(Debug)]
pub struct Verified<'a>(&'a [u8]);

impl<'a> Verified<'a> {
    pub const fn body(&self) -> &'a [u8] {
        self.0
    }
}

/// Why a message is turned away. The sender is told none of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("it has no signature of the kind that is taken")]
    Unsigned,
    #[error("a header that counts is there twice")]
    Ambiguous,
    #[error("it is signed by an algorithm that is not taken")]
    Algorithm,
    #[error("the signature is not of these bytes")]
    BadSignature,
}

impl Refused {
    /// A word for the metric.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unsigned => "unsigned",
            Self::Ambiguous => "ambiguous",
            Self::Algorithm => "algorithm",
            Self::BadSignature => "bad_signature",
        }
    }
}

/// The value of a header that is there once. Names are in lower case.
fn header<'a>(headers: &'a [(String, String)], name: &str) -> Result<Option<&'a str>, Refused> {
    let mut found = headers.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str());
    match (found.next(), found.next()) {
        (value, None) => Ok(value),
        (_, Some(_)) => Err(Refused::Ambiguous),
    }
}

/// Verifies a message.
///
/// # Errors
/// It is not proven that the vendor sent these bytes.
pub fn verify<'a>(
    scheme: Scheme,
    keys: &Keys,
    headers: &[(String, String)],
    body: &'a [u8],
) -> Result<Verified<'a>, Refused> {
    let signature = match scheme {
        Scheme::Sumsub => header(headers, "x-payload-digest")?,
        Scheme::Onfido => header(headers, "x-sha2-signature")?,
        // The older `x-signature` is a plain hash of body and secret, which can be lengthened: it is not
        // looked at, and a message that has nothing else is unsigned.
        Scheme::Veriff => header(headers, "x-hmac-signature")?,
    };
    let signature = hex::decode(signature.ok_or(Refused::Unsigned)?.trim());
    let signature = signature.map_err(|_| Refused::BadSignature)?;
    let is_long = match scheme {
        Scheme::Sumsub => match header(headers, "x-payload-digest-alg")? {
            Some("HMAC_SHA256_HEX") => false,
            Some("HMAC_SHA512_HEX") => true,
            // SHA-1, and whatever may come.
            _ => return Err(Refused::Algorithm),
        },
        Scheme::Onfido | Scheme::Veriff => false,
    };
    let signed = |secret: &SecretString| {
        let key = secret.expose_secret().as_bytes();
        // An empty secret is one that anybody knows.
        !key.is_empty()
            && if is_long {
                holds::<Hmac<Sha512>>(key, body, &signature)
            } else {
                holds::<Hmac<Sha256>>(key, body, &signature)
            }
    };
    let is_signed = [Some(&keys.current), keys.next.as_ref()].into_iter().flatten().any(signed);
    if is_signed { Ok(Verified(body)) } else { Err(Refused::BadSignature) }
}

fn holds<M: Mac + KeyInit>(key: &[u8], body: &[u8], signature: &[u8]) -> bool {
    let Ok(mut mac) = <M as KeyInit>::new_from_slice(key) else { return false };
    mac.update(body);
    mac.verify_slice(signature).is_ok()
}

/// HMAC-SHA256 in lower hex: how we sign what we ask these vendors.
pub fn sign(secret: &SecretString, pieces: &[&[u8]]) -> Option<String> {
    let key = secret.expose_secret().as_bytes();
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key).ok()?;
    for piece in pieces {
        mac.update(piece);
    }
    Some(hex::encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
#[path = "verify_tests.rs"]
mod tests;
