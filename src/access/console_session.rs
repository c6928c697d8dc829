//! What a browser holds while somebody is signed in.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

const BYTES: usize = 32;

/// A secret of 256 bits. The database knows its hash alone.
#[derive(Clone)]
pub struct SessionToken([u8; BYTES]);

impl std::fmt::Debug for SessionToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SessionToken")
    }
}

impl SessionToken {
    /// None: the system gives no randomness.
    pub fn new() -> Option<Self> {
        let mut bytes = [0; BYTES];
        aws_lc_rs::rand::fill(&mut bytes).ok()?;
        Some(Self(bytes))
    }

    pub fn text(&self) -> String {
        hex::encode(self.0)
    }

    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; BYTES];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Self(bytes))
    }

    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0).into()
    }

    /// What every form of this session carries, so that no other site can send one: it can be told from the
    /// token, and not the token from it.
    pub fn form_token(&self) -> String {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        mac.update(b"form");
        hex::encode(mac.finalize().into_bytes())
    }

    pub fn is_form_token(&self, text: &str) -> bool {
        self.form_token().as_bytes().ct_eq(text.as_bytes()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_survives_its_text_and_forms_are_its_own() {
        let (one, other) = (SessionToken::new().unwrap(), SessionToken::new().unwrap());
        let again = SessionToken::parse(&one.text()).unwrap();
        assert_eq!(again.hash(), one.hash());
        assert!(again.is_form_token(&one.form_token()));
        assert!(!other.is_form_token(&one.form_token()));
        assert!(!one.is_form_token(""));
        for wrong in ["", "abc", &"g".repeat(64), &"a".repeat(62)] {
            assert!(SessionToken::parse(wrong).is_none(), "{wrong}");
        }
    }
}
