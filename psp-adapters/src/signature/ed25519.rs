//! Ed25519 over the bytes of a body (Mercado Pago's payouts).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use openssl::pkey::{Id, PKey, Private};
use openssl::sign::Signer;

/// A key that signs.
pub(crate) struct Ed25519Signer(PKey<Private>);

impl Ed25519Signer {
    pub fn from_pem(pem: &str) -> Result<Self, &'static str> {
        let key =
            PKey::private_key_from_pem(pem.as_bytes()).map_err(|_| "is no private key in PEM")?;
        if key.id() != Id::ED25519 {
            return Err("is no Ed25519 key");
        }
        Ok(Self(key))
    }

    /// Base64 of the signature.
    pub fn sign(&self, message: &[u8]) -> Option<String> {
        let mut signer = Signer::new_without_digest(&self.0).ok()?;
        Some(STANDARD.encode(signer.sign_oneshot_to_vec(message).ok()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8032, section 7.1, test 2: the secret key as PKCS#8.
    #[test]
    fn the_vector_of_rfc_8032_comes_out() {
        let seed = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";
        let seed = hex::decode(seed).expect("hex");
        let key = PKey::private_key_from_raw_bytes(&seed, Id::ED25519).expect("a seed");
        let pem = String::from_utf8(key.private_key_to_pem_pkcs8().expect("PEM")).expect("text");
        let signer = Ed25519Signer::from_pem(&pem).expect("an Ed25519 key");
        let signature = STANDARD.decode(signer.sign(&[0x72]).expect("signed")).expect("base64");
        assert_eq!(
            hex::encode(signature),
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
             085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        );
    }

    #[test]
    fn another_kind_of_key_is_refused() {
        let key = PKey::generate_x25519().expect("a key");
        let pem = String::from_utf8(key.private_key_to_pem_pkcs8().expect("PEM")).expect("text");
        assert_eq!(Ed25519Signer::from_pem(&pem).err(), Some("is no Ed25519 key"));
        assert_eq!(Ed25519Signer::from_pem("x").err(), Some("is no private key in PEM"));
    }
}
