//! Signed notes (C2SP signed-note): a text, an empty line, and a line for each signature.
//!
//! Only Ed25519 is spoken here. A signature line is `— <name> <base64(key id ‖ signature)>`; the key id
//! is the first four bytes of SHA-256(name ‖ 0x0A ‖ 0x01 ‖ public key). Lines of other names or keys are
//! passed over, so that witnesses may sign beside us.

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::{Engine, prelude::BASE64_STANDARD};
use sha2::{Digest, Sha256};
use std::fmt;
use thiserror::Error;

/// What the byte before an Ed25519 key says.
const ED25519_KIND: u8 = 1;
const LINE_START: &str = "— ";

#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NoteError {
    #[error("a key's name holds no spaces and no plus signs, and is not empty")]
    Name,
    #[error("the key is not an Ed25519 private key in PKCS #8")]
    PrivateKey,
    #[error("it is no verifier key: name+hash+base64")]
    VerifierKey,
    #[error("it is no signed note")]
    Shape,
    #[error("it is not signed by this key")]
    Unsigned,
    #[error("its signature is wrong")]
    Signature,
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c.is_control() || c == '+')
}

fn key_id(name: &str, public: &[u8; 32]) -> [u8; 4] {
    let digest = Sha256::new()
        .chain_update(name)
        .chain_update([b'\n', ED25519_KIND])
        .chain_update(public)
        .finalize();
    [digest[0], digest[1], digest[2], digest[3]]
}

/// A public key with the name that it signs under. Its text is the C2SP verifier key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    public: [u8; 32],
}

impl VerifierKey {
    /// # Errors
    /// When it is not `name+hash+base64`, or the hash is not the key's.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let mut fields = text.trim().splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (fields.next(), fields.next(), fields.next())
        else {
            return Err(NoteError::VerifierKey);
        };
        let key = BASE64_STANDARD.decode(key).map_err(|_| NoteError::VerifierKey)?;
        let [ED25519_KIND, public @ ..] = key.as_slice() else {
            return Err(NoteError::VerifierKey);
        };
        let public = <[u8; 32]>::try_from(public).map_err(|_| NoteError::VerifierKey)?;
        if !is_name(name) || hex::encode(key_id(name, &public)) != id {
            return Err(NoteError::VerifierKey);
        }
        Ok(Self { name: name.to_owned(), public })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// What tells it from other keys of its name, in hex.
    pub fn id(&self) -> String {
        hex::encode(key_id(&self.name, &self.public))
    }

    /// The text of a note that this key has signed.
    ///
    /// # Errors
    /// When it is no note, or this key's signature is missing or wrong.
    pub fn open<'a>(&self, note: &'a str) -> Result<&'a str, NoteError> {
        let (text, signatures) = split(note).ok_or(NoteError::Shape)?;
        let id = key_id(&self.name, &self.public);
        for line in signatures.lines() {
            let (name, told) = line
                .strip_prefix(LINE_START)
                .and_then(|rest| rest.split_once(' '))
                .ok_or(NoteError::Shape)?;
            let told = BASE64_STANDARD.decode(told).map_err(|_| NoteError::Shape)?;
            let Some((told_id, signature)) = told.split_first_chunk::<4>() else {
                return Err(NoteError::Shape);
            };
            if name == self.name && *told_id == id {
                let key = UnparsedPublicKey::new(&ED25519, self.public);
                let sound = key.verify(text.as_bytes(), signature);
                return sound.map(|()| text).map_err(|_| NoteError::Signature);
            }
        }
        Err(NoteError::Unsigned)
    }
}

/// The keys whose signatures count: the one that signs now, and those that did before it.
#[derive(Debug, Clone)]
pub struct Keys(Vec<VerifierKey>);

impl Keys {
    /// None: there has to be one.
    pub fn new(keys: Vec<VerifierKey>) -> Option<Self> {
        (!keys.is_empty()).then_some(Self(keys))
    }

    /// As [`VerifierKey::open`], by any of them.
    ///
    /// # Errors
    /// When none of them has signed it soundly.
    pub fn open<'a>(&self, note: &'a str) -> Result<&'a str, NoteError> {
        let mut failed = NoteError::Unsigned;
        for key in &self.0 {
            match key.open(note) {
                Ok(text) => return Ok(text),
                Err(NoteError::Unsigned) => (),
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }
}

impl From<VerifierKey> for Keys {
    fn from(key: VerifierKey) -> Self {
        Self(vec![key])
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = [&[ED25519_KIND][..], &self.public].concat();
        write!(f, "{}+{}+{}", self.name, self.id(), BASE64_STANDARD.encode(key))
    }
}

