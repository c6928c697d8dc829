//! Addresses: made from words, so that they are the same after a restart, and checked for their form.

use openssl::sha::sha256;

const BASE58: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/// How a chain writes addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// `0x` and 20 bytes in hex.
    Evm,
    /// Base58 with a check sum over `0x41` and 20 bytes: `T…`.
    Tron,
    /// Base58 with a check sum (`1…`, `3…`), or `bc1…`.
    Bitcoin,
}

impl Style {
    pub(crate) fn derive(self, words: &[&str]) -> String {
        let digest = sha256(words.join("\u{1f}").as_bytes());
        let body = &digest[..20];
        match self {
            Self::Evm => format!("0x{}", hex::encode(body)),
            Self::Tron => base58check(0x41, body),
            Self::Bitcoin => base58check(0x05, body),
        }
    }

    /// Whether a text has the form of an address.
    pub(crate) fn accepts(self, text: &str) -> bool {
        let base58 = |len: std::ops::RangeInclusive<usize>| {
            len.contains(&text.len()) && text.bytes().all(|byte| BASE58.contains(&byte))
        };
        match self {
            Self::Evm => text.strip_prefix("0x").is_some_and(|hex| {
                hex.len() == 40 && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
            }),
            Self::Tron => text.starts_with('T') && base58(34..=34),
            Self::Bitcoin => match text.strip_prefix("bc1") {
                Some(rest) => (39..=59).contains(&rest.len()),
                None => text.starts_with(['1', '3']) && base58(26..=35),
            },
        }
    }
}

fn base58check(version: u8, body: &[u8]) -> String {
    let mut bytes = vec![version];
    bytes.extend_from_slice(body);
    let check = sha256(&sha256(&bytes));
    bytes.extend_from_slice(&check[..4]);
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    // Least significant digit first.
    let mut digits: Vec<u32> = Vec::new();
    for byte in &bytes {
        let mut carry = u32::from(*byte);
        for digit in &mut digits {
            carry += *digit << 8;
            *digit = carry % 58;
            carry /= 58;
        }
        while carry > 0 {
            digits.push(carry % 58);
            carry /= 58;
        }
    }
    let digit = |value: &u32| usize::try_from(*value).ok().and_then(|at| BASE58.get(at).copied());
    let text = digits.iter().rev().filter_map(digit);
    std::iter::repeat_n(b'1', zeros).chain(text).map(char::from).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
mod tests {
    use super::{Style, base58check};

    #[test]
    fn base58_is_the_one_that_everybody_knows() {
        // The genesis block's address and the hash behind it.
        let hash = hex::decode("62e907b15cbf27d5425399ebf6f0fb50ebb88f18").unwrap();
        assert_eq!(base58check(0, &hash), "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa");
    }

    #[test]
    fn derived_addresses_have_their_form_and_others_have_not() {
        for style in [Style::Evm, Style::Tron, Style::Bitcoin] {
            let made = style.derive(&["a", "b"]);
            assert!(style.accepts(&made), "{made}");
            assert_eq!(made, style.derive(&["a", "b"]));
            assert!(!style.accepts(&made[1..]));
        }
        assert!(!Style::Tron.accepts(&Style::Bitcoin.derive(&["a"])));
    }
}
