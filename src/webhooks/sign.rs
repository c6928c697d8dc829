//! The signature of the Standard Webhooks specification: HMAC-SHA256 over `id.timestamp.body`, as
//! one `v1,<base64>` token per live secret, so that a receiver can change secrets at its leisure.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretSlice};
use sha2::Sha256;

const SECRET_BYTES: usize = 32;
const SECRET_PREFIX: &str = "whsec_";

/// The key that an endpoint's deliveries are signed with.
#[derive(Debug)]
pub struct SigningSecret(SecretSlice<u8>);

/// The system's source of randomness gave nothing.
#[derive(Debug, thiserror::Error)]
#[error("the system gave no random bytes for a signing secret")]
pub struct NoRandomness;

impl SigningSecret {
    /// 32 fresh random bytes.
    pub fn generate() -> Result<Self, NoRandomness> {
        let mut bytes = vec![0; SECRET_BYTES];
        aws_lc_rs::rand::fill(&mut bytes).map_err(|_| NoRandomness)?;
        Ok(Self(bytes.into()))
    }

    /// For storing it.
    pub fn as_secret(&self) -> &SecretSlice<u8> {
        &self.0
    }

    /// `whsec_…`, as the casino is told it once.
    pub fn reveal(&self) -> String {
        format!("{SECRET_PREFIX}{}", STANDARD.encode(self.0.expose_secret()))
    }
}

impl From<SecretSlice<u8>> for SigningSecret {
    fn from(stored: SecretSlice<u8>) -> Self {
        Self(stored)
    }
}

/// The value of `webhook-signature`: one token per secret, separated by spaces.
///
/// `timestamp` is in unix seconds. Neither it nor `id` can hold a dot, so nothing can be moved from
/// one signed field into the next.
pub fn signature_header(
    secrets: &[SecretSlice<u8>],
    id: &str,
    timestamp: i64,
    body: &[u8],
) -> String {
    let tokens: Vec<String> =
        secrets.iter().map(|secret| token(secret, id, timestamp, body)).collect();
    tokens.join(" ")
}

fn token(secret: &SecretSlice<u8>, id: &str, timestamp: i64, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret())
        .expect("HMAC takes a key of any length");
    mac.update(format!("{id}.{timestamp}.").as_bytes());
    mac.update(body);
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example_secret() -> SecretSlice<u8> {
        let bytes = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        bytes.unwrap().into()
    }

    #[test]
    fn the_published_example_of_the_specification_comes_out() {
        let header = signature_header(
            &[example_secret()],
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            br#"{"test": 2432232314}"#,
        );
        assert_eq!(header, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn each_live_secret_signs_with_a_token_of_its_own() {
        let header = signature_header(&[example_secret(), vec![7; 32].into()], "evt_1", 1, b"{}");
        let tokens: Vec<&str> = header.split(' ').collect();
        assert_eq!(tokens.len(), 2);
        assert_ne!(tokens[0], tokens[1]);
        assert!(tokens.iter().all(|token| token.starts_with("v1,")));
    }

    #[test]
    fn a_generated_secret_is_32_bytes_fresh_and_never_printed() {
        let (a, b) = (SigningSecret::generate().unwrap(), SigningSecret::generate().unwrap());
        assert_eq!(a.0.expose_secret().len(), 32);
        assert_ne!(a.0.expose_secret(), b.0.expose_secret());
        let told = a.reveal();
        let encoded = told.strip_prefix("whsec_").unwrap();
        assert_eq!(STANDARD.decode(encoded).unwrap(), a.0.expose_secret());
        assert!(!format!("{a:?}").contains(encoded));
    }
}