/// The text of a note, with its last line break, and its signature lines; whoever signed it.
pub fn split(note: &str) -> Option<(&str, &str)> {
    let end = note.rfind("\n\n")?;
    let (text, signatures) = (&note[..=end], &note[end + 2..]);
    let fits = signatures.ends_with('\n') && signatures.starts_with(LINE_START);
    fits.then_some((text, signatures))
}

/// A private key with the name that it signs under.
pub struct Signer {
    verifier: VerifierKey,
    pair: Ed25519KeyPair,
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("verifier", &self.verifier).finish_non_exhaustive()
    }
}

impl Signer {
    /// Reads a PEM file's `PRIVATE KEY`.
    ///
    /// # Errors
    /// When it is no Ed25519 key, or the name is none.
    pub fn from_pem(name: &str, pem: &str) -> Result<Self, NoteError> {
        let body = pem
            .trim()
            .strip_prefix("-----BEGIN PRIVATE KEY-----")
            .and_then(|rest| rest.strip_suffix("-----END PRIVATE KEY-----"))
            .map(|lines| lines.split_whitespace().collect::<String>());
        let der = body.and_then(|text| BASE64_STANDARD.decode(text).ok());
        Self::from_pkcs8(name, &der.ok_or(NoteError::PrivateKey)?)
    }

    /// # Errors
    /// As [`Signer::from_pem`].
    pub fn from_pkcs8(name: &str, der: &[u8]) -> Result<Self, NoteError> {
        if !is_name(name) {
            return Err(NoteError::Name);
        }
        let pair = Ed25519KeyPair::from_pkcs8(der).map_err(|_| NoteError::PrivateKey)?;
        let public = pair.public_key().as_ref().try_into().map_err(|_| NoteError::PrivateKey)?;
        Ok(Self { verifier: VerifierKey { name: name.to_owned(), public }, pair })
    }

    pub const fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// A note of a text that ends with a line break. The same text gives the same note, always.
    pub fn sign(&self, text: &str) -> String {
        let VerifierKey { name, public } = &self.verifier;
        let signature = self.pair.sign(text.as_bytes());
        let told = [&key_id(name, public)[..], signature.as_ref()].concat();
        format!("{text}\n{LINE_START}{name} {}\n", BASE64_STANDARD.encode(told))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The example of golang.org/x/mod/sumdb/note, where signed notes come from.
    const VERIFIER: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    const SEED: &str = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
    const TEXT: &str = "If you think cryptography is the answer to your problem,\n\
                        then you don't know what your problem is.\n";
    const SIGNED: &str = "If you think cryptography is the answer to your problem,\n\
        then you don't know what your problem is.\n\n\
        — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

    fn peter() -> Signer {
        let seed = BASE64_STANDARD.decode(SEED).unwrap();
        // PKCS #8 version 1 around a seed of 32 bytes.
        let der = [hex::decode("302e020100300506032b657004220420").unwrap(), seed[1..].to_vec()];
        Signer::from_pkcs8("PeterNeumann", &der.concat()).unwrap()
    }

    #[test]
    fn the_published_note_opens_and_is_made_again() {
        let key = VerifierKey::parse(VERIFIER).unwrap();
        assert_eq!(key.to_string(), VERIFIER);
        assert_eq!(key.open(SIGNED), Ok(TEXT));
        assert_eq!(peter().verifier(), &key);
        assert_eq!(peter().sign(TEXT), SIGNED);
    }

    #[test]
    fn a_note_with_any_byte_flipped_does_not_open() {
        let key = VerifierKey::parse(VERIFIER).unwrap();
        for at in 0..SIGNED.len() {
            let mut bytes = SIGNED.as_bytes().to_vec();
            bytes[at] ^= 1;
            let opened = str::from_utf8(&bytes).is_ok_and(|note| key.open(note).is_ok());
            assert!(!opened, "byte {at}");
        }
    }

    #[test]
    fn lines_of_other_signers_are_passed_over() {
        let key = VerifierKey::parse(VERIFIER).unwrap();
        let (text, own) = split(SIGNED).unwrap();
        let witnessed = format!("{text}\n— witness.example AAAAAAAA\n{own}");
        assert_eq!(key.open(&witnessed), Ok(TEXT));
        let alone = format!("{text}\n— witness.example AAAAAAAA\n");
        assert_eq!(key.open(&alone), Err(NoteError::Unsigned));
    }

    #[test]
    fn a_key_whose_hash_is_another_keys_is_refused() {
        let wrong = VERIFIER.replace("c74f20a3", "c74f20a4");
        assert_eq!(VerifierKey::parse(&wrong), Err(NoteError::VerifierKey));
    }
}
