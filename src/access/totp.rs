//! The second factor: time-based codes (RFC 6238, SHA-1, six digits, 30 s), and their secrets at rest.

use super::console_desk::ConsoleKey;
use crate::domain::Timestamp;
use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use totp_rs::{Builder, Secret, Totp};

/// The secret that an authenticator and we share.
pub struct SharedSecret(Vec<u8>);

impl std::fmt::Debug for SharedSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SharedSecret")
    }
}

impl SharedSecret {
    /// A new one of 160 bits, as RFC 4226 recommends. None: the system gives no randomness.
    pub fn new() -> Option<Self> {
        let mut bytes = vec![0; 20];
        aws_lc_rs::rand::fill(&mut bytes).ok()?;
        Some(Self(bytes))
    }

    fn totp(&self, email: &str) -> Option<Totp> {
        let secret = Secret::new(self.0.clone().into_boxed_slice());
        Builder::new()
            .with_secret(secret)
            .with_account_name(email.replace(':', ""))
            .with_issuer(Some("Interlock"))
            .build()
            .ok()
    }

    /// As people type it into an authenticator.
    pub fn base32(&self) -> String {
        Secret::new(self.0.clone().into_boxed_slice()).to_base32()
    }

    /// As authenticators read it from a link.
    pub fn link(&self, email: &str) -> Option<String> {
        self.totp(email)?.to_url().ok()
    }

    /// The step of a code that is right now, or was or will be half a minute from now.
    pub fn step_of(&self, code: &str, now: Timestamp) -> Option<i64> {
        let digits: String = code.chars().filter(|c| !c.is_whitespace()).collect();
        if digits.len() != 6 || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let seconds = u64::try_from(now.unix_timestamp()).ok()?;
        let step = self.totp("-")?.check(&digits, seconds)?;
        i64::try_from(step).ok()
    }

    /// For the database: who reads it there has no second factor of anybody's. `owner` belongs to the seal, so
    /// that one account's cannot be put into another's row.
    pub fn seal(&self, key: &ConsoleKey, owner: uuid::Uuid) -> Option<Vec<u8>> {
        let mut bytes = self.0.clone();
        let sealing = RandomizedNonceKey::new(&AES_256_GCM, key.bytes()).ok()?;
        let nonce =
            sealing.seal_in_place_append_tag(Aad::from(owner.as_bytes()), &mut bytes).ok()?;
        let mut sealed = nonce.as_ref().to_vec();
        sealed.append(&mut bytes);
        Some(sealed)
    }

    /// None: another key sealed it, or another account's, or it was altered.
    pub fn open(sealed: &[u8], key: &ConsoleKey, owner: uuid::Uuid) -> Option<Self> {
        let (nonce, rest) = sealed.split_at_checked(NONCE_LEN)?;
        let mut bytes = rest.to_vec();
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let sealing = RandomizedNonceKey::new(&AES_256_GCM, key.bytes()).ok()?;
        let plain = sealing.open_in_place(nonce, Aad::from(owner.as_bytes()), &mut bytes).ok()?;
        Some(Self(plain.to_vec()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    /// The secret of RFC 6238, appendix B.
    fn published() -> SharedSecret {
        SharedSecret(b"12345678901234567890".to_vec())
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_timestamp(seconds).unwrap()
    }

    #[test]
    fn codes_are_those_of_rfc_6238() {
        // The last six of the eight digits that the table there has.
        for (seconds, code) in
            [(59, "287082"), (1_111_111_109, "081804"), (2_000_000_000, "279037")]
        {
            assert_eq!(published().step_of(code, at(seconds)), Some(seconds / 30), "{seconds}");
        }
    }

    #[test]
    fn a_code_holds_for_its_half_minute_and_those_beside_it() {
        let step = Some(1_111_111_109 / 30);
        assert_eq!(published().step_of("081 804", at(1_111_111_109 + 30)), step);
        assert_eq!(published().step_of("081804", at(1_111_111_109 + 61)), None);
        for wrong in ["", "81804", "0818040", "08180x", "287082"] {
            assert_eq!(published().step_of(wrong, at(1_111_111_109)), None, "{wrong}");
        }
    }

    #[test]
    fn a_sealed_secret_opens_with_its_key_for_its_account_alone() {
        let (key, owner) = (ConsoleKey::of(b"one"), Uuid::from_u128(1));
        let sealed = published().seal(&key, owner).unwrap();
        assert!(!sealed.windows(20).any(|part| part == b"12345678901234567890"));
        let opened = SharedSecret::open(&sealed, &key, owner).unwrap();
        assert_eq!(opened.0, published().0);
        assert!(SharedSecret::open(&sealed, &ConsoleKey::of(b"two"), owner).is_none());
        assert!(SharedSecret::open(&sealed, &key, Uuid::from_u128(2)).is_none());
        for cut in [0, 5, sealed.len() - 1] {
            assert!(SharedSecret::open(&sealed[..cut], &key, owner).is_none());
        }
    }

    #[test]
    fn an_authenticator_is_told_whose_it_is() {
        let link = published().link("officer.a@sandbox.test").unwrap();
        assert!(link.starts_with("otpauth://totp/Interlock:officer.a%40sandbox.test?"), "{link}");
        assert!(link.contains(&published().base32()), "{link}");
    }
}
