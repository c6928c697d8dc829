//! How a casino's backend signs a request, seen from both sides.
//!
//! The signed text is five lines: time, nonce, method, path and query as sent, and the SHA-256 of
//! the raw body. The service checks with [`matches`]; `interlock sign` and `interlock call` make
//! the headers with [`headers`]; both build the text with one function.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

pub const KEY_HEADER: &str = "x-api-key";
pub const TIMESTAMP_HEADER: &str = "x-request-timestamp";
pub const NONCE_HEADER: &str = "x-request-nonce";
pub const SIGNATURE_HEADER: &str = "x-request-signature";

/// What a signature covers.
#[derive(Debug, Clone, Copy)]
pub struct SignedRequest<'a> {
    /// Unix seconds, as the header spells them.
    pub timestamp: &'a str,
    pub nonce: &'a str,
    /// Upper case.
    pub method: &'a str,
    /// As sent, byte for byte: `/v1/deposits?limit=2`.
    pub path_and_query: &'a str,
    pub body: &'a [u8],
}

impl SignedRequest<'_> {
    /// The five lines, without a line feed at the end.
    pub fn string_to_sign(&self) -> String {
        let body = hex::encode(Sha256::digest(self.body));
        let Self { timestamp, nonce, method, path_and_query, .. } = self;
        format!("{timestamp}\n{nonce}\n{method}\n{path_and_query}\n{body}")
    }
}

/// The four headers that sign a request.
pub fn headers(
    key_id: &str,
    secret: &[u8],
    request: &SignedRequest<'_>,
) -> [(&'static str, String); 4] {
    [
        (KEY_HEADER, key_id.to_owned()),
        (TIMESTAMP_HEADER, request.timestamp.to_owned()),
        (NONCE_HEADER, request.nonce.to_owned()),
        (SIGNATURE_HEADER, format!("v1={}", hex::encode(mac(secret, request)))),
    ]
}

/// Whether a signature header is one of these secrets' for this request. Every secret is tried,
/// and the comparison takes the same time wherever the difference is.
pub fn matches<'s>(
    secrets: impl IntoIterator<Item = &'s [u8]>,
    request: &SignedRequest<'_>,
    signature: &str,
) -> bool {
    let Some(digits) = signature.strip_prefix("v1=") else {
        return false;
    };
    let lower = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    if digits.len() != 64 || !digits.bytes().all(lower) {
        return false;
    }
    let told = digits.as_bytes();
    let any = secrets.into_iter().fold(Choice::from(0), |found, secret| {
        found | hex::encode(mac(secret, request)).as_bytes().ct_eq(told)
    });
    bool::from(any)
}

/// 16 to 64 of `[A-Za-z0-9_-]`.
pub fn is_nonce(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    (16..=64).contains(&text.len()) && text.bytes().all(allowed)
}

fn mac(secret: &[u8], request: &SignedRequest<'_>) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes a key of any length");
    mac.update(request.string_to_sign().as_bytes());
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: SignedRequest<'_> = SignedRequest {
        timestamp: "1767225600",
        nonce: "n-0123456789abcdef",
        method: "POST",
        path_and_query: "/v1/deposits?x=%20y",
        body: br#"{"amount":"100.00"}"#,
    };

    #[test]
    fn the_signed_text_is_five_lines() {
        assert_eq!(
            REQUEST.string_to_sign(),
            "1767225600\nn-0123456789abcdef\nPOST\n/v1/deposits?x=%20y\n\
             82895c9b0ebbd4793708e46cf502aae982d1aad69b59ceccb6b132dd4380b706"
        );
    }

    #[test]
    fn the_signature_is_what_openssl_computes_over_the_same_lines() {
        let [_, _, _, (name, value)] = headers("sk_test", b"secret-of-the-vector", &REQUEST);
        assert_eq!(name, "x-request-signature");
        assert_eq!(value, "v1=f591131a59c7856a055aad1a547bb375170b33a4fe6095987b03a3e7542999e6");
    }

    #[test]
    fn either_of_two_live_secrets_verifies_and_no_other() {
        let [.., (_, signature)] = headers("k", b"new", &REQUEST);
        assert!(matches([b"old".as_slice(), b"new"], &REQUEST, &signature));
        assert!(matches([b"new".as_slice(), b"old"], &REQUEST, &signature));
        assert!(!matches([b"old".as_slice()], &REQUEST, &signature));
        assert!(!matches([], &REQUEST, &signature));
    }

    #[test]
    fn a_change_of_anything_breaks_the_signature() {
        let [.., (_, signature)] = headers("k", b"s", &REQUEST);
        let changed = [
            SignedRequest { timestamp: "1767225601", ..REQUEST },
            SignedRequest { nonce: "n-0123456789abcdeg", ..REQUEST },
            SignedRequest { method: "PUT", ..REQUEST },
            SignedRequest { path_and_query: "/v1/deposits?x= y", ..REQUEST },
            SignedRequest { body: b"{}", ..REQUEST },
        ];
        for request in changed {
            assert!(!matches([b"s".as_slice()], &request, &signature), "{request:?}");
        }
        for bad in [
            signature.to_uppercase(),
            signature.replace("v1=", ""),
            signature.replace("v1=", "v2="),
            format!("{signature}0"),
            format!("{signature} "),
            "v1=".to_owned(),
        ] {
            assert!(!matches([b"s".as_slice()], &REQUEST, &bad), "{bad}");
        }
    }

    #[test]
    fn a_nonce_has_a_length_and_an_alphabet() {
        assert!(is_nonce("abcdefghijklmnop"));
        assert!(is_nonce(&"Z_-9".repeat(16)));
        for bad in ["", "short", "abcdefghijklmno ", "abcdefghijklmnop\n", "äbcdefghijklmnop"] {
            assert!(!is_nonce(bad), "{bad:?}");
        }
        assert!(!is_nonce(&"a".repeat(65)));
    }
}
