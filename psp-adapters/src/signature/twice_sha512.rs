//! Swish's payout signature: SHA-512 of the payload, and that digest signed with RSA and SHA-512, which
//! hashes it once more. Swish itself publishes no vector.

use super::RsaSigner;
use aws_lc_rs::digest::{SHA512, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use openssl::hash::MessageDigest;
use openssl::sign::Signer;

impl RsaSigner {
    /// Base64 of RSA PKCS#1 v1.5 with SHA-512 over the SHA-512 of `message`.
    pub fn sign_twice_sha512(&self, message: &[u8]) -> Option<String> {
        let hashed = digest(&SHA512, message);
        let mut signer = Signer::new(MessageDigest::sha512(), &self.0).ok()?;
        Some(STANDARD.encode(signer.sign_oneshot_to_vec(hashed.as_ref()).ok()?))
    }
}
